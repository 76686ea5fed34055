/**
 * G11, durable intents (IN9): a job that was broken off performs its unanswered intents again, with the same keys, and ends
 * with the hash and the events of a job that never was.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Intent, type Job, type JobStore, Program } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore, killedAfter } from "../support/behaviour/durable.ts"
import { asking, decide, mailing, postman } from "../support/behaviour/intents.ts"
import {
  cell,
  Cell,
  counter,
  ended,
  entry,
  Entry,
  eventsOf,
  failure,
  noInput,
  num,
  Num,
  openEngine,
  stateOf,
  stuck,
  tagsOf,
  turn,
  turns,
  until,
  untilState
} from "../support/behaviour/harness.ts"
import { named } from "../support/behaviour/named.ts"
import { comparable } from "../support/core/run.ts"

const child = counter(3, { before: () => turns(2) })

/** Mails, a child and an approval; when that is decided, one more mail. */
const everything = Program.make("everything", {
  input: noInput,
  agents: [
    Agent.make("next", {
      each: Num,
      writes: [Num],
      execute: ({ value: { n } }) =>
        Effect.as(turns(3), { facts: n < 2 ? [num(n + 1)] : [], intents: [{ kind: "Mail", payload: { n } }] })
    }),
    Agent.make("asks", {
      execute: () =>
        Effect.succeed({
          intents: [Intent.approval({ id: "go" }), Intent.child(child, {}), { kind: "Note", payload: null }]
        })
    }),
    Agent.make("copies", {
      each: Entry,
      writes: [Cell],
      execute: ({ id, value: { text } }) => Effect.succeed({ facts: [cell(id, text)] })
    }),
    Agent.make("goes", {
      each: Intent.Decision,
      execute: () => Effect.succeed({ intents: [{ kind: "Mail", payload: { n: 9 } }] })
    })
  ],
  seed: () => [num(0)],
  output: (view) => [
    ...view.all(Cell).map(({ id, value }) => `${id}: ${value.text}`),
    ...view.all(Intent.ChildResult).map(({ value }) => value.output)
  ]
})

/** The cycle after which the approval is all that is left. */
const askedAfter = 4

/** Lets the job go to its end; somebody decides when there is nothing else. */
const finish = (job: Job.Job<typeof everything>) =>
  Effect.gen(function* () {
    const isOver = () => job.actor.getSnapshot().status !== "active"
    while (!isOver()) {
      const { cycle } = yield* job.status
      const isAsked = job.actor.getSnapshot().value === "awaiting" && cycle === askedAfter
      if (isAsked) yield* Effect.exit(job.signal([decide("go")]))
      yield* turn
    }
    const outcome = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return outcome._tag === "Success"
      ? { result: outcome.success, error: undefined, events }
      : { result: outcome.failure.partial, error: outcome.failure, events }
  })

const world = (store: Parameters<typeof engineOnStore>[0], seen: Array<string>) =>
  engineOnStore(store, {
    children: [child],
    handlers: [postman(seen, (n) => turns(3 - (n % 3))), Engine.handler("Note", () => Effect.succeed([entry("note")]))]
  })

const start = Effect.flatMap(Engine.start(everything, {}, { id: "job" }), finish)

describe("a job with intents of every sort", () => {
  it.live("ends in the same way after it was broken off in any cycle, and performs again only with the same keys", () =>
    Effect.gen(function* () {
      const keys: Array<string> = []
      const whole = yield* Effect.provide(start, world(yield* journalStore, keys))
      expect(whole.result.output).toEqual(["0: sent", "note: note", "1: sent", "2: sent", "9: sent", 4])
      expect(keys).toHaveLength(4)
      const cycles = whole.result.usage.cycles
      const rests = tagsOf(whole.events).filter((tag) => tag === "JobAwaiting" || tag === "JobResumed")
      expect(rests).toEqual(Array.from({ length: 3 }, () => ["JobAwaiting", "JobResumed"]).flat())
      let again = 0
      for (let at = 0; at < cycles; at++) {
        const store = yield* journalStore
        const seen: Array<string> = []
        const first = yield* Effect.provide(start, world(brokenOff(store, at, "job"), seen))
        expect(first.error?._tag).toBe(at < cycles - 1 ? "StoreFailed" : undefined)
        const second = yield* Effect.provide(start, world(store, seen))
        expect(comparable(second), `broken off after ${at} of ${cycles} cycles`).toEqual(comparable(whole))
        expect(new Set(seen)).toEqual(new Set(keys))
        again += seen.length - keys.length
        const third = yield* Effect.provide(start, world(store, seen))
        expect(comparable(third), "read back when it had ended").toEqual(comparable(whole))
      }
      expect(again).toBeGreaterThan(0)
      // One row at a time.
      const store = yield* journalStore
      const seen: Array<string> = []
      for (let at = 0; at <= cycles; at++) yield* Effect.provide(start, world(brokenOff(store, 1, "job"), seen))
      const last = yield* Effect.provide(start, world(store, seen))
      expect(comparable(last)).toEqual(comparable(whole))
      expect(new Set(seen)).toEqual(new Set(keys))
    })
  )

  it.live("ends in the same way after its process was killed at any row, of its own or of its child's", () =>
    Effect.gen(function* () {
      const whole = yield* Effect.provide(start, world(yield* journalStore, []))
      let isWhole = false
      let deaths = 0
      for (let at = 0; !isWhole; at++) {
        const store = yield* journalStore
        const { killed, seen } = killedAfter(store, at)
        const { close, use } = yield* openEngine(world(killed, []))
        const job = yield* use(Engine.start(everything, {}, { id: "job" }))
        while (!seen.isDead && job.actor.getSnapshot().status === "active") {
          const { cycle } = yield* job.status
          if (stateOf(job) === "awaiting" && cycle === askedAfter) yield* Effect.exit(job.signal([decide("go")]))
          yield* turn
        }
        isWhole = !seen.isDead
        deaths += seen.isDead ? 1 : 0
        yield* close
        // The store gives the lease of a killed process to the next.
        const forced = { ...store, lease: (jobId: string) => store.lease(jobId, { force: true }) }
        const again = yield* Effect.provide(start, world(forced, []))
        expect(comparable(again), `killed after ${at} rows`).toEqual(comparable(whole))
      }
      expect(deaths).toBeGreaterThan(8)
    })
  )
})

describe("an intent of a job that was broken off", () => {
  it.effect("was performed, and is performed again with the same key when its answer was not committed", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const seen: Array<string> = []
      const handlers = [postman(seen)]
      const first = yield* ended(
        Effect.provide(Engine.run(mailing(0), {}, { id: "job" }), engineOnStore(brokenOff(store, 1), { handlers }))
      )
      expect(first).toMatchObject({ _tag: "StoreFailed", cycle: 2 })
      expect(seen).toEqual(['job/1/next/"Num"/0/0'])
      yield* Effect.provide(Engine.run(mailing(0), {}, { id: "job" }), engineOnStore(store, { handlers }))
      expect(seen).toEqual([seen[0], seen[0]])
      yield* Effect.provide(Engine.run(mailing(0), {}, { id: "job" }), engineOnStore(store, { handlers }))
      expect(seen).toHaveLength(2)
    })
  )

  it.effect("waits until there is a handler for it", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const seen: Array<string> = []
      const handlers = [postman(seen)]
      yield* ended(
        Effect.provide(Engine.run(mailing(1), {}, { id: "job" }), engineOnStore(brokenOff(store, 2), { handlers }))
      )
      seen.length = 0
      const result = yield* Effect.gen(function* () {
        const job = yield* Engine.resume(mailing(1), "job")
        yield* untilState(job, "awaiting")
        yield* turns(20)
        expect(stateOf(job)).toBe("awaiting")
        expect(seen).toEqual([])
        yield* Engine.handle("Mail", ({ idempotencyKey }) => Effect.sync(() => void seen.push(idempotencyKey)))
        return yield* job.result
      }).pipe(Effect.provide(engineOnStore(store)))
      expect(result.status).toBe("converged")
      expect(seen).toHaveLength(2)
    })
  )

  it.effect("is not performed for a job that is taken up paused, before that goes on", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const seen: Array<string> = []
      const first = yield* openEngine(engineOnStore(store, { handlers: [Engine.handler("Mail", () => Effect.never)] }))
      const job = yield* first.use(Engine.start(mailing(0), {}, { id: "job" }))
      yield* untilState(job, "awaiting")
      yield* job.pause
      yield* first.close
      yield* Effect.gen(function* () {
        const taken = yield* Engine.resume(mailing(0), "job")
        yield* untilState(taken, "paused")
        yield* turns(10)
        expect(seen).toEqual([])
        yield* taken.resume
        yield* taken.result
        const rests = tagsOf(yield* eventsOf(taken)).filter((tag) => /^Job(Awaiting|Paused|Resumed)$/.test(tag))
        expect(rests).toEqual(["JobAwaiting", "JobPaused", "JobResumed", "JobAwaiting", "JobResumed"])
      }).pipe(Effect.provide(engineOnStore(store, { handlers: [postman(seen)] })))
      expect(seen).toHaveLength(1)
    })
  )

  it.effect("is not performed by a fork of the job", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const seen: Array<string> = []
      yield* Effect.gen(function* () {
        yield* Engine.run(mailing(0), {}, { id: "job" })
        seen.length = 0
        const job = yield* Engine.fork(mailing(0), "job", { at: 1 })
        expect((yield* job.result).status).toBe("converged")
      }).pipe(Effect.provide(engineOnStore(store, { handlers: [postman(seen)] })))
      expect(seen).toEqual([])
    })
  )
})

describe("a job that awaits when its engine closes", () => {
  it.effect("is left in its journal, and its event log goes on as if nothing had happened", () =>
    Effect.gen(function* () {
      const program = asking({ id: "go" })
      const decided = (job: Job.Job<typeof program>) =>
        Effect.gen(function* () {
          yield* untilState(job, "awaiting")
          yield* job.signal([decide("go")])
          const result = yield* job.result
          return { result, error: undefined, events: yield* eventsOf(job) }
        })
      const whole = yield* Effect.provide(
        Effect.flatMap(Engine.start(program, {}, { id: "job" }), decided),
        engineOnStore(yield* journalStore)
      )
      const store = yield* journalStore
      const first = yield* openEngine(engineOnStore(store))
      const job = yield* first.use(Engine.start(program, {}, { id: "job" }))
      yield* untilState(job, "awaiting")
      yield* first.close
      expect(yield* store.load("job")).toMatchObject({ status: undefined, cycle: 1, isHeld: false })
      const again = yield* Effect.provide(Effect.flatMap(Engine.resume(program, "job"), decided), engineOnStore(store))
      expect(comparable(again)).toEqual(comparable(whole))
    })
  )

  it.effect("leaves its child in the journal, too, and finds it there", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = { isOpen: false, began: 0 }
      const slow = counter(2, {
        before: (n) => Effect.suspend(() => (n === 1 && !gate.isOpen ? (gate.began++, Effect.never) : Effect.void))
      })
      const asks = Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(slow, {})] }) })
      const parent = Program.make("parent", {
        input: noInput,
        agents: [asks],
        output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.output)
      })
      const first = yield* openEngine(engineOnStore(store, { children: [slow] }))
      yield* first.use(Engine.start(parent, {}, { id: "job" }))
      yield* until(() => gate.began === 1)
      yield* first.close
      expect(yield* store.load("job/1/asks//0")).toMatchObject({ status: undefined, cycle: 1 })
      gate.isOpen = true
      const second = yield* openEngine(engineOnStore(store, { programs: [parent, slow] }))
      yield* until(Effect.orDie(Effect.map(store.load("job"), ({ status }) => status !== undefined)))
      yield* second.close
      expect(yield* store.load("job")).toMatchObject({ status: "converged" })
      expect(yield* store.load("job/1/asks//0")).toMatchObject({ status: "converged", cycle: 3 })
    })
  )

  it.effect("needs no place for its child when both are taken up where there is one place", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = { isOpen: false, began: 0 }
      const slow = counter(2, {
        before: (n) => Effect.suspend(() => (n === 1 && !gate.isOpen ? (gate.began++, Effect.never) : Effect.void))
      })
      const asks = Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(slow, {})] }) })
      const parent = Program.make("parent", { input: noInput, agents: [asks] })
      const first = yield* openEngine(engineOnStore(store, { children: [slow] }))
      yield* first.use(Engine.start(parent, {}, { id: "job" }))
      yield* until(() => gate.began === 1)
      yield* first.close
      gate.isOpen = true
      yield* Effect.gen(function* () {
        const { program } = stuck()
        const holder = yield* Engine.start(program, {})
        const job = yield* Engine.resume(parent, "job")
        const queued = yield* Engine.resume(slow, "job/1/asks//0")
        expect([(yield* job.status).state, (yield* queued.status).state]).toEqual(["queued", "queued"])
        yield* holder.cancel
        expect((yield* job.result).status).toBe("converged")
      }).pipe(Effect.provide(engineOnStore(store, { children: [slow], maxRunningJobs: 1 })))
    })
  )

  describe("whose child is unfinished, ends it for good when it", () => {
    const slow = counter(2, { before: (n) => (n === 1 ? Effect.never : Effect.void) })
    const middle = Program.make("middle", {
      input: noInput,
      agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(slow, {})] }) })]
    })
    const parent = Program.make("parent", {
      input: noInput,
      agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(middle, {})] }) })]
    })
    const children = [middle, slow]
    const family = ["job", "job/1/asks//0", "job/1/asks//0/1/asks//0"]

    /** A store with three unfinished jobs that nobody holds. */
    const left = (isPaused = false) =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const { close, use } = yield* openEngine(engineOnStore(store, { children }))
        const job = yield* use(Engine.start(parent, {}, { id: "job" }))
        yield* until(Effect.orDie(Effect.map(store.list(), ({ jobs }) => jobs.length === 3)))
        yield* untilState(job, "awaiting")
        if (isPaused) yield* job.pause
        yield* close
        expect(yield* statuses(store)).toEqual([undefined, undefined, undefined])
        return store
      })
    const statuses = (store: JobStore.JobStore["Service"]) =>
      Effect.forEach(family, (jobId) => Effect.map(store.load(jobId), ({ status }) => status))

    it.effect("is taken up and cancelled at once", () =>
      Effect.gen(function* () {
        const store = yield* left()
        const taken = Effect.flatMap(Engine.resume(parent, "job"), (job) => job.cancel)
        yield* Effect.provide(taken, engineOnStore(store, { children }))
        expect(yield* statuses(store)).toEqual(["cancelled", "cancelled", "cancelled"])
      })
    )

    it.effect("is taken up paused and cancelled, also if its child is live by itself", () =>
      Effect.gen(function* () {
        for (const isLive of [false, true]) {
          const store = yield* left(true)
          yield* Effect.gen(function* () {
            if (isLive) yield* Engine.resume(middle, family[1]!)
            const job = yield* Engine.resume(parent, "job")
            yield* untilState(job, "paused")
            yield* job.cancel
          }).pipe(Effect.provide(engineOnStore(store, { children })))
          expect(yield* statuses(store)).toEqual(["cancelled", "cancelled", "cancelled"])
        }
      })
    )

    it.effect("fails because the child's program is not there any more", () =>
      Effect.gen(function* () {
        const store = yield* left()
        const error = yield* ended(
          Effect.provide(
            Effect.flatMap(Engine.resume(parent, "job"), (job) => job.result),
            engineOnStore(store)
          )
        )
        expect(error).toMatchObject({ _tag: "IntentFailed", error: { _tag: "UnknownProgram" } })
        expect(yield* statuses(store)).toEqual(["failed", "cancelled", "cancelled"])
      })
    )

    it.effect("is cancelled while another engine holds the child, which is asked to", () =>
      Effect.gen(function* () {
        const store = yield* left(true)
        yield* Effect.gen(function* () {
          const elsewhere = yield* openEngine(engineOnStore(store, { children }))
          const child = yield* elsewhere.use(Engine.resume(middle, family[1]!))
          yield* Effect.flatMap(Engine.resume(parent, "job"), (job) => job.cancel)
          yield* TestClock.adjust("1 second")
          expect(yield* ended(child.result)).toMatchObject({ _tag: "JobCancelled" })
          yield* elsewhere.close
        }).pipe(Effect.provide(engineOnStore(store, { children })))
        expect(yield* statuses(store)).toEqual(["cancelled", "cancelled", "cancelled"])
      })
    )

    it.effect("is unfinished, and another one has ended: that one is not pruned before", () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const ends = Program.make("ends", { input: noInput, agents: [] })
        const two = Program.make("two", {
          input: noInput,
          agents: [
            Agent.make("asks", {
              execute: () => Effect.succeed({ intents: [Intent.child(ends, {}), Intent.child(slow, {})] })
            })
          ]
        })
        yield* Effect.gen(function* () {
          const job = yield* Engine.start(two, {}, { id: "job" })
          yield* until(Effect.orDie(Effect.map(store.list({ status: "converged" }), ({ jobs }) => jobs.length === 1)))
          expect(yield* store.prune({ keepLatest: 0 })).toBe(0)
          yield* job.cancel
          expect(yield* store.prune({ keepLatest: 0 })).toBe(3)
        }).pipe(Effect.provide(engineOnStore(store, { children: [ends, slow] })))
      })
    )

    it.effect("but leaves a job alone that only has the child's id", () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const first = yield* openEngine(engineOnStore(store, { children: [middle] }))
        const other = yield* openEngine(engineOnStore(named(store, family[1]!)))
        yield* other.use(Engine.start(slow, {}, { id: "other" }))
        yield* ended(first.use(Engine.run(parent, {}, { id: "job" })))
        yield* first.close
        yield* other.close
        expect((yield* store.load("job")).status).toBe("failed")
        expect((yield* store.load(family[1]!)).status).toBeUndefined()
      })
    )
  })

  it.effect("takes no decision that comes after the time of its approval, though nobody was there when it ended", () =>
    Effect.gen(function* () {
      for (const isPaused of [false, true]) {
        for (const onTimeout of ["reject", "halt"] as const) {
          const store = yield* journalStore
          const program = asking({ id: "go", timeout: "100 millis", onTimeout })
          const first = yield* openEngine(engineOnStore(store))
          const job = yield* first.use(Engine.start(program, {}, { id: "job" }))
          yield* untilState(job, "awaiting")
          yield* turns(3)
          if (isPaused) yield* job.pause
          yield* first.close
          yield* TestClock.adjust("4 seconds")
          yield* Effect.gen(function* () {
            const again = yield* Engine.resume(program, "job")
            const signalled = yield* Effect.forkChild(Effect.exit(again.signal([decide("go")])), {
              startImmediately: true
            })
            if (isPaused) yield* again.resume
            const outcome = yield* Effect.result(again.result)
            const told = yield* failure(Effect.flatten(Fiber.join(signalled)))
            if (onTimeout === "halt") {
              expect(outcome).toMatchObject({ failure: { error: { _tag: "ApprovalTimedOut" } } })
              expect(told).toMatchObject({ _tag: "JobHalted", status: "failed" })
            } else {
              expect(outcome).toMatchObject({ success: { output: ["go by timeout: false"] } })
              expect(told).toMatchObject({ _tag: "SignalRefused", reason: "approval" })
            }
          }).pipe(Effect.provide(engineOnStore(store)))
        }
      }
    })
  )

  it.effect("takes a decision that came in time, though it is looked at later", () =>
    Effect.gen(function* () {
      const program = asking({ id: "go", timeout: "100 millis" })
      const result = yield* Effect.gen(function* () {
        const job = yield* Engine.start(program, {}, { id: "job" })
        yield* untilState(job, "awaiting")
        yield* turns(3)
        yield* job.pause
        yield* TestClock.adjust("50 millis")
        const signalled = yield* Effect.forkChild(job.signal([decide("go")]), { startImmediately: true })
        yield* TestClock.adjust("4 seconds")
        yield* job.resume
        yield* Fiber.join(signalled)
        return yield* job.result
      }).pipe(Effect.provide(engineOnStore(yield* journalStore)))
      expect(result.output).toEqual(["go by Ada: true"])
    })
  )

  it.effect("still counts the time of an approval from its commit", () =>
    Effect.gen(function* () {
      for (const [before, away, after] of [
        ["40 seconds", "0 seconds", "20 seconds"],
        ["10 seconds", "40 seconds", "10 seconds"],
        ["10 seconds", "2 hours", "0 seconds"]
      ] as const) {
        const store = yield* journalStore
        const program = asking({ id: "go", timeout: "1 minute", onTimeout: "approve" })
        const first = yield* openEngine(engineOnStore(store))
        const job = yield* first.use(Engine.start(program, {}, { id: "job" }))
        yield* untilState(job, "awaiting")
        yield* turns(3)
        yield* TestClock.adjust(before)
        yield* first.close
        yield* TestClock.adjust(away)
        const second = yield* openEngine(engineOnStore(store))
        const again = yield* second.use(Engine.resume(program, "job"))
        if (after !== "0 seconds") {
          yield* untilState(again, "awaiting")
          yield* turns(3)
          expect(stateOf(again)).toBe("awaiting")
        }
        yield* TestClock.adjust(after)
        expect((yield* again.result).output).toEqual(["go by timeout: true"])
        yield* second.close
      }
    })
  )

  it.effect("is read back with all its events when it was cancelled there", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(asking({ id: "go" }), {}, { id: "job" })
        yield* untilState(job, "awaiting")
        yield* job.cancel
        const read = yield* Engine.resume(asking({ id: "go" }), "job")
        expect(yield* eventsOf(read)).toEqual(yield* eventsOf(job))
      }).pipe(Effect.provide(engineOnStore(store)))
    })
  )
})
