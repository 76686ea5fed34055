/**
 * An effect that is being applied to a ledger, and where things stood before: what the merge keeps while it decides.
 *
 * Boundary: the pure core; a record with its end.
 */
import type { Fact, Provenance } from "../program/Fact.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { MergedOutcome } from "../outcome/CommittedCycle.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect, EncodedFact } from "../program/encoded.ts"

export const noFacts: ReadonlyArray<Fact> = Object.freeze([])

export interface Commit {
  readonly fact: EncodedFact
  readonly revises: boolean
}

/** What all facts of an effect have in common. */
export type By = Omit<Provenance, "version">

/** An effect that is being applied, and where the ledger and the counters stood before. */
export class Application {
  readonly effect: EncodedEffect
  readonly by: By
  readonly commits: Array<Commit> = []
  /** Facts that the budget counts. */
  added = 0
  readonly facts: Array<Fact> = []
  readonly before: number
  readonly bytesBefore: number

  constructor(effect: EncodedEffect, by: By, ledger: Ledger) {
    this.effect = effect
    this.by = by
    this.before = ledger.version
    this.bytesBefore = ledger.contextBytes
  }

  /** Of what was discarded, only the number of its facts is kept: it may be large, and come again and again. */
  ended(cause: Cause | undefined): MergedOutcome {
    const { effect } = this
    const { agent, each } = this.by
    if (cause !== undefined) {
      return { agent, each, cause, effect: undefined, facts: noFacts, proposals: effect.facts.length }
    }
    return { agent, each, cause, effect, facts: this.facts.length > 0 ? this.facts : noFacts }
  }
}
