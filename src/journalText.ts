/**
 * The canonical texts that the hash chain covers: a job's beginning, and each committed cycle.
 *
 *     h0 = sha256({context, format, input, program, seeds})
 *     hn = sha256(hn-1 "\n" {cycle, outcomes, signals, tier, violations})
 *
 * Outcomes are in merge order, empty ones included, with what was proposed or the tag of why it was discarded. Job id,
 * budgets, traces, messages, stacks and usage are not in it (G3). Boundary: the pure core; values are encoded already, so
 * a text is put together from texts. Long ones come in pieces and in steps.
 */
import type { EncodedFact } from "./AgentEffect.ts"
import { canonicalText } from "./Canonical.ts"
import type { CommittedCycle, MergedOutcome } from "./merge.ts"

/** A long canonical text in pieces, so that it can be written and hashed in steps. */
export type TextPieces = ReadonlyArray<string>

const pieceLength = 65_536

/** Joins texts into pieces, and yields after each. */
function* inPieces(texts: Iterable<string>): Generator<void, TextPieces> {
  const pieces: Array<string> = []
  let piece = ""
  for (const text of texts) {
    piece += text
    if (piece.length < pieceLength) continue
    pieces.push(piece)
    piece = ""
    yield
  }
  pieces.push(piece)
  return pieces
}

function* factTexts(facts: ReadonlyArray<EncodedFact>): Generator<string> {
  yield "["
  for (const [index, { kind, text }] of facts.entries()) {
    yield `${index === 0 ? "" : ","}{"kind":${JSON.stringify(kind.name)},"value":${text}}`
  }
  yield "]"
}

/** One outcome as the hash sees it: what was proposed, or the tag of why it was discarded. Keys in canonical order. */
function* outcomeTexts({ agent, cause, each, effect }: MergedOutcome): Generator<string> {
  yield `{"agent":${JSON.stringify(agent)},`
  const eachText = each === undefined ? "" : `"each":[${JSON.stringify(each.kind)},${JSON.stringify(each.id)}]`
  if (cause !== undefined || effect === undefined) {
    yield `"discarded":${JSON.stringify(cause?._tag)}${eachText === "" ? "" : `,${eachText}`}}`
    return
  }
  yield `${eachText === "" ? "" : `${eachText},`}"evaluations":${canonicalText(effect.evaluations)},`
  yield `"facts":`
  yield* factTexts(effect.facts)
  yield `,"intents":[${effect.intents.map((intent) => intent.text).join(",")}]}`
}

function* listTexts(name: string, outcomes: ReadonlyArray<MergedOutcome>): Generator<string> {
  yield `"${name}":[`
  for (const [index, outcome] of outcomes.entries()) {
    if (index > 0) yield ","
    yield* outcomeTexts(outcome)
  }
  yield "],"
}

function* rowTexts({ cycle, outcomes, signals, tier, violations }: CommittedCycle): Generator<string> {
  yield `{"cycle":${cycle},`
  yield* listTexts("outcomes", outcomes)
  yield* listTexts("signals", signals)
  yield `"tier":${tier},"violations":${canonicalText(violations.map((fact) => fact.value))}}`
}

/** The canonical text of a committed cycle: what the hash chain covers, and the journal's row. */
export const rowText = (row: CommittedCycle): Generator<void, TextPieces> => inPieces(rowTexts(row))

function* genesisTexts(
  program: string,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  contextHash: string | undefined
): Generator<string> {
  yield `{"context":${JSON.stringify(contextHash ?? null)},"format":1,"input":${input},"program":${JSON.stringify(program)},"seeds":`
  yield* factTexts(seeds)
  yield "}"
}

/** The canonical text of a job's beginning: what the first hash of the chain covers. */
export const genesisText = (
  program: string,
  input: string,
  seeds: ReadonlyArray<EncodedFact>,
  contextHash: string | undefined
): Generator<void, TextPieces> => inPieces(genesisTexts(program, input, seeds, contextHash))
