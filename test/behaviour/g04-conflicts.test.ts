/**
 * G4, conflicts are values: two proposals for one (kind, id) are resolved by the kind's rule (M3), and the error names both
 * proposers.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, type Budget, Fact, Program } from "../../src/index.ts"
import { numbered, type Numbered } from "../support/core/ledger.ts"
import { discarded, idsOf, runInline, valuesOf } from "../support/core/run.ts"
import { discardAll } from "../support/core/lenient.ts"

type Values = ReadonlyArray<readonly [id: string, n: number]>

const Log = numbered("Log")

/** A program in which agents propose values of one kind in the first cycle, and one that reads them counts its turns. */
const contest = (options: {
  readonly rule?: Fact.ConflictRule<Numbered>
  readonly seeds?: Values
  readonly proposals: Readonly<Record<string, Values>>
  readonly onFailure?: Agent.OnFailure
  readonly budget?: Budget.Budget
}) => {
  const Slot = numbered("Slot", options.rule === undefined ? {} : { conflict: options.rule })
  const turns: Array<string> = []
  const reader = Agent.make("reader", {
    reads: [Slot],
    execute: (view) =>
      Effect.sync(() => {
        turns.push(
          `${view.cycle}: ${view
            .delta(Slot)
            .map(({ id, value }) => `${id}=${value.n}`)
            .join(" ")}`
        )
        return {}
      })
  })
  const agents = Object.entries(options.proposals).map(([name, values]) =>
    Agent.make(name, {
      writes: [Slot, Log],
      onFailure: options.onFailure ?? discardAll,
      execute: () =>
        Effect.succeed({ facts: [...values.map(([id, n]) => Slot.of({ id, n })), Log.of({ id: name, n: 0 })] })
    })
  )
  const program = Program.make("contest", {
    input: Schema.Struct({}),
    agents: [...agents, reader],
    budget: options.budget,
    seed: () => (options.seeds ?? []).map(([id, n]) => Slot.of({ id, n }))
  })
  return Effect.map(runInline(program, {}), (end) => ({
    ...end,
    turns,
    slots: end.result.context
      .all(Slot)
      .map(({ id, provenance, value }) => [id, value.n, provenance.agent, provenance.version]),
    merged: idsOf(end.result, Log)
  }))
}

describe('"reject"', () => {
  it.effect("is the default: it discards the later effect whole, and names both agents and both values", () =>
    Effect.gen(function* () {
      const { error, events, merged, result, slots } = yield* contest({
        proposals: {
          first: [["a", 1]],
          second: [
            ["b", 1],
            ["a", 2],
            ["c", 1]
          ],
          third: [["d", 1]]
        }
      })
      expect(error).toBeUndefined()
      expect(slots).toEqual([
        ["a", 1, "first", 1],
        ["d", 1, "third", 3]
      ])
      expect(merged).toEqual(["first", "third"])
      const cause = {
        _tag: "MergeConflict",
        cycle: 1,
        kind: "Slot",
        id: "a",
        existing: { id: "a", n: 1 },
        proposed: { id: "a", n: 2 },
        agents: ["first", "second"]
      }
      expect(result.diagnostics).toEqual([{ cycle: 1, agent: "second", each: undefined, cause }])
      expect(events).toContainEqual(expect.objectContaining({ _tag: "TaskDiscarded", agent: "second", cause }))
    })
  )

  it.effect(
    "ends the job with MergeConflict if the agent does not discard failures; the others of the cycle are committed",
    () =>
      Effect.gen(function* () {
        const { error, merged, result, slots } = yield* contest({
          proposals: {
            first: [["a", 1]],
            second: [["a", 2]],
            third: [
              ["a", 1],
              ["b", 1]
            ]
          },
          onFailure: "halt"
        })
        expect(error).toMatchObject({
          _tag: "MergeConflict",
          agents: ["first", "second"],
          cycle: 1,
          kind: "Slot",
          id: "a"
        })
        expect(result.status).toBe("failed")
        expect(merged).toEqual(["first", "third"])
        expect(slots).toEqual([
          ["a", 1, "first", 1],
          ["b", 1, "third", 3]
        ])
      })
  )

  it.effect("of a seed names the seed", () =>
    Effect.gen(function* () {
      const { result } = yield* contest({ seeds: [["a", 1]], proposals: { late: [["a", 2]] } })
      expect(result.diagnostics[0]!.cause).toMatchObject({ _tag: "MergeConflict", agents: ["seed", "late"] })
    })
  )

  it.effect("is met in a later cycle too, and by an agent that disagrees with itself", () => {
    const Slot = numbered("Slot")
    const program = Program.make("p", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("self", {
          each: Slot,
          writes: [Slot],
          onFailure: discardAll,
          execute: ({ value: { n } }) =>
            Effect.succeed({ facts: n < 3 ? [Slot.of({ id: `s${n % 2}`, n: n + 1 })] : [] })
        })
      ],
      seed: () => [Slot.of({ id: "s1", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ result }) => {
      expect(valuesOf(result, Slot)).toEqual([
        { id: "s1", n: 0 },
        { id: "s0", n: 1 }
      ])
      expect(result.diagnostics.map(({ cause, cycle, each }) => [cycle, each?.id, cause])).toEqual([
        [2, "s0", expect.objectContaining({ _tag: "MergeConflict", agents: ["seed", "self"], id: "s1" })]
      ])
    })
  })

  it.effect("between tasks of one agent: the first in the order of their facts stays", () => {
    const In = numbered("In")
    const Out = numbered("Out")
    const program = Program.make("p", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("each", {
          each: In,
          writes: [Out],
          onFailure: discardAll,
          execute: ({ id, value: { n } }) => Effect.succeed({ facts: [Out.of({ id: "same", n }), Out.of({ id, n })] })
        })
      ],
      seed: () => ["c", "a", "b"].map((id, n) => In.of({ id, n }))
    })
    return Effect.map(runInline(program, {}), ({ result }) => {
      expect(valuesOf(result, Out)).toEqual([
        { id: "same", n: 0 },
        { id: "c", n: 0 }
      ])
      expect(result.diagnostics.map(({ each }) => each)).toEqual([
        { kind: "In", id: "a" },
        { kind: "In", id: "b" }
      ])
      expect(result.diagnostics.map(({ cause }) => (cause as { agents: unknown }).agents)).toEqual([
        ["each", "each"],
        ["each", "each"]
      ])
    })
  })
})

describe("an equal value", () => {
  for (const rule of [
    "reject",
    "keepFirst",
    "keepLast",
    // It is asked once, whether it is idempotent, and never with two values.
    (existing: Numbered, proposed: Numbered) => {
      if (existing.n !== proposed.n) throw new Error("is not asked")
      return existing
    }
  ] as const) {
    it.effect(`is no conflict and no news (${typeof rule === "function" ? "combine" : rule})`, () =>
      Effect.gen(function* () {
        const { result, slots, turns } = yield* contest({
          rule,
          seeds: [["a", 1]],
          proposals: {
            first: [["a", 1]],
            second: [
              ["a", 1],
              ["b", 2]
            ],
            third: [["b", 2]]
          }
        })
        expect(discarded(result)).toEqual([])
        // It keeps the version and the provenance of who was first; nobody is triggered by it.
        expect(slots).toEqual([
          ["a", 1, "", 1],
          ["b", 2, "second", 3]
        ])
        expect(turns).toEqual(["1: a=1", "2: b=2"])
        expect(result.usage.facts).toBe(1 + 1 + 3)
      })
    )
  }

  it.effect("is told by its canonical text: 0 and -0, and any order of keys", () => {
    const Open = Fact.kind("Open", {
      schema: Schema.Struct({ id: Schema.String, data: Schema.Record(Schema.String, Schema.Finite) }),
      id: (open) => open.id
    })
    const agent = (name: string, data: Record<string, number>) =>
      Agent.make(name, { writes: [Open], execute: () => Effect.succeed({ facts: [Open.of({ id: "o", data })] }) })
    const program = Program.make("p", {
      input: Schema.Struct({}),
      agents: [agent("one", { b: 1, a: 0, 10: 1, 9: 1 }), agent("two", { 9: 1, 10: 1, a: -0, b: 1 })]
    })
    return Effect.map(runInline(program, {}), ({ error, result }) => {
      expect(error).toBeUndefined()
      expect(result.version).toBe(1)
    })
  })
})

describe('"keepFirst"', () => {
  it.effect("drops the later proposal, and nothing else of its effect", () =>
    Effect.gen(function* () {
      const { merged, result, slots, turns } = yield* contest({
        rule: "keepFirst",
        seeds: [["a", 1]],
        proposals: {
          first: [
            ["a", 2],
            ["b", 1]
          ],
          second: [
            ["b", 9],
            ["c", 1]
          ]
        }
      })
      expect(discarded(result)).toEqual([])
      expect(merged).toEqual(["first", "second"])
      expect(slots).toEqual([
        ["a", 1, "", 1],
        ["b", 1, "first", 2],
        ["c", 1, "second", 4]
      ])
      expect(turns).toEqual(["1: a=1", "2: b=1 c=1"])
    })
  )
})

describe('"keepLast"', () => {
  it.effect("commits a revision: a new version, a new provenance, news to every reader, and not counted", () =>
    Effect.gen(function* () {
      const { result, slots, turns } = yield* contest({
        rule: "keepLast",
        seeds: [
          ["a", 1],
          ["b", 1]
        ],
        proposals: {
          first: [["a", 2]],
          second: [
            ["a", 3],
            ["c", 1]
          ]
        }
      })
      expect(discarded(result)).toEqual([])
      expect(slots).toEqual([
        ["b", 1, "", 2],
        ["a", 3, "second", 5],
        ["c", 1, "second", 6]
      ])
      // Readers see the latest of two revisions in one cycle.
      expect(turns).toEqual(["1: a=1 b=1", "2: a=3 c=1"])
      expect(result.usage.facts).toBe(2 + 1 + 2)
      expect(result.version).toBe(7)
    })
  )

  it.effect("revisions do not count against maxFacts", () =>
    Effect.gen(function* () {
      const { error, result } = yield* contest({
        rule: "keepLast",
        seeds: [["a", 1]],
        proposals: { first: [["a", 2]], second: [["a", 3]], third: [["a", 4]] },
        budget: { maxFacts: 4 }
      })
      expect(error).toBeUndefined()
      expect(result.usage.facts).toBe(4)
      expect(result.version).toBe(7)
    })
  )

  it.effect("triggers an agent with `each` again for the revised fact", () => {
    const Slot = numbered("Slot", { conflict: "keepLast" })
    const seen: Array<string> = []
    const program = Program.make("p", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("each", {
          each: Slot,
          writes: [Slot],
          execute: ({ id, provenance, value: { n } }) =>
            Effect.sync(() => {
              seen.push(`${id}=${n} by ${provenance.agent} in ${provenance.cycle}`)
              return { facts: n < 3 ? [Slot.of({ id, n: n + 1 })] : [] }
            })
        })
      ],
      seed: () => [Slot.of({ id: "a", n: 1 })]
    })
    return Effect.map(runInline(program, {}), ({ result }) => {
      expect(seen).toEqual(["a=1 by  in 0", "a=2 by each in 1", "a=3 by each in 2"])
      expect(result.cycles).toBe(4)
    })
  })
})

describe("a combining function", () => {
  const max = (a: Numbered, b: Numbered): Numbered => (a.n >= b.n ? a : b)

  it.effect("is given what is there and what is proposed, and its result is a revision", () =>
    Effect.gen(function* () {
      const calls: Array<string> = []
      const { slots, turns } = yield* contest({
        rule: (existing, proposed) => {
          calls.push(`${existing.n} ${proposed.n}`)
          expect(Object.isFrozen(existing) && Object.isFrozen(proposed)).toBe(true)
          return { id: existing.id, n: existing.n | proposed.n }
        },
        seeds: [["a", 1]],
        proposals: { first: [["a", 2]], second: [["a", 4]] }
      })
      // The first three calls check, once for the kind, that the function is lawful. Each pair is compared with its mirror.
      expect(calls.slice(0, 3)).toEqual(["1 1", "2 2", "2 1"])
      expect(new Set(calls.slice(3))).toEqual(new Set(["1 2", "3 4", "4 3"]))
      expect(calls.at(-1)).toBe("3 4")
      expect(slots).toEqual([["a", 7, "second", 4]])
      expect(turns).toEqual(["1: a=1", "2: a=7"])
    })
  )

  it.effect("whose result equals what is there adds nothing and triggers nobody", () =>
    Effect.gen(function* () {
      const { merged, result, slots, turns } = yield* contest({
        rule: max,
        seeds: [["a", 5]],
        proposals: { first: [["a", 4]], second: [["a", 5]], third: [["a", 3]] }
      })
      expect(slots).toEqual([["a", 5, "", 1]])
      expect(merged).toHaveLength(3)
      expect(turns).toEqual(["1: a=5"])
      expect(discarded(result)).toEqual([])
    })
  )

  it.effect("that is a join gives one outcome for any order of agents", () =>
    Effect.gen(function* () {
      const proposals: ReadonlyArray<readonly [string, Values]> = [
        ["x", [["a", 3]]],
        ["y", [["a", 9]]],
        ["z", [["a", 5]]]
      ]
      const outcomes = new Set<unknown>()
      for (const order of [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0]
      ]) {
        const { result } = yield* contest({
          rule: max,
          proposals: Object.fromEntries(order.map((at) => proposals[at]!))
        })
        outcomes.add(result.context.find("Slot", "a")!.value)
        expect(result.context.find("Slot", "a")!.value).toEqual({ id: "a", n: 9 })
      }
    })
  )

  it.effect("that throws is a panic of the agent that proposed, and only its effect is lost", () =>
    Effect.gen(function* () {
      const { merged, result } = yield* contest({
        rule: () => {
          throw new RangeError("cannot")
        },
        seeds: [["a", 1]],
        proposals: { first: [["b", 1]], second: [["a", 2]], third: [["c", 1]] }
      })
      expect(merged).toEqual(["first", "third"])
      expect(result.diagnostics).toEqual([
        {
          cycle: 1,
          agent: "second",
          each: undefined,
          cause: {
            _tag: "AgentPanicked",
            agent: "second",
            cycle: 1,
            message: "cannot",
            stack: expect.stringContaining("RangeError"),
            error: { _tag: "RangeError", message: "cannot" }
          }
        }
      ])
    })
  )

  it.effect("that changes the id, or whose result does not fit, is an invalid effect of the agent that proposed", () =>
    Effect.gen(function* () {
      for (const rule of [() => ({ id: "b", n: 1 }), () => ({ id: "a", n: "1" as never }), () => undefined as never]) {
        const { error, result, slots } = yield* contest({
          rule,
          seeds: [["a", 1]],
          proposals: { first: [["a", 2]] },
          onFailure: "halt"
        })
        expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "first", cycle: 1 })
        expect(slots).toEqual([["a", 1, "", 1]])
        expect(result.cycles).toBe(1)
      }
    })
  )

  it.effect("that never comes to rest is ended by a budget", () =>
    Effect.gen(function* () {
      const Slot = numbered("Slot", { conflict: Fact.max(({ n }) => n) })
      const program = Program.make("p", {
        input: Schema.Struct({}),
        agents: [
          Agent.make("a", {
            reads: [Slot],
            writes: [Slot],
            execute: (view) =>
              Effect.succeed({ facts: view.all(Slot).map(({ value: { n } }) => Slot.of({ id: "a", n: n + 2 })) })
          })
        ],
        seed: () => [Slot.of({ id: "a", n: 1 })],
        budget: { maxCycles: 10 }
      })
      const { error, result } = yield* runInline(program, {})
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "cycles", used: 10, limit: 10 })
      expect(valuesOf(result, Slot)).toEqual([{ id: "a", n: 21 }])
    })
  )
})

describe("an effect that conflicts with two others", () => {
  it.effect("names the one that it met first, in the order of its own facts", () =>
    Effect.gen(function* () {
      const { result } = yield* contest({
        proposals: {
          one: [["a", 1]],
          two: [["b", 1]],
          three: [
            ["c", 1],
            ["b", 2],
            ["a", 2]
          ]
        }
      })
      expect(result.diagnostics[0]!.cause).toMatchObject({ id: "b", agents: ["two", "three"] })
      expect(discarded(result)).toEqual([["three", "MergeConflict"]])
    })
  )

  it.effect("does not conflict with an effect that was itself discarded", () =>
    Effect.gen(function* () {
      const { merged, result } = yield* contest({
        proposals: {
          one: [["a", 1]],
          two: [
            ["b", 1],
            ["a", 2]
          ],
          three: [["b", 3]]
        }
      })
      expect(merged).toEqual(["one", "three"])
      expect(discarded(result)).toEqual([["two", "MergeConflict"]])
    })
  )
})
