/**
 * The parts of a journal. Each version of the program that continued the job has one part, with its own header.
 *
 * Boundary: headers in, parts out; reader.ts reads the rows.
 */
import * as Effect from "effect/Effect"
import { JournalCorrupt, ProgramChanged } from "../outcome/JobError.ts"
import type { CycleRange } from "../outcome/logRecords.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import { decodeHeader, type DescribedProgram } from "./header.ts"
import type { JournalHeader, KindHeader } from "./records.ts"

/** The rows that were written with one header, from cycle `after + 1` to cycle `until`. */
export interface JournalPart {
  readonly header: JournalHeader
  readonly after: number
  readonly until: number
  /** Whether its rows stand on a migrated context. */
  readonly isMigrated: boolean
  /** Names of its kinds that the reading program declares differently or lacks. Empty if no program reads the journal. */
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

/** Returns the parts of a journal. `read` is the program that reads it, if there is one. */
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
 * Returns the number of the part that gives the context after a cycle. The last cycle of a version belongs to two parts. Use
 * the earlier, which committed it, unless it is the job's last cycle; then use the last part.
 */
export const partAt = (parts: JournalParts, cycle: number, lastCycle: number): number =>
  cycle >= lastCycle ? parts.length - 1 : parts.findIndex(({ until }) => cycle <= until)

/** Returns the cycles up to `last` whose facts the program reads as JSON, because other kinds than its own wrote them. */
export const cyclesInJson = (parts: JournalParts, last: number): ReadonlyArray<CycleRange> =>
  parts
    .filter(({ changed }) => changed.length > 0)
    .map(({ after, until }) => ({ from: after === 0 ? 0 : after + 1, to: Math.min(until, last) }))

/** Returns the last cycle of a whole read: that of the loaded journal, or Infinity for an ended job, which lacks no row. */
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

/** Makes the failure of a program that cannot continue a job. */
export const programChanged = (
  jobId: string,
  { changed, header }: JournalPart,
  { name, version }: DescribedProgram["program"],
  reason = `the kinds ${changed.map((kind) => JSON.stringify(kind)).join(", ")} are not what they were`
): ProgramChanged =>
  new ProgramChanged({ jobId, program: name, kinds: changed, from: header.version, to: version, reason })
