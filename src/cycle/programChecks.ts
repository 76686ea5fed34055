/**
 * Runs the checks of a program: its invariants, on a view of the whole context.
 *
 * Boundary: the pure core. The checks are the program's own functions, so every throw or invalid answer becomes a cause.
 */
import type { CompiledProgram } from "../program/erased.ts"
import type { Kind } from "../program/Fact.ts"
import type { InvariantDefinition, ProposedEffect } from "../program/Invariant.ts"
import { describePanic } from "../values/panic.ts"
import { plainly } from "../values/plainResult.ts"
import { withView as viewed } from "../context/contextView.ts"
import type { View } from "../program/View.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { Cause } from "../outcome/Cause.ts"
import { seesOf } from "../program/compile.ts"
import { violationOf } from "../program/verdict.ts"

/** Runs the check of an invariant. If it throws or returns no verdict, the result is `ProgramPanicked` (I4). */
export const check = (invariant: InvariantDefinition, sight: Sight, effect: ProposedEffect): Cause | undefined => {
  const { cycle } = sight
  const holder = `the check of invariant ${JSON.stringify(invariant.name)}`
  try {
    const answer = withView(sight, holder, (view) => invariant.check(view, effect))
    const violation = violationOf(invariant, plainly(holder, answer))
    if (violation === undefined) return undefined
    return { _tag: "InvariantViolated", cycle, name: invariant.name, class: invariant.class, ...violation }
  } catch (error) {
    return { _tag: "ProgramPanicked", cycle, phase: "invariant", ...describePanic(error) }
  }
}

/** The effect in the view of semantic and acceptance checks. */
export const nothingProposed: ProposedEffect = Object.freeze({ agent: "", facts: Object.freeze([]) })

/** The sight of the program: its context in a cycle, and the version after which facts are new. */
export interface Sight {
  readonly program: CompiledProgram
  readonly ledger: Ledger
  readonly since: number
  readonly cycle: number
}

/** Gives the program a view of the whole context, while `body` runs. `holder` names the function in messages. */
export const withView = <A>(
  { cycle, ledger, program, since }: Sight,
  holder: string,
  body: (view: View<Kind.Any>) => A
): A => viewed({ ...seesOf(program, holder), ledger, since, cycle }, body)
