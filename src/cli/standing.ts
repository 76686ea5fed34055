/**
 * The standing of a stored job, in a word: its end, or whether it runs, is paused, or awaits answers.
 *
 * Boundary: reads the note that the job's engine left in its journal, and ignores a note that it cannot read.
 */
import * as Effect from "effect/Effect"
import { notesIn } from "../journal/edges.ts"
import type { Status } from "../outcome/Cause.ts"
import { JobStore, type StoredJob, type StoredJournal } from "../store/index.ts"

/**
 * The standing of a job. `"unfinished"`: no engine holds it, and it only has to be resumed. `"quarantined"`: engines leave it
 * alone, since several attempts made no progress.
 */
export type Standing = Status | "running" | "unfinished" | "quarantined" | "paused" | "awaiting"

/** Tuning: journals that are loaded at once. Those of a server take a request each. */
const loadedAtOnce = 8

const rests: Readonly<Record<string, Standing>> = { Paused: "paused", Awaiting: "awaiting" }

const idleOrRunning = ({ attempts, isHeld }: StoredJob): Standing => {
  if (isHeld) return "running"
  return attempts?.quarantine === undefined ? "unfinished" : "quarantined"
}

/** The standing of a job, from its journal. */
export const standingOf = (journal: StoredJournal): Effect.Effect<Standing> => {
  if (journal.status !== undefined) return Effect.succeed(journal.status)
  const otherwise = idleOrRunning(journal)
  if (otherwise === "quarantined") return Effect.succeed(otherwise)
  return notesIn(journal).pipe(
    Effect.map((notes) => rests[notes.at(-1) ?? ""] ?? otherwise),
    Effect.orElseSucceed(() => otherwise)
  )
}

/** The standings of the jobs of a list. Only the journals of unfinished jobs are read. */
export const standingsOf = Effect.fnUntraced(function* (jobs: ReadonlyArray<StoredJob>) {
  const { load } = yield* JobStore
  return yield* Effect.forEach(
    jobs,
    (job): Effect.Effect<Standing> => {
      if (job.status !== undefined) return Effect.succeed(job.status)
      const found = Effect.flatMap(load(job.jobId), standingOf)
      return Effect.orElseSucceed(found, () => idleOrRunning(job))
    },
    { concurrency: loadedAtOnce }
  )
})
