/**
 * The port through which committed cycles are journaled.
 *
 * - `create`: begins a job's journal with the text and hash of its beginning
 * - `append`: adds the row of one committed cycle; the machine leaves `merging` only after it
 * - `halt`: ends the journal with the job's status
 *
 * Boundary: the service, its error, and the adapter that keeps nothing beyond the process.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Status } from "../JobResult.ts"

/** The store did not take a row. `message` says why. */
export class StoreError extends Data.TaggedError("StoreError")<{ readonly message: string }> {}

/** One committed cycle: its canonical text, made when asked for, and the hash that chains it to the one before. */
export interface JournalRow {
  readonly cycle: number
  readonly text: () => string
  readonly hash: string
}

/** The journal of jobs. */
export class JobStore extends Context.Service<
  JobStore,
  {
    readonly create: (job: {
      readonly jobId: string
      readonly program: string
      readonly text: () => string
      readonly hash: string
    }) => Effect.Effect<void, StoreError>
    readonly append: (jobId: string, row: JournalRow) => Effect.Effect<void, StoreError>
    readonly halt: (jobId: string, status: Status) => Effect.Effect<void, StoreError>
  }
>()("effect-converge/store/JobStore") {}

/**
 * A store that outlives nothing: it holds each live job's last cycle, to refuse rows out of order, and forgets a job when
 * it halts (G13).
 */
export const layerMemory: Layer.Layer<JobStore> = Layer.sync(JobStore, () => {
  const lastCycle = new Map<string, number>()
  const refuse = (message: string) => Effect.fail(new StoreError({ message }))
  return {
    create: ({ jobId }) =>
      Effect.suspend(() => {
        if (lastCycle.has(jobId)) return refuse(`the job ${jobId} already has a journal`)
        lastCycle.set(jobId, 0)
        return Effect.void
      }),
    append: (jobId, { cycle }) =>
      Effect.suspend(() => {
        const last = lastCycle.get(jobId)
        if (last === undefined) return refuse(`the job ${jobId} has no journal`)
        if (cycle !== last + 1) return refuse(`cycle ${cycle} of job ${jobId} does not follow cycle ${last}`)
        lastCycle.set(jobId, cycle)
        return Effect.void
      }),
    halt: (jobId) => Effect.sync(() => lastCycle.delete(jobId))
  }
})
