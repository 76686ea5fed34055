/**
 * The committed facts of a job, for readers outside of its driver, also while it runs.
 *
 * The ledger already holds the facts that the cycle under way has merged, and that may be undone. Pages leave them out, and show
 * a fact that they revised in its committed form. Boundary: reads a ledger; pages, so that a large context does not hold the
 * loop.
 */
import type { FactEntry } from "../context/factTable.ts"
import type { FactRef } from "../program/Fact.ts"
import { type ExplanationJson, explanationToJson } from "../outcome/explanationJson.ts"
import { type FactJson, factJson } from "../outcome/resultJson.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** A ledger, and the version up to which it is committed. */
export interface Committed {
  readonly program: CompiledProgram
  readonly ledger: Ledger
  readonly version: number
}

export interface FactQuery {
  /** Undefined for the facts of all kinds. */
  readonly kind: string | undefined
  /** The version after which the page begins. */
  readonly after: number
  readonly limit: number
}

export interface CommittedFacts {
  /** In commit order. */
  readonly facts: ReadonlyArray<FactJson>
  /** The version at which they were read. */
  readonly version: number
  /** Whether there are facts after this page. */
  readonly hasMore: boolean
}

/** The entry of this one's id as of a version. */
const asOf = (entry: FactEntry, version: number): FactEntry | undefined => {
  let found: FactEntry | undefined = entry
  while (found !== undefined && found.position > version) found = found.previous
  return found
}

/** A page of the facts of a kind, or of all kinds, that were committed after a version. */
export const committedFacts = (
  { ledger, program, version }: Committed,
  { after, kind, limit }: FactQuery
): CommittedFacts => {
  const entries: Array<FactEntry> = []
  for (const name of kind === undefined ? program.kinds.keys() : [kind]) {
    let count = 0
    for (const entry of ledger.liveAfter(name, after)) {
      if (entry.position > version || count++ > limit) break
      entries.push(entry)
    }
    for (const entry of ledger.delta(name, version)) {
      const before = asOf(entry, version)
      if (before !== undefined && before.position > after) entries.push(before)
    }
  }
  entries.sort((a, b) => a.position - b.position)
  return { facts: entries.slice(0, limit).map(factJson), version, hasMore: entries.length > limit }
}

/** The number of committed facts of each kind that has any, by name. */
export const committedCounts = ({ ledger, version }: Committed): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(ledger.counts()).flatMap(([kind, live]) => {
      // Facts that the cycle under way has added, in place of none.
      const added = ledger.delta(kind, version).filter((entry) => asOf(entry, version) === undefined).length
      return live === added ? [] : [[kind, live - added]]
    })
  )

/** The derivation of a committed fact; null if there is no such fact. */
export const explainCommitted = ({ ledger, version }: Committed, ref: FactRef): ExplanationJson | null => {
  const fact = ledger.find(ref.kind, ref.id)
  return fact === undefined || fact.provenance.version > version ? null : explanationToJson(ledger, ref)
}
