/**
 * Runs the checks of a program: its invariants, on a view of the whole context.
 *
 * Boundary: the pure core. The checks are the program's own functions, so every throw or invalid answer becomes a cause.
 */
import type { Kind } from "../program/Fact.ts"
import type { Invariant, ProposedEffect } from "../program/Invariant.ts"
import { describePanic } from "../values/panic.ts"
import { plainly } from "../values/plainResult.ts"
import type { View } from "../program/View.ts"
import { ContextView } from "../context/contextView.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { Ledger } from "../context/Ledger.ts"
import { violationOf } from "../program/verdict.ts"

/** Runs a check. If it throws or returns no verdict, the result is `ProgramPanicked` (I4). */
export const check = (invariant: Invariant, cycle: number, body: () => unknown): Cause | undefined => {
  try {
    const violation = violationOf(
      invariant,
      plainly(`the check of invariant ${JSON.stringify(invariant.name)}`, body())
    )
    if (violation === undefined) return undefined
    return { _tag: "InvariantViolated", cycle, name: invariant.name, class: invariant.class, ...violation }
  } catch (error) {
    return { _tag: "ProgramPanicked", cycle, phase: "invariant", ...describePanic(error) }
  }
}

/** The effect in the view of semantic and acceptance checks. */
export const nothingProposed: ProposedEffect = Object.freeze({ agent: "", facts: Object.freeze([]) })

/** Gives the program a view of the whole context, while `body` runs. */
export const withView = <A>(ledger: Ledger, since: number, cycle: number, body: (view: View<Kind.Any>) => A): A => {
  const gate = { open: true }
  try {
    return body(
      ContextView.frozen({
        ledger,
        visible: undefined,
        since,
        cycle,
        gate,
        holder: "the program",
        onProgress: undefined
      })
    )
  } finally {
    gate.open = false
  }
}
