/**
 * Jobs that were taken up and got no further: which of them are tried again, when, and when it is enough.
 *
 * Such a job may have ended its process, and every other job that ran there with it, so it is not known which one did. From the
 * third time on, jobs are tried apart: the least suspicious first, after a pause, one alone, then two, four and so on for as long
 * as the process lives. So innocent jobs get further, and the guilty one is left. The last attempt of a job is made alone.
 *
 * Invariant: what is counted is in the store, so a new process goes on where the last one died. Boundary: choices; resuming.ts
 * takes jobs up.
 */
import type { StoredJob, StoredJournal } from "../store/JobStore.ts"
import { Limits } from "../Limits.ts"
import type { LiveJobs } from "./liveJobs.ts"

/** A job on trial: the cycle that it had when it was taken up, and when that was. */
interface Trial {
  readonly cycle: number
  readonly at: number
}

const countOf = ({ attempts }: StoredJob): number => attempts?.count ?? 0

export class Suspects {
  readonly #live: LiveJobs
  readonly #most: number
  readonly #trials = new Map<string, Trial>()
  /** How many are tried at a time. */
  #width = 1

  constructor(live: LiveJobs, most: number) {
    this.#live = live
    this.#most = most
  }

  /** Whether a job has had all its attempts. A quarantined job is no such job: it has had them, and somebody was told. */
  isSpent(job: StoredJob): boolean {
    return job.attempts !== undefined && job.attempts.quarantine === undefined && countOf(job) >= this.#most
  }

  /** Whether a job is to be tried apart. */
  isSuspect(job: StoredJob): boolean {
    return !this.isSpent(job) && countOf(job) >= Limits.attemptsApart
  }

  /** The suspects that are to be tried now. */
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
    // A clock that was set back holds no job up.
    return Math.abs(now - (job.attempts?.at ?? 0)) >= pauseMs
  }
}

/** Why a job is quarantined that has had all its attempts. */
export const quarantineReason = ({ attempts, cycle }: StoredJournal): string => {
  const count = attempts?.count ?? 0
  const failure = attempts?.failure
  const why = failure === undefined ? "its process ended each time" : `the last failure was of its store: ${failure}`
  return `it was taken up ${count} times after cycle ${cycle} and got no further; ${why}`
}
