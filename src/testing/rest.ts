/**
 * The rest of a job that waits for a decision, or for a handler that nobody has registered: a run of a check ends there.
 *
 * Boundary: watches one job and its children; ends nothing but that job.
 */
import * as Effect from "effect/Effect"
import { sessionOf } from "../job/jobHandle.ts"
import type { Job } from "../job/Job.ts"
import type { Program } from "../program/Program.ts"
import type { Awaited } from "../intents/outbox.ts"
import { approvalKind } from "../program/answerKinds.ts"

const nothing: ReadonlyArray<never> = Object.freeze([])

/**
 * Waits until a job has ended, or rests. A job that rests is cancelled, since nobody decides in a run of a check; the time limit
 * of an approval is not waited for. Gives what it waited for, in words; nothing for a job that ended by itself.
 */
export const endOrRest = (job: Job<Program.Any>): Effect.Effect<ReadonlyArray<string>> => {
  const session = sessionOf(job)
  const ended = Effect.as(Effect.exit(job.result), nothing)
  if (session === undefined) return ended
  const rested = Effect.callback<ReadonlyArray<Awaited>>((resume) => {
    session.watch(() => {
      const awaited = session.restsFor
      if (awaited !== undefined) resume(Effect.succeed(awaited))
    })
  })
  return Effect.flatMap(Effect.raceFirst(ended, rested), (awaited): Effect.Effect<ReadonlyArray<string>> =>
    awaited.length === 0
      ? Effect.succeed(nothing)
      : Effect.as(
          job.cancel,
          awaited.map((one) => nameOfAwaited(one, job.id))
        )
  )
}

/** The name of what a job waits for, in words. `root`: the id of the job that the run is of. */
export const nameOfAwaited = ({ intent: { kind, payload }, jobId }: Awaited, root: string): string => {
  const child = jobId === root ? "" : ` of the child job ${withoutRoot(jobId, root)}`
  const id: unknown =
    kind === approvalKind && typeof payload === "object" && payload !== null && Reflect.get(payload, "id")
  return typeof id === "string"
    ? `the approval ${JSON.stringify(id)}${child}`
    : `the intent ${JSON.stringify(kind)}${child}`
}

/** The id of a child job without that of the job at the top of its tree. A shortened id stays as it is. */
export const withoutRoot = (jobId: string, root: string): string =>
  jobId.startsWith(`${root}/`) ? jobId.slice(root.length + 1) : jobId
