/**
 * The built-in intents: their intent kinds, their payloads, and the kinds of the facts that answer them.
 *
 * They are part of programs, and stand here below intents/, because every program knows the kinds of the answers unless it
 * declares kinds of its own with their names. Boundary: definitions; the public names are those of Intent.ts.
 */
import * as Schema from "effect/Schema"
import { kind } from "./Fact.ts"
import { type ErasedKind, eraseKind } from "./erased.ts"
import { asOwn, isEnginesOwn, isPackages } from "./typeIds.ts"

/** The intent kinds that the engine performs itself. */
export const approvalKind = "Approval"
export const childKind = "ChildJob"

/** The answer to an approval: one fact for each approval, with its id. The first answer stands. */
export const Decision = asOwn(
  kind("Decision", {
    schema: Schema.Struct({
      approval: Schema.String,
      approved: Schema.Boolean,
      by: Schema.String,
      reason: Schema.String
    }),
    id: (decision) => decision.approval
  }),
  "anyone"
)

/** The end of a child job: one fact for each child, with its id. Only the engine writes it. */
export const ChildResult = asOwn(
  kind("ChildResult", {
    schema: Schema.Struct({
      /** The `id` that the intent gave, or else its key. */
      child: Schema.String,
      /** The intent's idempotency key within its job. The child's job id follows from it (docs/semantics.md, Child jobs). */
      key: Schema.String,
      program: Schema.String,
      status: Schema.Literals(["converged", "budget-exhausted", "failed", "cancelled"]),
      hash: Schema.String,
      /** The result of the child's `output`, as JSON; null if there is none. */
      output: Schema.Json,
      /** The error that the child ended with, as JSON; null if it converged. */
      error: Schema.Json
    }),
    id: (result) => result.child
  }),
  "engine"
)

/** Whether a kind is that of decisions, and not one of the program's own that has its name. */
export const isDecision = (kind: ErasedKind): boolean => kind.name === Decision.name && isPackages(kind)

/** The kinds that every program knows besides `Violation`. */
export const answerKinds: ReadonlyArray<ErasedKind> = [eraseKind(Decision), eraseKind(ChildResult)]

/** The intents that the engine performs itself, and the kinds that answer them. */
export const engineIntents: ReadonlyArray<{ readonly name: string; readonly answer: ErasedKind }> = [
  { name: approvalKind, answer: eraseKind(Decision) },
  { name: childKind, answer: eraseKind(ChildResult) }
]

/** Finds a kind by its name, if it may be written from outside of the engine: any kind but those that the engine writes. */
export const openKind =
  (kinds: ReadonlyMap<string, ErasedKind>) =>
  (name: string): ErasedKind | undefined => {
    const kind = kinds.get(name)
    return kind === undefined || isEnginesOwn(kind) ? undefined : kind
  }

export const ApprovalPayload = Schema.Struct({
  id: Schema.String,
  question: Schema.optionalKey(Schema.String),
  data: Schema.optionalKey(Schema.Json),
  timeoutMs: Schema.optionalKey(Schema.Number),
  onTimeout: Schema.optionalKey(Schema.Literals(["approve", "reject", "halt"]))
})

export const ChildPayload = Schema.Struct({
  program: Schema.String,
  /** As the program's input schema encodes it. */
  input: Schema.Json,
  id: Schema.optionalKey(Schema.String),
  onFailure: Schema.optionalKey(Schema.Literals(["halt", "report"])),
  budget: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json))
})
