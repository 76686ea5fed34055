/**
 * Invariants: conditions that must hold of a job's context.
 *
 * - `structural`: checked before each effect is applied, against the context as it would be; a violation discards the
 *   effect and, by default, ends the job
 * - `semantic`: checked after each cycle that committed something; a violation becomes a `Violation` fact that agents may
 *   read and repair, and fails the job only if it still holds at convergence
 * - `acceptance`: checked at convergence; a violation fails the job
 *
 * Checks are plain, pure functions of the view: a promise or an Effect is no answer. Boundary: definitions and the built-in
 * kind. merge.ts and convergence.ts run the checks; verdict.ts reads their answers.
 */
import * as Schema from "effect/Schema"
import { type Fact, type FactRef, kind, type Kind } from "./Fact.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import type { View } from "./View.ts"
import { complaintOfName } from "./names.ts"
import { complaintOf, oneOf } from "../values/options.ts"

/** When an invariant is checked: before each effect, after each cycle that committed something, or at convergence. */
export type InvariantClass = "structural" | "semantic" | "acceptance"

/** A check's answer: true if the invariant holds, else false or a reason, perhaps with the facts that break it. */
export type Verdict =
  | boolean
  | string
  | { readonly reason: string; readonly facts?: ReadonlyArray<FactRef> | undefined }

/** The effect that a structural check judges: the facts that it proposes, and its agent ("" for seeds and signals). */
export interface ProposedEffect {
  readonly agent: string
  readonly facts: ReadonlyArray<Pick<Fact, "kind" | "id" | "value">>
}

/** An invariant of a program. Made by `structural`, `semantic` and `acceptance`. */
export interface Invariant {
  readonly name: string
  /** When it is checked. */
  readonly class: InvariantClass
  /** Judges the view. A structural check is given the effect, too; the effect that others are given is empty. */
  readonly check: (view: View<Kind.Any>, effect: ProposedEffect) => Verdict
  /** What a violation of a structural invariant does besides discarding the effect. */
  readonly onViolation: "halt" | "discard"
}

const define = (
  name: string,
  type: InvariantClass,
  check: Invariant["check"],
  options?: { readonly onViolation?: "halt" | "discard" | undefined }
): Invariant => {
  const unnamed = complaintOfName("an invariant", name)
  if (unnamed !== undefined) throw new InvalidProgram({ program: "", message: unnamed })
  if (typeof check !== "function") {
    throw new InvalidProgram({ program: "", message: `invariant ${JSON.stringify(name)}: check must be a function` })
  }
  const complaint = complaintOf(options ?? {}, { onViolation: oneOf("halt", "discard") })
  if (complaint !== undefined) {
    throw new InvalidProgram({ program: "", message: `invariant ${JSON.stringify(name)}: ${complaint.message}` })
  }
  return Object.freeze({ name, class: type, check, onViolation: options?.onViolation ?? "halt" })
}

/**
 * An invariant of every state of the context.
 *
 * `check` sees the whole context as it would be with the effect, and the effect. With `onViolation: "halt"` (default) a
 * violation discards the effect and ends the job with `InvariantViolated`; with `"discard"` the job goes on.
 *
 * @throws InvalidProgram for an empty name, or a check or an option that cannot work
 */
export const structural = (
  name: string,
  check: (view: View<Kind.Any>, effect: ProposedEffect) => Verdict,
  options?: {
    /** Whether a violation also ends the job (`"halt"`), or only discards the effect (`"discard"`). Default: `"halt"`. */
    readonly onViolation?: "halt" | "discard" | undefined
  }
): Invariant => define(name, "structural", check, options)

/**
 * An invariant that may be broken for a while, and repaired by agents that read `Violation`.
 *
 * @throws InvalidProgram for an empty name, or a check that is no function
 */
export const semantic = (name: string, check: (view: View<Kind.Any>) => Verdict): Invariant =>
  define(name, "semantic", check)

/**
 * An invariant that must hold at the fixed point for the job to count as converged.
 *
 * @throws InvalidProgram for an empty name, or a check that is no function
 */
export const acceptance = (name: string, check: (view: View<Kind.Any>) => Verdict): Invariant =>
  define(name, "acceptance", check)

/**
 * The built-in kind of semantic violations: one fact for each invariant that was ever violated, its id the invariant's
 * name. Revised only when the reason changes or the invariant is repaired; not counted by `maxFacts`; part of the hash.
 */
export const Violation = kind("Violation", {
  schema: Schema.Struct({ invariant: Schema.String, reason: Schema.String, repaired: Schema.Boolean }),
  id: (violation) => violation.invariant,
  conflict: "keepLast"
})

/** Whether a value is an invariant: an object with the fields of those that are made here. */
export const isInvariant = (value: unknown): value is Invariant =>
  typeof value === "object" &&
  value !== null &&
  "check" in value &&
  typeof value.check === "function" &&
  "class" in value &&
  ["structural", "semantic", "acceptance"].includes(value.class as string)
