/**
 * What a job reports besides its facts: diagnostics, intents, oscillations.
 *
 * Two equal states of a context can only come about by revisions and pruning, never by additions alone. So the tracker
 * keeps a running exclusive-or of the fingerprints of what was revised, which costs the cycle's delta, and compares it
 * with those of earlier cycles that held as many facts.
 *
 * Invariant: bounded (G14), and the same in every run (G3). Boundary: reads committed cycles.
 */
import type { Fact } from "../Fact.ts"
import type { Entry, Ledger } from "../JobContext.ts"
import type { Cause } from "../JobError.ts"
import type { CommittedIntent, Diagnostic } from "../JobResult.ts"
import { refKey } from "../Fact.ts"
import { Limits } from "../Limits.ts"
import { type CommittedCycle, fingerprintOf, type MergedOutcome } from "../merge.ts"
import type { CompiledProgram } from "../Program.ts"

/** Marks a state whose repetition has been reported. */
const reported = -1

export class Tracker {
  readonly diagnostics: Array<Diagnostic> = []
  readonly intents: Array<CommittedIntent> = []
  readonly #jobId: string
  readonly #program: CompiledProgram
  readonly #sha256: (text: string) => string
  /** The cycle that left the context in a state, by state, oldest first. */
  readonly #states = new Map<string, number>([["0/0", 0]])
  #state = 0n
  #size = 0

  constructor(jobId: string, program: CompiledProgram, sha256: (text: string) => string) {
    this.#jobId = jobId
    this.#program = program
    this.#sha256 = sha256
  }

  diagnose(diagnostic: Diagnostic): void {
    if (this.diagnostics.length < Limits.diagnostics) this.diagnostics.push(Object.freeze(diagnostic))
  }

  /**
   * Notes what a committed cycle discarded and wished for, and whether it came back to an earlier state. The effect whose
   * cause ends the job is not among the diagnostics: it is the job's error.
   */
  commit(row: CommittedCycle, ledger: Ledger, pruned: ReadonlyArray<Entry>, halt: Cause | undefined): void {
    const halting = halt && [...row.signals, ...row.outcomes].find(({ cause }) => cause === halt)
    for (const outcome of [...row.signals, ...row.outcomes]) {
      if (outcome === halting) continue
      if (outcome.cause !== undefined) {
        this.diagnose({ cycle: row.cycle, agent: outcome.agent, each: outcome.each, cause: outcome.cause })
      } else this.#note(row.cycle, outcome)
    }
    const revised = this.#observe(row, ledger, pruned)
    const key = `${this.#size}/${this.#state.toString(16)}`
    const since = this.#states.get(key)
    if (since === undefined) return this.#remember(key, row.cycle)
    if (revised === undefined || since === reported) return
    this.#states.set(key, reported)
    const cause = { _tag: "Oscillation", cycle: row.cycle, since } as const
    this.diagnose({ cycle: row.cycle, agent: revised.provenance.agent, each: revised.provenance.each, cause })
  }

  #note(cycle: number, { agent, each, effect }: MergedOutcome): void {
    effect?.intents.forEach(({ kind, payload }, index) => {
      const idempotencyKey = `${this.#jobId}/${cycle}/${agent}/${each === undefined ? "" : refKey(each)}/${index}`
      this.intents.push(Object.freeze({ kind, payload, agent, cycle, each, index, idempotencyKey }))
    })
  }

  /** Brings the running fingerprint up to date. Returns the first fact that was revised, if any was. */
  #observe(row: CommittedCycle, ledger: Ledger, pruned: ReadonlyArray<Entry>): Fact | undefined {
    let revised: Fact | undefined
    for (const fact of [...row.signals, ...row.outcomes].flatMap(({ facts }) => facts).concat(row.violations)) {
      const entry = ledger.entryAt(fact.provenance.version)
      const isRetained = this.#program.retained.some((kind) => kind.name === fact.kind)
      if (entry === undefined) continue
      if (entry.previous === undefined) {
        if (isRetained) this.#toggle(entry)
        else this.#size++
      } else {
        revised ??= fact
        this.#toggle(entry)
        this.#toggle(entry.previous)
      }
    }
    for (const entry of pruned) {
      revised ??= entry.fact
      this.#toggle(entry)
    }
    return revised
  }

  #toggle(entry: Entry): void {
    this.#state ^= fingerprintOf(this.#sha256, this.#program.kinds.get(entry.fact.kind)!, entry.fact.id, entry.text)
  }

  #remember(key: string, cycle: number): void {
    this.#states.set(key, cycle)
    if (this.#states.size > Limits.oscillationWindow) {
      for (const oldest of this.#states.keys()) {
        this.#states.delete(oldest)
        break
      }
    }
  }
}
