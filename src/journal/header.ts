/**
 * The header of a journal. It describes the program that wrote the rows, so that a reader needs no program.
 *
 * No hash covers a header, so a schema decodes it. Unknown keys are kept, because a later version may have added them and a
 * migration writes the header back.
 *
 * Boundary: records to and from JSON texts.
 */
import * as Schema from "effect/Schema"
import type { Amounts as Shared, ResolvedBudget } from "../program/resolveBudget.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { Violation } from "../program/Invariant.ts"
import { isHaltExtra, isOutcomeExtra } from "./extra.ts"
import { Amount, Count, type FieldsOf, isObject, parsePart, recordAs, unreadable } from "./jsonRecord.ts"
import { fingerprintOf } from "./kindFingerprint.ts"
import type { BeginningExtra, EarlierHeader, JournalHeader, KindHeader } from "./records.ts"

/** The part of a header that describes a program. */
export type ProgramHeader = Pick<JournalHeader, "format" | "program" | "version" | "kinds" | "triggers" | "keepsNeeded">

/** A program with its description. It is made once for each journal that the program reads. */
export interface DescribedProgram {
  readonly program: CompiledProgram
  readonly header: ProgramHeader
}

/** Describes a program for a header. */
export const describeProgram = (program: CompiledProgram): ProgramHeader => ({
  format: 1,
  program: program.name,
  version: program.version,
  kinds: [...program.kinds.values()].map((kind) => ({
    name: kind.name,
    latest: kind.retention === "all" ? null : kind.retention.latest,
    conflict: typeof kind.conflict === "function" ? "combine" : kind.conflict,
    fingerprint: fingerprintOf(kind)
  })),
  triggers: program.agents.map(({ name, triggers }) => [name, triggers.map((kind) => kind.name)]),
  ...(program.retained.length === 0 ? {} : { keepsNeeded: true })
})

/** Pairs a program with its description. */
export const described = (program: CompiledProgram): DescribedProgram => ({ program, header: describeProgram(program) })

const Kind = Schema.Struct({
  name: Schema.String,
  latest: Schema.NullOr(Schema.Int.check(Schema.isGreaterThanOrEqualTo(1))),
  conflict: Schema.Literals(["reject", "keepFirst", "keepLast", "combine"]),
  fingerprint: Schema.String
} satisfies FieldsOf<KindHeader>)

const Beginning = Schema.Struct({
  seeds: Schema.declare(isOutcomeExtra),
  violations: Schema.Array(Violation.schema),
  halt: Schema.optionalKey(Schema.declare(isHaltExtra))
} satisfies FieldsOf<BeginningExtra>)

/** A limit; null: unlimited. */
const Limit = Schema.NullOr(Amount)

const budgetFields = {
  cycles: Limit,
  facts: Limit,
  agents: Limit,
  duration: Limit,
  cpuTime: Limit,
  contextBytes: Limit,
  tokens: Limit,
  cost: Schema.optionalKey(Limit)
} satisfies FieldsOf<JournalHeader["budget"]>

const handedFields = {
  cycles: Schema.optionalKey(Amount),
  facts: Schema.optionalKey(Amount),
  agents: Schema.optionalKey(Amount),
  duration: Schema.optionalKey(Amount),
  cpuTime: Schema.optionalKey(Amount),
  tokens: Schema.optionalKey(Amount),
  cost: Schema.optionalKey(Amount)
} satisfies FieldsOf<Shared>

const fields = {
  format: Schema.Literal(1),
  program: Schema.String,
  version: Schema.String,
  budget: Schema.Struct(budgetFields),
  kinds: Schema.Array(Kind),
  triggers: Schema.Array(Schema.Tuple([Schema.String, Schema.Array(Schema.String)])),
  keepsNeeded: Schema.optionalKey(Schema.Literal(true)),
  executed: Schema.Array(Schema.String),
  isForced: Schema.Boolean,
  forkOf: Schema.optionalKey(Schema.Struct({ jobId: Schema.String, cycle: Count })),
  beginning: Beginning,
  depth: Schema.optionalKey(Count),
  handed: Schema.optionalKey(Schema.Struct(handedFields)),
  span: Schema.optionalKey(Schema.String)
} satisfies Omit<FieldsOf<JournalHeader>, "earlier">

const Earlier = Schema.Struct({
  until: Count,
  isMigrated: Schema.Boolean,
  // Only the newest header has the list of earlier headers.
  header: Schema.Struct({ ...fields, earlier: Schema.Tuple([]) })
} satisfies FieldsOf<EarlierHeader>)

const headerAs = recordAs<JournalHeader>("header", Schema.Struct({ ...fields, earlier: Schema.Array(Earlier) }))

/** Reads a header. @throws Unreadable */
export const decodeHeader = (text: string): JournalHeader => {
  const json = parsePart("header", text)
  if (isObject(json) && json["format"] !== 1) {
    return unreadable("header", `its format is ${String(json["format"])}; this version reads format 1`)
  }
  return headerAs(json)
}

/** Encodes a budget for a header. */
export const budgetHeader = (budget: ResolvedBudget): JournalHeader["budget"] => {
  const limit = (most: number): number | null => (most === Infinity ? null : most)
  return {
    cycles: limit(budget.cycles),
    facts: limit(budget.facts),
    agents: limit(budget.agents),
    duration: limit(budget.duration),
    cpuTime: limit(budget.cpuTime),
    contextBytes: limit(budget.contextBytes),
    tokens: limit(budget.tokens),
    cost: limit(budget.cost)
  }
}

/** Decodes the budget of a header. */
export const budgetOfHeader = ({ budget }: JournalHeader): ResolvedBudget => ({
  cycles: budget.cycles ?? Infinity,
  facts: budget.facts ?? Infinity,
  agents: budget.agents ?? Infinity,
  duration: budget.duration ?? Infinity,
  cpuTime: budget.cpuTime ?? Infinity,
  contextBytes: budget.contextBytes ?? Infinity,
  tokens: budget.tokens ?? Infinity,
  cost: budget.cost ?? Infinity
})
