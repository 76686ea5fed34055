/**
 * Reads a check's answer: the invariant holds, or it does not, for a reason.
 *
 * Boundary: a pure function of the answer, which may be of any type.
 */
import type { FactRef } from "./Fact.ts"
import type { InvariantDefinition } from "./Invariant.ts"

const isRef = (value: unknown): value is FactRef =>
  typeof value === "object" &&
  value !== null &&
  "kind" in value &&
  "id" in value &&
  typeof value.kind === "string" &&
  typeof value.id === "string"

/**
 * A verdict as a reason with facts, or undefined if the invariant holds.
 *
 * @throws TypeError for an answer that is no verdict
 */
export const violationOf = (
  invariant: InvariantDefinition,
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
