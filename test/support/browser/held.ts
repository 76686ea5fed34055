/**
 * How far the jobs of a test may go: agents of a job that a test holds wait until the test lets them go on. So a test sees for as
 * long as it looks what a job would be only for a moment.
 *
 * Boundary: for agents in the process of the test, on its main thread. A job that nobody holds goes on at once.
 */
import * as Effect from "effect/Effect"

const lastSteps = new Map<string, number>()
const waiting = new Set<() => void>()

/** Lets the agents of a job do their steps up to one, and no further: before the job starts, and again to let it go on. */
export const holdAt = (jobId: string, lastStep: number): void => {
  lastSteps.set(jobId, lastStep)
  for (const look of waiting) look()
}

/** Lets a job go on to its end. */
export const letGo = (jobId: string): void => holdAt(jobId, Infinity)

/** Waits until the job may do a step. */
export const mayDo = (jobId: string, step: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const look = (): void => {
      if (step > (lastSteps.get(jobId) ?? Infinity)) return
      waiting.delete(look)
      resume(Effect.void)
    }
    waiting.add(look)
    look()
    return Effect.sync(() => void waiting.delete(look))
  })
