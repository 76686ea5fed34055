/**
 * The intents of a job that have no answer, from its events, and a sentence about them.
 *
 * Events do not tell which intents are performed by nobody on purpose. So a sentence names the approvals and the child jobs,
 * which always wait for an answer; intents of other kinds only if there is nothing else that the job could wait for.
 *
 * Invariant: the number of intents that are remembered is bounded (G14). Boundary: the pure core; events in, a text out.
 */
import { Limits } from "../Limits.ts"
import type { JobEvent } from "./JobEvent.ts"

interface Open {
  readonly kind: string
  /** The id and the question of an approval. */
  readonly id: string | undefined
  readonly question: string | undefined
  /** The name and the program of a child job. */
  readonly child: string | undefined
}

type Answerable = Extract<JobEvent, { readonly _tag: "IntentCommitted" | "IntentAnswered" }>

/** An answer has the cycle of its own commit, so the intents of one place of a task are answered in their order. */
const placeOf = ({ agent, each, index, kind, part }: Answerable): string =>
  JSON.stringify([agent, each?.kind, each?.id, part, index, kind])

const textIn = (payload: unknown, field: "id" | "question" | "program"): string | undefined => {
  if (typeof payload !== "object" || payload === null) return undefined
  const value: unknown = (payload as Readonly<Record<string, unknown>>)[field]
  return typeof value === "string" ? value : undefined
}

export class OpenIntents {
  readonly #open = new Map<string, Array<Open>>()
  readonly #decided = new Set<string>()
  /** The intent that the last answer was for; undefined if it is not known. */
  answered: Open | undefined
  #size = 0

  add(event: JobEvent): void {
    switch (event._tag) {
      case "IntentCommitted":
        return this.#commit(event)
      case "IntentAnswered":
        return this.#answer(placeOf(event))
      case "FactsCommitted":
        for (const { id, kind } of event.facts) if (kind === "Decision") this.#decide(id)
        return
      default:
    }
  }

  #commit(event: Extract<JobEvent, { readonly _tag: "IntentCommitted" }>): void {
    const { kind, payload } = event
    const isApproval = kind === "Approval"
    const id = isApproval ? textIn(payload, "id") : undefined
    if (this.#size >= Limits.diagnosedFacts || (id !== undefined && this.#decided.has(id))) return
    const question = isApproval ? textIn(payload, "question") : undefined
    const place = placeOf(event)
    const others = this.#open.get(place) ?? []
    others.push({ kind, id, question, child: kind === "ChildJob" ? childIn(payload) : undefined })
    this.#open.set(place, others)
    this.#size++
  }

  #answer(place: string): void {
    const open = this.#open.get(place)
    this.answered = open?.shift()
    if (open === undefined || this.answered === undefined) return
    this.#size--
    if (open.length === 0) this.#open.delete(place)
  }

  /** A decision by anybody answers an approval. The first of them stands. */
  #decide(id: string): void {
    if (this.#decided.size < Limits.diagnosedFacts) this.#decided.add(id)
    for (const [place, open] of this.#open) {
      const left = open.filter((one) => one.id !== id)
      this.#size -= open.length - left.length
      if (left.length === 0) this.#open.delete(place)
      else this.#open.set(place, left)
    }
  }

  /** A sentence about the answers that a job awaits. */
  get sentence(): string {
    const open = [...this.#open.values()].flat()
    const isNobodys = open.length > 0 && !open.some(({ kind }) => kind === "Approval" || kind === "ChildJob")
    return `It waits for ${this.awaited}${isNobodys ? ", for which it has no handler here" : ""}.`
  }

  /** The answers that a job at rest awaits, in words. */
  get awaited(): string {
    const open = [...this.#open.values()].flat()
    const approvals = open.filter(({ kind }) => kind === "Approval")
    const children = open.filter(({ kind }) => kind === "ChildJob").length
    const parts = [
      ...(approvals.length === 0 ? [] : [approvalsLine(approvals)]),
      ...(children === 0 ? [] : [children === 1 ? "a child job" : `${children.toLocaleString("en-US")} child jobs`])
    ]
    if (parts.length > 0) return parts.join(", and for ")
    const kinds = [...new Set(open.map(({ kind }) => kind))].sort().map((kind) => JSON.stringify(kind))
    if (kinds.length === 0) return "answers to intents"
    const intents = open.length === 1 ? "an intent" : `${open.length.toLocaleString("en-US")} intents`
    return `the answer to ${intents} of ${kinds.join(", ")}`
  }
}

/** A child job as its asker named it. */
const childIn = (payload: unknown): string | undefined => {
  const [id, program] = [textIn(payload, "id"), textIn(payload, "program")]
  if (program === undefined) return undefined
  return `${id === undefined ? "" : `${JSON.stringify(id)} `}of ${JSON.stringify(program)}`
}

const approvalsLine = (approvals: ReadonlyArray<Open>): string => {
  const [first] = approvals
  const name = first?.id === undefined ? "" : ` ${JSON.stringify(first.id)}`
  const question = first?.question === undefined ? "" : ` (${first.question.slice(0, Limits.diagnosedTextLength / 4)})`
  if (approvals.length === 1) return `the approval${name}${question}`
  return `${approvals.length.toLocaleString("en-US")} approvals, first${name}${question}`
}
