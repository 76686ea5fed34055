/**
 * The facts of one kind: a log in commit order, and an index by id. A table may stand on the table of an earlier context.
 *
 * Invariants: an entry is live in at most one place; the entries after a position are the tail of the log (G5).
 * Boundary: data structures. Ledger.ts decides when they are written.
 */
import type { Fact } from "../program/Fact.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { IndexKey } from "../program/Fact.ts"
import type { FactEntry } from "./factEntry.ts"
import { type KeyFunction, KeyIndex } from "./keyIndex.ts"

export type { FactEntry } from "./factEntry.ts"

/** The place in a log of the first entry after a position. */
export const firstAfter = (log: ReadonlyArray<FactEntry>, position: number): number => {
  let low = 0
  for (let high = log.length; low < high;) {
    const middle = (low + high) >>> 1
    if (log[middle]!.position > position) high = middle
    else low = middle + 1
  }
  return low
}

export class Table {
  readonly kind: ErasedKind
  readonly base: Table | undefined
  /** Every entry of this layer, dead ones included, in commit order. */
  readonly log: Array<FactEntry> = []
  /** The live entry of this layer for each id, or `null` if retention pruned the fact. Other ids are of the layer below. */
  readonly index = new Map<string, FactEntry | null>()
  /** The number of live facts, with those of the layers below. */
  live: number
  /** Whether the table is in its ledger's list of tables that were written to. */
  isTouched = false
  /** The place, among the facts of the layer below and then the log, up to which retention has pruned all but `passed`. */
  oldest = 0
  /** Entries before `oldest` that retention passed over, in commit order. Some may have been revised since. */
  passed: Array<FactEntry> = []
  /** The number of prunings of the context, of all kinds, when retention last pruned a fact of this table. */
  prunedAt = 0
  cachedAll: ReadonlyArray<Fact> | undefined
  /** Counts the changes of the table. */
  changes = 0
  /** The indexes that were asked for, by their functions. */
  private indexes: Map<KeyFunction, KeyIndex> | undefined
  /** The last answers of `by`, of a state of the table. */
  private answers: Map<KeyFunction, Map<IndexKey, ReadonlyArray<Fact>>> | undefined
  private answeredAt = 0

  constructor(kind: ErasedKind, base: Table | undefined) {
    this.kind = kind
    this.base = base
    this.live = base?.live ?? 0
    this.prunedAt = base?.prunedAt ?? 0
  }

  find(id: string): FactEntry | undefined {
    const entry = this.index.get(id)
    if (entry === undefined) return this.base?.find(id)
    return entry ?? undefined
  }

  /** A function of its own, so that it can be passed on. */
  readonly isLive = (entry: FactEntry): boolean => this.find(entry.fact.id) === entry

  /** Whether every entry of the log is live: nothing was revised or pruned. */
  get isClean(): boolean {
    return this.live - (this.base?.live ?? 0) === this.log.length
  }

  /** Forgets what was worked out of the table's state: it is about to change, or has changed. */
  change(): void {
    this.cachedAll = undefined
    this.changes++
  }

  /** The index of a function, of this layer alone. It is made when it is first asked for, and may lag behind the log. */
  indexOf(keyOf: KeyFunction, label: string): KeyIndex {
    this.indexes ??= new Map()
    let index = this.indexes.get(keyOf)
    if (index === undefined) this.indexes.set(keyOf, (index = new KeyIndex(keyOf, label)))
    return index
  }

  /** The live entries with a key, in commit order. Do not keep the array. @throws as `KeyIndex.keysOf` does */
  entriesBy(keyOf: KeyFunction, label: string, key: IndexKey): ReadonlyArray<FactEntry> {
    const index = this.indexOf(keyOf, label)
    index.catchUp(this)
    const own = index.find(this, key)
    if (this.base === undefined) return own
    const below = this.base.entriesBy(keyOf, label, key).filter(this.isLive)
    return below.length === 0 ? own : [...below, ...own]
  }

  /** Brings the index of a function up to date, by up to so many entries. Returns whether it is. */
  catchUp(keyOf: KeyFunction, label: string, parts: number): boolean {
    if (this.base !== undefined && !this.base.catchUp(keyOf, label, parts)) return false
    return this.indexOf(keyOf, label).catchUp(this, parts)
  }

  /**
   * Adds the live entries with a key that were committed before a position to `found`, in commit order. The index is up to date.
   * `top` is the table that decides what is live.
   */
  collectBy(
    keyOf: KeyFunction,
    label: string,
    key: IndexKey,
    before: number,
    found: Array<FactEntry>,
    top: Table = this
  ): void {
    this.base?.collectBy(keyOf, label, key, before, found, top)
    const first = this.log[0]
    if (first === undefined || first.position >= before) return
    const isClean = top === this && this.isClean
    for (const entry of this.indexOf(keyOf, label).find(this, key)) {
      if (entry.position >= before) return
      if (isClean || top.isLive(entry)) found.push(entry)
    }
  }

  /** The live facts with a key, in commit order: a frozen array, the same one until the table changes. */
  by(keyOf: KeyFunction, label: string, key: IndexKey): ReadonlyArray<Fact> {
    if (this.answers === undefined || this.answeredAt !== this.changes) {
      this.answers = new Map()
      this.answeredAt = this.changes
    }
    let answers = this.answers.get(keyOf)
    if (answers === undefined) this.answers.set(keyOf, (answers = new Map()))
    let facts = answers.get(key)
    if (facts === undefined) {
      facts = Object.freeze(this.entriesBy(keyOf, label, key).map((entry) => entry.fact))
      answers.set(key, facts)
    }
    return facts
  }

  /** Lets the indexes follow a rollback that took an entry out of the log. */
  undoIndexes(entry: FactEntry): void {
    if (this.indexes === undefined) return
    const { previous } = entry
    const isOwn = previous !== undefined && previous.position > (this.base?.lastPosition ?? 0)
    for (const index of this.indexes.values()) index.undo(entry, this.log.length, isOwn ? previous : undefined)
  }

  /** The position of the newest entry of the log, or of those below. */
  private get lastPosition(): number {
    return this.log.at(-1)?.position ?? this.base?.lastPosition ?? 0
  }

  all(): ReadonlyArray<Fact> {
    if (this.cachedAll !== undefined) return this.cachedAll
    const facts: Array<Fact> = []
    for (const entry of this.passed) if (this.isLive(entry)) facts.push(entry.fact)
    const inherited = this.base?.all() ?? []
    for (let i = this.oldest; i < inherited.length; i++)
      if (!this.index.has(inherited[i]!.id)) facts.push(inherited[i]!)
    for (let i = Math.max(0, this.oldest - inherited.length); i < this.log.length; i++) {
      const entry = this.log[i]!
      if (this.index.get(entry.fact.id) === entry) facts.push(entry.fact)
    }
    return (this.cachedAll = Object.freeze(facts))
  }

  /** Live entries after a position, in commit order. */
  after(position: number): ReadonlyArray<FactEntry> {
    let first = this.log.length
    while (first > 0 && this.log[first - 1]!.position > position) first--
    const own = this.log.slice(first).filter((entry) => this.isLive(entry))
    if (first > 0 || this.base === undefined) return own
    const below = this.base.after(position).filter((entry) => this.isLive(entry))
    return below.length === 0 ? own : [...below, ...own]
  }

  /** Every entry from after a position up to another, dead ones included, in commit order. */
  between(since: number, until: number): ReadonlyArray<FactEntry> {
    const own = this.log.slice(firstAfter(this.log, since), firstAfter(this.log, until))
    const below = this.base?.between(since, until) ?? []
    return below.length === 0 ? own : [...below, ...own]
  }

  /** The entry that held an id at a position. */
  asOf(id: string, position: number): FactEntry | undefined {
    let entry = this.find(id)
    while (entry !== undefined && entry.position > position) entry = entry.previous
    // Pruning breaks the chain of revisions. The log still has them.
    return entry ?? this.between(0, position).findLast((other) => other.fact.id === id)
  }

  /** The entries of `after`, one at a time, for long work in slices. `top` is the table that decides what is live. */
  *stream(position: number, top: Table): Generator<FactEntry, void> {
    if (this.base !== undefined) yield* this.base.stream(position, top)
    const isClean = top === this && this.isClean
    for (let i = firstAfter(this.log, position); i < this.log.length; i++)
      if (isClean || top.isLive(this.log[i]!)) yield this.log[i]!
  }

  /** The position of the newest live entry, or 0. `top` is the table that decides what is live. */
  newest(top: Table = this): number {
    if (top.live === 0) return 0
    // The last entry of a log is live, unless retention pruned the whole log.
    for (let i = this.log.length - 1; i >= 0; i--) if (top.isLive(this.log[i]!)) return this.log[i]!.position
    return this.base?.newest(top) ?? 0
  }
}

/** The UTF-8 length of a text, in bytes. */
export const utf8Length = (text: string): number => {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit < 0xdc00 && i + 1 < text.length && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2
      i++
    } else bytes += 2
  }
  return bytes
}

export const noFacts: ReadonlyArray<Fact> = Object.freeze([])
