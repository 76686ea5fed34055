/**
 * Intents (IN1 to IN8) are performed by handlers after their cycle is committed. Their answers are admitted at the fixed
 * point: in one cycle, in commit order, however long each handler took.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, type JobError, Program } from "../../src/index.ts"
import { engineWith, mailing, numberOf, postman, sent } from "../support/behaviour/intents.ts"
import {
  cell,
  Cell,
  ended,
  engine,
  Entry,
  entry,
  eventsOf,
  failure,
  makeGate,
  noInput,
  Num,
  num,
  stateOf,
  tagsOf,
  turns,
  until,
  untilState
} from "../support/behaviour/harness.ts"

/** One agent that wishes for some mails, once. */
const once = (...numbers: ReadonlyArray<number>) =>
  Program.make("once", {
    signals: [Num],
    input: noInput,
    agents: [
      Agent.make("asks", {
        execute: () => Effect.succeed({ intents: numbers.map((n) => ({ kind: "Mail", payload: { n } })) })
      })
    ],
    kinds: [Cell, Num],
    output: (view) => view.all(Cell).map(({ id }) => id)
  })

const run = <P extends Program.Program.Any>(
  program: P,
  handlers: ReadonlyArray<Engine.Handler>,
  options?: Engine.StartOptions
) =>
  Effect.gen(function* () {
    const job = yield* Engine.start(program as unknown as ReturnType<typeof mailing>, {}, { id: "job", ...options })
    const result = yield* Effect.result(job.result)
    return { events: yield* eventsOf(job), result }
  }).pipe(Effect.provide(engineWith({ handlers })))

describe("an intent", () => {
  it.effect("is performed after its cycle is committed, and its answer is facts for the agents", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const result = yield* Effect.provide(
        Engine.run(mailing(2), {}, { id: "job" }),
        engineWith({ handlers: [postman(seen)] })
      )
      expect(result.output).toEqual(["copy of 0: sent", "copy of 1: sent", "copy of 2: sent"])
      expect(result.intents.map(({ idempotencyKey }) => idempotencyKey)).toEqual(seen)
      expect(seen).toEqual(['job/1/next/"Num"/0/0', 'job/2/next/"Num"/1/0', 'job/3/next/"Num"/2/0'])
    })
  )

  it.effect("is never performed before that, nor when its effect is discarded or ends the job", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const program = Program.make("p", {
        input: noInput,
        agents: [
          Agent.make("wins", { writes: [Cell], execute: () => Effect.succeed({ facts: [cell("a", "1")] }) }),
          Agent.make("fails", {
            onFailure: { invalid: "discard" },
            writes: [Num],
            execute: () =>
              Effect.succeed({
                facts: [num(0.5)],
                intents: [{ kind: "Mail", payload: { n: 1 } }]
              })
          })
        ],
        kinds: [Num]
      })
      const { result } = yield* run(program, [postman(seen)])
      expect(result._tag).toBe("Success")
      const budget = yield* run(mailing(3), [postman(seen)], { budget: { maxFacts: 1 } })
      expect(budget.result).toMatchObject({ failure: { _tag: "BudgetExhausted", partial: { intents: [] } } })
      expect(seen).toEqual([])
    })
  )

  it.effect("for which there is no handler when its cycle commits is only listed", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const gate = makeGate()
      const program = Program.make("p", {
        input: noInput,
        agents: [
          Agent.make("asks", { execute: () => Effect.succeed({ intents: [{ kind: "Mail", payload: { n: 1 } }] }) }),
          Agent.make("waits", { reads: [Num], execute: () => Effect.as(gate.arrive, {}) })
        ],
        tiers: [["asks"], ["waits"]],
        seed: () => [num(1)]
      })
      const result = yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {})
        yield* gate.arrived
        yield* Engine.handle("Mail", ({ idempotencyKey }) => Effect.sync(() => void seen.push(idempotencyKey)))
        yield* gate.open
        return yield* job.result
      }).pipe(Effect.provide(engine()))
      expect(result.intents).toMatchObject([{ kind: "Mail", payload: { n: 1 } }])
      expect(result.cycles).toBe(3)
      expect(seen).toEqual([])
    })
  )

  it.effect("tells its handler all about itself, and gives it the services of whoever registered it", () =>
    Effect.gen(function* () {
      class Office extends Context.Service<Office, { readonly name: string }>()("test/Office") {}
      const told: Array<Engine.HandledIntent> = []
      const result = yield* Effect.gen(function* () {
        yield* Effect.provideService(
          Engine.handle("Mail", (intent) =>
            Effect.map(Office, ({ name }) => {
              told.push(intent)
              return [cell(name, "answered")]
            })
          ),
          Office,
          { name: "main office" }
        )
        return yield* Engine.run(once(7), {}, { id: "job" })
      }).pipe(Effect.provide(engine()))
      expect(result.output).toEqual(["main office"])
      expect(told).toEqual([
        {
          kind: "Mail",
          payload: { n: 7 },
          agent: "asks",
          cycle: 1,
          each: undefined,
          index: 0,
          idempotencyKey: "job/1/asks//0",
          jobId: "job",
          program: "once"
        }
      ])
    })
  )
})

describe("a handler", () => {
  it.effect("is refused if there is one of its kind, if the kind is built in, and if it cannot work", () =>
    Effect.gen(function* () {
      const nothing = () => Effect.void
      yield* Engine.handle("A", nothing)
      const handlers: ReadonlyArray<Effect.Effect<unknown, JobError.HandlerRejected, Engine.Engine>> = [
        Engine.handle("A", nothing),
        Engine.handle("Approval", nothing),
        Engine.handle("ChildJob", nothing),
        Engine.handle("", nothing),
        Engine.handle("B", nothing, { timeout: 0 }),
        Engine.handle("B", nothing, { onFailure: "ignore" as "halt" }),
        Engine.handle("B", nothing, { retries: 1 } as object),
        Engine.handle("B", undefined as unknown as typeof nothing),
        Engine.handle("B", nothing, { retry: 3 as unknown as Schedule.Schedule<unknown> })
      ]
      const rejected = yield* Effect.forEach(handlers, failure)
      expect(rejected.map(({ _tag }) => _tag)).toEqual(rejected.map(() => "HandlerRejected"))
      expect(rejected[0]).toMatchObject({ kind: "A", message: 'the kind "A" already has a handler' })
      yield* Engine.handle("B", nothing)
      expect(() => Engine.handler("Mail", nothing, { timeout: -1 })).toThrow(/timeout/)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("starts right after the commit, beside the cycles that follow", () =>
    Effect.gen(function* () {
      const gate = makeGate()
      const seen: Array<number> = []
      const handler = Engine.handler("Mail", (intent) =>
        Effect.suspend(() => {
          seen.push(numberOf(intent))
          return Effect.as(gate.arrive, sent(intent))
        })
      )
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(mailing(3), {})
        yield* untilState(job, "awaiting")
        yield* until(() => seen.length === 4)
        expect(yield* job.status).toMatchObject({ state: "awaiting", phase: undefined, cycle: 4 })
        yield* gate.open
        expect((yield* job.result).output).toHaveLength(4)
      }).pipe(Effect.provide(engineWith({ handlers: [handler] })))
    })
  )

  it.effect("is not asked of more than a job may have under way", () =>
    Effect.gen(function* () {
      let underWay = 0
      let most = 0
      const handler = Engine.handler("Mail", () =>
        Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++underWay))),
          () => turns(2),
          () => Effect.sync(() => underWay--)
        )
      )
      yield* run(once(...Array.from({ length: 200 }, (_, n) => n)), [handler])
      expect(most).toBe(64)
    })
  )

  it.effect("that fails is tried again by its schedule, and by default up to ten times", () =>
    Effect.gen(function* () {
      const calls = { some: 0, all: 0 }
      const some = Engine.handler(
        "Mail",
        () =>
          Effect.suspend(() => (++calls.some < 3 ? Effect.fail("not yet" as const) : Effect.succeed([cell("a", "1")]))),
        { retry: Schedule.recurs(5) }
      )
      const { result } = yield* run(once(1), [some])
      expect(result).toMatchObject({ success: { output: ["a"] } })
      expect(calls.some).toBe(3)

      const all = Engine.handler("Mail", () => Effect.suspend(() => (calls.all++, Effect.fail("never"))))
      const failing = yield* Effect.forkChild(run(once(1), [all]), { startImmediately: true })
      yield* until(() => calls.all === 1)
      for (let n = 0; n < 10; n++) {
        yield* TestClock.adjust("1 minute")
        yield* turns(3)
      }
      const ran = yield* Fiber.join(failing)
      expect(ran.result).toMatchObject({ failure: { _tag: "IntentFailed", error: "never" } })
      expect(calls.all).toBe(11)
    })
  )

  it.effect(
    "that fails, dies, takes too long or gives what is no answer ends the job, with what had been answered",
    () =>
      Effect.gen(function* () {
        const handlers = {
          fails: Engine.handler("Mail", () => Effect.fail({ _tag: "Bounced", to: "x" }), { retry: Schedule.recurs(0) }),
          dies: Engine.handler("Mail", () => Effect.die(new Error("boom"))),
          throws: Engine.handler("Mail", () => {
            throw new Error("boom")
          }),
          late: Engine.handler("Mail", () => Effect.never, { timeout: "1 second", retry: Schedule.recurs(0) }),
          stops: Engine.handler("Mail", () => Effect.interrupt),
          text: Engine.handler("Mail", () => Effect.succeed("sent" as unknown as [])),
          none: Engine.handler("Mail", () => "sent" as unknown as Effect.Effect<void>),
          unknown: Engine.handler("Mail", () => Effect.succeed([{ kind: "Nothing", value: 1 }])),
          invalid: Engine.handler("Mail", () => Effect.succeed([num(0.5)])),
          own: Engine.handler("Mail", () => Effect.succeed([{ kind: "Violation", value: {} }]))
        }
        const errors: Record<string, unknown> = {}
        for (const [name, handler] of Object.entries(handlers)) {
          const fiber = yield* Effect.forkChild(run(once(1), [handler]), { startImmediately: true })
          if (name === "late") {
            yield* turns(20)
            yield* TestClock.adjust("1 second")
          }
          const { events, result } = yield* Fiber.join(fiber)
          expect(result).toMatchObject({
            failure: { _tag: "IntentFailed", agent: "asks", kind: "Mail", key: "job/1/asks//0", cycle: 1, jobId: "job" }
          })
          if (result._tag === "Failure" && result.failure._tag === "IntentFailed") errors[name] = result.failure.error
          expect(tagsOf(events).slice(-6)).toEqual([
            "JobAwaiting",
            "JobResumed",
            "CycleStarted",
            "SignalAdmitted",
            "IntentAnswered",
            "JobHalted"
          ])
          expect(JSON.stringify(events), "events name no job").not.toContain('"job')
        }
        const panicked = { _tag: "HandlerPanicked", message: "boom" }
        expect(errors).toMatchObject({
          fails: { _tag: "Bounced", to: "x" },
          dies: panicked,
          throws: panicked,
          late: { _tag: "HandlerTimedOut" },
          stops: { _tag: "HandlerPanicked", message: "the handler interrupted itself" },
          text: { _tag: "InvalidAnswer" },
          none: { _tag: "HandlerPanicked" },
          unknown: { _tag: "InvalidAnswer", message: expect.stringContaining('"Nothing"') as string },
          invalid: { _tag: "InvalidAnswer" },
          own: { _tag: "InvalidAnswer" }
        })
      })
  )

  it.effect(
    "that fails ends the job in commit order: the first failure counts, and other answers of the cycle stay",
    () =>
      Effect.gen(function* () {
        const gate = makeGate()
        const handler = Engine.handler(
          "Mail",
          (intent) => {
            const n = numberOf(intent)
            if (n === 2) return Effect.andThen(gate.arrive, Effect.fail("second"))
            if (n === 3) return Effect.andThen(gate.open, Effect.fail("third"))
            return Effect.succeed([cell(String(n), "sent")])
          },
          { retry: Schedule.recurs(0) }
        )
        const { result } = yield* run(once(1, 2, 3, 4), [handler])
        expect(result).toMatchObject({ failure: { _tag: "IntentFailed", key: "job/1/asks//1", error: "second" } })
        if (result._tag !== "Failure") return
        const { partial } = result.failure
        expect(partial.context.all(Cell).map(({ id }) => id)).toEqual(["1", "4"])
        expect(partial.diagnostics).toMatchObject([{ cycle: 2, cause: { _tag: "IntentFailed", error: "third" } }])
      })
  )

  it.effect("that fails keeps agents from executing in the cycle that it ends", () =>
    Effect.gen(function* () {
      const handler = Engine.handler(
        "Mail",
        (intent) => (numberOf(intent) === 1 ? Effect.fail("no") : Effect.succeed(sent(intent))),
        { retry: Schedule.recurs(0) }
      )
      const { events, result } = yield* run(mailing(1), [handler])
      expect(result).toMatchObject({ failure: { _tag: "IntentFailed", partial: { cycles: 3, usage: { agents: 2 } } } })
      expect(events.find(({ _tag, cycle }) => _tag === "CycleStarted" && cycle === 3)).toMatchObject({ tasks: 0 })
    })
  )

  it.effect('that fails leaves a diagnostic with onFailure "discard"', () =>
    Effect.gen(function* () {
      const handler = Engine.handler("Mail", () => Effect.fail("no"), {
        retry: Schedule.recurs(0),
        onFailure: "discard"
      })
      const { events, result } = yield* run(once(1), [handler])
      expect(result).toMatchObject({
        success: {
          status: "converged",
          diagnostics: [{ cycle: 2, agent: "", cause: { _tag: "IntentFailed", agent: "asks", error: "no" } }]
        }
      })
      expect(tagsOf(events)).toContain("IntentAnswered")
    })
  )
})

describe("answers", () => {
  it.effect("are admitted together, in the commit order of their intents, however long each took", () =>
    Effect.gen(function* () {
      const ends = yield* Effect.forEach([[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], undefined], (order) => {
        const gates = [0, 1, 2, 3].map(makeGate)
        const handler = postman([], (n) =>
          order === undefined
            ? Effect.void
            : Effect.andThen(
                order.indexOf(n) === 0 ? Effect.void : gates[order[order.indexOf(n) - 1]!]!.arrive,
                gates[n]!.open
              )
        )
        return run(mailing(3), [handler])
      })
      const seen = ends.map(({ events, result }) => [
        JSON.stringify(events),
        result._tag === "Success" ? [result.success.hash, result.success.output] : result
      ])
      for (const other of seen) expect(other).toEqual(seen[0])
      const { events } = ends[0]!
      expect(tagsOf(events).filter((tag) => ["JobAwaiting", "JobResumed"].includes(tag))).toEqual([
        "JobAwaiting",
        "JobResumed"
      ])
      const answered = events.filter(({ _tag }) => _tag === "IntentAnswered")
      expect(answered.map(({ cycle }) => cycle)).toEqual([5, 5, 5, 5])
      expect(answered).toMatchObject([0, 1, 2, 3].map((n) => ({ agent: "next", each: { kind: "Num", id: String(n) } })))
    })
  )

  it.effect("may be nothing at all, and are counted as signals of a cycle", () =>
    Effect.gen(function* () {
      const { events, result } = yield* run(once(1, 2), [Engine.handler("Mail", () => Effect.void)])
      expect(result).toMatchObject({ success: { cycles: 3, usage: { facts: 0 } } })
      expect(events.filter(({ _tag, cycle }) => cycle === 2 && !/Halted|Converged/.test(_tag))).toMatchObject([
        { _tag: "CycleStarted", tasks: 0, agents: [] },
        { _tag: "SignalAdmitted", proposals: 0 },
        { _tag: "IntentAnswered", index: 0 },
        { _tag: "SignalAdmitted", proposals: 0 },
        { _tag: "IntentAnswered", index: 1 }
      ])
    })
  )

  it.effect("that are discarded by a conflict are diagnostics, and count as answers", () =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: [1, 2].map((n) => ({ kind: "Mail", payload: { n } })) })
          })
        ],
        kinds: [Entry]
      })
      const handler = Engine.handler("Mail", (intent) => Effect.succeed([entry("same", String(numberOf(intent)))]))
      const { result } = yield* run(program, [handler])
      expect(result).toMatchObject({
        success: { status: "converged", diagnostics: [{ cycle: 2, agent: "", cause: { _tag: "MergeConflict" } }] }
      })
    })
  )

  it.effect("may lead to further intents, and to further answers", () =>
    Effect.gen(function* () {
      const program = Program.make("rounds", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            each: Num,
            execute: ({ value }) => Effect.succeed({ intents: [{ kind: "Mail", payload: value }] })
          })
        ],
        seed: () => [num(1)],
        output: (view) => view.size(Num)
      })
      const handler = Engine.handler("Mail", (intent) => {
        const n = numberOf(intent)
        return Effect.succeed(n < 4 ? [num(n + 1)] : [])
      })
      const { events, result } = yield* run(program, [handler])
      expect(result).toMatchObject({ success: { output: 4 } })
      expect(tagsOf(events).filter((tag) => tag === "JobAwaiting")).toHaveLength(4)
    })
  )

  it.effect("need a budget of cycles like others", () =>
    Effect.gen(function* () {
      const { result } = yield* run(once(1), [postman([])], { budget: { maxCycles: 1 } })
      expect(result).toMatchObject({ failure: { _tag: "BudgetExhausted", budget: "cycles", used: 1, limit: 1 } })
    })
  )
})

describe("a job that awaits answers", () => {
  const waiting = () => {
    const gate = makeGate()
    const seen = { released: 0 }
    const handler = Engine.handler("Mail", () =>
      Effect.as(
        Effect.onInterrupt(gate.arrive, () =>
          Effect.andThen(
            turns(3),
            Effect.sync(() => seen.released++)
          )
        ),
        [cell("a", "1")]
      )
    )
    return { gate, seen, world: engineWith({ handlers: [handler] }) }
  }

  it.effect("is woken by a signal, and awaits again", () => {
    const { gate, world } = waiting()
    return Effect.gen(function* () {
      const job = yield* Engine.start(once(1), {})
      yield* untilState(job, "awaiting")
      yield* job.signal([num(5)])
      expect((yield* job.status).cycle).toBe(2)
      yield* untilState(job, "awaiting")
      yield* gate.open
      const result = yield* job.result
      expect(result.context.all(Num)).toHaveLength(1)
      const rests = tagsOf(yield* eventsOf(job)).filter((tag) => tag === "JobAwaiting" || tag === "JobResumed")
      expect(rests).toEqual(["JobAwaiting", "JobResumed", "JobAwaiting", "JobResumed"])
    }).pipe(Effect.provide(world))
  })

  it.effect("can be paused, and goes on from there", () => {
    const { gate, world } = waiting()
    return Effect.gen(function* () {
      const job = yield* Engine.start(once(1), {})
      yield* untilState(job, "awaiting")
      yield* job.pause
      expect((yield* job.status).state).toBe("paused")
      yield* gate.open
      yield* turns(5)
      expect(stateOf(job)).toBe("paused")
      yield* job.resume
      expect((yield* job.result).output).toEqual(["a"])
      const rests = tagsOf(yield* eventsOf(job)).filter((tag) => /^Job(Awaiting|Paused|Resumed)$/.test(tag))
      expect(rests).toEqual(["JobAwaiting", "JobPaused", "JobResumed", "JobAwaiting", "JobResumed"])
    }).pipe(Effect.provide(world))
  })

  it.effect("can be paused when it was just woken: its answers come when it awaits them again", () => {
    const { gate, world } = waiting()
    return Effect.gen(function* () {
      const job = yield* Engine.start(once(1), {})
      yield* untilState(job, "awaiting")
      let woken = 0
      job.actor.subscribe(() => {
        if (stateOf(job) === "running.eligible" && woken++ === 0) job.actor.send({ type: "PAUSE" })
      })
      yield* gate.open
      yield* untilState(job, "paused")
      yield* job.resume
      expect((yield* job.result).output).toEqual(["a"])
      const rests = tagsOf(yield* eventsOf(job)).filter((tag) => /^Job(Awaiting|Paused|Resumed)$/.test(tag))
      expect(rests).toEqual(["JobAwaiting", "JobResumed", "JobPaused", "JobResumed", "JobAwaiting", "JobResumed"])
    }).pipe(Effect.provide(world))
  })

  it.effect("does nothing on resume, and is cancelled when its handlers have let go", () => {
    const { seen, world } = waiting()
    return Effect.gen(function* () {
      const job = yield* Engine.start(once(1), {})
      yield* untilState(job, "awaiting")
      yield* job.resume
      yield* turns(3)
      expect(stateOf(job)).toBe("awaiting")
      expect(seen.released).toBe(0)
      yield* job.cancel
      expect(seen.released).toBe(1)
      expect(yield* ended(job.result)).toMatchObject({ _tag: "JobCancelled", cycle: 1 })
      expect(tagsOf(yield* eventsOf(job)).slice(-2)).toEqual(["JobAwaiting", "JobHalted"])
    }).pipe(Effect.provide(world))
  })

  it.effect("is ended by its actor's stop, and by its engine's end", () => {
    const { gate, seen, world } = waiting()
    return Effect.gen(function* () {
      const job = yield* Effect.gen(function* () {
        const stopped = yield* Engine.start(once(1), {})
        yield* untilState(stopped, "awaiting")
        yield* gate.arrived
        stopped.actor.stop()
        expect(yield* ended(stopped.result)).toMatchObject({ _tag: "JobCancelled" })
        expect(seen.released).toBe(1)
        const other = yield* Engine.start(once(1), {})
        yield* untilState(other, "awaiting")
        yield* turns(3)
        return other
      }).pipe(Effect.provide(world))
      expect(seen.released).toBe(2)
      expect(yield* ended(job.result)).toMatchObject({ _tag: "JobCancelled" })
    })
  })

  it.effect("lets its duration clock stand", () => {
    const { gate, world } = waiting()
    return Effect.gen(function* () {
      const job = yield* Engine.start(once(1), {}, { budget: { maxDuration: "1 minute" } })
      yield* untilState(job, "awaiting")
      yield* TestClock.adjust("1 hour")
      yield* gate.open
      expect((yield* job.result).usage.durationMs).toBe(0)
    }).pipe(Effect.provide(world))
  })

  it.effect("and fails for another reason ends the handlers that are under way", () => {
    const { seen, world } = waiting()
    return Effect.gen(function* () {
      const fails = Program.make("fails", {
        signals: [Num],
        input: noInput,
        agents: [
          Agent.make("asks", { execute: () => Effect.succeed({ intents: [{ kind: "Mail", payload: { n: 1 } }] }) }),
          Agent.make("fails", { each: Num, execute: () => Effect.fail("no") })
        ]
      })
      const job = yield* Engine.start(fails, {})
      yield* untilState(job, "awaiting")
      yield* turns(3)
      yield* Effect.exit(job.signal([num(1)]))
      expect(yield* ended(job.result)).toMatchObject({ _tag: "AgentFailed" })
      expect(seen.released).toBe(1)
    }).pipe(Effect.provide(world))
  })
})
