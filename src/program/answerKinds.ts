/**
 * The built-in kinds of facts that answer intents, and what the payloads of built-in intents hold.
 *
 * Every program knows these kinds, unless it declares kinds of its own with their names. Boundary: definitions; the public
 * names are those of Intent.ts.
 */
import * as Schema from "effect/Schema"
import { kind } from "./Fact.ts"
import { Violation } from "./Invariant.ts"
import { type ErasedKind, eraseKind } from "./erased.ts"

/** The kinds of the intents that the engine performs itself. */
export const approvalKind = "Approval"
export const childKind = "ChildJob"

/** The answer to an approval: one fact for each, its id the approval's. The first one stands. */
export const Decision = kind("Decision", {
  schema: Schema.Struct({
    approval: Schema.String,
    approved: Schema.Boolean,
    by: Schema.String,
    reason: Schema.String
  }),
  id: (decision) => decision.approval
})

/** How a child job ended: one fact for each, its id the child's. The engine's own to write. */
export const ChildResult = kind("ChildResult", {
  schema: Schema.Struct({
    /** The `id` that the intent gave, or else its key. */
    child: Schema.String,
    /** The intent's idempotency key within its job: the child's job id is the parent's, a slash, and this. */
    key: Schema.String,
    program: Schema.String,
    status: Schema.Literals(["converged", "budget-exhausted", "failed", "cancelled"]),
    hash: Schema.String,
    /** What the child's `output` made, as JSON; null if there is none. */
    output: Schema.Json,
    /** The error that the child ended with, as JSON; null if it converged. */
    error: Schema.Json
  }),
  id: (result) => result.child
})

/** The kinds that every program knows beside `Violation`. */
export const answerKinds: ReadonlyArray<ErasedKind> = [eraseKind(Decision), eraseKind(ChildResult)]

const enginesOwn = new Set<ErasedKind>([eraseKind(Violation), eraseKind(ChildResult)])

/** The kinds that may be written from outside of the engine: all that a program knows, but those that are the engine's own. */
export const openKind =
  (kinds: ReadonlyMap<string, ErasedKind>) =>
  (name: string): ErasedKind | undefined => {
    const kind = kinds.get(name)
    return kind === undefined || enginesOwn.has(kind) ? undefined : kind
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
