/**
 * One effect on its way into the ledger: applied whole, or not at all (G2).
 *
 *     plan each proposal (M3) → facts, tokens (B2) → add → contextBytes (B2) → evaluations (M4) → structural checks (I1)
 *          any refusal on the way: the ledger is rolled back, and the outcome carries the cause
 *
 * Invariants: 1. After a refusal, ledger and counters are as they were. 2. After a success, each planned fact has a position,
 * in the order of the proposals. 3. Two effects never overlap: the caller finishes one before it begins the next.
 *
 * Boundary: the pure core. It decides about one effect; merge.ts decides about the cycle and the job.
 */
import type { Evaluation } from "../program/AgentEffect.ts"
import type { EncodedEffect, EncodedFact } from "../program/encoded.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { type Combine, lawfulOf } from "../program/combining.ts"
import type { Fact, Provenance } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import type { FactEntry } from "../context/factTable.ts"
import { noFacts } from "../context/factTable.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { By } from "../context/provenanceOf.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { Counters, MergedOutcome, Uncommutative } from "../outcome/CommittedCycle.ts"
import type { Cursor } from "../values/steps.ts"
import { checkIdempotent, combinedOf } from "./combine.ts"
import { CombinedPairs, isCheckedAfter } from "./combinedPairs.ts"
import { causeOf, faultOf } from "./encodeEffect.ts"
import { check, type Sight } from "./programChecks.ts"
import { exhausted, type OwnLimits } from "./sharedBudget.ts"

/** The cycle in which effects are applied. */
export interface MergeCycle {
  readonly cycle: number
  readonly program: CompiledProgram
  readonly ledger: Ledger
  /** They change once, when answers of child jobs are taken in. */
  limits: OwnLimits
  readonly counters: Counters
  /** Tokens that agents paid. They count whatever becomes of the cycle. */
  readonly spent: { readonly tokens: number }
  /** The ledger's version when the cycle began. */
  readonly start: number
  /** The pairs of values that were combined before. */
  readonly combined: CombinedPairs
}

/**
 * An effect that is being applied. There is one object for each effect, so its members are `private` to the compiler only: a
 * `#method` would cost a call into the runtime for each object.
 */
export class EffectApplication implements Cursor<MergedOutcome> {
  readonly effect: EncodedEffect
  readonly by: By
  private readonly merge: MergeCycle
  /** Whether facts override existing ones, whatever their kinds' rules. */
  private readonly isForced: boolean
  /** The cause for which the effect is discarded. */
  private refused: Cause | undefined
  /** The pairs that this effect combined and the kinds of its no-ops; the pairs that are not commutative; undefined for none. */
  combined: CombinedPairs | undefined
  private uncommutative: Map<number, Uncommutative> | undefined
  /** Facts that are to be added or revised, and the entries that they revise. */
  private readonly commits: Array<EncodedFact> = []
  private readonly revised: Array<FactEntry | undefined> = []
  private readonly facts: Array<Fact> = []
  /** Planned facts that `maxFacts` counts. */
  private counted = 0
  /** The state of the ledger before the effect. */
  private readonly version: number
  private readonly bytes: number
  /** Proposals that were planned, and evaluations that were checked. */
  private planned = 0
  private checked = 0

  /** `crossed`: the cause by which an earlier effect of the cycle crossed a budget; this one is then refused for it, too. */
  constructor(effect: EncodedEffect, by: By, merge: MergeCycle, crossed: Cause | undefined, isForced: boolean) {
    this.effect = effect
    this.by = by
    this.merge = merge
    this.refused = crossed
    this.isForced = isForced
    this.version = merge.ledger.version
    this.bytes = merge.ledger.contextBytes
  }

  /** The checks of budgets are the same however often a stretch begins with them: counters move only at the end. */
  step(parts: number): boolean {
    const { evaluations, facts } = this.effect
    const commits = this.commits
    let left = parts
    while (this.planned < facts.length && this.refused === undefined) {
      if (left-- === 0) return false
      this.plan(facts[this.planned++]!)
    }
    this.refused ??= this.refuseCounts()
    if (this.refused !== undefined) return true
    while (this.facts.length < commits.length) {
      if (left-- === 0) return false
      this.add(this.facts.length)
    }
    this.refused = this.refuseBytes()
    while (this.checked < evaluations.length && this.refused === undefined) {
      if (left-- === 0) return false
      this.refused = this.refuseEvaluation(evaluations[this.checked++]!)
    }
    this.conclude()
    return true
  }

  /** A discarded effect may be large, and may recur. So only the number of its facts is kept. */
  get result(): MergedOutcome {
    const { effect } = this
    const { agent, each, part } = this.by
    const cause = this.refused
    const facts = this.facts.length > 0 ? this.facts : noFacts
    const { uncommutative } = this
    const outcome: MergedOutcome =
      cause === undefined
        ? { agent, each, cause, effect, facts, ...(uncommutative === undefined ? {} : { uncommutative }) }
        : { agent, each, cause, effect: undefined, facts: noFacts, proposals: effect.facts.length }
    return part === undefined ? outcome : { ...outcome, part }
  }

  /** Decides the effect of a proposal on the present context (M3). A conflict refuses the whole effect. */
  private plan(fact: EncodedFact): void {
    const existing = this.merge.ledger.entry(fact.kind.name, fact.id)
    if (existing === undefined) {
      this.commit(fact, undefined)
      if (fact.kind.name !== Violation.name) this.counted++
      return
    }
    const rule = this.isForced ? "keepLast" : fact.kind.conflict
    if (existing.text === fact.text) {
      if (typeof rule === "function") this.repeat(rule, fact)
      return
    }
    if (rule === "keepFirst") return
    if (rule === "keepLast") this.commit(fact, existing)
    else if (rule === "reject") this.refused = this.conflict(fact, existing)
    else this.combine(rule, fact, existing)
  }

  private commit(fact: EncodedFact, existing: FactEntry | undefined): void {
    this.commits.push(fact)
    this.revised.push(existing)
  }

  private add(place: number): void {
    this.facts.push(this.merge.ledger.addOver(this.revised[place], this.commits[place]!, this.by))
  }

  /** The last check is made on the ledger with the effect in it. After it the effect is applied for good, or undone. */
  private conclude(): void {
    const { counters, ledger } = this.merge
    this.refused ??= this.checkStructure()
    if (this.refused !== undefined) return ledger.rollback(this.version)
    counters.facts += this.counted
    counters.tokens += this.effect.tokens
  }

  private conflict({ id, kind, value }: EncodedFact, { fact: existing }: FactEntry): Cause {
    return {
      _tag: "MergeConflict",
      cycle: this.merge.cycle,
      kind: kind.name,
      id,
      existing: existing.value,
      proposed: value,
      agents: [proposerName(existing.provenance), proposerName(this.by)]
    }
  }

  /** A kind's function combines the two values. The combined value must be valid, and keep the id. */
  private combine(rule: Combine<unknown>, fact: EncodedFact, existing: FactEntry): void {
    const { cycle } = this.merge
    const { agent } = this.by
    try {
      this.checkLaws(rule, fact, existing)
      const combined = combinedOf(rule, existing.fact, existing.text, fact)
      if (combined.text !== existing.text) this.commit(combined, existing)
    } catch (error) {
      this.refused = causeOf(faultOf(error), agent, cycle)
    }
  }

  /**
   * An equal value is a no-op. A function that would make another value of the two loses one of them, so the first no-op of a
   * kind that has not combined is checked.
   */
  private repeat(rule: Combine<unknown>, fact: EncodedFact): void {
    const { name } = fact.kind
    if (this.merge.combined.hasMet(name) || this.combined?.hasMet(name) === true) return
    try {
      checkIdempotent(rule, [fact])
      ;(this.combined ??= new CombinedPairs()).repeat(name)
    } catch (error) {
      this.refused = causeOf(faultOf(error), this.by.agent, this.merge.cycle)
    }
  }

  /**
   * Checks the combining function of a kind. It must be idempotent, which is checked where it combines for the first time in a
   * job. It is noted on the first pair on which it is not commutative. @throws EffectFault, or what the function throws
   */
  private checkLaws(rule: Combine<unknown>, fact: EncodedFact, { fact: existing, text }: FactEntry): void {
    const { id, kind, value: proposed } = fact
    const combined = (this.combined ??= new CombinedPairs())
    const before = this.merge.combined.of(kind.name) + combined.of(kind.name)
    combined.add(kind.name, 1)
    if (!isCheckedAfter(before) || lawfulOf(rule) !== undefined) return
    const present: EncodedFact = { kind, id: existing.id, text, value: existing.value, because: undefined }
    if (before === 0) checkIdempotent(rule, [present, fact])
    if (combinedOf(rule, fact, fact.text, present).text === combinedOf(rule, present, text, fact).text) return
    combined.settle(kind.name)
    const place = this.planned - 1
    ;(this.uncommutative ??= new Map()).set(place, { kind: kind.name, id, existing: existing.value, proposed })
  }

  /** The counted budgets before facts are added (B2). */
  private refuseCounts(): Cause | undefined {
    const { counters, limits, spent } = this.merge
    const { budget } = limits
    return (
      this.crossing("facts", counters.facts, this.counted, budget.facts) ??
      this.crossing("tokens", counters.tokens + spent.tokens, this.effect.tokens, budget.tokens)
    )
  }

  /** The bytes are counted after the facts are added (B2). An effect that adds none crosses nothing, also above the limit. */
  private refuseBytes(): Cause | undefined {
    const { ledger, limits } = this.merge
    const { contextBytes } = ledger
    const isCrossing = contextBytes > this.bytes && contextBytes > limits.budget.contextBytes
    return isCrossing ? this.exhausted("contextBytes", this.bytes) : undefined
  }

  private crossing(budget: "facts" | "tokens", used: number, more: number, limit: number): Cause | undefined {
    return more > 0 && used + more > limit ? this.exhausted(budget, used) : undefined
  }

  private exhausted(budget: "facts" | "tokens" | "contextBytes", used: number): Cause {
    const { cycle, limits } = this.merge
    const { agent } = this.by
    return exhausted(limits, { cycle, budget, used, ...(agent === "" ? {} : { spender: agent }) })
  }

  /** An evaluation must name a fact of the context or of its own effect (M4). */
  private refuseEvaluation({ fact }: Evaluation): Cause | undefined {
    const { cycle, ledger } = this.merge
    if (ledger.find(fact.kind, fact.id) !== undefined) return undefined
    const message = `it evaluates ${fact.kind}/${fact.id}, which does not exist`
    return { _tag: "InvalidEffect", agent: this.by.agent, cycle, message }
  }

  /** The structural invariants, on the context as it would be (I1). */
  private checkStructure(): Cause | undefined {
    const { cycle, ledger, program, start } = this.merge
    if (program.structural.length === 0) return undefined
    const proposed = {
      agent: this.by.agent,
      facts: Object.freeze(
        this.effect.facts.map(({ id, kind, value }) => Object.freeze({ kind: kind.name, id, value }))
      )
    }
    const sight: Sight = { program, ledger, since: start, cycle }
    for (const invariant of program.structural) {
      const answer = check(invariant, sight, proposed)
      if (answer === undefined) continue
      if (answer._tag !== "InvariantViolated" || answer.facts.length > 0) return answer
      const facts = this.facts.length > 0 ? this.facts : proposed.facts
      return { ...answer, facts: facts.map(({ id, kind }) => ({ kind, id })) }
    }
    return undefined
  }
}

/** The name by which a conflict calls the proposer of a fact. */
const proposerName = (by: Pick<Provenance, "agent" | "origin">): string =>
  by.origin === "agent" ? by.agent : by.origin
