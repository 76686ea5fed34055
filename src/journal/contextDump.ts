/**
 * Encodes a whole context as JSON, for the journal of a job that continues from it, and decodes it.
 *
 * The first piece holds everything but the facts. The next pieces hold the facts in commit order, including revised and pruned
 * facts, which `explain` needs. The last piece is a checksum of the others, seeded with the context's hash.
 *
 * Boundary: the pure core; pieces are texts of about 64 KiB.
 */
import type { Fact, Origin } from "../program/Fact.ts"
import { type JobContext } from "../context/JobContext.ts"
import type { CommittedEvaluation } from "../program/View.ts"
import { parseJson } from "../values/parseJson.ts"
import { parseLong } from "../values/parseLong.ts"
import { Sha256 } from "../values/sha256.ts"
import { Ledger } from "../context/Ledger.ts"
import { type By, provenanceOf } from "../context/provenanceOf.ts"
import type { Story } from "../context/stories.ts"
import type { ErasedKind } from "../program/erased.ts"
import { decodedBy } from "./decode.ts"
import { pieceLength } from "./rowText.ts"

interface Head {
  readonly program: string
  readonly hash: string
  readonly version: number
  readonly marks: ReadonlyArray<readonly [agent: string, mark: number]>
  readonly stories: ReadonlyArray<{
    readonly version: number
    readonly triggers: ReadonlyArray<readonly [agent: string, kinds: ReadonlyArray<string>]>
    readonly traces: ReadonlyArray<readonly [task: string, trace: unknown]>
  }>
  /** Facts that retention pruned, by kind and id. */
  readonly pruned: ReadonlyArray<readonly [kind: string, id: string]>
  readonly evaluations: ReadonlyArray<CommittedEvaluation>
  /** The pruned facts, in order, and how many of them each agent had taken note of. Left out if there are none. */
  readonly prunings?: ReadonlyArray<readonly [position: number, at: number]>
  readonly prunedMarks?: ReadonlyArray<readonly [agent: string, mark: number]>
}

type FactLine = readonly [
  kind: string,
  id: string,
  value: unknown,
  version: number,
  cycle: number,
  origin: Origin,
  agent: string,
  each: readonly [kind: string, id: string] | 0,
  since: number,
  until: number,
  /** Left out if there are neither reasons nor a part. */
  more?: { readonly because?: ReadonlyArray<number>; readonly part?: number }
]

/** Encodes a context in pieces of JSON. */
export function* dumpContext(context: JobContext): Generator<string, void> {
  const digest = new Sha256().update(context.hash)
  for (const piece of contentOf(context)) {
    digest.update(piece)
    yield piece
  }
  yield JSON.stringify(digest.hex())
}

/** The triggers and traces of each earlier job. If two jobs end at the same version, the first one counts. */
const storiesOf = (context: JobContext): Head["stories"] => {
  let known = -1
  return context.knownStories().flatMap(({ traces, triggers, version }) => {
    if (version <= known) return []
    known = version
    return [{ version, triggers: [...triggers], traces: [...(traces ?? [])] }]
  })
}

function* contentOf(context: JobContext): Generator<string, void> {
  const pruned = new Map<string, readonly [string, string]>()
  for (const { fact } of context.history()) {
    if (context.find(fact.kind, fact.id) === undefined) pruned.set(`${fact.kind}\n${fact.id}`, [fact.kind, fact.id])
  }
  const head: Head = {
    program: context.program,
    hash: context.hash,
    version: context.version,
    marks: [...context.marks],
    stories: storiesOf(context),
    pruned: [...pruned.values()],
    evaluations: [...context.evaluationsAfter(0)],
    ...(context.prunedCount === 0
      ? {}
      : {
          prunings: [...context.pruningsAfter(0)].map(({ at, entry }) => [entry.position, at] as const),
          prunedMarks: [...context.prunedMarks]
        })
  }
  yield JSON.stringify(head)
  let piece = ""
  for (const { fact, text } of context.history()) {
    const { agent, because, cycle, each, origin, part, since, until, version } = fact.provenance
    const rest: Array<unknown> = [
      ...[version, cycle, origin, agent, each === undefined ? 0 : [each.kind, each.id]],
      ...[since, until]
    ]
    if (because !== undefined || part !== undefined) rest.push({ because, part })
    const names = JSON.stringify([fact.kind, fact.id]).slice(0, -1)
    piece += `${piece === "" ? "[" : ","}${names},${text},${JSON.stringify(rest).slice(1)}`
    if (piece.length < pieceLength) continue
    yield `${piece}]`
    piece = ""
  }
  if (piece !== "") yield `${piece}]`
}

/** A dump that differs from the one that was written. */
export class DumpChanged extends Error {
  override readonly name = "DumpChanged"
  readonly expected: string
  readonly found: string
  constructor(expected: string, found: string) {
    super(`expected ${expected}, found ${found}`)
    this.expected = expected
    this.found = found
  }
}

/**
 * Decodes the context with a known hash from its pieces, in steps. `kindOf` returns a kind for every name.
 *
 * @throws DumpChanged, or the error of a kind's schema
 */
export function* restoreContext(
  pieces: ReadonlyArray<string>,
  hash: string,
  kindOf: (name: string) => ErasedKind
): Generator<void, JobContext> {
  const digest = new Sha256().update(hash)
  for (const piece of pieces.slice(0, -1)) {
    digest.update(piece)
    yield
  }
  const [expected, found] = [pieces.at(-1) ?? "no checksum", JSON.stringify(digest.hex())]
  if (expected !== found) throw new DumpChanged(expected, found)
  const [first, ...rest] = pieces.slice(0, -1)
  const head = (yield* parseLong(first ?? "null")) as Head
  const pruned = new Set(head.pruned.map(([kind, id]) => `${kind}\n${id}`))
  const stories = head.stories.map(({ traces, triggers, version }): Story => {
    return { version, triggers: new Map(triggers), traces: traces.length === 0 ? undefined : new Map(traces) }
  })
  return yield* Ledger.rebuilding({
    program: head.program,
    triggers: stories.at(-1)?.triggers ?? new Map(),
    hash: head.hash,
    version: head.version,
    history: linesOf(rest, kindOf),
    evaluations: head.evaluations,
    isLive: (kind, id) => !pruned.has(`${kind}\n${id}`),
    marks: head.marks,
    prunedMarks: head.prunedMarks,
    prunings: head.prunings,
    stories
  })
}

function* linesOf(
  pieces: ReadonlyArray<string>,
  kindOf: (name: string) => ErasedKind
): Generator<{ readonly kind: ErasedKind; readonly fact: Fact; readonly text: string }, void> {
  for (const piece of pieces) {
    for (const line of parseJson(piece) as ReadonlyArray<FactLine>) {
      const [name, id, json, version, cycle, origin, agent, each, since, until, more] = line
      const kind = kindOf(name)
      const { text, value } = decodedBy(kind, json)
      const about = each === 0 ? undefined : { kind: each[0], id: each[1] }
      const by: By = { cycle, origin, agent, each: about, since, until }
      const provenance = provenanceOf(
        version,
        more?.part === undefined ? by : { ...by, part: more.part },
        more?.because && Object.freeze(more.because)
      )
      yield { kind, text, fact: Object.freeze({ kind: name, id, value, provenance }) }
    }
  }
}
