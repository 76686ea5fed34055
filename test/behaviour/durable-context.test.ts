/**
 * Durable jobs that go on from an earlier result's context (G11): the context is in their journal, so they can be taken up
 * after any cycle, whatever became of the earlier job.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  Agent,
  Engine,
  Fact,
  type JobContext,
  JobStore,
  Journal,
  Limits,
  Program,
  Provenance
} from "../../src/index.ts"
import { dumpContext, restoreContext } from "../../src/journal/contextDump.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { ended, eventsOf, failure } from "../support/behaviour/harness.ts"
import { disturbWith } from "../support/core/chaos.ts"
import { comparable, runInline, runToEnd } from "../support/core/run.ts"
import { synthetic } from "../support/core/synthetic.ts"
import { compiledOf } from "../../src/program/erased.ts"
import { runSteps } from "../../src/values/steps.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Slot = Fact.kind("Slot", {
  schema: Schema.Struct({ name: Schema.String, at: Schema.DateTimeUtcFromString }),
  id: ({ name }) => name,
  conflict: "keepLast"
})
const Recent = Fact.kind("Recent", {
  schema: Schema.Struct({ n: Schema.Int }),
  id: ({ n }) => String(n),
  retention: { latest: 3 }
})
const Sum = Fact.kind("Sum", {
  schema: Schema.Struct({ total: Schema.Int }),
  id: () => "sum",
  conflict: (a, b) => ({ total: a.total | b.total })
})

/** Counts from the input by three, with revisions, retention, evaluations and traces in every cycle. */
const program = Program.make("layered", {
  input: Schema.Struct({ from: Schema.Int }),
  seed: ({ from }) => [Item.of({ n: from })],
  agents: [
    Agent.make("count", {
      each: Item,
      writes: [Item, Recent, Sum, Slot],
      execute: ({ id, value: { n } }, view) =>
        Effect.gen(function* () {
          const at = yield* Effect.orDie(
            Schema.decodeEffect(Schema.DateTimeUtcFromString)(`20${10 + n}-01-01T00:00:00Z`)
          )
          return {
            facts: [
              ...(n % 4 < 3 ? [Item.of({ n: n + 1 })] : []),
              ...[Recent.of({ n }), Sum.of({ total: n }), Slot.of({ name: `slot ${n % 2}`, at })]
            ],
            evaluations: [{ fact: { kind: "Item", id }, score: n / 100, reason: `in cycle ${view.cycle}` }],
            trace: { counted: n, sees: view.size(Item), scores: view.evaluations({ kind: "Item", id: "0" }).length }
          }
        })
    }),
    Agent.make("look", {
      reads: [Recent, Sum],
      writes: [Slot],
      execute: (view) =>
        Effect.gen(function* () {
          const year = 2000 + (view.all(Sum)[0]?.value.total ?? 0)
          const at = yield* Effect.orDie(Schema.decodeEffect(Schema.DateTimeUtcFromString)(`${year}-01-01T00:00:00Z`))
          return { facts: [Slot.of({ name: "seen", at })], trace: view.delta(Recent).map(({ id }) => id) }
        })
    })
  ],
  output: (view) => view.all(Item).map(({ id }) => id)
})

const described = (context: JobContext.JobContext): string =>
  JSON.stringify(
    context.facts().map((fact) => {
      const explained = Provenance.explain(context, fact)
      return [
        fact,
        explained === undefined ? "" : Provenance.format(explained),
        context.evaluations(fact),
        context.causesOf(fact)
      ]
    })
  )

/** The context of a chain of jobs, each on top of the one before. */
const chain = (jobs: number) =>
  Effect.gen(function* () {
    let context: JobContext.JobContext | undefined
    for (let job = 0; job < jobs; job++) {
      context = (yield* runInline(program, { from: job * 4 }, { context })).result.context
    }
    return context!
  })

const runOn = (store: JobStore.JobStore["Service"], context: JobContext.JobContext | undefined, from: number) =>
  Effect.provide(runToEnd(program, { from }, { id: "job", context }), engineOnStore(store))

const resumed = <P extends Program.Program.Any>(store: JobStore.JobStore["Service"], program: P) =>
  Effect.gen(function* () {
    const job = yield* Engine.resume(program, "job")
    const result = yield* job.result
    return { result, error: undefined, events: yield* eventsOf(job) }
  }).pipe(Effect.provide(engineOnStore(store)))

describe("a context", () => {
  for (const layers of [1, 2, Limits.contextLayers + 2]) {
    it.effect(`of ${layers} jobs is written and read back as it was, also when that is done again`, () =>
      Effect.gen(function* () {
        const context = yield* chain(layers)
        const kinds = compiledOf(program).kinds
        const pieces = [...dumpContext(context)]
        const copy = runSteps(restoreContext(pieces, context.hash, (name) => kinds.get(name)!))
        expect(described(copy)).toBe(described(context))
        expect([copy.hash, copy.version, copy.contextBytes]).toEqual([
          context.hash,
          context.version,
          context.contextBytes
        ])
        // A long context is restored in steps.
        expect([...restoreContext(pieces, context.hash, (name) => kinds.get(name)!)].length).toBeGreaterThan(0)
        expect(copy.counts()).toEqual(context.counts())
        expect(copy.marks).toEqual(context.marks)
        expect([...dumpContext(copy)]).toEqual(pieces)
      })
    )
  }
})

describe("a job that goes on from a context", () => {
  for (const layers of [1, 3, Limits.contextLayers + 1]) {
    it.effect(`of ${layers} jobs ends in the same way after it was broken off in any cycle`, () =>
      Effect.gen(function* () {
        const context = yield* chain(layers)
        const from = layers * 4
        const whole = yield* runInline(program, { from }, { id: "job", context })
        const { cycles } = whole.result.usage
        expect(cycles).toBeGreaterThan(3)
        for (let at = 0; at < cycles; at++) {
          const store = yield* journalStore
          yield* runOn(brokenOff(store, at), context, from)
          const second = yield* resumed(store, program)
          expect(comparable(second), `broken off after ${at} of ${cycles} cycles`).toEqual(comparable(whole))
          expect(described(second.result.context)).toBe(described(whole.result.context))
          const third = yield* resumed(store, program)
          expect(comparable(third)).toEqual(comparable(whole))
          expect(described(third.result.context)).toBe(described(whole.result.context))
          const read = yield* Effect.provideService(Journal.replay("job", { program }), JobStore.JobStore, store)
          expect(described(read.context)).toBe(described(whole.result.context))
        }
        // One row at a time.
        const store = yield* journalStore
        for (let at = 0; at <= cycles; at++) yield* runOn(brokenOff(store, 1), context, from)
        expect(comparable(yield* resumed(store, program))).toEqual(comparable(whole))
      })
    )
  }

  it.effect("may be gone on from in turn, whether its result was live or read back", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const context = yield* chain(2)
      const live = yield* runOn(store, context, 8)
      const read = yield* resumed(store, program)
      const then = yield* Effect.provideService(Journal.replay("job", { program }), JobStore.JobStore, store)
      const next = yield* runInline(program, { from: 12 }, { id: "next", context: live.result.context })
      for (const earlier of [read.result.context, then.context]) {
        const other = yield* runInline(program, { from: 12 }, { id: "next", context: earlier })
        expect(comparable(other)).toEqual(comparable(next))
        expect(described(other.result.context)).toBe(described(next.result.context))
      }
    })
  )

  it.live("of a program with everything in it ends in the same way", () =>
    Effect.gen(function* () {
      disturbWith(null)
      const { result } = yield* runInline(synthetic, { from: 1 })
      const { context } = result
      const whole = yield* runInline(synthetic, { from: 7 }, { id: "job", context })
      for (let at = 0; at < whole.result.usage.cycles - 1; at++) {
        const store = yield* journalStore
        const broken = Effect.provide(
          runToEnd(synthetic, { from: 7 }, { id: "job", context }),
          engineOnStore(brokenOff(store, at))
        )
        expect((yield* broken).error?._tag).toBe("StoreFailed")
        const second = yield* resumed(store, synthetic)
        expect(comparable(second)).toEqual(comparable(whole))
        expect(described(second.result.context)).toBe(described(whole.result.context))
      }
    })
  )

  it.effect("of another program has everything to read, and keeps kinds that it does not know", () =>
    Effect.gen(function* () {
      const Seen = Fact.kind("Seen", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
      const other = Program.make("other", {
        input: Schema.Struct({ from: Schema.Int }),
        agents: [
          Agent.make("see", {
            each: Item,
            writes: [Seen],
            execute: ({ id }) => Effect.succeed({ facts: [Seen.of({ id })] })
          })
        ],
        output: (view) => view.all(Seen).map(({ id }) => id)
      })
      const context = yield* chain(2)
      const store = yield* journalStore
      const options = { id: "job", context }
      const first = yield* ended(
        Effect.provide(Engine.run(other, { from: 0 }, options), engineOnStore(brokenOff(store, 0)))
      )
      expect(first._tag).toBe("StoreFailed")
      const whole = yield* runInline(other, { from: 0 }, options)
      const second = yield* resumed(store, other)
      expect(comparable(second)).toEqual(comparable(whole))
      expect(second.result.output).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"])
      const events = yield* Effect.provideService(
        Stream.runCollect(Stream.unwrap(Journal.events("job"))),
        JobStore.JobStore,
        store
      )
      expect(JSON.stringify(events)).toBe(JSON.stringify(whole.events))
    })
  )
})

describe("a fork with another input", () => {
  it.effect("has what that seeds, then the facts that it was given, on top of what was", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.gen(function* () {
        yield* Engine.run(program, { from: 0 }, { id: "one" })
        const options = { at: 1, input: { from: 4 }, facts: [Item.of({ n: 9 })], id: "two" }
        const result = yield* Effect.flatMap(Engine.fork(program, "one", options), (job) => job.result)
        expect(result.output).toEqual(["0", "1", "4", "9", "2", "5", "10", "3", "6", "11", "7"])
        const { input } = yield* Journal.replay("two")
        expect(input).toEqual({ from: 4 })
        const refused = yield* failure(Engine.fork(program, "one", { input: { from: "x" as never } }))
        expect(refused).toMatchObject({ _tag: "InvalidInput" })
      }).pipe(Effect.provide(engineOnStore(store)), Effect.provideService(JobStore.JobStore, store))
    })
  )
})
