/**
 * Looking at stored jobs (`Journal`): the context after any cycle, what cycles did, and the event log, from the journal alone.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  Agent,
  Engine,
  Fact,
  type Job,
  type JobContext,
  JobStore,
  Journal,
  Program,
  Provenance
} from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { counter, ended, eventsOf, failure, num, Num, openEngine, until } from "../support/behaviour/harness.ts"
import { disturbWith } from "../support/core/chaos.ts"
import { runToEnd } from "../support/core/run.ts"
import { fatal, synthetic } from "../support/core/synthetic.ts"

const looking = (store: JobStore.JobStore["Service"]) => Effect.provideService(JobStore.JobStore, store)

const encoded = (context: JobContext.JobContext): string =>
  JSON.stringify(context.encoded().map(({ fact, text }) => [fact.kind, fact.id, text, fact.provenance]))

const derivations = (context: JobContext.JobContext): ReadonlyArray<string | undefined> =>
  context.facts().map((fact) => {
    const explained = Provenance.explain(context, fact)
    return explained === undefined ? undefined : Provenance.format(explained)
  })

const withoutStacks = (diagnostics: ReadonlyArray<Job.Diagnostic>): ReadonlyArray<Job.Diagnostic> =>
  diagnostics.map((each) => ("stack" in each.cause ? { ...each, cause: { ...each.cause, stack: "" } } : each))

/** A synthetic job in a store, and what its live run left. */
const storedJob = Effect.gen(function* () {
  disturbWith(null)
  const store = yield* journalStore
  const live = yield* Effect.provide(runToEnd(synthetic, { from: 1 }, { id: "job" }), engineOnStore(store))
  return { store, live, cycles: (yield* store.load("job")).cycle }
})

describe("Journal.replay", () => {
  it.effect("gives the context that the job had, with all derivations, with or without the program", () =>
    Effect.gen(function* () {
      const { cycles, live, store } = yield* storedJob
      const { context, hash, usage, version } = live.result
      for (const program of [undefined, synthetic]) {
        const last = yield* looking(store)(Journal.replay("job", { program }))
        expect(last).toMatchObject({ jobId: "job", program: "synthetic", programVersion: "", cycle: cycles, tier: 2 })
        expect(last).toMatchObject({ hash, version, input: { from: 1 } })
        expect(last.usage).toMatchObject({ facts: usage.facts, tokens: usage.tokens, agents: usage.agents })
        expect(encoded(last.context)).toBe(encoded(context))
        expect(derivations(last.context)).toEqual(derivations(context))
        expect(last.marks).toEqual(new Map([...context.marks].filter(([, mark]) => mark > 0)))
        // A journal says nothing of where on a machine something was thrown.
        expect(last.diagnostics).toEqual(withoutStacks(live.result.diagnostics))
        expect(last.intents).toEqual(live.result.intents)
        if (program !== undefined) expect(last.context.facts()).toEqual(context.facts())
      }
    })
  )

  it.effect("gives the context after any cycle: what a job that was broken off there had", () =>
    Effect.gen(function* () {
      const { cycles, store } = yield* storedJob
      for (let at = 0; at < cycles; at++) {
        const other = yield* journalStore
        const broken = yield* Effect.provide(
          runToEnd(synthetic, { from: 1 }, { id: "job" }),
          engineOnStore(brokenOff(other, at))
        )
        const then = yield* looking(store)(Journal.replay("job", { at }))
        expect(then).toMatchObject({ cycle: at, hash: broken.result.hash, version: broken.result.version })
        expect(encoded(then.context)).toBe(encoded(broken.result.context))
      }
    })
  )

  it.effect("gives a context that a new job can go on from", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.gen(function* () {
        const whole = yield* Engine.run(counter(5), {}, { id: "a" })
        const program = counter(5)
        const half = yield* Journal.replay("a", { at: 2, program })
        expect(half.context.all(Num).map(({ id }) => id)).toEqual(["0", "1", "2"])
        const rest = yield* Engine.run(program, {}, { context: half.context })
        expect(rest.context.all(Num).map(({ id }) => id)).toEqual(whole.context.all(Num).map(({ id }) => id))
      }).pipe(Effect.provide(engineOnStore(store)), looking(store))
    })
  )

  it.effect("refuses what there is not", () =>
    Effect.gen(function* () {
      const { cycles, store } = yield* storedJob
      const refused = (options: Journal.ReplayOptions, id = "job") =>
        looking(store)(failure(Journal.replay(id, options)))
      for (const at of [-1, 1.5, cycles + 1, Number.NaN]) {
        expect(yield* refused({ at })).toMatchObject({
          _tag: "InvalidInput",
          message: `the job "job" has the cycles 0 to ${cycles}, not ${at}`
        })
      }
      expect(yield* refused({}, "none")).toMatchObject({ _tag: "StoreError", reason: "missing" })
      expect(yield* refused({ program: fatal })).toMatchObject({ _tag: "InvalidInput" })
      expect(yield* looking(store)(failure(Journal.diff("job", 2, 1)))).toMatchObject({ _tag: "InvalidInput" })
    })
  )
})

const Slot = Fact.kind("Slot", {
  schema: Schema.Struct({ name: Schema.String, n: Schema.Int }),
  id: ({ name }) => name,
  conflict: "keepLast"
})
const Recent = Fact.kind("Recent", {
  schema: Schema.Struct({ n: Schema.Int }),
  id: ({ n }) => String(n),
  retention: { latest: 2 }
})

/** Counts to 4; each number revises one fact, and adds one of which two are kept. */
const revising = Program.make("revising", {
  input: Schema.Struct({}),
  kinds: [Num],
  seed: () => [num(0)],
  agents: [
    Agent.make("count", {
      each: Num,
      writes: [Num, Slot, Recent],
      execute: ({ id, value: { n } }) =>
        Effect.succeed({
          facts: [...(n < 4 ? [num(n + 1)] : []), Slot.of({ name: "only", n }), Recent.of({ n })],
          evaluations: [{ fact: { kind: "Num", id }, score: n / 4, reason: "it is that number" }]
        })
    })
  ]
})

describe("Journal.diff", () => {
  it.effect("tells what was added, revised, removed and evaluated, with provenance", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { hash } = yield* Effect.provide(Engine.run(revising, {}, { id: "r" }), engineOnStore(store))
      const names = (facts: ReadonlyArray<Fact.FactRef>) => facts.map(({ id, kind }) => `${kind}/${id}`)
      const { diff, rest, same } = yield* looking(store)(
        Effect.all({
          diff: Journal.diff("r", 3, 4),
          rest: Journal.diff("r", 0, 5),
          same: Journal.diff("r", 2, 2)
        })
      )
      expect(diff).toMatchObject({ jobId: "r", program: "revising", from: { cycle: 3 }, to: { cycle: 4 } })
      expect(names(diff.added)).toEqual(["Num/4", "Recent/3"])
      expect(diff.added[0]?.provenance).toMatchObject({ agent: "count", cycle: 4, each: { kind: "Num", id: "3" } })
      expect(diff.revised).toMatchObject([
        {
          before: { id: "only", value: { name: "only", n: 2 }, provenance: { cycle: 3 } },
          after: { id: "only", value: { name: "only", n: 3 }, provenance: { cycle: 4 } }
        }
      ])
      expect(names(diff.removed)).toEqual(["Recent/1"])
      expect(diff.evaluations).toEqual([
        { fact: { kind: "Num", id: "3" }, score: 0.75, reason: "it is that number", agent: "count", cycle: 4 }
      ])
      expect(names(rest.added).toSorted()).toEqual(
        ["Num/1", "Num/2", "Num/3", "Num/4", "Recent/3", "Recent/4", "Slot/only"].toSorted()
      )
      expect(rest).toMatchObject({ revised: [], removed: [], to: { cycle: 5, hash } })
      expect(same).toMatchObject({ added: [], revised: [], removed: [], evaluations: [] })
    })
  )
})

describe("Journal.events", () => {
  for (const [name, program, input] of [
    ["converged", synthetic, { from: 1 }],
    ["failed", fatal, { from: 4 }]
  ] as const) {
    it.effect(`are those of the live job that ${name}, byte for byte, after any number`, () =>
      Effect.gen(function* () {
        disturbWith(null)
        const store = yield* journalStore
        const live = yield* Effect.provide(runToEnd(program, input, { id: "job" }), engineOnStore(store))
        const read = yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("job", { program }))))
        expect(JSON.stringify(read)).toBe(JSON.stringify(live.events))
        expect(read.at(-1)?._tag).toBe("JobHalted")
        for (const after of [1, 7, read.length - 1, read.length]) {
          const rest = yield* looking(store)(
            Stream.runCollect(Stream.unwrap(Journal.events("job", { after, program })))
          )
          expect(rest).toEqual(read.slice(after))
        }
        // Without the program it is the same but for values that JSON writes otherwise than their kinds.
        const plain = yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("job"))))
        expect(plain.map(({ _tag, seq }) => [_tag, seq])).toEqual(read.map(({ _tag, seq }) => [_tag, seq]))
      })
    )
  }

  it.effect("are the same without the program where values are plain", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const events = yield* Effect.flatMap(Engine.start(revising, {}, { id: "r" }), eventsOf).pipe(
        Effect.provide(engineOnStore(store))
      )
      const read = yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("r"))))
      expect(JSON.stringify(read)).toBe(JSON.stringify(events))
    })
  )

  it.effect("end with what was committed last while the job is unfinished, pauses included", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = counter(4, { before: () => Effect.yieldNow })
      const { close, use } = yield* openEngine(engineOnStore(store))
      const job = yield* use(Engine.start(program, {}, { id: "j" }))
      yield* until(Effect.map(job.status, ({ cycle }) => cycle >= 2))
      yield* job.pause
      const seen = yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("j"))))
      expect(seen.at(-1)).toMatchObject({ _tag: "JobPaused", seq: seen.length })
      yield* job.cancel
      const live = yield* eventsOf(job)
      expect(live.slice(0, seen.length)).toEqual(seen)
      expect(yield* looking(store)(Stream.runCollect(Stream.unwrap(Journal.events("j"))))).toEqual(live)
      yield* close
      // An engine that takes up a job that was paused and then cancelled sees the same.
      const again = yield* openEngine(engineOnStore(store))
      expect(yield* eventsOf(yield* again.use(Engine.resume(program, "j")))).toEqual(live)
      yield* again.close
    })
  )

  it.effect("are there before the whole journal is read", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.provide(Engine.run(counter(50), {}, { id: "c" }), engineOnStore(store))
      let read = 0
      const counted: JobStore.JobStore["Service"] = {
        ...store,
        rows: (...args) =>
          Stream.rechunk(
            Stream.tap(store.rows(...args), () => Effect.sync(() => void read++)),
            1
          )
      }
      const first = yield* looking(counted)(Stream.runCollect(Stream.take(Stream.unwrap(Journal.events("c")), 10)))
      expect(first.length).toBe(10)
      expect(read).toBeLessThan(10)
    })
  )
})

describe("a job that runs", () => {
  it.effect("may be looked at", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = counter(40, { before: (n) => (n === 30 ? Effect.never : Effect.yieldNow) })
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {}, { id: "j" })
        yield* until(Effect.map(job.status, ({ cycle }) => cycle >= 5))
        const seen = yield* looking(store)(Journal.replay("j"))
        expect(seen.context.size(Num)).toBe(seen.cycle + 1)
        expect(yield* looking(store)(Journal.verify("j"))).toMatchObject({ isIntact: true, status: undefined })
        expect((yield* store.load("j")).isHeld).toBe(true)
        yield* job.cancel
        expect(yield* ended(job.result)).toMatchObject({ _tag: "JobCancelled" })
        expect(yield* looking(store)(Journal.verify("j"))).toMatchObject({ isIntact: true, status: "cancelled" })
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )
})

describe("the layer", () => {
  it.effect("is any store that keeps journals: another says that there are none", () =>
    Effect.gen(function* () {
      const error = yield* failure(Effect.provide(Journal.replay("j"), Layer.fresh(JobStore.layerMemory)))
      expect(error).toMatchObject({ _tag: "StoreError", reason: "missing" })
    })
  )
})
