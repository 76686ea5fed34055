/**
 * `--explain kind/id`: where a fact comes from.
 *
 * As JSON it is a list of nodes, not a tree: a derivation may be thousands of facts deep, and neither JSON writers nor
 * readers nest that far. `nodes[0]` is the fact; `causes` are places in the list, in commit order.
 *
 * Boundary: parses the reference, and turns an explanation into text or JSON.
 */
import * as Effect from "effect/Effect"
import type { FactRef } from "../Fact.ts"
import type { FactJson } from "../Job.ts"
import type { JobContext } from "../JobContext.ts"
import { compiledOf, type Program } from "../Program.ts"
import { explain, type Explanation } from "../Provenance.ts"
import { UsageError } from "./exitCode.ts"
import { oneLine, thousands } from "./text.ts"
import { parseJson } from "../internal/parseJson.ts"

export interface ExplanationJson {
  readonly nodes: ReadonlyArray<
    FactJson & {
      readonly trace: unknown
      readonly causes: ReadonlyArray<number>
      /** Causes that are explained elsewhere in the list, or left out. */
      readonly omitted: number
    }
  >
}

/** Splits `kind/id` at its first slash: ids may hold slashes, kinds that are asked for may not. */
export const parseRef = (text: string, program: Program.Any): Effect.Effect<FactRef, UsageError> => {
  const slash = text.indexOf("/")
  const [kind, id] = [text.slice(0, Math.max(slash, 0)), text.slice(slash + 1)]
  if (kind === "" || id === "") {
    return Effect.fail(new UsageError({ message: `--explain wants kind/id, not ${JSON.stringify(text)}` }))
  }
  const kinds = compiledOf(program).kinds
  if (kinds.has(kind)) return Effect.succeed({ kind, id })
  const message = `--explain: ${JSON.stringify(program.name)} has no kind ${JSON.stringify(kind)}, but:`
  return Effect.fail(new UsageError({ message, details: [...kinds.keys()].map((name) => `  ${name}`).join("\n") }))
}

/** What to say about a fact that is not there. */
export const notFound = (context: JobContext, { id, kind }: FactRef): string => {
  const count = context.counts()[kind] ?? 0
  const there = count === 0 ? "no fact of that kind" : `${thousands(count)} of that kind`
  return `there is no fact ${kind}/${oneLine(id)}; the context holds ${there}`
}

export const toJson = (context: JobContext, ref: FactRef): ExplanationJson | null => {
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
  for (const { fact, text } of context.encoded()) {
    if (versions.has(fact.provenance.version)) texts.set(fact.provenance.version, text)
  }
  return {
    nodes: queue.map(({ causes, fact, omitted, trace }) => ({
      kind: fact.kind,
      id: fact.id,
      value: parseJson(texts.get(fact.provenance.version) ?? "null"),
      provenance: fact.provenance,
      trace: trace ?? null,
      causes: causes.map((cause) => places.get(cause) ?? 0),
      omitted
    }))
  }
}
