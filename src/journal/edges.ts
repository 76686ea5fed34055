/**
 * What a journal holds beside its rows, and no chain of hashes covers: the note since the last row, what was kept of tasks,
 * and the end. Each says by itself whether it is what was written.
 *
 * Boundary: texts to and from records; what does not fit is `JournalCorrupt`, which names the part.
 */
import * as Effect from "effect/Effect"
import { JournalCorrupt } from "../outcome/JobError.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import { parseJson } from "../values/parseJson.ts"
import { sumOf } from "../values/sha256.ts"
import type { Between, EndExtra } from "./records.ts"

const sumLength = 16

/** A text with its checksum. `of`: what it belongs to; under another name it is not the same. */
export const seal = (of: string, text: string): string => `${sumOf(of, text)}${text}`

/** The text that was sealed; undefined if this is not what was written. */
export const unseal = (of: string, sealed: string): string | undefined => {
  const text = sealed.slice(sumLength)
  return sealed.slice(0, sumLength) === sumOf(of, text) ? text : undefined
}

/** The note of a job. */
export const noteText = (jobId: string, between: ReadonlyArray<Between>): string => seal(jobId, JSON.stringify(between))

const corrupt = (
  { cycle, jobId }: StoredJournal,
  part: string,
  expected: string,
  found: string
): Effect.Effect<never, JournalCorrupt> => Effect.fail(new JournalCorrupt({ jobId, cycle, part, expected, found }))

/** What happened since the last row. */
export const noteOf = (journal: StoredJournal): Effect.Effect<ReadonlyArray<Between>, JournalCorrupt> => {
  const { jobId, note } = journal
  if (note === "") return Effect.succeed([])
  const text = unseal(jobId, note)
  return text === undefined
    ? corrupt(journal, "note", "the note that was written", note.slice(0, 64))
    : Effect.succeed(parseJson(text) as ReadonlyArray<Between>)
}

/** What the end says; undefined for a job that is unfinished. */
export const endIn = (journal: StoredJournal): Effect.Effect<EndExtra | undefined, JournalCorrupt> =>
  Effect.suspend(() => {
    const { end: text, status } = journal
    const end = text === undefined ? undefined : (parseJson(text) as EndExtra)
    return end?.status === status
      ? Effect.succeed(end)
      : corrupt(journal, "status", end?.status ?? "unfinished", status ?? "unfinished")
  })
