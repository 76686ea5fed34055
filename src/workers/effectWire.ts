/**
 * An effect on its way from a worker thread: its facts travel as texts, the rest beside them. Boundary: values in, values out.
 */
import { type Evaluation } from "../program/AgentEffect.ts"
import { canonicalText } from "../values/Canonical.ts"
import { noIntents, noEvaluations } from "../cycle/encodeEffect.ts"
import { type EncodedEffect, type EncodedFact, emptyEffect } from "../program/encoded.ts"
import { parseCanonical } from "../values/frozen.ts"

/** The message form of an effect without its facts. Values are canonical texts. */
export type EffectRest = readonly [
  intents: ReadonlyArray<readonly [kind: string, payload: string]>,
  evaluations: ReadonlyArray<Evaluation>,
  trace: string | null,
  tokens: number
]

/** Returns the rest of an effect without its facts. If the rest has only tokens, it returns their number. */
export const restOf = ({ evaluations, intents, tokens, trace }: EncodedEffect): EffectRest | number =>
  intents.length === 0 && evaluations.length === 0 && trace === undefined
    ? tokens
    : [
        intents.map((intent) => [intent.kind, canonicalText(intent.payload)]),
        evaluations,
        trace === undefined ? null : canonicalText(trace),
        tokens
      ]

/** Joins the parts of an effect that another thread validated. */
export const joinEffect = (facts: ReadonlyArray<EncodedFact>, rest: EffectRest | number): EncodedEffect => {
  if (typeof rest === "number") {
    return facts.length === 0 && rest === 0
      ? emptyEffect
      : { facts, intents: noIntents, evaluations: noEvaluations, trace: undefined, tokens: rest }
  }
  const [intents, evaluations, trace, tokens] = rest
  return {
    facts,
    intents: intents.map(([kind, payload]) => ({
      kind,
      payload: parseCanonical(payload),
      text: `{"kind":${JSON.stringify(kind)},"payload":${payload}}`
    })),
    evaluations,
    trace: trace === null ? undefined : parseCanonical(trace),
    tokens
  }
}
