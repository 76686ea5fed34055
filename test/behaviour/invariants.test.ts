/**
 * Invariants: structural checks run before each effect is applied (I1), semantic ones after each cycle that committed
 * something (I2), acceptance ones at convergence (I3).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, type Budget, type Fact, Invariant, Program, type View } from "../../src/index.ts"
import { numbered } from "../support/core/ledger.ts"
import { discarded, idsOf, runInline, valuesOf } from "../support/core/run.ts"

const A = numbered("A")
const Last = numbered("Last", { conflict: "keepLast" })
const a = (id: string, n = 0) => A.of({ id, n })

/** An agent that adds facts in one cycle each. */
const adds = (
  name: string,
  plan: Readonly<Record<number, ReadonlyArray<Fact.Proposal<any, any>>>>,
  onFailure: Agent.OnFailure = "halt"
) =>
  Agent.make(name, {
    writes: [A, Last],
    onFailure,
    accepts: (view) => Object.keys(plan).some((cycle) => Number(cycle) >= view.cycle),
    execute: (view) => Effect.succeed({ facts: plan[view.cycle] ?? [] })
  })

/** The view of the checks. */
type Sees = View.View<typeof A | typeof Last>

const programOf = (options: {
  readonly agents?: ReadonlyArray<Agent.Agent<string, any, any, never, never>>
  readonly invariants: ReadonlyArray<Invariant.Invariant<typeof A | typeof Last>>
  readonly seed?: ReadonlyArray<Fact.Proposal<any, any>>
  readonly budget?: Budget.Budget
}) =>
  Program.make("p", {
    input: Schema.Struct({}),
    agents: options.agents ?? [],
    kinds: [A, Last],
    seed: () => (options.seed ?? []) as ReadonlyArray<never>,
    invariants: options.invariants,
    budget: options.budget,
    output: (view) => view.version
  })

const run = (options: Parameters<typeof programOf>[0]) => runInline(programOf(options), {})

describe("a structural invariant", () => {
  const atMost = (limit: number, options?: { readonly onViolation: "halt" | "discard" }) =>
    Invariant.structural("few", (view: Sees) => view.size(A) <= limit || `${view.size(A)} are too many`, options)

  it.effect("sees the whole context as it would be, and the effect, before each effect is applied", () => {
    const seen: Array<unknown> = []
    const spy = Invariant.structural("spy", (view: Sees, effect) => {
      seen.push([effect.agent, effect.facts.map(({ id }) => id), view.all(A).map(({ id }) => id), view.size(Last)])
      return true
    })
    const agents = [
      adds("one", { 1: [a("x"), Last.of({ id: "l", n: 1 })] }),
      adds("two", { 1: [a("y"), a("x")] }),
      adds("three", { 1: [] })
    ]
    return Effect.map(run({ agents, invariants: [spy], seed: [a("seed")] }), () =>
      expect(seen).toEqual([
        ["", ["seed"], ["seed"], 0],
        ["one", ["x", "l"], ["seed", "x"], 1],
        ["two", ["y", "x"], ["seed", "x", "y"], 1],
        ["three", [], ["seed", "x", "y"], 1]
      ])
    )
  })

  it.effect("sees as delta what the cycle added so far, without what was discarded", () => {
    const seen: Array<string> = []
    const even = Invariant.structural(
      "even",
      (view: Sees, { agent }) => {
        seen.push(
          `${agent}: ${view
            .delta(A)
            .map(({ id }) => id)
            .join(" ")}`
        )
        return view.all(A).every(({ value }) => value.n % 2 === 0) || "odd"
      },
      { onViolation: "discard" }
    )
    const agents = [adds("one", { 1: [a("x", 1)] }), adds("two", { 1: [a("y", 2)] }), adds("three", { 1: [a("z", 2)] })]
    return Effect.map(run({ agents, invariants: [even], seed: [a("s")] }), ({ result }) => {
      expect(seen).toEqual([": s", "one: x", "two: y", "three: y z"])
      expect(idsOf(result, A)).toEqual(["s", "y", "z"])
    })
  })

  it.effect("ends the job by default; the effect is discarded, the others of the cycle are committed", () =>
    Effect.gen(function* () {
      const agents = [
        adds("one", { 1: [a("x")] }),
        adds("two", { 1: [a("y"), a("z")] }, "discard"),
        adds("three", { 1: [a("w")] })
      ]
      const { error, events, result } = yield* run({ agents, invariants: [atMost(2)] })
      const cause = {
        _tag: "InvariantViolated",
        name: "few",
        class: "structural",
        reason: "3 are too many",
        facts: [
          { kind: "A", id: "y" },
          { kind: "A", id: "z" }
        ],
        cycle: 1
      }
      // The agent's own onFailure does not say what a broken invariant means.
      expect(error).toMatchObject(cause)
      expect(result.status).toBe("failed")
      expect(idsOf(result, A)).toEqual(["x", "w"])
      expect(result.output).toBeUndefined()
      expect(result.diagnostics).toEqual([])
      expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", status: "failed", error: cause })
    })
  )

  it.effect('discards the effect and goes on with onViolation "discard"', () =>
    Effect.gen(function* () {
      const agents = [adds("one", { 1: [a("x"), a("y"), a("z")], 2: [a("w")] })]
      const { error, result } = yield* run({ agents, invariants: [atMost(2, { onViolation: "discard" })] })
      expect(error).toBeUndefined()
      expect(idsOf(result, A)).toEqual(["w"])
      expect(discarded(result)).toEqual([["one", "InvariantViolated"]])
    })
  )

  it.effect("is asked about the seeds too", () =>
    Effect.gen(function* () {
      const seed = [a("x"), a("y"), a("z")]
      const halted = yield* run({ agents: [adds("one", { 1: [a("w")] })], invariants: [atMost(2)], seed })
      expect(halted.error).toMatchObject({ _tag: "InvariantViolated", name: "few", cycle: 0 })
      expect(halted.result.context.facts()).toEqual([])
      expect(halted.result.usage.agents).toBe(0)
      const went = yield* run({
        agents: [adds("one", { 1: [a("w")] })],
        invariants: [atMost(2, { onViolation: "discard" })],
        seed
      })
      expect(went.error).toBeUndefined()
      expect(idsOf(went.result, A)).toEqual(["w"])
      expect(discarded(went.result)).toEqual([["", "InvariantViolated"]])
    })
  )

  it.effect("of several, the first in the order of the program is named; all have to hold", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const named = (name: string, verdict: true | string) =>
        Invariant.structural(name, () => (asked.push(name), verdict), { onViolation: "discard" })
      const agents = [adds("one", { 1: [a("x")] })]
      const invariants = [named("one", true), named("two", "no"), named("three", "no")]
      const { result } = yield* run({ agents, invariants })
      expect(result.diagnostics.map(({ cause }) => (cause as { name?: string }).name)).toEqual(["two", "two"])
      expect(asked).toEqual(["one", "two", "one", "two"])
    })
  )

  it.effect("may name the facts that break it", () =>
    Effect.gen(function* () {
      const culprits = Invariant.structural("even", (view: Sees) => {
        const facts = view.all(A).filter(({ value }) => value.n % 2 === 1)
        return facts.length === 0 || { reason: "odd", facts }
      })
      const { error } = yield* run({ agents: [adds("one", { 1: [a("x", 2), a("y", 3)] })], invariants: [culprits] })
      expect(error).toMatchObject({ reason: "odd", facts: [{ kind: "A", id: "y" }] })
    })
  )

  it.effect("that throws is a panic of the program, whatever it was to mean", () =>
    Effect.gen(function* () {
      const throws = Invariant.structural(
        "throws",
        (view: Sees) => {
          if (view.size(A) > 0) throw new RangeError("broken check")
          return true
        },
        { onViolation: "discard" }
      )
      const agents = [adds("one", { 1: [a("x")] }, "discard"), adds("two", { 1: [Last.of({ id: "l", n: 1 })] })]
      const { error, result } = yield* run({ agents, invariants: [throws] })
      expect(error).toMatchObject({ _tag: "ProgramPanicked", phase: "invariant", message: "broken check", cycle: 1 })
      expect(idsOf(result, A)).toEqual([])
      expect(idsOf(result, Last)).toEqual(["l"])
    })
  )

  it.effect("that answers neither true nor a reason is a panic of the program", () =>
    Effect.gen(function* () {
      const { error } = yield* run({ agents: [], invariants: [Invariant.structural("odd", () => undefined as never)] })
      expect(error).toMatchObject({ _tag: "ProgramPanicked", message: expect.stringContaining("answered undefined") })
    })
  )

  it.effect("does not see an effect that a conflict had discarded before", () => {
    const agents: Array<string> = []
    const spy = Invariant.structural("spy", (_, effect) => (agents.push(effect.agent), true))
    const one = adds("one", { 1: [a("x", 1)] })
    const two = adds("two", { 1: [a("x", 2)] }, "discard")
    return Effect.map(run({ agents: [one, two], invariants: [spy] }), () => expect(agents).toEqual(["", "one"]))
  })
})

describe("a semantic invariant", () => {
  const enough = (least: number) =>
    Invariant.semantic("enough", (view: Sees) => view.size(A) >= least || `only ${view.size(A)}`)
  const violations = (end: Effect.Success<ReturnType<typeof run>>) =>
    end.events.flatMap((event) =>
      event._tag === "InvariantViolated"
        ? [`${event.cycle} ${event.name}: ${event.reason}`]
        : event._tag === "InvariantRepaired"
          ? [`${event.cycle} ${event.name} repaired`]
          : []
    )

  it.effect(
    "may be broken for a while: it is noted when it breaks, when the reason changes, and when it is repaired",
    () =>
      Effect.gen(function* () {
        const agents = [
          adds("one", { 1: [a("x")], 2: [Last.of({ id: "l", n: 1 })], 3: [a("y")], 4: [a("z")], 5: [a("w")] })
        ]
        const end = yield* run({ agents, invariants: [enough(3)], seed: [Last.of({ id: "l", n: 0 })] })
        expect(end.error).toBeUndefined()
        expect(violations(end)).toEqual([
          "0 enough: only 0",
          "1 enough: only 1",
          "3 enough: only 2",
          "4 enough repaired"
        ])
        expect(valuesOf(end.result, Invariant.Violation)).toEqual([
          { invariant: "enough", reason: "only 2", repaired: true }
        ])
        // One fact, revised, and not counted.
        expect(end.result.usage.facts).toBe(5)
        expect(end.result.version).toBe(5 + 1 + 4)
      })
  )

  it.effect("fails the job if it still does not hold at convergence", () =>
    Effect.gen(function* () {
      const end = yield* run({ agents: [adds("one", { 1: [a("x")] })], invariants: [enough(3)] })
      expect(end.error).toMatchObject({
        _tag: "InvariantViolated",
        name: "enough",
        class: "semantic",
        reason: "only 1"
      })
      expect(end.result.status).toBe("failed")
      expect(end.result.output).toBeUndefined()
      expect(end.result.context.size(Invariant.Violation)).toBe(1)
    })
  )

  it.effect("fails a job in which nothing was ever committed, too", () =>
    Effect.gen(function* () {
      const end = yield* run({ invariants: [enough(1)] })
      expect(end.error).toMatchObject({ _tag: "InvariantViolated", name: "enough", reason: "only 0" })
    })
  )

  it.effect("is repaired by agents that read its violation, in the cycle after", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const repair = Agent.make("repair", {
        each: Invariant.Violation,
        writes: [A],
        execute: (violation, view) =>
          Effect.sync(() => {
            seen.push(
              `${view.cycle} ${violation.id}: ${violation.value.reason}${violation.value.repaired ? ", repaired" : ""}`
            )
            return { facts: violation.value.repaired ? [] : [a(`fix-${view.cycle}`)] }
          })
      })
      const end = yield* run({ agents: [repair], invariants: [enough(2)], seed: [Last.of({ id: "l", n: 0 })] })
      expect(end.error).toBeUndefined()
      expect(seen).toEqual(["1 enough: only 0", "2 enough: only 1", "3 enough: only 1, repaired"])
      expect(end.result.cycles).toBe(4)
      expect(end.result.output).toBe(end.result.version)
    })
  )

  it.effect("re-opens the tier that repairs it", () =>
    Effect.gen(function* () {
      const later = Agent.make("later", {
        writes: [Last],
        execute: () => Effect.succeed({ facts: [Last.of({ id: "broken", n: 1 })] })
      })
      const repair = Agent.make("repair", {
        reads: [Invariant.Violation],
        writes: [A],
        execute: (view) =>
          Effect.succeed({
            facts: view.all(Invariant.Violation).some(({ value }) => !value.repaired) ? [a("fix")] : []
          })
      })
      const program = Program.make("p", {
        input: Schema.Struct({}),
        agents: [later, repair],
        tiers: [["repair"], ["later"]],
        seed: () => [a("a")],
        invariants: [Invariant.semantic("fixed", (view) => view.size(Last) === 0 || view.size(A) > 1 || "not fixed")]
      })
      const end = yield* runInline(program, {})
      expect(end.error).toBeUndefined()
      const tiers = end.events.flatMap((event) => (event._tag === "CycleStarted" ? [event.tier] : []))
      expect(tiers).toEqual([1, 0, 0])
    })
  )

  it.effect("is asked after cycles that committed something, and not after others", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const spy = Invariant.semantic("spy", (view) => (asked.push(view.cycle), true))
      const agents = [adds("one", { 1: [a("x")], 2: [], 3: [a("x")], 4: [a("y")], 5: [] })]
      yield* run({ agents, invariants: [spy] })
      expect(asked.filter((cycle) => cycle > 0)).toEqual([1, 4])
    })
  )

  it.effect("sees the evaluations of the cycle that ended, also of one that added no fact", () =>
    Effect.gen(function* () {
      const rate = Agent.make("rate", {
        each: A,
        execute: (fact) => Effect.succeed({ evaluations: [{ fact, score: fact.value.n, reason: "" }] })
      })
      const good = Invariant.semantic("good", (view: Sees) => {
        const scores = view.all(A).flatMap((fact) => view.evaluations(fact).map(({ score }) => score))
        return scores.every((score) => score > 0.5) || `a score of ${Math.min(...scores)}`
      })
      const bad = yield* run({ agents: [rate], invariants: [good], seed: [a("x", 1), a("y", 0.25)] })
      expect(bad.error).toMatchObject({ _tag: "InvariantViolated", name: "good", reason: "a score of 0.25" })
      expect(violations(bad)).toEqual(["1 good: a score of 0.25"])
      const fine = yield* run({ agents: [rate], invariants: [good], seed: [a("x", 1)] })
      expect(fine.error).toBeUndefined()
    })
  )

  it.effect("breaks again after it was repaired", () =>
    Effect.gen(function* () {
      const zero = Invariant.semantic(
        "zero",
        (view: Sees) => view.all(Last).every(({ value }) => value.n === 0) || "not zero"
      )
      const last = (n: number) => [Last.of({ id: "l", n })]
      const agents = [adds("one", { 1: last(1), 2: last(0), 3: last(1), 4: last(0) })]
      const end = yield* run({ agents, invariants: [zero], seed: last(0) })
      expect(end.error).toBeUndefined()
      expect(violations(end)).toEqual(["1 zero: not zero", "2 zero repaired", "3 zero: not zero", "4 zero repaired"])
    })
  )

  it.effect("does not use up maxFacts", () =>
    Effect.gen(function* () {
      const end = yield* run({
        agents: [adds("one", { 1: [a("x")], 2: [a("y")] })],
        invariants: [enough(2)],
        budget: { maxFacts: 2 }
      })
      expect(end.error).toBeUndefined()
      expect(end.result.usage.facts).toBe(2)
    })
  )

  it.effect("that throws ends the job after the cycle, whose facts stay", () =>
    Effect.gen(function* () {
      const throws = Invariant.semantic("throws", (view: Sees) => {
        if (view.size(A) > 0) throw new RangeError("broken check")
        return true
      })
      const end = yield* run({ agents: [adds("one", { 1: [a("x")], 2: [a("y")] })], invariants: [throws] })
      expect(end.error).toMatchObject({
        _tag: "ProgramPanicked",
        phase: "invariant",
        message: "broken check",
        cycle: 1
      })
      expect(idsOf(end.result, A)).toEqual(["x"])
    })
  )

  it.effect("of several, each has a fact of its own", () =>
    Effect.gen(function* () {
      const never = Invariant.semantic("never", () => "never")
      const end = yield* run({ agents: [adds("one", { 1: [a("x")] })], invariants: [enough(1), never] })
      expect(end.error).toMatchObject({ name: "never" })
      expect(valuesOf(end.result, Invariant.Violation)).toEqual([
        { invariant: "never", reason: "never", repaired: false },
        { invariant: "enough", reason: "only 0", repaired: true }
      ])
    })
  )

  it.effect("is part of the hash", () =>
    Effect.gen(function* () {
      const hashOf = (reason: string) =>
        Effect.map(
          run({
            agents: [adds("one", { 1: [a("x")], 2: [a("y")] })],
            invariants: [Invariant.semantic("two", (view) => view.size(A) !== 1 || reason)]
          }),
          ({ error, result }) => {
            expect(error).toBeUndefined()
            return result.hash
          }
        )
      expect(yield* hashOf("one")).not.toBe(yield* hashOf("uno"))
      expect(yield* hashOf("one")).toBe(yield* hashOf("one"))
    })
  )

  it.effect("cannot be forged by a signal or claimed by another kind", () => {
    const Forged = numbered("Violation")
    expect(() => Program.make("p", { input: Schema.Struct({}), agents: [], kinds: [Forged] })).toThrow(
      /two kinds are called "Violation"/
    )
    return Effect.void
  })
})

describe("an acceptance invariant", () => {
  it.effect("is asked at convergence only, and fails the job", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const accept = Invariant.acceptance(
        "three",
        (view: Sees) => (asked.push(view.size(A)), view.size(A) === 3 || "not three")
      )
      const good = yield* run({ agents: [adds("one", { 1: [a("x"), a("y")], 2: [a("z")] })], invariants: [accept] })
      expect(good.error).toBeUndefined()
      expect(asked).toEqual([3])
      const bad = yield* run({ agents: [adds("one", { 1: [a("x")] })], invariants: [accept] })
      expect(bad.error).toMatchObject({
        _tag: "InvariantViolated",
        class: "acceptance",
        name: "three",
        reason: "not three"
      })
      expect(bad.result.output).toBeUndefined()
      expect(idsOf(bad.result, A)).toEqual(["x"])
    })
  )

  it.effect("comes after the semantic ones, and before the output", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const invariants = [
        Invariant.acceptance("last", () => (order.push("acceptance"), "no")),
        Invariant.semantic("first", () => "no")
      ]
      const { error } = yield* run({ invariants })
      expect(error).toMatchObject({ name: "first" })
      expect(order).toEqual([])
    })
  )

  it.effect("that throws is a panic of the program", () =>
    Effect.gen(function* () {
      const throws = Invariant.acceptance("throws", () => {
        throw new RangeError("broken check")
      })
      const { error } = yield* run({ invariants: [throws] })
      expect(error).toMatchObject({ _tag: "ProgramPanicked", phase: "invariant", message: "broken check" })
    })
  )

  it.effect("is not asked of a job that ended otherwise", () =>
    Effect.gen(function* () {
      let asked = 0
      const accept = Invariant.acceptance("counts", () => (asked++, "no"))
      const agents = [adds("one", { 1: [a("x")], 2: [a("y")] })]
      const { error } = yield* run({ agents, invariants: [accept], budget: { maxCycles: 1 } })
      expect(error).toMatchObject({ _tag: "BudgetExhausted" })
      expect(asked).toBe(0)
    })
  )
})

describe("an output that throws", () => {
  it.effect("is a panic of the program, in its own phase", () =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: Schema.Struct({}),
        agents: [adds("one", { 1: [a("x")] })],
        output: () => {
          throw new RangeError("no output")
        }
      })
      const { error, result } = yield* runInline(program, {})
      expect(error).toMatchObject({ _tag: "ProgramPanicked", phase: "output", message: "no output" })
      expect(idsOf(result, A)).toEqual(["x"])
      expect(result.status).toBe("failed")
    })
  )
})

describe("evaluations and intents", () => {
  it.effect("evaluations can be read by later agents, in commit order, and trigger nobody", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const rates = (name: string, score: number) =>
        Agent.make(name, {
          reads: [A],
          execute: (view) => Effect.succeed({ evaluations: view.all(A).map((fact) => ({ fact, score, reason: name })) })
        })
      const reads = Agent.make("reads", {
        reads: [A],
        writes: [A],
        execute: (view) =>
          Effect.sync(() => {
            seen.push(
              view.all(A).map((fact) => view.evaluations(fact).map(({ agent, cycle, score }) => [agent, score, cycle]))
            )
            return { facts: view.cycle === 1 ? [a("later")] : [] }
          })
      })
      const end = yield* run({ agents: [reads, rates("mean", 0.1), rates("kind", 1)], invariants: [], seed: [a("x")] })
      expect(end.error).toBeUndefined()
      const first = [
        ["mean", 0.1, 1],
        ["kind", 1, 1]
      ]
      expect(seen).toEqual([[[]], [first, []]])
      expect(end.result.cycles).toBe(3)
      expect(end.result.context.evaluations({ kind: "A", id: "x" })).toHaveLength(4)
    })
  )

  it.effect("intents are in the result in merge order, with keys that name the task and not the run", () =>
    Effect.gen(function* () {
      const asks = Agent.make("asks", {
        each: A,
        execute: ({ id }) =>
          Effect.succeed({
            intents: [
              { kind: "tell", payload: { about: id } },
              { kind: "ask", payload: undefined }
            ]
          })
      })
      const program = programOf({ agents: [asks], invariants: [], seed: [a("x"), a("y")] })
      const first = yield* runInline(program, {}, { id: "job" })
      const again = yield* runInline(program, {}, { id: "job" })
      const other = yield* runInline(program, {}, { id: "other" })
      const shape = first.result.intents.map(({ agent, cycle, each, index, kind, payload }) => [
        agent,
        cycle,
        each?.id,
        index,
        kind,
        payload
      ])
      expect(shape).toEqual([
        ["asks", 1, "x", 0, "tell", { about: "x" }],
        ["asks", 1, "x", 1, "ask", null],
        ["asks", 1, "y", 0, "tell", { about: "y" }],
        ["asks", 1, "y", 1, "ask", null]
      ])
      const keys = first.result.intents.map(({ idempotencyKey }) => idempotencyKey)
      expect(new Set(keys).size).toBe(4)
      expect(again.result.intents).toEqual(first.result.intents)
      expect(other.result.intents.map(({ idempotencyKey }) => idempotencyKey)).not.toEqual(keys)
      expect(() => Object.assign(first.result.intents[0]!.payload as object, { about: "z" })).toThrow(TypeError)
    })
  )
})
