/**
 * The derivation of a fact as plain JSON: the command line prints it, and the server answers with it.
 *
 * It is a list of nodes, not a tree: a derivation may be thousands of facts deep, and neither JSON writers nor readers nest
 * that far. `nodes[0]` is the fact; `causes` are places in the list, in commit order. Boundary: a pure function of the
 * context.
 */
import type { FactRef } from "../program/Fact.ts"
import type { JobContext } from "../context/JobContext.ts"
import { explain, type Explanation } from "../context/Provenance.ts"
import { type FactJson, factJson } from "./resultJson.ts"

export interface ExplanationJson {
  readonly nodes: ReadonlyArray<
    FactJson & {
      readonly trace: unknown
      readonly causes: ReadonlyArray<number>
      /** The number of causes that are explained elsewhere in the list, or left out. */
      readonly omitted: number
    }
  >
}

/** The derivation of a fact as JSON. Null for a fact that the context does not hold. */
export const explanationToJson = (context: JobContext, ref: FactRef): ExplanationJson | null => {
  const root = explain(context, ref)
  if (root === undefined) return null
  const queue: Array<Explanation> = [root]
  const places = new Map<Explanation, number>([[root, 0]])
  for (let next = 0; next < queue.length; next++) {
    for (const cause of queue[next]?.causes ?? []) {
      places.set(cause, queue.length)
      queue.push(cause)
    }
  }
  const versions = new Set(queue.map(({ fact }) => fact.provenance.version))
  const texts = new Map<number, string>()
  for (const { fact, text } of context.history()) {
    if (versions.has(fact.provenance.version)) texts.set(fact.provenance.version, text)
  }
  return {
    nodes: queue.map(({ causes, fact, omitted, trace }) => ({
      ...factJson({ fact, text: texts.get(fact.provenance.version) ?? "null" }),
      trace: trace ?? null,
      causes: causes.map((cause) => places.get(cause) ?? 0),
      omitted
    }))
  }
}
