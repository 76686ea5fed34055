/**
 * The jobs of a store whose journals are not what was written, as far as this server has met them.
 *
 * Such a job is no reason to take the server from the others, so `/ready` tells their number and is ready. Each is logged once.
 * Invariant: `Limits` bounds the jobs that are remembered (G14). Boundary: ids in, a number out; it reads no journal.
 */
import * as Effect from "effect/Effect"
import { Limits } from "../Limits.ts"
import type { JobStore } from "../store/JobStore.ts"

export class DamagedJobs {
  readonly #store: JobStore["Service"]
  /** The jobs that were met, and whether this server found the damage by itself. The store remembers its own. */
  readonly #met = new Map<string, "here" | "store">()

  constructor(store: JobStore["Service"]) {
    this.#store = store
  }

  /** Notes a job that a question found to be damaged. */
  note(jobId: string, detail: string): Effect.Effect<void> {
    return this.#add(jobId, "here", detail)
  }

  /** Forgets all jobs, because old ones were deleted. One that is still there, and damaged, is met again. */
  forgetAll(): void {
    this.#met.clear()
  }

  /** Forgets a job that was deleted, and the jobs below it, or one that was found to be intact. */
  forget(jobId: string): void {
    for (const id of this.#met.keys()) if (id === jobId || id.startsWith(`${jobId}/`)) this.#met.delete(id)
  }

  /** The number of damaged jobs that this server knows of. */
  get count(): Effect.Effect<number> {
    return Effect.gen({ self: this }, function* () {
      const known = new Set(yield* this.#store.damagedJobs ?? Effect.succeed([]))
      for (const [id, by] of this.#met) if (by === "store" && !known.has(id)) this.#met.delete(id)
      for (const id of known) yield* this.#add(id, "store", "its records are not what was written")
      return this.#met.size
    })
  }

  #add(jobId: string, by: "here" | "store", detail: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#met.has(jobId) || this.#met.size >= Limits.damagedJobs) return Effect.void
      this.#met.set(jobId, by)
      return Effect.annotateLogs(Effect.logWarning(`the job ${jobId} is damaged: ${detail}`), { job: jobId })
    })
  }
}
