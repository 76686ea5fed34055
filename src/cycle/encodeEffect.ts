/**
 * Validation: from what an agent returned to an effect that the merge can apply, and to and from its wire format.
 *
 * Runs where the agent ran, once: on a worker for CPU agents, on the main thread for the others. Works in steps, so that
 * a large effect never holds the event loop (docs/semantics.md, Slices).
 *
 * Invariants: an effect is valid as a whole or not at all (G2); what comes out is frozen and canonical (G1).
 * Boundary: throws `EffectFault`; knows nothing of the context that the effect will meet.
 */
import { type Evaluation } from "../program/AgentEffect.ts"
import { canonical } from "../values/Canonical.ts"
import { describePanic, typeOf } from "../values/panic.ts"
import { Limits } from "../Limits.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { refKey } from "../program/keys.ts"
import type { ErasedKind, ErasedAgent } from "../program/erased.ts"
import { type EncodedEffect, type EncodedFact, type EncodedIntent, emptyEffect } from "../program/encoded.ts"
import type { Cause } from "../outcome/Cause.ts"

/** Why an output is no valid effect: it does not fit, or one of the program's own functions threw. */
export class EffectFault extends Error {
  readonly type: "InvalidEffect" | "AgentPanicked"
  override readonly stack: string
  constructor(type: "InvalidEffect" | "AgentPanicked", message: string, stack: string) {
    super(message)
    this.type = type
    this.stack = stack
  }
}

const invalid = (message: string): never => {
  throw new EffectFault("InvalidEffect", message.slice(0, Limits.errorTextLength), "")
}

/** Throws what a program's own function threw, as its fault. */
export const panicked = (thrown: unknown): never => {
  const { message, stack } = describePanic(thrown, Limits.errorTextLength)
  throw new EffectFault("AgentPanicked", message, stack)
}

const keys = ["facts", "intents", "evaluations", "trace", "usage"]
const proposalKeys = ["kind", "value"]
const stepSize = 64

const listOf = (output: Record<string, unknown>, key: string): ReadonlyArray<unknown> => {
  const value = output[key]
  if (value === undefined) return []
  return Array.isArray(value) ? value : invalid(`${key} must be an array, not ${typeOf(value)}`)
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

const refuseUnknownKeys = (
  value: Record<string, unknown>,
  allowed: ReadonlyArray<string>,
  where: string,
  index?: number
): void => {
  for (const key of Object.keys(value)) {
    if (allowed.includes(key)) continue
    invalid(`${placeOf(where, index)} has a key that does not exist: ${JSON.stringify(key)}`)
  }
}

/** Only what goes wrong needs to be told where: the texts for it are not made before. */
const placeOf = (where: string, index: number | undefined): string =>
  index === undefined ? where : `${where}[${index}]`

const factName = (kind: ErasedKind, where: string | number): string =>
  `${typeof where === "number" ? placeOf("facts", where) : where} (${kind.name})`

/** Validates one value of a kind and finds its id. `where`: what messages call it, or its place among an effect's facts. */
export const encodeFact = (kind: ErasedKind, value: unknown, where: string | number): EncodedFact => {
  let text: string
  let frozen: unknown
  try {
    const encoded = kind.codec.encode(value)
    text = encoded.text
    frozen = encoded.value
  } catch (error) {
    return isInvalidValue(error) ? invalid(`${factName(kind, where)}: ${error.message}`) : panicked(error)
  }
  let id: unknown
  try {
    id = kind.id(frozen)
  } catch (error) {
    return panicked(error)
  }
  if (typeof id !== "string") return invalid(`${factName(kind, where)}: id gave ${typeOf(id)}, not a string`)
  return { kind, id, text, value: frozen }
}

type KindOf = (name: string) => ErasedKind | undefined

/** The facts of one effect, as they are validated one after the other: their ids are unique. */
class FactList {
  readonly facts: Array<EncodedFact> = []
  readonly #kindOf: KindOf
  readonly #ids = new Map<ErasedKind, Set<string>>()

  constructor(kindOf: KindOf) {
    this.#kindOf = kindOf
  }

  add(proposal: unknown, index: number): void {
    if (!isRecord(proposal) || typeof proposal["kind"] !== "string" || !("value" in proposal)) {
      return invalid(`facts[${index}] is ${typeOf(proposal)} that is no proposal: make it with Kind.of(value)`)
    }
    refuseUnknownKeys(proposal, proposalKeys, "facts", index)
    const name = proposal["kind"]
    const kind =
      this.#kindOf(name) ?? invalid(`facts[${index}] is of kind ${JSON.stringify(name)}, which is not declared`)
    const fact = encodeFact(kind, proposal["value"], index)
    const ids = this.#ids.get(kind)
    if (ids === undefined) this.#ids.set(kind, new Set([fact.id]))
    else if (ids.has(fact.id)) {
      return invalid(`facts[${index}] proposes ${refKey({ kind: name, id: fact.id })} a second time in the same effect`)
    } else ids.add(fact.id)
    this.facts.push(fact)
  }
}

/**
 * Validates proposals of some kinds, as they come; ids must be unique among them. Yields now and then: an array costs nothing
 * to read, but what makes them one by one may take its time with each.
 */
export function* encodeFacts(
  proposals: Iterable<unknown>,
  kindOf: KindOf
): Generator<void, ReadonlyArray<EncodedFact>> {
  const list = new FactList(kindOf)
  const size = Array.isArray(proposals) ? stepSize : 1
  let index = 0
  for (const proposal of proposals) {
    if (index % size === size - 1) yield
    list.add(proposal, index++)
  }
  return list.facts
}

const encodeIntent = (intent: unknown, index: number): EncodedIntent => {
  const where = `intents[${index}]`
  if (!isRecord(intent) || typeof intent["kind"] !== "string") return invalid(`${where} needs a kind`)
  refuseUnknownKeys(intent, ["kind", "payload"], where)
  try {
    const payload = canonical(intent["payload"] ?? null)
    const kind = intent["kind"]
    return { kind, payload: payload.value, text: `{"kind":${JSON.stringify(kind)},"payload":${payload.text}}` }
  } catch (error) {
    return invalid(`${where}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const encodeEvaluation = (evaluation: unknown, index: number): Evaluation => {
  const where = `evaluations[${index}]`
  if (!isRecord(evaluation)) return invalid(`${where} is ${typeOf(evaluation)}`)
  refuseUnknownKeys(evaluation, ["fact", "score", "reason"], where)
  const { fact, reason, score } = evaluation
  if (!isRecord(fact) || typeof fact["kind"] !== "string" || typeof fact["id"] !== "string") {
    return invalid(`${where}.fact must be a fact or {kind, id}`)
  }
  if (typeof score !== "number" || !(score >= 0 && score <= 1)) {
    return invalid(`${where}.score must be a number in [0, 1], not ${String(score)}`)
  }
  if (typeof reason !== "string") return invalid(`${where}.reason must be a string`)
  return { fact: { kind: fact["kind"], id: fact["id"] }, score: score === 0 ? 0 : score, reason }
}

const tokensOf = (usage: unknown): number => {
  if (usage === undefined) return 0
  if (!isRecord(usage)) return invalid(`usage must be an object, not ${typeOf(usage)}`)
  refuseUnknownKeys(usage, ["tokens"], "usage")
  const tokens = usage["tokens"] ?? 0
  return typeof tokens === "number" && Number.isFinite(tokens) && tokens >= 0
    ? tokens
    : invalid(`usage.tokens must be a finite number of at least 0, not ${JSON.stringify(tokens)}`)
}

const encodeTrace = (trace: unknown): unknown => {
  if (trace === undefined) return undefined
  try {
    return canonical(trace).value
  } catch (error) {
    return invalid(`trace: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function* eachOf<A>(
  items: ReadonlyArray<unknown>,
  encode: (item: unknown, index: number) => A
): Generator<void, Array<A>> {
  const encoded: Array<A> = []
  for (let index = 0; index < items.length; index++) {
    if (index % stepSize === stepSize - 1) yield
    encoded.push(encode(items[index], index))
  }
  return encoded
}

type Output = Record<string, unknown>

const effectOf = (
  output: Output,
  facts: ReadonlyArray<EncodedFact>,
  intents: ReadonlyArray<EncodedIntent>,
  evaluations: ReadonlyArray<Evaluation>
): EncodedEffect => {
  const trace = encodeTrace(output["trace"])
  const tokens = tokensOf(output["usage"])
  const isEmpty = facts.length + intents.length + evaluations.length + tokens === 0 && trace === undefined
  return isEmpty ? emptyEffect : { facts, intents, evaluations, trace, tokens }
}

const isShort = (list: unknown): boolean => !Array.isArray(list) || list.length < stepSize

/** Most effects are small: those are validated in one step, without a generator for each of their parts. */
const isSmall = (output: Output): boolean =>
  isShort(output["facts"]) && isShort(output["intents"]) && isShort(output["evaluations"])

const encodeSmall = (agent: ErasedAgent, output: Output): EncodedEffect => {
  const proposals = listOf(output, "facts")
  let facts = noFacts
  if (proposals.length > 0) {
    const list = new FactList((name) => writtenKind(agent, name))
    for (let index = 0; index < proposals.length; index++) list.add(proposals[index], index)
    facts = list.facts
  }
  return effectOf(
    output,
    facts,
    listOf(output, "intents").map(encodeIntent),
    listOf(output, "evaluations").map(encodeEvaluation)
  )
}

function* encodeLarge(agent: ErasedAgent, output: Output): Generator<void, EncodedEffect> {
  const facts = yield* encodeFacts(listOf(output, "facts"), (name) => writtenKind(agent, name))
  const intents = yield* eachOf(listOf(output, "intents"), encodeIntent)
  const evaluations = yield* eachOf(listOf(output, "evaluations"), encodeEvaluation)
  return effectOf(output, facts, intents, evaluations)
}

const noFacts: ReadonlyArray<EncodedFact> = Object.freeze([])
export const noIntents: ReadonlyArray<EncodedIntent> = Object.freeze([])
export const noEvaluations: ReadonlyArray<Evaluation> = Object.freeze([])

const writtenKind = (agent: ErasedAgent, name: string): ErasedKind | undefined =>
  agent.writes.find((kind) => kind.name === name)

const outputOf = (output: unknown): Output => {
  if (!isRecord(output) || Array.isArray(output) || output instanceof Promise) {
    return invalid(`execute returned ${typeOf(output)}, not an effect such as {facts: [...]}`)
  }
  refuseUnknownKeys(output, keys, "the effect")
  return output
}

/** Validates what an agent returned. Yields now and then; throws `EffectFault`. */
export function* encodeEffect(agent: ErasedAgent, output: unknown): Generator<void, EncodedEffect> {
  try {
    const checked = outputOf(output)
    return isSmall(checked) ? encodeSmall(agent, checked) : yield* encodeLarge(agent, checked)
  } catch (error) {
    // An output may be a proxy or have getters that throw: that is the agent's doing.
    if (isEffectFault(error)) throw error
    return panicked(error)
  }
}

/** What is wrong with an output, as data. */
export interface OutputFault {
  readonly _tag: "InvalidEffect" | "AgentPanicked"
  readonly message: string
  readonly stack: string
}

/** The cause that a task with such an output leaves. */
export const causeOf = ({ _tag, message, stack }: OutputFault, agent: string, cycle: number): Cause =>
  _tag === "InvalidEffect" ? { _tag, agent, cycle, message } : { _tag, agent, cycle, message, stack }

/** As `encodeEffect`, with a fault as a value. */
export function* settleEffect(agent: ErasedAgent, output: unknown): Generator<void, EncodedEffect | OutputFault> {
  try {
    return yield* encodeEffect(agent, output)
  } catch (error) {
    return faultOf(error)
  }
}

/** As `settleEffect`, at once; undefined for an effect that is too large for that. */
export const settleSmallEffect = (agent: ErasedAgent, output: unknown): EncodedEffect | OutputFault | undefined => {
  try {
    const checked = outputOf(output)
    return isSmall(checked) ? encodeSmall(agent, checked) : undefined
  } catch (error) {
    return faultOf(error)
  }
}

/** Whether something thrown is a fault of ours. A thrown proxy may throw again when it is asked what it is. */
export const isEffectFault = (thrown: unknown): thrown is EffectFault => {
  try {
    return thrown instanceof EffectFault
  } catch {
    return false
  }
}

/** What was thrown, as a fault: the output's, or the agent's panic. */
export const faultOf = (thrown: unknown): OutputFault =>
  isEffectFault(thrown)
    ? { _tag: thrown.type, message: thrown.message, stack: thrown.stack }
    : { _tag: "AgentPanicked", ...describePanic(thrown, Limits.errorTextLength) }

/** Steps whose fault is a value. */
export function* settled<A>(steps: Generator<void, A>): Generator<void, A | EffectFault> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof EffectFault) return error
    throw error
  }
}
