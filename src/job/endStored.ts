/**
 * Ends stored jobs that no engine runs. The children of a job end with it.
 *
 * The journal says which children may be unfinished: those whose intents are not answered, and those that failed their parent
 * because they could not be started or resumed. Children end before their parent does, so an interrupted end can be repeated.
 *
 * Boundary: the store, and the session of a job that ends. The caller decides whether to wait for an engine that holds a child.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { InvalidInput, JournalCorrupt, ProgramChanged } from "../outcome/JobError.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import type { JobStore, StoreError } from "../store/JobStore.ts"
import { undefinedIfMissing } from "../store/missing.ts"
import { childKind } from "../program/answerKinds.ts"
import { causeJson } from "../journal/causes.ts"
import { replayAt } from "../journal/migrate.ts"
import { keptEnd, notedEnd } from "../journal/notedEnd.ts"
import { addPayments } from "../journal/payments.ts"
import type { JobSession } from "./session.ts"
import type { Tracker } from "../cycle/tracker.ts"
import { type Cause, type Status, statusOf } from "../outcome/Cause.ts"
import { childIdsOf } from "../intents/childIds.ts"
import { intentKey } from "../program/keys.ts"
import type { EndExtra } from "../journal/records.ts"

type Store = JobStore["Service"]
type EndError = StoreError | JournalCorrupt | ProgramChanged | InvalidInput

interface Child {
  readonly jobId: string
  /** The name of its program. */
  readonly program: unknown
}

/** The children of a job that may be unfinished. `childId` gives the id of the child of an intent's key. */
const openChildren = (
  childId: (key: string) => string,
  { diagnostics, intents }: Tracker,
  unanswered: Iterable<CommittedIntent>,
  halt: Cause | undefined
): ReadonlyArray<Child> => {
  const open = new Map<string, CommittedIntent>()
  for (const intent of unanswered) if (intent.kind === childKind) open.set(intentKey(intent), intent)
  const failed = new Set<string>()
  for (const cause of [halt, ...diagnostics.map(({ cause }) => cause)]) {
    if (cause?._tag === "IntentFailed" && cause.kind === childKind) failed.add(cause.key)
  }
  if (failed.size > 0) {
    for (const intent of intents) if (failed.has(intentKey(intent))) open.set(intentKey(intent), intent)
  }
  return [...open].map(([key, { payload }]) => {
    const program =
      typeof payload === "object" && payload !== null && "program" in payload ? payload.program : undefined
    return { jobId: childId(key), program }
  })
}

/** Whether a job is unfinished and of the expected program. Another job may have taken the id. */
const isUnfinished = (store: Store, { jobId, program }: Child): Effect.Effect<boolean, StoreError> =>
  Effect.map(
    undefinedIfMissing(store.load(jobId)),
    (journal) => journal !== undefined && journal.status === undefined && journal.program === program
  )

/**
 * Ends a journal that we hold, after `endChild` has ended the job's children. The job ends as an earlier process was about to end
 * it, as its last row says that it halts, or else as cancelled. On a failure, releases the journal.
 */
export const endHeld = <E>(
  store: Store,
  jobId: string,
  fence: number,
  endChild: (jobId: string) => Effect.Effect<unknown, E>
): Effect.Effect<void, E | EndError> =>
  Effect.gen(function* () {
    const { header, replay } = yield* replayAt(store, yield* store.load(jobId), undefined, undefined)
    const saved = yield* store.kept(jobId)
    yield* addPayments({ jobId, saved }, replay)
    const { cycle, halt, ledger, pending, tracker, usage } = replay
    const noted = yield* notedEnd(jobId, saved, replay)
    const cause = halt ?? { _tag: "JobCancelled", cycle }
    const end: EndExtra = noted ?? { status: statusOf(cause), cause: causeJson(cause), usage }
    const unanswered = [...pending.values()].map(({ intent }) => intent)
    const childId = childIdsOf(jobId, header.depth !== undefined)
    let isNoted = noted !== undefined
    for (const child of openChildren(childId, tracker, unanswered, halt)) {
      if (!(yield* isUnfinished(store, child))) continue
      if (!isNoted) yield* store.keep(jobId, fence, keptEnd(cycle, ledger.hash, end))
      isNoted = true
      yield* endChild(child.jobId)
    }
    const haltedAt = yield* Clock.currentTimeMillis
    yield* store.halt(jobId, fence, { status: end.status, haltedAt, text: () => JSON.stringify(end) })
  }).pipe(Effect.onError(() => Effect.ignore(store.release(jobId, fence))))

/** Ends an unfinished job. If another engine holds it, asks that engine to end it. `endChild` does the same for its children. */
export const endOrAsk = (
  store: Store,
  jobId: string,
  endChild: (jobId: string) => Effect.Effect<void, EndError>
): Effect.Effect<void, EndError> =>
  Effect.matchEffect(store.lease(jobId), {
    onSuccess: (fence) => endHeld(store, jobId, fence, endChild),
    onFailure: (error) => {
      if (error.reason === "missing") return Effect.void
      return error.reason === "held" ? Effect.ignore(store.requestCancel(jobId)) : Effect.fail(error)
    }
  })

/** The children that a job with this end may have to end. None if the job is left in its journal. */
export const childrenToEnd = (session: JobSession, status: Status): ReadonlyArray<Child> => {
  const { haltCause, options, outbox, tracker } = session
  if (!options.store.isDurable || status === "converged" || session.isLeftAs(status)) return []
  return openChildren(session.childId, tracker, outbox?.unanswered ?? [], haltCause)
}

/** Ends the unfinished children of a job that ends for good. The job never resumed these children, or could not resume them. */
export const endChildren = (session: JobSession, status: Status): Effect.Effect<void> => {
  const { performers, store } = session.options
  const end = performers.get(childKind)?.endJob
  if (end === undefined) return Effect.void
  return Effect.forEach(
    childrenToEnd(session, status),
    (child) =>
      Effect.flatMap(isUnfinished(store, child), (isOpen) => (isOpen ? end(child.jobId) : Effect.void)).pipe(
        Effect.catchCause((cause) => Effect.logWarning(`the child job ${child.jobId} could not be ended`, cause))
      ),
    { concurrency: Limits.handlersUnderWay, discard: true }
  )
}
