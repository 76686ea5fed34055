/**
 * The live facts of a context in steps, for a context so large that gathering them at once would hold the event loop.
 *
 * Boundary: pure; the caller runs the steps in slices.
 */
import type { Fact, FactRef } from "../program/Fact.ts"
import { lightStepSize } from "../values/steps.ts"
import type { JobContext } from "../context/JobContext.ts"

/** A fact with the canonical text of its value. */
export interface Encoded {
  readonly fact: Fact
  readonly text: string
}

/** The live facts in commit order, and undefined for each that is no longer live: dead ones take time, too. */
export function* liveEntries(context: JobContext): Generator<Encoded | undefined, void> {
  for (const { fact, text } of context.history()) {
    yield context.find(fact.kind, fact.id) === fact ? { fact, text } : undefined
  }
}

/** The live fact of a kind with this id. */
export const liveEntry = (context: JobContext, { id, kind }: FactRef): Encoded | undefined => {
  const fact = context.find(kind, id)
  if (fact === undefined) return undefined
  for (const { text } of context.liveAfter(kind, fact.provenance.version - 1)) return { fact, text }
  return undefined
}

/** The live facts of a context, as `context.encoded()` gives them. Dead facts hold up nothing: they count as steps, too. */
export function* liveFacts(context: JobContext): Generator<void, ReadonlyArray<Encoded>> {
  const live: Array<Encoded> = []
  let steps = 0
  for (const entry of liveEntries(context)) {
    if (++steps % lightStepSize === 0) yield
    if (entry !== undefined) live.push(entry)
  }
  return live
}
