/**
 * Reads a journal from the store and replays it: for a job that goes on, and for those who look at one.
 *
 * A journal is replayed as the program that wrote it was: its header says so. A job that several versions of its program
 * went on with has several parts, each with a header of its own. Where two parts have other kinds, the later one stands on a
 * context that a migration made; where they do not, it stands on what the one before had come to.
 *
 * Boundary: the store in, a replay out; nothing is written. What a migration does is migrate.ts.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type JobContext } from "../context/JobContext.ts"
import { JournalCorrupt } from "../outcome/JobError.ts"
import { CorruptRow, Replay, type ReplayProgram } from "./replay.ts"
import type { JobStore, StoredJournal, StoredRow, StoreError } from "../store/JobStore.ts"
import { DumpChanged, restoreContext } from "./contextDump.ts"
import { rawKind, rawProgram } from "./rawKind.ts"
import { inSlices } from "../platform/slices.ts"
import { Tracker } from "../cycle/tracker.ts"
import { parseJson } from "../values/parseJson.ts"
import { type JournalPart, readHeader, partsOf, changedKinds } from "./parts.ts"
import type { LogRecord } from "../outcome/logRecords.ts"
import { Ledger } from "../context/Ledger.ts"
import type { ErasedKind, CompiledProgram } from "../program/erased.ts"
import type { EndExtra, JournalHeader } from "./records.ts"

type Store = JobStore["Service"]
type ReadError = StoreError | JournalCorrupt

export interface ReadOptions {
  /** Facts of parts that were written with its kinds are read with them; others are JSON. */
  readonly program?: CompiledProgram | undefined
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

const describe = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const noLog = (): void => {}

/** A journal that is being replayed, row by row. */
export class JournalReader {
  readonly store: Store
  readonly journal: StoredJournal
  readonly parts: ReadonlyArray<JournalPart>
  readonly replay: Replay
  /** The input, as its program encoded it. */
  input: unknown
  readonly #programs: ReadonlyArray<ReplayProgram>
  #part = 0

  private constructor(
    store: Store,
    journal: StoredJournal,
    parts: ReadonlyArray<JournalPart>,
    programs: ReadonlyArray<ReplayProgram>,
    replay: Replay
  ) {
    this.store = store
    this.journal = journal
    this.parts = parts
    this.replay = replay
    this.#programs = programs
  }

  /** Replays the beginning: cycle 0. */
  static open(store: Store, journal: StoredJournal, options: ReadOptions): Effect.Effect<JournalReader, ReadError> {
    return Effect.gen(function* () {
      const parts = partsOf(yield* readHeader(journal))
      const { program } = options
      const programs = parts.map(({ header }) =>
        program !== undefined && changedKinds(header, program).length === 0
          ? asWritten(program, header)
          : rawProgram(header)
      )
      const [first, ...rest] = programs
      const writer = first ?? rest[0]!
      const genesisContext = contextHashOf(journal)
      const isOn = journal.bases.includes(0)
      if (isOn !== (genesisContext !== undefined)) {
        const [expected, found] = isOn ? ["none", "a context"] : ["a context", "none"]
        return yield* new JournalCorrupt({ jobId: journal.jobId, cycle: 0, part: "base", expected, found })
      }
      const base =
        genesisContext === undefined ? undefined : yield* readBase(store, journal.jobId, 0, genesisContext, writer)
      const ledger = Ledger.make(writer.name, writer.triggers, base)
      const marks = base !== undefined && base.program === writer.name ? base.marks : []
      const tracker = new Tracker(journal.jobId, writer)
      const replay = new Replay(writer, ledger, marks, tracker, options.log ?? noLog)
      const reader = new JournalReader(store, journal, parts, programs, replay)
      reader.input = yield* reader.steps(replay.begin(journal.text, journal.genesisHash, parts[0]!.header))
      return reader
    })
  }

  /** The header of the part that the replay has come to. */
  get header(): JournalHeader {
    return this.parts[this.#part]!.header
  }

  /** Does steps in slices; a row that is not what was written is a typed failure. */
  steps<A>(generator: Generator<void, A>): Effect.Effect<A, JournalCorrupt> {
    return Effect.flatMap(inSlices(settled(generator)), (value) =>
      value instanceof CorruptRow ? Effect.fail(corruptOf(this.journal.jobId, value)) : Effect.succeed(value)
    )
  }

  /**
   * Replays the rows up to a cycle, or to the last, page by page; an element for each page. `part`: the one to end in. Fails
   * with the first row that is not what was written.
   */
  rows(at: number, part: number): Stream.Stream<void, ReadError> {
    const numbers = this.parts.map((_, number) => number).slice(this.#part, part + 1)
    const read = Stream.flatMap(Stream.fromIterable(numbers), (number) =>
      Stream.unwrap(
        Effect.map(this.#enter(number), () => {
          const { cycle } = this.replay
          const end = Math.min(this.parts[number]!.until, at)
          if (cycle >= end) return Stream.empty
          const rows = this.store.rows(this.journal.jobId, cycle, end === Infinity ? undefined : end)
          return Stream.mapArrayEffect(rows, (page) => Effect.as(this.steps(this.#next(page)), [undefined] as const))
        })
      )
    )
    return Stream.concat(read, Stream.fromEffectDrain(Effect.suspend(() => this.#checkEnd(at))))
  }

  /** As `rows`, all at once. */
  readTo(at: number, part: number): Effect.Effect<void, ReadError> {
    return Stream.runDrain(this.rows(at, part))
  }

  *#next(page: ReadonlyArray<StoredRow>): Generator<void, void> {
    for (const row of page) yield* this.replay.next(row)
  }

  #enter(number: number): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      if (number === this.#part) return
      const { journal, replay, store } = this
      const { after, isMigrated } = this.parts[number]!
      const program = this.#programs[number]!
      if (replay.cycle !== after) {
        return yield* corruptOf(journal.jobId, missingRow(replay.cycle + 1, after))
      }
      const base = isMigrated
        ? yield* readBase(store, journal.jobId, after + 1, replay.ledger.hash, program)
        : replay.ledger.seal()
      this.#part = number
      replay.continueOn(program, Ledger.make(program.name, program.triggers, base))
    })
  }

  /** The end of a journal that has one says how many rows there are. */
  #checkEnd(at: number): Effect.Effect<void, JournalCorrupt> {
    const { end, jobId } = this.journal
    const { cycle } = this.replay
    if (end === undefined || cycle >= at) return Effect.void
    return Effect.suspend(() => {
      let last: number
      try {
        last = (parseJson(end) as EndExtra).usage.cycles
      } catch (error) {
        return Effect.fail(corruptOf(jobId, new CorruptRow(cycle, "end", "the end of a job", describe(error))))
      }
      return last === cycle ? Effect.void : Effect.fail(corruptOf(jobId, missingRow(cycle + 1, last)))
    })
  }
}

const missingRow = (cycle: number, last: number): CorruptRow =>
  new CorruptRow(cycle, "cycle", `rows up to cycle ${last}`, `rows up to cycle ${cycle - 1}`)

const corruptOf = (jobId: string, { cycle, expected, found, part }: CorruptRow): JournalCorrupt =>
  new JournalCorrupt({ jobId, cycle, part, expected, found })

/** The hash of the context that a job began with, as its genesis text has it. What cannot be read is told by the replay. */
const contextHashOf = ({ text }: StoredJournal): string | undefined => {
  try {
    const { context } = parseJson(text) as { readonly context: unknown }
    return typeof context === "string" ? context : undefined
  } catch {
    return undefined
  }
}

const readBase = (
  store: Store,
  jobId: string,
  cycle: number,
  hash: string,
  program: ReplayProgram
): Effect.Effect<JobContext, ReadError> => {
  const kindOf = (name: string): ErasedKind =>
    program.kinds.get(name) ?? rawKind({ name, latest: null, conflict: "reject" })
  return Effect.flatMap(Stream.runCollect(store.base(jobId, cycle)), (pieces) =>
    Effect.try({
      try: () => restoreContext(pieces, hash, kindOf),
      catch: (error) => {
        const [expected, found] =
          error instanceof DumpChanged ? [error.expected, error.found] : ["a context", describe(error)]
        return new JournalCorrupt({ jobId, cycle, part: "base", expected, found })
      }
    })
  )
}

/** Replays a whole journal. Fails with the first row that is not what was written. */
export const replayJournal = (
  store: Store,
  journal: StoredJournal,
  options: ReadOptions
): Effect.Effect<JournalReader, ReadError> =>
  Effect.gen(function* () {
    const reader = yield* JournalReader.open(store, journal, options)
    yield* reader.readTo(Infinity, reader.parts.length - 1)
    return reader
  })

/** A program with the retention and the rules that the journal was written with: a replay goes by what was. */
const asWritten = (program: ReplayProgram, header: JournalHeader): ReplayProgram => ({
  name: program.name,
  kinds: program.kinds,
  retained: program.retained,
  triggers: new Map(header.triggers)
})
