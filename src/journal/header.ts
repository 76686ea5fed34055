/**
 * The header of a journal: the program as it was, so that a journal can be read without it.
 *
 * Boundary: records to and from JSON texts.
 */
import { fingerprintOf } from "./kindFingerprint.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { JournalHeader } from "./records.ts"
import { parseJson } from "../values/parseJson.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import { unreadable } from "./decode.ts"

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

/** Reads a header. @throws Unreadable for one of another format */
export const decodeHeader = (text: string): JournalHeader => {
  const header = parseJson(text) as JournalHeader
  if (header.format !== 1) return unreadable(`its format is ${String(header.format)}; this version reads format 1`)
  return header
}

/** A budget as a header holds it. */
export const budgetHeader = (budget: ResolvedBudget): JournalHeader["budget"] =>
  Object.fromEntries(
    Object.entries(budget).map(([name, limit]) => [name, limit === Infinity ? null : limit])
  ) as JournalHeader["budget"]

/** The budget that a header holds. */
export const budgetOfHeader = ({ budget }: JournalHeader): ResolvedBudget => ({
  cycles: budget.cycles ?? Infinity,
  facts: budget.facts ?? Infinity,
  agents: budget.agents ?? Infinity,
  duration: budget.duration ?? Infinity,
  cpuTime: budget.cpuTime ?? Infinity,
  contextBytes: budget.contextBytes ?? Infinity,
  tokens: budget.tokens ?? Infinity
})
