/**
 * The header of a journal: the program as it was, so that a journal can be read without it.

 *
 * Boundary: records to and from JSON texts.
 */
import type { JournalHeader } from "./extra.ts"
import { fingerprintOf } from "./kindFingerprint.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** A program as a header describes it. */
export const describeProgram = (
  program: CompiledProgram
): Pick<JournalHeader, "format" | "program" | "version" | "kinds" | "triggers"> => ({
  format: 1,
  program: program.name,
  version: program.version,
  kinds: [...program.kinds.values()].map((kind) => ({
    name: kind.name,
    latest: kind.retention === "all" ? null : kind.retention.latest,
    conflict: typeof kind.conflict === "function" ? "combine" : kind.conflict,
    fingerprint: fingerprintOf(kind)
  })),
  triggers: program.agents.map(({ name, triggers }) => [name, triggers.map((kind) => kind.name)])
})
