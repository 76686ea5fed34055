/** Long values in lists: the API cuts them where it is asked to, says how long they are, and gives the whole where it is asked for. */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import * as Shapes from "../../src/server/shapes.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { count } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "previews-"))
const length = 100_000

const Text = Fact.kind("Text", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: ({ id }) => id,
  conflict: "keepLast"
})
const Whole = Fact.kind("Number", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** Facts of two kinds in turns, one of them long, that is revised; then it asks. */
const texts = Program.make("texts", {
  input: Schema.Struct({ ends: Schema.Boolean }),
  signals: [Intent.Decision],
  kinds: [Whole],
  seed: () => [
    Text.of({ id: "long", text: "😀".repeat(length / 2) }),
    ...Array.from({ length: 30 }, (_, n) => (n % 3 === 0 ? Text.of({ id: `t${n}`, text: "short" }) : Whole.of({ n })))
  ],
  agents: [
    Agent.make("revises", {
      writes: [Text],
      execute: () => Effect.succeed({ facts: [Text.of({ id: "long", text: "y".repeat(length) })] })
    }),
    Agent.make("asks", {
      execute: (view) =>
        Effect.succeed({
          intents: (view.input as { readonly ends: boolean }).ends
            ? []
            : [Intent.approval({ id: "ask", question: "May it?", data: { text: "d".repeat(length) } })]
        })
    })
  ],
  output: () => ({ text: "o".repeat(length) })
})

/** A number of facts at the beginning, and an output of a length. */
const answers = Program.make("answers", {
  input: Schema.Struct({ length: Schema.Int, seeds: Schema.Int }),
  kinds: [Whole],
  seed: ({ seeds }) => Array.from({ length: seeds }, (_, n) => Whole.of({ n })),
  agents: [Agent.make("looks", { execute: () => Effect.succeed({}) })],
  budget: { maxFacts: 100_000 },
  output: (view) => "o".repeat(view.input.length)
})

class Broken extends Data.TaggedError("Broken")<{ readonly text: string }> {}

const Told = Intent.kind("Told", { payload: Schema.String, record: true })

/** Tells something long; then one agent fails at length and is discarded, and another one ends the job at length. */
const breaks = Program.make("breaks", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("tells", {
      writes: [Whole],
      intents: [Told],
      execute: () => Effect.succeed({ facts: [Whole.of({ n: 1 })], intents: [Told.of("t".repeat(length))] })
    }),
    Agent.make("tries", {
      onFailure: "discard",
      execute: () => Effect.fail(new Broken({ text: "b".repeat(length) }))
    }),
    Agent.make("fails", { each: Whole, execute: () => Effect.fail(new Broken({ text: "B".repeat(length) })) })
  ]
})

/** Five intents, and four tasks that are discarded. */
const tells = Program.make("tells", {
  input: Schema.Struct({}),
  seed: () => Array.from({ length: 4 }, (_, n) => Whole.of({ n })),
  agents: [
    Agent.make("tells", {
      intents: [Told],
      execute: () => Effect.succeed({ intents: Array.from({ length: 5 }, (_, n) => Told.of(`${n}`)) })
    }),
    Agent.make("tries", {
      each: Whole,
      onFailure: "discard",
      execute: ({ id }) => Effect.fail(new Broken({ text: id }))
    })
  ]
})

type Json = Record<string, unknown>
interface Shown {
  readonly kind: string
  readonly id: string
  readonly value: unknown
  readonly length?: number
}

const storeIn = (name: string) => JobStore.layerSqlite({ filename: join(folder, name) })
let running: Running
beforeAll(async () => {
  running = await serve({ programs: [texts, breaks, tells] }, { store: storeIn("jobs.db") })
  for (const [id, ends, state] of [
    ["ends", true, "converged"],
    ["asks", false, "awaiting"]
  ] as const) {
    await running.post("/api/v1/jobs", { program: "texts", id, input: { ends } }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, id)) === state)
  }
})
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
})

const get = async (path: string): Promise<Json> => jsonOf(await running.fetch(`/api/v1/jobs/${path}`))
const longOf = (list: unknown): Shown | undefined => (list as ReadonlyArray<Shown>).find(({ id }) => id === "long")

describe("a long value", () => {
  it.each([
    ["facts?valueLength=50", "facts"],
    ["facts?at=1&valueLength=50", "facts"],
    ["explain?kind=Text&fact=long&valueLength=50", "nodes"],
    ["history?kind=Text&fact=long&valueLength=50", "revisions"]
  ])("is the beginning of its JSON, with its length, where it is asked for: %s", async (path, name) => {
    const answer = await get(`ends/${path}`)
    const fact = longOf(answer[name])
    expect(fact?.length).toBe(JSON.stringify({ id: "long", text: "y".repeat(length) }).length)
    expect(String(fact?.value)).toMatch(/^\{"id":"long","text":"/)
    expect(String(fact?.value).length).toBeLessThanOrEqual(50)
    // A short value stays as it is, and no cut splits a character.
    for (const { length: cut, value } of answer[name] as ReadonlyArray<Shown>) {
      if (cut === undefined) expect(typeof value).toBe("object")
      else expect(String(value).isWellFormed()).toBe(true)
    }
    if (name === "facts") expect(() => Schema.decodeUnknownSync(Shapes.FactPage)(answer)).not.toThrow()
  })

  it("is cut on both sides of a change", async () => {
    const { changes } = (await get("ends/diff?from=0&to=1&valueLength=20")) as {
      readonly changes: ReadonlyArray<{ readonly before: Shown | null; readonly after: Shown | null }>
    }
    const change = changes.find(({ after }) => after?.id === "long")
    expect([change?.before?.length, change?.after?.length].every((it) => (it ?? 0) > length)).toBe(true)
  })

  it("comes whole where nobody asks for a cut, and by its version", async () => {
    const page = await get("ends/facts?kind=Text")
    expect(longOf(page["facts"])?.value).toEqual({ id: "long", text: "y".repeat(length) })
    const { provenance } = longOf(page["facts"]) as unknown as { readonly provenance: { readonly version: number } }
    const one = await get(`ends/facts?kind=Text&limit=1&cursor=${provenance.version - 1}`)
    expect((one["facts"] as ReadonlyArray<Shown>).map(({ id }) => id)).toEqual(["long"])
  })

  it("of an output, of the data of an approval, and of a payload is cut, too", async () => {
    const { result } = (await get("ends?valueLength=100")) as unknown as { readonly result: Json }
    expect(result).toMatchObject({ outputLength: JSON.stringify({ text: "o".repeat(length) }).length })
    expect(String(result["output"]).length).toBe(100)
    for (const path of ["jobs/asks/approvals?valueLength=100", "approvals?valueLength=100"]) {
      const { approvals } = (await jsonOf(await running.fetch(`/api/v1/${path}`))) as {
        readonly approvals: ReadonlyArray<{ readonly data: unknown; readonly length: number }>
      }
      expect(approvals[0]?.length).toBeGreaterThan(length)
      expect(String(approvals[0]?.data).length).toBe(100)
    }
    const whole = (await get("asks/replay?at=1")) as { readonly unanswered?: unknown }
    const cut = (await get("asks/replay?at=1&valueLength=100")) as { readonly unanswered?: unknown }
    expect(JSON.stringify(whole.unanswered).length).toBeGreaterThan(length)
    expect(JSON.stringify(cut.unanswered).length).toBeLessThan(1_000)
    const [open] = cut.unanswered as ReadonlyArray<{ readonly length?: number }>
    expect(open?.length).toBeGreaterThan(length)
    const short = (await get("asks/replay?at=1&valueLength=1")) as unknown as typeof Shapes.Replayed.Type
    expect([short.input, short.inputLength]).toEqual(["{", '{"ends":false}'.length])
    const all = (await get("ends?valueLength=100&facts=all")) as unknown as { readonly result: Json }
    expect(String(all.result["output"]).length).toBe(100)
    expect(JSON.stringify(all.result["facts"])).toContain("y".repeat(length))
  })

  it("of a payload, of a discarded task and of the error that ended a job is cut, and its beginning is left", async () => {
    await running.post("/api/v1/jobs", { program: "breaks", id: "breaks", input: {} })
    const whole = JSON.stringify(await get("breaks"))
    expect(whole.match(/t{100000}|b{8192}|B{8192}/g)).toHaveLength(3)
    const cut = (await get("breaks?valueLength=0")) as { readonly result: typeof Shapes.Result.Type }
    expect(JSON.stringify(cut).length).toBeLessThan(40_000)
    const { diagnostics, error, intents } = cut.result
    expect(intents.map(({ length: whole, payload }) => [payload, whole])).toEqual([["", length + 2]])
    expect(diagnostics.map(({ agent, cause }) => [agent, cause._tag])).toEqual([["tries", "AgentFailed"]])
    expect(JSON.stringify(diagnostics)).toMatch(/b{2048}\u2026 \(8193 characters\)/)
    expect(error?._tag).toBe("AgentFailed")
    expect(JSON.stringify(error)).toMatch(/B{2048}\u2026 \(8193 characters\)/)
    expect(Schema.decodeUnknownSync(Shapes.Job)(cut)).toBeDefined()
  })

  it("is not all: the newest intents and diagnostics come, and the older ones are counted", async () => {
    await running.post("/api/v1/jobs", { program: "tells", id: "tells", input: {} })
    const { result: all } = (await get("tells")) as { readonly result: typeof Shapes.Result.Type }
    expect([all.intents.length, all.diagnostics.length, all.omitted]).toEqual([5, 4, undefined])
    const { result } = (await get("tells?limit=2")) as { readonly result: typeof Shapes.Result.Type }
    expect(result).toMatchObject({ ...all, intents: all.intents.slice(3), diagnostics: all.diagnostics.slice(2) })
    expect(result.omitted).toEqual({ intents: 3, diagnostics: 2 })
    const past = (await get("tells/replay?limit=2")) as unknown as typeof Shapes.Replayed.Type
    expect(past.omitted).toEqual({ intents: 3, unanswered: 0, diagnostics: 2 })
    expect(past.diagnostics).toEqual(result.diagnostics)
    expect((await get("tells?limit=5"))["result"]).toEqual(all)
    expect((await running.fetch("/api/v1/jobs/tells?limit=0")).status).toBe(400)
  })

  it("is refused a length that is none", async () => {
    for (const bad of ["-1", "x", "1.5"])
      expect((await running.fetch(`/api/v1/jobs/ends/facts?valueLength=${bad}`)).status).toBe(400)
  })
})

describe("a page of facts", () => {
  const ids = async (query: string): Promise<ReadonlyArray<string>> =>
    ((await get(`ends/facts?limit=5&valueLength=10${query}`))["facts"] as ReadonlyArray<Shown>).map(({ id }) => id)

  it.each(["", "&kind=Text", "&kind=Number", "&at=0", "&at=1&kind=Text"])(
    "begins behind as many facts as it is told to skip: %s",
    async (query) => {
      const all = ((await get(`ends/facts?limit=100&valueLength=10${query}`))["facts"] as ReadonlyArray<Shown>).map(
        ({ id }) => id
      )
      for (const offset of [0, 1, 7, all.length - 2, all.length, all.length + 5])
        expect(await ids(`${query}&offset=${offset}`)).toEqual(all.slice(offset, offset + 5))
    }
  )

  it("goes on behind it with its cursor", async () => {
    const page = await get("ends/facts?limit=5&offset=10&valueLength=10")
    const all = (await get("ends/facts?limit=100&valueLength=10"))["facts"] as ReadonlyArray<Shown>
    const next = await get(`ends/facts?limit=5&valueLength=10&cursor=${String(page["cursor"])}`)
    expect((next["facts"] as ReadonlyArray<Shown>).map(({ id }) => id)).toEqual(all.slice(15, 20).map(({ id }) => id))
  })

  it("begins a search behind them, and does not count them for a page before another", async () => {
    const all = (await get("ends/facts?limit=100&valueLength=10&q=t"))["facts"] as ReadonlyArray<Shown>
    expect((await ids("&q=t&offset=0")).length).toBeGreaterThan(1)
    expect(await ids("&q=t&offset=30")).toEqual(all.filter(({ id }) => id === "long").map(({ id }) => id))
    expect(await ids("&before=9&offset=3")).toEqual(await ids("&before=9"))
  })
})

describe("a brief list of events", () => {
  const eventsOf = async (query: string): Promise<ReadonlyArray<Json>> => {
    const response = await running.fetch(`/api/v1/jobs/ends/events${query}`, {
      headers: { accept: "application/x-ndjson" }
    })
    return (await response.text()).split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Json]))
  }

  it("has every event, the short ones as they are, and long ones cut", async () => {
    const [whole, brief] = [await eventsOf(""), await eventsOf("?brief=true")]
    expect(brief.map(({ seq }) => seq)).toEqual(whole.map(({ seq }) => seq))
    for (const [index, event] of brief.entries()) {
      if (event["isBrief"] === true) expect(JSON.stringify(event).length).toBeLessThan(6_000)
      else expect(event).toEqual(whole[index])
    }
    const [started] = brief
    const seeds = started?.["seeds"] as ReadonlyArray<Shown>
    expect(started).toMatchObject({ _tag: "JobStarted", isBrief: true, omitted: 31 - seeds.length })
    expect(seeds[0]).toMatchObject({
      id: "long",
      length: JSON.stringify({ id: "long", text: "😀".repeat(length / 2) }).length
    })
    expect(brief.filter(({ isBrief }) => isBrief === undefined).length).toBeGreaterThan(2)
  })

  it("goes on after a number, as the whole list does", async () => {
    const rest = await eventsOf("?brief=true&after=2")
    expect(rest[0]?.["seq"]).toBe(3)
    expect((await running.fetch("/api/v1/jobs/ends/events?brief=yes")).status).toBe(400)
  })
})

describe("a diagnosis of a past cycle", () => {
  it("says where the job stood, and goes by the events up to there", async () => {
    const begin = await get("ends/diagnosis?at=0")
    expect(begin).toMatchObject({
      status: null,
      growth: [],
      standing: { state: "running", cycle: 0, tasks: 0, agents: [] }
    })
    expect(await get("ends/diagnosis?at=1")).toMatchObject({
      standing: { state: "converged", cycle: 1, tasks: 2, agents: ["revises", "asks"] },
      status: "converged"
    })
    expect(await get("asks/diagnosis?at=1")).toMatchObject({ standing: { state: "awaiting" }, status: null })
    expect((await get("asks/diagnosis"))["standing"]).toBeUndefined()
  })

  it("is refused for a cycle that the job does not have", async () => {
    expect(await get("ends/diagnosis?at=9")).toMatchObject({ type: "urn:effect-converge:UnknownCycle", last: 1 })
  })
})

describe("the list of jobs", () => {
  it("has the budget of which an ended job used most, also where the server does not hold the job", async () => {
    const store = storeIn("restarted.db")
    const first = await serve({ programs: [texts, breaks] }, { store })
    await first.post("/api/v1/jobs", { program: "texts", id: "one", input: { ends: true }, budget: { maxCycles: 4 } })
    const before = (await jsonOf(await first.fetch("/api/v1/jobs")))["jobs"] as ReadonlyArray<Json>
    await first.stop()
    const second = await serve({ programs: [texts, breaks] }, { store })
    try {
      const after = (await jsonOf(await second.fetch("/api/v1/jobs")))["jobs"] as ReadonlyArray<Json>
      expect(before[0]?.["budget"]).toMatchObject({ name: "cycles", limit: 4 })
      expect(after[0]?.["budget"]).toMatchObject({ name: "cycles", limit: 4, used: expect.any(Number) })
    } finally {
      await second.stop()
    }
  })

  it("has that of a job that nobody holds by its last row, and of one with a long end; a long header is said to be unread", async () => {
    const store = storeIn("unheld.db")
    const first = await serve({ programs: [texts, answers] }, { store })
    const start = async (program: string, id: string, input: object, budget: object = {}): Promise<void> => {
      const body = { program, id, input, budget }
      expect((await first.post("/api/v1/jobs", body, { prefer: "respond-async" })).status).toBe(202)
    }
    await start("texts", "waits", { ends: false }, { maxCycles: 4 })
    await start("answers", "long", { length: 300_000, seeds: 1 }, { maxCycles: 8 })
    await start("answers", "seeds", { length: 1, seeds: 40_000 })
    for (const id of ["long", "seeds"]) await until(async () => (await stateOf(first, id)) === "converged", 20_000)
    await until(async () => (await stateOf(first, "waits")) === "awaiting")
    await first.stop()
    // It serves other programs, so it takes none of these jobs up.
    const second = await serve({ programs: [count] }, { store })
    try {
      const page = await jsonOf(await second.fetch("/api/v1/jobs"))
      const { jobs } = Schema.decodeUnknownSync(Shapes.JobPage)(page)
      const byId = Object.fromEntries(
        jobs.map(({ budget, jobId, noBudget, state }) => [jobId, { state, budget, noBudget }])
      )
      const isPartial = true
      expect(byId).toEqual({
        waits: { state: "suspended", budget: { name: "cycles", used: 1, limit: 4, isPartial } },
        long: { state: "converged", budget: { name: "cycles", used: 1, limit: 8, isPartial } },
        seeds: { state: "converged", budget: null, noBudget: "unread" }
      })
    } finally {
      await second.stop()
    }
  })
})
