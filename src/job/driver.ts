/**
 * The driver: what a job's machine invokes while it runs.
 *
 * It performs the phase that the machine's state names and reports it; the machine's guards choose what comes next. One
 * fiber for the whole run, uninterruptible but for the time in which tasks run: so a phase is done or not begun, and every
 * exit, an interrupt from outside included, goes through `finish`.
 *
 * Invariants: `merging` ends only after the store has the row (G11); marks advance with the commit; convergence is judged
 * with no task in flight and an empty mailbox, in one step with the machine's transition (G6); a stop discards the cycle
 * whole (G7, G10). Boundary: phases; what they compute is in the pure core.
 */
import * as EffectCause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HaltReason, JobMachineEvent } from "../../machines/job.machine.ts"
import { judge } from "../cycle/convergence.ts"
import { advance, nothingEligible, type Selection, selectSteps } from "../cycle/eligibility.ts"
import type { Kind } from "../program/Fact.ts"
import { lengthOfPieces, rowText, type TextPieces } from "../journal/rowText.ts"
import { CycleMerge } from "../cycle/merge.ts"
import type { View } from "../program/View.ts"
import { ContextView } from "../context/contextView.ts"
import { finish, finishDefect, letGo } from "./ending.ts"
import { appendRow, noteBetween, storeFailed } from "./journaling.ts"
import * as Telemetry from "./observability.ts"
import { performedKinds } from "../intents/outbox.ts"
import type { JobSession, Rest } from "./session.ts"
import { sha256Pieces } from "../values/sha256.ts"
import { inSlicesThen, isSliceOver, nextTurn, type Pending } from "../platform/slices.ts"
import { answerSignals, isStageable, stagedCount, stageWaiting } from "./staging.ts"
import { runTasks } from "./tasks.ts"
import { type Cause, type Status, statusOf } from "../outcome/Cause.ts"
import type { CommittedCycle, TaskOutcome } from "../outcome/CommittedCycle.ts"
import { runDetached } from "../platform/detached.ts"
import type { ErasedAgent } from "../program/erased.ts"

type Phase = "eligible" | "executing" | "merging" | "checking" | "stopping" | "left"

const reasonOf = (cause: Cause | undefined): HaltReason | null =>
  cause === undefined ? null : { status: statusOf(cause), error: cause._tag }

const now: Effect.Effect<number> = Clock.currentTimeMillis

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Runs a session's job from where its machine stands, until the machine leaves `running`. */
export const drive = (session: JobSession): Effect.Effect<void> => {
  // A driver whose machine left `running` may still be unwinding when the next one starts: only the latest acts.
  const self = {}
  const clock = Context.get(session.options.services, Clock.Clock)
  // Within the uninterruptible part: that the machine lets go of its driver is not how the job's span ends.
  const run = Effect.uninterruptibleMask((restore) => {
    // Phases that need not wait follow one another without going through the fiber, until a slice is over.
    const go = (): Effect.Effect<void> => {
      while (session.driver === self) {
        const phase = phaseOf(session)
        if (phase === "left") return left(session)
        const pending = perform(phase, session, clock, restore)
        if (pending !== undefined) return Effect.flatMap(pending, go)
        if (isSliceOver()) return Effect.flatMap(nextTurn, go)
      }
      return Effect.void
    }
    const driven = Effect.suspend(() => {
      session.driver = self
      // The machine is still in the transition that started this fiber.
      return Effect.flatMap(nextTurn, () => {
        session.clock.start(clock.currentTimeMillisUnsafe())
        session.isBegun = true
        session.outbox?.begin()
        return go()
      })
    })
    return Telemetry.jobSpan(session.options.services, driven, session.jobId, session.program.name)
  })
  return Effect.onExit(run, (exit) => {
    // Interrupted because the machine went to `paused`: that is not an end.
    if (session.driver !== self) return Effect.void
    session.driver = undefined
    return Exit.isFailure(exit) ? finishDefect(session, exit.cause) : Effect.void
  })
}

const perform = (phase: Exclude<Phase, "left">, session: JobSession, clock: Clock.Clock, restore: Restore): Pending => {
  switch (phase) {
    case "eligible":
      return eligible(session, clock)
    case "executing":
      return executing(session, clock, restore)
    case "merging":
      return merging(session)
    case "checking":
      return checking(session)
    case "stopping":
      return stopping(session)
  }
}

const phaseOf = (session: JobSession): Phase => {
  const { status, value } = session.actor.getSnapshot()
  if (status !== "active" || typeof value === "string") return "left"
  return value.running
}

const send = (session: JobSession, event: JobMachineEvent): void => {
  if (session.actor.getSnapshot().status === "active") session.actor.send(event)
}

/** After the machine left `running` for a final state, or was stopped: the job lets go. */
const left = (session: JobSession): Effect.Effect<void> =>
  session.actor.getSnapshot().context.halt?.status === "converged"
    ? finish(session, "converged", undefined, now)
    : finish(session, ...endOf(session), now)

/** How a session ends whose machine has ended, or was stopped from outside. */
export const endOf = (session: JobSession): [Status, Cause | undefined] => {
  const cancelled: Cause = { _tag: "JobCancelled", cycle: session.cycle }
  const isHalted = session.actor.getSnapshot().context.halt !== null
  const cause = isHalted ? (session.haltCause ?? cancelled) : cancelled
  return [statusOf(cause), cause]
}

/**
 * Follows the machine into and out of `paused` and `awaiting`, in one step with it: the driver that was there drives no more,
 * the clock stands, and whoever waits for the pause, or for one that was withdrawn, is told.
 */
export const follow = (session: JobSession): void => {
  const { value } = session.actor.getSnapshot()
  const rest = value === "paused" || value === "awaiting" ? value : undefined
  if (rest === session.rest) return answerPauses(session)
  const isStopping = typeof value === "object" && value.running === "stopping"
  session.rest = rest
  session.isRestTold = false
  if (rest === undefined) {
    return isStopping ? answerPauses(session) : noteBetween(session, "Resumed", () => answerPauses(session))
  }
  session.driver = undefined
  session.unstage()
  session.clock.stop(Context.get(session.options.services, Clock.Clock).currentTimeMillisUnsafe())
  noteBetween(session, rest === "paused" ? "Paused" : "Awaiting", () => rested(session, rest))
}

/** The log says that the job rests: only now may it go on. */
const rested = (session: JobSession, rest: Rest): void => {
  if (session.rest === rest) session.isRestTold = true
  if (rest === "paused") return answerPauses(session)
  runDetached(
    session.options.services,
    Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => session.wake())
    )
  )
}

/**
 * Tells those who wait for a pause that it has come, or was withdrawn: when the actor is out of its step, so that what they
 * do next finds it where it is.
 */
const answerPauses = (session: JobSession): void => {
  if (session.pauseWaiters.length === 0) return
  const answer = Effect.sync(() => {
    const { context, value } = session.actor.getSnapshot()
    const isStopping = typeof value === "object" && value.running === "stopping"
    if (isStopping || context.pausing || session.isClosed) return
    for (const waiter of session.pauseWaiters.splice(0)) Deferred.doneUnsafe(waiter, Effect.void)
  })
  runDetached(session.options.services, Effect.andThen(Effect.yieldNow, answer))
}

const eligible = (session: JobSession, clock: Clock.Clock): Pending => {
  const { budget, counters, ledger, program } = session
  const merge = (session.merge ??= new CycleMerge(session.cycle + 1, program, ledger, budget, counters))
  return isStageable(session)
    ? Effect.flatMap(stageWaiting(session, merge), () => selecting(session, merge, clock) ?? Effect.void)
    : selecting(session, merge, clock)
}

const selecting = (session: JobSession, merge: CycleMerge, clock: Clock.Clock): Pending => {
  const { candidates, ledger, program, progress } = session
  session.begin = ledger.version
  session.gate = { open: true }
  const isOver = session.haltCause !== undefined || merge.crossed || merge.halt?._tag === "IntentFailed"
  if (isOver) return selected(session, nothingEligible, clock)
  const steps = selectSteps(program, progress, ledger, viewFor(session, session.cycle + 1), candidates)
  return inSlicesThen(steps, (selection) => selected(session, selection, clock))
}

const selected = (session: JobSession, selection: Selection, clock: Clock.Clock): undefined => {
  const cycle = session.cycle + 1
  session.selection = selection
  session.agents = selection.agents.map(({ agent }) => agent.name)
  session.haltCause ??= beforeCycle(session, selection, cycle, clock.currentTimeMillisUnsafe())
  if (session.haltCause !== undefined) session.discardCycle()
  send(session, {
    type: "SELECTED",
    cycle,
    tier: tierOf(session, selection),
    agents: session.agents,
    tasks: selection.tasks,
    signals: stagedCount(session),
    halt: reasonOf(session.haltCause)
  })
}

/** A cycle that only admitted signals counts for the tier before it. */
const tierOf = (session: JobSession, { tier }: Selection): number => (tier === -1 ? Math.max(session.tier, 0) : tier)

const viewFor =
  (session: JobSession, cycle: number) =>
  (agent: ErasedAgent, since: number): View<Kind.Any> => {
    const { gate, ledger } = session
    const report = session.telemetry.report
    return new ContextView({
      ledger,
      visible: agent.visibleNames,
      since,
      cycle,
      gate,
      holder: agent.label,
      onProgress:
        report === undefined
          ? undefined
          : (value) => {
              const clock = Context.get(session.options.services, Clock.Clock)
              report({
                _tag: "TaskProgress",
                cycle,
                agent: agent.name,
                at: clock.currentTimeMillisUnsafe(),
                worker: 0,
                value
              })
            }
    })
  }

/** The budgets that are tested before a cycle begins. */
const beforeCycle = (session: JobSession, selection: Selection, cycle: number, at: number): Cause | undefined => {
  if (selection.tasks === 0 && stagedCount(session) === 0) return undefined
  const { budget, counters } = session
  const exhausted = (name: "cycles" | "agents" | "duration", used: number, limit: number): Cause => ({
    _tag: "BudgetExhausted",
    cycle: session.cycle,
    budget: name,
    used,
    limit
  })
  if (cycle > budget.cycles) return exhausted("cycles", session.cycle, budget.cycles)
  if (counters.agents + selection.tasks > budget.agents) return exhausted("agents", counters.agents, budget.agents)
  const elapsed = session.durationMs(at)
  return elapsed >= budget.duration ? exhausted("duration", elapsed, budget.duration) : undefined
}

const executing = (session: JobSession, clock: Clock.Clock, restore: Restore): Pending => {
  const selection = session.selection!
  const cycle = session.cycle + 1
  const { services } = session.options
  const tasks = runTasks(session, selection.agents, cycle)
  const ended = outcomesOf(tasks)
  if (ended !== undefined && !Telemetry.isTraced(services)) return executed(session, Exit.succeed(ended))
  const { group } = session
  if (group !== undefined && session.budget.duration === Infinity) {
    // Nothing but fibers of ours: they are stopped where they are, which needs no race.
    session.stopTasks = (cause) => {
      session.haltCause = cause
      group.halt()
    }
    stopIfCancelled(session)
    return Effect.flatMap(Effect.exit(restore(fibersOnly(tasks))), (exit) => executed(session, exit) ?? Effect.void)
  }
  const withinBudget = Effect.catchTag(tasks, "CpuTimeExhausted", (error) =>
    Effect.succeed<Cause>({
      _tag: "BudgetExhausted",
      cycle: session.cycle,
      budget: "cpuTime",
      used: session.cpuMs + error.usedMs,
      limit: session.budget.cpuTime,
      spender: error.agent
    })
  )
  const stop = Deferred.makeUnsafe<Cause>()
  session.stopTasks = (cause) => void Deferred.doneUnsafe(stop, Effect.succeed(cause))
  stopIfCancelled(session)
  const stops: Array<Effect.Effect<ReadonlyArray<TaskOutcome> | Cause>> = [Deferred.await(stop)]
  if (session.budget.duration !== Infinity) {
    stops.push(outOfTime(session, session.budget.duration - session.durationMs(clock.currentTimeMillisUnsafe())))
  }
  const raced = Effect.raceAllFirst([withinBudget, ...stops])
  const cycled = Telemetry.cycleSpan(services, raced, cycle, selection.tier, selection.tasks)
  return Effect.flatMap(Effect.exit(restore(cycled)), (exit) => executed(session, exit) ?? Effect.void)
}

/** An agent may cancel its job in its first step, before there was anybody to be told. */
const stopIfCancelled = (session: JobSession): void => {
  if (phaseOf(session) === "stopping") session.stopTasks?.({ _tag: "JobCancelled", cycle: session.cycle })
}

/** Only CPU tasks can use up their time. */
const fibersOnly = (tasks: ReturnType<typeof runTasks>): Effect.Effect<ReadonlyArray<TaskOutcome>> =>
  Effect.catchTag(tasks, "CpuTimeExhausted", Effect.die)

/** What an effect that is done already came to. */
const outcomesOf = (tasks: ReturnType<typeof runTasks>): ReadonlyArray<TaskOutcome> | undefined =>
  Exit.isExit(tasks) && Exit.isSuccess(tasks) ? (tasks.value as ReadonlyArray<TaskOutcome>) : undefined

const executed = (session: JobSession, exit: Exit.Exit<ReadonlyArray<TaskOutcome> | Cause>): Pending => {
  const { gate, group } = session
  gate.open = false
  session.group = undefined
  session.stopTasks = undefined
  if (Exit.isFailure(exit) && !EffectCause.hasInterruptsOnly(exit.cause)) return Effect.failCause(exit.cause)
  if (Exit.isSuccess(exit) && !("_tag" in exit.value) && group?.isHalted !== true) {
    session.outcomes = exit.value
    send(session, { type: "EXECUTED" })
    return undefined
  }
  // Stopped: by the machine, by a budget, or because the actor itself was stopped, which interrupts this fiber.
  if (Exit.isSuccess(exit) && "_tag" in exit.value) session.haltCause = exit.value
  session.haltCause ??= { _tag: "JobCancelled", cycle: session.cycle }
  return group === undefined ? stopping(session) : Effect.andThen(group.stop, stopping(session))
}

const outOfTime = (session: JobSession, remainingMs: number): Effect.Effect<Cause> =>
  Effect.as(Effect.sleep(Duration.millis(Math.max(remainingMs, 0))), {
    _tag: "BudgetExhausted",
    cycle: session.cycle,
    budget: "duration",
    used: session.budget.duration,
    limit: session.budget.duration
  } as const)

/** Lets go of everything and only then tells the machine that the job has ended. */
const stopping = (session: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => {
    session.haltCause ??= { _tag: "JobCancelled", cycle: session.cycle }
    const cause = session.haltCause
    session.discardCycle()
    return Effect.map(letGo(session, statusOf(cause)), () =>
      send(session, { type: "STOPPED", halt: { status: statusOf(cause), error: cause._tag } })
    )
  })

const merging = (session: JobSession): Pending =>
  inSlicesThen(mergeSteps(session), (merged) => {
    const { hash, pieces, row } = merged
    session.performed = performedKinds(row, session.options.performers)
    const stored = appendRow(session, row, pieces, hash)
    if (Exit.isExit(stored) && Exit.isSuccess(stored)) return committing(session, merged)
    return Effect.matchCauseEffect(stored, {
      onSuccess: () => committing(session, merged) ?? Effect.void,
      onFailure: (cause) => {
        session.haltCause = storeFailed(session, row.cycle, cause)
        return stopping(session)
      }
    })
  })

interface Merged {
  readonly row: CommittedCycle
  readonly pieces: TextPieces
  readonly hash: string
}

/** Facts and outcomes that are merged in one step. */
const stepSize = 64

/** Everything between the tasks' end and the store, in steps. */
function* mergeSteps(session: JobSession): Generator<void, Merged> {
  const merge = session.merge!
  let steps = 0
  for (const outcome of session.outcomes) {
    const { facts } = merge.mergeSmall(outcome, session.begin) ?? (yield* merge.merge(outcome, session.begin))
    steps += 1 + facts.length
    if (steps < stepSize) continue
    steps = 0
    yield
  }
  const row = yield* merge.finish(tierOf(session, session.selection!), session.agents)
  const pieces = yield* rowText(row)
  const hash = yield* sha256Pieces(`${session.ledger.hash}\n`, pieces)
  return { row, pieces, hash }
}

/** The row is stored: what follows from it is worked out in steps, and then becomes true in one. */
const committing = (session: JobSession, merged: Merged): Pending => {
  const { hash, row } = merged
  return inSlicesThen(commitSteps(session, row), () => {
    commit(session, merged)
    send(session, { type: "MERGED", version: row.version, hash, halt: reasonOf(session.haltCause) })
    return undefined
  })
}

/** What nobody sees before the cycle is committed, and what cannot be undone. */
function* commitSteps({ ledger, merge, tracker }: JobSession, row: CommittedCycle): Generator<void, void> {
  const pruned = yield* merge!.commitSteps()
  yield* tracker.commit(row, ledger, pruned, merge!.halt)
}

const commit = (session: JobSession, { hash, pieces, row }: Merged): void => {
  session.ledger.setHash(hash)
  advance(session.progress, session.selection!, session.begin)
  session.log.append({ _tag: "Committed", row, previousTier: session.tier, length: lengthOfPieces(pieces) })
  session.cycle = row.cycle
  session.tier = row.tier
  session.version = row.version
  session.haltCause = session.merge!.halt
  let facts = row.violations.length
  let discarded = 0
  for (const signal of row.signals) facts += signal.facts.length
  for (const outcome of row.outcomes) {
    facts += outcome.facts.length
    if (outcome.cause !== undefined) discarded++
  }
  for (const { cpuMs } of session.outcomes) session.cpuMs += cpuMs
  Telemetry.noteCycle(session.options.services, facts, row.outcomes.length - discarded, discarded)
  if (session.staged.length > 0) answerSignals(session)
  session.merge = undefined
  session.selection = undefined
  session.outcomes = []
  session.kept = undefined
  if (session.outbox !== undefined || session.performed.length > 0) takeIntents(session, row.cycle)
  if (session.between.length > 0) session.between = []
}

/** Takes the intents of a committed cycle that somebody performs, and lets go of those that it answered. */
const takeIntents = (session: JobSession, cycle: number): void => {
  const { committedAt: at, performed, tracker } = session
  const added = performed.length === 0 ? [] : tracker.intentsOf(cycle).filter(({ kind }) => performed.includes(kind))
  const outbox = session.outbox ?? session.openOutbox([])
  outbox.commit(added.map((intent) => ({ intent, at })))
}

/** Judges the fixed point, if this is one, in one step with the machine's transition. */
const checking = (session: JobSession): undefined => {
  const mailbox = session.mailbox.length + (session.outbox?.overdueCount ?? 0)
  const isFixedPoint = session.haltCause === undefined && session.selection !== undefined && mailbox === 0
  const intents = isFixedPoint ? (session.outbox?.size ?? 0) : 0
  let halt = reasonOf(session.haltCause)
  if (isFixedPoint && intents === 0 && !session.actor.getSnapshot().context.pausing) {
    const verdict = judge(session.program, session.ledger, session.cycle)
    if (verdict._tag === "Converged") {
      session.output = verdict.output
      halt = { status: "converged", error: null }
    } else {
      session.haltCause = verdict.cause
      halt = reasonOf(verdict.cause)
    }
  }
  session.discardCycle()
  send(session, { type: "CHECKED", mailbox, intents, halt })
}
