/**
 * The effect of a batch: the outputs of many calls, validated and joined into one effect.
 *
 * Two calls may propose the same fact. Then the rule of its kind decides, as if the outputs were merged one after the other: an
 * equal value changes nothing, and of other values the first or the last stays, or both are combined. The traces of the calls
 * become one list.
 *
 * Invariant: the ids of the effect's facts are unique. Boundary: the pure core. It throws the faults of encodeEffect.ts, and the
 * conflict of two calls.
 */
import type { Evaluation } from "../program/AgentEffect.ts"
import type { JobContext } from "../context/JobContext.ts"
import { emptyEffect, type EncodedEffect, type EncodedFact, type EncodedIntent } from "../program/encoded.ts"
import type { ErasedAgent, ErasedKind } from "../program/erased.ts"
import { isInstance } from "../values/thrown.ts"
import { checkIdempotent, combinedOf } from "./combine.ts"
import {
  type ConflictFault,
  EffectFault,
  encodeEvaluation,
  encodeFact,
  encodeIntent,
  encodeTrace,
  invalid,
  listOf,
  outputOf,
  panicked,
  proposalOf,
  type ReasonsOf,
  tokensOf,
  undeclaredBy,
  visibleReasons,
  writtenKind
} from "./encodeEffect.ts"

/** Two calls of a batch propose different values for a fact, and the rule of its kind is "reject". */
export class BatchConflict extends Error {
  readonly fault: ConflictFault
  constructor(fault: ConflictFault) {
    super(`two pairs propose ${fault.existing.id} with different values`)
    this.fault = fault
  }
}

export class BatchEffect {
  private readonly agent: ErasedAgent
  private readonly reasonsOf: ReasonsOf
  private readonly facts: Array<EncodedFact> = []
  /** The places of the facts, by kind and id. */
  private readonly places = new Map<ErasedKind, Map<string, number>>()
  private readonly checked: Checked = { combined: new Set(), repeated: new Set() }
  private intents: Array<EncodedIntent> | undefined
  private evaluations: Array<Evaluation> | undefined
  private traces: Array<unknown> | undefined
  private tokens = 0

  constructor(agent: ErasedAgent, context: JobContext) {
    this.agent = agent
    this.reasonsOf = visibleReasons(agent, context)
  }

  private undeclared(kind: string, place: number): never {
    return invalid(`facts[${place}] is of kind ${JSON.stringify(kind)}, ${undeclaredBy(this.agent)(kind)}`)
  }

  /** Adds the output of one call. `because` has the reasons of proposals that give none. @throws EffectFault, BatchConflict */
  add(given: unknown, because: ReadonlyArray<number> | undefined): void {
    const output = outputOf(this.agent, given)
    const proposals = listOf(output, "facts")
    for (let place = 0; place < proposals.length; place++) this.propose(proposals[place], place, because)
    for (const intent of listOf(output, "intents")) {
      this.intents ??= []
      this.intents.push(encodeIntent(this.agent, intent, this.intents.length))
    }
    for (const evaluation of listOf(output, "evaluations")) {
      this.evaluations ??= []
      this.evaluations.push(encodeEvaluation(evaluation, this.evaluations.length))
    }
    const trace = output["trace"]
    if (trace !== undefined) {
      this.traces ??= []
      this.traces.push(encodeTrace(trace))
    }
    const usage = output["usage"]
    if (usage !== undefined) this.tokens += tokensOf(usage)
  }

  private propose(given: unknown, place: number, because: ReadonlyArray<number> | undefined): void {
    const proposal = proposalOf(given, place)
    const kind = writtenKind(this.agent, proposal.kind) ?? this.undeclared(proposal.kind, place)
    const own = proposal.because === undefined ? because : this.reasonsOf(proposal.because, place)
    const fact = encodeFact(kind, proposal.value, place, own)
    let places = this.places.get(kind)
    if (places === undefined) this.places.set(kind, (places = new Map()))
    const present = places.get(fact.id)
    if (present === undefined) {
      places.set(fact.id, this.facts.length)
      this.facts.push(fact)
    } else this.facts[present] = resolved(this.facts[present]!, fact, this.checked)
  }

  get effect(): EncodedEffect {
    const { evaluations = none, facts, intents = none, tokens, traces } = this
    const isEmpty = facts.length + intents.length + evaluations.length + tokens === 0 && traces === undefined
    return isEmpty ? emptyEffect : { facts, intents, evaluations, trace: traces, tokens }
  }
}

const none: ReadonlyArray<never> = Object.freeze([])

/** The kinds whose functions were found to be idempotent, of two values or of one that was proposed again. */
interface Checked {
  readonly combined: Set<ErasedKind>
  readonly repeated: Set<ErasedKind>
}

/** The proposal that stays of two for the same fact. */
const resolved = (existing: EncodedFact, fact: EncodedFact, checked: Checked): EncodedFact => {
  const { kind, text } = fact
  const rule = kind.conflict
  if (existing.text === text && typeof rule !== "function") return existing
  if (rule === "keepFirst") return existing
  if (rule === "keepLast") return fact
  if (rule === "reject") {
    throw new BatchConflict({ _tag: "MergeConflict", existing, proposed: fact })
  }
  try {
    if (existing.text === text) {
      if (!checked.repeated.has(kind) && !checked.combined.has(kind)) checkIdempotent(rule, [fact])
      checked.repeated.add(kind)
      return existing
    }
    if (!checked.combined.has(kind)) checkIdempotent(rule, [existing, fact])
    checked.combined.add(kind)
    const combined = combinedOf(rule, existing, existing.text, fact)
    return combined.text === existing.text ? existing : combined
  } catch (error) {
    if (isInstance(error, EffectFault)) throw error
    return panicked(error)
  }
}
