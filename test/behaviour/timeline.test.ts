/** When a stored job's tasks ran (`Journal.timeline`): times are kept beside the hash, for tasks that took a while. */
import { describe, expect, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Engine, Fact, JobStore, Journal, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { num, Num, openEngine, until } from "../support/behaviour/harness.ts"

const Done = Fact.kind("Done", { schema: Schema.Struct({ n: Schema.Finite }), id: ({ n }) => String(n) })

class Busy extends Data.TaggedError("Busy") {}

/** How often 3 is still to fail, and the tasks that have gone to sleep so far. */
interface State {
  failures: number
  asleep: number
}

/** Sleeps as many tenths of a second as its number says. The first attempts for 3 fail. */
const sleeper = (state: State) =>
  Agent.make("sleeper", {
    each: Num,
    writes: [Done],
    retry: Schedule.recurs(2),
    execute: ({ value: { n } }) =>
      Effect.gen(function* () {
        state.asleep++
        yield* Effect.sleep(`${n * 100} millis`)
        if (n === 3 && state.failures-- > 0) return yield* new Busy()
        return { facts: [Done.of({ n })] }
      })
  })

const worker = Agent.cpu("worker", {
  each: Done,
  writes: [],
  placement: "inline",
  execute: ({ value: { n } }) => {
    const end = performance.now() + (n === 2 ? 5 : 0)
    while (performance.now() < end) Math.sqrt(n)
    return {}
  }
})

const programOf = (state: State) =>
  Program.make("sleepers", {
    module: import.meta.url,
    input: Schema.Struct({ numbers: Schema.Array(Schema.Finite) }),
    seed: ({ numbers }) => numbers.map((n) => num(n)),
    agents: [sleeper(state), worker]
  })

const timelineOf = (
  store: JobStore.JobStore["Service"],
  options?: { readonly after?: number; readonly until?: number }
) =>
  Journal.timeline("job", options).pipe(
    Effect.flatMap(Stream.runCollect),
    Effect.provideService(JobStore.JobStore, store)
  )

const run = Effect.fnUntraced(function* (store: JobStore.JobStore["Service"], failures: number) {
  const state: State = { failures, asleep: 0 }
  const program = programOf(state)
  const engine = yield* openEngine(engineOnStore(store))
  const job = yield* engine.use(Engine.start(program, { numbers: [0, 2, 3] }, { id: "job" }))
  // The clock moves only while all tasks sleep.
  for (let attempts = 3; attempts <= 3 + failures; attempts++) {
    yield* until(() => state.asleep === attempts)
    yield* TestClock.adjust("300 millis")
  }
  return yield* Effect.orDie(job.result)
})

describe("Journal.timeline", () => {
  it.effect("says when tasks ran, on which thread and at which attempt, and leaves out those that took no time", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* run(store, 1)
      const [first, second, ...rest] = yield* timelineOf(store)
      expect(rest).toEqual([])
      expect(first).toMatchObject({
        cycle: 1,
        tier: 0,
        at: 600,
        tookMs: 600,
        tasks: 3,
        facts: 3,
        discarded: 0,
        signals: 0
      })
      expect(first?.agents).toEqual({ sleeper: 3 })
      expect(first?.recorded).toEqual([
        { agent: "sleeper", each: { kind: "Num", id: "2" }, worker: 0, startMs: 0, tookMs: 200, attempts: 1 },
        { agent: "sleeper", each: { kind: "Num", id: "3" }, worker: 0, startMs: 0, tookMs: 600, attempts: 2 }
      ])
      // A CPU agent keeps a real processor busy, so its times are real: on a busy machine, the others may take a while, too.
      const busy = second?.recorded.filter(({ each }) => each?.id === "2")
      expect(busy).toMatchObject([{ agent: "worker", each: { kind: "Done", id: "2" }, worker: 0, attempts: 1 }])
      expect(busy?.[0]?.tookMs).toBeGreaterThanOrEqual(5)
      expect(yield* timelineOf(store, { after: 1 })).toEqual([second])
      expect(yield* timelineOf(store, { until: 1 })).toEqual([first])
    })
  )

  it.effect("is in no hash: a run that takes longer has the same one, and its journal verifies", () =>
    Effect.gen(function* () {
      const [quick, slow] = [yield* journalStore, yield* journalStore]
      const once = yield* run(quick, 0)
      const twice = yield* run(slow, 2)
      expect(twice.hash).toBe(once.hash)
      expect(yield* timelineOf(slow)).not.toEqual(yield* timelineOf(quick))
      const verified = yield* Effect.provideService(Journal.verify("job"), JobStore.JobStore, slow)
      expect(verified).toMatchObject({ isIntact: true, hash: twice.hash })
    })
  )

  it.effect("names the discarded tasks, and refuses options that are none", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      let isAsleep = false
      const failing = Agent.make("failing", {
        each: Num,
        writes: [],
        onFailure: "discard",
        execute: () => {
          isAsleep = true
          return Effect.andThen(Effect.sleep("50 millis"), Effect.fail(new Busy()))
        }
      })
      const program = Program.make("failing", {
        input: Schema.Struct({}),
        seed: () => [num(1)],
        agents: [failing]
      })
      const engine = yield* openEngine(engineOnStore(store))
      const job = yield* engine.use(Engine.start(program, {}, { id: "job" }))
      yield* until(() => isAsleep)
      yield* TestClock.adjust("50 millis")
      yield* Effect.orDie(job.result)
      expect(yield* timelineOf(store)).toMatchObject([
        { discarded: 1, recorded: [{ agent: "failing", tookMs: 50, discarded: "AgentFailed" }] }
      ])
      const refused = yield* Effect.exit(timelineOf(store, { after: -1 }))
      expect(String(refused)).toContain("after")
      const missing = yield* Effect.flip(
        Effect.provideService(Effect.flatMap(Journal.timeline("other"), Stream.runCollect), JobStore.JobStore, store)
      )
      expect(missing).toMatchObject({ _tag: "StoreError", reason: "missing" })
    })
  )
})
