/**
 * The merge: a cycle's effects applied one at a time, in a fixed order (G2, G3, G4, G7).
 *
 * Order: signals as they arrived, then tasks in the order of the program's agents and, within an agent, of their facts.
 * Each effect is applied whole or discarded with a cause. `CycleMerge` is one cycle: signals are staged when it begins,
 * outcomes are merged when all tasks have ended, `finish` runs the semantic invariants and gives the cycle's row.
 *
 * Invariants: the ledger is written by nobody else during a cycle; `discard` undoes all of an unfinished one; nothing here
 * depends on the order in which tasks ended. Boundary: the pure core. Long work is done in steps (`yield`), so that the
 * runtime can give others a turn.
 */
import type { ErasedAgent } from "./Agent.ts"
import type { EncodedEffect, EncodedFact, Evaluation } from "./AgentEffect.ts"
import type { ResolvedBudget } from "./Budget.ts"
import { canonicalText } from "./Canonical.ts"
import { type ErasedKind, eraseKind, type Fact, type FactRef, type Kind } from "./Fact.ts"
import { ContextView } from "./internal/contextView.ts"
import { encodeFact, isEffectFault } from "./internal/encodeEffect.ts"
import { type Invariant, Violation, violationOf } from "./Invariant.ts"
import type { Entry, Ledger } from "./JobContext.ts"
import type { Cause } from "./JobError.ts"
import { describePanic } from "./internal/panic.ts"
import { Limits } from "./Limits.ts"
import type { CompiledProgram } from "./Program.ts"
import type { Origin, Provenance } from "./Provenance.ts"
import type { View } from "./View.ts"

/** How one task ended. */
export interface TaskOutcome {
  readonly agent: ErasedAgent
  readonly each: FactRef | undefined
  /** The agent's mark: facts after it made the task eligible. */
  readonly since: number
  readonly cpuMs: number
  /** The effect, or why there is none. */
  readonly result: EncodedEffect | Cause
}

/** What became of one effect. */
export interface MergedOutcome {
  readonly agent: string
  readonly each: FactRef | undefined
  /** Undefined if the effect was applied. */
  readonly cause: Cause | undefined
  /** The effect as it was proposed, if there was one. */
  readonly effect: EncodedEffect | undefined
  /** What it added or revised, in commit order. */
  readonly facts: ReadonlyArray<Fact>
}

/** A committed cycle: the journal's row, and what events are made of. */
export interface CommittedCycle {
  readonly cycle: number
  readonly tier: number
  readonly agents: ReadonlyArray<string>
  readonly tasks: number
  readonly signals: ReadonlyArray<MergedOutcome>
  readonly outcomes: ReadonlyArray<MergedOutcome>
  /** `Violation` facts added or revised by the semantic invariants. */
  readonly violations: ReadonlyArray<Fact>
  /** The context's version after the cycle. */
  readonly version: number
}

/** What a job has spent, as the merge counts it. */
export interface Counters {
  facts: number
  agents: number
  tokens: number
}

const stepSize = 64

type Operation = { readonly fact: EncodedFact; readonly revises: boolean } | { readonly conflict: Cause } | undefined

export class CycleMerge {
  readonly cycle: number
  /** Why the job has to halt after this cycle: the first cause in merge order. */
  halt: Cause | undefined
  readonly #program: CompiledProgram
  readonly #ledger: Ledger
  readonly #budget: ResolvedBudget
  readonly #counters: Counters
  readonly #before: Counters
  readonly #start: number
  readonly #evaluations: number
  readonly #signals: Array<MergedOutcome> = []
  readonly #outcomes: Array<MergedOutcome> = []
  readonly #notes: Array<() => void> = []
  #crossed: Cause | undefined

  constructor(cycle: number, program: CompiledProgram, ledger: Ledger, budget: ResolvedBudget, counters: Counters) {
    this.cycle = cycle
    this.#program = program
    this.#ledger = ledger
    this.#budget = budget
    this.#counters = counters
    this.#before = { ...counters }
    this.#start = ledger.version
    this.#evaluations = ledger.evaluationCount
  }

  get signals(): ReadonlyArray<MergedOutcome> {
    return this.#signals
  }

  /** Whether an effect of this cycle crossed a counted budget: nothing is applied after it. */
  get crossed(): boolean {
    return this.#crossed !== undefined
  }

  /** Applies a signal, or the seeds, as one effect. Returns what became of it. */
  *stage(effect: EncodedEffect, origin: "seed" | "signal"): Generator<void, MergedOutcome> {
    const provenance = { cycle: this.cycle, origin, agent: "", each: undefined, since: 0, until: 0 }
    const outcome = yield* this.#apply(effect, provenance)
    this.#signals.push(outcome)
    return outcome
  }

  /** Merges one task's outcome. Call in merge order. `begin` is the version that the cycle's tasks saw. */
  *merge(task: TaskOutcome, begin: number): Generator<void, MergedOutcome> {
    this.#counters.agents++
    const name = task.agent.name
    let merged: MergedOutcome
    if ("_tag" in task.result) {
      merged = { agent: name, each: task.each, cause: task.result, effect: undefined, facts: [] }
    } else {
      const until = task.agent.triggers.length === 0 ? 0 : begin
      const since = task.agent.triggers.length === 0 ? 0 : task.since
      merged = yield* this.#apply(task.result, {
        cycle: this.cycle,
        origin: "agent",
        agent: name,
        each: task.each,
        since,
        until
      })
    }
    this.#outcomes.push(merged)
    if (merged.cause !== undefined && this.halt === undefined && this.#halts(merged.cause, task.agent)) {
      this.halt = merged.cause
    }
    return merged
  }

  #halts(cause: Cause, agent: ErasedAgent): boolean {
    switch (cause._tag) {
      case "BudgetExhausted":
      case "ProgramPanicked":
        return true
      case "InvariantViolated":
        return this.#program.structural.some(({ name, onViolation }) => name === cause.name && onViolation === "halt")
      default:
        return agent.onFailure === "halt"
    }
  }

  /** Undoes everything this cycle did. The cycle is not committed. */
  discard(): void {
    this.#ledger.rollback(this.#start)
    this.#ledger.forgetEvaluations(this.#evaluations)
    Object.assign(this.#counters, this.#before)
  }

  /** After the row is journaled: what cannot be undone. Returns the facts that retention pruned. */
  commit(): ReadonlyArray<Entry> {
    return this.#program.retained.length === 0 ? [] : this.#ledger.prune(this.#program.retained)
  }

  /** Ends the cycle: the semantic invariants, and the row that is to be committed. */
  *finish(tier: number, agents: ReadonlyArray<string>): Generator<void, CommittedCycle> {
    for (const note of this.#notes) note()
    // Where a job begins, with an earlier context or with nothing, is new to its invariants.
    const isNews =
      this.cycle === 0 || this.#ledger.version > this.#start || this.#ledger.evaluationCount > this.#evaluations
    const violations = isNews ? this.#checkSemantics() : []
    yield
    return {
      cycle: this.cycle,
      tier,
      agents,
      tasks: this.#outcomes.length,
      signals: this.#signals,
      outcomes: this.#outcomes,
      violations,
      version: this.#ledger.version
    }
  }

  *#apply(effect: EncodedEffect, by: Omit<Provenance, "version">): Generator<void, MergedOutcome> {
    const outcome = (cause: Cause | undefined, facts: ReadonlyArray<Fact>): MergedOutcome => ({
      agent: by.agent,
      each: by.each,
      cause,
      effect,
      facts
    })
    if (this.#crossed !== undefined) return outcome(this.#crossed, [])

    const operations: Array<{ readonly fact: EncodedFact; readonly revises: boolean }> = []
    let added = 0
    for (let index = 0; index < effect.facts.length; index++) {
      if (index % stepSize === stepSize - 1) yield
      const operation = this.#operation(effect.facts[index]!, by)
      if (operation === undefined) continue
      if ("conflict" in operation) return outcome(operation.conflict, [])
      operations.push(operation)
      if (!operation.revises && operation.fact.kind.name !== Violation.name) added++
    }

    const crossing =
      this.#crossing("facts", this.#counters.facts, added, this.#budget.facts, by.agent) ??
      this.#crossing("tokens", this.#counters.tokens, effect.tokens, this.#budget.tokens, by.agent)
    if (crossing !== undefined) return outcome(this.#cross(crossing), [])

    const before = this.#ledger.version
    const bytesBefore = this.#ledger.contextBytes
    const facts: Array<Fact> = []
    for (let index = 0; index < operations.length; index++) {
      if (index % stepSize === stepSize - 1) yield
      const { id, kind, text, value } = operations[index]!.fact
      facts.push(this.#ledger.add(kind, id, value, text, by))
    }
    if (this.#ledger.contextBytes > this.#budget.contextBytes) {
      this.#ledger.rollback(before)
      return outcome(this.#cross(this.#exhausted("contextBytes", bytesBefore, this.#budget.contextBytes, by.agent)), [])
    }
    const refused = this.#checkEvaluations(effect.evaluations, by) ?? this.#checkStructure(effect, by, facts)
    if (refused !== undefined) {
      this.#ledger.rollback(before)
      if (by.origin !== "agent" && this.halt === undefined && refused._tag === "ProgramPanicked") this.halt = refused
      return outcome(refused, [])
    }

    this.#counters.facts += added
    this.#counters.tokens += effect.tokens
    if (effect.evaluations.length > 0 || effect.trace !== undefined) {
      this.#notes.push(() => {
        for (const evaluation of effect.evaluations) {
          this.#ledger.addEvaluation({ ...evaluation, agent: by.agent, cycle: this.cycle })
        }
        if (effect.trace !== undefined) this.#ledger.addTrace(this.cycle, by.agent, by.each, effect.trace)
      })
    }
    return outcome(undefined, facts.length === 0 ? noFacts : facts)
  }

  /** What a proposal means for the context as it is now. */
  #operation(fact: EncodedFact, by: Omit<Provenance, "version">): Operation {
    const existing = this.#ledger.entry(fact.kind.name, fact.id)
    if (existing === undefined) return { fact, revises: false }
    if (existing.text === fact.text) return undefined
    const rule = fact.kind.conflict
    if (rule === "keepFirst") return undefined
    if (rule === "keepLast") return { fact, revises: true }
    if (rule === "reject") {
      return {
        conflict: {
          _tag: "MergeConflict",
          cycle: this.cycle,
          kind: fact.kind.name,
          id: fact.id,
          existing: existing.fact.value,
          proposed: fact.value,
          agents: [proposerName(existing.fact.provenance), proposerName(by)]
        }
      }
    }
    const fault = (tag: "AgentPanicked" | "InvalidEffect", message: string, stack: string): Operation => ({
      conflict:
        tag === "AgentPanicked"
          ? { _tag: tag, agent: by.agent, cycle: this.cycle, message, stack }
          : { _tag: tag, agent: by.agent, cycle: this.cycle, message }
    })
    let combined: unknown
    try {
      combined = rule(existing.fact.value, fact.value)
    } catch (error) {
      const { message, stack } = describePanic(error, Limits.errorTextLength)
      return fault("AgentPanicked", message, stack)
    }
    try {
      const encoded = encodeFact(fact.kind, combined, `the combined ${fact.kind.name}/${fact.id}`)
      if (encoded.id !== fact.id) {
        return fault(
          "InvalidEffect",
          `combining ${fact.kind.name}/${fact.id} changed its id to ${JSON.stringify(encoded.id)}`,
          ""
        )
      }
      return encoded.text === existing.text ? undefined : { fact: encoded, revises: true }
    } catch (error) {
      if (isEffectFault(error)) return fault(error.type, error.message, error.stack)
      throw error
    }
  }

  #exhausted(budget: "facts" | "tokens" | "contextBytes", used: number, limit: number, agent: string): Cause {
    return {
      _tag: "BudgetExhausted",
      cycle: this.cycle,
      budget,
      used,
      limit,
      ...(agent === "" ? {} : { spender: agent })
    }
  }

  #crossing(budget: "facts" | "tokens", used: number, more: number, limit: number, agent: string): Cause | undefined {
    return more > 0 && used + more > limit ? this.#exhausted(budget, used, limit, agent) : undefined
  }

  #cross(cause: Cause): Cause {
    this.#crossed = cause
    if (this.halt === undefined) this.halt = cause
    return cause
  }

  #checkEvaluations(evaluations: ReadonlyArray<Evaluation>, by: Omit<Provenance, "version">): Cause | undefined {
    const lost = evaluations.find(({ fact }) => this.#ledger.find(fact.kind, fact.id) === undefined)
    return lost === undefined
      ? undefined
      : {
          _tag: "InvalidEffect",
          agent: by.agent,
          cycle: this.cycle,
          message: `it evaluates ${lost.fact.kind}/${lost.fact.id}, which does not exist`
        }
  }

  #checkStructure(
    effect: EncodedEffect,
    by: Omit<Provenance, "version">,
    facts: ReadonlyArray<Fact>
  ): Cause | undefined {
    if (this.#program.structural.length === 0) return undefined
    const proposed = {
      agent: by.agent,
      facts: Object.freeze(effect.facts.map(({ id, kind, value }) => Object.freeze({ kind: kind.name, id, value })))
    }
    return withView(this.#ledger, this.#start, this.cycle, (view) => {
      for (const invariant of this.#program.structural) {
        const answer = check(invariant, this.cycle, () => invariant.check(view, proposed))
        if (answer === undefined) continue
        if (answer._tag !== "InvariantViolated" || answer.facts.length > 0) return answer
        return { ...answer, facts: (facts.length > 0 ? facts : proposed.facts).map(({ id, kind }) => ({ kind, id })) }
      }
      return undefined
    })
  }

  #checkSemantics(): ReadonlyArray<Fact> {
    if (this.#program.semantic.length === 0) return []
    const kind = eraseKind(Violation)
    const until = this.#ledger.version
    const changed: Array<Fact> = []
    const found = withView(this.#ledger, this.#start, this.cycle, (view) =>
      this.#program.semantic.map((invariant) => ({
        invariant,
        answer: check(invariant, this.cycle, () => invariant.check(view, nothingProposed))
      }))
    )
    for (const { answer, invariant } of found) {
      if (answer !== undefined && answer._tag !== "InvariantViolated") {
        this.halt ??= answer
        continue
      }
      const present = this.#ledger.entry(kind.name, invariant.name)
      const before = present?.fact.value as typeof Violation extends Kind<string, infer T> ? T | undefined : never
      if (answer === undefined && (before === undefined || before.repaired)) continue
      if (answer !== undefined && before !== undefined && !before.repaired && before.reason === answer.reason) continue
      const value =
        answer === undefined
          ? { invariant: invariant.name, reason: before!.reason, repaired: true }
          : { invariant: invariant.name, reason: answer.reason, repaired: false }
      const encoded = kind.codec.encode(value)
      const origin: Origin = "invariant"
      changed.push(
        this.#ledger.add(kind, invariant.name, encoded.value, encoded.text, {
          cycle: this.cycle,
          origin,
          agent: invariant.name,
          each: undefined,
          since: this.#start,
          until
        })
      )
    }
    return changed
  }
}

const noFacts: ReadonlyArray<Fact> = Object.freeze([])

const nothingProposed = Object.freeze({ agent: "", facts: Object.freeze([]) })

/** The name by which a conflict calls the proposer of a fact. */
const proposerName = (by: Pick<Provenance, "agent" | "origin">): string =>
  by.origin === "agent" ? by.agent : by.origin

/** Runs a program's check; a throw, or an answer that is none, is the program's panic. */
export const check = (invariant: Invariant, cycle: number, body: () => unknown): Cause | undefined => {
  try {
    const violation = violationOf(invariant, body())
    if (violation === undefined) return undefined
    return { _tag: "InvariantViolated", cycle, name: invariant.name, class: invariant.class, ...violation }
  } catch (error) {
    return { _tag: "ProgramPanicked", cycle, phase: "invariant", ...describePanic(error, Limits.errorTextLength) }
  }
}

/** Gives the program a view of the whole context, for as long as `body` runs. */
export const withView = <A>(ledger: Ledger, since: number, cycle: number, body: (view: View<Kind.Any>) => A): A => {
  const gate = { open: true }
  try {
    return body(
      new ContextView({ ledger, visible: undefined, since, cycle, gate, holder: "the program", onProgress: undefined })
    )
  } finally {
    gate.open = false
  }
}

/** A fingerprint of one fact, for telling whether a context came back to an earlier state. */
export const fingerprintOf = (sha256: (text: string) => string, kind: ErasedKind, id: string, text: string): bigint =>
  BigInt(`0x${sha256(`${canonicalText([kind.name, id])}${text}`).slice(0, 32)}`)
