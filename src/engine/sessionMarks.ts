/**
 * The marks of a session that an engine reads and sets: the job's progress through the engine, and the way it leaves the job.
 *
 * Boundary: the one file of the engine that touches these fields of a session.
 */
import type { JobSession } from "../job/session.ts"

/** Whether the job has an actor, which it gets when its seeds are planted. */
export const isStarted = (session: JobSession): boolean => session.isStarted

/** Whether the job has a place and is not in the queue. */
export const isAdmitted = (session: JobSession): boolean => session.isAdmitted

/** Marks that the job has its place. */
export const markAdmitted = (session: JobSession): void => {
  session.move({ _tag: "Admitted" })
}

/** Marks a job before its cancellation, so that it stays unfinished in its journal and can be resumed. */
export const leaveInJournal = (session: JobSession): void => {
  session.wanted = "suspend"
}

/** Does the same as `leaveInJournal`, unless a caller has cancelled the job, which then ends for good. */
export const leaveUnlessCancelled = (session: JobSession): void => {
  if (session.wanted !== "cancel") session.wanted = "suspend"
}
