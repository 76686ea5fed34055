/**
 * The driver: an effect that a job's machine invokes while it runs.
 *
 * It performs the phase that the machine's state names, and reports it; the machine's guards choose the next phase. One fiber
 * does the whole run. It can be interrupted only while tasks run, so every other phase is done or not begun. Every exit goes
 * through `finish`, also after an interrupt from outside.
 *
 * Invariants: `merging` ends only after the store has the row (G11); marks advance with the commit; convergence is judged with no
 * task in flight and an empty mailbox, in one step with the machine's transition (G6); a stop discards the whole cycle (G7, G10).
 * Boundary: phases; the pure core computes.
 */
import * as EffectCause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HaltReason, JobMachineEvent } from "../../machines/job.machine.ts"
import { judge } from "../cycle/convergence.ts"
import { advance, nothingEligible, select, type Selection } from "../cycle/eligibility.ts"
import { exhausted, type OwnLimits } from "../cycle/sharedBudget.ts"
import type { Kind } from "../program/Fact.ts"
import { lengthOfPieces, rowText } from "../journal/rowText.ts"
import type { View } from "../program/View.ts"
import { ContextView } from "../context/contextView.ts"
import { accountOf } from "./accountOf.ts"
import { commitShares, setSharesAside } from "./children.ts"
import { finish, finishDefect, letGo } from "./ending.ts"
import { exitOf } from "./erased.ts"
import { isHeldOpen } from "./heldOpen.ts"
import { appendRow, logNotes, type MergedCycle, writeNote, storeFailed } from "./journaling.ts"
import * as Telemetry from "./observability.ts"
import { performedKinds, unperformedKinds } from "../intents/outbox.ts"
import type { JobSession } from "./session.ts"
import type { Rest } from "./stage.ts"
import type { UnderWay } from "./underWay.ts"
import { sha256Pieces } from "../values/sha256.ts"
import { inSlicesThen, isSliceOver, nextTurn, type Pending } from "../platform/slices.ts"
import { answerSignals, isStageable, stagedCount, stageSteps } from "./staging.ts"
import { runTasks } from "./tasks.ts"
import { type Cause, type Status, statusOf } from "../outcome/Cause.ts"
import type { CommittedCycle, TaskOutcome } from "../outcome/CommittedCycle.ts"
import type { Needed } from "../context/Ledger.ts"
import { neededAfter, performedIn } from "../cycle/needed.ts"
import { at } from "./at.ts"
import { runDetached } from "../platform/detached.ts"
import type { ErasedAgent } from "../program/erased.ts"
import { isUnderWay, stepSize } from "../values/steps.ts"

/** A phase of the machine's `running`, or `"left"` if the machine is in another state. */
type Phase = "eligible" | "executing" | "merging" | "checking" | "stopping" | "left"

const reasonOf = (cause: Cause | undefined): HaltReason | null =>
  cause === undefined ? null : { status: statusOf(cause), error: cause._tag }

type Restore = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Drives a session's job from the present state of its machine, until the machine leaves `running`. */
export const drive = (session: JobSession): Effect.Effect<void> => {
  // A driver whose machine left `running` may still be unwinding when the next one starts: only the latest acts.
  const self = {}
  // The span is within the uninterruptible part: it does not end as interrupted when the machine stops its driver.
  const run = Effect.uninterruptibleMask((restore) => {
    let reported: Phase | undefined
    const goOn = (): Effect.Effect<void> => {
      session.times.count(session.shownMs)
      return go()
    }
    // Phases that need not wait follow one another in this loop, without a step of the fiber, until a slice is over.
    const go = (): Effect.Effect<void> => {
      while (session.driver === self) {
        const phase = phaseOf(session)
        if (phase === "left") return left(session)
        // This fiber was resumed in the middle of a step of the actor, which takes the report when the step is done.
        if (phase === reported) return Effect.flatMap(nextTurn, go)
        reported = phase
        session.times.state = phase
        const pending = perform(phase, session, restore)
        if (pending !== undefined) return Effect.flatMap(pending, goOn)
        if (isSliceOver()) return Effect.flatMap(nextTurn, goOn)
      }
      return Effect.void
    }
    const driven = Effect.suspend(() => {
      session.driver = self
      // The machine is still in the transition that started this fiber.
      return Effect.flatMap(nextTurn, () => {
        session.clock.start(session.monotonicMs)
        session.outbox?.start()
        return go()
      })
    })
    return Telemetry.jobSpan(session.options.services, driven, {
      jobId: session.jobId,
      program: session.program.name,
      begunIn: session.options.replayed?.begunIn,
      end: () => {
        const status = session.finished
        return status === undefined ? undefined : { status, cause: session.haltCause }
      }
    })
  })
  return Effect.onExit(run, (exit) => {
    // The machine went to `paused`, which interrupts its driver. The job has not ended.
    if (session.driver !== self) return Effect.void
    session.driver = undefined
    return Exit.isFailure(exit) ? finishDefect(session, exit.cause) : Effect.void
  })
}

const perform = (phase: Exclude<Phase, "left">, session: JobSession, restore: Restore): Pending => {
  switch (phase) {
    case "eligible":
      return eligible(session)
    case "executing":
      return executing(session, restore)
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

/** Goes on with the exit of an effect. If the effect is an exit already, that happens at once, and costs no step of the fiber. */
const atOnceOr = <A, E>(effect: Effect.Effect<A, E>, next: (exit: Exit.Exit<A, E>) => Pending): Pending => {
  const exit = exitOf(effect)
  if (exit !== undefined) return next(exit)
  return Effect.matchCauseEffect(effect, {
    onFailure: (cause) => next(Exit.failCause(cause)) ?? Effect.void,
    onSuccess: (value) => next(Exit.succeed(value)) ?? Effect.void
  })
}

/** The cycle that the machine's phase is about. */
const cycleOf = ({ jobId, underWay }: JobSession): UnderWay => {
  if (underWay === undefined) throw new Error(`no cycle of job ${jobId} is under way`)
  return underWay
}

/** Ends the job after the machine left `running` for a final state, or was stopped. */
const left = (session: JobSession): Effect.Effect<void> =>
  session.actor.getSnapshot().context.halt?.status === "converged"
    ? finish(session, "converged", undefined)
    : finish(session, ...endOf(session))

/** The end of a session whose machine has ended, or was stopped from outside. */
export const endOf = (session: JobSession): [Status, Cause | undefined] => {
  const cancelled: Cause = { _tag: "JobCancelled", cycle: session.cycle }
  const isHalted = session.actor.getSnapshot().context.halt !== null
  const cause = isHalted ? (session.haltCause ?? cancelled) : cancelled
  return [statusOf(cause), cause]
}

/**
 * Follows the machine into and out of `paused` and `awaiting`, in one step with it: the driver stops, the clock stops, and
 * callers that wait for the pause get their answer, also if the pause was withdrawn.
 */
export const follow = (session: JobSession): void => {
  const { value } = session.actor.getSnapshot()
  const rest = value === "paused" || value === "awaiting" ? value : undefined
  if (rest === session.rest) return answerPauses(session)
  if (rest === undefined) {
    session.move({ _tag: "Resumed" })
    const isStopping = typeof value === "object" && value.running === "stopping"
    return isStopping ? answerPauses(session) : writeNote(session, "Resumed", () => answerPauses(session))
  }
  session.driver = undefined
  session.discardCycle()
  session.move({ _tag: "Rested", why: rest })
  session.clock.stop(session.monotonicMs)
  writeNote(session, rest === "paused" ? "Paused" : "Awaiting", () => rested(session, rest))
}

/** The log says that the job rests: only now may it go on. */
const rested = (session: JobSession, why: Rest): void => {
  session.move({ _tag: "Noted", why })
  if (why === "paused") return answerPauses(session)
  runDetached(
    session.options.services,
    Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => session.wake())
    )
  )
}

/**
 * Answers all callers that wait for a pause, when it has come or was withdrawn. The answer comes after the actor's step, so that
 * a caller's next call finds the actor in its new state.
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

const eligible = (session: JobSession): Pending => {
  const underWay = session.beginCycle()
  return isStageable(session)
    ? inSlicesThen(stageSteps(session, underWay), () => selecting(session, underWay))
    : selecting(session, underWay)
}

const selecting = (session: JobSession, underWay: UnderWay): Pending => {
  const { candidates, haltCause, ledger, program, progress } = session
  const { merge } = underWay
  underWay.begin = ledger.version
  const isOver = haltCause !== undefined || merge.crossed || merge.halt?._tag === "IntentFailed"
  if (isOver) return selected(session, underWay, nothingEligible)
  const steps = select(program, progress, ledger, viewFor(session, underWay), candidates)
  return inSlicesThen(steps, (selection) => selected(session, underWay, selection))
}

const selected = (session: JobSession, underWay: UnderWay, selection: Selection): undefined => {
  underWay.select(selection)
  session.haltCause ??= beforeCycle(session, underWay)
  send(session, {
    type: "SELECTED",
    cycle: underWay.cycle,
    tier: tierOf(session, selection),
    agents: underWay.agents,
    tasks: selection.tasks,
    signals: stagedCount(session, underWay),
    halt: reasonOf(session.haltCause)
  })
}

/** A cycle that only admitted signals counts for the tier before it. */
const tierOf = (session: JobSession, { tier }: Selection): number => (tier === -1 ? Math.max(session.tier, 0) : tier)

const viewFor =
  (session: JobSession, underWay: UnderWay) =>
  (agent: ErasedAgent, since: number): View<Kind.Any> => {
    const { cycle } = underWay
    const report = session.telemetry.report
    const onProgress =
      report === undefined
        ? undefined
        : (value: unknown) => {
            const at = session.clockMs
            report({ _tag: "TaskProgress", cycle, agent: agent.name, attempt: 1, at, worker: 0, value })
          }
    return ContextView.forAgent(agent, since, cycle, session.ledger, underWay, onProgress)
  }

/** The budgets that are tested before a cycle begins. */
const beforeCycle = (session: JobSession, underWay: UnderWay): Cause | undefined => {
  const { counters } = session
  const { cycle, merge, selection } = underWay
  if (selection.tasks === 0 && stagedCount(session, underWay) === 0) return undefined
  const { limits } = merge
  const { budget } = limits
  const ended = (name: "cycles" | "agents" | "duration", used: number) =>
    exhausted(limits, { cycle: session.cycle, budget: name, used })
  if (cycle > budget.cycles) return { ...ended("cycles", session.cycle), busy: session.tracker.busy }
  if (counters.agents + selection.tasks > budget.agents) return ended("agents", counters.agents)
  // The clock costs more than the rest of this check.
  const elapsed = budget.duration === Infinity ? 0 : session.durationMs
  return elapsed >= budget.duration ? ended("duration", elapsed) : undefined
}

type Tasks = ReturnType<typeof runTasks>

const executing = (session: JobSession, restore: Restore): Pending => {
  const underWay = cycleOf(session)
  const tasks = runTasks(session, underWay)
  return atOnceOr(stoppable(session, underWay, tasks, restore), (exit) => executed(session, underWay, exit))
}

/** The outcomes of tasks, or the cause that stopped them. */
type Executed = ReadonlyArray<TaskOutcome> | Cause

/** Tasks with everything that may stop them. Tasks that have all ended already stay as they are. */
const stoppable = (
  session: JobSession,
  underWay: UnderWay,
  tasks: Tasks,
  restore: Restore
): Effect.Effect<Executed> => {
  const { options } = session
  const { group, merge, selection } = underWay
  const { limits } = merge
  const exit = exitOf(tasks)
  if (exit !== undefined && Exit.isSuccess(exit) && !session.isTraced) return Exit.succeed(exit.value)
  const withinBudget = Effect.catchTags(tasks, {
    CpuTimeExhausted: ({ agent, usedMs }) =>
      Effect.succeed(
        exhausted(limits, {
          cycle: session.cycle,
          budget: "cpuTime",
          used: session.cpuMs + usedMs,
          spender: agent
        })
      ),
    NoWorkers: ({ message, reason }) =>
      Effect.succeed<Cause>({ _tag: "WorkersUnavailable", cycle: session.cycle, message, reason })
  })
  if (group !== undefined && limits.budget.duration === Infinity) {
    // There are fibers of ours and nothing else: they are stopped where they are, which needs no race.
    underWay.stopTasks = (cause) => {
      session.haltCause = cause
      group.halt()
    }
    stopIfCancelled(session, underWay)
    return restore(withinBudget)
  }
  const stop = Deferred.makeUnsafe<Cause>()
  underWay.stopTasks = (cause) => void Deferred.doneUnsafe(stop, Effect.succeed(cause))
  stopIfCancelled(session, underWay)
  const stops: Array<Effect.Effect<Executed>> = [Deferred.await(stop)]
  if (limits.budget.duration !== Infinity) stops.push(outOfTime(session, limits))
  const raced = Effect.raceAllFirst([withinBudget, ...stops])
  return restore(Telemetry.cycleSpan(options.services, raced, underWay.cycle, selection.tier, selection.tasks))
}

/** An agent may cancel its job in its first step, before `stopTasks` is set. */
const stopIfCancelled = (session: JobSession, { stopCause, stopTasks }: UnderWay): void => {
  if (stopCause !== undefined) stopTasks?.(stopCause)
  if (phaseOf(session) === "stopping") stopTasks?.({ _tag: "JobCancelled", cycle: session.cycle })
}

const executed = (session: JobSession, underWay: UnderWay, exit: Exit.Exit<Executed>): Pending => {
  const { group } = underWay
  underWay.close()
  if (Exit.isFailure(exit) && !EffectCause.hasInterruptsOnly(exit.cause)) return Effect.failCause(exit.cause)
  if (Exit.isSuccess(exit) && !("_tag" in exit.value) && group?.isHalted !== true) {
    underWay.outcomes = exit.value
    send(session, { type: "EXECUTED" })
    return undefined
  }
  // Stopped: by the machine, by a budget, or because the actor itself was stopped, which interrupts this fiber.
  if (Exit.isSuccess(exit) && "_tag" in exit.value) session.haltCause = exit.value
  session.haltCause ??= { _tag: "JobCancelled", cycle: session.cycle }
  return group === undefined ? stopping(session) : Effect.andThen(group.stop, stopping(session))
}

const outOfTime = (session: JobSession, limits: OwnLimits): Effect.Effect<Cause> => {
  const used = limits.budget.duration
  const ended = exhausted(limits, { cycle: session.cycle, budget: "duration", used })
  return Effect.as(Effect.sleep(Duration.millis(Math.max(used - session.durationMs, 0))), ended)
}

/** Releases everything, and only then reports to the machine that the job has ended. */
const stopping = (session: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => {
    session.haltCause ??= { _tag: "JobCancelled", cycle: session.cycle }
    const cause = session.haltCause
    session.discardCycle()
    return Effect.map(letGo(session, statusOf(cause)), () =>
      send(session, { type: "STOPPED", halt: { status: statusOf(cause), error: cause._tag } })
    )
  })

const merging = (session: JobSession): Pending => {
  const underWay = cycleOf(session)
  return inSlicesThen(mergeSteps(session, underWay), (merged) => {
    const { row } = merged
    underWay.performed = performedKinds(row, session.options.performers)
    if (underWay.performed.length > 0) setSharesAside(session, underWay, row)
    underWay.unperformed = unperformedKinds(row, session.program, underWay.performed)
    return atOnceOr(appendRow(session, underWay, merged), (stored) => {
      if (Exit.isSuccess(stored)) return committing(session, underWay, merged)
      session.haltCause = storeFailed(session, row.cycle, stored.cause)
      return stopping(session)
    })
  })
}

/** Everything between the end of the tasks and the store, in steps. */
function* mergeSteps(session: JobSession, underWay: UnderWay): Generator<void, MergedCycle> {
  const { agents, begin, merge, outcomes, selection } = underWay
  let parts = 0
  for (const outcome of outcomes) {
    const merged = merge.merge(outcome, begin)
    const { facts } = isUnderWay(merged) ? yield* merged : merged
    parts += 1 + facts.length
    if (parts < stepSize) continue
    parts = 0
    yield
  }
  const overspent = session.account?.overspent
  if (overspent !== undefined) merge.halt ??= accountOf(session).cause(overspent, merge.cycle)
  const row = yield* merge.finish(tierOf(session, selection), agents)
  const text = rowText(row)
  const pieces = isUnderWay(text) ? yield* text : text
  const hash = yield* sha256Pieces(`${session.ledger.hash}\n`, pieces)
  return { row, pieces, hash }
}

/** The row is stored. Its consequences are prepared in steps, and then committed in one step. */
const committing = (session: JobSession, underWay: UnderWay, merged: MergedCycle): Pending =>
  inSlicesThen(commitSteps(session, underWay, merged), () => {
    const { hash, row } = merged
    commit(session, underWay, merged)
    send(session, { type: "MERGED", version: row.version, hash, halt: reasonOf(session.haltCause) })
    return undefined
  })

/** The part of a commit that is not visible before the cycle is committed, and that cannot be undone. */
function* commitSteps(session: JobSession, underWay: UnderWay, { row }: MergedCycle): Generator<void, void> {
  const { ledger, tracker } = session
  const { merge, unperformed } = underWay
  const pruned = yield* merge.commit(neededBy(session, underWay, row))
  yield* tracker.commit(row, ledger, pruned, merge.halt, unperformed)
}

/** The facts that the job still needs when the cycle under way is committed. */
const neededBy = (
  { ledger, outbox, program, progress }: JobSession,
  { begin, performed, selection }: UnderWay,
  row: CommittedCycle
): Needed | undefined => {
  if (program.retained.length === 0) return undefined
  const marks = new Map(program.agents.map(({ name }, index) => [name, at(progress, index).mark]))
  for (const { agent } of selection.agents) marks.set(agent.name, begin)
  return neededAfter({
    triggers: program.triggers,
    markOf: (agent) => marks.get(agent) ?? 0,
    waiting: [...(outbox?.unstaged ?? []), ...performedIn(row, performed)],
    ledger
  })
}

const commit = (session: JobSession, underWay: UnderWay, { hash, pieces, row }: MergedCycle): void => {
  const { begin, merge, outcomes, performed, selection, staged } = underWay
  session.ledger.setHash(hash)
  advance(session.progress, selection, begin)
  logNotes(session)
  session.log.append({ _tag: "Committed", row, previousTier: session.tier, length: lengthOfPieces(pieces) })
  session.endCycle()
  session.cycle = row.cycle
  session.tier = row.tier
  session.haltCause = merge.halt
  session.storedHalt = merge.halt
  let facts = row.violations.length
  let discarded = 0
  for (const signal of row.signals) facts += signal.facts.length
  for (const outcome of row.outcomes) {
    facts += outcome.facts.length
    if (outcome.cause !== undefined) discarded++
    else if (outcome.effect !== undefined && outcome.effect.tokens > 0) {
      session.reported.add(outcome.agent, outcome.effect.tokens, 0)
    }
  }
  for (const { cpuMs } of outcomes) session.cpuMs += cpuMs
  Telemetry.noteCycle(session.options.services, facts, row.outcomes.length - discarded, discarded)
  if (staged.length > 0) answerSignals(session, staged)
  session.kept = undefined
  commitShares(session, underWay)
  if (session.outbox !== undefined || performed.length > 0) takeIntents(session, underWay)
  if (session.notes.length > 0) session.notes = []
}

/** Gives the outbox the performed intents of a committed cycle, and drops the intents that the cycle answered. */
const takeIntents = (session: JobSession, { committedAt: at, cycle, performed }: UnderWay): void => {
  const { tracker } = session
  const added = performed.length === 0 ? [] : tracker.intentsOf(cycle).filter(({ kind }) => performed.includes(kind))
  const outbox = session.outbox ?? session.openOutbox([])
  outbox.commit(added.map((intent) => ({ intent, at })))
}

/** Judges the fixed point, if this is one, in one step with the machine's transition. */
const checking = (session: JobSession): undefined => {
  const mailbox = session.mailbox.length + (session.outbox?.overdueCount ?? 0)
  // A cycle that was begun, and not executed, found nothing to do.
  const isFixedPoint = session.haltCause === undefined && session.underWay !== undefined && mailbox === 0
  const intents = isFixedPoint ? (session.outbox?.size ?? 0) + (isHeldOpen(session) ? 1 : 0) : 0
  let halt = reasonOf(session.haltCause)
  if (isFixedPoint && intents === 0 && !session.actor.getSnapshot().context.pausing) {
    const verdict = judge(session.program, session.ledger, session.cycle)
    if (verdict._tag === "Converged") {
      session.output = verdict.output
      session.outputText = verdict.outputText
      halt = { status: "converged", error: null }
    } else {
      session.haltCause = verdict.cause
      halt = reasonOf(verdict.cause)
    }
  }
  session.discardCycle()
  send(session, { type: "CHECKED", mailbox, intents, halt })
}
