/**
 * The effects that come into a cycle from outside: waiting signals in the order of their arrival, then answers to intents in
 * the commit order of the intents. Each is one effect, applied before agents are selected.
 *
 * Boundary: between mailbox, outbox and merge. The machine and the outbox decide whether answers may come.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { InvalidInput } from "../outcome/JobError.ts"
import { Decision } from "../program/answerKinds.ts"
import type { CycleMerge } from "../cycle/merge.ts"
import type { EncodedAnswer, OpenIntent, Outbox } from "../intents/outbox.ts"
import type { PendingSignal } from "./mailbox.ts"
import { settleChildren } from "./children.ts"
import type { JobSession } from "./session.ts"
import { eraseKind } from "../program/erased.ts"
import type { StagedSignal, UnderWay } from "./underWay.ts"

const decision = eraseKind(Decision)

/** Whether anything waits to be staged. */
export const isStageable = ({ mailbox, outbox }: JobSession): boolean =>
  mailbox.length > 0 || (outbox !== undefined && outbox.hasDue)

/** The number of effects that the cycle under way was given. */
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
    // A decision that came after the approval's time meets the decision by timeout, also if no process was there to make it.
    const expired = approval === undefined ? undefined : outbox?.expire(approval, signal.at)
    if (outbox !== undefined && approval !== undefined && expired !== undefined) {
      if (!outbox.isDecided(approval) && !answered.includes(approval)) {
        yield* stageAnswer(approval, expired, merge, answered)
      }
      if (merge.halt !== undefined) {
        // The job ends here: the senders of this signal, and of those that follow, are told so.
        mailbox.unshift(signal)
        break
      }
    }
    const answers = approval === undefined || answered.includes(approval) ? undefined : approval.ref
    underWay.stage(signal, yield* merge.stage(signal.effect, "signal", answers, true))
    yield
  }
  if (outbox === undefined || (answered.length === 0 && !outbox.hasDue)) return
  for (const due of outbox.due) {
    // Somebody decided while its time was running out.
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
const approvalOf = ({ effect }: PendingSignal, outbox: Outbox): OpenIntent | undefined => {
  const id = effect.facts.find(({ kind }) => kind === decision)?.id
  return id === undefined ? undefined : outbox.approvalOf(id)
}

/** Tells the senders of a committed cycle's signals what became of them. */
export const answerSignals = ({ program }: JobSession, staged: ReadonlyArray<StagedSignal>): void => {
  for (const { outcome, signal } of staged) {
    const answer =
      outcome.cause === undefined
        ? Effect.void
        : Effect.fail(
            new InvalidInput({
              program: program.name,
              message: `the signal was discarded: ${outcome.cause._tag}`
            })
          )
    Deferred.doneUnsafe(signal.committed, answer)
  }
}
