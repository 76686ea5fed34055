/**
 * The live facts of a context in steps, for a context so large that gathering them at once would hold the event loop.
 *
 * Boundary: pure; the caller runs the steps in slices.
 */
import type { Fact } from "../program/Fact.ts"
import { lightStepSize } from "../values/steps.ts"
import type { JobContext } from "../context/JobContext.ts"

/** A fact with the canonical text of its value. */
export interface Encoded {
  readonly fact: Fact
  readonly text: string
}

/** What `context.encoded()` gives. A step is a number of facts that were ever committed, so dead ones hold up nothing. */
export function* liveFacts(context: JobContext): Generator<void, ReadonlyArray<Encoded>> {
  const live: Array<Encoded> = []
  let steps = 0
  for (const { fact, text } of context.history()) {
    if (++steps % lightStepSize === 0) yield
    if (context.find(fact.kind, fact.id) === fact) live.push({ fact, text })
  }
  return live
}
