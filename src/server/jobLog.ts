/**
 * Lines of the log about a job's life: it has started, it has ended, and how.
 *
 * Boundary: says it; the directory knows when.
 */
import * as Effect from "effect/Effect"
import type { KnownJob } from "./directory.ts"
import { leftBy } from "./jobView.ts"

/** Whether a job was started by a request, or is gone on with from its journal. */
export const logStart = ({ job, view }: KnownJob, isNew: boolean): Effect.Effect<void> =>
  Effect.annotateLogs(isNew ? Effect.logInfo(`job ${job.id} started`) : Effect.logInfo(`job ${job.id} goes on`), {
    job: job.id,
    program: view.program.name
  })

/** How a job ended. Says nothing of one that was let go, and goes on later. */
export const logEnd = ({ end, job, view }: KnownJob): Effect.Effect<void> => {
  const left = end === undefined ? undefined : leftBy(end)
  if (left === undefined || view.leftFor !== undefined) return Effect.void
  const { cycles, status, usage } = "partial" in left ? left.partial : left
  const annotations = { job: job.id, program: view.program.name, status, cycles, durationMs: usage.durationMs }
  return Effect.annotateLogs(Effect.logInfo(`job ${job.id} ended: ${status}`), annotations)
}
