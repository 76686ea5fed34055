/**
 * How a stored job stands, in a word: its end, or whether it runs, is paused, or awaits answers.
 *
 * Boundary: the note that the job's engine left in its journal; a note that cannot be read says nothing here.
 */
import * as Effect from "effect/Effect"
import { notesIn } from "../journal/edges.ts"
import type { Status } from "../outcome/Cause.ts"
import { JobStore, type StoredJob, type StoredJournal } from "../store/index.ts"

/**
 * How a job stands. `"unfinished"`: no engine has it, and nobody has to do anything but resume it. `"quarantined"`: engines
 * leave it alone, since it got no further in several attempts.
 */
export type Standing = Status | "running" | "unfinished" | "quarantined" | "paused" | "awaiting"

const rests: Readonly<Record<string, Standing>> = { Paused: "paused", Awaiting: "awaiting" }

const idleOrRunning = ({ attempts, isHeld }: StoredJob): Standing => {
  if (isHeld) return "running"
  return attempts?.quarantine === undefined ? "unfinished" : "quarantined"
}

/** How a job stands, from its journal. */
export const standingOf = (journal: StoredJournal): Effect.Effect<Standing> => {
  if (journal.status !== undefined) return Effect.succeed(journal.status)
  const otherwise = idleOrRunning(journal)
  if (otherwise === "quarantined") return Effect.succeed(otherwise)
  return notesIn(journal).pipe(
    Effect.map((notes) => rests[notes.at(-1) ?? ""] ?? otherwise),
    Effect.orElseSucceed(() => otherwise)
  )
}

/** How the jobs of a list stand. Only journals of unfinished ones are looked at. */
export const standingsOf = Effect.fnUntraced(function* (jobs: ReadonlyArray<StoredJob>) {
  const { load } = yield* JobStore
  return yield* Effect.forEach(jobs, (job): Effect.Effect<Standing> => {
    if (job.status !== undefined) return Effect.succeed(job.status)
    const found = Effect.flatMap(load(job.jobId), standingOf)
    return Effect.orElseSucceed(found, () => idleOrRunning(job))
  })
})

/** Cycles as the result of a run counts them: the turn that found nothing to do is one. */
export const cyclesOf = ({ cycle, status }: Pick<StoredJob, "cycle" | "status">): number =>
  status === "converged" ? cycle + 1 : cycle
