/**
 * The marks of a session that an engine reads and sets: what it has done with the job so far, and how it leaves the job.
 *
 * Boundary: the one file of the engine that touches these fields of a session.
 */
import type { JobSession } from "../job/session.ts"

/** Whether the job has an actor: its seeds are planted. */
export const isStarted = (session: JobSession): boolean => session.isStarted

/** Whether the job has a place: it is not in the queue. */
export const isAdmitted = (session: JobSession): boolean => session.isAdmitted

/** Marks that the job has its place. */
export const markAdmitted = (session: JobSession): void => {
  session.move({ _tag: "Admitted" })
}

/** Marks a job that is cancelled next: it stays unfinished in its journal, to be resumed. */
export const leaveInJournal = (session: JobSession): void => {
  session.wanted = "suspend"
}

/** As `leaveInJournal`; but a job that somebody has cancelled ends for good. */
export const leaveUnlessCancelled = (session: JobSession): void => {
  if (session.wanted !== "cancel") session.wanted = "suspend"
}
