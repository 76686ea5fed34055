/**
 * The tracker of a job: its diagnostics, its intents, and the oscillations of its context (O1).
 *
 * Only revisions and pruning can bring a context back to an earlier state; additions alone cannot. So the tracker keeps a
 * running exclusive-or of the fingerprints of revised and pruned facts, at the cost of the cycle's delta. It compares it with
 * those of earlier cycles that held as many facts.
 *
 * Invariant: bounded (G14), and the same in every run (G3). Boundary: reads committed cycles.
 */
import type { Fact } from "../program/Fact.ts"
import type { FactEntry } from "../context/factTable.ts"
import type { CommittedIntent, Diagnostic, NotPerformed } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import { SetFingerprint } from "../values/fingerprint.ts"
import { stepSize } from "../values/steps.ts"
import type { BusyAgent, Cause } from "../outcome/Cause.ts"
import type { CommittedAnswer, CommittedCycle, MergedOutcome } from "../outcome/CommittedCycle.ts"
import type { Ledger } from "../context/Ledger.ts"
import { intentKey, partOf } from "../program/keys.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** Marks a state whose repetition has been reported. */
const reported = -1

const noKinds: ReadonlyArray<string> = Object.freeze([])
const noFacts: CommittedAnswer["facts"] = Object.freeze([])

export class Tracker {
  readonly #noted: Array<Diagnostic> = []
  /** The first intent of each kind that nobody performs, and how many there are. */
  readonly #unperformed = new Map<string, Diagnostic & { readonly cause: NotPerformed }>()
  readonly intents: Array<CommittedIntent> = []
  /** The answers to intents, by their keys within the job. A decision by a signal is none: it is a fact. */
  readonly answers = new Map<string, CommittedAnswer>()
  readonly #jobId: string
  #program: Pick<CompiledProgram, "kinds">
  /** The cycle that left the context in a state, by state, oldest first. */
  readonly #states = new Map<string, number>().set("0/0/0", 0)
  readonly #state = new SetFingerprint()
  /** The outcomes of the last cycles, oldest first. */
  readonly #recent: Array<ReadonlyArray<MergedOutcome>> = []
  /** Additions of kinds without pruning. */
  #size = 0
  /** The name of the state: `#size` and `#state` as text. */
  #key = "0/0/0"
  #isChanged = false

  constructor(jobId: string, program: Pick<CompiledProgram, "kinds">) {
    this.#jobId = jobId
    this.#program = program
  }

  /** Continues with the kinds of another program, to which the job was migrated. */
  continueOn(program: Pick<CompiledProgram, "kinds">): void {
    this.#program = program
  }

  /** The noted diagnostics, in commit order, and then a diagnostic for each kind of intents that nobody performs. */
  get diagnostics(): ReadonlyArray<Diagnostic> {
    if (this.#unperformed.size === 0) return this.#noted
    return [...this.#noted, ...this.#unperformed.values()].slice(0, Limits.diagnostics)
  }

  diagnose(diagnostic: Diagnostic): void {
    if (this.#noted.length < Limits.diagnostics) this.#noted.push(Object.freeze(diagnostic))
  }

  /** The intents of the last committed cycle, if that is `cycle`. */
  intentsOf(cycle: number): ReadonlyArray<CommittedIntent> {
    let from = this.intents.length
    while (this.intents[from - 1]?.cycle === cycle) from--
    return this.intents.slice(from)
  }

  /**
   * Notes the discarded effects and the intents of a committed cycle, and whether the context is back in an earlier state.
   * The cause that ends the job is not among the diagnostics: it is the job's error (F1). `unperformed` are the kinds of the
   * row's intents that somebody should perform, and nobody does. Works in steps.
   */
  *commit(
    row: CommittedCycle,
    ledger: Ledger,
    pruned: ReadonlyArray<FactEntry>,
    halt: Cause | undefined,
    unperformed: ReadonlyArray<string> = noKinds
  ): Generator<void, void> {
    if (this.#recent.push(row.outcomes) > Limits.busyCycles) this.#recent.shift()
    let halting = halt
    let facts = row.violations.length + pruned.length
    for (const outcomes of [row.signals, row.outcomes]) {
      for (const outcome of outcomes) {
        const { agent, answers, cause, each, effect, part } = outcome
        if (answers !== undefined) {
          this.answers.set(intentKey(answers), { cycle: row.cycle, cause, facts: effect?.facts ?? noFacts })
        }
        facts += outcome.facts.length
        if (cause === undefined) {
          if (effect !== undefined && effect.intents.length > 0) this.#note(row.cycle, outcome, unperformed)
          if (outcome.uncommutative !== undefined) this.#noteUncommutative(row.cycle, outcome, outcome.uncommutative)
        } else if (cause === halting) halting = undefined
        else this.diagnose({ cycle: row.cycle, agent, each, ...partOf(part), cause })
      }
    }
    // Most cycles of a long job change nothing.
    const revised = facts === 0 ? undefined : yield* this.#observe(row, ledger, pruned)
    if (this.#isChanged) this.#key = `${this.#size}/${this.#state.key}`
    this.#isChanged = false
    const since = this.#states.get(this.#key)
    if (since === undefined) return this.#remember(this.#key, row.cycle)
    if (revised === undefined || since === reported) return
    this.#states.set(this.#key, reported)
    const cause = { _tag: "Oscillation", cycle: row.cycle, since } as const
    this.diagnose({ cycle: row.cycle, agent: revised.provenance.agent, each: revised.provenance.each, cause })
  }

  #note(cycle: number, outcome: MergedOutcome, unperformed: ReadonlyArray<string>): void {
    const { agent, each, effect, part } = outcome
    effect?.intents.forEach(({ kind, payload }, index) => {
      const of = { agent, cycle, each, ...partOf(part), index }
      if (unperformed.includes(kind)) this.#miss(kind, { agent, cycle, each })
      this.intents.push(Object.freeze({ kind, payload, ...of, idempotencyKey: `${this.#jobId}/${intentKey(of)}` }))
    })
  }

  #noteUncommutative(
    cycle: number,
    { agent, each }: MergedOutcome,
    pairs: NonNullable<MergedOutcome["uncommutative"]>
  ): void {
    for (const values of pairs.values()) {
      this.diagnose({ cycle, agent, each, cause: { _tag: "NotCommutative", cycle, ...values } })
    }
  }

  /** The agents that executed in the last cycles, and what they added: the busiest first. */
  get busy(): ReadonlyArray<BusyAgent> {
    const agents = new Map<string, { tasks: number; readonly facts: Map<string, number> }>()
    for (const { agent, facts } of this.#recent.flat()) {
      let own = agents.get(agent)
      if (own === undefined) agents.set(agent, (own = { tasks: 0, facts: new Map() }))
      own.tasks++
      for (const { kind } of facts) own.facts.set(kind, (own.facts.get(kind) ?? 0) + 1)
    }
    const sum = (facts: ReadonlyMap<string, number>): number => [...facts.values()].reduce((a, b) => a + b, 0)
    return [...agents]
      .sort(([, a], [, b]) => sum(b.facts) - sum(a.facts) || b.tasks - a.tasks)
      .slice(0, Limits.busyAgents)
      .map(([agent, { facts, tasks }]) => ({ agent, tasks, facts: Object.fromEntries(facts) }))
  }

  #miss(kind: string, { agent, cycle, each }: Pick<Diagnostic, "agent" | "cycle" | "each">): void {
    const first = this.#unperformed.get(kind)
    if (first === undefined && this.#unperformed.size >= Limits.diagnostics) return
    const cause: NotPerformed = {
      _tag: "NotPerformed",
      cycle: first?.cycle ?? cycle,
      kind,
      count: (first?.cause.count ?? 0) + 1
    }
    this.#unperformed.set(kind, Object.freeze({ cycle, agent, each, ...first, cause }))
  }

  /** Updates the running fingerprint. Returns the first fact that was revised or pruned, if there is one. */
  *#observe(row: CommittedCycle, ledger: Ledger, pruned: ReadonlyArray<FactEntry>): Generator<void, Fact | undefined> {
    let revised: Fact | undefined
    let parts = 0
    for (const outcomes of [row.signals, row.outcomes, [{ facts: row.violations }]]) {
      for (const { facts } of outcomes) {
        for (const fact of facts) {
          if (this.#observeFact(fact, ledger)) revised ??= fact
          if (++parts % stepSize === 0) yield
        }
      }
    }
    for (const entry of pruned) {
      revised ??= entry.fact
      this.#toggle(entry)
      if (++parts % stepSize === 0) yield
    }
    return revised
  }

  /** Updates the running fingerprint by one committed fact. Returns whether it revised another. */
  #observeFact(fact: Fact, ledger: Ledger): boolean {
    const entry = ledger.entryAt(fact.provenance.version)
    if (entry === undefined) return false
    if (entry.previous === undefined) {
      if (this.#program.kinds.get(fact.kind)?.retention !== "all") this.#toggle(entry)
      else {
        this.#size++
        this.#isChanged = true
      }
      return false
    }
    this.#toggle(entry)
    this.#toggle(entry.previous)
    return true
  }

  #toggle(entry: FactEntry): void {
    this.#state.toggle(entry.fact.kind, entry.fact.id, entry.text)
    this.#isChanged = true
  }

  #remember(key: string, cycle: number): void {
    this.#states.set(key, cycle)
    if (this.#states.size <= Limits.oscillationWindow) return
    const [oldest] = this.#states.keys()
    if (oldest !== undefined) this.#states.delete(oldest)
  }
}
