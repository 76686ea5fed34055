/**
 * The committed facts of a job, for readers outside of its driver, also while it runs.
 *
 * The ledger already holds the facts that the cycle under way has merged, and that may be undone. Pages leave them out, and show
 * a fact that they revised in its committed form. Boundary: reads a ledger; pages, so that a large context does not hold the
 * loop.
 */
import type { FactEntry } from "../context/factTable.ts"
import type { JobContext } from "../context/JobContext.ts"
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
  /** Facts after that version that are skipped. Default: none. */
  readonly skip?: number | undefined
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
  committed: Committed,
  { after: begin, kind, limit, skip = 0 }: FactQuery
): CommittedFacts => {
  const { ledger, program, version } = committed
  const kinds = kind === undefined ? [...program.kinds.keys()] : [kind]
  const after = skip === 0 ? begin : versionAfter(ledger, kinds, { after: begin, limit: skip, version })
  const entries = entriesAfter(ledger, kinds, { after, limit, version })
  for (const name of kinds) {
    for (const entry of ledger.delta(name, version)) {
      const before = asOf(entry, version)
      if (before !== undefined && before.position > after) entries.push(before)
    }
  }
  return pageOf(entries, limit, version)
}

/** A page of the facts of a kind, or of all kinds, of a context that no longer changes. */
export const sealedFacts = (
  context: JobContext,
  { after: begin, kind, limit, skip = 0 }: FactQuery
): CommittedFacts => {
  const { version } = context
  const kinds = kind === undefined ? Object.keys(context.counts()) : [kind]
  const after = skip === 0 ? begin : versionAfter(context, kinds, { after: begin, limit: skip, version })
  return pageOf(entriesAfter(context, kinds, { after, limit, version }), limit, version)
}

interface Stretch {
  readonly after: number
  readonly limit: number
  /** The last version of the stretch. */
  readonly version: number
}

/** The version of the last of the first facts of a stretch, as many as its limit: a page that skips them begins behind it. */
const versionAfter = (
  context: JobContext,
  kinds: ReadonlyArray<string>,
  { after, limit, version }: Stretch
): number => {
  const heads = kinds.flatMap((name) => {
    const entries = context.liveAfter(name, after)
    const first = entries.next()
    return first.done === true ? [] : [{ entries, position: first.value.position }]
  })
  let last = after
  for (let left = limit; left > 0 && heads.length > 0; left--) {
    const head = heads.reduce((least, other) => (other.position < least.position ? other : least))
    if (head.position > version) break
    last = head.position
    const next = head.entries.next()
    if (next.done === true) heads.splice(heads.indexOf(head), 1)
    else head.position = next.value.position
  }
  return last
}

/** The live entries of a stretch by kind: at most one more of each than `limit`, so that it is seen whether there are more. */
const entriesAfter = (
  context: JobContext,
  kinds: ReadonlyArray<string>,
  { after, limit, version }: Stretch
): Array<FactEntry> => {
  const entries: Array<FactEntry> = []
  for (const kind of kinds) {
    let count = 0
    for (const entry of context.liveAfter(kind, after)) {
      if (entry.position > version || count++ > limit) break
      entries.push(entry)
    }
  }
  return entries
}

const pageOf = (entries: Array<FactEntry>, limit: number, version: number): CommittedFacts => {
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
