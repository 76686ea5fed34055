/**
 * Suspects: jobs that were taken up without progress. This file chooses the suspects to try again, the time, and the last
 * attempt.
 *
 * Such a job may have killed its process, and with it all other jobs there, so the guilty job is unknown. From the third attempt
 * on, suspects are tried apart and after a pause. The least suspicious come first: one alone, then two, four and so on, for as
 * long as the process lives. So innocent jobs progress, and the guilty one remains. The last attempt of a job is made alone.
 *
 * Invariant: the store has the counts, so a new process continues where the last one died. Boundary: choices; resuming.ts takes
 * jobs up.
 */
import type { StoredJob, StoredJournal } from "../store/JobStore.ts"
import { Limits } from "../Limits.ts"
import type { LiveJobs } from "./liveJobs.ts"

/** A job on trial, with its cycle and the time when it was taken up. */
interface Trial {
  readonly cycle: number
  readonly at: number
}

const countOf = ({ attempts }: StoredJob): number => attempts?.count ?? 0

export class Suspects {
  readonly #live: LiveJobs
  readonly #most: number
  readonly #trials = new Map<string, Trial>()
  /** The number of suspects that are tried at a time. */
  #width = 1

  constructor(live: LiveJobs, most: number) {
    this.#live = live
    this.#most = most
  }

  /** Whether a job has used up its attempts and is not quarantined yet. */
  isSpent(job: StoredJob): boolean {
    return job.attempts !== undefined && job.attempts.quarantine === undefined && countOf(job) >= this.#most
  }

  /** Whether a job must be tried apart from others. */
  isSuspect(job: StoredJob): boolean {
    return !this.isSpent(job) && countOf(job) >= Limits.attemptsApart
  }

  /** Chooses the suspects to try now. */
  choose<S extends { readonly job: StoredJob }>(suspects: ReadonlyArray<S>, now: number): ReadonlyArray<S> {
    const wasTrying = this.#trials.size > 0
    for (const [jobId, trial] of this.#trials) if (this.#isOver(jobId, trial, now)) this.#trials.delete(jobId)
    if (this.#trials.size > 0) return []
    if (wasTrying) this.#width *= 2
    const ready = suspects
      .filter(({ job }) => this.#isRested(job, now))
      .sort(({ job: a }, { job: b }) => countOf(a) - countOf(b) || (a.attempts?.at ?? 0) - (b.attempts?.at ?? 0))
    const first = ready.filter(({ job }) => countOf(job) < this.#most - 1).slice(0, this.#width)
    const chosen = first.length > 0 ? first : ready.slice(0, 1)
    for (const {
      job: { cycle, jobId }
    } of chosen)
      this.#trials.set(jobId, { cycle, at: now })
    return chosen
  }

  #isOver(jobId: string, { at, cycle }: Trial, now: number): boolean {
    const session = this.#live.findStarted(jobId)
    const isDone = session === undefined || session.cycle > cycle || session.rest !== undefined
    return isDone || Math.abs(now - at) >= Limits.attemptTrialMs
  }

  #isRested(job: StoredJob, now: number): boolean {
    const pauseMs = Limits.attemptPauseMs * 2 ** (countOf(job) - Limits.attemptsApart)
    // The absolute value is for a clock that was set back, which must not delay a job.
    return Math.abs(now - (job.attempts?.at ?? 0)) >= pauseMs
  }
}

/** Returns the reason for the quarantine of a job without attempts left. */
export const quarantineReason = ({ attempts, cycle }: StoredJournal): string => {
  const count = attempts?.count ?? 0
  const failure = attempts?.failure
  const why = failure === undefined ? "its process ended each time" : `the last failure was of its store: ${failure}`
  return `it was taken up ${count} times after cycle ${cycle} without progress; ${why}`
}
