/**
 * Puts effects from outside into a cycle: waiting signals in the order of their arrival, then answers to intents in the commit
 * order of the intents. Each is one effect, applied before agents are selected.
 *
 * Boundary: between mailbox, outbox and merge. The machine and the outbox decide whether answers may come.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { messageOf } from "../outcome/diagnosis.ts"
import { InvalidInput, SignalRefused } from "../outcome/JobError.ts"
import { Decision, isDecision } from "../program/answerKinds.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { CycleMerge } from "../cycle/merge.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { EncodedAnswer, OpenIntent, Outbox } from "../intents/outbox.ts"
import type { PendingSignal } from "./mailbox.ts"
import { settleChildren } from "./children.ts"
import type { JobSession } from "./session.ts"
import type { StagedSignal, UnderWay } from "./underWay.ts"

/** Whether a signal or an answer waits to be staged. */
export const isStageable = ({ mailbox, outbox }: JobSession): boolean =>
  mailbox.length > 0 || (outbox !== undefined && outbox.hasDue)

/** The number of signals and answers in the cycle under way. */
export const stagedCount = ({ outbox }: JobSession, { staged }: UnderWay): number =>
  staged.length + (outbox?.stagedCount ?? 0)

/** Applies the effects that wait to the context, in steps. */
export function* stageSteps(session: JobSession, underWay: UnderWay): Generator<void, void> {
  const { mailbox, outbox } = session
  const { merge } = underWay
  if (outbox?.hasDue === true) settleChildren(session, underWay)
  const answered: Array<OpenIntent> = []
  for (let signal = mailbox.shift(); signal !== undefined; signal = mailbox.shift()) {
    const approval = outbox === undefined ? undefined : approvalOf(signal, outbox)
    // A decision after the approval's timeout is too late, because the decision by timeout counts, even if no process was alive
    // to make it.
    const expired = approval === undefined ? undefined : outbox?.expire(approval, signal.at)
    if (outbox !== undefined && approval !== undefined && expired !== undefined) {
      if (!outbox.isDecided(approval) && !answered.includes(approval)) {
        yield* stageAnswer(approval, expired, merge, answered)
      }
      if (merge.halt !== undefined) {
        // The job ends here. The senders of this signal and of later ones get that answer.
        mailbox.unshift(signal)
        break
      }
    }
    const decided = decidedBy(signal, session.ledger)
    if (decided !== undefined) {
      // A decision from before this cycle stands. One of this cycle stands once the cycle is committed.
      if (decided <= underWay.version) refuse(session, signal)
      else underWay.stage(signal, undefined)
      continue
    }
    const answers = approval === undefined || answered.includes(approval) ? undefined : approval.ref
    underWay.stage(signal, yield* merge.stage(signal.effect, "signal", answers, true))
    yield
  }
  if (outbox === undefined || (answered.length === 0 && !outbox.hasDue)) return
  for (const due of outbox.due) {
    // A decision arrived while the timeout passed.
    if (!outbox.isDecided(due) && !answered.includes(due)) yield* stageAnswer(due, due.answer, merge, answered)
    yield
  }
  outbox.stage(answered)
}

function* stageAnswer(
  open: OpenIntent,
  answer: EncodedAnswer,
  merge: CycleMerge,
  answered: Array<OpenIntent>
): Generator<void, void> {
  const { cause } = yield* merge.stage(answer, "signal", open.ref)
  if (cause?._tag === "IntentFailed" && open.halts) merge.halt ??= cause
  answered.push(open)
}

/** The approval that a signal decides, if it does. */
const approvalOf = (signal: PendingSignal, outbox: Outbox): OpenIntent | undefined => {
  const id = decisionOf(signal)?.id
  return id === undefined ? undefined : outbox.approvalOf(id)
}

const decisionOf = ({ effect }: PendingSignal): EncodedFact | undefined =>
  effect.facts.find(({ kind }) => isDecision(kind))

/** The position of another decision that came before that of a signal. The same decision again is a no-op. */
const decidedBy = (signal: PendingSignal, ledger: Ledger): number | undefined => {
  const proposed = decisionOf(signal)
  const existing = proposed && ledger.entry(Decision.name, proposed.id)
  return existing === undefined || existing.text === proposed?.text ? undefined : existing.position
}

/** Refuses a signal whose decision came second. Nothing of it is merged, so the result has nothing of it either. */
const refuse = ({ program: { name: program } }: JobSession, signal: PendingSignal): void => {
  const id = JSON.stringify(decisionOf(signal)?.id)
  const message = `the approval ${id} is decided already: another decision came first`
  const refusal = new SignalRefused({ program, kind: Decision.name, reason: "approval", message })
  Deferred.doneUnsafe(signal.committed, Effect.fail(refusal))
}

/** Answers the senders of a committed cycle's signals. */
export const answerSignals = (session: JobSession, staged: ReadonlyArray<StagedSignal>): void => {
  const { program } = session
  for (const { outcome, signal } of staged) {
    if (outcome === undefined) {
      refuse(session, signal)
      continue
    }
    const answer =
      outcome.cause === undefined
        ? Effect.void
        : Effect.fail(
            new InvalidInput({
              program: program.name,
              message: `the signal was discarded: ${outcome.cause._tag}: ${messageOf(outcome.cause)}`
            })
          )
    Deferred.doneUnsafe(signal.committed, answer)
  }
}
