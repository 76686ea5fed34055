/**
 * G15, nothing goes wrong in silence: retention prunes no fact that an agent has not read, or that an intent waits on (M5).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Agent, Engine, Intent, JobStore, Journal, Program, WorkerPool } from "../../src/index.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { engine, noInput, num, Num, nums } from "../support/behaviour/harness.ts"
import { engineWith } from "../support/behaviour/intents.ts"
import { checks, Done, Late, Raw, retaining, Tick } from "../support/behaviour/retaining.ts"
import { numbered } from "../support/core/ledger.ts"
import { comparable, idsOf, runInline, runToEnd } from "../support/core/run.ts"

const Kept = numbered("Kept", { retention: { latest: 3 } })
const kept = (from: number, to: number) =>
  nums(from, to).map(({ value: { n } }) => Kept.of({ id: `k${String(n).padStart(2, "0")}`, n }))

const work = Agent.make("work", {
  each: Kept,
  writes: [Num],
  execute: ({ value: { n } }) => Effect.succeed({ facts: [num(n)] })
})

describe("what an agent has not read", () => {
  it.effect("stays until it has: ten seeds are ten tasks, whatever is kept of them", () =>
    Effect.gen(function* () {
      const program = Program.make("p", { input: noInput, seed: () => kept(0, 9), agents: [work] })
      const { error, result } = yield* runInline(program, {})
      expect(error).toBeUndefined()
      expect(result.context.size(Num)).toBe(10)
      expect(idsOf(result, Kept)).toEqual(["k07", "k08", "k09"])
      expect(result.diagnostics).toEqual([])
    })
  )

  it.effect("stays, be it seeded or proposed by another agent", () =>
    Effect.gen(function* () {
      const Start = numbered("Start")
      const make = Agent.make("make", {
        each: Start,
        writes: [Kept],
        execute: () => Effect.succeed({ facts: kept(0, 9) })
      })
      const seed = () => [Start.of({ id: "s", n: 0 })]
      const { result } = yield* runInline(Program.make("p", { input: noInput, seed, agents: [make, work] }), {})
      expect(result.context.size(Num)).toBe(10)
      expect(result.context.size(Kept)).toBe(3)
    })
  )

  it.effect("waits for an agent of a later tier, and for one that does not accept yet", () =>
    Effect.gen(function* () {
      const sizes: Array<string> = []
      const count = Agent.make("count", {
        each: Num,
        reads: [Kept],
        writes: [Num],
        execute: ({ value: { n } }, view) =>
          Effect.sync(() => {
            sizes.push(`${view.cycle}: ${view.size(Kept)}`)
            return { facts: n < 3 ? [num(n + 1)] : [] }
          })
      })
      const slow = Agent.make("slow", {
        reads: [Kept],
        accepts: (view) => view.cycle > 2,
        execute: (view) => Effect.sync(() => (sizes.push(`slow: ${view.delta(Kept).length}`), {}))
      })
      const late = Agent.make("late", {
        reads: [Kept],
        execute: (view) => Effect.sync(() => (sizes.push(`late: ${view.delta(Kept).length}`), {}))
      })
      const program = Program.make("p", {
        input: noInput,
        seed: () => [num(0), ...kept(0, 9)],
        agents: [count, slow, late],
        tiers: [["count", "slow"], ["late"]]
      })
      const { result } = yield* runInline(program, {})
      expect(sizes).toEqual(["1: 10", "2: 10", "3: 10", "slow: 10", "4: 10", "late: 10"])
      expect(result.context.size(Kept)).toBe(3)
    })
  )

  it.effect("stays to the end of a job in which the agent never runs", () =>
    Effect.gen(function* () {
      const never = Agent.make("never", { reads: [Kept], accepts: () => false, execute: () => Effect.succeed({}) })
      const program = Program.make("p", { input: noInput, seed: () => kept(0, 9), agents: [never] })
      const { result } = yield* runInline(program, {})
      expect(result.context.size(Kept)).toBe(10)
      expect(result.context.marks.get("never")).toBe(0)
    })
  )

  it.effect("is pruned as soon as the job commits, if no agent reads its kind", () =>
    Effect.gen(function* () {
      const program = Program.make("p", { input: noInput, kinds: [Kept], seed: () => kept(0, 9), agents: [] })
      const { result } = yield* runInline(program, {})
      expect(idsOf(result, Kept)).toEqual(["k07", "k08", "k09"])
    })
  )
})

describe("what an intent waits on", () => {
  const asks = Agent.make("asks", {
    each: Kept,
    execute: ({ id, value: { n } }) => Effect.succeed({ intents: n === 1 ? [Intent.approval({ id })] : [] })
  })
  const asking = Program.make("asking", {
    input: noInput,
    seed: () => [num(0), ...kept(0, 9)],
    agents: [
      asks,
      Agent.make("more", { each: Intent.Decision, writes: [Num], execute: () => Effect.succeed({ facts: [num(1)] }) })
    ]
  })

  it.effect("stays until the answer is committed, and holds up no other fact", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking, {})
      yield* job.events.pipe(
        Stream.takeUntil(({ _tag }) => _tag === "JobAwaiting"),
        Stream.runDrain
      )
      const { version } = yield* job.status
      expect(version).toBe(11)
      yield* job.signal([Intent.Decision.of({ approval: "k01", approved: true, by: "Ada", reason: "" })])
      const result = yield* job.result
      expect(idsOf(result, Kept)).toEqual(["k07", "k08", "k09"])
    }).pipe(Effect.provide(engine()))
  )

  it.effect("is there for an answer that comes late, and for a cycle that looks at it", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(asking, {}, { budget: { maxCycles: 2 } })
      yield* job.events.pipe(
        Stream.takeUntil(({ _tag }) => _tag === "JobAwaiting"),
        Stream.runDrain
      )
      yield* job.cancel
      const { partial } = yield* Effect.flip(job.result)
      expect(idsOf(partial, Kept)).toEqual(["k01", "k07", "k08", "k09"])
    }).pipe(Effect.provide(engine()))
  )
})

describe("a job of which retention prunes much", () => {
  const options = { id: "job" }
  const decide = (job: { readonly events: Stream.Stream<{ readonly _tag: string }> }) =>
    job.events.pipe(
      Stream.filter(({ _tag }) => _tag === "JobAwaiting"),
      Stream.drop(1),
      Stream.take(1),
      Stream.runDrain
    )
  /** Decides when all checks are answered, and the job waits for nothing else. */
  const toEnd = Effect.gen(function* () {
    const job = yield* Engine.start(retaining, {}, options)
    const decided = Effect.andThen(
      decide(job),
      job.signal([Intent.Decision.of({ approval: "0", approved: true, by: "Ada", reason: "" })])
    )
    yield* Effect.forkChild(Effect.ignore(decided), { startImmediately: true })
    const outcome = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return outcome._tag === "Success"
      ? { result: outcome.success, error: undefined, events }
      : { result: outcome.failure.partial, error: outcome.failure, events }
  })

  it.live("gives every fact to those that read it, on any number of threads", () =>
    Effect.gen(function* () {
      const inline = yield* Effect.provide(toEnd, engineWith({ handlers: [checks] }))
      expect(inline.error).toBeUndefined()
      expect(inline.result.context.size(Done)).toBe(18)
      expect(idsOf(inline.result, Raw)).toEqual(["16", "17"])
      expect(idsOf(inline.result, Late)).toEqual(["16", "17"])
      // The first fact stays for the approval, and every fourth one for its check.
      expect(inline.result.output?.slice(1)).toEqual([
        "0 1 2",
        "0 3 4 5",
        "0 4 6 7 8",
        "0 4 8 9 10 11",
        "0 4 8 12 13 14"
      ])
      for (const size of [1, 2]) {
        const threads = Engine.layer({ handlers: [checks] }).pipe(
          Layer.provide(JobStore.layerMemory),
          Layer.provide(WorkerPool.layer({ size, execArgv: [] }))
        )
        expect(comparable(yield* Effect.provide(toEnd, threads)), `${size} workers`).toEqual(comparable(inline))
      }
    })
  )

  it.live("is the same after it was broken off in any cycle, and when it is read back", () =>
    Effect.gen(function* () {
      const whole = yield* Effect.provide(toEnd, engineWith({ handlers: [checks] }))
      for (let at = 0; at < whole.result.usage.cycles; at++) {
        const store = yield* journalStore
        yield* Effect.provide(
          runToEnd(retaining, {}, options),
          engineOnStore(brokenOff(store, at), { handlers: [checks] })
        ).pipe(Effect.timeoutOption("2 seconds"))
        const second = yield* Effect.provide(toEnd, engineOnStore(store, { handlers: [checks] }))
        expect(comparable(second), `broken off after ${at}`).toEqual(comparable(whole))
        const replayed = yield* Effect.provide(Journal.replay("job"), Layer.succeed(JobStore.JobStore, store))
        expect(replayed.context.facts().map(({ id, kind }) => [kind, id])).toEqual(
          whole.result.context.facts().map(({ id, kind }) => [kind, id])
        )
        expect(replayed.context.size(Tick)).toBe(6)
      }
    })
  )
})
