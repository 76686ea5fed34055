/**
 * The decisions of a job, from its events: who decided which question, how, why and in which cycle.
 *
 * Invariant: the newest decisions are remembered, and the questions that wait, each up to a bound (G14). Boundary: the pure core;
 * events in, plain data out.
 */
import { Limits } from "../Limits.ts"
import { approvalKind, Decision } from "../program/answerKinds.ts"
import type { JobEvent } from "./JobEvent.ts"

/** A decision that was committed. */
export interface DecidedQuestion {
  readonly approval: string
  /** Undefined if nobody has asked before the decision, or the question has no text. */
  readonly question: string | undefined
  readonly approved: boolean
  readonly by: string
  readonly reason: string
  readonly cycle: number
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {}

const most = Limits.diagnosedTextLength

/** A text, or its beginning with a mark behind it. */
const textIn = (value: unknown): string | undefined => {
  if (typeof value !== "string") return undefined
  return value.length <= most ? value : `${value.slice(0, most)}…`
}

export class Decisions {
  readonly #questions = new Map<string, string>()
  #newest: ReadonlyArray<DecidedQuestion> = []
  #count = 0

  add(event: JobEvent): void {
    if (event._tag === "IntentCommitted" && event.kind === approvalKind) {
      const { id, question } = fieldsOf(event.payload)
      const text = textIn(question)
      if (typeof id !== "string" || text === undefined || this.#questions.size >= Limits.diagnosedFacts) return
      this.#questions.set(id, text)
    }
    if (event._tag !== "FactsCommitted") return
    for (const { id, kind, value } of event.facts) if (kind === Decision.name) this.#decide(id, value, event.cycle)
  }

  #decide(approval: string, value: unknown, cycle: number): void {
    const { approved, by, reason } = fieldsOf(value)
    // A program may have a kind of its own with this name.
    if (typeof approved !== "boolean") return
    const question = this.#questions.get(approval)
    this.#questions.delete(approval)
    const decided = { approval, question, approved, by: textIn(by) ?? "", reason: textIn(reason) ?? "", cycle }
    this.#newest = [...this.#newest, decided].slice(-Limits.diagnosedDecisions)
    this.#count++
  }

  /** The newest decisions, oldest first. */
  get newest(): ReadonlyArray<DecidedQuestion> {
    return this.#newest
  }

  /** The number of decisions before the newest ones. */
  get older(): number {
    return this.#count - this.#newest.length
  }
}
