/**
 * The journal of a session: its writes to the store, their fence, and the end of the job if the store refuses one.
 *
 * Invariants: a note of an event between two cycles is in the journal before the event is published; a job whose store has
 * failed, or whose engine closes, is not ended in its journal, so that it can be resumed (G11). Boundary: between a session and
 * the port of the store. This file makes the text of the end; journal/header.ts, journal/extra.ts and journal/rowText.ts make the
 * texts of the header, the extras and the rows.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { beginningExtra, rowExtra } from "../journal/extra.ts"
import type { OutputFault } from "../cycle/encodeEffect.ts"
import type { TextPieces } from "../journal/rowText.ts"
import type { JobContext } from "../context/JobContext.ts"
import { type JournalEnd, StoreError } from "../store/JobStore.ts"
import { dumpContext } from "../journal/contextDump.ts"
import { noteText, seal } from "../journal/edges.ts"
import { jsonText } from "../values/jsonText.ts"
import { describeError } from "../values/panic.ts"
import type { JobSession, Noting } from "./session.ts"
import type { UnderWay } from "./underWay.ts"
import type { Cause as HaltCause, Status } from "../outcome/Cause.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import { jsonOutput } from "../outcome/resultJson.ts"
import { describeProgram, budgetHeader } from "../journal/header.ts"
import { keptOf, encodeKept } from "../journal/kept.ts"
import { keptEnd } from "../journal/notedEnd.ts"
import { childrenExtra } from "./children.ts"
import { spanIn } from "./observability.ts"
import { runDetached } from "../platform/detached.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { Attributes } from "../program/attributes.ts"
import type { Amounts } from "../program/resolveBudget.ts"
import type { NoteTag, EndExtra, ForkOrigin, JournalHeader, TaskTimes, TimesExtra } from "../journal/records.ts"
import { Limits } from "../Limits.ts"
import { causeJson } from "../journal/causes.ts"

/** The facts and marks of a job's beginning, besides its program and input. */
export interface Beginning {
  readonly context: JobContext | undefined
  /** The agents of a fork that count as having executed. */
  readonly executed: ReadonlyArray<string>
  /** Whether the seeds override facts of the context. The seeds of a fork do. */
  readonly isForced: boolean
  /** For a fork: the job and the cycle that it begins with. */
  readonly forkOf?: ForkOrigin | undefined
  /** The id of the job's parent; undefined for a job that a caller started. */
  readonly parent?: string | undefined
  /** Depth in the tree of child jobs. Default: 0. */
  readonly depth?: number | undefined
  /** The limits that the parent hands down. Default: none. */
  readonly handed?: Amounts | undefined
  /** Default: none. */
  readonly attributes?: Attributes | undefined
}

/** A merged cycle: its row, the row's canonical text in pieces, and the hash of the chain up to it. */
export interface MergedCycle {
  readonly row: CommittedCycle
  readonly pieces: TextPieces
  readonly hash: string
}

/** The text of a fact that was committed. */
const textOf =
  ({ ledger }: JobSession) =>
  (version: number): string =>
    ledger.entryAt(version)?.text ?? ""

/** Begins the journal of a session whose seeds are planted. */
export const createJournal = (
  session: JobSession,
  beginning: Beginning,
  row: CommittedCycle,
  pieces: TextPieces
): Effect.Effect<void, StoreError> => {
  const { ledger, options, program } = session
  const { context } = beginning
  const span = spanIn(options.services)
  const header = (): string => {
    const header: JournalHeader = {
      ...describeProgram(program),
      budget: budgetHeader(session.budget),
      executed: beginning.executed,
      isForced: beginning.isForced,
      ...(beginning.forkOf === undefined ? {} : { forkOf: beginning.forkOf }),
      earlier: [],
      depth: session.level,
      ...(Object.keys(session.handed).length === 0 ? {} : { handed: session.handed }),
      beginning: beginningExtra(row, session.haltCause, textOf(session)),
      ...(span === undefined ? {} : { span })
    }
    return JSON.stringify(header)
  }
  const create = Effect.suspend(() =>
    options.store.create({
      jobId: session.jobId,
      program: program.name,
      parent: beginning.parent,
      attributes: session.attributes,
      createdAt: (session.createdAt = session.clockMs),
      text: () => pieces.join(""),
      hash: ledger.hash,
      header,
      base: context === undefined ? undefined : () => dumpContext(context)
    })
  )
  // An interrupted start must know whether there is a journal to end.
  return Effect.uninterruptible(Effect.map(create, (fence) => void (session.fence = fence)))
}

/** Tenths of a millisecond are enough for a picture, and short to write. */
const rounded = (ms: number): number => Math.round(ms * 10) / 10

/** The times of the tasks that took a while, the longest if there are many. Undefined if there are none. */
const timesOf = (session: JobSession, { beganAt, outcomes }: UnderWay): TimesExtra | undefined => {
  const tasks: Array<TaskTimes> = []
  for (let place = 0; place < outcomes.length; place++) {
    const ran = outcomes[place]?.ran
    if (ran === undefined) continue
    const { attempts, startMs, tookMs, worker } = ran
    const times = [place, worker, rounded(startMs), rounded(tookMs)] as const
    tasks.push(attempts === undefined ? times : [...times, attempts])
  }
  if (tasks.length === 0) return undefined
  const longest =
    tasks.length <= Limits.recordedTasks
      ? tasks
      : tasks
          .toSorted((a, b) => b[3] - a[3])
          .slice(0, Limits.recordedTasks)
          .toSorted((a, b) => a[0] - b[0])
  return { ms: rounded(session.monotonicMs - beganAt), tasks: longest }
}

/** Writes the row of a merged cycle. */
export const appendRow = (
  session: JobSession,
  underWay: UnderWay,
  { hash, pieces, row }: MergedCycle
): Effect.Effect<void, StoreError> => {
  const { store } = session.options
  const { merge, outcomes, performed, unperformed } = underWay
  // The time of an approval counts from here.
  if (performed.length > 0) underWay.committedAt = session.clockMs
  const extra = (): string => {
    const at = performed.length > 0 ? underWay.committedAt : session.clockMs
    let { cpuMs } = session
    for (const outcome of outcomes) cpuMs += outcome.cpuMs
    return rowExtra(row, merge.halt, textOf(session), {
      at,
      ranMs: session.durationMs,
      cpuMs,
      before: session.notes,
      handled: performed,
      children: childrenExtra(underWay),
      unperformed,
      spent: session.spent.sums,
      times: timesOf(session, underWay)
    })
  }
  return store.append(session.jobId, session.fence ?? 0, { cycle: row.cycle, text: () => pieces.join(""), hash, extra })
}

/**
 * The cause that ends a job whose store did not take a row. The store's message may name files, so it goes to the log only.
 * The cause, which clients read, gets the reason.
 */
export const storeFailed = (session: JobSession, cycle: number, cause: Cause.Cause<StoreError>): HaltCause => {
  const error = Cause.squash(cause)
  const reason = error instanceof StoreError ? error.reason : isStringTooLong(error) ? "too-large" : "failed"
  runDetached(
    session.options.services,
    Effect.logWarning(`the store did not take cycle ${cycle} of job ${session.jobId}: ${describeError(error)}`)
  )
  const advice =
    reason === "too-large" ? ". It never will: let agents return smaller facts, or fewer facts in one cycle" : ""
  return { _tag: "StoreFailed", cycle, message: `the store did not take cycle ${cycle}: ${reason}${advice}`, reason }
}

/** Whether a row is longer than a string can be. */
const isStringTooLong = (error: unknown): boolean =>
  error instanceof RangeError && error.message === "Invalid string length"

/**
 * Writes a note to the journal, then to the log, and then calls `onNoted`. If the store refuses it, that is logged.
 *
 * Notes are in the log in the order of the calls, whichever fiber goes on first when they are written.
 */
export const writeNote = (session: JobSession, tag: NoteTag, onNoted: () => void): void => {
  const { services, store } = session.options
  const { cycle, fence } = session
  const noting: Noting = { tag, cycle, onNoted, isWritten: false }
  session.notes.push(tag)
  session.noting.push(noting)
  const written = (): void => {
    noting.isWritten = true
    logWritten(session)
  }
  if (!store.isDurable || fence === undefined) return written()
  const isIdle = tag !== "Resumed" && session.outbox?.isIdle !== false
  const note = store.note(session.jobId, fence, noteText(session.jobId, session.notes), { isIdle })
  const noted = Effect.catchCause(note, (cause) =>
    Effect.logWarning(`job ${session.jobId} could not note that it is ${tag.toLowerCase()}`, cause)
  )
  runDetached(services, Effect.andThen(noted, Effect.sync(written)))
}

/** Logs the notes that are written, up to the first that is not. */
const logWritten = (session: JobSession): void => {
  for (let next = session.noting[0]; next?.isWritten === true; next = session.noting[0]) {
    session.noting.shift()
    session.log.append({ _tag: next.tag, cycle: next.cycle })
    next.onNoted()
  }
}

/** Logs all notes. A later write of the job has taken effect, so the writes of these have, too. */
export const logNotes = (session: JobSession): void => {
  for (const noting of session.noting) noting.isWritten = true
  logWritten(session)
}

/** Saves the effect of a task in the store, in case the process dies before the cycle is committed. */
export const keepEffect = (
  { fence, jobId, ledger, options }: JobSession,
  { cycle, staged }: UnderWay,
  key: string,
  effect: EncodedEffect | OutputFault | undefined
): void => {
  const { services, store } = options
  if (!store.isDurable || fence === undefined || effect === undefined || "_tag" in effect) return
  // The signals of an uncommitted cycle are lost with the process, so no later run of the task gets the same view.
  if (staged.length > 0) return
  const text = seal(keptOf(ledger.hash, key), encodeKept(effect))
  const keep = Effect.catchCause(store.keep(jobId, fence, { cycle, key, text }), (cause) =>
    Effect.logWarning(`job ${jobId} could not keep what ${key} gave`, cause)
  )
  runDetached(services, keep)
}

/** The end of a job, to be written. Its text may omit the output. */
interface Ended extends Omit<JournalEnd, "text"> {
  readonly text: (hasOutput: boolean) => string
}

/** The end of a session with a status, as its journal says it, but for the output. */
const endOf = ({ cycle, haltCause, usage }: JobSession, status: Status): EndExtra => {
  const cause = status === "converged" ? null : (haltCause ?? { _tag: "JobCancelled", cycle })
  return { status, cause: cause === null ? null : causeJson(cause), usage }
}

/**
 * Notes the end of a job that has children, before they are cancelled for it. If the store refuses the note, that is logged, and
 * the job is left in its journal with its children: it ends when it is resumed.
 */
export const noteEnd = (session: JobSession, status: Status): Effect.Effect<void> =>
  Effect.suspend(() => {
    const { cycle, fence, haltCause, jobId, ledger, options, storedHalt } = session
    // The last row says that the job halts: then it halts also when it is resumed.
    const isStored = haltCause !== undefined && haltCause === storedHalt
    if (fence === undefined || isStored) return Effect.void
    const kept = Effect.suspend(() =>
      options.store.keep(jobId, fence, keptEnd(cycle, ledger.hash, endOf(session, status)))
    )
    return Effect.catchCause(kept, (cause) => {
      const error = Cause.squash(cause)
      session.endRefused = error instanceof StoreError ? error.reason : "failed"
      return Effect.logWarning(`the store did not take the end of job ${jobId}: ${describeError(error)}`)
    })
  })

/** Ends the journal, or leaves it so that the job can be resumed. */
export const endJournal = (session: JobSession, status: Status): Effect.Effect<void, StoreError> => {
  const { haltCause, jobId, options } = session
  const { store } = options
  const { fence } = session
  if (fence === undefined) return Effect.void
  if (session.isLeftAs(status)) {
    const reason = haltCause?._tag === "StoreFailed" ? haltCause.reason : session.endRefused
    if (reason === undefined) return store.release(jobId, fence)
    // The engine that holds the job now, or that resumes it later, goes on from the last row.
    return reason === "fenced" ? Effect.void : Effect.ignore(store.release(jobId, fence, { failure: reason }))
  }
  const at = session.clockMs
  session.haltedAt = at
  // The clock stops before the end is written, so that a result from the journal has the same usage.
  session.clock.stop(session.monotonicMs)
  const text = (hasOutput: boolean): string =>
    endText(endOf(session, status), hasOutput ? jsonOutput(session.output, session.outputText) : undefined)
  // If the store does not take the end, the engine that resumes the job ends it.
  return Effect.matchEffect(haltJournal(session, fence, { status, haltedAt: at, text }), {
    onFailure: (error) =>
      Effect.andThen(Effect.ignore(store.release(jobId, fence, { failure: error.reason })), Effect.fail(error)),
    onSuccess: () => Effect.sync(() => session.move({ _tag: "EndStored" }))
  })
}

/** Writes the end. If the text is too long, it omits the output, which readers then compute again. */
const haltJournal = (
  { jobId, options: { store } }: JobSession,
  fence: number,
  end: Ended
): Effect.Effect<void, StoreError> =>
  Effect.catchTag(store.halt(jobId, fence, { ...end, text: () => end.text(true) }), "StoreError", (error) =>
    error.reason === "too-large"
      ? store.halt(jobId, fence, { ...end, text: () => end.text(false) })
      : Effect.fail(error)
  )

/** The text of the end, with the output if it has a JSON form. */
const endText = (extra: EndExtra, output: unknown): string => {
  const text = JSON.stringify(extra)
  try {
    // A bigint has no JSON form, so the output is left out.
    const written = jsonText(output, (value) => value)
    return written === undefined ? text : `${text.slice(0, -1)},"output":${written}}`
  } catch {
    return text
  }
}
