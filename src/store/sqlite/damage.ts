/**
 * The damage that an open store has met: the first of its file, and the jobs whose records are not what was written.
 *
 * Only operations that need a damaged page meet the damage, so a successful write does not exclude it. The store remembers the
 * damage until it is opened again. Invariant: `Limits` bounds the jobs that are remembered (G14). Boundary: remembers.
 */
import { Limits } from "../../Limits.ts"
import type { Refusal } from "../refusals.ts"

export class Damage {
  #met: Refusal | undefined
  readonly #jobs = new Set<string>()

  /** The first refusal because of damage. Undefined if there was none. */
  get met(): Refusal | undefined {
    return this.#met
  }

  /** Remembers a refusal if it is the first because of damage. */
  note(refusal: Refusal): void {
    if (refusal.reason === "corrupt" || refusal.reason === "not-a-database") this.#met ??= refusal
  }

  /** The jobs that were found to be damaged. */
  get jobs(): ReadonlySet<string> {
    return this.#jobs
  }

  /** Remembers a job whose records are damaged. The file around them may be sound. */
  noteJob(jobId: string): void {
    if (this.#jobs.size < Limits.damagedJobs) this.#jobs.add(jobId)
  }

  /** Forgets all jobs. One that is still there, and damaged, is met again. */
  forgetAll(): void {
    this.#jobs.clear()
  }

  /** Forgets a job that is deleted, and the jobs below it. */
  forget(jobId: string): void {
    for (const id of this.#jobs) if (id === jobId || id.startsWith(`${jobId}/`)) this.#jobs.delete(id)
  }
}
