/**
 * Sends the outcomes of tasks from a worker to the pool: many in one message, and large ones in several messages.
 *
 * The worker's `ResultBatch` collects outcomes and posts them by number, by length and, when its owner calls it, by time. The
 * pool's `Inbox` of a share puts effects together again. The size of a message is bounded (`Limits.packetFacts`,
 * `packetLength`), except for one large fact, or one effect's intents, evaluations and trace. So reading a message does not
 * block the event loop for long.
 *
 * Boundary: encoding and decoding; both sides; no threads.
 */
import type { CpuFault, CpuResult } from "./runCpuTask.ts"
import { describeError } from "../values/panic.ts"
import { Limits } from "../Limits.ts"
import { FactTexts, readFacts } from "./factTexts.ts"
import type { ResultItem, ResultsHead } from "./protocol.ts"
import { type EffectRest, joinEffect, restOf } from "./effectWire.ts"
import { parseCanonical } from "../values/frozen.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { EncodedFact } from "../program/encoded.ts"

/** Posts a message of results. */
export type Post = (head: string, texts: string, isLast: boolean) => void

/** Rounds a time to the microsecond, which is shorter to write and more precise than the measurement. */
const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000

/** The worker's side. */
export class ResultBatch {
  readonly #post: Post
  readonly #facts = new FactTexts()
  #items: Array<ResultItem> = []
  #reasons: Array<ReadonlyArray<number> | 0> = []
  #hasReasons = false
  /** Characters of the collected outcomes, without their facts. */
  #length = 0

  constructor(post: Post) {
    this.#post = post
  }

  /** The number of outcomes that wait to be posted. */
  get size(): number {
    return this.#items.length
  }

  /** Adds a task's outcome; `agent` is for messages. A large effect is posted in parts at once. */
  add(index: number, elapsedMs: number, agent: string, result: CpuResult): void {
    const ms = rounded(elapsedMs)
    if ("_tag" in result) {
      this.#items.push(faultItem(index, ms, result))
      return
    }
    let rest: EffectRest | number
    let length: number
    try {
      rest = restOf(result)
      length = lengthOf(rest)
      if (length > Limits.effectRestLength) throw new RangeError("its intents, evaluations or trace are too long")
    } catch (error) {
      // Also thrown if one of its texts is longer than a string can be.
      const message = `the effect of ${JSON.stringify(agent)} cannot be sent: ${describeError(error)}`
      this.#items.push([index, ms, "InvalidEffect", { message, stack: "" }])
      return
    }
    if (this.#length > 0 && this.#length + length > Limits.packetLength) this.flush(false)
    this.#length += length
    let count = 0
    for (const { because, id, kind, text } of result.facts) {
      if (this.#facts.isFull(text)) {
        if (count > 0) this.#items.push([index, ms, count, null])
        count = 0
        this.flush(false)
      }
      this.#facts.add(kind.name, id, text)
      this.#reasons.push(because ?? 0)
      if (because !== undefined) this.#hasReasons = true
      count++
    }
    this.#items.push([index, ms, count, rest])
  }

  flush(isLast: boolean): void {
    const { runs, texts } = this.#facts.take()
    const items = this.#items
    this.#items = []
    this.#length = 0
    const head: ResultsHead = this.#hasReasons ? [runs, items, this.#reasons] : [runs, items]
    this.#reasons = []
    this.#hasReasons = false
    this.#post(JSON.stringify(head), texts, isLast)
  }
}

const faultItem = (index: number, ms: number, fault: CpuFault): ResultItem => {
  if (fault._tag === "MergeConflict") {
    const { existing, proposed } = fault
    return [index, ms, fault._tag, [existing.kind.name, existing.id, existing.text, proposed.text]]
  }
  const { _tag, ...panic } = fault
  return [index, ms, _tag, panic]
}

/** Estimated characters of the rest of an effect in a message. */
const lengthOf = (rest: EffectRest | number): number => {
  if (typeof rest === "number") return 0
  const [intents, evaluations, trace] = rest
  let length = trace?.length ?? 0
  for (const [kind, payload] of intents) length += kind.length + payload.length
  for (const { fact, reason } of evaluations) length += fact.kind.length + fact.id.length + reason.length + restOverhead
  return length
}

/** Tuning: estimated characters of an evaluation besides its texts. */
const restOverhead = 48

/** One task's outcome, as a message of results holds it. */
export interface Read {
  /** The task's place in its round. */
  readonly index: number
  readonly ms: number
  readonly result: CpuResult
}

/** The pool's side, for one share. */
export class Inbox {
  readonly #kinds: ReadonlyMap<string, ErasedKind>
  /** The facts of an incomplete effect. There is at most one, because a worker runs one task after the other. */
  #begun: Array<EncodedFact | CpuFault> = []

  constructor(kinds: ReadonlyMap<string, ErasedKind>) {
    this.#kinds = kinds
  }

  /** Reads a message. Calls `settle` for each complete outcome, in the order of their ends. */
  read(head: string, texts: string, settle: (read: Read) => void): void {
    const [runs, items, reasons] = JSON.parse(head) as ResultsHead
    const facts: Array<EncodedFact | CpuFault> = []
    readFacts(runs, texts, this.#kinds, (kind, name, id, text, value) => {
      const because = reasons?.[facts.length] || undefined
      facts.push(factOf(kind, name, id, text, value, because === undefined ? undefined : Object.freeze(because)))
    })
    const isSound = !facts.some(isFault)
    let next = 0
    for (const item of items) {
      const [index, ms, content, rest] = item
      if (typeof content === "string") {
        settle({ index, ms, result: faultOf(item, this.#kinds) })
        continue
      }
      const own = content === 0 ? noFacts : facts.slice(next, (next += content))
      if (rest === null) {
        for (const fact of own) this.#begun.push(fact)
        continue
      }
      const isWhole = this.#begun.length === 0
      const all = isWhole ? own : this.#begun.concat(own)
      if (!isWhole) this.#begun = []
      const fault = isSound && isWhole ? undefined : all.find(isFault)
      settle({
        index,
        ms,
        result: fault ?? joinEffect(all as ReadonlyArray<EncodedFact>, rest)
      })
    }
  }
}

type FaultItem = Extract<ResultItem, readonly [number, number, string, unknown]>

/** Reads a fault of a worker. Of a conflict, the values are read with the job's kind. */
const faultOf = (item: FaultItem, kinds: ReadonlyMap<string, ErasedKind>): CpuFault => {
  if (item[2] !== "MergeConflict") return { _tag: item[2], ...item[3] }
  const [name, id, existing, proposed] = item[3]
  const [first, second] = [existing, proposed].map((text) => {
    const kind = kinds.get(name)
    const value = kind?.codec.isPlain === true ? parseCanonical(text) : undefined
    return factOf(kind, name, id, text, value, undefined)
  })
  if (first === undefined || second === undefined) throw new Error("a conflict has two values")
  if (isFault(first)) return first
  return isFault(second) ? second : { _tag: "MergeConflict", existing: first, proposed: second }
}

const isFault = (read: EncodedFact | CpuFault): read is CpuFault => "_tag" in read

const noFacts: ReadonlyArray<EncodedFact | CpuFault> = Object.freeze([])

const factOf = (
  kind: ErasedKind | undefined,
  name: string,
  id: string,
  text: string,
  value: unknown,
  because: ReadonlyArray<number> | undefined
): EncodedFact | CpuFault => {
  try {
    if (kind === undefined) throw new Error(`the job's program knows no kind ${JSON.stringify(name)}`)
    return { kind, id, text, value: kind.codec.isPlain ? value : kind.codec.decode(text), because }
  } catch (error) {
    const why = "the worker's effect cannot be read; is its module the one that the job runs?"
    return { _tag: "InvalidEffect", message: `${why} ${describeError(error)}`, stack: "" }
  }
}
