/**
 * Reads a journal from the store and replays it: for a job that goes on, and for those who look at one.
 *
 * A journal is replayed as the program that wrote it was: its header says so. Where the program of today declares other
 * kinds, its `migrate` brings the facts over, once, at the end. Boundary: the store in, a replay out; nothing is written.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { canonicalText } from "../Canonical.ts"
import type { ErasedKind } from "../Fact.ts"
import { decodeHeader, type JournalHeader, type KindHeader } from "../journal.ts"
import { type JobContext, Ledger } from "../JobContext.ts"
import { JournalCorrupt, ProgramChanged } from "../JobError.ts"
import type { LogRecord } from "../JobEvent.ts"
import type { CompiledProgram } from "../Program.ts"
import { CorruptRow, Replay, type ReplayProgram } from "../replay.ts"
import type { JobStore, StoredJournal, StoreError } from "../store/JobStore.ts"
import { dumpContext, restoreContext } from "./contextDump.ts"
import { isInvalidValue } from "./InvalidValue.ts"
import { describeProgram } from "./jobJournal.ts"
import { rawKind, rawProgram } from "./rawKind.ts"
import { inSlices } from "./slices.ts"
import { Tracker } from "./tracker.ts"
import { parseJson } from "./parseJson.ts"

type Store = JobStore["Service"]

/** A journal as it was replayed. */
export interface ReplayedJournal {
  readonly replay: Replay
  readonly header: JournalHeader
  /** The input, as its program encoded it. */
  readonly input: unknown
}

export interface ReplayOptions {
  /** The cycle to stop after. Default: the last. */
  readonly at?: number | undefined
  /** The kinds to read facts with; without it, values are JSON. Must be those that the journal was written with. */
  readonly program?: ReplayProgram | undefined
  /** Called with what the event log is made of, in order. */
  readonly log?: ((record: LogRecord) => void) | undefined
}

/** Steps whose fault is a value. */
function* settled<A>(steps: Generator<void, A>): Generator<void, A | CorruptRow> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof CorruptRow) return error
    throw error
  }
}

const corruptOf = (jobId: string, { cycle, expected, found, part }: CorruptRow): JournalCorrupt =>
  new JournalCorrupt({ jobId, cycle, part, expected, found })

/** Does steps in slices; a row that is not what was written is a typed failure. */
const steps = <A>(jobId: string, generator: Generator<void, A>): Effect.Effect<A, JournalCorrupt> =>
  Effect.flatMap(inSlices(settled(generator)), (value) =>
    value instanceof CorruptRow ? Effect.fail(corruptOf(jobId, value)) : Effect.succeed(value)
  )

/** Reads a journal's header. */
export const readHeader = ({ header, jobId }: StoredJournal): Effect.Effect<JournalHeader, JournalCorrupt> =>
  Effect.try({
    try: () => decodeHeader(header),
    catch: (error) =>
      new JournalCorrupt({ jobId, cycle: 0, part: "header", expected: "a header of format 1", found: String(error) })
  })

const baseOf = (
  store: Store,
  jobId: string,
  cycle: number,
  kindOf: (name: string) => ErasedKind | undefined
): Effect.Effect<JobContext, StoreError | JournalCorrupt> =>
  Effect.flatMap(Stream.runCollect(store.base(jobId, cycle)), (pieces) =>
    Effect.try({
      try: () => restoreContext(pieces, (name) => kindOf(name) ?? rawKind({ name, latest: null, conflict: "reject" })),
      catch: (error) =>
        new JournalCorrupt({ jobId, cycle, part: "base", expected: "a context", found: describe(error) })
    })
  )

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The parts of a journal that were written with one header each, oldest first. */
const partsOf = (header: JournalHeader): ReadonlyArray<{ readonly header: JournalHeader; readonly until: number }> => [
  ...header.earlier.map(({ header, until }) => ({ header, until })),
  { header, until: Infinity }
]

const noLog = (): void => {}

/** Replays a journal up to a cycle. Fails with the first row that is not what was written. */
export const replayJournal = (
  store: Store,
  journal: StoredJournal,
  options: ReplayOptions
): Effect.Effect<ReplayedJournal, StoreError | JournalCorrupt> =>
  Effect.gen(function* () {
    const { jobId } = journal
    const last = yield* readHeader(journal)
    const parts = partsOf(last)
    const at = options.at ?? Infinity
    const first = parts[0]!.header
    // Facts of before a migration are not of the program's kinds.
    const programOf = (header: JournalHeader): ReplayProgram =>
      header === last && options.program !== undefined ? asWritten(options.program, header) : rawProgram(header)
    let program = programOf(first)
    const base = journal.bases.includes(0)
      ? yield* baseOf(store, jobId, 0, (name) => program.kinds.get(name))
      : undefined
    const ledger = Ledger.make(program.name, program.triggers, base)
    const marks = base !== undefined && base.program === program.name ? base.marks : []
    const replay = new Replay(program, ledger, marks, new Tracker(jobId, program), options.log ?? noLog)
    const input = yield* steps(jobId, replay.begin(journal.text, journal.genesisHash, first))
    for (const { header, until } of parts) {
      if (header !== first && replay.cycle < at) {
        program = programOf(header)
        const base = yield* baseOf(store, jobId, replay.cycle, (name) => program.kinds.get(name))
        replay.continueOn(program, Ledger.make(program.name, program.triggers, base))
      }
      const end = Math.min(until, at)
      if (replay.cycle >= end) continue
      const rows = store.rows(jobId, replay.cycle, end === Infinity ? undefined : end)
      yield* Stream.runForEachArray(rows, (page) =>
        steps(
          jobId,
          (function* () {
            for (const row of page) yield* replay.next(row)
          })()
        )
      )
    }
    return { replay, header: last, input }
  })

/** A program with the retention and the rules that the journal was written with: a replay goes by what was. */
const asWritten = (program: ReplayProgram, header: JournalHeader): ReplayProgram => ({
  name: program.name,
  kinds: program.kinds,
  retained: program.retained,
  triggers: new Map(header.triggers)
})

/** The names of the kinds of a header that a program declares otherwise, or not at all. */
export const changedKinds = (header: JournalHeader, program: CompiledProgram): ReadonlyArray<string> => {
  const now = new Map(describeProgram(program).kinds.map((kind) => [kind.name, kind]))
  const isSame = (before: KindHeader, after: KindHeader): boolean =>
    before.fingerprint === after.fingerprint && before.latest === after.latest && before.conflict === after.conflict
  return header.kinds
    .filter((kind) => {
      const present = now.get(kind.name)
      return present === undefined || !isSame(kind, present)
    })
    .map(({ name }) => name)
}

/** Why a program cannot go on with a job. */
export const programChanged = (
  jobId: string,
  header: JournalHeader,
  program: CompiledProgram,
  kinds: ReadonlyArray<string>,
  reason = `the kinds ${kinds.map((name) => JSON.stringify(name)).join(", ")} are not what they were`
): ProgramChanged =>
  new ProgramChanged({ jobId, program: program.name, kinds, from: header.version, to: program.version, reason })

/** A migration that was worked out: the context, and what the journal is to say of it. */
export interface Migrated {
  readonly ledger: Ledger
  readonly header: JournalHeader
  readonly pieces: ReadonlyArray<string>
}

/** Brings the facts of a replayed journal to the kinds that a program declares. */
export const migrate = (
  jobId: string,
  { header, replay }: ReplayedJournal,
  program: CompiledProgram,
  changed: ReadonlyArray<string>
): Effect.Effect<Migrated, ProgramChanged> => {
  const refuse = (reason?: string): ProgramChanged => programChanged(jobId, header, program, changed, reason)
  const declared = program.migrate
  if (declared === undefined) return Effect.fail(refuse())
  return Effect.try({
    try: () => {
      const { ledger } = replay
      const history = ledger.encoded().flatMap(({ fact, text }) => {
        const stored = { kind: fact.kind, id: fact.id, value: parseJson(text) }
        const moved = declared(stored, { version: header.version })
        if (moved === undefined) return []
        const kind = program.kinds.get(moved.kind)
        if (kind === undefined) throw new Error(`migrate gave ${fact.kind}/${fact.id} the unknown kind ${moved.kind}`)
        const encoded = reEncoded(kind, moved.value, `${fact.kind}/${fact.id}`)
        const id = kind.id(encoded.value)
        const { provenance } = fact
        return [
          { kind, text: encoded.text, fact: Object.freeze({ kind: kind.name, id, value: encoded.value, provenance }) }
        ]
      })
      const context = Ledger.rebuild({
        program: program.name,
        triggers: program.triggers,
        hash: ledger.hash,
        version: ledger.version,
        history,
        evaluations: ledger.evaluationsAfter(0),
        isLive: () => true,
        marks: replay.marks,
        stories: [{ version: ledger.version, traces: undefined, triggers: new Map(header.triggers) }]
      })
      const { earlier, ...before } = header
      const next: JournalHeader = {
        ...header,
        ...describeProgram(program),
        earlier: [...earlier, { until: replay.cycle, header: { ...before, earlier: [] } }]
      }
      return {
        ledger: Ledger.make(program.name, program.triggers, context),
        header: next,
        pieces: [...dumpContext(context)]
      }
    },
    catch: (error) => refuse(describe(error))
  })
}

/** A value that `migrate` gave, in JSON, as the kind's own encoding. Throws where it does not fit. */
const reEncoded = (kind: ErasedKind, json: unknown, what: string) => {
  try {
    return kind.codec.encode(kind.codec.decode(canonicalText(json)))
  } catch (error) {
    throw new Error(
      `migrate gave ${what} a value that does not fit: ${isInvalidValue(error) ? error.message : describe(error)}`,
      { cause: error }
    )
  }
}
