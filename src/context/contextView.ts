/**
 * The implementation of `View`: the same on the main thread and over a worker's replica.
 *
 * Invariants: shows only the kinds it was made for (G1); throws once its cycle's gate is closed; hands out frozen arrays.
 * Boundary: reads a ledger, writes nothing.
 */
import type { ErasedAgent } from "../program/erased.ts"
import type { Fact, FactOf, Kind } from "../program/Fact.ts"
import { plainKind } from "../program/kindClass.ts"
import type { JobContext } from "./JobContext.ts"
import type { View } from "../program/View.ts"
import type { JobIdentity } from "./jobIdentity.ts"

/** Open while the views of a cycle may be used. All views of a cycle share one gate. */
export interface Gate {
  open: boolean
}

/** A context that can be viewed: a ledger, on the main thread or a worker. */
export interface Viewed extends JobContext {
  readonly job: JobIdentity | undefined
  readonly deltaFacts: (kind: string, since: number) => ReadonlyArray<Fact>
}

/** Hears the progress that the holder of a view reports. */
export interface ProgressListener {
  readonly progressed: (value: unknown) => void
}

/** The execution that a view is for. */
export interface ViewOptions {
  readonly ledger: Viewed
  /** Names of the visible kinds. */
  readonly visible: { readonly has: (kind: string) => boolean }
  /** Why a kind is not visible, for messages. Default: the holder does not read it. */
  readonly unless?: string
  /** The commit position up to which the agent has consumed. */
  readonly since: number
  readonly cycle: number
  readonly gate: Gate
  /** The holder's name, for messages. */
  readonly holder: string
  readonly onProgress: ((value: unknown) => void) | undefined
}

/**
 * The view of one agent in one cycle, or of the program.
 *
 * Its members are functions that can be taken out of it (`const { all } = view`). Each is made when it is asked for: every
 * cycle makes a view for each of its agents, and most views are asked for one or two members.
 *
 * A view has no properties of its own and cannot be given any: see `readOnly`. So a view that only `accepts` reads is not
 * frozen, which would cost as much as the reading. `select` freezes the views of the agents that it selects.
 */
export class ContextView implements View<Kind.Any> {
  readonly #options: ViewOptions
  readonly #version: number
  readonly #listener: ProgressListener | undefined

  /** `listener`: hears the progress instead of `onProgress`. */
  constructor(options: ViewOptions, listener?: ProgressListener) {
    this.#options = options
    this.#version = options.ledger.version
    this.#listener = listener
  }

  get version(): number {
    return this.#version
  }

  get cycle(): number {
    return this.#options.cycle
  }

  get jobId(): string {
    return this.#options.ledger.job?.jobId ?? ""
  }

  get input(): unknown {
    return this.#options.ledger.job?.input
  }

  get all(): View<Kind.Any>["all"] {
    return (kind) => this.#open(plainKind(kind).name).all(kind)
  }

  get delta(): View<Kind.Any>["delta"] {
    return <K extends Kind.Any>(kind: K) => {
      const { name } = plainKind(kind)
      this.#open(name)
      return this.#options.ledger.deltaFacts(name, this.#options.since) as ReadonlyArray<FactOf<K>>
    }
  }

  get get(): View<Kind.Any>["get"] {
    return (kind, id) => this.#open(plainKind(kind).name).get(kind, id)
  }

  get by(): View<Kind.Any>["by"] {
    return (kind, index, key) => this.#open(plainKind(kind).name).by(kind, index, key)
  }

  get size(): View<Kind.Any>["size"] {
    return (kind) => this.#open(plainKind(kind).name).size(kind)
  }

  get evaluations(): View<Kind.Any>["evaluations"] {
    return (fact) => this.#open(fact.kind).evaluations({ kind: fact.kind, id: fact.id })
  }

  get progress(): View<Kind.Any>["progress"] {
    return (value) => {
      if (!this.#options.gate.open) return
      if (this.#listener === undefined) this.#options.onProgress?.(value)
      else this.#listener.progressed(value)
    }
  }

  /** A view that is handed out as it is. */
  static frozen(options: ViewOptions): View<Kind.Any> {
    return Object.freeze(new ContextView(options))
  }

  /** The view of an agent. It is not frozen: see above. */
  static forAgent(
    { label, visibleNames }: Pick<ErasedAgent, "label" | "visibleNames">,
    since: number,
    cycle: number,
    ledger: Viewed,
    gate: Gate,
    onProgress: ViewOptions["onProgress"]
  ): ContextView {
    return new ContextView({ ledger, visible: visibleNames, since, cycle, gate, holder: label, onProgress })
  }

  /** The same view for one task, which hears its progress. */
  static forTask(view: ContextView, listener: ProgressListener): View<Kind.Any> {
    return Object.freeze(new ContextView(view.#options, listener))
  }

  #open(kind: string): JobContext {
    const { gate, holder, ledger, unless = unread, visible } = this.#options
    if (!gate.open) throw new Error(`${holder} used its view after its cycle ended (cycle ${this.cycle})`)
    if (!visible.has(kind)) throw new Error(`${holder} looked at ${JSON.stringify(kind)}, ${unless}`)
    return ledger
  }
}

const unread = "which is not among the kinds it reads"

/** The end of a view's prototype chain. A write to a property that the view does not have throws, as on a frozen object. */
const readOnly = new Proxy(Object.prototype, {
  set: (_, key) => {
    throw new TypeError(`Cannot add property ${String(key)}, object is not extensible`)
  }
})

Object.setPrototypeOf(ContextView.prototype, readOnly)

/** Gives a view, while `body` runs. */
export const withView = <A>(
  options: Omit<ViewOptions, "gate" | "onProgress">,
  body: (view: View<Kind.Any>) => A
): A => {
  const gate = { open: true }
  try {
    return body(ContextView.frozen({ ...options, gate, onProgress: undefined }))
  } finally {
    gate.open = false
  }
}
