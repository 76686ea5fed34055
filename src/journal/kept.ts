/**
 * Effects of tasks whose cycle is not committed, as they are kept in case the process dies before it is.
 *
 * The text of an effect is sealed with the hash of the context and the task's key. An effect that cannot be read is as good
 * as none: the agent is executed again.
 *
 * Boundary: records to and from JSON texts.
 */
import * as Schema from "effect/Schema"
import type { Evaluation } from "../program/AgentEffect.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { encodedFact, encodedIntent, inOrder, type KindOf } from "./decode.ts"
import { Amount, type FieldsOf, parsePart, recordAs } from "./jsonRecord.ts"

/** The name under which a kept effect is sealed: its task, on the context after a row. */
export const keptOf = (hash: string, key: string): string => `${hash}\n${key}`

/** An effect as it is kept. */
interface KeptJson {
  readonly facts: ReadonlyArray<readonly [kind: string, id: string, value: unknown]>
  readonly intents: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>
  readonly evaluations: ReadonlyArray<Evaluation>
  readonly trace?: unknown
  readonly tokens: number
}

const keptFields = {
  facts: Schema.Array(Schema.Tuple([Schema.String, Schema.String, Schema.Unknown])),
  intents: Schema.Array(Schema.Struct({ kind: Schema.String, payload: Schema.Unknown })),
  evaluations: Schema.Array(
    Schema.Struct({
      fact: Schema.Struct({ kind: Schema.String, id: Schema.String }),
      score: Schema.Finite,
      reason: Schema.String
    })
  ),
  trace: Schema.optionalKey(Schema.Unknown),
  tokens: Amount
} satisfies FieldsOf<KeptJson>

const keptAs = recordAs<KeptJson>("kept", Schema.Struct(keptFields))

/** The text of an effect that is kept. */
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

/** The effect of a text; undefined if it cannot be read, or is not one of this program any more. */
export const decodeKept = (text: string, kindOf: KindOf): EncodedEffect | undefined => {
  try {
    const { evaluations, facts, intents, tokens, trace } = keptAs(parsePart("kept", text))
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
