/**
 * Seals and reads the texts of a journal that the chain of hashes does not cover: the note since the last row, and the end.
 *
 * A checksum guards notes and kept effects (kept.ts). A schema decodes each of these texts. job/journaling.ts writes the end.
 *
 * Boundary: texts to and from records. A text that does not fit fails with `JournalCorrupt`, which names the part.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { JournalCorrupt } from "../outcome/JobError.ts"
import type { Usage } from "../program/Budget.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import { describeError } from "../values/panic.ts"
import { sumOf } from "../values/sha256.ts"
import { isCauseJson } from "./causes.ts"
import { areNotes } from "./extra.ts"
import { Amount, Count, type FieldsOf, parsePart, recordAs, unreadable } from "./jsonRecord.ts"
import type { NoteTag, EndExtra } from "./records.ts"

const sumLength = 16

/** Adds a checksum to a text. `of` names the owner of the text; the checksum differs under another name. */
export const seal = (of: string, text: string): string => `${sumOf(of, text)}${text}`

/** Returns the sealed text, or undefined if the text or the name has changed since `seal`. */
export const unseal = (of: string, sealed: string): string | undefined => {
  const text = sealed.slice(sumLength)
  return sealed.slice(0, sumLength) === sumOf(of, text) ? text : undefined
}

/** The sealed text of a job's notes since its last row. */
export const noteText = (jobId: string, notes: ReadonlyArray<NoteTag>): string => seal(jobId, JSON.stringify(notes))

const corrupt = (
  { cycle, jobId }: StoredJournal,
  part: string,
  expected: string,
  found: string
): Effect.Effect<never, JournalCorrupt> => Effect.fail(new JournalCorrupt({ jobId, cycle, part, expected, found }))

const notesAs = recordAs("note", Schema.declare(areNotes))

/** Returns the notes since the last row, oldest first. */
export const notesIn = (journal: StoredJournal): Effect.Effect<ReadonlyArray<NoteTag>, JournalCorrupt> =>
  Effect.suspend(() => {
    const { jobId, note } = journal
    if (note === "") return Effect.succeed([])
    const text = unseal(jobId, note)
    if (text === undefined) return corrupt(journal, "note", "the note that was written", note.slice(0, 64))
    try {
      return Effect.succeed(notesAs(parsePart("note", text)))
    } catch (error) {
      return corrupt(journal, "note", "a list of notes", describeError(error))
    }
  })

const UsageJson = Schema.Struct({
  cycles: Count,
  facts: Count,
  agents: Count,
  // It is negative if the clock was set back.
  durationMs: Schema.Finite,
  cpuMs: Schema.Finite,
  contextBytes: Count,
  tokens: Amount,
  cost: Schema.optionalKey(Amount),
  byAgent: Schema.optionalKey(Schema.Record(Schema.String, Schema.Struct({ tokens: Amount, cost: Amount })))
} satisfies FieldsOf<Usage>)

const endFields = {
  status: Schema.Literals(["converged", "budget-exhausted", "failed", "cancelled"]),
  cause: Schema.NullOr(Schema.declare(isCauseJson)),
  output: Schema.optionalKey(Schema.Unknown),
  usage: UsageJson
} satisfies FieldsOf<EndExtra>

/** An end as it is written. Version 0.1 wrote neither `cost` nor `byAgent`. */
type WrittenEnd = Omit<EndExtra, "usage"> & {
  readonly usage: Omit<Usage, "cost" | "byAgent"> & Partial<Pick<Usage, "cost" | "byAgent">>
}

const endAs = recordAs<WrittenEnd>("end", Schema.Struct(endFields))

/** Reads the text of an end. @throws Unreadable */
export const decodeEnd = (text: string): EndExtra => {
  const written = endAs(parsePart("end", text))
  const { byAgent = {}, cost = 0, ...spent } = written.usage
  // The order of the fields is that of a job that has just ended: commands print them.
  const end: EndExtra = { ...written, usage: { ...spent, cost, byAgent } }
  const isHalted = end.status !== "converged"
  if (isHalted === (end.cause !== null)) return end
  return unreadable("end", `${end.status} ${isHalted ? "without a cause" : "with a cause"}`)
}

/** Returns the end of a journal, or undefined for an unfinished job. */
export const endIn = (journal: StoredJournal): Effect.Effect<EndExtra | undefined, JournalCorrupt> =>
  Effect.suspend(() => {
    const { end: text, status } = journal
    let end: EndExtra | undefined
    try {
      end = text === undefined ? undefined : decodeEnd(text)
    } catch (error) {
      return corrupt(journal, "end", "the end of a job", describeError(error))
    }
    return end?.status === status
      ? Effect.succeed(end)
      : corrupt(journal, "status", end?.status ?? "unfinished", status ?? "unfinished")
  })
