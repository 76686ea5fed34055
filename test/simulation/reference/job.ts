/**
 * A job as docs/semantics.md describes it, as naively as it can be read: no fibers, no stores, no speed. Its code is to be
 * compared with the page, rule by rule, and real jobs are compared with it.
 *
 *     seeds (C1) → a turn: signals, answers (M1) → eligible agents (E1 to T1) → their tasks → merge (M1 to B4) → the row (B1)
 *                → retention (M5) → the next turn, until nothing is eligible: then the verdict (I2, I3)
 *
 * Only what the rules leave open is given (given.ts). A store, a kill or a number of workers can change nothing, so it knows of
 * none. Boundary: pure; data in, data out.
 */
import { approvalKind, childKind, seedsOf } from "../behave.ts"
import type { AgentSpec, ProgramSpec } from "../spec.ts"
import { type Answer, childOf, effectOf, isPerformed, nothingGiven, reported } from "./answers.ts"
import { sha256, textOf } from "./canonical.ts"
import { type Choice, type Chosen, choose, triggersOf } from "./eligible.ts"
import { type Budget, exhausted, type Funds, fundsOf, limitOf, setAside, type Share } from "./funds.ts"
import type { Beginning, Given } from "./given.ts"
import { prunedFrom, verdict, violate } from "./kept.ts"
import { merge } from "./merge.ts"
import { changesKinds, migrate } from "./migration.ts"
import { Notes } from "./notes.ts"
import type { Referred, Row } from "./referred.ts"
import { rowTextOf } from "./row.ts"
import { type Inputs, stage, type Staged } from "./stage.ts"
import {
  bytesOf,
  type By,
  type Cause,
  type Context,
  type Effect,
  type Entry,
  find,
  keyOf,
  nothing,
  ofKind,
  type Outcome,
  type Progress,
  type Pruned,
  type Waiting
} from "./state.ts"
import { run } from "./tasks.ts"

const fresh: Progress = { mark: 0, hasExecuted: false, seen: [], pruned: 0 }

const seedBy: By = { cycle: 0, origin: "seed", agent: "", each: undefined, since: 0, until: 0 }

const haltsBy: Readonly<Record<string, keyof Exclude<AgentSpec["onFailure"], string>>> = {
  AgentFailed: "error",
  AgentTimedOut: "timeout",
  AgentPanicked: "panic",
  WorkerCrashed: "crash",
  MergeConflict: "conflict",
  InvalidEffect: "invalid"
}

class Job {
  readonly beginning: Beginning
  readonly given: Given
  /** The version of the program that goes on with the job. */
  program: ProgramSpec
  context: Context
  hash = ""
  genesisHash = ""
  cycle = 0
  tier = -1
  agents = 0
  funds: Funds
  halt: Cause | undefined
  hasConverged = false
  isEndedByCycle = false
  /** By name. */
  progress: ReadonlyMap<string, Progress>
  checked: ReadonlyArray<string> = []
  pruned: ReadonlyArray<Pruned>
  waiting: ReadonlyArray<Waiting> = []
  /** The approvals that have no decision (AP2). */
  open: ReadonlyArray<Waiting> = []
  children: ReadonlyMap<string, Beginning> = new Map()
  /** The number of intents that somebody performs. */
  asked = 0
  rows: ReadonlyArray<Row> = []
  seeds: Outcome = { agent: "", facts: [] }
  seedViolations: ReadonlyArray<Entry> = []
  beginVersion = 0
  readonly notes = new Notes()
  complaints: ReadonlyArray<string> = []
  /** The cause by which an effect of this cycle crossed a counted budget. */
  crossed: Cause | undefined
  switches: Given["switches"]

  constructor(beginning: Beginning, given: Given) {
    const { budget, handed, program, standing } = beginning
    this.beginning = beginning
    this.given = given
    this.program = program
    this.funds = fundsOf(program.budget, budget, handed)
    this.context = { ...(standing?.context ?? nothing), facts: 0, tokens: 0 }
    this.progress = standing?.progress ?? new Map()
    this.pruned = standing?.pruned ?? []
    this.switches = given.switches
    this.notes.begin(this.context, 0)
  }

  progressOf(agent: string): Progress {
    return this.progress.get(agent) ?? fresh
  }

  /* -------------------------------------------------------------- cycle 0 */

  begin(): void {
    const { changed, input, standing } = this.beginning
    const { name } = this.program
    const effect = effectOf(changed ?? seedsOf(this.program, input))
    const outcome = this.apply(seedBy, effect, changed !== undefined)
    this.seeds = outcome
    this.halt = this.haltOfSeeds(outcome.cause)
    const { changed: violations, context } = violate(this.context, this.program, 0, 0)
    this.context = context
    this.seedViolations = violations
    this.beginVersion = context.version
    const seeds = effect.facts.map(({ kind, value }) => ({ kind, value }))
    const text = { context: standing?.hash ?? null, format: 1, input, program: name, seeds }
    this.genesisHash = this.hash = sha256(textOf(text))
    const hasPruned = this.retain([])
    const { halt } = this
    this.notes.note({ cycle: 0, outcomes: [outcome], violations, hasPruned, halt, context: this.context })
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
    this.switchVersion()
    if (this.halt !== undefined) return false
    if (cycle > this.given.cycles) {
      this.halt = this.given.clock
      return false
    }
    const isFixed = this.choice(this.context) === undefined
    const inputs = this.given.inputs.get(cycle) ?? []
    const isAnswered = isFixed && (inputs.length === 0 || this.given.answered.has(cycle))
    if (this.given.answered.has(cycle) && !isFixed)
      this.complain(`cycle ${cycle} admitted answers, and agents were eligible before it (IN4)`)
    const answers = isAnswered ? this.waiting : []
    if (!isFixed || inputs.length + answers.length > 0) return this.goThrough(cycle, inputs, answers)
    if (this.waiting.length + this.open.length > 0)
      return this.overdueIn(cycle).length > 0 && this.goThrough(cycle, this.overdueIn(cycle), [])
    this.halt = verdict(this.context, this.program, this.cycle)
    this.hasConverged = this.halt === undefined
    return false
  }

  /** The approvals that were overdue in a cycle that no budget allowed are unknown: maybe all that have a timeout. */
  overdueIn(cycle: number): Inputs {
    if (cycle !== this.given.lateCycle) return []
    return this.open.flatMap(({ key, payload }) => (payload.timeoutMs === undefined ? [] : [{ expired: key }]))
  }

  /** Another version of the program goes on, if one does after this cycle (decision 20). */
  switchVersion(): void {
    for (const { after, program } of this.switches) if (after === this.cycle) this.goOnAs(program)
    this.switches = this.switches.filter(({ after }) => after > this.cycle)
  }

  goOnAs(program: ProgramSpec): void {
    if (changesKinds(this.program, program)) {
      const brought = migrate(this, program)
      this.context = brought.context
      this.pruned = brought.pruned
      this.progress = brought.progress
      this.notes.begin(this.context, this.cycle)
    }
    this.program = program
  }

  complain(complaint: string): void {
    this.complaints = [...this.complaints, complaint]
  }

  choice(context: Context): Choice | undefined {
    return choose(this.program, (agent) => this.progressOf(agent.name), context, this.pruned)
  }

  goThrough(cycle: number, inputs: Inputs, answers: ReadonlyArray<Waiting>): boolean {
    const before = { context: this.context, checked: this.checked, funds: this.funds }
    const staged = stage(this, cycle, inputs, answers)
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
    const overdue = this.overdueIn(cycle)
    const isSure = this.halt !== undefined || overdue.length === 0 || inputs.some((input) => "expired" in input)
    if (this.halt !== undefined || !isSure) Object.assign(this, before)
    if (this.halt !== undefined) return false
    if (!isSure) return this.goThrough(cycle, [...inputs, ...overdue], answers)
    let halt = staged.halt
    let outcomes: ReadonlyArray<Outcome> = []
    for (const { agent, each, hasPanicked, progress } of tasks) {
      const panic: Cause = { _tag: "AgentPanicked", agent: agent.name, cycle }
      const task = { program: this.program, agent, cycle, context: begin, progress, pruned: this.pruned, each }
      const outcome = this.merged(task, hasPanicked ? panic : this.outcomeOf(task))
      outcomes = [...outcomes, outcome]
      if (outcome.cause !== undefined && this.halts(outcome.cause, agent)) halt ??= outcome.cause
    }
    const spoken = outcomes.map((outcome) => this.withSums(cycle, outcome))
    halt = spoken[outcomes.findIndex(({ cause }) => cause !== undefined && cause === halt)]?.cause ?? halt
    halt ??= this.overspent(cycle)
    this.commit(cycle, begin, choice, staged, spoken, halt, before.context.version)
    return halt === undefined
  }

  /** The answer of a child job (CH5). */
  childAnswer(waiting: Waiting, child: Beginning): Answer {
    const { error, given } = this.given.child(waiting.key) ?? { error: undefined, given: nothingGiven }
    const referred = refer(child, given)
    if (given.isCancelled && referred.status === "stopped") {
      const cause: Cause = { _tag: "JobCancelled", cycle: referred.cycle }
      return reported(waiting, { ...referred, status: "cancelled", cause }, error)
    }
    if (referred.status === "stopped") this.complain(`the child ${waiting.key} has not ended (CH5)`)
    return reported(waiting, referred, error)
  }

  /* -------------------------------------------------------------- budgets */

  /** The sums that were paid by the end of a cycle. */
  paidIn(cycle: number): { readonly tokens: number; readonly cost: number } {
    const sums = this.given.paid(cycle)
    return {
      tokens: sums.reduce((sum, [, tokens]) => sum + tokens, 0),
      cost: sums.reduce((sum, [, , cost]) => sum + cost, 0)
    }
  }

  /** Budgets that are tested before a cycle begins (B3). */
  beforeCycle(cycle: number, tasks: number): Cause | undefined {
    const { agents, funds } = this
    if (cycle > limitOf(funds, "cycles")) return exhausted(funds, this.cycle, "cycles", this.cycle)
    return agents + tasks > limitOf(funds, "agents") ? exhausted(funds, this.cycle, "agents", agents) : undefined
  }

  /** The outcome of a task that ran, or that had no room (B6). */
  outcomeOf(task: Parameters<typeof run>[0]): Effect | Cause {
    const { agent, cycle, each } = task
    const about = each === undefined ? undefined : { kind: each.kind, id: each.id }
    const refused = this.given.refused(cycle, agent.name, about)
    if (refused === undefined) return run(task)
    if (refused === "does without") return run({ ...task, isWithout: true })
    return { _tag: "BudgetExhausted", ...refused }
  }

  /** A cause of money says what was spent by the end of the cycle. */
  withSums(cycle: number, outcome: Outcome): Outcome {
    const { cause } = outcome
    const budget = cause?._tag === "BudgetExhausted" ? (cause["budget"] as Budget) : undefined
    if (budget !== "tokens" && budget !== "cost") return outcome
    const spender = cause?.["spender"] as string | undefined
    return { ...outcome, cause: exhausted(this.funds, cycle, budget, this.ownSpending(cycle)[budget], spender) }
  }

  /** A payment above its reservation went over a limit: the job ends after the cycle (B7). */
  overspent(cycle: number): Cause | undefined {
    const { cost, tokens } = this.paidIn(cycle)
    // A payment of a child above its share ends nobody but the child.
    if (textOf(this.paidIn(cycle)) === textOf(this.paidIn(cycle - 1))) return undefined
    const isOver = {
      cost: cost > limitOf(this.funds, "cost"),
      tokens: tokens + this.reportedBefore > limitOf(this.funds, "tokens")
    }
    if (!isOver.cost && !isOver.tokens) return undefined
    const first = this.given.overspent
    const budget = isOver.cost && isOver.tokens ? (first?.["budget"] as Budget) : isOver.cost ? "cost" : "tokens"
    return exhausted(this.funds, cycle, budget, this.ownSpending(cycle)[budget as "cost"], first?.["spender"] as string)
  }

  /** The tokens that committed effects had reported before this cycle. */
  reportedBefore = 0

  /** The job's own spending after a cycle. Nothing is known of its time. */
  ownSpending(cycle: number): Required<Share> {
    const { cost, tokens } = this.paidIn(cycle)
    const { facts, tokens: reportedTokens } = this.context
    return {
      ...{ cycles: this.cycle, facts, agents: this.agents },
      ...{ tokens: tokens + reportedTokens, cost, duration: 0, cpuTime: 0 }
    }
  }

  /* -------------------------------------------------------------- the merge */

  /** Merges the outcome of a task. After an effect that crossed a budget, all later ones are discarded, too (B2). */
  merged(task: Parameters<typeof run>[0], result: Effect | Cause): Outcome {
    const { agent, context, cycle, each, progress } = task
    const about = each === undefined ? undefined : { kind: each.kind, id: each.id }
    if ("_tag" in result)
      return { agent: agent.name, ...(about === undefined ? {} : { each: about }), cause: result, facts: [] }
    const isTriggered = triggersOf(agent).length > 0
    const since = isTriggered ? progress.mark : 0
    const until = isTriggered ? context.version : 0
    return this.apply({ cycle, origin: "agent", agent: agent.name, each: about, since, until }, result, false)
  }

  apply(by: By, effect: Effect, isForced: boolean): Outcome {
    const { checked, context, crossed, funds, program } = this
    if (crossed?.["cycle"] === by.cycle) {
      const about = by.each === undefined ? {} : { each: by.each }
      return { agent: by.agent, ...about, cause: crossed, facts: [], proposals: effect.facts.length }
    }
    const paidTokens = this.paidIn(by.cycle).tokens
    const merged = merge(context, { program, by, effect, checked, funds, paidTokens, isForced })
    this.context = merged.context
    this.checked = merged.checked
    if (merged.outcome.cause?._tag === "BudgetExhausted") this.crossed = merged.outcome.cause
    return merged.outcome
  }

  /** Whether a cause ends the job (F1, I1, B2, B6). */
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
    { answered, due, outcomes: signals }: Staged,
    outcomes: ReadonlyArray<Outcome>,
    halt: Cause | undefined,
    start: number
  ): void {
    const isNews =
      this.context.version > start ||
      [...signals, ...outcomes].some(({ effect }) => (effect?.evaluations.length ?? 0) > 0)
    const violated = isNews ? violate(this.context, this.program, cycle, start) : { context: this.context, changed: [] }
    this.context = violated.context
    const violations = violated.changed
    const tier = choice?.tier ?? Math.max(this.tier, 0)
    const agents = (choice?.agents ?? []).map(({ agent }) => agent.name)
    const isAwaited = due.length > 0 && signals.length === due.length
    const row = { cycle, tier, previousTier: this.tier, agents, signals, outcomes, violations, isAwaited }
    this.hash = sha256(`${this.hash}\n${rowTextOf(row)}`)
    this.rows = [...this.rows, row]
    const read = { mark: begin.version, hasExecuted: true, seen: begin.live, pruned: this.pruned.length }
    this.progress = new Map([...this.progress, ...agents.map((name) => [name, read] as const)])
    const performed = this.performed(cycle, outcomes)
    const isApproval = ({ kind }: Waiting): boolean => kind === approvalKind
    this.waiting = [...this.waiting, ...performed.filter((one) => !isApproval(one))].filter(
      (one) => !answered.includes(one)
    )
    this.open = [...this.open, ...performed.filter(isApproval)].filter(
      (one) => !answered.includes(one) && find(this.context, "Decision", one.payload.id ?? "") === undefined
    )
    this.cycle = cycle
    this.tier = tier
    this.agents += outcomes.length
    this.halt = halt
    this.isEndedByCycle = halt !== undefined
    this.reportedBefore = this.context.tokens
    if (halt === undefined) this.askForChildren(cycle, performed)
    const hasPruned = this.retain([...this.waiting, ...this.open])
    const all = [...signals, ...outcomes]
    this.notes.note({ cycle, outcomes: all, violations, hasPruned, halt, context: this.context })
  }

  /** Sets the shares of the children aside that a cycle asks for (CH10). */
  askForChildren(cycle: number, performed: ReadonlyArray<Waiting>): void {
    const asking = performed.filter(({ kind }) => kind === childKind)
    const asked = asking.map(({ key, payload }) => ({ key, budget: payload.budget ?? {} }))
    if (asked.length === 0) return
    this.funds = setAside(this.funds, asked, this.ownSpending(cycle))
    for (const waiting of asking) {
      const { depth, engine } = this.beginning
      const child = childOf(engine, depth, waiting, this.funds.given.get(waiting.key)?.share ?? {})
      if (!("_tag" in child)) this.children = new Map([...this.children, [waiting.key, child]])
    }
  }

  /** The intents of a cycle that somebody performs (IN2), and a note of those that nobody does (IN11). */
  performed(cycle: number, outcomes: ReadonlyArray<Outcome>): ReadonlyArray<Waiting> {
    return outcomes.flatMap(({ agent, each, effect }) =>
      (effect?.intents ?? []).flatMap(({ kind, payload }, index) => {
        const key = keyOf(cycle, agent, each, index)
        if (isPerformed(this.beginning.engine, kind))
          return [{ kind, payload, agent, cycle, each, index, key, order: this.asked++ }]
        this.notes.miss(kind, { agent, cycle, each })
        return []
      })
    )
  }

  /** Prunes kinds with a retention (M5). Returns whether any fact is gone. */
  retain(waiting: ReadonlyArray<Waiting>): boolean {
    const gone = prunedFrom(this.context, this.program, (agent) => this.progressOf(agent), waiting)
    this.context = { ...this.context, live: this.context.live.filter((entry) => !gone.includes(entry)) }
    this.pruned = [...this.pruned, ...gone]
    return gone.length > 0
  }

  /* -------------------------------------------------------------- the end */

  get ended(): Referred {
    const { agents, children, complaints, cycle, funds, genesisHash, halt, hash, tier, waiting } = this
    const { beginVersion, isEndedByCycle, rows, seedViolations, seeds } = this
    const failed = halt?._tag === "BudgetExhausted" ? "budget-exhausted" : halt === undefined ? "stopped" : "failed"
    const { reader } = this.given
    const beginBytes = bytesOf(this.beginning.standing?.context ?? nothing)
    if (reader !== undefined) this.goOnAs(reader)
    const { context, program, progress, pruned } = this
    const sizes = program.kinds.map(({ name }) => [name, ofKind(context, name).length] as const)
    return {
      ...{ status: this.hasConverged ? "converged" : failed, cause: halt, program, cycle, hash, genesisHash, context },
      programName: this.beginning.program.name,
      ...{
        sizes,
        bytes: bytesOf(context),
        agents,
        funds,
        own: this.ownSpending(Infinity),
        paid: this.given.paid(Infinity)
      },
      ...{ seeds, seedViolations, beginVersion, beginBytes, rows, waiting, children, tier, isEndedByCycle, complaints },
      diagnostics: this.notes.diagnostics,
      standing: { context, hash, progress, pruned }
    }
  }
}

/** Runs a job to its end, or to where it was stopped. */
export const refer = (beginning: Beginning, given: Given): Referred => {
  const job = new Job(beginning, given)
  job.begin()
  while (job.turn());
  job.switchVersion()
  return job.ended
}
