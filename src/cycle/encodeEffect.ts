/**
 * Validation: from the output of an agent to an effect that the merge can apply (M2).
 *
 * It runs once, where the agent ran: on a worker for CPU agents, on the main thread for the others. It works in steps, so
 * that a large effect never holds the event loop (SL1).
 *
 * Invariants: an effect is valid as a whole or not at all (G2); a valid one is frozen and canonical (G1).
 * Boundary: asks the context that the agent saw for its reasons; knows nothing of the context that the effect will meet. An
 * agent's output is never trusted: it may be a proxy, or have getters that throw.
 */
import type { Evaluation } from "../program/AgentEffect.ts"
import { emptyEffect, type EncodedEffect, type EncodedFact, type EncodedIntent } from "../program/encoded.ts"
import type { ErasedAgent, ErasedKind } from "../program/erased.ts"
import { refKey } from "../program/keys.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { Cause } from "../outcome/Cause.ts"
import { type ErasedIntentKind, isTypedIntent } from "../program/intentKind.ts"
import { type Canonical, canonical } from "../values/Canonical.ts"
import { parseCanonical } from "../values/frozen.ts"
import { describePanic, type Panic, typeOf } from "../values/panic.ts"
import { laterOf, plainly, refusalOf } from "../values/plainResult.ts"
import { isInstance } from "../values/thrown.ts"
import { Limits } from "../Limits.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { type Cursor, type InSteps, inSteps, stepSize } from "../values/steps.ts"

/** The fault of an output that is no valid effect: it does not fit, or one of the program's own functions threw. */
export class EffectFault extends Error {
  readonly type: "InvalidEffect" | "AgentPanicked"
  readonly panic: Panic
  constructor(type: "InvalidEffect" | "AgentPanicked", panic: Panic) {
    super(panic.message)
    this.type = type
    this.panic = panic
  }
}

export const invalid = (message: string): never => {
  throw new EffectFault("InvalidEffect", { message: message.slice(0, Limits.errorTextLength), stack: "" })
}

/** Throws the fault for a value that one of the program's own functions threw. */
export const panicked = (thrown: unknown): never => {
  throw new EffectFault("AgentPanicked", describePanic(thrown))
}

const keys = ["facts", "intents", "evaluations", "trace", "usage"]
const proposalKeys = ["kind", "value", "because"]

type Output = Record<string, unknown>

const none: ReadonlyArray<unknown> = Object.freeze([])

export const listOf = (output: Output, key: string): ReadonlyArray<unknown> => {
  const value = output[key]
  if (value === undefined) return none
  return Array.isArray(value) ? value : invalid(`${key} must be an array, not ${typeOf(value)}`)
}

const isEmpty = (list: unknown): boolean => list === undefined || (Array.isArray(list) && list.length === 0)

/** Whether an output may hold more than a trace and tokens: most executions of a long job add nothing. */
const hasItems = (output: Output): boolean =>
  !isEmpty(output["facts"]) || !isEmpty(output["intents"]) || !isEmpty(output["evaluations"])

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null

/** Checks the shape of a proposal. `index` is its place among the facts of its output. @throws EffectFault */
export const proposalOf = (
  proposal: unknown,
  index: number
): { readonly kind: string; readonly value: unknown; readonly because: unknown } => {
  if (!isRecord(proposal) || typeof proposal["kind"] !== "string" || !("value" in proposal)) {
    return invalid(`facts[${index}] is ${typeOf(proposal)}, which is no proposal: make it with Kind.of(value)`)
  }
  refuseUnknownKeys(proposal, proposalKeys, "facts", index)
  return { kind: proposal["kind"], value: proposal["value"], because: proposal["because"] }
}

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

/** The name of a place in an effect, for messages. It is made only when something is wrong there. */
const placeOf = (where: string, index: number | undefined): string =>
  index === undefined ? where : `${where}[${index}]`

const factName = (kind: ErasedKind, where: string | number): string =>
  `${typeof where === "number" ? placeOf("facts", where) : where} (${kind.name})`

/**
 * Validates one value of a kind and computes its id. `where` is its name in messages, or its place among an effect's facts.
 * @throws EffectFault
 */
export const encodeFact = (
  kind: ErasedKind,
  value: unknown,
  where: string | number,
  because?: ReadonlyArray<number>
): EncodedFact => {
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
    if (typeof id !== "string") plainly(`id of ${kind.name}`, id)
  } catch (error) {
    return panicked(error)
  }
  if (typeof id !== "string") return invalid(`${factName(kind, where)}: id gave ${typeOf(id)}, not a string`)
  return { kind, id, text, value: frozen, because }
}

type KindOf = (name: string) => ErasedKind | undefined

/** Finds the commit positions of a proposal's reasons. `place` is the proposal's place in its effect. */
export type ReasonsOf = (because: unknown, place: number) => ReadonlyArray<number> | undefined

/** Refuses the reasons of proposals that no agent makes. */
const noReasons: ReasonsOf = (_, place) =>
  invalid(`facts[${place}].because: only an agent can give reasons. Leave them out of seeds, signals and answers`)

/** The reasons of an agent's proposals must be facts that its view shows. */
export const visibleReasons =
  ({ label, visibleNames }: Pick<ErasedAgent, "label" | "visibleNames">, context: JobContext): ReasonsOf =>
  (because, place) => {
    if (!Array.isArray(because)) return invalid(`facts[${place}].because must be an array, not ${typeOf(because)}`)
    // A set keeps the order of the agent, and costs the same for many reasons.
    const positions = new Set<number>()
    for (let index = 0; index < because.length; index++) {
      const where = `facts[${place}].because[${index}]`
      const fact: unknown = because[index]
      const provenance = isRecord(fact) ? fact["provenance"] : undefined
      if (!isRecord(fact) || typeof fact["kind"] !== "string" || !isRecord(provenance)) {
        return invalid(`${where} is ${typeOf(fact)}, which is no fact: give facts as the view hands them out`)
      }
      const kind = fact["kind"]
      if (!visibleNames.has(kind)) {
        return invalid(
          `${where} is of kind ${JSON.stringify(kind)}, which ${label} does not see: add the kind to reads`
        )
      }
      const id = String(fact["id"])
      const version = provenance["version"]
      const found = context.find(kind, id)
      const shown = found?.provenance.version
      if (shown === undefined || shown !== version) {
        const now = shown === undefined ? "has no such fact" : `shows version ${shown} of it`
        const given = `${refKey({ kind, id })} of version ${String(version)}`
        return invalid(`${where} is ${given}, and the view ${now}: give facts as the view of this task hands them out`)
      }
      // A copy may have another value, and another job a fact of that name and version.
      if (!Object.is(fact, found)) {
        return invalid(
          `${where} looks like ${refKey({ kind, id })} of version ${shown}, and is a copy of it or a fact of another job: ` +
            `give facts as the view of this task hands them out`
        )
      }
      positions.add(shown)
    }
    return positions.size === 0 ? undefined : Object.freeze([...positions])
  }

/** Says what to do about a fact of a kind that its proposer may not propose. */
type Advice = (kind: string) => string

const notDeclared: Advice = () => "which is not declared"

/** The facts of one effect, validated one after the other. Their ids are unique. */
class FactList {
  readonly facts: Array<EncodedFact> = []
  private readonly kindOf: KindOf
  private readonly reasonsOf: ReasonsOf
  private readonly advice: Advice
  /** The ids, by kind. Made for the second fact: most effects have one. */
  private ids: Map<ErasedKind, Set<string>> | undefined

  constructor(kindOf: KindOf, reasonsOf: ReasonsOf, advice: Advice) {
    this.kindOf = kindOf
    this.reasonsOf = reasonsOf
    this.advice = advice
  }

  add(proposal: unknown): void {
    const index = this.facts.length
    const { because, kind: name, value } = proposalOf(proposal, index)
    const kind =
      this.kindOf(name) ?? invalid(`facts[${index}] is of kind ${JSON.stringify(name)}, ${this.advice(name)}`)
    const reasons = because === undefined ? undefined : this.reasonsOf(because, index)
    const fact = encodeFact(kind, value, index, reasons)
    if (index > 0 && !this.isNew(fact)) {
      const first = this.facts.findIndex((other) => other.kind === kind && other.id === fact.id)
      return invalid(
        `facts[${index}] proposes ${refKey({ kind: name, id: fact.id })} a second time in the same effect: facts[${first}] ` +
          `does, too. If they are two facts, the \`id\` of ${name} has to tell them apart`
      )
    }
    this.facts.push(fact)
  }

  /** Whether no earlier fact has the kind and id of this one. Its id is then kept. */
  private isNew({ id, kind }: EncodedFact): boolean {
    this.ids ??= new Map(this.facts.map((first) => [first.kind, new Set([first.id])]))
    let ids = this.ids.get(kind)
    if (ids === undefined) this.ids.set(kind, (ids = new Set()))
    // The size tells whether the id was added: a look-up of its own would cost as much as the addition.
    const before = ids.size
    return ids.add(id).size > before
  }
}

/**
 * Validates proposals of some kinds, in their order, in steps. Ids must be unique among them. An array costs nothing to read;
 * another iterable may take its time with each proposal, so there is a step for each. @throws EffectFault
 */
export function* encodeFacts(
  proposals: Iterable<unknown>,
  kindOf: KindOf,
  advice: Advice = notDeclared
): Generator<void, ReadonlyArray<EncodedFact>> {
  const list = new FactList(kindOf, noReasons, advice)
  const size = Array.isArray(proposals) ? stepSize : 1
  for (const proposal of proposals) {
    if (list.facts.length % size === size - 1) yield
    list.add(proposal)
  }
  return list.facts
}

export const encodeIntent = (agent: ErasedAgent, intent: unknown, index: number): EncodedIntent => {
  const where = `intents[${index}]`
  if (!isRecord(intent) || typeof intent["kind"] !== "string") return invalid(`${where} needs a kind`)
  refuseUnknownKeys(intent, ["kind", "payload"], where)
  const kind = intent["kind"]
  const declared = agent.intents.find(({ name }) => name === kind)
  if (declared === undefined && isTypedIntent(intent)) {
    return invalid(
      `${where} is of the kind ${JSON.stringify(kind)}, which ${agent.label} does not declare: add it to its \`intents\``
    )
  }
  try {
    const payload =
      declared === undefined ? canonical(intent["payload"] ?? null) : payloadOf(declared, intent["payload"])
    return { kind, payload: payload.value, text: `{"kind":${JSON.stringify(kind)},"payload":${payload.text}}` }
  } catch (error) {
    const why = isInvalidValue(error) || error instanceof Error ? error.message : String(error)
    return invalid(`${where}${declared === undefined ? "" : ` (${kind})`}: ${why}`)
  }
}

/** The payload of an intent as its kind encodes it, in plain data. @throws InvalidValue */
const payloadOf = ({ codec }: ErasedIntentKind, payload: unknown): Canonical => {
  const { text, value } = codec.encode(payload)
  return { text, value: codec.isPlain ? value : parseCanonical(text) }
}

export const encodeEvaluation = (evaluation: unknown, index: number): Evaluation => {
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

export const tokensOf = (usage: unknown): number => {
  if (usage === undefined) return 0
  if (!isRecord(usage)) return invalid(`usage must be an object, not ${typeOf(usage)}`)
  refuseUnknownKeys(usage, ["tokens"], "usage")
  const tokens = usage["tokens"] ?? 0
  return typeof tokens === "number" && Number.isFinite(tokens) && tokens >= 0
    ? tokens
    : invalid(`usage.tokens must be a finite number of at least 0, not ${JSON.stringify(tokens)}`)
}

export const encodeTrace = (trace: unknown): unknown => {
  if (trace === undefined) return undefined
  try {
    return canonical(trace).value
  } catch (error) {
    return invalid(`trace: ${error instanceof Error ? error.message : String(error)}`)
  }
}

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

const noFacts: ReadonlyArray<EncodedFact> = Object.freeze([])
export const noIntents: ReadonlyArray<EncodedIntent> = Object.freeze([])
export const noEvaluations: ReadonlyArray<Evaluation> = Object.freeze([])

export const outputOf = ({ join, label, type }: ErasedAgent, output: unknown): Output => {
  const refusal = refusalOf(output)
  if (refusal !== undefined) {
    const later = laterOf(output)
    if (type === "fiber") {
      const advice =
        later === "a promise" ? "use Effect.promise or Effect.tryPromise" : "yield it, or use Effect.flatMap"
      return invalid(`the Effect of execute gave ${later}, not an effect such as {facts: [...]}: ${advice}`)
    }
    return later === "an Effect" && join === undefined
      ? invalid(`execute returned an Effect, but ${label} is a CPU agent: return {facts: [...]}, or use Agent.make`)
      : invalid(`execute ${refusal}`)
  }
  if (!isRecord(output) || Array.isArray(output)) {
    return invalid(`execute returned ${typeOf(output)}, not an effect such as {facts: [...]}`)
  }
  refuseUnknownKeys(output, keys, "the effect")
  return output
}

export const undeclaredBy =
  ({ label, writes }: ErasedAgent): Advice =>
  (kind) =>
    `which ${label} does not declare: add it to its kinds, \`writes: [${[...writes.map(({ name }) => name), kind].join(", ")}]\``

export const writtenKind = ({ writes }: ErasedAgent, name: string): ErasedKind | undefined => {
  for (const kind of writes) if (kind.name === name) return kind
  return undefined
}

/** The fault of an output, as data. */
export interface OutputFault extends Panic {
  readonly _tag: "InvalidEffect" | "AgentPanicked"
}

/** Two calls of one task propose different values for a fact, as data. */
export interface ConflictFault {
  readonly _tag: "MergeConflict"
  readonly existing: EncodedFact
  readonly proposed: EncodedFact
}

/** The reason why a task gave no effect. */
export type TaskFault = OutputFault | ConflictFault

/** The cause that a task with such a fault leaves. */
export const causeOf = (fault: TaskFault, agent: string, cycle: number): Cause => {
  if (fault._tag === "MergeConflict") {
    const { existing, proposed } = fault
    const agents: readonly [string, string] = [agent, agent]
    const { id, kind } = existing
    const values = { existing: existing.value, proposed: proposed.value }
    return { _tag: fault._tag, cycle, kind: kind.name, id, ...values, agents }
  }
  const { _tag, ...panic } = fault
  return _tag === "InvalidEffect" ? { _tag, agent, cycle, message: panic.message } : { _tag, agent, cycle, ...panic }
}

/**
 * An output under validation: its facts, then its intents, then its evaluations, item by item. There is one object for each
 * effect, so its members are `private` to the compiler only: a `#method` would cost a call into the runtime for each object.
 */
class EffectEncoding implements Cursor<EncodedEffect | OutputFault> {
  result: EncodedEffect | OutputFault = emptyEffect
  private readonly agent: ErasedAgent
  private readonly context: JobContext
  private readonly output: Output
  private facts: FactList | undefined
  private intents: Array<EncodedIntent> | undefined
  private evaluations: Array<Evaluation> | undefined
  /** The lists as the output gives them. Each is asked for once, when the list before it is valid. */
  private proposals: ReadonlyArray<unknown> | undefined
  private toDo: ReadonlyArray<unknown> | undefined
  private scores: ReadonlyArray<unknown> | undefined

  constructor(agent: ErasedAgent, context: JobContext, output: Output) {
    this.agent = agent
    this.context = context
    this.output = output
  }

  step(parts: number): boolean {
    try {
      return this.encode(parts)
    } catch (error) {
      this.result = faultOf(error)
      return true
    }
  }

  private encode(parts: number): boolean {
    const { agent, context, output } = this
    let left = parts
    const proposals = (this.proposals ??= listOf(output, "facts"))
    if (proposals.length > 0) {
      const list = (this.facts ??= new FactList(
        (name) => writtenKind(agent, name),
        visibleReasons(agent, context),
        undeclaredBy(agent)
      ))
      while (list.facts.length < proposals.length) {
        if (left-- === 0) return false
        list.add(proposals[list.facts.length])
      }
    }
    const toDo = (this.toDo ??= listOf(output, "intents"))
    if (toDo.length > 0) {
      const intents = (this.intents ??= [])
      while (intents.length < toDo.length) {
        if (left-- === 0) return false
        intents.push(encodeIntent(agent, toDo[intents.length], intents.length))
      }
    }
    const scores = (this.scores ??= listOf(output, "evaluations"))
    if (scores.length > 0) {
      const evaluations = (this.evaluations ??= [])
      while (evaluations.length < scores.length) {
        if (left-- === 0) return false
        evaluations.push(encodeEvaluation(scores[evaluations.length], evaluations.length))
      }
    }
    this.result = effectOf(
      output,
      this.facts?.facts ?? noFacts,
      this.intents ?? noIntents,
      this.evaluations ?? noEvaluations
    )
    return true
  }
}

/**
 * Validates what an agent returned: at once, or for a large effect in steps. Never throws: a fault is a value. `context` is the
 * one that the agent's view showed.
 */
export const encodeEffect = (
  agent: ErasedAgent,
  output: unknown,
  context: JobContext
): InSteps<EncodedEffect | OutputFault> => {
  try {
    const checked = outputOf(agent, output)
    return hasItems(checked)
      ? inSteps(new EffectEncoding(agent, context, checked))
      : effectOf(checked, noFacts, noIntents, noEvaluations)
  } catch (error) {
    return faultOf(error)
  }
}

/** A thrown value as the fault of an output; any value but an `EffectFault` is the agent's panic. */
export const faultOf = (thrown: unknown): OutputFault =>
  isInstance(thrown, EffectFault)
    ? { _tag: thrown.type, ...thrown.panic }
    : { _tag: "AgentPanicked", ...describePanic(thrown) }

/** Runs steps, and returns an `EffectFault` that they throw. */
export function* settled<A>(steps: Generator<void, A>): Generator<void, A | EffectFault> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof EffectFault) return error
    throw error
  }
}
