/**
 * The parts of a journal: each version of a program that went on with a job has one, with a header of its own.
 *
 * Boundary: headers in, parts out; what is in their rows is read by reader.ts.
 */
import * as Effect from "effect/Effect"
import { JournalCorrupt, ProgramChanged } from "../outcome/JobError.ts"
import type { CycleRange } from "../outcome/logRecords.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import { decodeHeader, type DescribedProgram } from "./header.ts"
import type { JournalHeader, KindHeader } from "./records.ts"

/** The rows that were written with one header: those after cycle `after`, up to `until`. */
export interface JournalPart {
  readonly header: JournalHeader
  readonly after: number
  readonly until: number
  /** Whether it stands on a context that a migration made. */
  readonly isMigrated: boolean
  /** The names of its kinds that the program declares otherwise, or not at all. Empty if no program reads the journal. */
  readonly changed: ReadonlyArray<string>
}

/** The parts of one journal, oldest first. */
export type JournalParts = readonly [JournalPart, ...ReadonlyArray<JournalPart>]

/** Reads a journal's header. */
export const readHeader = ({ header, jobId }: StoredJournal): Effect.Effect<JournalHeader, JournalCorrupt> =>
  Effect.try({
    try: () => decodeHeader(header),
    catch: (error) =>
      new JournalCorrupt({ jobId, cycle: 0, part: "header", expected: "a header of format 1", found: String(error) })
  })

/** The parts of a journal. `read`: the program that reads it, if one does. */
export const partsOf = (header: JournalHeader, read: DescribedProgram | undefined): JournalParts => {
  let [after, isMigrated] = [0, false]
  const parts = [...header.earlier, { header, until: Infinity, isMigrated: false }].map((part): JournalPart => {
    const changed = read === undefined ? [] : changedKinds(part.header, read)
    const next = { header: part.header, after, until: part.until, isMigrated, changed }
    ;({ isMigrated, until: after } = part)
    return next
  })
  const [first, ...later] = parts
  return [first!, ...later]
}

/**
 * The number of the part that says what the context is after a cycle. The last cycle of a version belongs to two parts: the
 * earlier one, which committed it, says so, unless it is the job's last cycle; then the last part does.
 */
export const partAt = (parts: JournalParts, cycle: number, lastCycle: number): number =>
  cycle >= lastCycle ? parts.length - 1 : parts.findIndex(({ until }) => cycle <= until)

/** The cycles up to `last` whose facts the program reads as JSON, since they were written with other kinds than it has. */
export const cyclesInJson = (parts: JournalParts, last: number): ReadonlyArray<CycleRange> =>
  parts
    .filter(({ changed }) => changed.length > 0)
    .map(({ after, until }) => ({ from: after === 0 ? 0 : after + 1, to: Math.min(until, last) }))

/** The cycle to read a whole journal to: the last that was loaded. Of a job that has ended, no row may be missing: all. */
export const lastOf = ({ cycle, end }: StoredJournal): number => (end === undefined ? cycle : Infinity)

const changedKinds = (header: JournalHeader, read: DescribedProgram): ReadonlyArray<string> => {
  const now = new Map(read.header.kinds.map((kind) => [kind.name, kind]))
  const isSame = (before: KindHeader, after: KindHeader): boolean =>
    before.fingerprint === after.fingerprint && before.latest === after.latest && before.conflict === after.conflict
  return header.kinds
    .filter((kind) => {
      const present = now.get(kind.name)
      return present === undefined || !isSame(kind, present)
    })
    .map(({ name }) => name)
}

/** The failure of a program that cannot go on with a job. */
export const programChanged = (
  jobId: string,
  { changed, header }: JournalPart,
  { name, version }: DescribedProgram["program"],
  reason = `the kinds ${changed.map((kind) => JSON.stringify(kind)).join(", ")} are not what they were`
): ProgramChanged =>
  new ProgramChanged({ jobId, program: name, kinds: changed, from: header.version, to: version, reason })
