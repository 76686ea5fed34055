/** The text of an event joins the texts that a job has already, and is byte for byte what encoding each fact anew gives. */
import { expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { describe } from "vitest"
import {
  Agent,
  Engine,
  Fact,
  type Job,
  type JobEvent,
  Limits,
  type Program as AnyProgram,
  Program
} from "../../src/index.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import type { JobView } from "../../src/job/view.ts"
import { briefText } from "../../src/server/briefEvents.ts"
import { eventText, factsOf } from "../../src/server/eventText.ts"
import { plain } from "../../src/server/json.ts"
import { cutValue, shortened } from "../../src/server/previews.ts"
import { parseJson } from "../../src/values/parseJson.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { cell, Cell, engine, Entry, entry, num, Num } from "../support/behaviour/harness.ts"
import { discardAll } from "../support/core/lenient.ts"

/** Keys that JavaScript orders otherwise than a canonical text does, or that need an escape. */
const Table = Fact.kind("Table", {
  schema: Schema.Struct({ name: Schema.String, cells: Schema.Record(Schema.String, Schema.Json) }),
  id: ({ name }) => name
})
const Moment = Fact.kind("Moment", {
  schema: Schema.Struct({ n: Schema.Int, at: Schema.DateTimeUtc, note: Schema.Option(Schema.String) }),
  id: ({ n }) => String(n)
})
const Bytes = Fact.kind("Bytes", {
  schema: Schema.Struct({ n: Schema.Int, bytes: Schema.Uint8Array }),
  id: ({ n }) => String(n)
})
const Open = Fact.kind("Open", { schema: Schema.Struct({ x: Schema.Number }), id: ({ x }) => String(x) })
const Newest = Fact.kind("Newest", {
  schema: Schema.Struct({ n: Schema.Int }),
  id: ({ n }) => String(n),
  retention: { latest: 1 }
})

const tables = [
  Table.of({ name: "numbers", cells: { "10": 1, "9": 2, "-1": 3, "01": 4, a: { "4294967295": 5, "7": 6 } } }),
  Table.of({
    name: "texts",
    cells: { 'a"b\\': "c\n\u2028\ud800", ["__proto__"]: [1, { "": null }], '{"1":': '{"1":2}' }
  })
]

const rich = Program.make("rich", {
  input: Schema.Struct({ from: Schema.Int }),
  seed: ({ from }) => [num(from), cell("a", "0"), entry('lone \udc00 / \\ "'), ...tables],
  agents: [
    Agent.make("next", {
      each: Num,
      writes: [Num, Cell, Moment, Bytes, Open, Newest],
      execute: ({ value: { n } }) =>
        Effect.succeed({
          facts: [
            ...(n < 5 ? [num(n + 1)] : []),
            cell("a", String(n)),
            Moment.of({ n, at: DateTime.makeUnsafe(n * 1e9), note: n % 2 === 0 ? Option.none() : Option.some("x") }),
            Bytes.of({ n, bytes: new Uint8Array([n, 255, 0]) }),
            Open.of({ x: [0.1, -0, NaN, 1e21, -Infinity, 5e-324][n] ?? n }),
            Newest.of({ n })
          ],
          trace: { n },
          evaluations: [{ fact: { kind: "Num", id: String(n) }, score: n / 10, reason: "size" }],
          intents: n === 2 ? [{ kind: "buy", payload: { amount: 2, "10": "a", "9": "b" } }] : []
        })
    }),
    Agent.make("fails", {
      each: Cell,
      writes: [Num],
      onFailure: discardAll,
      execute: ({ value: { text } }) => Effect.fail({ _tag: "Wrong", text, big: 1n })
    })
  ],
  kinds: [Entry, Table]
})

/** Encodes each fact once more, and writes, reads and writes the event. */
const slowText = (event: JobEvent.JobEvent, view: JobView): string => {
  const encoded = (facts: ReadonlyArray<Fact.Fact>) =>
    facts.map((fact) => {
      const text = view.program.kinds.get(fact.kind)!.codec.encode(fact.value).text
      return { ...fact, value: parseJson(text) }
    })
  if (event._tag === "FactsCommitted") return JSON.stringify(plain({ ...event, facts: encoded(event.facts) }))
  if (event._tag === "JobStarted") return JSON.stringify(plain({ ...event, seeds: encoded(event.seeds) }))
  return JSON.stringify(plain(event))
}

const same = (job: Job.Job<AnyProgram.Program.Any>) =>
  Effect.map(Stream.runCollect(job.events), (events) => {
    const view = viewOf(job)!
    expect(events.map((event) => eventText(event, view))).toEqual(events.map((event) => slowText(event, view)))
    // Not one fact was encoded again: without its kinds, the job's own texts suffice.
    const bare: JobView = Object.create(view, { program: { value: { name: "", kinds: new Map() } } }) as JobView
    expect(events.map((event) => eventText(event, bare))).toEqual(events.map((event) => eventText(event, view)))
    return [...new Set(events.map(({ _tag }) => _tag))]
  })

describe("the text of an event", () => {
  it.effect(
    "is the same for facts of all kinds: revised, pruned, with keys out of order, with values that are encoded",
    () =>
      Effect.gen(function* () {
        const job = yield* Engine.start(rich, { from: 0 })
        yield* Effect.exit(job.result)
        const tags = yield* same(job)
        expect(tags).toEqual(
          expect.arrayContaining([
            ...["JobStarted", "CycleStarted", "FactsCommitted", "TaskDiscarded", "EvaluationsCommitted"],
            ...["IntentCommitted", "JobHalted"]
          ])
        )
      }).pipe(Effect.provide(engine()))
  )

  it.effect("is the same for a job that continues from an earlier context", () =>
    Effect.gen(function* () {
      const { context } = yield* (yield* Engine.start(rich, { from: 0 })).result
      const job = yield* Engine.start(rich, { from: 6 }, { context })
      yield* Effect.exit(job.result)
      yield* same(job)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is the same for a job that was resumed from its journal", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const first = Effect.flatMap(Engine.start(rich, { from: 0 }, { id: "rich" }), (job) => Effect.exit(job.result))
      yield* Effect.provide(first, engineOnStore(brokenOff(store, 3)))
      yield* Effect.gen(function* () {
        const job = yield* Engine.resume(rich, "rich")
        yield* Effect.exit(job.result)
        yield* same(job)
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )
})

describe("the brief text of an event with many facts", () => {
  /** Cuts the whole event, parsed. */
  const slowBrief = (whole: string): unknown => {
    const fields = JSON.parse(whole) as Record<string, unknown>
    const name = "seeds" in fields ? "seeds" : "facts"
    const facts = fields[name] as ReadonlyArray<Fact.Fact>
    const cut = (value: unknown) => shortened(value, Limits.briefTextLength, Limits.briefParts)
    return {
      ...fields,
      agent: cut(fields["agent"]),
      [name]: facts.slice(0, Limits.briefFacts).map((fact) => cut(cutValue(fact, Limits.briefValueLength))),
      isBrief: true,
      omitted: facts.length - Limits.briefFacts
    }
  }

  it.effect("has the first facts as the whole event has them", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(rich, { from: 0 })
      yield* Effect.exit(job.result)
      const view = viewOf(job)!
      let cut = 0
      for (const event of yield* Stream.runCollect(job.events)) {
        const brief = briefText(event, view)
        if (factsOf(event).length <= 2 * Limits.briefFacts) continue
        cut++
        expect(brief).toBe(JSON.stringify(slowBrief(eventText(event, view))))
      }
      expect(cut).toBeGreaterThan(3)
    }).pipe(Effect.provide(engine()))
  )

  it("cuts long values, ids, names and provenances", () => {
    const fact = (n: number, id: string, value: unknown, more: object = {}): Fact.Fact => ({
      kind: "Any",
      id,
      value,
      provenance: { cycle: 1, agent: "a", version: n, ...more } as Fact.Provenance
    })
    const facts = [
      fact(1, "i".repeat(900), "v".repeat(300)),
      fact(2, "2", { "10": 1, "9": "x".repeat(200) }, { trace: { text: "t".repeat(5_000) } }),
      fact(3, "\ud800", null, { causes: Array.from({ length: 300 }, (_, n) => n) }),
      fact(4, "4", "😀".repeat(50)),
      fact(5, "5", 5)
    ]
    for (const place of facts.keys()) {
      const turned = [...facts.slice(place), ...facts.slice(0, place)]
      const event = { _tag: "FactsCommitted", seq: 9, cycle: 1, agent: "n".repeat(2_000), facts: turned } as const
      const brief = briefText(event, undefined)
      expect(JSON.parse(brief)).toEqual(JSON.parse(JSON.stringify(slowBrief(JSON.stringify(event)))))
      expect(brief.length).toBeLessThan(5_000)
    }
  })
})
