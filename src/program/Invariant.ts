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
import { type Fact, type FactRef, isKind, kind, type Kind } from "./Fact.ts"
import { InvalidProgram } from "./InvalidProgram.ts"
import { asOwn, InvariantTypeId } from "./typeIds.ts"
import type { View } from "./View.ts"
import { complaintOf, complaintOfName, listOf, oneOf, type Rules } from "../values/options.ts"

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

/**
 * An invariant of a program, whose check looks at the kinds `Reads`. Made by `structural`, `semantic` and `acceptance`; calling
 * it gives its definition.
 *
 * It is a function because the compiler then leaves the type of a check within `Program.make` open until it knows the
 * program's kinds.
 */
export type Invariant<Reads extends Kind.Any = Kind.Any> = () => InvariantDefinition<Reads>

/** The parts of an invariant. */
export interface InvariantDefinition<out Reads extends Kind.Any = Kind.Any> {
  readonly name: string
  /** When it is checked. */
  readonly class: InvariantClass
  /** Judges the view. A structural check is given the effect, too; the effect that others are given is empty. */
  readonly check: (view: View<Reads>, effect: ProposedEffect) => Verdict
  /** The kinds that it was said to look at. */
  readonly reads: ReadonlyArray<Kind.Any>
  /** The consequence of a violation of a structural invariant, besides the discarded effect. */
  readonly onViolation: "halt" | "discard"
}

interface Options<Reads extends Kind.Any> {
  readonly reads?: ReadonlyArray<Reads> | undefined
  readonly onViolation?: "halt" | "discard" | undefined
}

const rules: Rules<Options<Kind.Any>> = {
  reads: listOf("kinds", "a kind", isKind),
  onViolation: oneOf("halt", "discard")
}

const define = <Reads extends Kind.Any>(
  name: string,
  type: InvariantClass,
  check: InvariantDefinition<Reads>["check"],
  options: Options<Reads> = {}
): Invariant<Reads> => {
  const unnamed = complaintOfName("an invariant", name)
  if (unnamed !== undefined) throw new InvalidProgram({ program: "", message: unnamed })
  if (typeof check !== "function") {
    throw new InvalidProgram({ program: "", message: `invariant ${JSON.stringify(name)}: check must be a function` })
  }
  const complaint = complaintOf(options, rules)
  if (complaint !== undefined) {
    throw new InvalidProgram({ program: "", message: `invariant ${JSON.stringify(name)}: ${complaint.message}` })
  }
  const { onViolation = "halt", reads = [] } = options
  const definition = Object.freeze({ name, class: type, check, reads, onViolation })
  return Object.freeze(Object.assign(() => definition, { [InvariantTypeId]: true }))
}

/**
 * An invariant of every state of the context.
 *
 * `check` sees the whole context as it would be with the effect, and the effect. With `onViolation: "halt"` (default) a
 * violation discards the effect and ends the job with `InvariantViolated`; with `"discard"` the job goes on.
 *
 * An invariant that is defined within `Program.make` may look at the kinds of the program. One that is defined elsewhere may
 * look at `reads`, and belongs to programs that have these kinds.
 *
 * @throws InvalidProgram for an empty name, or a check or an option that cannot work
 */
export const structural = <Reads extends Kind.Any = never>(
  name: string,
  check: (view: View<Reads>, effect: ProposedEffect) => Verdict,
  options?: {
    /** The kinds that the check looks at. Default: within `Program.make` those of the program, elsewhere none. */
    readonly reads?: ReadonlyArray<Reads> | undefined
    /** Whether a violation also ends the job (`"halt"`), or only discards the effect (`"discard"`). Default: `"halt"`. */
    readonly onViolation?: "halt" | "discard" | undefined
  }
): Invariant<Reads> => define(name, "structural", check, options)

/**
 * An invariant that may be broken for a while, and repaired by agents that read `Violation`. The kinds that it may look at are
 * those that `structural` says.
 *
 * @throws InvalidProgram for an empty name, or a check or an option that cannot work
 */
export const semantic = <Reads extends Kind.Any = never>(
  name: string,
  check: (view: View<Reads>) => Verdict,
  options?: {
    /** The kinds that the check looks at. Default: within `Program.make` those of the program, elsewhere none. */
    readonly reads?: ReadonlyArray<Reads> | undefined
  }
): Invariant<Reads> => define(name, "semantic", check, options)

/**
 * An invariant that must hold at the fixed point for the job to count as converged. The kinds that it may look at are those
 * that `structural` says.
 *
 * @throws InvalidProgram for an empty name, or a check or an option that cannot work
 */
export const acceptance = <Reads extends Kind.Any = never>(
  name: string,
  check: (view: View<Reads>) => Verdict,
  options?: {
    /** The kinds that the check looks at. Default: within `Program.make` those of the program, elsewhere none. */
    readonly reads?: ReadonlyArray<Reads> | undefined
  }
): Invariant<Reads> => define(name, "acceptance", check, options)

/**
 * The built-in kind of semantic violations: one fact for each invariant that was ever violated, its id the invariant's
 * name. Revised only when the reason changes or the invariant is repaired; not counted by `maxFacts`; part of the hash.
 */
export const Violation = asOwn(
  kind("Violation", {
    schema: Schema.Struct({ invariant: Schema.String, reason: Schema.String, repaired: Schema.Boolean }),
    id: (violation) => violation.invariant,
    conflict: "keepLast"
  }),
  "engine"
)

/** Whether a value is an invariant that was made here. */
export const isInvariant = (value: unknown): value is Invariant =>
  typeof value === "function" && InvariantTypeId in value
