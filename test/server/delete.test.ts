/** The deletion of one job over HTTP: what goes with it, what is refused, and who may. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, type Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { asks, count, signalled, waiting } from "../support/server/programs.ts"

const Num = Fact.kind("Num", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** A job with two children: one ends at once, and the other waits for a decision. */
const child = Program.make("child", {
  input: Schema.Struct({ waits: Schema.Boolean }),
  kinds: [Num],
  seed: () => [Num.of({ n: 1 })],
  agents: [
    Agent.make("waits", {
      execute: (view) =>
        Effect.succeed(
          (view.input as { readonly waits: boolean }).waits ? { intents: [Intent.approval({ id: "go" })] } : {}
        )
    })
  ]
})
const family = Program.make("family", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", {
      execute: () =>
        Effect.succeed({ intents: [Intent.child(child, { waits: false }), Intent.child(child, { waits: true })] })
    })
  ]
})

const folder = mkdtempSync(join(tmpdir(), "converge-delete-"))
const programs = [count, waiting, signalled, asks, family, child]
const tokens = [
  "all",
  { name: "some", token: "some", programs: ["count"] },
  { name: "r", token: "reads", scopes: ["read"] }
] as const

let durable: Running
let memory: Running
beforeAll(async () => {
  const options: { readonly children: ReadonlyArray<Program.Program.Any> } = { children: [child] }
  const engine = options as Engine.EngineOptions
  const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
  durable = await serve({ programs, tokens }, { engine, store })
  memory = await serve({ programs, tokens }, { engine })
})
afterAll(async () => {
  await durable.stop()
  await memory.stop()
  rmSync(folder, { recursive: true, force: true })
})

const path = (id: string) => `/api/v1/jobs/${encodeURIComponent(id)}`
const remove = async (running: Running, id: string, token = "all") => {
  const response = await running.fetch(path(id), { method: "DELETE", headers: { authorization: `Bearer ${token}` } })
  const { deleted, detail, state, type } = await jsonOf(response)
  const problem = typeof type === "string" ? type.replace("urn:effect-converge:", "") : undefined
  return { status: response.status, deleted, problem, detail, state }
}

describe.each([
  ["with a durable store", () => durable],
  ["without one", () => memory]
] as const)("a server %s", (_, server) => {
  it("deletes a job that has ended: it is in no list, none of its routes knows it, and its id is free", async () => {
    const running = server()
    const start = (to: number) => running.post("/api/v1/jobs", { program: "count", id: "one", input: { to } })
    expect((await start(3)).status).toBe(200)
    const before = await jsonOf(await running.fetch(path("one")))
    expect(await remove(running, "one")).toMatchObject({ status: 200, deleted: 1 })
    for (const route of [
      "",
      "/facts",
      "/events",
      "/diagnosis",
      "/tasks",
      "/timeline",
      "/kinds",
      "/input",
      "/telemetry"
    ]) {
      expect((await running.fetch(path("one") + route)).status, route).toBe(404)
    }
    const { jobs } = (await jsonOf(await running.fetch("/api/v1/jobs?program=count"))) as {
      jobs: ReadonlyArray<unknown>
    }
    expect(jobs).toEqual([])
    expect(await remove(running, "one")).toMatchObject({ status: 404, problem: "UnknownJob" })
    // Another body is no other job's any more.
    expect((await start(4)).status).toBe(200)
    expect((await jsonOf(await running.fetch(path("one"))))["hash"]).not.toBe(before["hash"])
    expect(
      ((await jsonOf(await running.fetch(`${path("one")}/facts`)))["facts"] as ReadonlyArray<unknown>).length
    ).toBe(6)
    expect(await remove(running, "one")).toMatchObject({ deleted: 1 })
  })

  it("keeps nothing of its telemetry", async () => {
    const running = server()
    await running.post("/api/v1/jobs", { program: "signalled", id: "told" }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, "told")) === "running")
    const viewer = await running.fetch(`${path("told")}/telemetry`)
    await running.post(`${path("told")}/cancel`)
    expect(await viewer.text()).toContain("event: Ended")
    expect((await running.fetch(`${path("told")}/telemetry`)).status).toBe(200)
    await remove(running, "told")
    expect((await running.fetch(`${path("told")}/telemetry`)).status).toBe(404)
    await running.post("/api/v1/jobs", { program: "signalled", id: "told" }, { prefer: "respond-async" })
    await running.post(`${path("told")}/cancel`)
    expect((await running.fetch(`${path("told")}/telemetry`)).status).toBe(409)
  })

  it("refuses a job that runs, is paused or awaits something, and says to cancel it first", async () => {
    const running = server()
    const begin = async (program: string, id: string, state: string) => {
      await running.post("/api/v1/jobs", { program, id }, { prefer: "respond-async" })
      await until(async () => (await stateOf(running, id)) === state)
    }
    await begin("waiting", "runs", "running")
    await begin("asks", "awaits", "awaiting")
    for (const [id, state] of [
      ["runs", "running"],
      ["awaits", "awaiting"]
    ] as const) {
      const detail = `the job ${id} has not ended, it is ${state}: cancel it first`
      expect(await remove(running, id)).toMatchObject({ status: 409, problem: "JobUnfinished", state, detail })
      expect(await stateOf(running, id)).toBe(state)
      expect((await running.post(`${path(id)}/cancel`)).status).toBe(200)
      expect(await remove(running, id)).toMatchObject({ status: 200, deleted: 1 })
    }
    const { approvals } = await jsonOf(await running.fetch("/api/v1/approvals"))
    expect(approvals).toEqual([])
  })

  it("deletes the jobs below a job with it, and no child of a job that has not ended", async () => {
    const running = server()
    await running.post("/api/v1/jobs", { program: "family", id: "top" }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, "top/1/asks//1".replaceAll("/", "%2F"))) === "awaiting")
    // Without a store, a server knows of a child only if it was asked for it while the child lived.
    if (running === durable) {
      await until(async () => (await stateOf(running, "top/1/asks//0".replaceAll("/", "%2F"))) === "converged")
      expect(await remove(running, "top/1/asks//0")).toMatchObject({ status: 409, problem: "JobNeeded" })
    }
    expect(await remove(running, "top/1/asks//1")).toMatchObject({ status: 409, problem: "JobUnfinished" })
    expect(await remove(running, "top")).toMatchObject({ status: 409, problem: "JobUnfinished" })
    await running.post(`${path("top")}/cancel`)
    expect(await remove(running, "top")).toMatchObject({ status: 200, deleted: running === durable ? 3 : 2 })
    for (const id of ["top", "top/1/asks//0", "top/1/asks//1"]) expect((await running.fetch(path(id))).status).toBe(404)
  })

  it("needs a token that may steer, and that is not limited to some programs", async () => {
    const running = server()
    await running.post("/api/v1/jobs", { program: "count", id: "kept", input: { to: 1 } })
    for (const token of ["some", "reads"]) {
      expect(await remove(running, "kept", token)).toMatchObject({ status: 403, problem: "Forbidden" })
    }
    expect(await remove(running, "kept", "none")).toMatchObject({ status: 401 })
    expect((await running.fetch(path("kept"))).status).toBe(200)
    expect(await remove(running, "kept")).toMatchObject({ status: 200 })
  })
})

describe("a job of a store", () => {
  it("is deleted if no engine runs it, finished or not, and is refused while another engine does", async () => {
    const filename = join(folder, "shared.db")
    const other = await serve({ programs: [waiting, count] }, { store: JobStore.layerSqlite({ filename }) })
    // This server does not know the program, so it does not run the job.
    const running = await serve({ programs: [count] }, { store: JobStore.layerSqlite({ filename }) })
    try {
      await other.post("/api/v1/jobs", { program: "waiting", id: "held" }, { prefer: "respond-async" })
      await other.post("/api/v1/jobs", { program: "count", id: "ended", input: { to: 1 } })
      expect(await remove(running, "held")).toMatchObject({ status: 409, problem: "JobHeld" })
      expect(await remove(running, "ended")).toMatchObject({ status: 200, deleted: 1 })
      await other.stop()
      expect(await stateOf(running, "held")).toBe("suspended")
      expect(await remove(running, "held")).toMatchObject({ status: 200, deleted: 1 })
      expect((await running.fetch(path("held"))).status).toBe(404)
    } finally {
      await running.stop()
    }
  })

  it("whose journal another process deleted leaves its id free, for a start and for a fork", async () => {
    const filename = join(folder, "elsewhere.db")
    const store = JobStore.layerSqlite({ filename })
    const running = await serve({ programs: [count] }, { store })
    const elsewhere = (id: string) =>
      Effect.runPromise(
        JobStore.JobStore.use((other) => other.remove(id)).pipe(Effect.provide(Layer.fresh(store)), Effect.scoped)
      )
    const start = async (id: string, to: number) =>
      (await running.post("/api/v1/jobs", { program: "count", id, input: { to } })).status
    try {
      expect(await start("first", 1)).toBe(200)
      expect(await start("first", 2)).toBe(409)
      expect(await elsewhere("first")).toBe(1)
      expect(await start("first", 2)).toBe(200)
      expect(await start("other", 1)).toBe(200)
      const fork = async () => (await running.post(`${path("first")}/fork`, { id: "other" })).status
      expect(await fork()).toBe(409)
      expect(await elsewhere("other")).toBe(1)
      expect(await fork()).toBe(202)
    } finally {
      await running.stop()
    }
  })

  it("is not deleted where the store cannot", async () => {
    const failing = Layer.effect(
      JobStore.JobStore,
      Effect.map(JobStore.JobStore, (store) => ({
        ...store,
        remove: () => Effect.fail(new JobStore.StoreError({ reason: "full", message: "/secret/jobs.db is full" }))
      }))
    ).pipe(Layer.provide(JobStore.layerMemoryJournal))
    const running = await serve({ programs: [count] }, { store: failing })
    try {
      await running.post("/api/v1/jobs", { program: "count", id: "kept", input: { to: 1 } })
      const refused = await remove(running, "kept")
      expect(refused).toMatchObject({ status: 503, problem: "Unavailable", detail: "the store failed: full" })
      expect((await running.fetch(path("kept"))).status).toBe(200)
    } finally {
      await running.stop()
    }
  })
})
