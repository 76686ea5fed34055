/**
 * Money over a durable store (B8): a reservation is written before its call and a payment before `spend` succeeds, so a job that
 * is taken up again knows what was paid, also in the cycle that was lost.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Agent, Budget, Engine, Journal, JobStore, Program } from "../../src/index.ts"
import { endOrAsk } from "../../src/job/endStored.ts"
import { brokenOff, engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import {
  ended,
  entry,
  Entry,
  failure,
  makeGate,
  noInput,
  Num,
  nums,
  openEngine,
  until
} from "../support/behaviour/harness.ts"

/** An agent that pays 30 of 50 tokens for each number; `between` runs after it has paid. */
const paying = (
  options: {
    readonly between?: (n: number) => Effect.Effect<void>
    readonly before?: (n: number) => Effect.Effect<void>
    readonly budget?: Budget.Budget
    readonly memoize?: boolean
    readonly version?: string
    readonly agent?: string
  } = {}
) =>
  Program.make("paying", {
    input: noInput,
    version: options.version ?? "1",
    agents: [
      Agent.make(options.agent ?? "asks", {
        each: Num,
        writes: [Entry],
        memoize: options.memoize,
        execute: ({ value: { n } }) =>
          Effect.gen(function* () {
            yield* Budget.reserve({ tokens: 50, cost: 5 })
            yield* options.before?.(n) ?? Effect.void
            yield* Budget.spend({ tokens: 30, cost: 2 })
            yield* options.between?.(n) ?? Effect.void
            return { facts: [entry(String(n))] }
          })
      })
    ],
    seed: () => nums(1, 3),
    budget: options.budget
  })

const start = { id: "j" }

describe("a job that was killed between call and commit", () => {
  it.effect("counts what its lost cycle paid, once", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const first = yield* ended(Effect.provide(Engine.run(paying(), {}, start), engineOnStore(brokenOff(store, 0))))
      expect(first._tag).toBe("StoreFailed")
      const second = yield* Effect.provide(Engine.run(paying(), {}, start), engineOnStore(store))
      expect(second.usage).toMatchObject({ tokens: 180, cost: 12, byAgent: { asks: { tokens: 180, cost: 12 } } })
      const shown = yield* Effect.provide(Engine.run(paying(), {}, start), engineOnStore(store))
      expect(shown.usage).toEqual(second.usage)
      expect((yield* Journal.replay("j").pipe(Effect.provideService(JobStore.JobStore, store))).usage.tokens).toBe(180)
    })
  )

  it.effect("counts it under the limit: the resumed job pays for no more than what is left", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = paying({ budget: { maxTokens: 150 } })
      yield* failure(Effect.provide(Engine.run(program, {}, start), engineOnStore(brokenOff(store, 0))))
      const error = yield* ended(Effect.provide(Engine.run(program, {}, start), engineOnStore(store)))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "tokens", used: 120, limit: 150, spender: "asks" })
      expect(error.partial.context.size(Entry)).toBe(1)
    })
  )

  it.effect("pays once for an effect that was kept", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const program = paying({ memoize: true })
      yield* failure(Effect.provide(Engine.run(program, {}, start), engineOnStore(brokenOff(store, 0))))
      const result = yield* Effect.provide(Engine.run(program, {}, start), engineOnStore(store))
      expect(result.usage.tokens).toBe(90)
    })
  )

  it.effect("counts a call that was under way as it was reserved", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = makeGate()
      const { close, use } = yield* openEngine(engineOnStore(store))
      yield* use(Engine.start(paying({ before: (n) => (n === 2 ? gate.arrive : Effect.void) }), {}, start))
      yield* gate.arrived
      yield* until(Effect.map(Effect.orDie(store.kept("j")), (kept) => kept.length === 5))
      yield* close
      const journal = yield* Journal.replay("j").pipe(Effect.provideService(JobStore.JobStore, store))
      expect(journal.usage).toMatchObject({ tokens: 110, cost: 9 })
      const result = yield* Effect.provide(Engine.run(paying(), {}, start), engineOnStore(store))
      expect(result.usage).toMatchObject({ tokens: 110 + 90, cost: 9 + 6 })
    })
  )

  it.effect("counts it when another version goes on, and again when that is killed: the open call, too", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const gate = makeGate()
      const { close, use } = yield* openEngine(engineOnStore(store))
      yield* use(Engine.start(paying({ before: (n) => (n === 2 ? gate.arrive : Effect.void) }), {}, start))
      yield* gate.arrived
      yield* until(Effect.map(Effect.orDie(store.kept("j")), (kept) => kept.length === 5))
      yield* close
      const later = paying({ version: "2", agent: "asks again" })
      yield* ended(Effect.provide(Engine.run(later, {}, start), engineOnStore(brokenOff(store, 0))))
      const result = yield* Effect.provide(Engine.run(later, {}, start), engineOnStore(store))
      expect(result.usage).toMatchObject({
        ...{ tokens: 110 + 90 + 90, cost: 9 + 6 + 6 },
        byAgent: { asks: { tokens: 110, cost: 9 }, "asks again": { tokens: 180, cost: 12 } }
      })
    })
  )

  it.effect("and then cancelled by its id says what it paid", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* failure(Effect.provide(Engine.run(paying(), {}, start), engineOnStore(brokenOff(store, 0))))
      yield* endOrAsk(store, "j", () => Effect.void)
      const again = yield* failure(Effect.provide(Engine.run(paying(), {}, start), engineOnStore(store)))
      expect(again).toMatchObject({ _tag: "JobCancelled", partial: { usage: { tokens: 90 } } })
    })
  )
})

describe("the journal", () => {
  it.effect("has the sums of every committed cycle", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const spends = Agent.make("spends", {
        accepts: (view) => view.cycle <= 3,
        execute: () => Effect.as(Budget.spend({ tokens: 10 }), {})
      })
      const program = Program.make("spends", { input: noInput, agents: [spends] })
      const result = yield* Effect.provide(Engine.run(program, {}, start), engineOnStore(store))
      const at = (cycle: number) => Journal.replay("j", { at: cycle })
      const replayed = yield* Effect.provideService(Effect.all([at(0), at(1), at(3)]), JobStore.JobStore, store)
      expect(replayed.map(({ usage }) => usage.tokens)).toEqual([0, 10, 30])
      expect(replayed[2]?.usage).toMatchObject({ byAgent: result.usage.byAgent })
      expect(yield* store.kept("j")).toEqual([])
    })
  )

  it.effect("with a payment that was changed is corrupt: money does not get lost in silence", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      yield* failure(Effect.provide(Engine.run(paying(), {}, start), engineOnStore(brokenOff(store, 0))))
      const changed: typeof store = {
        ...store,
        kept: (jobId) =>
          Effect.map(store.kept(jobId), (all) =>
            all.map((kept) => ({ ...kept, text: kept.text.replace('"tokens":30', '"tokens":3') }))
          )
      }
      const error = yield* failure(Effect.provide(Engine.run(paying(), {}, start), engineOnStore(changed)))
      expect(error).toMatchObject({ _tag: "JournalCorrupt", cycle: 1, part: "kept" })
    })
  )

  it.effect("that refuses a reservation ends the job before the call is made", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const dead = Effect.fail(new JobStore.StoreError({ reason: "full", message: "no room on the disk" }))
      let calls = 0
      const program = paying({ before: () => Effect.sync(() => void calls++) })
      const error = yield* ended(
        Effect.provide(Engine.run(program, {}, start), engineOnStore({ ...store, keep: () => dead }))
      )
      expect(error).toMatchObject({ _tag: "StoreFailed", reason: "full" })
      expect(calls).toBe(0)
    })
  )

  it.effect("does not count a payment as progress, so a job that pays and crashes is quarantined in the end", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      for (let attempt = 1; attempt <= 3; attempt++) {
        yield* failure(Effect.provide(Engine.run(paying(), {}, start), engineOnStore(brokenOff(store, 0))))
      }
      expect((yield* store.load("j")).attempts).toMatchObject({ count: 3 })
    })
  )
})
