/** The API's insight into a job beside its state: why it ended, what runs, when tasks ran, its counts, its input, its program. */
import { rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, type Engine, Intent, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { RecordedJob } from "../../src/inspector/console/recordedJob.ts"
import { recordJob } from "../../src/server/recorder.ts"
import { infoOf } from "../../src/server/systemRoutes.ts"
import { overdue, panics, stuck } from "../support/browser/questions.ts"
import { rests } from "../support/browser/rests.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import type { RecordedCycle as RecordedShape } from "../../src/server/insightShapes.ts"
import { inline } from "../support/server/programs.ts"

class Shut extends Data.TaggedError("Shut")<{ readonly message: string }> {}

const fails = Program.make("fails", {
  input: Schema.Struct({}),
  agents: [Agent.make("knocks", { execute: () => new Shut({ message: "the door is shut" }) })]
})

const mother = Program.make("mother", {
  input: Schema.Struct({}),
  agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(fails, {}, { id: "kid" })] }) })]
})

const children: { readonly children: ReadonlyArray<Program.Program.Any> } = { children: [fails] }

type RecordedCycle = typeof RecordedShape.Type

let running: Running
const filename = join(tmpdir(), `insight-${process.pid}.db`)

beforeAll(async () => {
  running = await serve({ programs: inline }, { store: JobStore.layerSqlite({ filename }) })
})
afterAll(async () => {
  await running.stop()
  for (const end of ["", "-shm", "-wal"]) rmSync(filename + end, { force: true })
})

const get = async (path: string) => jsonOf(await running.fetch(`/api/v1/${path}`))

const start = async (program: string, input: unknown = {}): Promise<string> => {
  const response = await running.post("/api/v1/jobs", { program, input }, { prefer: "respond-async" })
  return String((await jsonOf(response))["jobId"])
}

const ended = (id: string) => until(async () => (await get(`jobs/${id}`))["haltedAt"] !== null)

describe("a diagnosis", () => {
  it("answers in one sentence why a job failed, with the error and its agent", async () => {
    const id = await start("fails")
    await ended(id)
    const found = await get(`jobs/${id}/diagnosis`)
    expect(found).toMatchObject({ status: "failed", error: { _tag: "AgentFailed" }, failure: { count: 1 } })
    expect(found["headline"]).toMatch(/^Agent ".+" failed.* in cycle 1: /)
    // Asked again, the same events do not count twice.
    expect(await get(`jobs/${id}/diagnosis`)).toEqual(found)
  })

  it("has the stack of the error for those who may steer, and for nobody else; a result has none", async () => {
    const tokens = ["all-rights", { name: "reader", token: "may-read", scopes: ["read"] as const }]
    const locked = await serve({ programs: [panics], tokens })
    try {
      const { body } = await locked.post("/api/v1/jobs", { program: "panics", id: "threw", input: {} })
      await body?.cancel()
      const ask = async (token: string, path: string) =>
        jsonOf(await locked.fetch(`/api/v1/jobs/threw${path}`, { headers: { authorization: `Bearer ${token}` } }))
      await until(async () => (await ask("may-read", ""))["state"] === "failed")
      expect((await ask("all-rights", "/diagnosis"))["stack"]).toMatch(
        /^TypeError: no such field: price\n +at brokenParser/
      )
      expect(await ask("may-read", "/diagnosis")).toMatchObject({ status: "failed", stack: null })
      expect(JSON.stringify(await ask("all-rights", ""))).not.toContain("at brokenParser")
    } finally {
      await locked.stop()
    }
  })

  it("has no stack where the error is read from a journal, which has no frames", async () => {
    const file = join(tmpdir(), `insight-stack-${process.pid}.db`)
    const below = () => ({ store: JobStore.layerSqlite({ filename: file }) })
    const stackOf = async ({ fetch }: Running) => (await jsonOf(await fetch("/api/v1/jobs/fell/diagnosis")))["stack"]
    let own = await serve({ programs: [fails] }, below())
    try {
      await own.post("/api/v1/jobs", { program: "fails", id: "fell", input: {} })
      expect(await stackOf(own)).toMatch(/\n +at /)
      await own.stop()
      own = await serve({ programs: [fails] }, below())
      // A page of the result makes the server take the ended job up.
      expect(await jsonOf(await own.fetch("/api/v1/jobs/fell"))).toMatchObject({ result: { status: "failed" } })
      expect(await stackOf(own)).toBeNull()
    } finally {
      await own.stop()
      for (const end of ["", "-shm", "-wal"]) rmSync(file + end, { force: true })
    }
  })

  it("names the child job that failed, with its id: live, of a past cycle, in a record and after a restart", async () => {
    const file = join(tmpdir(), `insight-child-${process.pid}.db`)
    const below = (): Parameters<typeof serve>[1] => ({
      engine: children as Engine.EngineOptions,
      store: JobStore.layerSqlite({ filename: file })
    })
    const all = { programs: [mother, fails] }
    const found = {
      headline: expect.stringMatching(
        /^The child job "kid" of "fails", which agent "asks" asked for in cycle 1, failed: /
      ),
      failure: { agent: "asks", _tag: "IntentFailed", count: 1 },
      child: "mum/1/asks//0"
    }
    const ask = async ({ fetch }: Running, query = "") => jsonOf(await fetch(`/api/v1/jobs/mum/diagnosis${query}`))
    let own = await serve(all, below())
    try {
      await own.post("/api/v1/jobs", { program: "mother", id: "mum", input: {} })
      await until(async () => (await ask(own))["status"] === "failed", 20_000)
      expect(await ask(own)).toMatchObject(found)
      expect((await own.fetch(`/api/v1/jobs/${encodeURIComponent(found.child)}`)).status).toBe(200)
      const waited = `In cycle 1 it executed 1 task of "asks". Then it waited for a child job, and went on later.`
      const past = await ask(own, "?at=1")
      expect(past).toMatchObject({ headline: waited, standing: { state: "awaiting", hasResumed: true } })
      expect(past["child"]).toBeUndefined()
      expect(await ask(own, "?at=2")).toMatchObject({ child: found.child })
      await own.stop()
      own = await serve(all, below())
      expect(await ask(own)).toMatchObject(found)
    } finally {
      await own.stop()
    }
    const store = Layer.fresh(JobStore.layerSqlite({ filename: file, readOnly: true }))
    const record = await Effect.runPromise(Effect.provide(recordJob("mum"), store))
    expect(record.diagnosis).toMatchObject(found)
    const recorded = new RecordedJob(record)
    expect(recorded.answer("jobs/mum/diagnosis?at=2")).toMatchObject({ ok: true, value: { child: found.child } })
    for (const end of ["", "-shm", "-wal"]) rmSync(file + end, { force: true })
  })

  it("says why a budget was used up, and which kind grows", async () => {
    const id = await start("exhausts")
    await ended(id)
    const found = await get(`jobs/${id}/diagnosis`)
    expect(found).toMatchObject({ status: "budget-exhausted", error: { _tag: "BudgetExhausted" } })
    expect((found["growth"] as ReadonlyArray<object>).length).toBeGreaterThan(0)
  })

  it("is there for a job that lives, and is 404 for one that is unknown", async () => {
    const id = await start("waiting")
    await until(async () => Number((await get(`jobs/${id}`))["cycle"]) >= 2)
    expect(await get(`jobs/${id}/diagnosis`)).toMatchObject({ status: null, headline: "It runs, in cycle 3." })
    const headline = async () => String((await get(`jobs/${id}/diagnosis`))["headline"])
    await until(async () => /^It waits for "wait" on Step\/2, which has run for 2\.\d s\.$/.test(await headline()))
    expect((await running.fetch("/api/v1/jobs/nobody/diagnosis")).status).toBe(404)
    await running.post(`/api/v1/jobs/${id}/cancel`)
  })
})

describe("the tasks of a job", () => {
  it("are those that run at this moment", async () => {
    const id = await start("waiting")
    await until(async () => ((await get(`jobs/${id}/tasks`))["running"] as ReadonlyArray<object>).length > 0)
    expect(await get(`jobs/${id}/tasks`)).toMatchObject({
      cycle: 3,
      tasks: 1,
      running: [{ agent: "wait", each: { kind: "Step", id: "2" }, worker: 0, attempt: 1 }],
      waits: 0,
      spentMs: { executing: expect.any(Number) }
    })
    const { createdAt } = await get(`jobs/${id}`)
    expect(Math.abs(Number((await get(`jobs/${id}/tasks`))["now"]) - Date.now())).toBeLessThan(5_000)
    expect((await get(`jobs/${id}/tasks`))["since"]).toBeGreaterThanOrEqual(Number(createdAt) - 1_000)
    await running.post(`/api/v1/jobs/${id}/cancel`)
    const after = await get(`jobs/${id}/tasks`)
    expect(after).toMatchObject({ tasks: 0, running: [] })
    // The time of an ended job stands still.
    expect((await get(`jobs/${id}/tasks`))["spentMs"]).toEqual(after["spentMs"])
  })
})

describe("the tasks of a cycle under way", () => {
  const parse = {
    agent: "parse",
    discarded: null,
    attempts: 1,
    startMs: expect.any(Number),
    tookMs: expect.any(Number)
  }

  it.each([
    ["a durable store", JobStore.layerSqlite({ filename: join(tmpdir(), `late-${process.pid}.db`) })],
    ["a store in memory", JobStore.layerMemory]
  ])(
    "are there for a viewer who comes late: those that have ended, and since when others wait; with %s",
    async (_, store) => {
      const late = await serve({ programs: [stuck] }, { store, pool: WorkerPool.layer({ size: 2 }) })
      try {
        const began = Date.now()
        await late.post("/api/v1/jobs", { program: "stuck", id: "s", input: {} }, { prefer: "respond-async" })
        const look = async () => jsonOf(await late.fetch("/api/v1/jobs/s/tasks"))
        await until(async () => (await look())["ends"] === 4, 20_000)
        const now = await look()
        expect(now).toMatchObject({ tasks: 7, ends: 4, waits: 1, pool: { size: 2, busy: 1 } })
        expect(now["ended"]).toHaveLength(4)
        for (const task of now["ended"] as ReadonlyArray<Record<string, number>>) {
          expect(task).toMatchObject(parse)
          expect(task["tookMs"]).toBeGreaterThan(15)
          expect([1, 2]).toContain(task["worker"])
        }
        expect(now["waiting"]).toMatchObject([{ agent: "sit", for: "concurrency" }])
        const [{ since }] = now["waiting"] as [{ since: number }]
        for (const time of [since, now["began"]]) {
          expect(time).toBeGreaterThan(began - 50)
          expect(time).toBeLessThan(began + 15_000)
        }
        expect((await look())["waiting"]).toMatchObject([{ since: expect.closeTo(since, -1) }])
      } finally {
        await late.stop()
      }
    }
  )
})

describe("the timeline of a task that was ended for its timeout", () => {
  it("begins when the task began, also where the watchdog was held up", async () => {
    const file = join(tmpdir(), `overdue-${process.pid}.db`)
    const store = JobStore.layerSqlite({ filename: file })
    const held = await serve({ programs: [overdue] }, { store, pool: WorkerPool.layer({ size: 1 }) })
    try {
      await held.post("/api/v1/jobs", { program: "overdue", id: "o", input: {} }, { prefer: "respond-async" })
      const look = async () => jsonOf(await held.fetch("/api/v1/jobs/o/tasks"))
      await until(
        async () => Array.isArray((await look())["running"]) && JSON.stringify(await look()).includes('"ms"'),
        20_000
      )
      const seen = Date.now()
      const end = performance.now() + 1_000
      while (performance.now() < end);
      await until(async () => (await jsonOf(await held.fetch("/api/v1/jobs/o")))["haltedAt"] !== null, 20_000)
      const page = await jsonOf(await held.fetch("/api/v1/jobs/o/timeline"))
      const [{ at, recorded, tookMs }] = page["cycles"] as [RecordedCycle]
      expect(recorded).toMatchObject([{ agent: "parse", discarded: "AgentTimedOut" }])
      expect(at - (tookMs ?? 0) + (recorded[0]?.startMs ?? 0)).toBeLessThan(seen + 50)
      expect(recorded[0]?.tookMs).toBeGreaterThan(1_000)
    } finally {
      await held.stop()
      for (const part of ["", "-shm", "-wal"]) rmSync(file + part, { force: true })
    }
  })
})

describe("the timeline of a job", () => {
  it("has its cycles in pages, with the time of each commit", async () => {
    const id = await start("count", { to: 5 })
    await ended(id)
    const first = await get(`jobs/${id}/timeline?limit=4`)
    const second = await get(`jobs/${id}/timeline?limit=4&after=${String(first["cursor"])}`)
    const cycles = [first, second].flatMap((page) => page["cycles"] as ReadonlyArray<Record<string, unknown>>)
    expect(cycles.map(({ agents, cycle, facts, tasks }) => [cycle, tasks, facts, agents])).toEqual([
      [1, 1, 1, { count: 1 }],
      [2, 1, 1, { count: 1 }],
      [3, 1, 1, { count: 1 }],
      [4, 1, 1, { count: 1 }],
      [5, 1, 1, { count: 1 }],
      [6, 1, 0, { count: 1 }]
    ])
    // It never rested, and has run for longer at each commit.
    expect(cycles.map(({ notes }) => notes)).toEqual(Array.from({ length: 6 }, () => undefined))
    const ran = cycles.map(({ ranMs }) => Number(ranMs))
    expect(ran).toEqual(ran.toSorted((a, b) => a - b))
    expect(first["cursor"]).toBe("4")
    expect(second["cursor"]).toBeNull()
    const times = cycles.map(({ at }) => Number(at))
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

describe("the timeline of a job that has rested", () => {
  it("names the rests before each cycle, and how long the job had run by then", async () => {
    const store = JobStore.layerMemoryJournal
    const held = await serve({ programs: [rests] }, { store })
    try {
      const ask = async (path: string) => jsonOf(await held.fetch(`/api/v1/jobs/r${path}`))
      await held.post(
        "/api/v1/jobs",
        { program: "rests", id: "r", input: { links: 1, ms: 2 } },
        { prefer: "respond-async" }
      )
      await until(async () => (await ask(""))["state"] === "awaiting", 20_000)
      const rested = Date.now()
      await until(() => Promise.resolve(Date.now() - rested > 300))
      await (await held.post("/api/v1/jobs/r/approvals/more", { decision: "approve" })).body?.cancel()
      await until(async () => (await ask(""))["haltedAt"] !== null, 20_000)
      const { cycles } = (await ask("/timeline")) as { readonly cycles: ReadonlyArray<RecordedCycle> }
      const index = cycles.findIndex(({ notes }) => notes !== undefined)
      const [before, after] = [cycles[index - 1]!, cycles[index]!]
      expect(after.notes).toEqual(["Awaiting", "Resumed"])
      expect(cycles.filter(({ notes }) => notes !== undefined)).toHaveLength(1)
      const still = after.at - before.at - (after.ranMs! - before.ranMs!)
      expect(still).toBeGreaterThanOrEqual(290)
      expect(still).toBeLessThanOrEqual(Date.now() - rested + 50)
    } finally {
      await held.stop()
    }
  })
})

describe("the counts and the input of a job", () => {
  it("are of facts, now and after any cycle", async () => {
    const id = await start("count", { to: 5 })
    await ended(id)
    expect(await get(`jobs/${id}/kinds`)).toEqual({ cycle: 6, kinds: { Note: 1, Step: 6 } })
    expect(await get(`jobs/${id}/kinds?at=2`)).toEqual({ cycle: 2, kinds: { Note: 1, Step: 3 } })
    expect((await running.fetch(`/api/v1/jobs/${id}/kinds?at=99`)).status).toBe(404)
    expect(await get(`jobs/${id}/input`)).toMatchObject({ input: { to: 5 }, budget: { cycles: 1_000, duration: null } })
  })
})

describe("a program", () => {
  it("has a graph: what each agent reads and writes, in which tier", async () => {
    const { programs } = (await get("programs")) as { programs: ReadonlyArray<{ name: string; graph: object }> }
    expect(programs.find(({ name }) => name === "count")?.graph).toEqual({
      agents: [
        {
          name: "count",
          form: "fiber",
          tier: 0,
          each: "Step",
          reads: ["Step", "Note"],
          writes: ["Step"],
          intents: [],
          timeoutMs: null
        }
      ],
      kinds: [
        { name: "Step", conflict: "reject", latest: null },
        { name: "Note", conflict: "reject", latest: null }
      ],
      intents: [],
      signals: [],
      invariants: []
    })
  })
})

describe("the agents of a program's graph", () => {
  it("say how many of their tasks run at a time, and how soon one after the other, if they declare that", async () => {
    const pages = Program.make("pages", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("free", { execute: () => Effect.succeed({}) }),
        Agent.make("two", { concurrency: 2, execute: () => Effect.succeed({}) }),
        Agent.make("apart", { concurrency: { gap: "50 millis" }, execute: () => Effect.succeed({}) }),
        Agent.make("keyed", {
          each: Intent.Decision,
          concurrency: { limit: 3, per: ({ value: { approval } }) => approval },
          execute: () => Effect.succeed({})
        })
      ]
    })
    expect(infoOf(pages).graph.agents.map(({ concurrency, name }) => [name, concurrency])).toEqual([
      ["free", undefined],
      ["two", { limit: 2, gapMs: 0, isPerKey: false }],
      ["apart", { limit: null, gapMs: 50, isPerKey: false }],
      ["keyed", { limit: 3, gapMs: 0, isPerKey: true }]
    ])
  })
})

describe("the history of a fact", () => {
  it("has all of its values, page by page, and those up to a cycle", async () => {
    const id = await start("exhausts")
    await ended(id)
    const { facts } = (await get(`jobs/${id}/facts`)) as { readonly facts: ReadonlyArray<{ kind: string; id: string }> }
    const [first] = facts
    const { id: fact, kind } = first!
    const name = new URLSearchParams({ kind, fact }).toString()
    expect(await get(`jobs/${id}/history?${name}`)).toEqual({ revisions: [first], cursor: null, previous: null })
    expect(await get(`jobs/${id}/history?kind=${kind}&fact=nobody`)).toEqual({
      revisions: [],
      cursor: null,
      previous: null
    })
    expect((await running.fetch(`/api/v1/jobs/${id}/history?${name}&cursor=x`)).status).toBe(400)
    expect((await running.fetch(`/api/v1/jobs/nobody/history?${name}`)).status).toBe(404)
  })
})

describe("the rights of a token", () => {
  it("are told to the one who sends it", async () => {
    expect(await get("me")).toEqual({ name: null, scopes: ["read", "steer"], programs: null })
    const tokens = [{ name: "reader", token: "look", scopes: ["read"] as const, programs: ["count"] }]
    const locked = await serve({ programs: inline, tokens })
    try {
      expect(await jsonOf(await locked.fetch("/api/v1/me"))).toEqual({
        name: "reader",
        scopes: ["read"],
        programs: ["count"]
      })
      expect((await fetch(`${locked.url}/api/v1/me`)).status).toBe(401)
    } finally {
      await locked.stop()
    }
  })
})
