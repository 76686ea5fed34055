/**
 * What comes into a cycle from outside: waiting signals in the order of their arrival, then answers to intents in the commit
 * order of those. Each is one effect, applied before agents are selected.
 *
 * Boundary: between mailbox, outbox and merge; whether answers may come is for the machine and the outbox to say.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { InvalidInput } from "../outcome/JobError.ts"
import type { CycleMerge } from "../cycle/merge.ts"
import { Decision } from "../program/answerKinds.ts"
import type { Entry, Outbox } from "../intents/outbox.ts"
import type { PendingSignal } from "./mailbox.ts"
import type { JobSession } from "./session.ts"
import { inSlices } from "../platform/slices.ts"
import { eraseKind } from "../program/erased.ts"

const decision = eraseKind(Decision)

/** Whether anything waits to be staged. */
export const isStageable = ({ mailbox, outbox }: JobSession): boolean =>
  mailbox.length > 0 || (outbox !== undefined && outbox.hasDue)

/** How many effects the cycle under way was given. */
export const stagedCount = ({ outbox, staged }: JobSession): number => staged.length + (outbox?.stagedCount ?? 0)

/** Applies what waits to the context. */
export const stageWaiting = (session: JobSession, merge: CycleMerge): Effect.Effect<void> =>
  inSlices(stageSteps(session, merge))

function* stageSteps(session: JobSession, merge: CycleMerge): Generator<void, void> {
  const { mailbox, outbox, staged } = session
  const entries: Array<Entry> = []
  for (let signal = mailbox.shift(); signal !== undefined; signal = mailbox.shift()) {
    const approval = outbox === undefined ? undefined : approvalOf(signal, outbox)
    // A decision that came after the approval's time finds that by timeout, though nobody was there to make it.
    if (outbox !== undefined && approval !== undefined && outbox.expire(approval, signal.at)) {
      if (!outbox.isDecided(approval) && !entries.includes(approval)) yield* stageAnswer(approval, merge, entries)
      if (merge.halt !== undefined) {
        // The job ends here: who sent this, and what follows, is told so.
        mailbox.unshift(signal)
        break
      }
    }
    const answered = approval === undefined || entries.includes(approval) ? undefined : approval.ref
    const outcome = yield* merge.stage(signal.effect, "signal", answered, true)
    staged.push({ signal, outcome })
    yield
  }
  if (outbox === undefined || (entries.length === 0 && !outbox.hasDue)) return
  for (const entry of outbox.due) {
    // Somebody decided while its time was running out.
    if (!outbox.isDecided(entry) && !entries.includes(entry)) yield* stageAnswer(entry, merge, entries)
    yield
  }
  outbox.stage(entries)
}

function* stageAnswer(entry: Entry, merge: CycleMerge, entries: Array<Entry>): Generator<void, void> {
  const { cause } = yield* merge.stage(entry.answer!, "signal", entry.ref)
  if (cause?._tag === "IntentFailed" && entry.halts) merge.halt ??= cause
  entries.push(entry)
}

/** The approval that a signal decides, if it does. */
const approvalOf = ({ effect }: PendingSignal, outbox: Outbox): Entry | undefined => {
  const id = effect.facts.find(({ kind }) => kind === decision)?.id
  return id === undefined ? undefined : outbox.approvalOf(id)
}

/** Tells the senders of the cycle's signals what became of them. */
export const answerSignals = (session: JobSession): void => {
  for (const { outcome, signal } of session.staged.splice(0)) {
    const answer =
      outcome.cause === undefined
        ? Effect.void
        : Effect.fail(
            new InvalidInput({
              program: session.program.name,
              message: `the signal was discarded: ${outcome.cause._tag}`
            })
          )
    Deferred.doneUnsafe(signal.committed, answer)
  }
}
