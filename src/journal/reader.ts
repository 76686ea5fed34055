/**
 * Reads a journal from the store and replays it: for a job that goes on, and for callers that look at one.
 *
 * A journal is replayed as the program that wrote it was: its header says so. A job that several versions of its program
 * went on with has several parts, each with a header of its own. Where two parts have other kinds, the later one stands on a
 * context that a migration made; otherwise it stands on the context that the earlier one left.
 *
 * Invariant: a journal is opened once. The reader has its header, its parts, and the kinds of each that the program declares
 * otherwise; migration, event log and views take them from it. Boundary: the store in, a replay out; nothing is written.
 * Migrations are migrate.ts.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { JobContext } from "../context/JobContext.ts"
import { Ledger } from "../context/Ledger.ts"
import { Tracker } from "../cycle/tracker.ts"
import { JournalCorrupt } from "../outcome/JobError.ts"
import type { LogRecord } from "../outcome/logRecords.ts"
import { inSlices } from "../platform/slices.ts"
import type { ErasedKind } from "../program/erased.ts"
import type { JobStore, StoredJournal, StoredRow, StoreError } from "../store/JobStore.ts"
import { describeError } from "../values/panic.ts"
import { parseJson } from "../values/parseJson.ts"
import { DumpChanged, restoreContext } from "./contextDump.ts"
import { decodeEnd } from "./edges.ts"
import type { DescribedProgram } from "./header.ts"
import { isObject } from "./jsonRecord.ts"
import { type JournalPart, type JournalParts, partsOf, readHeader } from "./parts.ts"
import { rawKind, rawProgram } from "./rawKind.ts"
import type { JournalHeader } from "./records.ts"
import { CorruptRow, Replay, type ReplayProgram } from "./replay.ts"

type Store = JobStore["Service"]
type ReadError = StoreError | JournalCorrupt

/** Is called with the records that the event log is made of, in order. */
export type LogListener = (record: LogRecord) => void

const noLog: LogListener = () => {}

/** Steps that return a row that is not what was written, in place of throwing it. */
function* settled<A>(steps: Generator<void, A>): Generator<void, A | CorruptRow> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof CorruptRow) return error
    throw error
  }
}

/** A journal that is open: its header is read, and its rows are replayed one by one. */
export class JournalReader {
  readonly store: Store
  readonly journal: StoredJournal
  readonly parts: JournalParts
  readonly replay: Replay
  /** The input, as its program encoded it. Undefined until `begin`. */
  input: unknown
  /** The part that the replay has come to, and its number. */
  #part: JournalPart
  #number = 0
  readonly #read: DescribedProgram | undefined

  private constructor(store: Store, journal: StoredJournal, parts: JournalParts, read: DescribedProgram | undefined) {
    this.store = store
    this.journal = journal
    this.parts = parts
    this.#read = read
    ;[this.#part] = parts
    const writer = this.#programOf(this.#part)
    this.replay = new Replay(writer, new Tracker(journal.jobId, writer))
  }

  /**
   * Opens a journal: reads its header. Nothing is replayed yet. Facts of parts that were written with the kinds of the program
   * are read with them; the others, and all if there is none, are JSON.
   */
  static open(
    store: Store,
    journal: StoredJournal,
    read?: DescribedProgram
  ): Effect.Effect<JournalReader, JournalCorrupt> {
    return Effect.map(readHeader(journal), (header) => new JournalReader(store, journal, partsOf(header, read), read))
  }

  /** Opens a journal and replays its beginning. */
  static begun(
    store: Store,
    journal: StoredJournal,
    read?: DescribedProgram,
    log?: LogListener
  ): Effect.Effect<JournalReader, ReadError> {
    return Effect.tap(JournalReader.open(store, journal, read), (reader) => reader.begin(log))
  }

  /** The part that the replay has come to. */
  get part(): JournalPart {
    return this.#part
  }

  /** The header of the part that the replay has come to. */
  get header(): JournalHeader {
    return this.#part.header
  }

  /** Replays the beginning: cycle 0. Called once, before rows are read. */
  begin(log: LogListener = noLog): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const { header, journal, replay, store } = this
      const { bases, genesisHash, jobId, text } = journal
      const hash = contextHashOf(journal)
      const isOnBase = bases.includes(0)
      if (isOnBase !== (hash !== undefined)) {
        const [expected, found] = isOnBase ? ["none", "a context"] : ["a context", "none"]
        return yield* new JournalCorrupt({ jobId, cycle: 0, part: "base", expected, found })
      }
      if (hash !== undefined) replay.standOn(yield* readBase(store, jobId, 0, hash, replay.program))
      this.input = yield* this.steps(replay.begin(text, genesisHash, header, log))
    })
  }

  /** Does steps in slices; a row that is not what was written is a typed failure. */
  steps<A>(generator: Generator<void, A>): Effect.Effect<A, JournalCorrupt> {
    return Effect.flatMap(inSlices(settled(generator)), (value) =>
      value instanceof CorruptRow ? Effect.fail(corruptOf(this.journal.jobId, value)) : Effect.succeed(value)
    )
  }

  /**
   * Replays the rows up to a cycle, or to the last, page by page; an element for each page. `part`: the number of the part to
   * end in. Fails with the first row that is not what was written.
   */
  rows(at: number, part: number): Stream.Stream<void, ReadError> {
    const numbered = [...this.parts.entries()].slice(this.#number, part + 1)
    const read = Stream.flatMap(Stream.fromIterable(numbered), ([number, { until }]) =>
      Stream.unwrap(
        Effect.map(this.#enter(number), () => {
          const { cycle } = this.replay
          const end = Math.min(until, at)
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

  /** Replays all rows, the last part's included. */
  get readAll(): Effect.Effect<void, ReadError> {
    return this.readTo(Infinity, this.parts.length - 1)
  }

  *#next(page: ReadonlyArray<StoredRow>): Generator<void, void> {
    for (const row of page) yield* this.replay.next(row)
  }

  /** The program that a part is replayed with: as it was when the part was written. */
  #programOf({ changed, header }: JournalPart): ReplayProgram {
    return this.#read === undefined || changed.length > 0 ? rawProgram(header) : asWritten(this.#read.program, header)
  }

  #enter(number: number): Effect.Effect<void, ReadError> {
    return Effect.gen({ self: this }, function* () {
      const part = this.parts[number]
      if (part === undefined || number === this.#number) return
      const { journal, replay, store } = this
      if (replay.cycle !== part.after) {
        return yield* corruptOf(journal.jobId, missingRow(replay.cycle + 1, part.after))
      }
      const program = this.#programOf(part)
      const base = part.isMigrated
        ? yield* readBase(store, journal.jobId, part.after + 1, replay.ledger.hash, program)
        : replay.ledger.seal()
      this.#part = part
      this.#number = number
      replay.continueOn(program, Ledger.make(program.name, program.triggers, base))
    })
  }

  /** Checks the number of rows against the end of a journal that has one. */
  #checkEnd(at: number): Effect.Effect<void, JournalCorrupt> {
    const { end, jobId } = this.journal
    const { cycle } = this.replay
    if (end === undefined || cycle >= at) return Effect.void
    return Effect.suspend(() => {
      let last: number
      try {
        last = decodeEnd(end).usage.cycles
      } catch (error) {
        return Effect.fail(corruptOf(jobId, new CorruptRow(cycle, "end", "the end of a job", describeError(error))))
      }
      return last === cycle ? Effect.void : Effect.fail(corruptOf(jobId, missingRow(cycle + 1, last)))
    })
  }
}

const missingRow = (cycle: number, last: number): CorruptRow =>
  new CorruptRow(cycle, "cycle", `rows up to cycle ${last}`, `rows up to cycle ${cycle - 1}`)

const corruptOf = (jobId: string, { cycle, expected, found, part }: CorruptRow): JournalCorrupt =>
  new JournalCorrupt({ jobId, cycle, part, expected, found })

/** The hash of the context that a job began with, as its genesis text has it. The replay tells of a text that cannot be read. */
const contextHashOf = ({ text }: StoredJournal): string | undefined => {
  try {
    const genesis = parseJson(text)
    const hash = isObject(genesis) ? genesis["context"] : undefined
    return typeof hash === "string" ? hash : undefined
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
          error instanceof DumpChanged ? [error.expected, error.found] : ["a context", describeError(error)]
        return new JournalCorrupt({ jobId, cycle, part: "base", expected, found })
      }
    })
  )
}

/** A program with the rules that the journal was written with: a replay goes by them, and not by today's. */
const asWritten = ({ kinds, name, retained }: DescribedProgram["program"], header: JournalHeader): ReplayProgram => ({
  name,
  kinds,
  retained,
  triggers: new Map(header.triggers)
})
