/**
 * A job as docs/semantics.md describes it, as naively as it can be read: no fibers, no stores, no speed. Its code is to be
 * compared with the page, rule by rule, and real jobs are compared with it.
 *
 *     seeds (C1) → a turn: signals, answers (M1) → eligible agents (E1 to T1) → their tasks → merge (M1 to B4) → the row (B1)
 *                → retention (M5) → the next turn, until nothing is eligible: then the verdict (I2, I3)
 *
 * Only what the rules leave open is given: in which cycle which signals were admitted, and where the job was stopped from outside.
 * A store, a kill or a number of workers can change nothing, so it knows of none. Boundary: pure; data in, data out.
 */
import { answerOf, approvalKind, verdictOf } from "../behave.ts"
import type { AgentSpec, ProgramSpec, Proposed } from "../spec.ts"
import { sha256, textOf } from "./canonical.ts"
import { type Choice, type Chosen, choose, triggersOf } from "./eligible.ts"
import { merge } from "./merge.ts"
import { rowTextOf } from "./row.ts"
import {
  bytesOf,
  type By,
  type Cause,
  type Context,
  type Effect,
  type Entry,
  find,
  idOf,
  noEffect,
  nothing,
  ofKind,
  type Outcome,
  type Progress,
  type Pruned,
  type Waiting
} from "./state.ts"
import { run } from "./tasks.ts"

/** What the rules leave open. */
export interface Given {
  readonly jobId: string
  /** The signals of each cycle, in the order of their arrival. */
  readonly signals: ReadonlyMap<number, ReadonlyArray<ReadonlyArray<Proposed>>>
  /** Cycles that admitted answers beside signals. Without signals, the fixed point says when. */
  readonly answered: ReadonlySet<number>
  /** The last cycle of a job that was stopped from outside. */
  readonly cycles: number
}

/** A committed cycle. */
export interface Row {
  readonly cycle: number
  readonly tier: number
  readonly previousTier: number
  readonly agents: ReadonlyArray<string>
  readonly signals: ReadonlyArray<Outcome>
  readonly outcomes: ReadonlyArray<Outcome>
  readonly violations: ReadonlyArray<Entry>
  /** Whether the job rested before it, to wait for answers (IN4). */
  readonly isAwaited: boolean
}

export interface Diagnostic {
  readonly cycle: number
  readonly agent: string
  readonly each?: unknown
  readonly cause: Cause
}

/** A job that has ended, or was stopped. */
export interface Referred {
  readonly status: "converged" | "failed" | "budget-exhausted" | "stopped"
  readonly cause: Cause | undefined
  readonly cycle: number
  readonly hash: string
  readonly genesisHash: string
  readonly context: Context
  readonly bytes: number
  readonly agents: number
  readonly seeds: Outcome
  readonly seedViolations: ReadonlyArray<Entry>
  readonly rows: ReadonlyArray<Row>
  readonly diagnostics: ReadonlyArray<Diagnostic>
  readonly waiting: ReadonlyArray<Waiting>
  readonly tier: number
  /** Whether the last committed cycle ended the job: no pause comes between (P2). */
  readonly isEndedByCycle: boolean
  /** The given inputs that the rules do not allow. */
  readonly complaints: ReadonlyArray<string>
}

interface Violation {
  readonly reason: string
  readonly repaired: boolean
}

const fresh: Progress = { mark: 0, hasExecuted: false, seen: [], pruned: 0 }

const seedBy: By = { cycle: 0, origin: "seed", agent: "", each: undefined, since: 0, until: 0 }

const effectOf = (proposals: ReadonlyArray<Proposed>): Effect => ({
  ...noEffect,
  facts: proposals.map(({ kind, value }) => ({
    kind,
    id: idOf(kind, value),
    value,
    text: textOf(value),
    because: undefined
  }))
})

const haltsBy: Readonly<Record<string, keyof Exclude<AgentSpec["onFailure"], string>>> = {
  AgentFailed: "error",
  AgentTimedOut: "timeout",
  AgentPanicked: "panic",
  WorkerCrashed: "crash",
  MergeConflict: "conflict",
  InvalidEffect: "invalid"
}

class Job {
  readonly program: ProgramSpec
  readonly given: Given
  context = nothing
  hash = ""
  genesisHash = ""
  cycle = 0
  tier = -1
  agents = 0
  halt: Cause | undefined
  progress = new Map<AgentSpec, Progress>()
  checked: ReadonlyArray<string> = []
  pruned: ReadonlyArray<Pruned> = []
  waiting: ReadonlyArray<Waiting> = []
  /** The approvals that have no decision (AP2). */
  open: ReadonlyArray<Waiting> = []
  rows: ReadonlyArray<Row> = []
  seeds: Outcome = { agent: "", facts: [] }
  seedViolations: ReadonlyArray<Entry> = []
  diagnostics: ReadonlyArray<Diagnostic> = []
  notPerformed = new Map<string, Diagnostic>()
  complaints: ReadonlyArray<string> = []
  /** The cycle that left each state of the facts, and the states that were reported (O1). */
  readonly states = new Map<string, number | "reported">([[textOf([]), 0]])

  constructor(program: ProgramSpec, given: Given) {
    this.program = program
    this.given = given
  }

  progressOf(agent: AgentSpec): Progress {
    return this.progress.get(agent) ?? fresh
  }

  /* -------------------------------------------------------------- cycle 0 */

  begin(): void {
    const { program } = this
    const effect = effectOf(program.seeds)
    const { checked, context, outcome } = merge(nothing, { program, by: seedBy, effect, checked: [] })
    this.context = context
    this.checked = checked
    this.seeds = outcome
    this.halt = this.haltOfSeeds(outcome.cause)
    const violations = this.violate(0, 0)
    this.seedViolations = violations
    const seeds = effect.facts.map(({ kind, value }) => ({ kind, value }))
    this.genesisHash = this.hash = sha256(
      textOf({ context: null, format: 1, input: null, program: "simulated", seeds })
    )
    const before = this.pruned.length
    this.retain([])
    this.diagnose(0, [], [outcome], violations, this.pruned.length > before)
  }

  haltOfSeeds(cause: Cause | undefined): Cause | undefined {
    if (cause?._tag !== "InvariantViolated") return cause
    return this.program.invariants.find(({ name }) => name === cause["name"])?.onViolation === "discard"
      ? undefined
      : cause
  }

  /* -------------------------------------------------------------- a turn */

  /** One turn. Returns whether the job goes on. */
  turn(): boolean {
    const cycle = this.cycle + 1
    if (this.halt !== undefined || cycle > this.given.cycles) return false
    const signals = this.given.signals.get(cycle) ?? []
    const isFixed = this.choice(this.context) === undefined
    const isAnswered = isFixed && (signals.length === 0 || this.given.answered.has(cycle))
    if (this.given.answered.has(cycle) && !isFixed) {
      this.complaints = [
        ...this.complaints,
        `cycle ${cycle} admitted answers, and agents were eligible before it (IN4)`
      ]
    }
    const answers = isAnswered ? this.waiting : []
    if (isFixed && signals.length + answers.length === 0) {
      this.halt = this.waiting.length + this.open.length === 0 ? this.verdict() : undefined
      return false
    }
    return this.goThrough(cycle, signals, answers)
  }

  choice(context: Context): Choice | undefined {
    return choose(this.program, (agent) => this.progressOf(agent), context, this.pruned)
  }

  goThrough(cycle: number, signals: ReadonlyArray<ReadonlyArray<Proposed>>, answers: ReadonlyArray<Waiting>): boolean {
    const { context: before, checked: checkedBefore, program } = this
    const staged = this.stage(cycle, signals, answers)
    const begin = this.context
    const choice = staged.halt === undefined ? this.choice(begin) : undefined
    const tasks = (choice?.agents ?? []).flatMap(
      (chosen): ReadonlyArray<Chosen & { readonly each: Entry | undefined }> => {
        const { agent, hasPanicked, progress } = chosen
        if (agent.form !== "each" || hasPanicked) return [{ ...chosen, each: undefined }]
        const news = ofKind(begin, agent.from ?? "").filter(({ position }) => position > progress.mark)
        return news.map((each) => ({ ...chosen, each }))
      }
    )
    this.halt = this.beforeCycle(cycle, tasks.length)
    if (this.halt !== undefined) {
      this.context = before
      this.checked = checkedBefore
      return false
    }
    let halt = staged.halt
    const outcomes: Array<Outcome> = []
    for (const { agent, each, hasPanicked, progress } of tasks) {
      const panic: Cause = { _tag: "AgentPanicked", agent: agent.name, cycle }
      const task = { program, agent, cycle, context: begin, progress, pruned: this.pruned, each }
      const outcome = this.merged(task, hasPanicked ? panic : run(task))
      outcomes.push(outcome)
      if (outcome.cause !== undefined && this.halts(outcome.cause, agent)) halt ??= outcome.cause
    }
    this.commit(cycle, begin, choice, staged.outcomes, outcomes, answers, halt, before.version)
    return halt === undefined
  }

  /** Applies signals in the order of their arrival, then answers in the commit order of their intents (M1, S2, IN4, IN6). */
  stage(cycle: number, signals: ReadonlyArray<ReadonlyArray<Proposed>>, answers: ReadonlyArray<Waiting>) {
    const by: By = { cycle, origin: "signal", agent: "", each: undefined, since: 0, until: 0 }
    const outcomes: Array<Outcome> = []
    let halt: Cause | undefined
    const take = (effect: Effect, answering: Waiting | undefined, isTentative = false): void => {
      const outcome = this.apply(by, effect)
      const isAnswer = answering !== undefined && (outcome.cause === undefined || !isTentative)
      outcomes.push(isAnswer ? { ...outcome, answers: answering } : outcome)
      if (outcome.cause?._tag === "BudgetExhausted") halt ??= outcome.cause
    }
    for (const signal of signals) {
      const effect = effectOf(signal)
      const decided = effect.facts.find(({ kind }) => kind === "Decision")?.id
      take(
        effect,
        this.open.find(({ payload }) => payload.id === decided && decided !== undefined),
        true
      )
    }
    for (const waiting of answers) {
      const handler = this.program.handlers.find(({ kind }) => kind === waiting.kind)
      const answer = handler === undefined ? [] : answerOf(handler, waiting.payload)
      if ("_tag" in answer) {
        const { agent, cycle: asked, each, index, kind } = waiting
        const about = each === undefined ? "" : `${JSON.stringify(each.kind)}/${each.id}`
        const key = `${asked}/${agent}/${about}/${index}`
        const cause = { _tag: "IntentFailed", agent, cycle: asked, kind, key, error: answer }
        outcomes.push({ agent: "", answers: waiting, cause, facts: [] })
        if (handler?.onFailure === "halt") halt ??= cause
      } else take(effectOf(answer), waiting)
    }
    return { outcomes, halt }
  }

  /** Budgets that are tested before a cycle begins (B3). */
  beforeCycle(cycle: number, tasks: number): Cause | undefined {
    const { maxAgents = Infinity, maxCycles } = this.program.budget
    const ended = (budget: string, used: number, limit: number): Cause => ({
      ...{ _tag: "BudgetExhausted", cycle: this.cycle, budget, used, limit }
    })
    if (cycle > maxCycles) return ended("cycles", this.cycle, maxCycles)
    return this.agents + tasks > maxAgents ? ended("agents", this.agents, maxAgents) : undefined
  }

  /** Merges the outcome of a task. After an effect that crossed a budget, all later ones are discarded, too (B2). */
  merged(task: Parameters<typeof run>[0], result: Effect | Cause): Outcome {
    const { agent, context, cycle, each, progress } = task
    const about = each === undefined ? undefined : { kind: each.kind, id: each.id }
    if ("_tag" in result)
      return { agent: agent.name, ...(about === undefined ? {} : { each: about }), cause: result, facts: [] }
    const isTriggered = triggersOf(agent).length > 0
    const since = isTriggered ? progress.mark : 0
    const until = isTriggered ? context.version : 0
    return this.apply({ cycle, origin: "agent", agent: agent.name, each: about, since, until }, result)
  }

  /** The cause by which an effect of this cycle crossed a counted budget. */
  crossed: Cause | undefined

  apply(by: By, effect: Effect): Outcome {
    const { checked, context, crossed, program } = this
    if (crossed?.["cycle"] === by.cycle) {
      const about = by.each === undefined ? {} : { each: by.each }
      return { agent: by.agent, ...about, cause: crossed, facts: [], proposals: effect.facts.length }
    }
    const merged = merge(context, { program, by, effect, checked })
    this.context = merged.context
    this.checked = merged.checked
    if (merged.outcome.cause?._tag === "BudgetExhausted") this.crossed = merged.outcome.cause
    return merged.outcome
  }

  /** Whether a cause ends the job (F1, I1, B2). */
  halts(cause: Cause, { onFailure, type }: AgentSpec): boolean {
    if (cause._tag === "InvariantViolated") {
      return this.program.invariants.some(
        ({ name, onViolation }) => name === cause["name"] && onViolation !== "discard"
      )
    }
    const way = haltsBy[cause._tag]
    if (way === undefined || onFailure === "halt") return true
    if (onFailure !== "discard") return onFailure[way] !== "discard"
    return way === "invalid" || (way === "panic" && type === "fiber")
  }

  /* -------------------------------------------------------------- the commit */

  commit(
    cycle: number,
    begin: Context,
    choice: Choice | undefined,
    signals: ReadonlyArray<Outcome>,
    outcomes: ReadonlyArray<Outcome>,
    answers: ReadonlyArray<Waiting>,
    halt: Cause | undefined,
    start: number
  ): void {
    const isNews =
      this.context.version > start ||
      [...signals, ...outcomes].some(({ effect }) => (effect?.evaluations.length ?? 0) > 0)
    const violations = isNews ? this.violate(cycle, start) : []
    const tier = choice?.tier ?? Math.max(this.tier, 0)
    const agents = (choice?.agents ?? []).map(({ agent }) => agent.name)
    const isAwaited = answers.length > 0 && signals.length === answers.length
    const row = { cycle, tier, previousTier: this.tier, agents, signals, outcomes, violations, isAwaited }
    this.hash = sha256(`${this.hash}\n${rowTextOf(row)}`)
    this.rows = [...this.rows, row]
    const pruned = this.pruned.length
    for (const { agent } of choice?.agents ?? []) {
      this.progress.set(agent, { mark: begin.version, hasExecuted: true, seen: begin.live, pruned })
    }
    const performed = this.performed(cycle, outcomes)
    const isApproval = ({ kind }: Waiting): boolean => kind === approvalKind
    this.waiting = this.waiting
      .filter((one) => !answers.includes(one))
      .concat(performed.filter((one) => !isApproval(one)))
    this.open = [...this.open, ...performed.filter(isApproval)].filter(
      ({ payload }) => find(this.context, "Decision", payload.id ?? "") === undefined
    )
    this.cycle = cycle
    this.tier = tier
    this.agents += outcomes.length
    this.halt = halt
    this.isEndedByCycle = halt !== undefined
    this.retain([...this.waiting, ...this.open])
    this.diagnose(cycle, outcomes, signals, violations, this.pruned.length > pruned)
  }

  /** The intents of a cycle that somebody performs (IN2), and a note of those that nobody does (IN11). */
  performed(cycle: number, outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Waiting> {
    return outcomes.flatMap(({ agent, each, effect }) =>
      (effect?.intents ?? []).flatMap(({ kind, payload }, index) => {
        if (kind === approvalKind || this.program.handlers.some((handler) => handler.kind === kind)) {
          return [{ kind, payload, agent, cycle, each, index }]
        }
        const first = this.notPerformed.get(kind)
        const count = Number(first?.cause["count"] ?? 0) + 1
        const cause = { _tag: "NotPerformed", cycle: first?.cycle ?? cycle, kind, count }
        this.notPerformed.set(kind, { cycle, agent, each, ...first, cause })
        return []
      })
    )
  }

  /** Prunes kinds with a retention to their newest facts, but for those that are unread or waited for (M5). */
  retain(waiting: ReadonlyArray<Waiting>): void {
    for (const { latest, name } of this.program.kinds) {
      if (latest === undefined) continue
      const readers = this.program.agents.filter((agent) => triggersOf(agent).includes(name))
      const readUpTo = Math.min(...readers.map((agent) => this.progressOf(agent).mark))
      const isHeld = ({ id, kind }: Entry) => waiting.some(({ each }) => each?.kind === kind && each.id === id)
      const facts = ofKind(this.context, name)
      const gone = facts
        .slice(0, Math.max(facts.length - latest, 0))
        .filter((entry) => entry.position <= readUpTo && !isHeld(entry))
      this.context = { ...this.context, live: this.context.live.filter((entry) => !gone.includes(entry)) }
      this.pruned = [...this.pruned, ...gone]
    }
  }

  /** Checks the semantic invariants. Returns the violations that are new, revised or repaired (I2). */
  violate(cycle: number, since: number): ReadonlyArray<Entry> {
    const until = this.context.version
    const changed: Array<Entry> = []
    const verdicts = this.program.invariants
      .filter(({ type }) => type === "semantic")
      .map((invariant) => ({ invariant, verdict: verdictOf(invariant, ofKind(this.context, invariant.kind).length) }))
    for (const { invariant, verdict } of verdicts) {
      const { name } = invariant
      const before = find(this.context, "Violation", name)
      const value = before?.value as unknown as Violation | undefined
      const isOpen = value !== undefined && !value.repaired
      if (verdict === true ? !isOpen : isOpen && value.reason === verdict) continue
      const reason = verdict === true ? (value?.reason ?? "") : verdict
      const made = { invariant: name, reason, repaired: verdict === true }
      const by: By = { cycle, origin: "invariant", agent: name, each: undefined, since, until }
      const position = this.context.version + 1
      const rest = { text: textOf(made), position, by, because: undefined, revises: before?.position }
      const entry: Entry = { kind: "Violation", id: name, value: made as never, ...rest }
      const live = [...this.context.live.filter((other) => other !== before), entry]
      this.context = { ...this.context, live, version: position }
      changed.push(entry)
    }
    return changed
  }

  /* -------------------------------------------------------------- diagnostics */

  /** Notes what was discarded, what is not commutative, and whether the facts are as they were before (F8, O1). */
  diagnose(
    cycle: number,
    outcomes: ReadonlyArray<Outcome>,
    signals: ReadonlyArray<Outcome>,
    violations: ReadonlyArray<Entry>,
    hasPruned: boolean
  ): void {
    let halting = this.halt
    for (const { agent, cause, each, notCommutative } of [...signals, ...outcomes]) {
      for (const found of notCommutative ?? []) this.note({ cycle, agent, each, cause: found })
      if (cause === undefined) continue
      if (cause === halting) halting = undefined
      else this.note({ cycle, agent, each, cause })
    }
    const facts = [...signals, ...outcomes].flatMap((outcome) => outcome.facts).concat(violations)
    const hasRevised = hasPruned || facts.some(({ revises }) => revises !== undefined)
    const names = this.context.live.map(({ id, kind, text }) => textOf([kind, id, text]))
    const state = textOf(names.sort())
    const since = this.states.get(state)
    if (since === undefined) this.states.set(state, cycle)
    else if (since !== "reported" && hasRevised) {
      this.states.set(state, "reported")
      this.note({ cycle, agent: "", cause: { _tag: "Oscillation", cycle, since } })
    }
  }

  note(diagnostic: Diagnostic): void {
    this.diagnostics = [...this.diagnostics, diagnostic]
  }

  /* -------------------------------------------------------------- the end */

  /** The verdict at the fixed point: undefined if the job has converged (I2, I3). */
  verdict(): Cause | undefined {
    const violated = (name: string, type: string, reason: string, facts: ReadonlyArray<unknown>): Cause => ({
      ...{ _tag: "InvariantViolated", cycle: this.cycle, name, class: type, reason, facts }
    })
    for (const { name, type, ...invariant } of this.program.invariants) {
      if (type !== "semantic") continue
      const open = find(this.context, "Violation", name)?.value as unknown as Violation | undefined
      if (open === undefined || open.repaired) continue
      const now = verdictOf({ name, type, ...invariant }, ofKind(this.context, invariant.kind).length)
      // Retention may have changed what the check sees, after it was made.
      return now === true
        ? violated(name, type, open.reason, [{ kind: "Violation", id: name }])
        : violated(name, type, now, [])
    }
    for (const invariant of this.program.invariants) {
      if (invariant.type !== "acceptance") continue
      const verdict = verdictOf(invariant, ofKind(this.context, invariant.kind).length)
      if (verdict !== true) return violated(invariant.name, "acceptance", verdict, [])
    }
    this.hasConverged = true
    return undefined
  }

  hasConverged = false
  isEndedByCycle = false

  get ended(): Referred {
    const { agents, complaints, context, cycle, genesisHash, halt, hash, rows, seedViolations, seeds, tier, waiting } =
      this
    const failed = halt?._tag === "BudgetExhausted" ? "budget-exhausted" : halt === undefined ? "stopped" : "failed"
    const diagnostics = [...this.diagnostics, ...this.notPerformed.values()]
    return {
      ...{
        status: this.hasConverged ? "converged" : failed,
        cause: halt,
        cycle,
        hash,
        genesisHash,
        context,
        agents,
        tier
      },
      ...{ bytes: bytesOf(context), seeds, seedViolations, rows, diagnostics, waiting, complaints },
      isEndedByCycle: this.isEndedByCycle
    }
  }
}

/** Runs a program to its end, or to where it was stopped. */
export const refer = (program: ProgramSpec, given: Given): Referred => {
  const job = new Job(program, given)
  job.begin()
  while (job.turn());
  return job.ended
}
