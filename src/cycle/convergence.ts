/**
 * Convergence: the decision that is made when nothing is eligible, no task runs and the mailbox is empty (G6).
 *
 * Only then is nothing in flight, so the fixed point is exact. The semantic invariants must hold, then the acceptance
 * invariants (I3); then the program makes its output. Boundary: the pure core. It calls the program's own functions.
 */
import * as Option from "effect/Option"
import { type Output, outputFrom } from "../program/compile.ts"
import { check, nothingProposed, type Sight, withView } from "./programChecks.ts"
import { Violation } from "../program/Invariant.ts"
import { describePanic } from "../values/panic.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** The verdict on a job at its fixed point: its output, or the cause for which it has not converged. */
export type FixedPoint = ({ readonly _tag: "Converged" } & Output) | { readonly _tag: "Refused"; readonly cause: Cause }

/** Judges a context at its fixed point. The first cause in the order of the declarations counts. */
export const judge = (program: CompiledProgram, ledger: Ledger, cycle: number): FixedPoint => {
  const sight: Sight = { program, ledger, since: 0, cycle }
  for (const invariant of program.semantic) {
    const violation = Option.getOrUndefined(ledger.get(Violation, invariant.name))?.value
    if (violation === undefined || violation.repaired) continue
    const now = check(invariant, sight, nothingProposed)
    return { _tag: "Refused", cause: now ?? stale(invariant.name, violation.reason, cycle) }
  }
  for (const invariant of program.acceptance) {
    const cause = check(invariant, sight, nothingProposed)
    if (cause !== undefined) return { _tag: "Refused", cause }
  }
  try {
    return { _tag: "Converged", ...outputFrom(program, (body) => withView(sight, "output", body)) }
  } catch (error) {
    const panic = describePanic(error)
    return { _tag: "Refused", cause: { _tag: "ProgramPanicked", cycle, phase: "output", ...panic } }
  }
}

/** The cause for a recorded violation whose check passes now: such a check is not a function of its view. */
const stale = (name: string, reason: string, cycle: number): Cause => ({
  _tag: "InvariantViolated",
  cycle,
  name,
  class: "semantic",
  reason,
  facts: [{ kind: Violation.name, id: name }]
})
