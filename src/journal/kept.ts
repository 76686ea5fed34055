/**
 * Encodes and decodes kept effects: results of tasks that are saved in case the process dies before their cycle is committed.
 *
 * The hash of the context and the task's key seal the text of an effect. If an effect cannot be read, its agent is executed
 * again.
 *
 * Boundary: records to and from JSON texts.
 */
import * as Schema from "effect/Schema"
import type { Evaluation } from "../program/AgentEffect.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import { encodedFact, encodedIntent, inOrder, type KindOf } from "./decode.ts"
import { Amount, Count, type FieldsOf, parsePart, recordAs } from "./jsonRecord.ts"

/** Returns the name that seals a kept effect: the hash of the context before the cycle, and the task's key. */
export const keptOf = (hash: string, key: string): string => `${hash}\n${key}`

/** The JSON of a kept effect. */
interface KeptJson {
  readonly facts: ReadonlyArray<readonly [kind: string, id: string, value: unknown, because?: ReadonlyArray<number>]>
  readonly intents: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>
  readonly evaluations: ReadonlyArray<Evaluation>
  readonly trace?: unknown
  readonly tokens: number
}

const keptFields = {
  facts: Schema.Array(
    Schema.Tuple([Schema.String, Schema.String, Schema.Unknown, Schema.optionalKey(Schema.Array(Count))])
  ),
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

/** Encodes an effect. */
export const encodeKept = ({ evaluations, facts, intents, tokens, trace }: EncodedEffect): string => {
  const rest: Omit<KeptJson, "facts"> = {
    intents: intents.map(({ kind, payload }) => ({ kind, payload })),
    evaluations,
    tokens,
    ...(trace === undefined ? {} : { trace })
  }
  const lines = facts.map(({ because, id, kind, text }) => {
    const reasons = because === undefined ? "" : `,[${because.join(",")}]`
    return `[${JSON.stringify(kind.name)},${JSON.stringify(id)},${text}${reasons}]`
  })
  return `{"facts":[${lines.join(",")}],${JSON.stringify(rest).slice(1)}`
}

/** Decodes an effect. Returns undefined if the text cannot be read or no longer fits the program. */
export const decodeKept = (text: string, kindOf: KindOf): EncodedEffect | undefined => {
  try {
    const { evaluations, facts, intents, tokens, trace } = keptAs(parsePart("kept", text))
    return {
      facts: facts.map(([kind, id, value, because]) =>
        encodedFact(because === undefined ? { kind, value } : { because, kind, value }, id, kindOf)
      ),
      intents: intents.map(encodedIntent),
      evaluations: evaluations.map(inOrder),
      trace,
      tokens
    }
  } catch {
    return undefined
  }
}
