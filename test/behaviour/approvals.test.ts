/** Approvals (AP1 to AP4): a job asks somebody outside, goes on with what else there is, and awaits the decision. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Fact, Intent, Program } from "../../src/index.ts"
import * as Schema from "effect/Schema"
import { asking, decide, engineWith } from "../support/behaviour/intents.ts"
import {
  cell,
  Cell,
  ended,
  engine,
  eventsOf,
  failure,
  makeGate,
  noInput,
  Num,
  num,
  tagsOf,
  turns,
  until,
  untilState
} from "../support/behaviour/harness.ts"

/** Whom a decision came from, with an approval that waits for a minute at most. */
const patient = (onTimeout?: "approve" | "reject" | "halt") =>
  asking({ id: "go", question: "May I?", data: { cost: 3 }, timeout: "1 minute", onTimeout })

describe("an approval", () => {
  it.effect("lets the job await a decision, which a signal brings", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking({ id: "go" }), {})
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("go")])
      const result = yield* job.result
      expect(result.output).toEqual(["go by Ada: true"])
      expect(result.intents).toMatchObject([{ kind: "Approval", payload: { id: "go" } }])
      const events = yield* eventsOf(job)
      expect(tagsOf(events)).toEqual([
        ...["JobStarted", "CycleStarted", "TaskSucceeded", "IntentCommitted", "JobAwaiting", "JobResumed"],
        ...["CycleStarted", "SignalAdmitted", "IntentAnswered", "FactsCommitted", "TaskSucceeded", "FactsCommitted"],
        ...["TierConverged", "JobHalted"]
      ])
      expect(events[8]).toEqual({ _tag: "IntentAnswered", seq: 9, cycle: 2, agent: "asks", index: 0, kind: "Approval" })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is not held up by other answers, and holds none of them up", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const asks = Agent.make("asks", {
        execute: () =>
          Effect.succeed({
            intents: [Intent.approval({ id: "go" }), { kind: "Mail", payload: { n: 1 } }, Intent.approval({ id: "on" })]
          })
      })
      const program = Program.make("p", {
        input: noInput,
        agents: [asks],
        kinds: [Cell],
        output: (view) => [...view.all(Intent.Decision), ...view.all(Cell)].map(({ id }) => id)
      })
      const handler = Engine.handler("Mail", () => Effect.as(gate.arrive, [cell("mail", "sent")]))
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {})
        yield* untilState(job, "awaiting")
        yield* job.signal([decide("on", false)])
        expect((yield* job.status).cycle).toBe(2)
        yield* untilState(job, "awaiting")
        yield* gate.open
        while ((yield* job.status).cycle < 3) yield* turns(1)
        yield* untilState(job, "awaiting")
        yield* job.signal([decide("go")])
        expect((yield* job.result).output).toEqual(["on", "go", "mail"])
        const answered = (yield* eventsOf(job)).filter(({ _tag }) => _tag === "IntentAnswered")
        expect(answered).toMatchObject([{ index: 2 }, { index: 1 }, { index: 0 }])
      }).pipe(Effect.provide(engineWith({ handlers: [handler] })))
    })
  )

  for (const [onTimeout, expected] of [
    [undefined, ["go by timeout: false"]],
    ["reject", ["go by timeout: false"]],
    ["approve", ["go by timeout: true"]]
  ] as const) {
    it.effect(`that nobody decides in time is decided by its timeout: ${String(onTimeout)}`, () =>
      Effect.gen(function* () {
        const job = yield* Engine.start(patient(onTimeout), {})
        yield* untilState(job, "awaiting")
        yield* turns(3)
        yield* TestClock.adjust("59 seconds")
        yield* turns(3)
        expect((yield* job.status).state).toBe("awaiting")
        yield* TestClock.adjust("1 second")
        expect((yield* job.result).output).toEqual(expected)
        expect(tagsOf(yield* eventsOf(job))).toContain("IntentAnswered")
      }).pipe(Effect.provide(engine()))
    )
  }

  it.effect("is listed once, as it was asked for first, however often an effect asks", () =>
    Effect.gen(function* () {
      const intents = [
        Intent.approval({ id: "go", question: "first" }),
        Intent.approval({ id: "go", question: "again" })
      ]
      const program = Program.make("p", {
        input: noInput,
        agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents }) })]
      })
      const job = yield* Engine.start(program, {})
      yield* untilState(job, "awaiting")
      expect((yield* job.approvals).map(({ id, question }) => [id, question])).toEqual([["go", "first"]])
      yield* job.signal([decide("go")])
      expect((yield* job.result).status).toBe("converged")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is open no more while its decision waits in a signal, and open again if that is taken back", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking({ id: "go" }), {})
      yield* untilState(job, "awaiting")
      yield* job.pause
      const first = yield* Effect.forkChild(job.signal([decide("go")]), { startImmediately: true })
      yield* until(Effect.map(job.approvals, ({ length }) => length === 0))
      expect(yield* failure(job.signal([decide("go", false)]))).toMatchObject({
        _tag: "SignalRefused",
        reason: "approval"
      })
      yield* Fiber.interrupt(first)
      expect(yield* job.approvals).toHaveLength(1)
      const second = yield* Effect.forkChild(job.signal([decide("go", false)]), { startImmediately: true })
      yield* until(Effect.map(job.approvals, ({ length }) => length === 0))
      yield* job.resume
      yield* Fiber.join(second)
      expect((yield* job.result).output).toEqual(["go by Ada: false"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("ends the job then, if it says so", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(patient("halt"), {}, { id: "job" })
      yield* untilState(job, "awaiting")
      yield* turns(3)
      yield* TestClock.adjust("1 minute")
      expect(yield* ended(job.result)).toMatchObject({
        _tag: "IntentFailed",
        key: "job/1/asks//0",
        kind: "Approval",
        error: { _tag: "ApprovalTimedOut", message: "nobody decided within 60000 ms" }
      })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has no timeout any more once it is decided, and counts its time in a pause", () =>
    Effect.gen(function* () {
      const program = asking({ id: "go", timeout: "1 minute" }, { id: "on" })
      const job = yield* Engine.start(program, {})
      yield* untilState(job, "awaiting")
      yield* turns(3)
      yield* job.signal([decide("go")])
      yield* TestClock.adjust("2 minutes")
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("on")])
      expect((yield* job.result).output).toEqual(["go by Ada: true", "on by Ada: true"])

      const paused = yield* Engine.start(patient(), {})
      yield* untilState(paused, "awaiting")
      yield* turns(3)
      yield* paused.pause
      yield* TestClock.adjust("1 minute")
      yield* turns(3)
      expect((yield* paused.status).state).toBe("paused")
      yield* paused.resume
      expect((yield* paused.result).output).toEqual(["go by timeout: false"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has the first decision: a second one is refused to its sender, and the job goes on", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking({ id: "go" }, { id: "on" }), {})
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("go")])
      yield* untilState(job, "awaiting")
      expect(yield* failure(job.signal([decide("go", false)]))).toMatchObject({ _tag: "SignalRefused" })
      expect(yield* failure(job.signal([decide("on"), decide("go")]))).toMatchObject({
        message: "signal: it holds more than one Decision"
      })
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("on", false, "Bob")])
      expect((yield* job.result).output).toEqual(["go by Ada: true", "on by Bob: false"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has the first of two decisions that come together: the second is refused and leaves no diagnostic", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking({ id: "go" }, { id: "on" }), {})
      yield* untilState(job, "awaiting")
      const signal = (approved: boolean) => Effect.exit(job.signal([decide("go", approved)]))
      const [first, second, same] = yield* Effect.all([signal(true), signal(false), signal(true)], {
        concurrency: "unbounded"
      })
      expect(Exit.isSuccess(first)).toBe(true)
      // The same decision again is no other one.
      expect(Exit.isSuccess(same)).toBe(true)
      expect(yield* Effect.flip(second)).toMatchObject({
        _tag: "SignalRefused",
        kind: "Decision",
        reason: "approval",
        message: 'the approval "go" is decided already: another decision came first'
      })
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("on", false, "Bob")])
      const { diagnostics, output } = yield* job.result
      expect(output).toEqual(["go by Ada: true", "on by Bob: false"])
      expect(diagnostics).toEqual([])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("has the decision that came while its time was running out in a pause", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(patient(), {})
      yield* untilState(job, "awaiting")
      yield* turns(3)
      yield* job.pause
      yield* TestClock.adjust("1 minute")
      const signal = yield* Effect.forkChild(job.signal([decide("go")]), { startImmediately: true })
      yield* turns(3)
      yield* job.resume
      yield* Fiber.join(signal)
      const result = yield* job.result
      expect(result.output).toEqual(["go by Ada: true"])
      expect(result.diagnostics).toEqual([])
      expect(tagsOf(yield* eventsOf(job)).filter((tag) => tag === "IntentAnswered")).toHaveLength(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("stays open when the signal with its decision is discarded", () =>
    Effect.gen(function* () {
      const Once = Fact.kind("Once", { schema: Schema.Struct({ by: Schema.String }), id: () => "once" })
      const program = Program.make("p", {
        signals: [Once],
        input: noInput,
        agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] }) })],
        kinds: [Once],
        seed: () => [Once.of({ by: "seed" })],
        output: (view) => view.all(Intent.Decision).map(({ value }) => value.by)
      })
      const job = yield* Engine.start(program, {})
      yield* untilState(job, "awaiting")
      const refused = yield* failure(job.signal([decide("go", true, "Eve"), Once.of({ by: "Eve" })]))
      expect(refused).toMatchObject({ _tag: "InvalidInput" })
      yield* untilState(job, "awaiting")
      yield* job.signal([decide("go", true, "Ada")])
      expect((yield* job.result).output).toEqual(["Ada"])
      expect(tagsOf(yield* eventsOf(job)).filter((tag) => tag === "IntentAnswered")).toHaveLength(1)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("may be decided by an agent, and asked for again has the decision that it had", () =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            each: Num,
            execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] })
          }),
          Agent.make("policy", {
            each: Num,
            writes: [Intent.Decision, Num],
            execute: ({ value: { n } }) =>
              Effect.succeed({ facts: n === 1 ? [decide("go", true, "policy"), num(2)] : [] })
          })
        ],
        seed: () => [num(1)],
        output: (view) => view.all(Intent.Decision).map(({ value }) => value.by)
      })
      const job = yield* Engine.start(program, {})
      const result = yield* job.result
      expect(result.output).toEqual(["policy"])
      expect(result.intents).toHaveLength(2)
      expect(tagsOf(yield* eventsOf(job))).not.toContain("JobAwaiting")
    }).pipe(Effect.provide(engine()))
  )

  it.effect("that was not made by Intent.approval, or in a program with a Decision of its own, ends the job", () =>
    Effect.gen(function* () {
      const Own = Fact.kind("Decision", { schema: Schema.Struct({ x: Schema.Int }), id: () => "x" })
      for (const [payload, kinds, message] of [
        [{ question: "May I?" }, [], /not made by Intent.approval/],
        [Intent.approval({ id: "go" }).payload, [Own], /a kind of its own/]
      ] as const) {
        const asks = Agent.make("asks", { execute: () => Effect.succeed({ intents: [{ kind: "Approval", payload }] }) })
        const program = Program.make("p", { input: noInput, agents: [asks], kinds })
        expect(yield* ended(Engine.run(program, {}))).toMatchObject({
          _tag: "IntentFailed",
          error: { _tag: "InvalidIntent", message: expect.stringMatching(message) as string }
        })
      }
    }).pipe(Effect.provide(engine()))
  )

  it("is refused where its options cannot work", () => {
    expect(() => Intent.approval({ id: "" })).toThrow(/id must be/)
    expect(() => Intent.approval({ id: "a", onTimeout: "wait" as "halt" })).toThrow(/onTimeout/)
    expect(() => Intent.approval({ id: "a", timeout: NaN })).toThrow(/timeout must be a duration.*not NaN/)
    expect(() => Intent.approval({ id: "a", timeout: "1 huor" as never })).toThrow(/timeout must be.*"1 huor"/)
    expect(() => Intent.approval({ id: "a", timeouts: 5 } as never)).toThrow(/did you mean "timeout"/)
    expect(() => Intent.approval({ id: "a", question: 5 as never })).toThrow(/question must be a string, not 5/)
    expect(Intent.approval({ id: "a", timeout: "2 seconds", onTimeout: "halt" })).toEqual({
      kind: "Approval",
      payload: { id: "a", timeoutMs: 2000, onTimeout: "halt" }
    })
  })
})
