/**
 * Combines two values of a fact by the function of its kind, and checks that the function is idempotent.
 *
 * Boundary: the pure core. It calls the program's own function.
 */
import { type Combine, lawfulOf } from "../program/combining.ts"
import type { EncodedFact } from "../program/encoded.ts"
import { plainly } from "../values/plainResult.ts"
import { EffectFault, encodeFact } from "./encodeEffect.ts"

/** The value that a function makes of two, as a fact. @throws EffectFault, or what the function throws */
export const combinedOf = (
  rule: Combine<unknown>,
  { value: existing }: { readonly value: unknown },
  text: string,
  { because, id, kind, text: proposedText, value: proposed }: EncodedFact
): EncodedFact => {
  const lawful = lawfulOf(rule)
  const made =
    lawful === undefined
      ? rule(existing, proposed)
      : lawful(existing, proposed, { existing: text, proposed: proposedText })
  const combined = plainly(`the combining function of ${kind.name}`, made)
  const fact = encodeFact(kind, combined, `the combined ${kind.name}/${id}`, because)
  if (fact.id === id) return fact
  throw new EffectFault("InvalidEffect", {
    message: `combining ${kind.name}/${id} changed its id to ${JSON.stringify(fact.id)}`,
    stack: ""
  })
}

/** Refuses a function that makes another value of two equal ones. */
const refuseUnlawful = ({ kind, text }: EncodedFact, twice: EncodedFact): never => {
  const shown = (of: string): string => (of.length > shownLength ? `${of.slice(0, shownLength)}...` : of)
  const message =
    `the combining function of ${kind.name} is not idempotent: of ${shown(text)} and the same value it makes ` +
    `${shown(twice.text)}. A value that is proposed again is no proposal, so such a function loses some of them. ` +
    "To sum or to count, keep each part as a fact of its own, and add them up in an agent, such as a fold"
  throw new EffectFault("InvalidEffect", { message, stack: "" })
}

/** Characters of a value in a message. */
const shownLength = 200

/** Refuses a function that makes another value of one of these values and itself. @throws EffectFault */
export const checkIdempotent = (rule: Combine<unknown>, values: ReadonlyArray<EncodedFact>): void => {
  if (lawfulOf(rule) !== undefined) return
  for (const same of values) {
    const twice = combinedOf(rule, same, same.text, same)
    if (twice.text !== same.text) refuseUnlawful(same, twice)
  }
}
