/**
 * G12, provenance: the reasons that an agent names. They are kept with the fact, covered by the hash, journaled, and shown by
 * `explain` in place of everything that made the task eligible.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, Engine, type Fact, Job, type JobContext, Program, Provenance, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { Cell, cell, Entry, entry, ended, failure, noInput, Num, num, nums } from "../support/behaviour/harness.ts"
import { copying, Longest, Pair, reasoned, Word } from "../support/behaviour/reasoned.ts"
import { comparable, engineInline, engineOn, runInline, runToEnd } from "../support/core/run.ts"

const words = { words: ["a", "ccc", "bb"] }
const of = (context: JobContext.JobContext, kind: Fact.Kind.Any, id: string) => context.find(kind.name, id)!.provenance
const causes = (context: JobContext.JobContext, kind: Fact.Kind.Any, id: string) =>
  Provenance.explain(context, { kind: kind.name, id })!.causes.map(({ fact }) => fact.id)

describe("the reasons of a fact", () => {
  it.effect("are its causes, in the order given, each once", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(reasoned, words)).result
      expect(of(context, Pair, "a ccc").because).toEqual([2, 1])
      expect(Object.isFrozen(of(context, Pair, "a ccc").because)).toBe(true)
      expect(causes(context, Pair, "a ccc")).toEqual(["ccc", "a"])
      expect(causes(context, Pair, "ccc bb")).toEqual(["bb", "ccc"])
      expect(Provenance.format(Provenance.explain(context, { kind: "Pair", id: "a ccc" })!)).toBe(
        ["Pair/a ccc  (pairs, cycle 1)", "├─ Word/ccc  (seed, cycle 0)", "└─ Word/a  (seed, cycle 0)"].join("\n")
      )
    })
  )

  it.effect("stand where none is given for the facts that made the task eligible", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(reasoned, words)).result
      expect(of(context, Word, "a3")).not.toHaveProperty("because")
      expect(causes(context, Word, "a3")).toEqual(["a ccc"])
    })
  )

  it.effect("are those of the revision that a combining function made", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(reasoned, words)).result
      expect(context.all(Longest)[0]?.value.text).toBe("ccc3")
      expect(causes(context, Longest, "longest")).toEqual(["ccc3 bb5"])
    })
  )

  it.effect("stay those of the first that proposed the value", () =>
    Effect.gen(function* () {
      const both = Program.make("both", {
        input: noInput,
        seed: () => nums(1, 2),
        agents: [
          Agent.make("same", {
            each: Num,
            writes: [Entry],
            execute: (fact) => Effect.succeed({ facts: [Entry.of({ key: "k", text: "t" }, { because: [fact] })] })
          })
        ]
      })
      const { context } = (yield* runInline(both, {})).result
      expect(causes(context, Entry, "k")).toEqual(["1"])
    })
  )

  it.effect("are covered by the hash", () =>
    Effect.gen(function* () {
      const because = (of: (n: ReadonlyArray<Fact.FactOf<typeof Num>>) => ReadonlyArray<Fact.Fact>) =>
        Program.make("p", {
          input: noInput,
          seed: () => nums(1, 2),
          agents: [
            Agent.make("a", {
              reads: [Num],
              writes: [Entry],
              execute: (view) =>
                Effect.succeed({ facts: [Entry.of({ key: "k", text: "t" }, { because: of(view.all(Num)) })] })
            })
          ]
        })
      const hashOf = (program: ReturnType<typeof because>) =>
        Effect.map(runInline(program, {}), ({ result }) => result.hash)
      const hashes = [
        yield* hashOf(because((facts) => facts)),
        yield* hashOf(because((facts) => facts.slice(1))),
        yield* hashOf(because((facts) => facts.toReversed())),
        yield* hashOf(because(() => []))
      ]
      expect(new Set(hashes).size).toBe(4)
    })
  )

  it.effect("may come from an earlier job's context, however many layers there are", () =>
    Effect.gen(function* () {
      let context: JobContext.JobContext | undefined
      for (let run = 0; run < 12; run++) {
        const letter = String.fromCharCode(97 + run)
        const input = { words: [`${letter}1`, `${letter}2`] }
        context = (yield* runInline(reasoned, input, { context })).result.context
      }
      expect(causes(context!, Pair, "a1 a2")).toEqual(["a2", "a1"])
      expect(causes(context!, Pair, "l1 l2")).toEqual(["l2", "l1"])
    })
  )

  it.live("are the same for any number of workers", () =>
    Effect.gen(function* () {
      const inline = comparable(yield* runInline(reasoned, words, { id: "job" }))
      for (const size of [1, 2]) {
        const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size, execArgv: [] })))
        expect(comparable(yield* Effect.provide(runToEnd(reasoned, words, { id: "job" }), engine))).toEqual(inline)
      }
    }).pipe(Effect.scoped)
  )
})

describe("reasons in a journal", () => {
  it.effect("are there when the job is resumed, forked and continued", () =>
    Effect.gen(function* () {
      const whole = yield* runInline(reasoned, words, { id: "job" })
      for (let appends = 0; appends < 3; appends++) {
        const store = yield* journalStore
        yield* ended(Engine.run(reasoned, words, { id: "job" })).pipe(
          Effect.provide(engineOnStore(brokenOff(store, appends)))
        )
        const engine = yield* Layer.build(engineOnStore(store))
        const job = yield* Effect.provide(Engine.resume(reasoned, "job"), engine)
        const result = yield* job.result
        expect(result.hash).toBe(whole.result.hash)
        expect(Job.toJson(result, { facts: "all" }).facts).toEqual(Job.toJson(whole.result, { facts: "all" }).facts)
        const fork = yield* Effect.provide(Engine.fork(reasoned, "job", { at: 1, id: `fork${appends}` }), engine)
        expect(causes((yield* fork.result).context, Pair, "ccc bb")).toEqual(["bb", "ccc"])
        const again = yield* Effect.provide(Engine.resume(reasoned, `fork${appends}`), engine)
        expect(causes((yield* again.result).context, Pair, "ccc bb")).toEqual(["bb", "ccc"])
      }
    }).pipe(Effect.scoped)
  )
})

describe("reasons that cannot be", () => {
  const refused = (because: unknown, context: ReadonlyArray<Fact.Proposal<string, unknown>> = nums(1, 2)) =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: noInput,
        kinds: [Cell],
        seed: () => context as ReadonlyArray<Fact.ProposalOf<typeof Num>>,
        agents: [
          Agent.make("a", {
            reads: [Num],
            writes: [Entry],
            execute: (view) =>
              Effect.succeed({
                facts: [
                  Entry.of(
                    { key: "k", text: "t" },
                    {
                      because: (typeof because === "function"
                        ? because(view.all(Num))
                        : because) as ReadonlyArray<Fact.Fact>
                    }
                  )
                ]
              })
          })
        ]
      })
      const { error } = yield* runInline(program, {})
      return error?._tag === "InvalidEffect" ? error.message : error?._tag
    })
  type Nums = ReadonlyArray<Fact.FactOf<typeof Num>>

  it.effect("are refused, and the message names the place and what to do", () =>
    Effect.gen(function* () {
      expect(yield* refused("Num/1")).toContain("facts[0].because must be an array, not string")
      expect(yield* refused([{ kind: "Num", id: "1" }])).toContain(
        "facts[0].because[0] is an object, which is no fact: give facts as the view hands them out"
      )
      expect(yield* refused([null])).toContain("facts[0].because[0] is null, which is no fact: give facts")
      expect(yield* refused(([one]: Nums) => [one, { ...one, kind: "Cell" }])).toContain(
        'facts[0].because[1] is of kind "Cell", which agent "a" does not see: add the kind to reads'
      )
      expect(yield* refused(([one]: Nums) => [{ ...one, id: "7" }])).toContain(
        'facts[0].because[0] is "Num"/7 of version 1, and the view has no such fact'
      )
      expect(yield* refused(([one]: Nums) => [{ ...one, provenance: { version: 9 } }])).toContain(
        'facts[0].because[0] is "Num"/1 of version 9, and the view shows version 1 of it'
      )
    })
  )

  it.effect("are refused of a copy, and of a fact of another job with the same name and version", () =>
    Effect.gen(function* () {
      const message =
        'facts[0].because[0] looks like "Num"/1 of version 1, and is a copy of it or a fact of another job'
      expect(yield* refused(([one]: Nums) => [{ ...one }])).toContain(message)
      expect(yield* refused(([one]: Nums) => [{ ...one, value: { n: 5 } }])).toContain(message)
      const { context } = (yield* runInline(reasoned, words)).result
      const stranger = { ...context.all(Word)[0]!, kind: "Num", id: "1" }
      expect(yield* refused([stranger])).toContain(message)
      expect(yield* refused(([one]: Nums) => [one])).toBeUndefined()
    })
  )

  it.live("are refused of a copy on a worker, and taken of what its view shows", () =>
    Effect.gen(function* () {
      const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size: 1, execArgv: [] })))
      const { error } = yield* Effect.provide(runToEnd(copying, { isCopy: true }), engine)
      expect(String(error)).toContain("is a copy of it or a fact of another job")
      const { result } = yield* Effect.provide(runToEnd(copying, { isCopy: false }), engine)
      expect(of(result.context, Pair, "a a").because).toEqual([1])
    }).pipe(Effect.scoped)
  )

  it.effect("are refused of a fact that was revised since it was handed out", () =>
    Effect.gen(function* () {
      let kept: Fact.Fact | undefined
      const program = Program.make("p", {
        input: noInput,
        seed: () => [cell("x", "0")],
        agents: [
          Agent.make("a", {
            each: Cell,
            writes: [Cell, Entry],
            execute: (fact) => {
              kept ??= fact
              return Effect.succeed(
                fact.value.text === "0"
                  ? { facts: [cell("x", "1")] }
                  : { facts: [Entry.of({ key: "k", text: "t" }, { because: [kept] })] }
              )
            }
          })
        ]
      })
      const { error } = yield* runInline(program, {})
      expect(error).toMatchObject({ _tag: "InvalidEffect" })
      expect(String(error)).toContain('"Cell"/x of version 1, and the view shows version 2 of it')
    })
  )

  it.effect("are refused of seeds, and of signals", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(reasoned, words)).result
      const because = [context.all(Word)[0]!]
      const seeded = Program.make("p", {
        input: noInput,
        kinds: [Num],
        seed: () => [Num.of({ n: 1 }, { because })],
        agents: []
      })
      expect(yield* failure(Engine.run(seeded, {}))).toMatchObject({
        _tag: "InvalidInput",
        message: expect.stringContaining("facts[0].because: only an agent can give reasons") as string
      })
      const waits = Program.make("p", {
        input: noInput,
        kinds: [Num],
        signals: [Num],
        agents: [Agent.make("waits", { execute: () => Effect.never })]
      })
      const job = yield* Engine.start(waits, {})
      expect(yield* failure(job.signal([num(2), Num.of({ n: 1 }, { because })]))).toMatchObject({
        _tag: "InvalidInput",
        message: expect.stringContaining("facts[1].because: only an agent can give reasons") as string
      })
      yield* job.cancel
    }).pipe(Effect.provide(engineInline))
  )
})

it("proposals can be made by a kind's `of` as a function", () => {
  expect([{ n: 1 }, { n: 2 }].map(Num.of)).toEqual(nums(1, 2))
  expect(["a"].map((key) => entry(key))).toEqual([Entry.of({ key: "a", text: "a" })])
})
