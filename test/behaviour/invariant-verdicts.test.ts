/**
 * The answers of an invariant's check (I4), in each class: every form of a reason ends the job with `InvariantViolated`, every
 * other answer and every throw with `ProgramPanicked`, and none leaves it hanging. Signals and inherited contexts meet the
 * same checks.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Agent, Engine, Invariant, JobError, Program } from "../../src/index.ts"
import { counter, engine, entry, Entry, makeGate, noInput, num, Num } from "../support/behaviour/harness.ts"
import { runInline, valuesOf } from "../support/core/run.ts"

const loose = (value: unknown): any => value
const classes = { structural: Invariant.structural, semantic: Invariant.semantic, acceptance: Invariant.acceptance }
const adds = Agent.make("adds", { writes: [Num], execute: () => Effect.succeed({ facts: [num(1)] }) })

/** A job that adds one fact, under an invariant. */
const under = (invariant: Invariant.Invariant<typeof Num>) =>
  Program.make("under", { input: noInput, agents: [adds], invariants: [invariant] })

const reasons: ReadonlyArray<readonly [what: string, answer: unknown, reason: string]> = [
  ["a text", "no", "no"],
  ["an empty text", "", ""],
  ["a reason", { reason: "no" }, "no"],
  ["a reason with no facts", { reason: "no", facts: undefined }, "no"],
  ["a reason with an empty list of facts", { reason: "no", facts: [] }, "no"],
  ["false", false, "odd does not hold"]
]

const throws = (thrown: unknown) => () => {
  throw thrown
}

const panics: Readonly<Record<string, () => unknown>> = {
  "a throw": throws(new RangeError("out of range")),
  "a throw of nothing": throws(undefined),
  "a throw of what has no text": throws(Object.create(null)),
  "a throw whose message is no text": throws(Object.assign(new Error("x"), { message: 5 })),
  nothing: () => undefined,
  null: () => null,
  "a number": () => 1,
  "an object without a reason": () => ({ facts: [] }),
  "a reason that is no text": () => ({ reason: 5 }),
  "a promise": () => Promise.resolve(true),
  "facts that are no array": () => ({ reason: "no", facts: "Num/1" }),
  "facts that name nothing": () => ({ reason: "no", facts: [{ kind: "Num", id: 1 }] }),
  "facts that are none": () => ({ reason: "no", facts: [null] })
}

for (const [type, make] of Object.entries(classes)) {
  describe(`the verdict of a ${type} invariant`, () => {
    for (const [what, answer, reason] of reasons) {
      it.effect(`may be ${what}`, () =>
        Effect.map(runInline(under(make("odd", () => loose(answer))), {}), ({ error }) => {
          expect(error).toMatchObject({ _tag: "InvariantViolated", class: type, name: "odd", reason })
        })
      )
    }

    it.effect("may name facts, of which kind and id are kept", () =>
      Effect.gen(function* () {
        const named = make("odd", () => ({ reason: "no", facts: [loose({ kind: "Num", id: "7", value: 7 })] }))
        const { error } = yield* runInline(under(named), {})
        const facts = error?._tag === "InvariantViolated" ? error.facts : []
        expect(facts).toEqual([{ kind: "Num", id: "7" }])
      })
    )

    for (const [what, answer] of Object.entries(panics)) {
      it.effect(`that is ${what} is ProgramPanicked`, () =>
        Effect.map(runInline(under(make("odd", loose(answer))), {}), ({ error, events, result }) => {
          expect(error).toBeInstanceOf(JobError.ProgramPanicked)
          expect(error).toMatchObject({ _tag: "ProgramPanicked", phase: "invariant" })
          expect(result.status).toBe("failed")
          expect(events.at(-1)).toMatchObject({
            _tag: "JobHalted",
            status: "failed",
            error: { _tag: "ProgramPanicked" }
          })
        })
      )
    }
  })
}

describe("a structural check that panics", () => {
  it.effect('ends the job even with onViolation "discard"', () =>
    Effect.gen(function* () {
      const broken = Invariant.structural("odd", () => loose(undefined), { onViolation: "discard" })
      expect((yield* runInline(under(broken), {})).error?._tag).toBe("ProgramPanicked")
    })
  )
})

describe("a signal that breaks a structural invariant", () => {
  for (const onViolation of ["halt", "discard"] as const) {
    it.effect(`is refused to its sender alone, with onViolation "${onViolation}"`, () =>
      Effect.gen(function* () {
        const gate = makeGate()
        const few = (view: { readonly size: (kind: typeof Num) => number }) => view.size(Num) < 2 || "too many"
        const program = Program.make("signalled", {
          signals: [Num],
          input: noInput,
          agents: [Agent.make("waits", { each: Entry, execute: () => Effect.as(gate.arrive, {}) })],
          kinds: [Num],
          invariants: [Invariant.structural("few", few, { onViolation })],
          seed: () => [entry("x")]
        })
        const job = yield* Engine.start(program, {})
        yield* gate.arrived
        const send = (...facts: ReadonlyArray<ReturnType<typeof num>>) =>
          Effect.forkChild(Effect.result(job.signal(facts)), { startImmediately: true })
        const sent = [yield* send(num(1)), yield* send(num(2), num(3)), yield* send(num(1), num(1))]
        yield* gate.open
        const [first, second, third] = yield* Effect.forEach(sent, Fiber.join)
        expect([first?._tag, second?._tag, third?._tag]).toEqual(["Success", "Failure", "Failure"])
        expect(second).toMatchObject({ failure: expect.any(JobError.InvalidInput) })
        expect(second).toMatchObject({ failure: { message: expect.stringContaining("InvariantViolated") } })
        const result = yield* job.result
        expect(result.status).toBe("converged")
        expect(result.context.all(Num).map(({ id }) => id)).toEqual(["1"])
        expect(result.diagnostics).toMatchObject([{ agent: "", cause: { _tag: "InvariantViolated", name: "few" } }])
      }).pipe(Effect.provide(engine()))
    )
  }
})

describe("a semantic invariant of a context that is gone on from", () => {
  it.effect("is judged where the job begins: violated, or repaired, though nothing new is added", () =>
    Effect.gen(function* () {
      const of = (invariant: Invariant.Invariant<typeof Num>) =>
        Program.make("judges", { input: noInput, agents: [], kinds: [Num], invariants: [invariant] })
      const few = of(Invariant.semantic("few", (view) => view.size(Num) < 3 || "too many"))
      const fine = of(Invariant.semantic("few", (view) => view.size(Num) > 3 || "too few"))
      const { result } = yield* runInline(counter(3), {})
      const violated = yield* runInline(few, {}, { context: result.context })
      expect(violated.error).toMatchObject({ _tag: "InvariantViolated", name: "few", reason: "too many" })
      const repaired = yield* runInline(fine, {}, { context: violated.result.context })
      expect(repaired.error).toBeUndefined()
      expect(valuesOf(repaired.result, Invariant.Violation)).toMatchObject([{ invariant: "few", repaired: true }])
    })
  )
})
