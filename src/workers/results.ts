/**
 * How the outcomes of tasks travel from a worker to the pool: many in a message, large ones in several.
 *
 * The worker's `Outbox` collects outcomes and posts them by number, by length and, when its owner says so, by time. The
 * pool's `Inbox` of a share puts effects together again. Each message is bounded (`Limits.packetFacts`, `packetLength`), so
 * reading one never holds the event loop for long.
 *
 * Boundary: encoding and decoding; both sides; no threads.
 */
import type { EncodedFact } from "../AgentEffect.ts"
import type { ErasedKind } from "../Fact.ts"
import { joinEffect, restOf } from "../internal/encodeEffect.ts"
import type { CpuFault, CpuResult } from "../internal/runCpuTask.ts"
import { describePanic } from "../internal/panic.ts"
import { Limits } from "../Limits.ts"
import type { FactHead, ResultItem } from "./protocol.ts"

/** Posts a message of results. */
export type Post = (head: string, texts: ReadonlyArray<string>, isLast: boolean) => void

/** The worker's side. */
export class Outbox {
  readonly #post: Post
  #items: Array<ResultItem> = []
  #texts: Array<string> = []
  #length = 0

  constructor(post: Post) {
    this.#post = post
  }

  /** How many outcomes wait to be posted. */
  get size(): number {
    return this.#items.length
  }

  /** Takes a task's outcome; `agent` is for messages. A large effect is posted in parts, at once. */
  add(index: number, ms: number, agent: string, result: CpuResult): void {
    if ("_tag" in result) {
      this.#items.push([index, ms, result._tag, result.message, result.stack])
      return
    }
    let rest: ReturnType<typeof restOf>
    try {
      rest = restOf(result)
    } catch (error) {
      // A text that is longer than a string can be.
      const { message, stack } = describePanic(error, Limits.errorTextLength)
      this.#items.push([
        index,
        ms,
        "InvalidEffect",
        `the effect of ${JSON.stringify(agent)} cannot be sent: ${message}`,
        stack
      ])
      return
    }
    let heads: Array<FactHead> = []
    for (const { id, kind, text } of result.facts) {
      if (this.#texts.length > 0 && this.#isFull(text.length)) {
        if (heads.length > 0) this.#items.push([index, ms, heads, null])
        heads = []
        this.flush(false)
      }
      heads.push([kind.name, id])
      this.#texts.push(text)
      this.#length += text.length
    }
    this.#items.push([index, ms, heads, rest ?? 0])
  }

  #isFull(more: number): boolean {
    return this.#length + more > Limits.packetLength || this.#texts.length >= Limits.packetFacts
  }

  flush(isLast: boolean): void {
    const [items, texts] = [this.#items, this.#texts]
    this.#items = []
    this.#texts = []
    this.#length = 0
    this.#post(items.length === 0 ? "[]" : JSON.stringify(items), texts, isLast)
  }
}

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
  /** The effect of which a part has come. A worker runs one task after the other, so there is one at most. */
  #begun: Array<EncodedFact> = []

  constructor(kinds: ReadonlyMap<string, ErasedKind>) {
    this.#kinds = kinds
  }

  /** Reads a message; calls `settle` for each outcome that is complete, in the order of their ends. */
  read(head: string, texts: ReadonlyArray<string>, settle: (read: Read) => void): void {
    let place = 0
    for (const item of JSON.parse(head) as ReadonlyArray<ResultItem>) {
      const [index, ms, content] = item
      if (typeof content === "string") {
        const [, , _tag, message, stack] = item
        settle({ index, ms, result: { _tag, message, stack } })
        continue
      }
      const rest = item[3]
      const facts = this.#begun.length > 0 ? this.#begun : []
      let fault: CpuFault | undefined
      for (const [name, id] of content) {
        const text = texts[place++]!
        fault ??= this.#decode(facts, name, id, text)
      }
      if (rest === null) {
        this.#begun = facts
        if (fault === undefined) continue
        // What follows of this effect is passed over: the task is settled.
      }
      this.#begun = []
      settle({ index, ms, result: fault ?? joinEffect(facts, rest === null || rest === 0 ? undefined : rest) })
    }
  }

  #decode(facts: Array<EncodedFact>, name: string, id: string, text: string): CpuFault | undefined {
    try {
      const kind = this.#kinds.get(name)
      if (kind === undefined) throw new Error(`the job's program knows no kind ${JSON.stringify(name)}`)
      facts.push({ kind, id, text, value: kind.codec.decode(text) })
      return undefined
    } catch (error) {
      const { message, stack } = describePanic(error, Limits.errorTextLength)
      const why = `the worker's effect cannot be read, is its module the one that the job runs? ${message}`
      return { _tag: "InvalidEffect", message: why, stack }
    }
  }
}
