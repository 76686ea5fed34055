/** Whatever a program throws is said with its causes and fields, and the same live, stored, replayed and in events. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import {
  Agent,
  Engine,
  Invariant,
  Job,
  JobError,
  JobStore,
  Journal,
  Limits,
  Program,
  WorkerPool
} from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { engine, Entry, eventsOf, failure, noInput, num, Num } from "../support/behaviour/harness.ts"
import { engineWith, mailing } from "../support/behaviour/intents.ts"
import { failing, names, throwing } from "../support/behaviour/thrown.ts"
import { discardAll } from "../support/core/lenient.ts"

const refusal = {
  _tag: "Error",
  message: "connect ECONNREFUSED 127.0.0.1:9",
  code: "ECONNREFUSED",
  port: 9,
  syscall: "connect"
}
const fetchFailed = { _tag: "TypeError", message: "fetch failed", cause: refusal }

/** The description of each thrown value. */
const saidOf: Readonly<Record<string, unknown>> = {
  plain: { _tag: "Error", message: "simple" },
  caused: fetchFailed,
  tagged: { _tag: "Refused", url: "http://x", tries: "3", cause: fetchFailed },
  many: { _tag: "AggregateError", errors: [refusal, { _tag: "RangeError", message: "no" }] },
  object: { code: 5, why: { nested: [1, 2] } },
  told: { message: "it told", code: "E1" },
  text: "just text",
  nothing: "undefined",
  digits: { _tag: "Error", message: "big", big: "10", small: 1, list: ["1", "b"], at: "1970-01-01T00:00:00.000Z" },
  circle: { _tag: "Error", message: "round", self: "[circular]", cause: "[circular]" },
  getter: { _tag: "Error", message: "odd", kept: { deep: true }, bad: "it cannot be read" },
  stacked: { message: "it was sent" },
  marked: { _tag: "Error", message: "marked", shown: 1 },
  listed: [{ _tag: "Error", message: "in a list", cause: refusal }, { code: 1 }],
  revoked: "an object that cannot be described"
}

/** The message of a panic with each value, where it is not the value's own. */
const messages: Readonly<Record<string, string>> = {
  plain: "simple",
  caused: "fetch failed: connect ECONNREFUSED 127.0.0.1:9",
  tagged: "Refused: fetch failed: connect ECONNREFUSED 127.0.0.1:9",
  many: "AggregateError: connect ECONNREFUSED 127.0.0.1:9: no",
  object: 'an object that is no Error was thrown: {"code":5,"why":{"nested":[1,2]}}',
  told: "it told",
  text: "just text",
  listed:
    '[{"_tag":"Error","message":"in a list","cause":{"_tag":"Error","code":"ECONNREFUSED","port":9,"syscall":"connect","message":"connect ECONNREFUSED 127.0.0.1:9"}},{"code":1}]',
  short: "many: a: man",
  revoked: "an object that cannot be described"
}

const isStack = /\n\s+at |\\n\s+at /

const threads = (store: JobStore.JobStore["Service"]) =>
  Engine.layer().pipe(
    Layer.provide(Layer.succeed(JobStore.JobStore, store)),
    Layer.provide(WorkerPool.layer({ size: 1 }))
  )

describe("what a program throws", () => {
  it.live("is said with its causes and its own fields, as a failure, as a defect, and from a worker", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const result = yield* Effect.provide(Engine.run(throwing, {}), threads(store))
      const { diagnostics } = Job.toJson(result)
      expect(diagnostics).toHaveLength(3 * names.length)
      for (const { cause, each } of diagnostics) {
        const [how = "", name = ""] = (each?.id ?? "").split(" ")
        const { _tag, error, message } = cause as { readonly _tag: string; readonly error?: unknown; message?: string }
        expect(_tag, each?.id).toBe(how === "fail" ? "AgentFailed" : "AgentPanicked")
        if (_tag === "AgentFailed" && name in saidOf) expect(error, each?.id).toEqual(saidOf[name])
        if (_tag === "AgentPanicked" && name in messages) expect(message, each?.id).toBe(messages[name])
        if (_tag === "AgentPanicked" && name !== "plain" && typeof saidOf[name] === "object") {
          expect(error, each?.id).toEqual(saidOf[name])
        }
      }
    })
  )

  it.live("is said the same in the result, in the events, and by the journal, without stacks", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const { events, result } = yield* Effect.gen(function* () {
        const job = yield* Engine.start(throwing, {}, { id: "job" })
        return { result: yield* job.result, events: yield* eventsOf(job) }
      }).pipe(Effect.scoped, Effect.provide(threads(store)))
      const looking = Layer.succeed(JobStore.JobStore, store)
      const replayed = yield* Effect.provide(Journal.replay("job"), looking)
      const toJson = (diagnostics: ReadonlyArray<Job.Diagnostic>) =>
        diagnostics.map(({ cause }) => JSON.stringify(JobError.toJson(cause)))
      expect(toJson(replayed.diagnostics)).toEqual(toJson(result.diagnostics))
      const told = yield* Effect.provide(Stream.runCollect(Stream.unwrap(Journal.events("job"))), looking)
      told.forEach((event, index) => expect(JSON.stringify(event)).toBe(JSON.stringify(events[index])))
      const rows = yield* Stream.runCollect(store.rows("job", 0))
      const written = [JSON.stringify(told), ...toJson(result.diagnostics), ...rows.map(({ extra }) => extra)].join(
        "\n"
      )
      expect(written).toContain("ECONNREFUSED")
      expect(written).not.toMatch(isStack)
      expect(written).not.toContain("~effect")
    })
  )

  it.live("is bounded, however long, wide and deep it is", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const result = yield* Effect.provide(Engine.run(throwing, {}), engineOnStore(store))
      for (const { cause, each } of result.diagnostics) {
        const length = JSON.stringify(JobError.toJson(cause)).length
        expect(length, each?.id).toBeLessThan(2 * Limits.errorLength + Limits.errorTextLength)
        if ("stack" in cause) expect(cause.stack.length).toBeLessThanOrEqual(Limits.errorTextLength)
      }
      const deep = result.diagnostics.find(({ each }) => each?.id === "fail deep")
      const text = JSON.stringify(deep === undefined ? undefined : JobError.toJson(deep.cause))
      expect(text).toContain('"message":"error 199"')
      expect(text.match(/"cause"/g)).toHaveLength(Limits.errorDepth)
    })
  )

  for (const how of ["fail", "die", "thread"] as const) {
    it.live(`ends its job with a typed error that says the same when the job is read again: ${how}`, () =>
      Effect.gen(function* () {
        for (const name of names) {
          const store = yield* journalStore
          const options = { id: "job" }
          const live = yield* Effect.provide(failure(Engine.run(failing, { name, how }, options)), engineOnStore(store))
          const again = yield* Effect.gen(function* () {
            return yield* failure((yield* Engine.resume(failing, "job")).result)
          }).pipe(Effect.scoped, Effect.provide(engineOnStore(store)))
          expect(live._tag, name).toBe(how === "fail" ? "AgentFailed" : "AgentPanicked")
          expect(JobError.toJson(again as JobError.JobError), name).toEqual(JobError.toJson(live as JobError.JobError))
          const { end = "" } = yield* store.load("job")
          expect(end, name).not.toMatch(isStack)
        }
      })
    )
  }

  it.effect("is an error with its causes again, after a replay", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const run = Engine.run(failing, { name: "tagged", how: "fail" }, { id: "job" })
      yield* Effect.provide(failure(run), engineOnStore(store))
      const again = yield* Effect.gen(function* () {
        return yield* failure((yield* Engine.resume(failing, "job")).result)
      }).pipe(Effect.scoped, Effect.provide(engineOnStore(store)))
      const { error } = again as JobError.AgentFailed
      expect(error).toBeInstanceOf(Error)
      expect(error).toMatchObject({ _tag: "Refused", name: "Refused", url: "http://x" })
      const { cause } = error as Error
      expect(cause).toBeInstanceOf(Error)
      expect(cause).toMatchObject({ name: "TypeError", message: "fetch failed", cause: { code: "ECONNREFUSED" } })
    })
  )

  it.effect("says what it said first, whatever becomes of it later", () =>
    Effect.gen(function* () {
      const shared = Object.assign(new Error("again"), { times: 0 })
      const program = Program.make("shared", {
        input: noInput,
        seed: () => [num(1), num(2)],
        agents: [
          Agent.make("counts", {
            each: Num,
            writes: [Entry],
            onFailure: discardAll,
            execute: ({ value: { n } }) => Effect.suspend(() => Effect.fail(Object.assign(shared, { times: n })))
          })
        ]
      })
      const store = yield* journalStore
      const layer = engineOnStore(store)
      const events = yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {}, { id: "job" })
        yield* job.result
        shared.times = 99
        return yield* eventsOf(job)
      }).pipe(Effect.scoped, Effect.provide(layer))
      const looking = Layer.succeed(JobStore.JobStore, store)
      const told = yield* Effect.provide(Stream.runCollect(Stream.unwrap(Journal.events("job"))), looking)
      expect(JSON.stringify(told)).toBe(JSON.stringify(events))
      expect(JSON.stringify(events)).not.toContain("99")
    })
  )
})

describe("the typed errors of a program's own functions", () => {
  const boom = (): never => {
    throw new Error("no answer", { cause: Object.assign(new Error("disk"), { code: "EIO" }) })
  }
  const program = (options: object) =>
    Program.make("own", { input: noInput, agents: [], kinds: [Num], seed: () => [num(1)], ...options })

  it.effect("name the causes of what was thrown: output, invariant, seed", () =>
    Effect.gen(function* () {
      const error = { _tag: "Error", message: "no answer", cause: { _tag: "Error", message: "disk", code: "EIO" } }
      for (const [phase, options] of [
        ["output", { output: boom }],
        ["invariant", { invariants: [Invariant.acceptance("holds", boom)] }]
      ] as const) {
        const ended = yield* failure(Engine.run(program(options), {}))
        expect(ended).toMatchObject({ _tag: "ProgramPanicked", phase, message: "no answer: disk", error })
        expect((ended as JobError.ProgramPanicked).stack).toMatch(/Error: no answer\n[^]*caused by Error: disk\n\s+at /)
      }
      expect(yield* failure(Engine.run(program({ seed: boom }), {}))).toMatchObject({
        _tag: "InvalidInput",
        message: "seed: no answer: disk"
      })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("name the causes of what a handler failed with, or threw", () =>
    Effect.gen(function* () {
      const inner = { _tag: "Error", message: "disk", code: "EIO" }
      const cause = () => Object.assign(new Error("disk"), { code: "EIO" })
      const errors = { fails: new Error("refused", { cause: cause() }), dies: new Error("broken", { cause: cause() }) }
      const handlers = [
        Engine.handler("Fails", () => Effect.fail(errors.fails), { retry: Schedule.recurs(0) }),
        Engine.handler("Dies", () => Effect.die(errors.dies))
      ]
      for (const [kind, error] of [
        ["Fails", { _tag: "Error", message: "refused", cause: inner }],
        [
          "Dies",
          {
            _tag: "HandlerPanicked",
            message: "broken: disk",
            error: { _tag: "Error", message: "broken", cause: inner }
          }
        ]
      ] as const) {
        const ended = yield* Effect.provide(failure(Engine.run(mailing(1, kind), {})), engineWith({ handlers }))
        expect(JobError.toJson(ended as JobError.IntentFailed)).toMatchObject({ _tag: "IntentFailed", error })
      }
    })
  )
})
