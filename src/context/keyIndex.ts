/**
 * An index of one table: its live entries by key, kept up with the table's log.
 *
 * The index is caught up when it is asked, at the cost of what is new. It has the entries of one layer; a lookup joins them with
 * those of the layer below, whose index all layers above share. A bucket may hold entries that a revision or retention has
 * made dead. A lookup passes over them, and removes them when they outnumber the live ones.
 *
 * Invariants: a bucket is in commit order; it holds every live entry of its layer that has its key, also after a rollback.
 * Boundary: data structures. factTable.ts decides what is live.
 */
import type { IndexKey } from "../program/Fact.ts"
import { typeOf } from "../values/panic.ts"
import { plainly } from "../values/plainResult.ts"
import type { FactEntry } from "./factEntry.ts"

/** Gives the keys of a value. It is a function of the program, so its result is checked. */
export type KeyFunction = (value: never) => unknown

/** The part of a table that its indexes read. */
export interface IndexedTable {
  readonly log: ReadonlyArray<FactEntry>
  readonly isLive: (entry: FactEntry) => boolean
  /** Whether every entry of the log is live. */
  readonly isClean: boolean
}

/** Whether a value can be a key. */
export const isKey = (key: unknown): key is IndexKey =>
  typeof key === "string" || typeof key === "number" || typeof key === "boolean"

/** Tuning: dead entries in a bucket below which removing them is not worth a copy. */
const fewDead = 8

export class KeyIndex {
  readonly #keyOf: KeyFunction
  /** The name of the function, for messages. */
  readonly #label: string
  readonly #buckets = new Map<IndexKey, Array<FactEntry>>()
  /** The number of entries of the log that the index has. */
  #read = 0

  constructor(keyOf: KeyFunction, label: string) {
    this.#keyOf = keyOf
    this.#label = label
  }

  /** The keys of an entry, each once: a key, or a list of keys. @throws TypeError for what is no key */
  keysOf({ fact }: FactEntry): IndexKey | ReadonlyArray<IndexKey> {
    const keys = plainly(this.#label, this.#keyOf(fact.value as never))
    if (isKey(keys)) return keys
    if (!Array.isArray(keys)) return this.#refuse(keys)
    for (const key of keys) if (!isKey(key)) return this.#refuse(key)
    return keys.length < 2 ? (keys as ReadonlyArray<IndexKey>) : [...new Set(keys as ReadonlyArray<IndexKey>)]
  }

  #refuse(given: unknown): never {
    throw new TypeError(
      `${this.#label} gave ${typeOf(given)}: a key is a text, a number or a boolean. Several keys are an array; none, []`
    )
  }

  /** Takes up to `parts` entries of the log in. Returns whether the index has all of them. */
  catchUp({ log }: IndexedTable, parts = Infinity): boolean {
    for (let left = parts; this.#read < log.length; left--) {
      if (left === 0) return false
      const entry = log[this.#read]!
      const keys = this.keysOf(entry)
      if (typeof keys === "object") for (const key of keys) this.#push(key, entry)
      else this.#push(keys, entry)
      this.#read++
    }
    return true
  }

  #push(key: IndexKey, entry: FactEntry): void {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) this.#buckets.set(key, [entry])
    else bucket.push(entry)
  }

  /** The live entries with a key, in commit order. `table` decides what is live. Do not keep the array. */
  find(table: IndexedTable, key: IndexKey): ReadonlyArray<FactEntry> {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return noEntries
    if (table.isClean) return bucket
    const live = bucket.filter(table.isLive)
    if (bucket.length - live.length > Math.max(fewDead, live.length)) this.#buckets.set(key, live)
    return live
  }

  /**
   * Follows a rollback: the entry was the last of the log, and is taken out of it. `revived` is the entry of this layer that it
   * had revised. It is live again, and is put back where a lookup had removed it.
   */
  undo(entry: FactEntry, length: number, revived: FactEntry | undefined): void {
    if (this.#read <= length) return
    this.#read = length
    this.#each(entry, (bucket) => {
      if (bucket.at(-1) === entry) bucket.pop()
    })
    if (revived === undefined) return
    this.#each(revived, (bucket) => {
      let place = bucket.length
      while (place > 0 && bucket[place - 1]!.position > revived.position) place--
      if (bucket[place - 1] !== revived) bucket.splice(place, 0, revived)
    })
  }

  #each(entry: FactEntry, use: (bucket: Array<FactEntry>) => void): void {
    const keys = this.keysOf(entry)
    for (const key of typeof keys === "object" ? keys : [keys]) {
      let bucket = this.#buckets.get(key)
      if (bucket === undefined) this.#buckets.set(key, (bucket = []))
      use(bucket)
    }
  }
}

const noEntries: ReadonlyArray<FactEntry> = Object.freeze([])
