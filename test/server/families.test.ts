/** Parents and children over HTTP: which job is whose child, which agent asked for it, and the children of a job in pages. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, type Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { recordJob } from "../../src/server/recorder.ts"
import * as Shapes from "../../src/server/shapes.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"

const Part = Fact.kind("Part", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => `part ${n}` })

/** Waits for a decision. */
const child = Program.make("child", {
  input: Schema.Struct({ n: Schema.Int }),
  agents: [
    Agent.make("works", {
      execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] })
    })
  ]
})

const family = Program.make("family", {
  input: Schema.Struct({ of: Schema.Int }),
  seed: ({ of }) => Array.from({ length: of }, (_, n) => Part.of({ n })),
  agents: [
    Agent.make("split/50%25", {
      each: Part,
      execute: ({ value: { n } }) => Effect.succeed({ intents: [Intent.child(child, { n })] })
    })
  ]
})

const folder = mkdtempSync(join(tmpdir(), "converge-families-"))
const programs = [family, child]
const options: { readonly children: ReadonlyArray<Program.Program.Any> } = { children: [child] }
const engine = options as Engine.EngineOptions
const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
let durable: Running
let memory: Running
beforeAll(async () => {
  durable = await serve({ programs }, { engine, store })
  memory = await serve({ programs }, { engine })
})
afterAll(async () => {
  await durable.stop()
  await memory.stop()
  rmSync(folder, { recursive: true, force: true })
})

const page = async (running: Running, query: Record<string, string>) => {
  const response = await running.fetch(`/api/v1/jobs?${new URLSearchParams(query).toString()}`)
  expect(response.status).toBe(200)
  return Schema.decodeUnknownSync(Shapes.JobPage)(await response.json())
}

const jobOf = async (running: Running, id: string) =>
  Schema.decodeUnknownSync(Shapes.Job)(await jsonOf(await running.fetch(`/api/v1/jobs/${encodeURIComponent(id)}`)))

const begin = async (running: Running, id: string, of: number): Promise<void> => {
  await running.post("/api/v1/jobs", { program: "family", id, input: { of } }, { prefer: "respond-async" })
  await until(async () => {
    const { jobs } = await page(running, { parent: id })
    return jobs.length === of && jobs.every(({ state }) => state === "awaiting")
  }, 20_000)
}

const startedBy = { agent: "split/50%25", cycle: 1 }

describe.each([
  ["with a durable store", () => durable],
  ["without one", () => memory]
] as const)("a server %s", (_, server) => {
  it("lists the children of a job, each with its parent and the agent that asked for it, in pages both ways", async () => {
    const running = server()
    await begin(running, "top", 5)
    await begin(running, "other", 1)
    const all = await page(running, { parent: "top" })
    expect(all.jobs.map(({ parent, startedBy: by }) => [parent, by])).toEqual(
      Array.from({ length: 5 }, () => ["top", startedBy])
    )
    const ids = all.jobs.map(({ jobId }) => jobId)
    const first = await page(running, { parent: "top", limit: "2" })
    const second = await page(running, { parent: "top", limit: "2", cursor: first.cursor! })
    const back = await page(running, { parent: "top", limit: "2", before: second.previous! })
    expect([first, second, back].map(({ jobs }) => jobs.map(({ jobId }) => jobId))).toEqual([
      ids.slice(0, 2),
      ids.slice(2, 4),
      ids.slice(0, 2)
    ])
    expect(back.previous).toBeNull()
    expect((await page(running, { parent: "top", status: "awaiting", limit: "9" })).jobs).toHaveLength(5)
    expect((await page(running, { parent: "top", status: "converged" })).jobs).toEqual([])
    expect((await page(running, { parent: ids[0]! })).jobs).toEqual([])
    expect((await page(running, { parent: "none" })).jobs).toEqual([])
  })

  it("names the parent in the answer of a child, and none in that of a job that a caller started", async () => {
    const running = server()
    await begin(running, "names", 2)
    const [{ jobId } = { jobId: "" }] = (await page(running, { parent: "names" })).jobs
    expect(await jobOf(running, jobId)).toMatchObject({ parent: "names", startedBy })
    expect(await jobOf(running, "names")).not.toHaveProperty("parent")
  })
})

describe("a server that took over", () => {
  it("knows the parents of jobs that it took up, and of jobs that it has only in its store", async () => {
    const filename = join(folder, "restarted.db")
    const first = await serve({ programs }, { engine, store: JobStore.layerSqlite({ filename }) })
    await begin(first, "top", 3)
    await first.stop()
    const record = await Effect.runPromise(Effect.provide(recordJob("top"), JobStore.layerSqlite({ filename })))
    expect(record.children.map(({ program, startedBy: by, state }) => [program, by, state])).toEqual(
      Array.from({ length: 3 }, () => ["child", startedBy, "suspended"])
    )
    expect([record.hasMoreChildren, record.job.parent]).toEqual([false, undefined])
    const second = await serve({ programs }, { engine, store: JobStore.layerSqlite({ filename }) })
    try {
      await until(async () => (await stateOf(second, "top")) === "awaiting")
      const { jobs } = await page(second, { parent: "top" })
      expect(jobs.map(({ parent, startedBy: by }) => [parent, by])).toEqual(
        Array.from({ length: 3 }, () => ["top", startedBy])
      )
      for (const { jobId } of jobs) expect(await jobOf(second, jobId)).toMatchObject({ parent: "top", startedBy })
      const journal = await jsonOf(await second.fetch(`/api/v1/jobs/${encodeURIComponent(jobs[0]!.jobId)}/journal`))
      expect(journal).toMatchObject({ parent: "top" })
    } finally {
      await second.stop()
    }
  })
})
