/**
 * The parts of a journal: each version of a program that went on with a job has one, with a header of its own.
 *
 * Boundary: headers in, parts out; what is in their rows is read by reader.ts.
 */
import * as Effect from "effect/Effect"
import { JournalCorrupt, ProgramChanged } from "../outcome/JobError.ts"
import type { StoredJournal } from "../store/JobStore.ts"
import { describeProgram, decodeHeader } from "./header.ts"
import type { CycleRange } from "../outcome/logRecords.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { JournalHeader, KindHeader } from "./records.ts"

/** The rows that were written with one header: those after cycle `after`, up to `until`. */
export interface JournalPart {
  readonly header: JournalHeader
  readonly after: number
  readonly until: number
  /** Whether it stands on a context that a migration made. */
  readonly isMigrated: boolean
}

/** Reads a journal's header. */
export const readHeader = ({ header, jobId }: StoredJournal): Effect.Effect<JournalHeader, JournalCorrupt> =>
  Effect.try({
    try: () => decodeHeader(header),
    catch: (error) =>
      new JournalCorrupt({ jobId, cycle: 0, part: "header", expected: "a header of format 1", found: String(error) })
  })

/** The parts of a journal, oldest first. */
export const partsOf = (header: JournalHeader): ReadonlyArray<JournalPart> => {
  let [after, isMigrated] = [0, false]
  const parts: Array<JournalPart> = []
  for (const earlier of header.earlier) {
    parts.push({ header: earlier.header, after, until: earlier.until, isMigrated })
    ;({ isMigrated, until: after } = earlier)
  }
  return [...parts, { header, after, until: Infinity, isMigrated }]
}

/**
 * The part that says what the context is after a cycle. A cycle after which another version went on is in two: the one that
 * committed it says, but where the job has come to is said by the last.
 */
export const partAt = (parts: ReadonlyArray<JournalPart>, cycle: number, lastCycle: number): number =>
  cycle >= lastCycle ? parts.length - 1 : parts.findIndex(({ until }) => cycle <= until)

/** The cycles up to `last` whose facts a program reads as JSON, since they were written with other kinds than it has. */
export const cyclesInJson = (
  parts: ReadonlyArray<JournalPart>,
  program: CompiledProgram,
  last: number
): ReadonlyArray<CycleRange> =>
  parts
    .filter(({ header }) => changedKinds(header, program).length > 0)
    .map(({ after, until }) => ({ from: after === 0 ? 0 : after + 1, to: Math.min(until, last) }))

/** How far to read a whole journal. What an engine commits meanwhile is left out; of one that has ended, nothing may be missing. */
export const lastOf = ({ cycle, end }: StoredJournal): number => (end === undefined ? cycle : Infinity)

/** The names of the kinds of a header that a program declares otherwise, or not at all. */
export const changedKinds = (header: JournalHeader, program: CompiledProgram): ReadonlyArray<string> => {
  const now = new Map(describeProgram(program).kinds.map((kind) => [kind.name, kind]))
  const isSame = (before: KindHeader, after: KindHeader): boolean =>
    before.fingerprint === after.fingerprint && before.latest === after.latest && before.conflict === after.conflict
  return header.kinds
    .filter((kind) => {
      const present = now.get(kind.name)
      return present === undefined || !isSame(kind, present)
    })
    .map(({ name }) => name)
}

/** Why a program cannot go on with a job. */
export const programChanged = (
  jobId: string,
  header: JournalHeader,
  program: CompiledProgram,
  kinds: ReadonlyArray<string>,
  reason = `the kinds ${kinds.map((name) => JSON.stringify(name)).join(", ")} are not what they were`
): ProgramChanged =>
  new ProgramChanged({ jobId, program: program.name, kinds, from: header.version, to: program.version, reason })
