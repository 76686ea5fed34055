/**
 * G15, nothing goes wrong in silence: only what a program admits comes from outside (S5), and a decision only for an approval that
 * is open (AP5).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { Agent, Engine, Intent, Invariant, Program } from "../../src/index.ts"
import { signalJson } from "../../src/job/jobHandle.ts"
import { asking, decide, engineWith, postman } from "../support/behaviour/intents.ts"
import {
  Cell,
  cell,
  engine,
  entry,
  Entry,
  eventsOf,
  failure,
  makeGate,
  noInput,
  Num,
  num,
  untilState
} from "../support/behaviour/harness.ts"

const loose = (value: unknown): any => value

/** A job that reads three kinds, takes one of them from outside, and waits at a gate. */
const admitting = () => {
  const gate = makeGate()
  const waits = Agent.make("waits", { execute: () => Effect.as(gate.arrive, {}) })
  const reads = Agent.make("reads", { reads: [Num, Entry], execute: () => Effect.succeed({}) })
  const program = Program.make("admits", { input: noInput, agents: [waits, reads], signals: [Cell] })
  return { gate, program }
}

describe("a signal of a kind that the program does not admit", () => {
  const forged: ReadonlyArray<readonly [string, ReadonlyArray<unknown>]> = [
    ["alone", [num(1)]],
    ["beside one that it admits", [cell("a", "1"), entry("x")]],
    ["with a value that does not even fit", [{ kind: "Num", value: "x" }]]
  ]

  it.effect.each(forged)("%s: is refused with words, and commits nothing", ([, proposals]) =>
    Effect.gen(function* () {
      const { gate, program } = admitting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const kind = proposals.some((proposal) => loose(proposal).kind === "Num") ? "Num" : "Entry"
      for (const signalled of [job.signal(loose(proposals)), signalJson(job, loose(proposals))]) {
        const error = yield* failure(signalled)
        expect(error).toMatchObject({ _tag: "SignalRefused", program: "admits", kind, reason: "kind" })
        expect(error.message).toBe(
          `the program "admits" takes no signal of the kind "${kind}". It takes "Cell", "Decision". ` +
            "A kind that may come from outside belongs into the program's `signals`"
        )
        expect(loose(error).partial).toBeUndefined()
      }
      yield* gate.open
      const { context } = yield* job.result
      expect(context.facts()).toEqual([])
      expect((yield* eventsOf(job)).filter(({ _tag }) => _tag === "SignalAdmitted")).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is not one of a kind that it admits, whatever its agents read", () =>
    Effect.gen(function* () {
      const { gate, program } = admitting()
      const job = yield* Engine.start(program, {})
      yield* gate.arrived
      const sent = yield* Effect.forkChild(job.signal([cell("a", "1")]), { startImmediately: true })
      yield* gate.open
      expect((yield* job.result).context.facts().map(({ id, kind }) => [kind, id])).toEqual([["Cell", "a"]])
      yield* Fiber.join(sent)
    }).pipe(Effect.provide(engine()))
  )

  it("is known before: only the engine writes violations and ends of children, and a list of signals is of kinds", () => {
    const make = (signals: unknown) => () => Program.make("p", { input: noInput, agents: [], signals: loose(signals) })
    expect(make([Invariant.Violation])).toThrow('signals: only the engine writes "Violation"')
    expect(make([Num, Intent.ChildResult])).toThrow('signals: only the engine writes "ChildResult"')
    expect(make(["Num"])).toThrow("signals[0] is not a kind")
    expect(make(Num)).toThrow("signals must be an array")
  })
})

describe("a decision", () => {
  it.effect("for an approval that nobody asked for is refused with words, and commits nothing", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking({ id: "go" }), {})
      yield* untilState(job, "awaiting")
      const error = yield* failure(job.signal([decide("nobody asked")]))
      expect(error).toMatchObject({ _tag: "SignalRefused", kind: "Decision", reason: "approval" })
      expect(error.message).toBe('there is no open approval "nobody asked": nobody has asked for it, or it is decided')
      expect((yield* job.status).state).toBe("awaiting")
      yield* job.signal([decide("go")])
      expect((yield* job.result).output).toEqual(["go by Ada: true"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is refused before the approval is committed, and after it is decided", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const asks = Agent.make("asks", {
        execute: () =>
          Effect.as(gate.arrive, { intents: [Intent.approval({ id: "go" }), Intent.approval({ id: "on" })] })
      })
      const job = yield* Engine.start(
        Program.make("p", { input: noInput, agents: [asks], signals: [Intent.Decision] }),
        {}
      )
      yield* gate.arrived
      expect(yield* failure(job.signal([decide("go")]))).toMatchObject({ _tag: "SignalRefused" })
      yield* gate.open
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("go")])
      expect(yield* failure(job.signal([decide("go")]))).toMatchObject({ _tag: "SignalRefused" })
      yield* job.signal([decide("on")])
      yield* job.result
    }).pipe(Effect.provide(engine()))
  )

  it.effect("by an agent is no signal, and closes the approval", () =>
    Effect.gen(function* () {
      const asks = Agent.make("asks", {
        execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" }), Intent.approval({ id: "on" })] })
      })
      const decides = Agent.make("decides", {
        writes: [Intent.Decision],
        execute: () => Effect.succeed({ facts: [decide("go")] })
      })
      const job = yield* Engine.start(Program.make("p", { input: noInput, agents: [asks, decides] }), {})
      yield* untilState(job, "awaiting")
      expect((yield* job.approvals).map(({ id }) => id)).toEqual(["on"])
      yield* job.cancel
    }).pipe(Effect.provide(engine()))
  )
})

describe("what comes from the engine and its handlers", () => {
  it.effect("is no signal from outside: answers of handlers need not be admitted", () =>
    Effect.gen(function* () {
      const asks = Agent.make("asks", {
        execute: () => Effect.succeed({ intents: [{ kind: "Mail", payload: { n: 1 } }] })
      })
      const program = Program.make("p", { input: noInput, agents: [asks], kinds: [Entry] })
      const { context } = yield* Engine.run(program, {})
      expect(context.all(Entry).map(({ id }) => id)).toEqual(["1"])
    }).pipe(Effect.provide(engineWith({ handlers: [postman([])] })))
  )
})

describe("job.approvals", () => {
  it.effect("lists what is asked, since when, and for how long; a decided one is gone", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(
        asking({ id: "go", question: "May I?", data: { cost: 3 }, timeout: "1 minute" }, { id: "on" }),
        {}
      )
      yield* untilState(job, "awaiting")
      const open = yield* job.approvals
      expect(open).toEqual([
        { id: "go", question: "May I?", data: { cost: 3 }, since: 0, timeout: 60_000 },
        { id: "on", question: undefined, data: undefined, since: 0, timeout: undefined }
      ])
      yield* job.signal([decide("go")])
      expect((yield* job.approvals).map(({ id }) => id)).toEqual(["on"])
      yield* job.cancel
      expect(yield* job.approvals).toEqual([])
    }).pipe(Effect.provide(engine()))
  )
})
