/**
 * The implementation of `View`: the same on the main thread and over a worker's replica.
 *
 * Invariants: shows only the kinds it was made for (G1); throws once its cycle's gate is closed; hands out frozen arrays.
 * Boundary: reads a ledger, writes nothing.
 */
import * as Option from "effect/Option"
import { type FactOf, type FactRef, type Kind } from "../Fact.ts"
import type { JobContext, Ledger } from "../JobContext.ts"
import type { CommittedEvaluation, View } from "../View.ts"

/** Open while a cycle's views may be used. One for all views of a cycle. */
export interface Gate {
  open: boolean
}

/** What a view needs to know about the execution it is for. */
export interface ViewOptions {
  readonly ledger: Ledger
  /** Names of the visible kinds, or undefined for all kinds. */
  readonly visible: ReadonlySet<string> | undefined
  /** The commit position up to which the agent has consumed. */
  readonly since: number
  readonly cycle: number
  readonly gate: Gate
  /** Who holds the view, for messages. */
  readonly holder: string
  readonly onProgress: ((value: unknown) => void) | undefined
}

export class ContextView implements View<Kind.Any> {
  readonly version: number
  readonly cycle: number
  readonly #options: ViewOptions

  constructor(options: ViewOptions) {
    this.#options = options
    this.version = options.ledger.version
    this.cycle = options.cycle
    Object.freeze(this)
  }

  readonly all = <K extends Kind.Any>(kind: K): ReadonlyArray<FactOf<K>> => this.#open(kind.name).all(kind)

  readonly delta = <K extends Kind.Any>(kind: K): ReadonlyArray<FactOf<K>> => {
    this.#open(kind.name)
    return this.#options.ledger.deltaFacts(kind.name, this.#options.since) as ReadonlyArray<FactOf<K>>
  }

  readonly get = <K extends Kind.Any>(kind: K, id: string): Option.Option<FactOf<K>> =>
    this.#open(kind.name).get(kind, id)

  readonly size = (kind: Kind.Any): number => this.#open(kind.name).size(kind)

  readonly evaluations = (fact: FactRef): ReadonlyArray<CommittedEvaluation> =>
    this.#open(fact.kind).evaluations({ kind: fact.kind, id: fact.id })

  readonly progress = (value: unknown): void => {
    if (this.#options.gate.open) this.#options.onProgress?.(value)
  }

  #open(kind: string): JobContext {
    const { gate, holder, ledger, visible } = this.#options
    if (!gate.open) throw new Error(`${holder} used its view after its cycle ended (cycle ${this.cycle})`)
    if (visible !== undefined && !visible.has(kind)) {
      throw new Error(`${holder} looked at ${JSON.stringify(kind)}, which is not among the kinds it reads`)
    }
    return ledger
  }
}
