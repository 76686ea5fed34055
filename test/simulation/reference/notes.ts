/**
 * The diagnostics of a job (F8): what was discarded, what nobody performs (IN11), and whether the facts are as they were (O1).
 *
 * Boundary: a record of committed cycles.
 */
import { textOf } from "./canonical.ts"
import type { Diagnostic } from "./referred.ts"
import type { Cause, Context, Entry, Outcome, Ref } from "./state.ts"

/** The facts of a context, whatever their order and source. */
const stateOf = ({ live }: Context): string => textOf(live.map(({ id, kind, text }) => textOf([kind, id, text])).sort())

/** The commit of a cycle. */
export interface Noted {
  readonly cycle: number
  /** Signals, then tasks. */
  readonly outcomes: ReadonlyArray<Outcome>
  readonly violations: ReadonlyArray<Entry>
  readonly hasPruned: boolean
  readonly halt: Cause | undefined
  /** The context after it. */
  readonly context: Context
}

export class Notes {
  #diagnostics: ReadonlyArray<Diagnostic> = []
  readonly #notPerformed = new Map<string, Diagnostic>()
  /** The cycle that left each state of the facts, and the states that were reported. */
  readonly #states = new Map<string, number | "reported">()

  /** A state that is no repetition: that of the beginning, or of facts that another version has brought over. */
  begin(context: Context, cycle: number): void {
    this.#states.set(stateOf(context), cycle)
  }

  get diagnostics(): ReadonlyArray<Diagnostic> {
    return [...this.#diagnostics, ...this.#notPerformed.values()]
  }

  note({ context, cycle, halt, hasPruned, outcomes, violations }: Noted): void {
    let halting = halt
    for (const { agent, cause, each, notCommutative } of outcomes) {
      for (const found of notCommutative ?? []) this.#add({ cycle, agent, each, cause: found })
      if (cause === undefined) continue
      if (cause === halting) halting = undefined
      else this.#add({ cycle, agent, each, cause })
    }
    const facts = outcomes.flatMap((outcome) => outcome.facts).concat(violations)
    const hasRevised = hasPruned || facts.some(({ revises }) => revises !== undefined)
    const state = stateOf(context)
    const since = this.#states.get(state)
    if (since === undefined) this.#states.set(state, cycle)
    else if (since !== "reported" && hasRevised) {
      this.#states.set(state, "reported")
      this.#add({ cycle, agent: "", cause: { _tag: "Oscillation", cycle, since } })
    }
  }

  /** An intent that nobody performs: one diagnostic for its kind, with their number. */
  miss(kind: string, { agent, cycle, each }: { agent: string; cycle: number; each: Ref | undefined }): void {
    const first = this.#notPerformed.get(kind)
    const count = Number(first?.cause["count"] ?? 0) + 1
    const cause = { _tag: "NotPerformed", cycle: first?.cycle ?? cycle, kind, count }
    this.#notPerformed.set(kind, { cycle, agent, each, ...first, cause })
  }

  #add(diagnostic: Diagnostic): void {
    this.#diagnostics = [...this.#diagnostics, diagnostic]
  }
}
