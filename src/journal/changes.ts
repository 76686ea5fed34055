/**
 * The changes from one context to another: of two cycles of a job, or of two jobs.
 *
 * Of one job, a fact that was committed again counts as revised, as `Journal.diff` has it. Of two jobs only values count, since
 * each has versions of its own. Boundary: pure, in steps.
 */
import type { JobContext } from "../context/JobContext.ts"
import { type Encoded, liveFacts } from "./liveFacts.ts"
import { refKey } from "../program/keys.ts"
import { lightStepSize } from "../values/steps.ts"

/** A fact that only one of the contexts has, or that has another value in each. */
export type Change =
  | { readonly change: "added"; readonly before: null; readonly after: Encoded }
  | { readonly change: "revised"; readonly before: Encoded; readonly after: Encoded }
  | { readonly change: "removed"; readonly before: Encoded; readonly after: null }

/** Added and revised facts in the commit order of `after`, and then removed ones in that of `before`. */
export function* changesBetween(
  before: JobContext,
  after: JobContext,
  isOneJob: boolean
): Generator<void, ReadonlyArray<Change>> {
  const left = new Map<string, Encoded>()
  let steps = 0
  for (const entry of yield* liveFacts(before)) {
    if (++steps % lightStepSize === 0) yield
    left.set(refKey(entry.fact), entry)
  }
  const changes: Array<Change> = []
  for (const entry of yield* liveFacts(after)) {
    if (++steps % lightStepSize === 0) yield
    const key = refKey(entry.fact)
    const earlier = left.get(key)
    left.delete(key)
    if (earlier === undefined) changes.push({ change: "added", before: null, after: entry })
    else {
      const isSame = !isOneJob || earlier.fact.provenance.version === entry.fact.provenance.version
      if (earlier.text !== entry.text || !isSame) changes.push({ change: "revised", before: earlier, after: entry })
    }
  }
  for (const entry of left.values()) changes.push({ change: "removed", before: entry, after: null })
  return changes
}
