/**
 * The canonical texts that the hash chain covers: a job's beginning, and each committed cycle.
 *
 *     h0 = sha256({context, format, input, program, seeds})
 *     hn = sha256(hn-1 "\n" {cycle, outcomes, signals, tier, violations})
 *
 * A signal that answers an intent names it, as `answers`. Outcomes are in merge order, empty ones included, with what was proposed or the tag of why it was discarded. Job id,
 * budgets, traces, messages, stacks and usage are not in it (G3). Boundary: the pure core; values are encoded already, so
 * a text is put together from texts. Long ones come in pieces and in steps.
 */
import type { Evaluation, IntentRef } from "../program/AgentEffect.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { FactRef } from "../program/Fact.ts"
import type { CommittedCycle, MergedOutcome } from "../outcome/CommittedCycle.ts"
import type { EncodedEffect, EncodedFact, EncodedIntent } from "../program/encoded.ts"

/** A long canonical text in pieces, so that it can be written and hashed in steps. */
export type TextPieces = ReadonlyArray<string>

/** Characters of a text in pieces. */
export const lengthOfPieces = (pieces: TextPieces): number => pieces.reduce((sum, { length }) => sum + length, 0)

const pieceLength = 65_536

/** Facts, evaluations and outcomes that are written in one step. */
const stepSize = 256

/** Writes a text in pieces. */
class Writer {
  readonly #pieces: Array<string> = []
  #piece = ""
  #written = 0

  write(text: string): void {
    this.#piece += text
    if (this.#piece.length < pieceLength) return
    this.#pieces.push(this.#piece)
    this.#piece = ""
  }

  /** Counts parts that were written; whether they are enough for one step. */
  isStep(parts: number): boolean {
    this.#written += parts
    if (this.#written < stepSize) return false
    this.#written = 0
    return true
  }

  end(): TextPieces {
    this.#pieces.push(this.#piece)
    return this.#pieces
  }
}

/** Writes the items of a list, with commas between them. A short one at once: see `writeLong`. */
const writeList = <A>(writer: Writer, items: ReadonlyArray<A>, textOf: (item: A) => string): void => {
  for (let index = 0; index < items.length; index++) {
    if (index > 0) writer.write(",")
    writer.write(textOf(items[index]!))
  }
}

function* writeLong<A>(writer: Writer, items: ReadonlyArray<A>, textOf: (item: A) => string): Generator<void, void> {
  for (let index = 0; index < items.length; index++) {
    if (index > 0) writer.write(",")
    writer.write(textOf(items[index]!))
    if (writer.isStep(1)) yield
  }
}

const factText = ({ kind, text }: EncodedFact): string => `{"kind":${JSON.stringify(kind.name)},"value":${text}}`

/** Canonical as it stands: its keys are in order, and its score is a finite number that is not -0. */
const evaluationText = ({ fact, reason, score }: Evaluation): string =>
  `{"fact":{"id":${JSON.stringify(fact.id)},"kind":${JSON.stringify(fact.kind)}},` +
  `"reason":${JSON.stringify(reason)},"score":${score}}`

const intentText = ({ text }: EncodedIntent): string => text

/** What was proposed, as the hash sees it. Keys in canonical order. */
function* writeProposed(writer: Writer, effect: EncodedEffect): Generator<void, void> {
  writer.write(`"evaluations":[`)
  yield* writeLong(writer, effect.evaluations, evaluationText)
  writer.write(`],"facts":[`)
  yield* writeLong(writer, effect.facts, factText)
  writer.write(`],"intents":[`)
  yield* writeLong(writer, effect.intents, intentText)
  writer.write("]}")
}

/** As `writeProposed`, at once. */
const writeSmall = (writer: Writer, { evaluations, facts, intents }: EncodedEffect): void => {
  writer.write(`"evaluations":[`)
  writeList(writer, evaluations, evaluationText)
  writer.write(`],"facts":[`)
  writeList(writer, facts, factText)
  writer.write(`],"intents":[`)
  writeList(writer, intents, intentText)
  writer.write("]}")
}

/** Nothing was proposed: what most outcomes of a job that goes on for long come to. */
const nothingText = `"evaluations":[],"facts":[],"intents":[]}`

/** The part of an outcome that says for which fact its task was. */
const eachText = (each: FactRef | undefined): string =>
  each === undefined ? "" : `"each":[${JSON.stringify(each.kind)},${JSON.stringify(each.id)}]`

/** The part of a signal that says which intent it answers. Keys in canonical order. */
const answersText = ({ agent, cycle, each, index, kind }: IntentRef): string =>
  `{"agent":${JSON.stringify(agent)},"cycle":${cycle}${each === undefined ? "" : `,${eachText(each)}`},` +
  `"index":${index},"kind":${JSON.stringify(kind)}}`

/** One list of outcomes: what was proposed, or the tag of why it was discarded. */
function* writeOutcomes(writer: Writer, outcomes: ReadonlyArray<MergedOutcome>): Generator<void, void> {
  for (let index = 0; index < outcomes.length; index++) {
    const { agent, answers, cause, each, effect } = outcomes[index]!
    const about = eachText(each)
    const answered = answers === undefined ? "" : `"answers":${answersText(answers)},`
    const head = `${index > 0 ? "," : ""}{"agent":${JSON.stringify(agent)},${answered}`
    if (cause !== undefined || effect === undefined) {
      writer.write(`${head}"discarded":${JSON.stringify(cause?._tag)}${about === "" ? "" : `,${about}`}}`)
      if (writer.isStep(1)) yield
      continue
    }
    writer.write(about === "" ? head : `${head}${about},`)
    const size = effect.facts.length + effect.evaluations.length + effect.intents.length
    if (size === 0) writer.write(nothingText)
    else if (size < stepSize) writeSmall(writer, effect)
    else yield* writeProposed(writer, effect)
    if (writer.isStep(1 + Math.min(size, stepSize))) yield
  }
}

/** The canonical text of a committed cycle: what the hash chain covers, and the journal's row. */
export function* rowText({ cycle, outcomes, signals, tier, violations }: CommittedCycle): Generator<void, TextPieces> {
  const writer = new Writer()
  writer.write(`{"cycle":${cycle},"outcomes":[`)
  yield* writeOutcomes(writer, outcomes)
  writer.write(`],"signals":[`)
  yield* writeOutcomes(writer, signals)
  const violated = violations.length === 0 ? "[]" : canonicalText(violations.map((fact) => fact.value))
  writer.write(`],"tier":${tier},"violations":${violated}}`)
  return writer.end()
}

/** The canonical text of a job's beginning: what the first hash of the chain covers. */
export function* genesisText(
  program: string,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  contextHash: string | undefined
): Generator<void, TextPieces> {
  const writer = new Writer()
  const context = JSON.stringify(contextHash ?? null)
  writer.write(`{"context":${context},"format":1,"input":${input},"program":${JSON.stringify(program)},"seeds":[`)
  yield* writeLong(writer, seeds, factText)
  writer.write("]}")
  return writer.end()
}
