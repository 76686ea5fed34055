/**
 * G12, provenance: each fact names the task that added it and, as a range of versions, the facts that made that task
 * eligible; `explain` follows them down to seeds and signals, with what agents said of their executions.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { Agent, Engine, type Fact, Invariant, type JobContext, Limits, Program, Provenance } from "../../src/index.ts"
import {
  Cell,
  cell,
  counter,
  engine,
  entry,
  Entry,
  makeGate,
  noInput,
  num,
  Num,
  nums
} from "../support/behaviour/harness.ts"
import { runInline } from "../support/core/run.ts"
import { discardAll } from "../support/core/lenient.ts"

const { Violation } = Invariant

const of = (context: JobContext.JobContext, kind: string, id: string) => context.find(kind, id)!.provenance
const explain = (context: JobContext.JobContext, kind: string, id: string) => Provenance.explain(context, { kind, id })!
const nameOf = ({ id, kind }: Fact.FactRef) => `${kind}/${id}`

/** A derivation tree as nested arrays of names. */
type Tree = readonly [string, ...ReadonlyArray<unknown>]
const tree = ({ causes, fact }: Provenance.Explanation): Tree => [nameOf(fact), ...causes.map(tree)]

/** Doubles each number, one task each, up to 8; and counts all that is new, at once, on a worker's kind of agent. */
const program = Program.make("p", {
  module: import.meta.url,
  input: noInput,
  agents: [
    Agent.make("doubles", {
      each: Num,
      writes: [Num],
      execute: ({ value: { n } }) => Effect.succeed(n < 5 ? { facts: [num(n * 2)], trace: { doubled: n } } : {})
    }),
    Agent.cpu("counts", {
      reads: [Num, Cell],
      writes: [Entry],
      execute: (view) => ({
        facts: [
          entry(
            `until ${view.size(Num)}`,
            view
              .delta(Num)
              .map(({ id }) => id)
              .join("+")
          )
        ],
        trace: view.delta(Num).length
      })
    })
  ],
  seed: () => [num(1), entry("unread"), num(3)]
})

describe("what a fact says of its origin", () => {
  it.effect("a seed: cycle 0, nobody, nothing", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(program, {})).result
      expect(of(context, "Num", "3")).toEqual({
        version: 3,
        cycle: 0,
        origin: "seed",
        agent: "",
        each: undefined,
        since: 0,
        until: 0
      })
      expect(explain(context, "Num", "3")).toMatchObject({ trace: undefined, causes: [], omitted: 0 })
    })
  )

  it.effect("an agent with each: its task, and the fact that it was about", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(program, {})).result
      expect(of(context, "Num", "2")).toEqual({
        version: 4,
        cycle: 1,
        origin: "agent",
        agent: "doubles",
        each: { kind: "Num", id: "1" },
        since: 0,
        until: 3
      })
      expect(of(context, "Num", "4")).toMatchObject({ cycle: 2, each: { kind: "Num", id: "2" }, since: 3, until: 6 })
      expect(tree(explain(context, "Num", "8"))).toEqual(["Num/8", ["Num/4", ["Num/2", ["Num/1"]]]])
      expect(explain(context, "Num", "8").trace).toEqual({ doubled: 4 })
      expect(explain(context, "Num", "6").causes[0]!.trace).toBeUndefined()
    })
  )

  it.effect("an agent for all of them: what was new to it, of the kinds that it reads and no others", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(program, {})).result
      const first = explain(context, "Entry", "until 2")
      expect(first.causes.map(({ fact }) => nameOf(fact))).toEqual(["Num/1", "Num/3"])
      expect(first.fact.provenance).toMatchObject({ agent: "counts", each: undefined, since: 0, until: 3 })
      const second = explain(context, "Entry", "until 4")
      expect(second.causes.map(({ fact }) => nameOf(fact))).toEqual(["Num/2", "Num/6"])
      expect(second).toMatchObject({ trace: 2, omitted: 0 })
    })
  )

  it.effect("an agent that reads nothing: no cause; and a fact that another proposed as well is the first's", () =>
    Effect.gen(function* () {
      const makes = (name: string) =>
        Agent.make(name, { writes: [Num], execute: () => Effect.succeed({ facts: [num(1)], trace: name }) })
      const both = Program.make("both", { input: noInput, agents: [makes("first"), makes("second")] })
      const { context } = (yield* runInline(both, {})).result
      expect(of(context, "Num", "1")).toMatchObject({ agent: "first", since: 0, until: 0 })
      expect(explain(context, "Num", "1")).toMatchObject({ trace: "first", causes: [] })
    })
  )

  it.effect("an agent that accepts late: everything since it last executed", () =>
    Effect.gen(function* () {
      const late = Program.make("late", {
        input: noInput,
        agents: [
          Agent.make("next", {
            each: Num,
            writes: [Num],
            execute: ({ value: { n } }) => Effect.succeed({ facts: n < 6 ? [num(n + 1)] : [] })
          }),
          Agent.make("thirds", {
            reads: [Num],
            writes: [Entry],
            accepts: (view) => view.delta(Num).length >= 3,
            execute: (view) => Effect.succeed({ facts: [entry(String(view.size(Num)))] })
          })
        ],
        seed: () => [num(1)]
      })
      const { context } = (yield* runInline(late, {})).result
      const causes = (id: string) => explain(context, "Entry", id).causes.map(({ fact }) => fact.id)
      expect(causes("3")).toEqual(["1", "2", "3"])
      expect(causes("6")).toEqual(["4", "5", "6"])
    })
  )

  it.effect("a signal: its cycle, nobody, nothing", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const job = yield* Engine.start(counter(2, { before: (n) => (n === 1 ? gate.arrive : Effect.void) }), {})
      yield* gate.arrived
      const sent = yield* Effect.forkChild(job.signal([num(100)]), { startImmediately: true })
      yield* gate.open
      yield* Fiber.join(sent)
      const { context } = yield* job.result
      expect(of(context, "Num", "100")).toMatchObject({
        cycle: 3,
        origin: "signal",
        agent: "",
        each: undefined,
        since: 0,
        until: 0
      })
      expect(tree(explain(context, "Num", "100"))).toEqual(["Num/100"])
      expect(Provenance.format(explain(context, "Num", "100"))).toBe("Num/100  (signal, cycle 3)")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a violation: its invariant and the cycle that it judged; who repairs has it as a cause", () =>
    Effect.gen(function* () {
      const repaired = Program.make("repaired", {
        input: noInput,
        agents: [
          Agent.make("repairs", {
            each: Violation,
            writes: [Num],
            execute: ({ value }) => Effect.succeed({ facts: value.repaired ? [] : [num(2)], trace: value.reason })
          })
        ],
        invariants: [Invariant.semantic("two", (view) => view.size(Num) > 1 || "too few")],
        seed: () => [num(1)]
      })
      const { context } = (yield* runInline(repaired, {})).result
      // Its revision: what cycle 1 committed is at position 3.
      expect(of(context, "Violation", "two")).toEqual({
        version: 4,
        cycle: 1,
        origin: "invariant",
        agent: "two",
        each: undefined,
        since: 2,
        until: 3
      })
      const { causes, trace } = explain(context, "Num", "2")
      expect(trace).toBe("too few")
      expect(causes.map(({ fact }) => [nameOf(fact), fact.provenance.version])).toEqual([["Violation/two", 2]])
      expect(causes[0]!.fact.value).toMatchObject({ repaired: false })
      expect(Provenance.format(explain(context, "Num", "2"))).toContain("Violation/two  (invariant two, cycle 0)")
    })
  )
})

describe("revisions", () => {
  /** Appends the cycle to the cell, three times; another notes what it saw. */
  const revises = Program.make("revises", {
    input: noInput,
    agents: [
      Agent.make("appends", {
        each: Cell,
        writes: [Cell],
        execute: ({ value: { key, text } }) =>
          Effect.succeed(text.length < 4 ? { facts: [cell(key, `${text}${text.length}`)], trace: text } : {})
      }),
      Agent.make("notes", {
        each: Cell,
        writes: [Entry],
        execute: ({ value: { key, text } }) => Effect.succeed({ facts: [entry(`${key}=${text}`)] })
      })
    ],
    seed: () => [cell("x", "a")]
  })

  it.effect("have the provenance of the task that made them, and as cause the value before", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(revises, {})).result
      const values: Array<unknown> = []
      for (let node = explain(context, "Cell", "x"); ; node = node.causes[0]!) {
        values.push([(node.fact.value as { readonly text: string }).text, node.trace, node.fact.provenance.cycle])
        if (node.causes.length === 0) break
      }
      expect(values).toEqual([
        ["a123", "a12", 3],
        ["a12", "a1", 2],
        ["a1", "a", 1],
        ["a", undefined, 0]
      ])
    })
  )

  it.effect("leave what was derived from the earlier value explained by that value", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(revises, {})).result
      for (const text of ["a", "a1", "a12", "a123"]) {
        const { causes } = explain(context, "Entry", `x=${text}`)
        expect(causes.map(({ fact }) => fact.value)).toEqual([{ key: "x", text }])
      }
    })
  )
})

describe("across jobs that stand on one another's contexts", () => {
  it.effect("each fact has the trace and the causes of its own job, however many there were", () =>
    Effect.gen(function* () {
      const jobs = Limits.contextLayers * 2 + 3
      const chain = Program.make("chain", {
        input: Schema.Struct({ k: Schema.Int }),
        agents: [
          Agent.make("next", {
            reads: [Entry],
            writes: [Num],
            execute: (view) => {
              const text = view.delta(Entry)[0]!.value.text
              return Effect.succeed({ facts: [num(Number(text))], trace: `job ${text}` })
            }
          })
        ],
        seed: ({ k }) => [entry(`go ${k}`, String(k))]
      })
      let context: JobContext.JobContext | undefined
      for (let k = 0; k < jobs; k++) {
        context = (yield* runInline(chain, { k }, { context })).result.context
        for (let earlier = 0; earlier <= k; earlier++) {
          const { causes, fact, trace } = explain(context, "Num", String(earlier))
          expect(fact.provenance).toMatchObject({ cycle: 1, agent: "next", version: 2 * earlier + 2 })
          expect(trace).toBe(`job ${earlier}`)
          expect(causes.map(({ fact }) => nameOf(fact))).toEqual([`Entry/go ${earlier}`])
        }
      }
    })
  )
})

describe("the derivation tree", () => {
  it.effect("is undefined for a fact that is not there", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(program, {})).result
      expect(Provenance.explain(context, { kind: "Num", id: "99" })).toBeUndefined()
      expect(Provenance.explain(context, { kind: "Nobody", id: "1" })).toBeUndefined()
    })
  )

  it.effect("ends at causes that come before what they cause, so it has no circle", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(program, {})).result
      const walk = ({ causes, fact }: Provenance.Explanation): void => {
        for (const cause of causes) {
          expect(cause.fact.provenance.version).toBeLessThan(fact.provenance.version)
          expect(cause.fact.provenance.cycle).toBeLessThan(fact.provenance.cycle)
          walk(cause)
        }
      }
      for (const fact of context.facts()) walk(explain(context, fact.kind, fact.id))
    })
  )

  it.effect("spells out a fact once, at its shallowest place, and counts where it recurs", () =>
    Effect.gen(function* () {
      const diamond = Program.make("diamond", {
        input: noInput,
        agents: [
          Agent.make("left", {
            each: Num,
            writes: [Entry],
            execute: ({ id }) => Effect.succeed({ facts: [entry(`left ${id}`)] })
          }),
          Agent.make("right", {
            each: Num,
            writes: [Entry],
            execute: ({ id }) => Effect.succeed({ facts: [entry(`right ${id}`)] })
          }),
          Agent.make("joins", {
            reads: [Entry],
            writes: [Cell],
            execute: () => Effect.succeed({ facts: [cell("bottom", "")] })
          })
        ],
        seed: () => [num(1)]
      })
      const { context } = (yield* runInline(diamond, {})).result
      const { causes } = explain(context, "Cell", "bottom")
      expect(causes.map(({ causes, fact, omitted }) => [nameOf(fact), causes.length, omitted])).toEqual([
        ["Entry/left 1", 1, 0],
        ["Entry/right 1", 0, 1]
      ])
      expect(Provenance.format(explain(context, "Cell", "bottom"))).toBe(
        [
          "Cell/bottom  (joins, cycle 2)",
          "├─ Entry/left 1  (left, cycle 1)",
          "│  └─ Num/1  (seed, cycle 0)",
          "└─ Entry/right 1  (right, cycle 1)",
          "   └─ … 1 more, explained above or left out"
        ].join("\n")
      )
    })
  )

  it.effect("is drawn with its traces, to a depth", () =>
    Effect.gen(function* () {
      const traced = yield* runInline(program, {})
      expect(Provenance.format(explain(traced.result.context, "Num", "4"))).toBe(
        [
          "Num/4  (doubles, cycle 2)",
          '  trace: {"doubled":2}',
          "└─ Num/2  (doubles, cycle 1)",
          '     trace: {"doubled":1}',
          "   └─ Num/1  (seed, cycle 0)"
        ].join("\n")
      )
      const deep = yield* runInline(counter(Limits.explainDepth + 30), {})
      const lines = Provenance.format(explain(deep.result.context, "Num", String(Limits.explainDepth + 30))).split("\n")
      expect(lines).toHaveLength(Limits.explainDepth + 2)
      expect(lines.at(-1)).toMatch(/└─ … 30 more below$/)
    })
  )

  it.effect("holds a trace as it was: frozen, and none of an effect that was discarded", () =>
    Effect.gen(function* () {
      const trace = { list: [1] }
      const traced = Program.make("traced", {
        input: noInput,
        agents: [
          Agent.make("a", {
            each: Num,
            writes: [Entry],
            execute: () => Effect.succeed({ facts: [entry("x", "a")], trace })
          }),
          Agent.make("b", {
            each: Num,
            writes: [Entry],
            onFailure: discardAll,
            execute: () => Effect.succeed({ facts: [entry("x", "b")], trace: "b" })
          })
        ],
        seed: () => nums(1, 1)
      })
      const { context } = (yield* runInline(traced, {})).result
      trace.list.push(2)
      const explained = explain(context, "Entry", "x")
      expect(explained.trace).toEqual({ list: [1] })
      expect(Object.isFrozen((explained.trace as typeof trace).list)).toBe(true)
    })
  )
})
