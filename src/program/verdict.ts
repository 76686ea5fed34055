/**
 * What a check's answer means: whether the invariant holds, or why not.
 *
 * Boundary: a pure function of the answer, which may be anything.
 */
import type { FactRef } from "./Fact.ts"
import type { Invariant } from "./Invariant.ts"

const isRef = (value: unknown): value is FactRef =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  "id" in value &&
  typeof value.kind === "string" &&
  typeof value.id === "string"

/** A verdict as a reason with facts, or undefined if the invariant holds. */
export const violationOf = (
  invariant: Invariant,
  verdict: unknown
): { readonly reason: string; readonly facts: ReadonlyArray<FactRef> } | undefined => {
  if (verdict === true) return undefined
  if (typeof verdict === "string") return { reason: verdict, facts: [] }
  if (typeof verdict === "object" && verdict !== null && "reason" in verdict && typeof verdict.reason === "string") {
    const facts = ("facts" in verdict ? verdict.facts : undefined) ?? []
    if (Array.isArray(facts) && facts.every(isRef)) {
      return { reason: verdict.reason, facts: facts.map(({ id, kind }) => ({ kind, id })) }
    }
    throw new TypeError(`invariant ${JSON.stringify(invariant.name)} answered facts that are not {kind, id}`)
  }
  if (verdict === false) return { reason: `${invariant.name} does not hold`, facts: [] }
  throw new TypeError(`invariant ${JSON.stringify(invariant.name)} answered ${typeof verdict}, not true or a reason`)
}
