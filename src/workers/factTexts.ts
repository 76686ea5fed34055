/**
 * Encodes facts for messages between threads: heads in columns, and all texts joined into one.
 *
 * A string is copied between threads at once, but an array of strings one by one. Parsing one text of many values takes half the
 * time of parsing many texts. So a message holds runs of facts of one kind, each with a column of ids and a column of lengths,
 * and the canonical texts of all facts with commas between them.
 *
 * Boundary: encoding and decoding; both sides. Other data of a fact travels beside it, in the same order.
 */
import { Limits } from "../Limits.ts"
import type { ErasedKind } from "../program/erased.ts"
import { parseCanonicals } from "../values/frozen.ts"

/** Facts of one kind that follow one another: their ids, and the lengths of their texts. */
export type FactRun = readonly [kind: string, ids: Array<string>, lengths: Array<number>]

/** Collects facts for one message. */
export class FactTexts {
  #runs: Array<FactRun> = []
  #texts = ""
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Whether one more fact would exceed a message. A larger fact goes alone. */
  isFull(text: string): boolean {
    return (
      this.#count > 0 && (this.#texts.length + text.length > Limits.packetLength || this.#count >= Limits.packetFacts)
    )
  }

  add(kind: string, id: string, text: string): void {
    let run = this.#runs.at(-1)
    if (run === undefined || run[0] !== kind) this.#runs.push((run = [kind, [], []]))
    run[1].push(id)
    run[2].push(text.length)
    this.#texts = this.#count === 0 ? text : `${this.#texts},${text}`
    this.#count++
  }

  /** Gives the collected facts and starts a new collection. */
  take(): { readonly runs: ReadonlyArray<FactRun>; readonly texts: string } {
    const taken = { runs: this.#runs, texts: this.#texts }
    this.#runs = []
    this.#texts = ""
    this.#count = 0
    return taken
  }
}

/**
 * Called for each fact, in order. `kind` is undefined if the program has none of that name; `value` is undefined unless the
 * kind is plain.
 */
export type FactReader = (kind: ErasedKind | undefined, name: string, id: string, text: string, value: unknown) => void

/** Reads the facts of a message. */
export const readFacts = (
  runs: ReadonlyArray<FactRun>,
  texts: string,
  kinds: ReadonlyMap<string, ErasedKind>,
  read: FactReader
): void => {
  let from = 0
  for (const [name, ids, lengths] of runs) {
    const kind = kinds.get(name)
    let values: ReadonlyArray<unknown> | undefined
    if (kind?.codec.isPlain === true) {
      let end = from - 1
      for (const length of lengths) end += length + 1
      values = parseCanonicals(texts.slice(from, end))
    }
    for (let i = 0; i < ids.length; i++) {
      const text = texts.slice(from, from + lengths[i]!)
      from += lengths[i]! + 1
      read(kind, name, ids[i]!, text, values?.[i])
    }
  }
}
