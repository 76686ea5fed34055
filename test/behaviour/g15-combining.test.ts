/**
 * G15, nothing goes wrong in silence: a combining function that is not lawful is an error, or a diagnostic (M3).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Fact, JobStore, Journal, Program } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { noInput } from "../support/behaviour/harness.ts"
import { numbered, type Numbered } from "../support/core/ledger.ts"
import { comparable, discarded, runInline, runToEnd, valuesOf } from "../support/core/run.ts"

const Sale = numbered("Sale")
const sale = (id: string, n: number) => Sale.of({ id, n })

/** Each sale proposes its number for one fact, in the order of the sales. */
const totalling = (conflict: Fact.ConflictRule<Numbered>, sales: ReadonlyArray<number>, more: object = {}) => {
  const Total = numbered("Total", { conflict })
  const program = Program.make("totalling", {
    input: noInput,
    seed: () => sales.map((n, index) => sale(String(index), n)),
    agents: [
      Agent.make("add", {
        each: Sale,
        writes: [Total],
        execute: ({ value: { n } }) => Effect.succeed({ facts: [Total.of({ id: "ada", n })] }),
        ...more
      })
    ]
  })
  return { program, Total }
}

const sum = (a: Numbered, b: Numbered): Numbered => ({ ...a, n: a.n + b.n })
const later = (_: Numbered, b: Numbered): Numbered => b

describe("a combining function that is not idempotent", () => {
  it.effect("ends the job, with the kind, the values, the law, and what to do instead", () =>
    Effect.gen(function* () {
      const { Total, program } = totalling(sum, [10, 5, 1])
      const { error, result } = yield* runInline(program, {})
      expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "add", cycle: 1 })
      expect(error?.message).toBe(
        'the combining function of Total is not idempotent: of {"id":"ada","n":10} and the same value it makes ' +
          '{"id":"ada","n":20}. A value that is proposed again is no proposal, so such a function loses some of them. ' +
          "To sum or to count, keep each part as a fact of its own, and add them up in an agent, such as a fold"
      )
      expect(valuesOf(result, Total)).toEqual([{ id: "ada", n: 10 }])
    })
  )

  it.effect("is found when the proposed value alone shows it", () =>
    Effect.gen(function* () {
      const { program } = totalling((a, b) => ({ ...a, n: b.n > 10 ? a.n + b.n : Math.max(a.n, b.n) }), [10, 11])
      expect((yield* runInline(program, {})).error?.message).toContain('of {"id":"ada","n":11} and the same value')
    })
  )

  it.effect("is found where equal values meet, which are a no-op, also after a crash", () =>
    Effect.gen(function* () {
      const { program, Total } = totalling(sum, [10, 10])
      const whole = yield* runInline(program, {}, { id: "job" })
      expect(whole.error).toMatchObject({ _tag: "InvalidEffect", agent: "add", cycle: 1 })
      expect(whole.error?.message).toMatch(
        /^the combining function of Total is not idempotent: of .*"n":10\} .*"n":20\}/
      )
      expect(valuesOf(whole.result, Total)).toEqual([{ id: "ada", n: 10 }])
      for (let at = 0; at < 3; at++) {
        const store = yield* journalStore
        yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(brokenOff(store, at)))
        const second = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
        expect(comparable(second), `broken off after ${at}`).toEqual(comparable(whole))
      }
    })
  )

  it.effect("is asked once for a value that is proposed again, also by a job that goes on after a crash", () =>
    Effect.gen(function* () {
      let calls = 0
      const Step = numbered("Step")
      // Lawful for the first value, and for no other: a second check of an equal value would refuse it.
      const Slot = numbered("Slot", { conflict: (a, b) => (calls++, a.n === 0 ? b : { ...b, n: b.n + 1 }) })
      const program = Program.make("steps", {
        input: noInput,
        seed: () => [Step.of({ id: "0", n: 0 }), Slot.of({ id: "0", n: 0 }), Slot.of({ id: "1", n: 1 })],
        agents: [
          Agent.make("step", {
            each: Step,
            writes: [Step, Slot],
            execute: ({ value: { n } }) =>
              Effect.succeed({
                facts: [
                  ...(n < 3 ? [Step.of({ id: String(n + 1), n: n + 1 })] : []),
                  Slot.of(n === 0 ? { id: "0", n: 0 } : { id: "1", n: 1 })
                ]
              })
          })
        ]
      })
      const whole = yield* runInline(program, {}, { id: "job" })
      expect(whole.error).toBeUndefined()
      expect(calls).toBe(1)
      for (let at = 0; at < 5; at++) {
        const store = yield* journalStore
        yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(brokenOff(store, at)))
        const second = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
        expect(comparable(second), `broken off after ${at}`).toEqual(comparable(whole))
      }
    })
  )

  it.effect("is found where two pairs of a join propose equal values", () =>
    Effect.gen(function* () {
      const Total = numbered("Total", { conflict: sum })
      const program = Program.make("joined", {
        module: import.meta.url,
        input: noInput,
        seed: () => [sale("a", 10), sale("b", 10)],
        agents: [
          Agent.join("add", {
            left: [Sale, ({ id }) => id],
            right: [Sale, ({ id }) => id],
            writes: [Total],
            execute: ({ value: { n } }) => ({ facts: [Total.of({ id: "ada", n })] })
          })
        ]
      })
      const { error } = yield* runInline(program, {})
      expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "add", cycle: 1 })
      expect(error?.message).toContain("the combining function of Total is not idempotent")
    })
  )

  it.effect("ends a job whose seeds meet an earlier context, too", () =>
    Effect.gen(function* () {
      const { Total } = totalling(sum, [])
      const holding = (n: number) =>
        Program.make("holding", {
          input: noInput,
          seed: () => [Total.of({ id: "ada", n })],
          kinds: [Total],
          agents: []
        })
      const { result } = yield* runInline(holding(1), {})
      const { error } = yield* runInline(holding(2), {}, { context: result.context })
      expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "", cycle: 0 })
    })
  )
})

describe("a combining function that is not commutative", () => {
  it.effect("is a diagnostic, once for the kind and the job, with both values", () =>
    Effect.gen(function* () {
      const { program } = totalling(later, [3, 2, 1])
      const { error, result } = yield* runInline(program, {})
      expect(error).toBeUndefined()
      expect(result.diagnostics).toEqual([
        {
          cycle: 1,
          agent: "add",
          each: { kind: "Sale", id: "1" },
          cause: {
            _tag: "NotCommutative",
            cycle: 1,
            kind: "Total",
            id: "ada",
            existing: { id: "ada", n: 3 },
            proposed: { id: "ada", n: 2 }
          }
        }
      ])
    })
  )

  it.effect("is said of each kind of its own", () =>
    Effect.gen(function* () {
      const kinds = [numbered("A", { conflict: later }), numbered("B", { conflict: later })]
      const program = Program.make("p", {
        input: noInput,
        seed: () => kinds.map((kind) => kind.of({ id: "x", n: 1 })),
        agents: [
          Agent.make("two", {
            writes: kinds,
            execute: () => Effect.succeed({ facts: kinds.map((kind) => kind.of({ id: "x", n: 2 })) })
          }),
          Agent.make("three", {
            writes: kinds,
            execute: () => Effect.succeed({ facts: kinds.map((kind) => kind.of({ id: "x", n: 3 })) })
          })
        ]
      })
      const { result } = yield* runInline(program, {})
      expect(discarded(result)).toEqual([
        ["two", "NotCommutative"],
        ["two", "NotCommutative"]
      ])
    })
  )

  it.effect("is said the same after a crash, and when the journal is read back", () =>
    Effect.gen(function* () {
      const Count = numbered("Count")
      const Slot = numbered("Slot", { conflict: later })
      const Max = numbered("Max", { conflict: (a, b) => (a.n > b.n ? a : b) })
      const program = Program.make("counts", {
        input: noInput,
        seed: () => [Count.of({ id: "0", n: 0 })],
        agents: [
          Agent.make("count", {
            each: Count,
            writes: [Count, Slot, Max],
            execute: ({ value: { n } }) =>
              Effect.succeed({
                facts: [
                  ...(n < 5 ? [Count.of({ id: String(n + 1), n: n + 1 })] : []),
                  Slot.of({ id: "s", n }),
                  Max.of({ id: "m", n })
                ]
              })
          })
        ]
      })
      const whole = yield* runInline(program, {}, { id: "job" })
      expect(discarded(whole.result)).toEqual([["count", "NotCommutative"]])
      for (let at = 0; at < 6; at++) {
        const store = yield* journalStore
        yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(brokenOff(store, at)))
        const second = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
        expect(comparable(second), `broken off after ${at}`).toEqual(comparable(whole))
        const third = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
        expect(comparable(third), "read back").toEqual(comparable(whole))
        const { diagnostics } = yield* Effect.provide(Journal.replay("job"), Layer.succeed(JobStore.JobStore, store))
        expect(diagnostics).toEqual(whole.result.diagnostics)
      }
    })
  )
})

describe("a combining function that is commutative on its first pairs", () => {
  const Count = numbered("Count")
  /** Combines two values lawfully, but for pairs of which the proposed one is at a number. It notes its calls. */
  const failingAt = (from: number, last: number, each = 1) => {
    const calls = { count: 0 }
    const Slot = numbered("Slot", {
      conflict: (a, b) => {
        calls.count++
        return a.n === b.n || b.n < from ? (a.n > b.n ? a : b) : b
      }
    })
    const program = Program.make("counts", {
      input: noInput,
      seed: () => [Count.of({ id: "0", n: 0 })],
      agents: [
        Agent.make("count", {
          each: Count,
          writes: [Count, Slot],
          execute: ({ value: { n } }) =>
            Effect.succeed({
              facts: [
                ...(n < last ? [Count.of({ id: String(n + 1), n: n + 1 })] : []),
                ...Array.from({ length: each }, (_, index) => Slot.of({ id: String(index), n }))
              ]
            })
        })
      ]
    })
    return { calls, program }
  }
  const pairOf = (existing: number, proposed: number) => ({
    existing: { id: "0", n: existing },
    proposed: { id: "0", n: proposed }
  })

  it.effect("is a diagnostic on the first pair on which it is not, once, also after a crash", () =>
    Effect.gen(function* () {
      const { program } = failingAt(4, 7)
      const whole = yield* runInline(program, {}, { id: "job" })
      expect(whole.result.diagnostics).toMatchObject([
        { cycle: 6, agent: "count", cause: { _tag: "NotCommutative", kind: "Slot", id: "0", ...pairOf(4, 5) } }
      ])
      for (let at = 0; at < 9; at++) {
        const store = yield* journalStore
        yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(brokenOff(store, at)))
        const second = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
        expect(comparable(second), `broken off after ${at}`).toEqual(comparable(whole))
      }
    })
  )

  it.effect("is checked on its first thousand pairs, and then on one of 64", () =>
    Effect.gen(function* () {
      const { calls, program } = failingAt(Infinity, 21, 1_000)
      const { result } = yield* runInline(program, {})
      expect(result.diagnostics).toEqual([])
      const pairs = 21_000
      const checks = 1_024 + Math.ceil((pairs - 1_024) / 64)
      // A check is two calls, and the first pair is also checked with each of its values beside itself.
      expect(calls.count).toBe(pairs + 2 * checks + 2)
      const late = yield* runInline(failingAt(20, 21, 1_000).program, {})
      expect(discarded(late.result)).toEqual([["count", "NotCommutative"]])
    })
  )
})

describe("a rule that is lawful", () => {
  const Doc = Schema.Struct({
    key: Schema.String,
    score: Schema.Finite,
    at: Schema.DateTimeUtcFromString,
    tags: Schema.Array(Schema.String)
  })
  type Doc = typeof Doc.Type

  /** The value after all proposals, each by an agent of its own, in an order. */
  const after = (rule: Fact.ConflictRule<Doc>, proposals: ReadonlyArray<Doc>) => {
    const Kind = Fact.kind("Doc", { schema: Doc, id: ({ key }) => key, conflict: rule })
    const agents = proposals.map((doc, index) =>
      Agent.make(`a${index}`, { writes: [Kind], execute: () => Effect.succeed({ facts: [Kind.of(doc)] }) })
    )
    return Effect.map(runInline(Program.make("p", { input: noInput, agents }), {}), ({ error, result }) => {
      expect(error).toBeUndefined()
      expect(result.diagnostics).toEqual([])
      return JSON.stringify(valuesOf(result, Kind))
    })
  }

  const doc = (score: number, day: number, ...tags: ReadonlyArray<string>): Doc => ({
    key: "k",
    score,
    at: Schema.decodeSync(Schema.DateTimeUtcFromString)(`2024-01-0${day}T00:00:00Z`),
    tags
  })
  const docs = [doc(2, 1, "b", "a"), doc(3, 2, "c"), doc(3, 1, "a"), doc(1, 3), doc(2, 1, "b", "a")]
  const orders = [
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [2, 0, 4, 1, 3],
    [3, 1, 4, 0, 2]
  ].map((order) => order.map((index) => docs[index]!))

  const rules: ReadonlyArray<readonly [string, Fact.ConflictRule<Doc>, string]> = [
    ["Fact.max", Fact.max(({ score }) => score), '"score":3,"at":"2024-01-02T00:00:00.000Z","tags":["c"]'],
    ["Fact.min", Fact.min(({ score }) => score), '"score":1,"at":"2024-01-03T00:00:00.000Z","tags":[]'],
    ["Fact.union", Fact.union("tags"), '"score":1,"at":"2024-01-03T00:00:00.000Z","tags":["a","b","c"]']
  ]

  it.effect.each(rules)("%s: gives one value in every order, ties included", ([, rule, expected]) =>
    Effect.gen(function* () {
      for (const order of orders) expect(yield* after(rule, order)).toContain(expected)
    })
  )

  it("can be called, as any rule of one's own can", () => {
    const greatest = Fact.max(({ n }: Numbered) => n)
    expect(greatest({ id: "a", n: 1 }, { id: "b", n: 2 })).toEqual({ id: "b", n: 2 })
    expect(greatest({ id: "a", n: 1 }, { id: "b", n: 1 })).toEqual({ id: "b", n: 1 })
    const joined = Fact.union("of")
    expect(joined({ id: "x", of: [2, 1] }, { id: "x", of: [3, 2] })).toEqual({ id: "x", of: [1, 2, 3] })
  })

  it.effect("that cannot rank a value, or has no array, is the agent's panic", () =>
    Effect.gen(function* () {
      const none = yield* runInline(
        totalling(
          Fact.max(() => Number.NaN),
          [1, 2]
        ).program,
        {}
      )
      expect(none.error).toMatchObject({ _tag: "AgentPanicked" })
      expect(none.error?.message).toContain("a value is ranked by a number, a bigint or a text, not by NaN")
      const union = Fact.union("n") as unknown as Fact.ConflictRule<Numbered>
      const noList = yield* runInline(totalling(union, [1, 2]).program, {})
      expect(noList.error?.message).toContain('Fact.union("n"): the field must be an array')
    })
  )
})
