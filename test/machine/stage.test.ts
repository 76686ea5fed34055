/**
 * The stages of a session: every cell of the table does what it says, and live jobs move by it, through every cell that can be
 * reached, while the machine is where the stage says.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import { vi } from "vitest"
import { Engine, JobStore } from "../../src/index.ts"
import { CycleMerge } from "../../src/cycle/merge.ts"
import { ownLimits } from "../../src/cycle/sharedBudget.ts"
import { Ledger } from "../../src/context/Ledger.ts"
import { sessionOf } from "../../src/job/jobHandle.ts"
import { JobSession } from "../../src/job/session.ts"
import {
  queued,
  type Stage,
  type StageEvent,
  type StageEventTag,
  type StageTag,
  transition
} from "../../src/job/stage.ts"
import { UnderWay } from "../../src/job/underWay.ts"
import { resolveBudget } from "../../src/program/resolveBudget.ts"
import { compiledOf } from "../../src/program/erased.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { counter, engine, idle, makeGate, stuck, turns, untilAtWork, untilState } from "../support/behaviour/harness.ts"
import { manyJobs, world } from "./liveJobs.ts"

/** The stage that follows, or why none does. `"same"`: the event is ignored, or changes nothing. */
type Expected = StageTag | "same" | "impossible"

/** A copy of the table by hand: a cell that is missing here does not compile. */
const expected: Readonly<Record<StageTag, Readonly<Record<StageEventTag, Expected>>>> = {
  Queued: {
    Admitted: "Running",
    Rested: "impossible",
    Noted: "impossible",
    Resumed: "impossible",
    LettingGo: "Ending",
    EndStored: "impossible",
    Finished: "Ended"
  },
  Running: {
    Admitted: "impossible",
    Rested: "Resting",
    Noted: "same",
    Resumed: "impossible",
    LettingGo: "Ending",
    EndStored: "impossible",
    Finished: "Ended"
  },
  Resting: {
    Admitted: "impossible",
    Rested: "Resting",
    Noted: "Resting",
    Resumed: "Running",
    LettingGo: "impossible",
    EndStored: "impossible",
    Finished: "Ended"
  },
  Ending: {
    Admitted: "impossible",
    Rested: "impossible",
    Noted: "same",
    Resumed: "impossible",
    LettingGo: "same",
    EndStored: "Ending",
    Finished: "Ended"
  },
  Ended: {
    Admitted: "Ended",
    Rested: "impossible",
    Noted: "same",
    Resumed: "impossible",
    LettingGo: "impossible",
    EndStored: "Ended",
    Finished: "same"
  }
}

const program = compiledOf(idle)
const ledger = Ledger.make("idle", program.triggers)
const counters = { facts: 0, agents: 0, tokens: 0 }
const budget = resolveBudget("idle")
const underWay = new UnderWay(new CycleMerge(1, program, ledger, ownLimits(budget), counters), 0)

const stages: { readonly [Tag in StageTag]: Extract<Stage, { readonly _tag: Tag }> } = {
  Queued: queued,
  Running: { _tag: "Running", underWay },
  Resting: { _tag: "Resting", why: "awaiting", isNoted: false },
  Ending: { _tag: "Ending", isAdmitted: true, isStored: true },
  Ended: { _tag: "Ended", status: "failed", isAdmitted: false, isStored: false }
}

const events: { readonly [Tag in StageEventTag]: Extract<StageEvent, { readonly _tag: Tag }> } = {
  Admitted: { _tag: "Admitted" },
  Rested: { _tag: "Rested", why: "paused" },
  Noted: { _tag: "Noted", why: "awaiting" },
  Resumed: { _tag: "Resumed" },
  LettingGo: { _tag: "LettingGo" },
  EndStored: { _tag: "EndStored" },
  Finished: { _tag: "Finished", status: "cancelled" }
}

const cells = Object.values(stages).flatMap((stage) => Object.values(events).map((event) => ({ stage, event })))

describe("the table of stages", () => {
  it.each(cells.map(({ event, stage }) => [stage._tag, event._tag] as const))("%s, %s", (from, type) => {
    const before = stages[from]
    const after = transition(before, events[type])
    const cell = expected[from][type]
    if (cell === "same") expect(after).toBe(before)
    else expect(after === "impossible" ? after : after._tag).toBe(cell)
  })

  it("keeps what a stage knows, and takes over nothing else", () => {
    const admitted = transition(queued, events.Admitted)
    expect(admitted).toEqual({ _tag: "Running", underWay: undefined })
    expect(transition(stages.Resting, events.Rested)).toEqual({ _tag: "Resting", why: "paused", isNoted: false })
    expect(transition(stages.Resting, events.Noted)).toEqual({ _tag: "Resting", why: "awaiting", isNoted: true })
    // The note of an earlier rest.
    expect(transition(stages.Resting, { _tag: "Noted", why: "paused" })).toBe(stages.Resting)
    expect(transition(queued, events.LettingGo)).toEqual({ _tag: "Ending", isAdmitted: false, isStored: false })
    expect(transition(queued, events.Finished)).toMatchObject({ status: "cancelled", isAdmitted: false })
    expect(transition(stages.Running, events.Finished)).toMatchObject({ isAdmitted: true, isStored: false })
    expect(transition(stages.Ending, events.Finished)).toMatchObject({ isAdmitted: true, isStored: true })
    expect(transition(stages.Ended, events.EndStored)).toMatchObject({ status: "failed", isStored: true })
    expect(transition(stages.Ended, events.Admitted)).toMatchObject({ status: "failed", isAdmitted: true })
  })
})

/** Cells that no job of a test comes through: a parent that gives a place to its child in the very step in which that ends. */
const untaken = ["Ended Admitted"]

/** Records the moves of all sessions while `jobs` run, and what the machine was then. */
const movesOf = <A, E, R>(jobs: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const moves = new Set<string>()
    const wrong: Array<string> = []
    const move = JobSession.prototype.move
    const spy = vi.spyOn(JobSession.prototype, "move").mockImplementation(function (this: JobSession, event) {
      const before = this.stage
      const after = transition(before, event)
      moves.add(`${before._tag} ${event._tag}`)
      const value: unknown = this.isStarted ? this.actor.getSnapshot().value : undefined
      const isWhere = {
        Admitted: value === "idle",
        Rested: event._tag === "Rested" && value === event.why,
        Noted: true,
        Resumed: typeof value === "object",
        LettingGo: value === undefined || typeof value === "object",
        EndStored: true,
        Finished: true
      }[event._tag]
      const hasMoved = move.call(this, event)
      if (!isWhere || after === "impossible" || this.stage._tag !== after._tag) {
        wrong.push(`${before._tag} ${event._tag} ${this.stage._tag} in ${JSON.stringify(value)}`)
      }
      return hasMoved
    })
    return Effect.map(
      Effect.ensuring(
        jobs,
        Effect.sync(() => spy.mockRestore())
      ),
      () => ({ moves, wrong })
    )
  })

const possible = Object.entries(expected).flatMap(([from, row]) =>
  Object.entries(row).flatMap(([type, cell]) => (cell === "impossible" ? [] : [`${from} ${type}`]))
)

/** Durable jobs that go on, end or are stopped before the store has noted that they rest; and one that never begins. */
const durableJobs = Effect.gen(function* () {
  const store = yield* journalStore
  const over = (job: { readonly result: Effect.Effect<unknown, unknown> }) => Effect.exit(job.result)
  for (const then of ["resume", "cancel", "stop"] as const) {
    const noted = makeGate()
    const ended = makeGate()
    const slow = {
      ...store,
      note: (...args: Parameters<typeof store.note>) => Effect.andThen(noted.arrive, store.note(...args)),
      halt: (...args: Parameters<typeof store.halt>) =>
        Effect.andThen(then === "cancel" ? ended.arrive : Effect.void, store.halt(...args))
    }
    const first = makeGate()
    const program = counter(5, { before: (n) => (n === 0 ? first.arrive : Effect.never) })
    yield* Effect.gen(function* () {
      const job = yield* Engine.start(program, {}, { id: then })
      yield* first.arrived
      job.actor.send({ type: "PAUSE" })
      yield* first.open
      yield* untilState(job, "paused")
      if (then === "resume") {
        job.actor.send({ type: "RESUME" })
        yield* untilAtWork(job)
        yield* noted.open
        yield* turns(5)
        return yield* job.cancel
      }
      if (then === "stop") {
        job.actor.stop()
        yield* over(job)
        yield* noted.open
        return yield* turns(5)
      }
      job.actor.send({ type: "CANCEL" })
      yield* ended.arrived
      yield* noted.open
      yield* turns(5)
      yield* ended.open
      yield* over(job)
    }).pipe(Effect.provide(engineOnStore(slow)))
  }
  const taken = new JobStore.StoreError({ reason: "exists", message: "it exists" })
  yield* Effect.exit(Engine.start(idle, {})).pipe(
    Effect.provide(engineOnStore({ ...store, create: () => Effect.fail(taken) }))
  )
})

it.effect("live jobs move by the table alone, and take every cell that they can", () =>
  Effect.gen(function* () {
    const { moves, wrong } = yield* movesOf(
      Effect.andThen(
        manyJobs(() => undefined),
        durableJobs
      )
    )
    expect(wrong).toEqual([])
    expect(new Set(possible.filter((cell) => !moves.has(cell)))).toEqual(new Set(untaken))
  }).pipe(Effect.provide(world))
)

it.effect("an event that the table calls impossible is logged, and changes nothing", () =>
  Effect.gen(function* () {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ message }) => void lines.push(message))
    const job = yield* Effect.provide(Engine.start(stuck().program, {}, { id: "job" }), Logger.layer([logger]))
    const session = sessionOf(job)
    expect(session?.move({ _tag: "Resumed" })).toBe(false)
    expect(session?.stage._tag).toBe("Running")
    yield* turns(2)
    expect(lines.flat()).toEqual(["Resumed is impossible in the stage Running of job job: a bug of the engine"])
    yield* job.cancel
  }).pipe(Effect.provide(engine()))
)
