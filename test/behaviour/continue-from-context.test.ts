/**
 * Going on from an earlier result (GO1 to GO4): `Engine.start(program, input, { context })`. The earlier facts are there, and
 * are news only to agents that had not read them.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Fact, Invariant, type JobContext, Limits, Program, Provenance } from "../../src/index.ts"
import { numbered } from "../support/core/ledger.ts"
import { discarded, idsOf, runInline, valuesOf } from "../support/core/run.ts"

const A = numbered("A")
const B = numbered("B")
const Last = numbered("Last", { conflict: "keepLast" })
const Recent = numbered("Recent", { retention: { latest: 3 } })
const Ids = Schema.Array(Schema.String)

/** Copies each new A to B, and says which it saw. Seeds are A's with the ids of the input. */
const copier = (name = "copier") => {
  const saw: Array<string> = []
  const program = Program.make(name, {
    input: Ids,
    agents: [
      Agent.make("copy", {
        each: A,
        writes: [B],
        execute: ({ id, value: { n } }, view) =>
          Effect.sync(() => {
            saw.push(`${view.cycle} ${id}`)
            return { facts: [B.of({ id, n })], trace: { copied: id } }
          })
      }),
      Agent.make("sum", {
        reads: [B],
        writes: [Last],
        execute: (view) => Effect.succeed({ facts: [Last.of({ id: "sum", n: view.size(B) })] })
      })
    ],
    seed: (ids) => ids.map((id) => A.of({ id, n: id.length })),
    output: (view) => view.all(B).map(({ id }) => id)
  })
  return { program, saw }
}

describe("a job that goes on from a context", () => {
  it.effect("of the same program runs its agents only for what is new", () =>
    Effect.gen(function* () {
      const { program, saw } = copier()
      const first = yield* runInline(program, ["a", "b"])
      const second = yield* runInline(program, ["c", "a"], { context: first.result.context })
      expect(saw).toEqual(["1 a", "1 b", "1 c"])
      expect(second.error).toBeUndefined()
      expect(second.result.output).toEqual(["a", "b", "c"])
      expect(valuesOf(second.result, Last)).toEqual([{ id: "sum", n: 3 }])
      expect(second.result.cycles).toBe(3)
      // The earlier one is as it was.
      expect(first.result.context.all(B)).toHaveLength(2)
      expect(valuesOf(first.result, Last)).toEqual([{ id: "sum", n: 2 }])
    })
  )

  it.effect("runs an agent that runs once, once more (GO3)", () =>
    Effect.gen(function* () {
      let runs = 0
      const once = Agent.make("once", { execute: () => Effect.sync(() => (runs++, {})) })
      const program = Program.make("once", { input: Ids, agents: [once] })
      const first = yield* runInline(program, [])
      yield* runInline(program, [], { context: first.result.context })
      expect(runs).toBe(2)
    })
  )

  it.effect("with nothing new converges at once", () =>
    Effect.gen(function* () {
      const { program } = copier()
      const first = yield* runInline(program, ["a"])
      const second = yield* runInline(program, [], { context: first.result.context })
      expect(second.result.cycles).toBe(1)
      expect(second.result.version).toBe(first.result.version)
      expect(second.result.output).toEqual(["a"])
    })
  )

  it.effect("of another program is given everything as new", () =>
    Effect.gen(function* () {
      const first = yield* runInline(copier("one").program, ["a", "b"])
      const { program, saw } = copier("two")
      const second = yield* runInline(program, ["c"], { context: first.result.context })
      expect(saw).toEqual(["1 a", "1 b", "1 c"])
      expect(second.result.output).toEqual(["a", "b", "c"])
    })
  )

  it.effect("counts what it adds itself, and goes on counting versions", () =>
    Effect.gen(function* () {
      const { program } = copier()
      const first = yield* runInline(program, ["a", "b"])
      const second = yield* runInline(program, ["c"], { context: first.result.context, budget: { maxFacts: 2 } })
      expect(second.error).toBeUndefined()
      expect(second.result.usage).toMatchObject({ facts: 2, agents: 2 })
      expect(second.result.version).toBe(first.result.version + 3)
      const [fact] = second.result.context.all(A).slice(-1)
      expect(fact!.provenance).toMatchObject({ version: first.result.version + 1, cycle: 0, origin: "seed" })
      expect(second.result.usage.contextBytes).toBe(
        second.result.context.encoded().reduce((sum, { text }) => sum + text.length, 0)
      )
      const third = yield* runInline(program, ["d"], { context: second.result.context, budget: { maxFacts: 1 } })
      expect(third.error).toMatchObject({ _tag: "BudgetExhausted", budget: "facts", used: 1, limit: 1 })
    })
  )

  it.effect("finds the facts of both by id, in deltas, views and evaluations", () =>
    Effect.gen(function* () {
      const rate = Agent.make("rate", {
        each: A,
        reads: [B],
        execute: (fact, view) =>
          Effect.succeed({
            evaluations: [
              {
                fact,
                score: 0.5,
                reason: `${view.size(A)} ${Option.isSome(view.get(A, "a"))} ${view.evaluations(fact).length}`
              }
            ]
          })
      })
      const program = Program.make("rates", {
        input: Ids,
        agents: [rate],
        kinds: [Last],
        seed: (ids) => ids.map((id) => A.of({ id, n: 0 }))
      })
      const first = yield* runInline(program, ["a"])
      const second = yield* runInline(program, ["b"], { context: first.result.context })
      const other = Program.make("other", { input: Ids, agents: [rate] })
      const third = yield* runInline(other, [], { context: second.result.context })
      const reasons = (id: string) => third.result.context.evaluations({ kind: "A", id }).map(({ reason }) => reason)
      expect(reasons("a")).toEqual(["1 true 0", "2 true 1"])
      expect(reasons("b")).toEqual(["2 true 0", "2 true 1"])
    })
  )

  it.effect("has conflicts with what is there, and names who put it there", () =>
    Effect.gen(function* () {
      const add = (name: string, n: number, onFailure: Agent.OnFailure) =>
        Program.make(name, {
          input: Ids,
          agents: [
            Agent.make(`agent of ${name}`, {
              writes: [A],
              onFailure,
              execute: () => Effect.succeed({ facts: [A.of({ id: "x", n })] })
            })
          ]
        })
      const first = yield* runInline(add("one", 1, "halt"), [])
      const second = yield* runInline(add("two", 2, "discard"), [], { context: first.result.context })
      expect(second.result.diagnostics[0]!.cause).toMatchObject({
        _tag: "MergeConflict",
        agents: ["agent of one", "agent of two"],
        existing: { id: "x", n: 1 },
        proposed: { id: "x", n: 2 }
      })
      const equal = yield* runInline(add("three", 1, "halt"), [], { context: first.result.context })
      expect(discarded(equal.result)).toEqual([])
      expect(equal.result.version).toBe(1)
      const seeded = Program.make("seeded", {
        input: Ids,
        agents: [],
        kinds: [A],
        seed: () => [A.of({ id: "x", n: 3 })]
      })
      const third = yield* runInline(seeded, [], { context: first.result.context })
      expect(third.error).toMatchObject({ _tag: "MergeConflict", agents: ["agent of one", "seed"], cycle: 0 })
    })
  )

  it.effect("revises what is there, by the rule of its kind, and triggers readers with it", () =>
    Effect.gen(function* () {
      const saw: Array<string> = []
      const program = Program.make("p", {
        input: Schema.Finite,
        agents: [
          Agent.make("reads", {
            each: Last,
            execute: ({ id, value }) => Effect.sync(() => (saw.push(`${id}=${value.n}`), {}))
          })
        ],
        seed: (n) => [Last.of({ id: "l", n })]
      })
      const first = yield* runInline(program, 1)
      const second = yield* runInline(program, 2, { context: first.result.context })
      expect(saw).toEqual(["l=1", "l=2"])
      expect(valuesOf(second.result, Last)).toEqual([{ id: "l", n: 2 }])
      expect(valuesOf(first.result, Last)).toEqual([{ id: "l", n: 1 }])
      expect(second.result.usage.facts).toBe(0)
      expect(Provenance.explain(second.result.context, { kind: "Last", id: "l" })!.fact.provenance.version).toBe(2)
    })
  )

  it.effect("prunes what is there, by the retention of its kind", () =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: Ids,
        agents: [],
        kinds: [Recent],
        seed: (ids) => ids.map((id) => Recent.of({ id, n: 0 }))
      })
      const first = yield* runInline(program, ["a", "b", "c", "d"])
      expect(idsOf(first.result, Recent)).toEqual(["b", "c", "d"])
      const second = yield* runInline(program, ["e"], { context: first.result.context })
      expect(idsOf(second.result, Recent)).toEqual(["c", "d", "e"])
      expect(idsOf(first.result, Recent)).toEqual(["b", "c", "d"])
    })
  )

  it.effect("takes up the work of one that ended early: what its agents had not consumed is still news", () =>
    Effect.gen(function* () {
      const { program, saw } = copier()
      const first = yield* runInline(program, ["a", "b"], { budget: { maxCycles: 1 } })
      expect(first.error).toMatchObject({ _tag: "BudgetExhausted", budget: "cycles" })
      expect(saw).toEqual(["1 a", "1 b"])
      expect(first.result.context.size(Last)).toBe(0)
      const second = yield* runInline(program, [], { context: first.result.context })
      expect(second.error).toBeUndefined()
      expect(saw).toEqual(["1 a", "1 b"])
      expect(valuesOf(second.result, Last)).toEqual([{ id: "sum", n: 2 }])
    })
  )

  it.effect("takes up a cycle that was interrupted: an interrupted execution consumes nothing", () =>
    Effect.gen(function* () {
      const saw: Array<string> = []
      const slow = Agent.make("slow", {
        each: A,
        execute: ({ id }, view) =>
          Effect.as(
            Effect.delay(
              Effect.sync(() => saw.push(`${view.cycle} ${id}`)),
              "10 seconds"
            ),
            {}
          )
      })
      const program = Program.make("slow", {
        input: Ids,
        agents: [slow],
        seed: (ids) => ids.map((id) => A.of({ id, n: 0 }))
      })
      const wait = <X, E, R>(effect: Effect.Effect<X, E, R>) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(effect)
          // Jobs give the event loop a turn now and then, which is not the test's clock's.
          for (let turn = 0; turn < 50; turn++)
            yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          yield* TestClock.adjust("20 seconds")
          return yield* Fiber.join(fiber)
        })
      const first = yield* wait(runInline(program, ["a", "b"], { budget: { maxDuration: "5 seconds" } }))
      expect(first.error).toMatchObject({ _tag: "BudgetExhausted", budget: "duration" })
      expect(first.result.usage.agents).toBe(0)
      expect(saw).toEqual([])
      const second = yield* wait(runInline(program, ["c"], { context: first.result.context }))
      expect(second.error).toBeUndefined()
      expect(saw).toEqual(["1 a", "1 b", "1 c"])
    })
  )

  it.effect("can go on from the partial result of any error, and from one context many times", () =>
    Effect.gen(function* () {
      const { program } = copier()
      const failed = yield* runInline(program, ["a"], { budget: { maxFacts: 1 } })
      const partial = failed.error!.partial.context
      const [one, two] = yield* Effect.all(
        [runInline(program, ["x"], { context: partial }), runInline(program, ["y"], { context: partial })],
        { concurrency: "unbounded" }
      )
      expect(idsOf(one.result, A)).toEqual(["a", "x"])
      expect(idsOf(two.result, A)).toEqual(["a", "y"])
      expect(partial.all(A)).toHaveLength(1)
    })
  )

  it.effect("has a hash that depends on all that came before", () =>
    Effect.gen(function* () {
      const { program } = copier()
      const [a, b] = [yield* runInline(program, ["a"]), yield* runInline(program, ["b"])]
      const on = (context: JobContext.JobContext) =>
        Effect.map(runInline(program, ["c"], { context }), ({ result }) => result.hash)
      expect(yield* on(a.result.context)).not.toBe(yield* on(b.result.context))
      expect(yield* on(a.result.context)).toBe(yield* on(a.result.context))
      const fresh = yield* runInline(program, ["c"])
      expect(yield* on(a.result.context)).not.toBe(fresh.result.hash)
    })
  )

  it.effect("has its semantic invariants asked about what is there", () =>
    Effect.gen(function* () {
      const base = yield* runInline(copier().program, ["a"])
      const program = Program.make("strict", {
        input: Ids,
        agents: [],
        kinds: [A],
        invariants: [Invariant.semantic("no a", (view) => view.size(A) === 0 || "there is an a")]
      })
      const { error } = yield* runInline(program, [], { context: base.result.context })
      expect(error).toMatchObject({ _tag: "InvariantViolated", name: "no a" })
    })
  )
})

describe("a chain of jobs, longer than the layers that a context stands on", () => {
  it.effect("ends with what one job with all their seeds would hold", () =>
    Effect.gen(function* () {
      const { program, saw } = copier()
      const ids = Array.from({ length: Limits.contextLayers * 2 + 5 }, (_, n) => `id${n}`)
      let context: JobContext.JobContext | undefined
      for (const [n, id] of ids.entries()) {
        const end = yield* runInline(program, [id], context === undefined ? {} : { context })
        expect(end.error).toBeUndefined()
        expect(end.result.output).toEqual(ids.slice(0, n + 1))
        expect(end.result.context.get(Last, "sum").pipe(Option.map((fact) => fact.value.n))).toEqual(Option.some(n + 1))
        context = end.result.context
      }
      expect(saw).toEqual(ids.map((id) => `1 ${id}`))
      const at = Provenance.explain(context!, { kind: "B", id: "id3" })!
      expect(at.trace).toEqual({ copied: "id3" })
      expect(at.causes.map(({ fact }) => `${fact.kind}/${fact.id}`)).toEqual(["A/id3"])
      const whole = yield* runInline(copier().program, ids)
      expect(context!.all(B).map(({ value }) => value)).toEqual(valuesOf(whole.result, B))
      expect(context!.contextBytes).toBe(whole.result.context.contextBytes)
    })
  )

  it.effect("costs each job what it adds, not what is there", () =>
    Effect.gen(function* () {
      const many = Program.make("many", {
        input: Schema.Finite,
        agents: [],
        kinds: [A],
        seed: (count) => Array.from({ length: count }, (_, n) => A.of({ id: `s${n}`, n }))
      })
      const empty = Program.make("none", { input: Ids, agents: [], kinds: [A, B] })
      const time = (context: JobContext.JobContext) =>
        Effect.gen(function* () {
          const began = performance.now()
          for (let n = 0; n < 20; n++) yield* runInline(empty, [], { context })
          return performance.now() - began
        })
      const small = yield* runInline(many, 100)
      const large = yield* runInline(many, 100_000)
      yield* time(small.result.context)
      let best = Infinity
      for (let attempt = 0; attempt < 4 && best >= 3; attempt++) {
        const [a, b] = [yield* time(small.result.context), yield* time(large.result.context)]
        best = Math.min(best, b / a)
      }
      expect(best).toBeLessThan(5)
    })
  )
})

describe("two kinds of one name", () => {
  it.effect("in one chain are one kind to the context", () =>
    Effect.gen(function* () {
      const Same = Fact.kind("A", { schema: Schema.Struct({ id: Schema.String, n: Schema.Finite }), id: (it) => it.id })
      const first = yield* runInline(copier().program, ["a"])
      const program = Program.make("same", {
        input: Ids,
        agents: [],
        kinds: [Same],
        output: (view) => view.all(Same).map(({ id }) => id)
      })
      const { result } = yield* runInline(program, [], { context: first.result.context })
      expect(result.output).toEqual(["a"])
    })
  )
})
