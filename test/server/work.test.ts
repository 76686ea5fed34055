/** Where the time of a job went, and how many tasks its agents had: of ended jobs, of those taken up again, of a past cycle. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { RecordedJob } from "../../src/inspector/console/recordedJob.ts"
import { recordJob } from "../../src/server/recorder.ts"
import { programs } from "../support/browser/questions.ts"
import { programs as others } from "../support/browser/programs.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ id: Schema.Int }), id: ({ id }) => String(id) })

/** Every second task fails at once. */
const halves = Program.make("halves", {
  input: Schema.Struct({}),
  seed: () => [1, 2, 3, 4].map((id) => Item.of({ id })),
  agents: [
    Agent.make("half", {
      each: Item,
      onFailure: "discard",
      execute: ({ value: { id } }) => (id % 2 === 0 ? Effect.succeed({}) : Effect.fail({ _tag: "Odd" }))
    })
  ]
})

interface Work {
  readonly cycle: number
  readonly spentMs: Readonly<Record<string, number>>
  readonly untoldMs: number
  readonly awayMs: number
  readonly measuredMs: number | null
  readonly agents: Readonly<Record<string, { readonly tasks: number; readonly discarded: number }>>
}

let folder: string
let running: Running
const below = () => ({ store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) })
const all = { programs: [halves, ...programs, ...others] }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "work-"))
  running = await serve(all, below())
})
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
})

const get = async (path: string) => jsonOf(await running.fetch(`/api/v1/jobs/${path}`))
// The shape is that of the API, which the route's schema holds.
const workOf = async (path: string) => (await get(path)) as unknown as Work
const start = (program: string, id: string, input: object = {}) =>
  running.post("/api/v1/jobs", { program, id, input }, { prefer: "respond-async" })
const reach = (id: string, state: string) => until(async () => (await get(id))["state"] === state, 20_000)

const total = ({ awayMs, spentMs, untoldMs }: Work): number =>
  Object.values(spentMs).reduce((sum, ms) => sum + ms, awayMs + untoldMs)

const restart = async (): Promise<void> => {
  await running.stop()
  running = await serve(all, below())
}

describe("the work of a job", () => {
  it("is all of its time, from its beginning to its end, after a restart, too", async () => {
    await start("counts", "counted", { to: 3, ms: 30 })
    await until(async () => (await get("counted"))["haltedAt"] !== null, 20_000)
    await restart()
    const { createdAt, haltedAt } = await get("counted")
    const found = await workOf("counted/work?agents=true")
    expect(found).toMatchObject({ cycle: 4, agents: { count: { tasks: 4, discarded: 0 } } })
    expect(found.spentMs["executing"]).toBeGreaterThanOrEqual(85)
    expect(Math.abs(total(found) - (Number(haltedAt) - Number(createdAt)))).toBeLessThan(20)
    expect((await workOf("counted/work")).agents).toEqual({})
  })

  it("counts the rest of a job in the processes that held it, and what it cannot tell", async () => {
    await start("sends", "asked")
    await reach("asked", "awaiting")
    const before = await workOf("asked/work")
    const { agents } = await workOf("asked/work?agents=true")
    expect(agents).toEqual({ ask: { tasks: 1, discarded: 0, intents: { Approval: 1 } } })
    await restart()
    await until(async () => (await workOf("asked/work")).measuredMs !== null, 20_000)
    const found = await workOf("asked/work")
    expect(found.spentMs["awaiting"]).toBeGreaterThan(before.spentMs["awaiting"] ?? 0)
    // It waited for longer than this server has it.
    expect(found.spentMs["awaiting"]).toBeGreaterThan(found.measuredMs ?? 0)
    const { createdAt } = await get("asked")
    expect(Math.abs(total(found) - (Date.now() - Number(createdAt)))).toBeLessThan(2_000)
  })

  it("waits, and is paused, since the commit of its last cycle, although it was taken up later", async () => {
    await start("sends", "asked long")
    await start("counts", "paused long", { to: 1_000, ms: 20 })
    await until(async () => Number((await get("paused long"))["cycle"]) >= 1, 20_000)
    await running.post("/api/v1/jobs/paused%20long/pause")
    const rests = [
      ["asked long", "awaiting"],
      ["paused long", "paused"]
    ] as const
    for (const [id, state] of rests) await reach(id, state)
    const sinceOf = async (id: string) => Number((await get(`${encodeURIComponent(id)}/tasks`))["since"])
    const before = await Promise.all(rests.map(([id]) => sinceOf(id)))
    // So much time is more than the clocks differ by.
    await until(() => Promise.resolve(Date.now() > Math.max(...before) + 300))
    await restart()
    const takenAt = Date.now()
    for (const [id, state] of rests) await reach(id, state)
    for (const [place, [id]] of rests.entries()) {
      const since = await sinceOf(id)
      expect(since).toBeLessThan(takenAt - 200)
      expect(Math.abs(since - (before[place] ?? 0))).toBeLessThan(150)
    }
    await running.post("/api/v1/jobs/paused%20long/resume")
    await reach("paused long", "running")
    expect(await sinceOf("paused long")).toBeGreaterThanOrEqual(takenAt - 50)
    for (const [id] of rests) await running.post(`/api/v1/jobs/${encodeURIComponent(id)}/cancel`)
  })

  it("says so where a process was lost in the middle of a cycle", async () => {
    await start("varied", "torn", { isHeld: true })
    await until(async () => Number((await get("torn"))["cycle"]) === 1, 20_000)
    await restart()
    await until(async () => (await workOf("torn/work")).measuredMs !== null, 20_000)
    const found = await workOf("torn/work?agents=true")
    expect(found.awayMs).toBeGreaterThan(0)
    expect(found.agents).toEqual({ open: { tasks: 1, discarded: 0 } })
    await running.post("/api/v1/jobs/torn/cancel")
  })

  it("is the same in a record of the job, which has none of a past cycle", async () => {
    const store = Layer.fresh(JobStore.layerSqlite({ filename: join(folder, "jobs.db"), readOnly: true }))
    const record = await Effect.runPromise(Effect.provide(recordJob("counted"), store))
    const recorded = new RecordedJob(record)
    const answer = recorded.answer("jobs/counted/work?agents=true")
    expect(answer).toEqual({ ok: true, value: await get("counted/work?agents=true") })
    expect(recorded.answer("jobs/counted/work")).toEqual({ ok: true, value: await get("counted/work") })
    expect(recorded.answer("jobs/counted/work?at=2")).toMatchObject({ ok: false, problem: { status: 404 } })
  })

  it("goes up to a past cycle, and refuses one that is to come", async () => {
    const found = await workOf("counted/work?agents=true&at=2")
    expect(found).toMatchObject({ cycle: 2, agents: { count: { tasks: 2, discarded: 0 } } })
    expect(total(found)).toBeLessThan(total(await workOf("counted/work")))
    expect((await running.fetch("/api/v1/jobs/counted/work?at=99")).status).toBe(404)
  })
})

describe("a task that fails at once", () => {
  it("is named by the timeline although its times are not recorded, and counted as discarded", async () => {
    await start("halves", "halved")
    await reach("halved", "converged")
    const page = await get("halved/timeline")
    const [cycle] = page["cycles"] as ReadonlyArray<Readonly<Record<string, ReadonlyArray<object>>>>
    const named = [...(cycle?.["untimed"] ?? []), ...(cycle?.["recorded"] ?? [])]
    const failed = named.filter((task) => "discarded" in task && task.discarded === "AgentFailed")
    expect(failed.map((task) => ("each" in task ? task.each : undefined))).toEqual([
      { kind: "Item", id: "1" },
      { kind: "Item", id: "3" }
    ])
    const { agents } = await workOf("halved/work?agents=true")
    expect(agents).toEqual({ half: { tasks: 4, discarded: 2 } })
  })
})
