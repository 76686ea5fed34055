/**
 * The program of docs/examples/embedded-server, without its server: agents alone, a model that goes by a script, decisions, and the
 * promises of the whole.
 */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Intent, Program } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { ask, decided, sort, support, Ticket, Triage } from "../../../docs/examples/embedded-server/program.ts"

const input = { tenant: "acme", tickets: { T1: "I was charged twice", T2: "hello" } }

const urgent = { topic: "billing", isUrgent: true, summary: "charged twice" }
const calm = { topic: "other", isUrgent: false, summary: "says hello" }
const sorted = [
  { ticket: "T1", ...urgent },
  { ticket: "T2", ...calm }
]

/** A model that goes by a word of the ticket, and how often it was asked. */
const scripted = (answer = (prompt: string): object => (prompt.includes("charged") ? urgent : calm)) => {
  const script = { asked: 0 }
  const model = Testing.model(({ prompt }) => {
    script.asked++
    return { object: answer(prompt), usage: { input: 20, output: 5 } }
  })
  return { script, model }
}

describe("an agent of the tickets", () => {
  it.effect("sorts a ticket as the model says, and tells its tokens", () =>
    Effect.gen(function* () {
      const each = Ticket.of({ id: "T1", text: "I was charged twice" })
      const { facts, usage } = yield* Testing.execute(sort, { each, input })
      expect(facts[0]).toMatchObject({ kind: "Triage", id: "T1", value: urgent })
      expect(usage.tokens).toBe(25)
    }).pipe(Effect.provide(scripted().model))
  )

  it.effect("fails with the model's error if the answer does not fit", () =>
    Effect.gen(function* () {
      const each = Ticket.of({ id: "T1", text: "hello" })
      expect(yield* Effect.flip(Testing.execute(sort, { each, input }))).toMatchObject({ _tag: "AiError" })
    }).pipe(Effect.provide(scripted(() => ({ topic: "weather" })).model))
  )

  it.effect("asks a person about urgent tickets only, and takes note of the decision", () =>
    Effect.gen(function* () {
      const asked = yield* Testing.execute(ask, { each: Triage.of({ ticket: "T1", ...urgent, topic: "billing" }) })
      expect(asked.intents).toMatchObject([
        { kind: "Approval", payload: { id: "T1", question: "Call back? The customer charged twice" } }
      ])
      const quiet = yield* Testing.execute(ask, { each: Triage.of({ ticket: "T2", ...calm, topic: "other" }) })
      expect(quiet.intents).toEqual([])
      const decision = Intent.Decision.of({ approval: "T1", approved: true, by: "Ada", reason: "" })
      const { facts } = yield* Testing.execute(decided, { each: decision })
      expect(facts[0]).toMatchObject({ id: "T1", value: { isWanted: true, by: "Ada" } })
    })
  )
})

describe("the tickets of a tenant", () => {
  it("have a program without a likely mistake that the runtime knows of", () => {
    expect(Program.warnings(support)).toEqual([])
  })

  it.effect("wait for a decision about the urgent one, and for two days at most", () =>
    Effect.gen(function* () {
      for (const isDecided of [true, false]) {
        const job = yield* Testing.start(support, input)
        yield* job.until("awaiting")
        expect((yield* job.approvals).map(({ id }) => id)).toEqual(["T1"])
        const decision = Intent.Decision.of({ approval: "T1", approved: true, by: "Ada", reason: "" })
        yield* isDecided ? job.signal([decision]) : TestClock.adjust("2 days")
        const { output, usage } = yield* job.result
        expect(output).toEqual({
          sorted,
          callbacks: [{ ticket: "T1", isWanted: isDecided, by: isDecided ? "Ada" : "timeout" }]
        })
        expect(usage.tokens).toBe(50)
      }
    }).pipe(Effect.provide([Testing.layer(), scripted().model]))
  )

  it.live("end with the typed error when no answer fits: one question and three more", () =>
    Effect.gen(function* () {
      const { model, script } = scripted(() => ({ topic: "weather" }))
      const tickets = { T1: "hello" }
      const error = yield* Effect.flip(Engine.run(support, { ...input, tickets })).pipe(Effect.provide(model))
      expect(error).toMatchObject({ _tag: "AgentFailed", agent: "sort" })
      expect(script.asked).toBe(4)
    }).pipe(Effect.provide(Testing.layer({ clock: "caller" })))
  )

  it.effect("are sorted the same in every run, and whenever the process dies", () =>
    Effect.gen(function* () {
      const { hash, waitsFor } = yield* Testing.deterministic(support, input)
      expect(waitsFor).toEqual(['the approval "T1"'])
      const survived = yield* Testing.durable(support, input)
      expect(survived).toMatchObject({ status: "awaiting", hash })
      expect(survived.kills).toBe(survived.writes)
    }).pipe(Effect.provide(scripted().model))
  )

  it.effect("are the same in whatever order they arrive", () =>
    Effect.gen(function* () {
      const { orders, waitsFor } = yield* Testing.confluent(support, input)
      expect([orders.length > 1, waitsFor]).toEqual([true, ['the approval "T1"']])
    }).pipe(Effect.provide([Testing.layer(), scripted().model]))
  )

  it.effect("are not asked about again after a kill: the answers are kept", () =>
    Effect.gen(function* () {
      const { model, script } = scripted()
      const begin = Effect.provide(Testing.start(support, input, { id: "once" }), model)
      const first = yield* begin
      yield* first.until("awaiting")
      yield* Testing.kill
      const again = yield* begin
      yield* again.until("awaiting")
      expect([script.asked, (yield* again.status).usage.tokens]).toEqual([2, 50])
    }).pipe(Effect.provide(Testing.layer()))
  )

  it.effect("are sorted again from a recording, with the same decision, and no model is asked", () =>
    Effect.gen(function* () {
      const { model, script } = scripted()
      const job = yield* Effect.provide(Testing.start(support, input, { id: "monday" }), model)
      yield* job.until("awaiting")
      yield* job.signal([Intent.Decision.of({ approval: "T1", approved: false, by: "Ada", reason: "" })])
      const { hash } = yield* job.result
      const run = yield* Testing.runCase(support, Testing.caseOf(yield* Testing.recording("monday")))
      expect(run).toMatchObject({ isSame: true, hash, unanswered: [] })
      expect(script.asked).toBe(2)
    }).pipe(Effect.provide(Testing.layer()))
  )
})

describe("a model that is recorded", () => {
  it.effect("answers the same later, from a list that can be kept as JSON", () =>
    Effect.gen(function* () {
      const script: Array<Testing.ModelAnswer> = []
      const { model } = scripted()
      const recording = Testing.modelRecorder(script).pipe(Layer.provide(model))
      const first = yield* Effect.provide(Testing.deterministic(support, input, { orders: 0 }), recording)
      // Three runs with two questions each. The answers of one run are enough for another.
      expect(script).toHaveLength(6)
      const kept = JSON.parse(JSON.stringify(script)) as Array<Testing.ModelAnswer>
      const again = Testing.deterministic(support, input, { orders: 0 }).pipe(Effect.provide(Testing.model(kept)))
      expect((yield* again).hash).toBe(first.hash)
    })
  )
})
