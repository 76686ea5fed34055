/** Reads the derivation of a decision back to the rules, memberships and folders that it rests on. */
import { type JobContext, Provenance } from "effect-converge"
import { Claim } from "./program.ts"

/** The facts of the input under a derivation: what somebody would have to change. */
const premises = ({ causes, fact }: Provenance.Explanation): ReadonlyArray<string> =>
  fact.provenance.origin === "seed" ? [`${fact.kind} ${fact.id}`] : causes.flatMap(premises)

const premisesOf = (context: JobContext.JobContext, kind: string, id: string): ReadonlyArray<string> => {
  const tree = Provenance.explain(context, { kind, id })
  return tree === undefined ? [] : [...new Set(premises(tree))].toSorted()
}

/**
 * Why somebody may, or may not: the premises of the denial, if there is one, or else those of the grant. None if no rule says
 * anything. A decision may have more than one derivation, and this is the first.
 */
export const why = (
  context: JobContext.JobContext,
  asked: { readonly who: string; readonly permission: string; readonly item: string }
) => {
  const denials = premisesOf(context, "Claim", Claim.id({ effect: "deny", ...asked }))
  const grants = premisesOf(context, "Claim", Claim.id({ effect: "grant", ...asked }))
  return { isAllowed: grants.length > 0 && denials.length === 0, premises: denials.length > 0 ? denials : grants }
}
