/**
 * The changes from one context to another: of two cycles of a job, or of two jobs.
 *
 * A fact of one job that was committed again counts as revised, as `Journal.diff` has it. Between two jobs only values count,
 * since each has versions of its own. Boundary: pure, in steps.
 */
import type { JobContext } from "../context/JobContext.ts"
import { type Encoded, liveEntries, liveEntry } from "./liveFacts.ts"
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
  const changes: Array<Change> = []
  let steps = 0
  // The contexts have indexes already. One more of a million facts would hold the event loop whenever it grows.
  for (const entry of liveEntries(after)) {
    if (++steps % lightStepSize === 0) yield
    if (entry === undefined) continue
    const { provenance } = entry.fact
    const earlier = liveEntry(before, entry.fact)
    if (earlier === undefined) changes.push({ change: "added", before: null, after: entry })
    else {
      const isSame = !isOneJob || earlier.fact.provenance.version === provenance.version
      if (earlier.text !== entry.text || !isSame) changes.push({ change: "revised", before: earlier, after: entry })
    }
  }
  for (const entry of liveEntries(before)) {
    if (++steps % lightStepSize === 0) yield
    if (entry === undefined || after.find(entry.fact.kind, entry.fact.id) !== undefined) continue
    changes.push({ change: "removed", before: entry, after: null })
  }
  return changes
}
