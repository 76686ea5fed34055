/**
 * Writes the canonical texts that the hash chain covers (H1, H2, H3): a job's beginning, and each committed cycle.
 *
 *     h0 = sha256({context, format, input, program, seeds})
 *     hn = sha256(hn-1 "\n" {cycle, outcomes, signals, tier, violations})
 *
 * Outcomes are in merge order, empty ones included. Each outcome has its proposals, or the tag of the cause that discarded it.
 * A signal that answers an intent names that intent in `answers`. The hash does not cover job id, budgets, traces, messages,
 * stacks and usage (G3).
 *
 * Boundary: the pure core. Values are encoded already, so a text is joined from texts. Long texts come in pieces and in steps.
 */
import type { Evaluation, IntentRef } from "../program/AgentEffect.ts"
import type { EncodedEffect, EncodedFact, EncodedIntent } from "../program/encoded.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { FactRef } from "../program/Fact.ts"
import type { CommittedCycle, MergedOutcome } from "../outcome/CommittedCycle.ts"
import { type Cursor, type InSteps, inSteps, lightStepSize } from "../values/steps.ts"

/** A long canonical text in pieces, so that it can be written and hashed in steps. */
export type TextPieces = ReadonlyArray<string>

/** Returns the number of characters of a text in pieces. */
export const lengthOfPieces = (pieces: TextPieces): number => pieces.reduce((sum, { length }) => sum + length, 0)

/** Tuning: characters of a piece, also of a context's dump. */
export const pieceLength = 65_536

/** Writes an item of a list, with a comma before it unless it is the first. */
type Put<A> = (writer: Writer, item: A, isFirst: boolean) => void

/** The kind of the last fact, and the beginnings of its texts: facts of a kind follow one another. */
let last:
  | { readonly kind: string; readonly first: string; readonly next: string; readonly reasoned: string }
  | undefined

const headsOf = (kind: string): NonNullable<typeof last> => {
  if (last?.kind === kind) return last
  const head = `"kind":${JSON.stringify(kind)},"value":`
  return (last = { kind, first: `{${head}`, next: `,{${head}`, reasoned: `],${head}` })
}

/**
 * Keys are in canonical order. A fact without reasons has no key for them. The parts are written one by one: to join them first
 * would make more strings for each fact.
 */
const putFact: Put<EncodedFact> = (writer, { because, kind, text }, isFirst) => {
  const { first, next, reasoned } = headsOf(kind.name)
  if (because === undefined) writer.write(isFirst ? first : next)
  else {
    writer.write(isFirst ? `{"because":[` : `,{"because":[`)
    writer.write(because.join(","))
    writer.write(reasoned)
  }
  writer.write(text)
  writer.write("}")
}

/** The result is canonical, because the keys are in order and the score is a finite number other than -0. */
const putEvaluation: Put<Evaluation> = (writer, { fact, reason, score }, isFirst) =>
  writer.write(
    `${isFirst ? "" : ","}{"fact":{"id":${JSON.stringify(fact.id)},"kind":${JSON.stringify(fact.kind)}},` +
      `"reason":${JSON.stringify(reason)},"score":${score}}`
  )

const putIntent: Put<EncodedIntent> = (writer, { text }, isFirst) => writer.write(isFirst ? text : `,${text}`)

/** The end of an outcome without proposals, as most outcomes of a long job have it. */
const nothingText = `"evaluations":[],"facts":[],"intents":[]`
const nothingEnd = `${nothingText}}`

/** Writes the part of an outcome that names the fact of its task. */
const eachText = (each: FactRef | undefined): string =>
  each === undefined ? "" : `"each":[${JSON.stringify(each.kind)},${JSON.stringify(each.id)}]`

/** Writes the part of a signal that names the intent it answers. Keys are in canonical order. */
const answersText = ({ agent, cycle, each, index, kind, part }: IntentRef): string =>
  `{"agent":${JSON.stringify(agent)},"cycle":${cycle}${each === undefined ? "" : `,${eachText(each)}`},` +
  `"index":${index},"kind":${JSON.stringify(kind)}${partText(part)}}`

/** Writes the part of an outcome that tells a further task of a join from the first. It is the last in canonical order. */
const partText = (part: number | undefined): string => (part === undefined ? "" : `,"part":${part}`)

/** Tuning: names of agents whose texts are kept. */
const agentsKept = 1_024

/** The texts of agents' names in an outcome. The same agents execute in cycle after cycle. */
const agentTexts = new Map<string, string>()

const agentText = (agent: string): string => {
  let text = agentTexts.get(agent)
  if (text === undefined) {
    if (agentTexts.size === agentsKept) agentTexts.clear()
    agentTexts.set(agent, (text = `{"agent":${JSON.stringify(agent)},`))
  }
  return text
}

/** Writes the beginning of an outcome: the agent and, for a signal, the intent that it answers. */
const headText = ({ agent, answers }: MergedOutcome): string =>
  answers === undefined ? agentText(agent) : `${agentText(agent)}"answers":${answersText(answers)},`

/**
 * Writes a text in pieces. `list` and `effect` are cursors: each writes at most the parts that are left of the step, and returns
 * whether all is written. A further call with the same arguments continues.
 */
class Writer {
  /** The number of parts that are left of this step. */
  left = lightStepSize
  private readonly pieces: Array<string> = []
  private piece = ""
  /** The number of written items of the current list, and of begun lists of the current effect. */
  private items = 0
  private lists = 0

  write(text: string): void {
    this.piece += text
    if (this.piece.length < pieceLength) return
    this.pieces.push(this.piece)
    this.piece = ""
  }

  /** Writes the items of a list, with commas between them. */
  list<A>(items: ReadonlyArray<A>, put: Put<A>): boolean {
    while (this.items < items.length) {
      if (this.left-- === 0) return false
      put(this, items[this.items]!, this.items === 0)
      this.items++
    }
    this.items = 0
    return true
  }

  /** Writes the proposals of an effect for the hash: keys in canonical order, without the braces. */
  effect({ evaluations, facts, intents }: EncodedEffect): boolean {
    if (this.lists === 0) this.open(`"evaluations":[`)
    if (this.lists === 1) {
      if (!this.list(evaluations, putEvaluation)) return false
      this.open(`],"facts":[`)
    }
    if (this.lists === 2) {
      if (!this.list(facts, putFact)) return false
      this.open(`],"intents":[`)
    }
    if (!this.list(intents, putIntent)) return false
    this.lists = 0
    this.write("]")
    return true
  }

  private open(head: string): void {
    this.write(head)
    this.lists++
  }

  end(): TextPieces {
    this.pieces.push(this.piece)
    return this.pieces
  }
}

/** A cursor that writes a row: its outcomes, then its signals. */
class RowText implements Cursor<TextPieces> {
  result: TextPieces = []
  private readonly row: CommittedCycle
  private readonly writer = new Writer()
  /** The number of begun lists, the number of written outcomes of the current list, and whether an outcome is begun. */
  private lists = 0
  private outcomes = 0
  private isOpen = false

  constructor(row: CommittedCycle) {
    this.row = row
  }

  step(parts: number): boolean {
    const { row, writer } = this
    writer.left = parts
    if (this.lists === 0) this.open(`{"cycle":${row.cycle},"outcomes":[`)
    if (this.lists === 1) {
      if (!this.list(row.outcomes)) return false
      this.open(`],"signals":[`)
    }
    if (!this.list(row.signals)) return false
    const violated = row.violations.length === 0 ? "[]" : canonicalText(row.violations.map((fact) => fact.value))
    writer.write(`],"tier":${row.tier},"violations":${violated}}`)
    this.result = writer.end()
    return true
  }

  private open(head: string): void {
    this.writer.write(head)
    this.lists++
  }

  private list(outcomes: ReadonlyArray<MergedOutcome>): boolean {
    const { writer } = this
    while (this.outcomes < outcomes.length) {
      if (!this.isOpen && writer.left-- === 0) return false
      if (!this.outcome(outcomes[this.outcomes]!)) return false
      this.outcomes++
    }
    this.outcomes = 0
    return true
  }

  /** Writes the proposals of an outcome, or the tag of the cause that discarded it. Returns whether all is written. */
  private outcome(outcome: MergedOutcome): boolean {
    const { writer } = this
    const { cause, each, effect, part } = outcome
    if (!this.isOpen) {
      const about = eachText(each)
      const head = (this.outcomes > 0 ? "," : "") + headText(outcome)
      if (cause !== undefined || effect === undefined) {
        const rest = `${about === "" ? "" : `,${about}`}${partText(part)}}`
        writer.write(`${head}"discarded":${JSON.stringify(cause?._tag)}${rest}`)
        return true
      }
      writer.write(about === "" ? head : `${head}${about},`)
      if (effect.facts.length + effect.evaluations.length + effect.intents.length === 0) {
        writer.write(part === undefined ? nothingEnd : `${nothingText}${partText(part)}}`)
        return true
      }
    }
    this.isOpen = effect !== undefined && !writer.effect(effect)
    if (!this.isOpen) writer.write(`${partText(part)}}`)
    return !this.isOpen
  }
}

/** Writes the canonical text of a committed cycle: the journal's row, which the hash chain covers. A long one takes steps. */
export const rowText = (row: CommittedCycle): InSteps<TextPieces> => inSteps(new RowText(row), lightStepSize)

/** Writes the canonical text of a job's beginning, which the first hash of the chain covers. */
export function* genesisText(
  program: string,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  contextHash: string | undefined
): Generator<void, TextPieces> {
  const writer = new Writer()
  const context = JSON.stringify(contextHash ?? null)
  writer.write(`{"context":${context},"format":1,"input":${input},"program":${JSON.stringify(program)},"seeds":[`)
  while (!writer.list(seeds, putFact)) {
    writer.left = lightStepSize
    yield
  }
  writer.write("]}")
  return writer.end()
}
