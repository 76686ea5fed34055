/**
 * G15, nothing goes wrong in silence: intents have kinds with payloads and answers, and an intent that nobody performs is a
 * diagnostic (IN10, IN11). What the compiler refuses is in test/types/intents.ts.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Job, JobStore, Journal, Limits, Program, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { engine, failure, noInput, num, Num } from "../support/behaviour/harness.ts"
import { comparable, discarded, idsOf, runInline, runToEnd } from "../support/core/run.ts"

const Paid = Fact.kind("Paid", { schema: Schema.Struct({ order: Schema.String }), id: ({ order }) => order })
const Pay = Intent.kind("Pay", {
  payload: Schema.Struct({ order: Schema.String, at: Schema.DateTimeUtcFromString }),
  answers: [Paid]
})
const Audit = Intent.kind("Audit", { payload: Schema.Struct({ what: Schema.String }), record: true })

const loose = (value: unknown): any => value
const at = Schema.decodeSync(Schema.DateTimeUtcFromString)("2024-02-29T12:00:00.000Z")

const layer = <N extends string>(handlers: ReadonlyArray<Engine.Handler<never, N>>) =>
  Engine.layer({ handlers }).pipe(Layer.provide(JobStore.layerMemory), Layer.provide(WorkerPool.layerInline))

/** Pays each number, and audits it. */
const paying = Program.make("paying", {
  input: noInput,
  seed: () => [num(1), num(2)],
  agents: [
    Agent.make("pays", {
      each: Num,
      intents: [Pay, Audit],
      execute: ({ id }) => Effect.succeed({ intents: [Pay.of({ order: id, at }), Audit.of({ what: `pays ${id}` })] })
    })
  ],
  output: (view) => view.all(Paid).map(({ id }) => id)
})

describe("a kind of intents", () => {
  it.effect("gives its handler the payload in its type, and takes the answers", () =>
    Effect.gen(function* () {
      const seen: Array<unknown> = []
      const pays = Engine.handler(Pay, ({ idempotencyKey, kind, payload }) =>
        Effect.sync(() => {
          seen.push([kind, idempotencyKey, payload.order, payload.at.epochMilliseconds])
          return [Paid.of({ order: payload.order })]
        })
      )
      const result = yield* Effect.provide(Engine.run(paying, {}, { id: "job" }), layer([pays]))
      expect(result.output).toEqual(["1", "2"])
      expect(seen).toEqual([
        ["Pay", 'job/1/pays/"Num"/1/0', "1", 1_709_208_000_000],
        ["Pay", 'job/1/pays/"Num"/2/0', "2", 1_709_208_000_000]
      ])
      // The journal, the events and the result have the payload as its schema encodes it.
      expect(result.intents[0]).toMatchObject({ kind: "Pay", payload: { order: "1", at: "2024-02-29T12:00:00.000Z" } })
      expect(result.diagnostics).toEqual([])
    })
  )

  it.effect("takes no answer of a kind that it does not declare, however the handler was made", () =>
    Effect.gen(function* () {
      const forged = [Paid.of({ order: "1" }), num(9)]
      for (const [onFailure, kind] of [
        ["halt", Pay],
        ["halt", "Pay"],
        ["discard", Pay]
      ] as const) {
        const pays = Engine.handler(loose(kind), () => Effect.succeed(loose(forged)), { onFailure })
        const { error, result } = yield* Effect.provide(runToEnd(paying, {}), layer<"Pay">([loose(pays)]))
        const failed = { _tag: "IntentFailed", kind: "Pay", error: { _tag: "InvalidAnswer" } }
        const cause: unknown = onFailure === "halt" ? error : result.diagnostics[0]?.cause
        expect(cause).toMatchObject(failed)
        expect(loose(cause).error.message).toMatch(
          /"Num", which is no answer to "Pay": add it to the `answers` of the kind of intents \(it has "Paid"\)$/
        )
        // The whole answer is refused, and nothing of it is committed.
        expect(idsOf(result, Num)).toEqual(["1", "2"])
        expect(result.context.size(Paid)).toBe(0)
      }
      const audits = Engine.handler("Audit", () => Effect.succeed([num(9)]))
      const pays = Engine.handler(Pay, () => Effect.void)
      const { error } = yield* Effect.provide(runToEnd(paying, {}), layer([pays, audits]))
      expect(error).toMatchObject({ _tag: "IntentFailed", kind: "Audit" })
    })
  )

  it.effect("may have its handler from Engine.handle, which provides what the program needs", () =>
    Effect.gen(function* () {
      const handled = yield* Engine.handle(Pay, ({ payload }) => Effect.succeed([Paid.of({ order: payload.order })]))
      const result = yield* Engine.run(paying, {}).pipe(Effect.provide(handled))
      expect(result.output).toEqual(["1", "2"])
      const again = yield* failure(Engine.handle(Pay, () => Effect.void))
      expect(again).toMatchObject({ kind: "Pay", message: 'the kind "Pay" already has a handler' })
    }).pipe(Effect.provide(engine()))
  )

  const effects: ReadonlyArray<readonly [string, object, string]> = [
    [
      "a payload that does not fit",
      { intents: [Pay.of(loose({ order: 1, at }))] },
      'intents[0] (Pay): Expected string at ["order"]'
    ],
    ["no payload", { intents: [{ kind: "Pay" }] }, "intents[0] (Pay): "],
    [
      "an intent of a kind that the agent does not declare",
      { intents: [loose(Audit.of({ what: "x" }))] },
      'intents[0] is of the kind "Audit", which agent "pays" does not declare: add it to its `intents`'
    ]
  ]
  for (const [what, effect, message] of effects) {
    it.effect(`makes ${what} an invalid effect, where the agent ran`, () =>
      Effect.gen(function* () {
        const program = Program.make("p", {
          input: noInput,
          agents: [Agent.make("pays", { intents: [Pay], execute: () => Effect.succeed(effect) })]
        })
        const { error } = yield* Effect.provide(runToEnd(program, {}), layer([Engine.handler(Pay, () => Effect.void)]))
        expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "pays" })
        expect(error?.message.slice(0, message.length)).toBe(message)
      })
    )
  }

  for (const onFailure of ["halt", "discard"] as const) {
    it.effect(
      `never gives its handler a payload that does not fit, of an agent that does not declare it: ${onFailure}`,
      () =>
        Effect.gen(function* () {
          const seen: Array<unknown> = []
          const program = Program.make("p", {
            input: noInput,
            agents: [
              Agent.make("pays", {
                execute: () =>
                  Effect.succeed({
                    intents: [
                      { kind: "Pay", payload: { order: 1, at: "2024-02-29T12:00:00.000Z" } },
                      { kind: "Pay", payload: { order: "2", at: "soon" } },
                      { kind: "Pay", payload: { order: "3", at: "2024-02-29T12:00:00.000Z" } }
                    ]
                  })
              })
            ]
          })
          const pays = Engine.handler(Pay, ({ payload }) => Effect.sync(() => void seen.push(payload.order)), {
            onFailure
          })
          const { error, result } = yield* Effect.provide(runToEnd(program, {}), layer([pays]))
          expect(seen).toEqual(["3"])
          const first = onFailure === "halt" ? error : result.diagnostics[0]?.cause
          expect(first).toMatchObject({ _tag: "IntentFailed", agent: "pays", error: { _tag: "InvalidIntent" } })
          expect(loose(first).error.message).toMatch(
            /^the payload does not fit the kind "Pay" of its handler: .*string.*\["order"\]\. Let agent "pays" declare the kind/s
          )
          if (onFailure === "discard") expect(result.diagnostics).toHaveLength(2)
        })
    )
  }

  it.effect("that may be only recorded is performed where it has a handler", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const pays = Engine.handler(Pay, () => Effect.void)
      const audits = Engine.handler(Audit, ({ payload }) => Effect.sync(() => void seen.push(payload.what)))
      const alone = yield* Effect.provide(Engine.run(paying, {}), layer([pays]))
      expect(alone.diagnostics).toEqual([])
      const both = yield* Effect.provide(Engine.run(paying, {}), layer([pays, audits]))
      expect(both.diagnostics).toEqual([])
      expect(seen).toEqual(["pays 1", "pays 2"])
    })
  )

  it.effect("that fails names the reason in the message of its error", () =>
    Effect.gen(function* () {
      const messageOf = (perform: () => Effect.Effect<unknown, unknown>, retry?: Schedule.Schedule<unknown>) =>
        Effect.gen(function* () {
          const pays = Engine.handler(Pay, loose(perform), { retry, timeout: "1 minute" })
          const { error } = yield* Effect.provide(runToEnd(paying, {}), layer<"Pay">([loose(pays)]))
          return error?.message
        })
      const failed = 'the intent "Pay" of agent "pays" was not performed: '
      expect(yield* messageOf(() => Effect.die(new Error("the bank is gone")))).toBe(
        `${failed}HandlerPanicked: the bank is gone`
      )
      expect(yield* messageOf(() => Effect.succeed("yes"))).toBe(
        `${failed}InvalidAnswer: an answer is an array of at most ${Limits.signalProposals} proposals, not string`
      )
      expect(yield* messageOf(() => Effect.fail({ _tag: "NoMoney" }), Schedule.recurs(0))).toBe(`${failed}NoMoney`)
    })
  )

  it("is refused: without a name, of the engine's own, with what cannot be encoded, and twice in a program", () => {
    const payload = Schema.Struct({})
    expect(() => Intent.kind("", { payload })).toThrow("a kind of intents needs a name that is not empty")
    expect(() => Intent.kind("Approval", { payload })).toThrow("the engine performs intents of that kind itself")
    expect(() => Intent.kind("X", { payload: Schema.Date })).toThrow('intent kind "X": ')
    expect(() => Intent.kind("X", { payload, answers: loose([3]) })).toThrow("answers[0] is not a kind")
    expect(() => Intent.kind("X", { payload, records: true } as object as { payload: typeof payload })).toThrow(
      'did you mean "record"'
    )
    const other = Intent.kind("Pay", { payload })
    const make = (...intents: ReadonlyArray<Intent.IntentKind.Any>) =>
      Program.make("p", {
        input: noInput,
        agents: intents.map((kind, index) =>
          Agent.make(`a${index}`, { intents: [kind], execute: () => Effect.succeed({}) })
        )
      })
    expect(() => make(Pay, other)).toThrow('two kinds of intents are called "Pay"')
    expect(() => Agent.make("a", { intents: loose(["Pay"]), execute: () => Effect.succeed({}) })).toThrow(
      "intents[0] is not a kind of intents: make it with Intent.kind"
    )
  })
})

describe("an intent that nobody performs", () => {
  /** The typing error: the handler is of "pay". */
  const typo = Program.make("typo", {
    input: noInput,
    seed: () => [num(1), num(2), num(3)],
    agents: [
      Agent.make("pays", {
        each: Num,
        execute: ({ value: { n } }) =>
          Effect.succeed({
            intents: [
              { kind: "Pay", payload: { n } },
              ...(n === 2 ? [{ kind: "Tell", payload: null }] : []),
              ...(n === 3 ? [Intent.approval({ id: "go", timeout: "1 milli", onTimeout: "approve" })] : [])
            ]
          })
      })
    ]
  })
  const expected = [
    {
      cycle: 1,
      agent: "pays",
      each: { kind: "Num", id: "1" },
      cause: { _tag: "NotPerformed", cycle: 1, kind: "Pay", count: 3 }
    },
    {
      cycle: 1,
      agent: "pays",
      each: { kind: "Num", id: "2" },
      cause: { _tag: "NotPerformed", cycle: 1, kind: "Tell", count: 1 }
    }
  ]

  it.live("is a diagnostic, once for its kind, with their number; what the engine performs is none", () =>
    Effect.gen(function* () {
      yield* Engine.handle("pay", () => Effect.void)
      const result = yield* Engine.run(typo, {})
      expect(result.status).toBe("converged")
      expect(result.intents).toHaveLength(5)
      expect(result.diagnostics).toEqual(expected)
      expect(Job.toJson(result).diagnostics).toEqual(expected)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is none if its kind is only recorded", () =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: noInput,
        agents: [
          Agent.make("a", { intents: [Audit], execute: () => Effect.succeed({ intents: [Audit.of({ what: "x" })] }) })
        ]
      })
      const { error, result } = yield* runInline(program, {})
      expect(error).toBeUndefined()
      expect(result.intents).toMatchObject([{ kind: "Audit", payload: { what: "x" } }])
      expect(result.diagnostics).toEqual([])
    })
  )

  it.effect("is said the same after a crash, and when the journal is read back", () =>
    Effect.gen(function* () {
      const program = Program.make("counts", {
        input: noInput,
        seed: () => [num(0)],
        agents: [
          Agent.make("count", {
            each: Num,
            writes: [Num],
            execute: ({ value: { n } }) =>
              Effect.succeed({ facts: n < 3 ? [num(n + 1)] : [], intents: [{ kind: "Tell", payload: n }] })
          })
        ]
      })
      const whole = yield* runInline(program, {}, { id: "job" })
      expect(discarded(whole.result)).toEqual([["count", "NotPerformed"]])
      expect(idsOf(whole.result, Num)).toHaveLength(4)
      for (let at = 0; at < 4; at++) {
        const store = yield* journalStore
        yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(brokenOff(store, at)))
        const second = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
        expect(comparable(second), `broken off after ${at}`).toEqual(comparable(whole))
        const { diagnostics } = yield* Effect.provide(Journal.replay("job"), Layer.succeed(JobStore.JobStore, store))
        expect(diagnostics).toEqual(whole.result.diagnostics)
      }
    })
  )
})
