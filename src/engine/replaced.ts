/**
 * The facts that a fork keeps although they come from values that it replaces.
 *
 * Facts are not taken back, so a fork from the end of a job with another seed still has what was derived from the seed before.
 * Provenance tells which facts would go without it (docs/decisions/0068). The answer is a function of the journal.
 *
 * Boundary: reads a context; the warning is a line of the log. The session of the fork keeps the answer for its caller.
 */
import * as Effect from "effect/Effect"
import type { Ledger } from "../context/Ledger.ts"
import type { Staying } from "../job/view.ts"
import { relatedToAny } from "../journal/lineage.ts"
import { inSlices } from "../platform/slices.ts"
import type { EncodedFact } from "../program/encoded.ts"
import type { FactRef } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"

/** The facts that stay if others replace values of the context. Undefined if none does. One walk over the context. */
export const stayingAfter = (
  context: Ledger,
  changed: ReadonlyArray<EncodedFact>
): Effect.Effect<Staying | undefined> => {
  const replaced = changed.flatMap(({ id, kind, text }): ReadonlyArray<FactRef> => {
    const present = context.entry(kind.name, id)
    return present === undefined || present.text === text ? [] : [{ kind: kind.name, id }]
  })
  const [firstReplaced] = replaced
  if (firstReplaced === undefined) return Effect.undefined
  const names = new Set(replaced.map(refKey))
  // A fact that the fork gives anew does not stay as it was.
  const given = new Set(changed.map(({ id, kind }) => refKey({ kind: kind.name, id })))
  return Effect.map(inSlices(relatedToAny(context, (fact) => names.has(refKey(fact)), "needs")), (related = []) => {
    const staying = related.filter(({ fact }) => !given.has(refKey(fact)))
    const first = staying[0]?.fact
    if (first === undefined) return undefined
    return { count: staying.length, first: { kind: first.kind, id: first.id }, replaced: firstReplaced }
  })
}

const nameOf = ({ id, kind }: FactRef): string => `${kind}/${id}`

/** Warns of the facts that stay in a fork. */
export const warnOfStaying = (jobId: string, { count, first, replaced }: Staying): Effect.Effect<void> => {
  const facts = count === 1 ? "1 fact that comes" : `${count} facts that come`
  const which =
    `the first is ${nameOf(first)}, and ${nameOf(replaced)} is replaced. Facts are not taken back. ` +
    `Fork from a cycle before them, such as 0, to derive them anew`
  return Effect.annotateLogs(
    Effect.logWarning(`the fork ${jobId} keeps ${facts} from values which it replaces: ${which}`),
    { job: jobId, facts: count }
  )
}
