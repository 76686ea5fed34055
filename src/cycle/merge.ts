/**
 * The merge: a cycle's effects applied one at a time, in a fixed order (G2, G3, G4, G7).
 *
 *      signals, then answers            tasks, in the order of the program's agents
 *      and within an agent              of their facts                                   (M1)
 *             │ stage                          │ merge
 *             ▼                                ▼
 *      ┌──────────── one effect: effectApplication.ts ────────────┐
 *      │ applied: its facts are in      refused: nothing is in,   │
 *      │ the ledger                     the outcome has the cause │                    (M3)
 *      └───────────────────────────┬──────────────────────────────┘
 *                                  ▼ finish: evaluations and traces (M4), semantic invariants (I2)
 *                               the row
 *              is journaled ───────┴─────── is not, or the cycle is stopped
 *                    ▼ commit                        ▼ discard
 *              retention prunes (M5)          ledger and counters are as they were
 *
 * `CycleMerge` is one cycle: signals are staged when it begins, outcomes are merged when all tasks have ended, `finish` gives
 * the row.
 *
 * Invariants:
 * 1. Nothing else writes to the ledger during a cycle.
 * 2. The row is a function of the ledger and of the effects in merge order; the order in which tasks ended plays no part (G3).
 * 3. The version moves by the facts of the outcomes and violations, and by nothing else (G2). Checked by `finish`.
 * 4. An effect that crosses a counted budget is refused, and so is each later one: no budget overshoots (B2, G7). Checked by
 *    `finish`.
 * 5. `discard` undoes the whole of an unfinished cycle.
 * 6. The first cause to halt in merge order is the one that counts (B4).
 *
 * Boundary: the pure core. Long work is done in steps (`yield`), so that the runtime can give other work a turn.
 */
import * as Option from "effect/Option"
import type { IntentRef } from "../program/AgentEffect.ts"
import { emptyEffect, type EncodedEffect } from "../program/encoded.ts"
import { type CompiledProgram, type ErasedAgent, eraseKind } from "../program/erased.ts"
import { partOf } from "../program/keys.ts"
import type { Fact } from "../program/Fact.ts"
import { Violation } from "../program/Invariant.ts"
import { type FactEntry, noFacts } from "../context/factTable.ts"
import type { Ledger, Needed } from "../context/Ledger.ts"
import type { By } from "../context/provenanceOf.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { CommittedCycle, Counters, MergedOutcome, TaskOutcome } from "../outcome/CommittedCycle.ts"
import { type InSteps, stepSize, stepsLeft } from "../values/steps.ts"
import { CombinedPairs } from "./combinedPairs.ts"
import { EffectApplication, type MergeCycle } from "./effectApplication.ts"
import { check, nothingProposed, type Sight } from "./programChecks.ts"
import type { OwnLimits } from "./sharedBudget.ts"

export class CycleMerge {
  readonly cycle: number
  /** The cause for which the job halts after this cycle: the first in merge order. */
  halt: Cause | undefined
  readonly #on: MergeCycle
  readonly #before: Counters
  /** The number of evaluations when the cycle began. */
  readonly #evaluations: number
  readonly #signals: Array<MergedOutcome> = []
  readonly #outcomes: Array<MergedOutcome> = []
  /** Applied effects that have evaluations or a trace. */
  readonly #notes: Array<EffectApplication> = []
  /** Facts of the signals and outcomes so far. */
  #committed = 0
  /** The pairs that the job has combined; and their numbers before this cycle, by the kinds that it combined. */
  readonly #combined: CombinedPairs
  #combinedBefore: Map<string, number> | undefined
  /** The kinds of which a value was proposed again for the first time in this cycle. */
  #repeated: Array<string> | undefined
  /** The cause by which an effect crossed a counted budget. */
  #crossed: Cause | undefined

  /**
   * `combined`: the pairs of values that the job has combined. The cycle adds to them. `spent`: what agents paid, which
   * counts against the same limit as the tokens of effects.
   */
  constructor(
    cycle: number,
    program: CompiledProgram,
    ledger: Ledger,
    limits: OwnLimits,
    counters: Counters,
    combined: CombinedPairs = new CombinedPairs(),
    spent: { readonly tokens: number } = nothingSpent
  ) {
    this.cycle = cycle
    this.#on = { cycle, program, ledger, limits, counters, combined, spent, start: ledger.version }
    this.#combined = combined
    this.#before = { ...counters }
    this.#evaluations = ledger.evaluationCount
  }

  /** The limits of the job's own agents in this cycle. */
  get limits(): OwnLimits {
    return this.#on.limits
  }

  /** Sets the limits of what is applied from here on. */
  set limits(limits: OwnLimits) {
    this.#on.limits = limits
  }

  /** Whether an effect of this cycle crossed a counted budget: nothing is applied after it. */
  get crossed(): boolean {
    return this.#crossed !== undefined
  }

  /**
   * Applies a signal, an answer or the seeds, as one effect. A cause in place of an effect is the reason why an intent has no
   * answer. Returns the outcome. `answers` is the intent that the effect answers; with `isTentative`, it does so only if it is
   * applied.
   */
  stage(
    effect: EncodedEffect | Cause,
    origin: "seed" | "signal",
    answers?: IntentRef,
    isTentative = false
  ): Generator<void, MergedOutcome> {
    return this.#stage(effect, origin, answers, isTentative, false)
  }

  /** Stages the seeds of a fork. An existing fact with another value is revised, whatever its kind's rule. */
  override(effect: EncodedEffect): Generator<void, MergedOutcome> {
    return this.#stage(effect, "seed", undefined, false, true)
  }

  *#stage(
    effect: EncodedEffect | Cause,
    origin: "seed" | "signal",
    answers: IntentRef | undefined,
    isTentative: boolean,
    isForced: boolean
  ): Generator<void, MergedOutcome> {
    const by: By = { cycle: this.cycle, origin, agent: "", each: undefined, since: 0, until: 0 }
    let staged: MergedOutcome
    if ("_tag" in effect) staged = { agent: "", each: undefined, cause: effect, effect: undefined, facts: noFacts }
    else {
      const application = new EffectApplication(effect, by, this.#on, this.#crossed, isForced)
      if (!application.step(stepSize)) yield* stepsLeft(application)
      staged = this.#applied(application)
    }
    const isAnswer = answers !== undefined && (staged.cause === undefined || !isTentative)
    const outcome = isAnswer ? { ...staged, answers } : staged
    this.#committed += outcome.facts.length
    this.#signals.push(outcome)
    return outcome
  }

  /**
   * Merges one task's outcome: at once, or for a large effect in steps, which must end before the next merge. Call it in merge
   * order. `begin` is the version that the cycle's tasks saw.
   */
  merge(task: TaskOutcome, begin: number): InSteps<MergedOutcome> {
    const { agent, each, part, result } = task
    if ("_tag" in result) {
      const outcome = { agent: agent.name, each, ...partOf(part), cause: result, effect: undefined, facts: noFacts }
      return this.#merged(agent, outcome)
    }
    if (result === emptyEffect && this.#crossed === undefined && this.#on.program.structural.length === 0) {
      const outcome = { agent: agent.name, each, cause: undefined, effect: result, facts: noFacts }
      return this.#merged(agent, part === undefined ? outcome : { ...outcome, part })
    }
    const application = new EffectApplication(result, this.#byOf(task, begin), this.#on, this.#crossed, false)
    return application.step(stepSize)
      ? this.#merged(agent, this.#applied(application))
      : this.#mergeLeft(agent, application)
  }

  *#mergeLeft(agent: ErasedAgent, application: EffectApplication): Generator<void, MergedOutcome> {
    yield* stepsLeft(application)
    return this.#merged(agent, this.#applied(application))
  }

  #byOf({ agent, each, part, since }: TaskOutcome, begin: number): By {
    const isTriggered = agent.triggers.length > 0
    const by = {
      cycle: this.cycle,
      origin: "agent" as const,
      agent: agent.name,
      each,
      since: isTriggered ? since : 0,
      until: isTriggered ? begin : 0
    }
    return part === undefined ? by : { ...by, part }
  }

  /** Notes the outcome of an effect of any origin. */
  #applied(application: EffectApplication): MergedOutcome {
    const outcome = application.result
    const { cause } = outcome
    if (cause === undefined) {
      if (application.combined !== undefined) this.#keepCombined(application.combined)
      const { evaluations, trace } = application.effect
      if (evaluations.length > 0 || trace !== undefined) this.#notes.push(application)
    } else if (cause._tag === "BudgetExhausted") {
      this.#crossed ??= cause
      this.halt ??= cause
    } else if (cause._tag === "ProgramPanicked") this.halt ??= cause
    return outcome
  }

  /** Only what is applied counts: a replay sees no others. */
  #keepCombined(combined: CombinedPairs): void {
    const before = (this.#combinedBefore ??= new Map())
    for (const [kind, pairs] of combined) {
      if (!before.has(kind)) before.set(kind, this.#combined.of(kind))
      this.#combined.add(kind, pairs)
    }
    for (const kind of combined.repeated) {
      this.#combined.repeat(kind)
      ;(this.#repeated ??= []).push(kind)
    }
  }

  #merged(agent: ErasedAgent, merged: MergedOutcome): MergedOutcome {
    this.#on.counters.agents++
    this.#committed += merged.facts.length
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
        return this.#on.program.structural.some(
          ({ name, onViolation }) => name === cause.name && onViolation === "halt"
        )
      case "AgentFailed":
        return agent.onFailure.error === "halt"
      case "AgentTimedOut":
        return agent.onFailure.timeout === "halt"
      case "AgentPanicked":
        return agent.onFailure.panic === "halt"
      case "AgentOutOfMemory":
      case "WorkerCrashed":
        return agent.onFailure.crash === "halt"
      case "MergeConflict":
        return agent.onFailure.conflict === "halt"
      case "InvalidEffect":
        return agent.onFailure.invalid === "halt"
      default:
        return true
    }
  }

  /** Undoes the whole cycle, which is not committed. */
  discard(): void {
    const { counters, ledger, start } = this.#on
    ledger.rollback(start)
    ledger.forgetEvaluations(this.#evaluations)
    for (const [kind, pairs] of this.#combinedBefore ?? []) this.#combined.restore(kind, pairs)
    for (const kind of this.#repeated ?? []) this.#combined.forget(kind)
    Object.assign(counters, this.#before)
  }

  /**
   * Prunes, which cannot be undone. Call it when the row is journaled. Facts that are needed stay. Returns the facts that
   * retention pruned.
   */
  *commit(needed?: Needed): Generator<void, ReadonlyArray<FactEntry>> {
    const { ledger, program } = this.#on
    return program.retained.length === 0 ? noEntries : yield* ledger.prune(program.retained, needed)
  }

  /** Ends the cycle: adds evaluations and traces, checks the semantic invariants, and returns the row to commit. */
  *finish(tier: number, agents: ReadonlyArray<string>): Generator<void, CommittedCycle> {
    if (this.#on.counters.tokens > this.#before.tokens) this.#settleTokens()
    if (this.#notes.length > 0) yield* this.#note()
    const { cycle, ledger, start } = this.#on
    // At the beginning of a job, even an inherited context is new to its invariants.
    const isNews = cycle === 0 || ledger.version > start || ledger.evaluationCount > this.#evaluations
    const violations = isNews ? this.#checkSemantics() : []
    this.#verify(violations.length)
    yield
    return {
      cycle,
      tier,
      agents,
      tasks: this.#outcomes.length,
      signals: this.#signals,
      outcomes: this.#outcomes,
      violations,
      version: ledger.version
    }
  }

  /**
   * Brings the causes of refused reservations up to date: they were made before the effects of the cycle were applied, which
   * report tokens, too.
   */
  #settleTokens(): void {
    const { counters, spent } = this.#on
    for (const [place, outcome] of this.#outcomes.entries()) {
      const { cause } = outcome
      if (cause?._tag !== "BudgetExhausted" || cause.budget !== "tokens") continue
      const settled = { ...cause, used: counters.tokens + spent.tokens + (cause.children ?? 0) }
      this.#outcomes[place] = { ...outcome, cause: settled }
      if (this.halt === cause) this.halt = settled
    }
  }

  /** Adds the evaluations and traces of the applied effects. Only now is it certain which effects are applied. */
  *#note(): Generator<void, void> {
    const { cycle, ledger } = this.#on
    let parts = 0
    for (const { by, effect } of this.#notes) {
      for (const evaluation of effect.evaluations) {
        if (++parts % stepSize === 0) yield
        ledger.addEvaluation({ ...evaluation, agent: by.agent, cycle })
      }
      if (effect.trace !== undefined) ledger.addTrace(cycle, by, effect.trace)
      if (++parts % stepSize === 0) yield
    }
  }

  /** Checks invariants 3 and 4. A throw here is a bug of the engine. */
  #verify(violations: number): void {
    const { counters, cycle, ledger, limits, start } = this.#on
    const { budget } = limits
    const committed = this.#committed + violations
    if (ledger.version !== start + committed) {
      throw new Error(`cycle ${cycle} took ${ledger.version - start} versions for ${committed} facts`)
    }
    // A job may go on with a budget that it has already passed. It must then spend nothing more.
    const { facts, tokens } = this.#before
    const overshoots =
      (counters.facts > budget.facts && counters.facts > facts) ||
      (counters.tokens > budget.tokens && counters.tokens > tokens)
    if (overshoots)
      throw new Error(`cycle ${cycle} overshot a budget: ${counters.facts} facts, ${counters.tokens} tokens`)
  }

  /** Checks the semantic invariants. Returns the violations that it added or revised (I2). */
  #checkSemantics(): ReadonlyArray<Fact> {
    const { cycle, ledger, program, start } = this.#on
    if (program.semantic.length === 0) return []
    const kind = eraseKind(Violation)
    const until = ledger.version
    const changed: Array<Fact> = []
    // At the beginning of a job, an inherited context is as new to its invariants as the seeds are.
    const since = cycle === 0 ? 0 : start
    const sight: Sight = { program, ledger, since, cycle }
    const found = program.semantic.map((invariant) => ({
      invariant,
      answer: check(invariant, sight, nothingProposed)
    }))
    for (const { answer, invariant } of found) {
      if (answer !== undefined && answer._tag !== "InvariantViolated") {
        this.halt ??= answer
        continue
      }
      const { name } = invariant
      const before = Option.getOrUndefined(ledger.get(Violation, name))?.value
      const isOpen = before !== undefined && !before.repaired
      if (answer === undefined ? !isOpen : isOpen && before.reason === answer.reason) continue
      const reason = answer?.reason ?? before?.reason ?? ""
      const { text, value } = kind.codec.encode({ invariant: name, reason, repaired: answer === undefined })
      const by: By = { cycle, origin: "invariant", agent: name, each: undefined, since, until }
      changed.push(ledger.add(kind, name, value, text, by))
    }
    return changed
  }
}

const nothingSpent = Object.freeze({ tokens: 0 })
const noEntries: ReadonlyArray<FactEntry> = Object.freeze([])
