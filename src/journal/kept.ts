/**
 * Effects that are kept in case the process does not live to commit their cycle. Boundary: records to and from JSON texts.
 */
import type { Evaluation } from "../program/AgentEffect.ts"
import { parseJson } from "../values/parseJson.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { type KindOf, encodedFact, encodedIntent, inOrder } from "./decode.ts"

/** What something that is kept belongs to: a task, on the context after a row. */
export const keptOf = (hash: string, key: string): string => `${hash}\n${key}`

/** What a task gave, as it is kept before its cycle is committed. */
interface KeptJson {
  readonly facts: ReadonlyArray<readonly [kind: string, id: string, value: unknown]>
  readonly intents: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>
  readonly evaluations: ReadonlyArray<Evaluation>
  readonly trace?: unknown
  readonly tokens: number
}

/** An effect as it is kept before its cycle is committed. */
export const encodeKept = ({ evaluations, facts, intents, tokens, trace }: EncodedEffect): string => {
  const rest: Omit<KeptJson, "facts"> = {
    intents: intents.map(({ kind, payload }) => ({ kind, payload })),
    evaluations,
    tokens,
    ...(trace === undefined ? {} : { trace })
  }
  const lines = facts.map(({ id, kind, text }) => `[${JSON.stringify(kind.name)},${JSON.stringify(id)},${text}]`)
  return `{"facts":[${lines.join(",")}],${JSON.stringify(rest).slice(1)}`
}

/** The effect that was kept; undefined if it is not one of this program any more: then the agent is executed again. */
export const decodeKept = (text: string, kindOf: KindOf): EncodedEffect | undefined => {
  try {
    const { evaluations, facts, intents, tokens, trace } = parseJson(text) as KeptJson
    return {
      facts: facts.map(([kind, id, value]) => encodedFact({ kind, value }, id, kindOf)),
      intents: intents.map(encodedIntent),
      evaluations: evaluations.map(inOrder),
      trace,
      tokens
    }
  } catch {
    return undefined
  }
}
