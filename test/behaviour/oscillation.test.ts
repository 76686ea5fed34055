/**
 * Oscillation (O1): a job whose revisions bring its context back to an earlier state is reported in `diagnostics`, with both
 * cycles, once for each state. A job that only adds, or never comes back, is not.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Invariant, type Job, Program } from "../../src/index.ts"
import { cell, Cell, counter, engine, entry, Entry, makeGate, noInput, num, Num } from "../support/behaviour/harness.ts"
import { runInline } from "../support/core/run.ts"

/** The oscillations in a result: the cycle, the earlier one, and whose revision it was. */
const circles = ({ diagnostics }: Pick<Job.JobResult, "diagnostics">) =>
  diagnostics.flatMap(({ agent, cause, cycle }) => {
    if (cause._tag !== "Oscillation") return []
    expect(cause.cycle).toBe(cycle)
    return [[cycle, cause.since, agent]]
  })

/** A cell "x" whose text is followed by another, one revision a cycle. `also` adds facts of the same effect. */
const follows = (
  next: (text: string) => string | undefined,
  maxCycles: number,
  also: (cycle: number) => ReadonlyArray<ReturnType<typeof num>> = () => []
) =>
  Program.make("follows", {
    input: noInput,
    agents: [
      Agent.make("turns", {
        each: Cell,
        writes: [Cell, Num],
        execute: ({ value: { key, text } }, view) => {
          const then = next(text)
          return Effect.succeed({ facts: then === undefined ? [] : [cell(key, then), ...also(view.cycle)] })
        }
      })
    ],
    seed: () => [cell("x", "A")],
    budget: { maxCycles }
  })

const cycleOf = (texts: string) => (text: string) => texts[(texts.indexOf(text) + 1) % texts.length]

describe("a job that goes in circles", () => {
  it.effect("A, B, A is reported when it is back, for each of the two states once, and goes on to its budget", () =>
    Effect.gen(function* () {
      const { error, result } = yield* runInline(follows(cycleOf("AB"), 50), {})
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "cycles", used: 50 })
      expect(circles(result)).toEqual([
        [2, 0, "turns"],
        [3, 1, "turns"]
      ])
      expect(result.diagnostics).toHaveLength(2)
      expect(result.diagnostics[0]!.each).toEqual({ kind: "Cell", id: "x" })
    })
  )

  it.effect("of any length, after a way that is not part of it", () =>
    Effect.gen(function* () {
      const path: Readonly<Record<string, string>> = { A: "B", B: "C", C: "D", D: "E", E: "C" }
      const { result } = yield* runInline(
        follows((text) => path[text], 40),
        {}
      )
      // A and B do not come back.
      expect(circles(result)).toEqual([
        [5, 2, "turns"],
        [6, 3, "turns"],
        [7, 4, "turns"]
      ])
    })
  )

  it.effect("is reported though it converges in the end", () =>
    Effect.gen(function* () {
      let steps = 0
      const { error, result } = yield* runInline(
        follows((text) => (steps++ < 3 ? cycleOf("AB")(text) : undefined), 50),
        {}
      )
      expect(error).toBeUndefined()
      expect(circles(result)).toEqual([
        [2, 0, "turns"],
        [3, 1, "turns"]
      ])
    })
  )

  it.effect("of two cells is back when both are", () =>
    Effect.gen(function* () {
      const turns = { x: cycleOf("AB"), y: cycleOf("ABC") }
      const program = Program.make("two", {
        input: noInput,
        agents: [
          Agent.make("turns", {
            each: Cell,
            writes: [Cell],
            execute: ({ value: { key, text } }) =>
              Effect.succeed({ facts: [cell(key, turns[key as "x" | "y"](text)!)] })
          })
        ],
        seed: () => [cell("x", "A"), cell("y", "A")],
        budget: { maxCycles: 30 }
      })
      const { result } = yield* runInline(program, {})
      expect(circles(result).map(([cycle, since]) => [cycle, since])).toEqual([0, 1, 2, 3, 4, 5].map((n) => [n + 6, n]))
    })
  )

  it.effect("by signals is reported, with nobody's name", () =>
    Effect.gen(function* () {
      const gates = { first: makeGate(), second: makeGate() }
      const program = Program.make("signalled", {
        signals: [Cell],
        input: noInput,
        agents: [
          Agent.make("waits", {
            each: Entry,
            writes: [Entry],
            execute: ({ value: { key } }) =>
              Effect.as(gates[key as keyof typeof gates].arrive, { facts: key === "first" ? [entry("second")] : [] })
          })
        ],
        kinds: [Cell],
        seed: () => [cell("x", "A"), entry("first")]
      })
      const job = yield* Engine.start(program, {})
      for (const [gate, text] of [
        [gates.first, "B"],
        [gates.second, "A"]
      ] as const) {
        yield* gate.arrived
        yield* Effect.forkChild(job.signal([cell("x", text)]), { startImmediately: true })
        yield* gate.open
      }
      // Cycle 1 adds the second entry to A, cycle 2 takes B in, cycle 3 takes A in.
      expect(circles(yield* job.result)).toEqual([[3, 1, ""]])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("by a violation that is repaired and comes again is reported", () =>
    Effect.gen(function* () {
      const program = Program.make("violated", {
        input: noInput,
        agents: [
          Agent.make("turns", {
            each: Cell,
            writes: [Cell],
            execute: ({ value }) => Effect.succeed({ facts: [cell("x", cycleOf("AB")(value.text)!)] })
          })
        ],
        invariants: [Invariant.semantic("not B", (view) => view.all(Cell)[0]?.value.text !== "B" || "it is B")],
        seed: () => [cell("x", "A")],
        budget: { maxCycles: 12 }
      })
      const { result } = yield* runInline(program, {})
      // Cycle 0 has no violation yet: cycle 2, where it is repaired, is another state.
      expect(circles(result).map(([cycle, since]) => [cycle, since])).toEqual([
        [3, 1],
        [4, 2]
      ])
    })
  )

  it.effect("on an earlier result's context is back where that one ended", () =>
    Effect.gen(function* () {
      const first = yield* runInline(
        follows(() => undefined, 5),
        {}
      )
      const on = Program.make("on", {
        input: noInput,
        agents: [
          Agent.make("turns", {
            each: Cell,
            writes: [Cell],
            execute: ({ value }) => Effect.succeed({ facts: [cell("x", cycleOf("AB")(value.text)!)] })
          })
        ],
        budget: { maxCycles: 9 }
      })
      const { result } = yield* runInline(on, {}, { context: first.result.context })
      expect(circles(result)).toEqual([
        [2, 0, "turns"],
        [3, 1, "turns"]
      ])
    })
  )

  it.effect("is the same in the log and the hash as without the report, and in every run", () =>
    Effect.gen(function* () {
      const runs = yield* Effect.all([
        runInline(follows(cycleOf("AB"), 9), {}),
        runInline(follows(cycleOf("AB"), 9), {})
      ])
      expect(runs[0].result.hash).toBe(runs[1].result.hash)
      expect(runs[0].result.diagnostics).toEqual(runs[1].result.diagnostics)
      expect(JSON.stringify(runs[0].events)).not.toContain("Oscillation")
    })
  )
})

describe("no oscillation is", () => {
  const Max = Fact.kind("Max", {
    schema: Schema.Struct({ id: Schema.String, n: Schema.Int }),
    id: ({ id }) => id,
    conflict: (a, b) => (a.n >= b.n ? a : b)
  })

  it.effect("a job that only adds", () =>
    Effect.gen(function* () {
      expect((yield* runInline(counter(60), {})).result.diagnostics).toEqual([])
    })
  )

  it.effect("a revision that never comes back", () =>
    Effect.gen(function* () {
      const { result } = yield* runInline(
        follows((text) => `${text}A`, 60),
        {}
      )
      expect(result.diagnostics).toEqual([])
    })
  )

  it.effect("a value that comes back while other facts are added", () =>
    Effect.gen(function* () {
      const { result } = yield* runInline(
        follows(cycleOf("AB"), 60, (cycle) => [num(cycle)]),
        {}
      )
      expect(result.diagnostics).toEqual([])
    })
  )

  it.effect("a join that reaches its fixed point, though lower values are proposed again and again", () =>
    Effect.gen(function* () {
      const program = Program.make("joins", {
        input: noInput,
        agents: [
          Agent.make("climbs", {
            each: Max,
            writes: [Max],
            execute: ({ value: { n } }) => Effect.succeed({ facts: [Max.of({ id: "m", n: Math.min(n + 1, 9) })] })
          }),
          Agent.make("sinks", {
            each: Max,
            writes: [Max],
            execute: () => Effect.succeed({ facts: [Max.of({ id: "m", n: 0 })] })
          })
        ],
        seed: () => [Max.of({ id: "m", n: 0 })]
      })
      const { error, result } = yield* runInline(program, {})
      expect(error).toBeUndefined()
      expect(result.context.all(Max)[0]?.value.n).toBe(9)
      expect(result.diagnostics).toEqual([])
    })
  )

  it.effect("a cycle that commits nothing, however often", () =>
    Effect.gen(function* () {
      const program = Program.make("empty", {
        input: noInput,
        agents: [Agent.make("empty", { accepts: (view) => view.cycle < 30, execute: () => Effect.succeed({}) })],
        kinds: [Num],
        seed: () => [num(1)]
      })
      const { result } = yield* runInline(program, {})
      expect(result.cycles).toBe(30)
      expect(result.diagnostics).toEqual([])
    })
  )
})

describe("with retention", () => {
  const kindOf = (latest: number) =>
    Fact.kind("Recent", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id, retention: { latest } })

  /** Adds one fact a cycle, of which the latest stay. */
  const adds = (latest: number, idOf: (cycle: number) => string, maxCycles: number) => {
    const Recent = kindOf(latest)
    const agent = Agent.make("adds", {
      reads: [Recent],
      writes: [Recent],
      execute: (view) => Effect.succeed({ facts: [Recent.of({ id: idOf(view.cycle) })] })
    })
    return Program.make("retains", {
      input: noInput,
      agents: [agent],
      seed: () => [Recent.of({ id: idOf(0) })],
      budget: { maxCycles }
    })
  }

  it.effect("facts that are pruned and added again come back", () =>
    Effect.gen(function* () {
      const two = yield* runInline(
        adds(1, (cycle) => String(cycle % 2), 20),
        {}
      )
      expect(circles(two.result)).toEqual([
        [2, 0, "adds"],
        [3, 1, "adds"]
      ])
      const three = yield* runInline(
        adds(2, (cycle) => String(cycle % 3), 20),
        {}
      )
      expect(circles(three.result).map(([cycle, since]) => [cycle, since])).toEqual([
        [4, 1],
        [5, 2],
        [6, 3]
      ])
    })
  )

  it.effect("facts that are always new do not", () =>
    Effect.gen(function* () {
      const { error, result } = yield* runInline(adds(2, String, 60), {})
      expect(error?._tag).toBe("BudgetExhausted")
      expect(result.diagnostics).toEqual([])
    })
  )
})
