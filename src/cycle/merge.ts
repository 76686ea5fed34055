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
import { type Evaluation, type IntentRef } from "../program/AgentEffect.ts"
import { type Fact, type Kind, type Origin, type Provenance } from "../program/Fact.ts"
import { Application, type By, type Commit, noFacts } from "./effectApplication.ts"
import { encodeFact, isEffectFault } from "./encodeEffect.ts"
import { check, withView } from "./programChecks.ts"
import { Violation } from "../program/Invariant.ts"
import type { Entry } from "../context/factTable.ts"
import { describePanic } from "../values/panic.ts"
import { Limits } from "../Limits.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { TaskOutcome, MergedOutcome, CommittedCycle, Counters } from "../outcome/CommittedCycle.ts"
import type { Ledger } from "../context/Ledger.ts"
import { runSteps } from "../values/steps.ts"
import { eraseKind, type ErasedAgent, type CompiledProgram } from "../program/erased.ts"
import { emptyEffect, type EncodedEffect, type EncodedFact } from "../program/encoded.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"

/** Facts or evaluations of one effect that are merged in one step. */
const stepSize = 64

const isSmall = ({ evaluations, facts }: EncodedEffect): boolean =>
  facts.length < stepSize && evaluations.length < stepSize

/** What a proposal means for the context: a fact to be committed, a conflict, or nothing. */
type Operation = Commit | { readonly conflict: Cause } | undefined

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
  /** Applied effects with evaluations or a trace, and who gave them. */
  readonly #notes: Array<Application> = []
  #crossed: Cause | undefined
  /** Seeds of a fork override what is there, whatever their kinds' rules. */
  #isForced = false

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

  /**
   * Applies a signal, an answer or the seeds, as one effect; or notes why an answer is none. Returns what became of it.
   * `answers`: the intent that it answers; with `isTentative`, only if it is applied.
   */
  *stage(
    effect: EncodedEffect | Cause,
    origin: "seed" | "signal",
    answers?: IntentRef,
    isTentative = false
  ): Generator<void, MergedOutcome> {
    const by: By = { cycle: this.cycle, origin, agent: "", each: undefined, since: 0, until: 0 }
    const applied =
      "_tag" in effect
        ? { agent: "", each: undefined, cause: effect, effect: undefined, facts: noFacts }
        : yield* this.#applyInSteps(effect, by)
    const isAnswer = answers !== undefined && (applied.cause === undefined || !isTentative)
    const outcome = isAnswer ? { ...applied, answers } : applied
    this.#signals.push(outcome)
    return outcome
  }

  /** As `stage`, for the seeds of a fork: a fact that is there with another value is revised, whatever its kind's rule. */
  *override(effect: EncodedEffect): Generator<void, MergedOutcome> {
    this.#isForced = true
    const outcome = yield* this.stage(effect, "seed")
    this.#isForced = false
    return outcome
  }

  /** Merges one task's outcome. Call in merge order. `begin` is the version that the cycle's tasks saw. */
  *merge(task: TaskOutcome, begin: number): Generator<void, MergedOutcome> {
    return (
      this.mergeSmall(task, begin) ??
      this.#merged(task, yield* this.#applyInSteps(task.result as EncodedEffect, this.#byOf(task, begin)))
    )
  }

  /** As `merge`, at once; undefined, and nothing done, for an effect that is too large for that. */
  mergeSmall(task: TaskOutcome, begin: number): MergedOutcome | undefined {
    const { agent, each, result } = task
    if ("_tag" in result) {
      return this.#merged(task, { agent: agent.name, each, cause: result, effect: undefined, facts: noFacts })
    }
    if (result === emptyEffect && this.#crossed === undefined && this.#program.structural.length === 0) {
      return this.#merged(task, { agent: agent.name, each, cause: undefined, effect: result, facts: noFacts })
    }
    return isSmall(result) ? this.#merged(task, this.#applyAtOnce(result, this.#byOf(task, begin))) : undefined
  }

  #byOf({ agent, each, since }: TaskOutcome, begin: number): By {
    const isTriggered = agent.triggers.length > 0
    return {
      cycle: this.cycle,
      origin: "agent",
      agent: agent.name,
      each,
      since: isTriggered ? since : 0,
      until: isTriggered ? begin : 0
    }
  }

  #merged({ agent }: TaskOutcome, merged: MergedOutcome): MergedOutcome {
    this.#counters.agents++
    this.#outcomes.push(merged)
    if (merged.cause !== undefined && this.halt === undefined && this.#halts(merged.cause, agent)) {
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
  *commitSteps(): Generator<void, ReadonlyArray<Entry>> {
    return this.#program.retained.length === 0 ? noEntries : yield* this.#ledger.pruneSteps(this.#program.retained)
  }

  /** As `commitSteps`, at once. */
  commit(): ReadonlyArray<Entry> {
    return runSteps(this.commitSteps())
  }

  /** Ends the cycle: the semantic invariants, and the row that is to be committed. */
  *finish(tier: number, agents: ReadonlyArray<string>): Generator<void, CommittedCycle> {
    yield* this.#note()
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

  /** Adds what the applied effects hold besides facts: only now is it certain whose are. */
  *#note(): Generator<void, void> {
    let steps = 0
    for (const { by, effect } of this.#notes) {
      for (const evaluation of effect.evaluations) {
        if (++steps % stepSize === 0) yield
        this.#ledger.addEvaluation({ ...evaluation, agent: by.agent, cycle: this.cycle })
      }
      if (effect.trace !== undefined) this.#ledger.addTrace(this.cycle, by.agent, by.each, effect.trace)
      if (++steps % stepSize === 0) yield
    }
  }

  /** Applies an effect whole, or gives the cause why not. */
  #applyAtOnce(effect: EncodedEffect, by: By): MergedOutcome {
    const application = new Application(effect, by, this.#ledger)
    let refused = this.#crossed
    for (let i = 0; i < effect.facts.length && refused === undefined; i++) refused = this.#plan(application, i)
    refused ??= this.#refuseBudget(application)
    if (refused !== undefined) return application.ended(refused)
    for (const commit of application.commits) this.#add(application, commit)
    refused = this.#refuseBytes(application)
    for (let i = 0; i < effect.evaluations.length && refused === undefined; i++)
      refused = this.#refuseEvaluation(effect.evaluations[i]!, by)
    return this.#concluded(application, refused)
  }

  /** As `#applyAtOnce`, for an effect that may be large. */
  *#applyInSteps(effect: EncodedEffect, by: By): Generator<void, MergedOutcome> {
    const application = new Application(effect, by, this.#ledger)
    let refused = this.#crossed
    for (let i = 0; i < effect.facts.length && refused === undefined; i++) {
      if (i % stepSize === stepSize - 1) yield
      refused = this.#plan(application, i)
    }
    refused ??= this.#refuseBudget(application)
    if (refused !== undefined) return application.ended(refused)
    for (let i = 0; i < application.commits.length; i++) {
      if (i % stepSize === stepSize - 1) yield
      this.#add(application, application.commits[i]!)
    }
    refused = this.#refuseBytes(application)
    for (let i = 0; i < effect.evaluations.length && refused === undefined; i++) {
      if (i % stepSize === stepSize - 1) yield
      refused = this.#refuseEvaluation(effect.evaluations[i]!, by)
    }
    return this.#concluded(application, refused)
  }

  /** Decides what becomes of one proposal; a conflict refuses the whole effect. */
  #plan(application: Application, index: number): Cause | undefined {
    const operation = this.#operation(application.effect.facts[index]!, application.by)
    if (operation === undefined) return undefined
    if ("conflict" in operation) return operation.conflict
    application.commits.push(operation)
    if (!operation.revises && operation.fact.kind.name !== Violation.name) application.added++
    return undefined
  }

  #refuseBudget({ added, by, effect }: Application): Cause | undefined {
    const crossing =
      this.#crossing("facts", this.#counters.facts, added, this.#budget.facts, by.agent) ??
      this.#crossing("tokens", this.#counters.tokens, effect.tokens, this.#budget.tokens, by.agent)
    return crossing === undefined ? undefined : this.#cross(crossing)
  }

  #add({ by, facts }: Application, { fact: { id, kind, text, value } }: Commit): void {
    facts.push(this.#ledger.add(kind, id, value, text, by))
  }

  #refuseBytes({ by, bytesBefore }: Application): Cause | undefined {
    const limit = this.#budget.contextBytes
    return this.#ledger.contextBytes > limit
      ? this.#cross(this.#exhausted("contextBytes", bytesBefore, limit, by.agent))
      : undefined
  }

  /** The last check, on the ledger with the effect in it: after it the effect is in for good, or out. */
  #concluded(application: Application, refusedBefore: Cause | undefined): MergedOutcome {
    const { added, before, by, effect, facts } = application
    const refused = refusedBefore ?? this.#checkStructure(effect, by, facts)
    if (refused !== undefined) {
      this.#ledger.rollback(before)
      if (by.origin !== "agent" && this.halt === undefined && refused._tag === "ProgramPanicked") this.halt = refused
      return application.ended(refused)
    }
    this.#counters.facts += added
    this.#counters.tokens += effect.tokens
    if (effect.evaluations.length > 0 || effect.trace !== undefined) this.#notes.push(application)
    return application.ended(undefined)
  }

  /** What a proposal means for the context as it is now. */
  #operation(fact: EncodedFact, by: By): Operation {
    const existing = this.#ledger.entry(fact.kind.name, fact.id)
    if (existing === undefined) return { fact, revises: false }
    if (existing.text === fact.text) return undefined
    const rule = this.#isForced ? "keepLast" : fact.kind.conflict
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

  #refuseEvaluation({ fact }: Evaluation, by: By): Cause | undefined {
    if (this.#ledger.find(fact.kind, fact.id) !== undefined) return undefined
    const message = `it evaluates ${fact.kind}/${fact.id}, which does not exist`
    return { _tag: "InvalidEffect", agent: by.agent, cycle: this.cycle, message }
  }

  #checkStructure(effect: EncodedEffect, by: By, facts: ReadonlyArray<Fact>): Cause | undefined {
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

const noEntries: ReadonlyArray<Entry> = Object.freeze([])

const nothingProposed = Object.freeze({ agent: "", facts: Object.freeze([]) })

/** The name by which a conflict calls the proposer of a fact. */
const proposerName = (by: Pick<Provenance, "agent" | "origin">): string =>
  by.origin === "agent" ? by.agent : by.origin
