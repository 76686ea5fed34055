/**
 * Reads a journal from the store and replays it, for jobs that continue and for `Journal`.
 *
 * A journal is replayed by the rules in its header, which are those of the program that wrote it. If several versions of a
 * program continued a job, its journal has several parts, each with its own header. If the kinds of two parts differ, the later
 * part stands on a migrated context. Otherwise it stands on the last context of the earlier part.
 *
 * Invariant: a journal is opened once. The reader has its header, its parts, and the kinds of each part that the program
 * declares differently; migration, event log and views take them from the reader. Boundary: the store in, a replay out; it
 * writes nothing. migrate.ts has the migrations.
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
import { DumpChanged, restoreContext } from "./contextDump.ts"
import { decodeEnd } from "./edges.ts"
import type { DescribedProgram } from "./header.ts"
import { type JournalPart, type JournalParts, partsOf, readHeader } from "./parts.ts"
import { rawKind, rawProgram } from "./rawKind.ts"
import type { JournalHeader } from "./records.ts"
import { CorruptRow, Replay, type ReplayProgram } from "./replay.ts"

type Store = JobStore["Service"]
type ReadError = StoreError | JournalCorrupt

/** Is called with each record of the event log, in order. */
export type LogListener = (record: LogRecord) => void

const noLog: LogListener = () => {}

/** Runs steps, and returns a `CorruptRow` where they throw one. */
function* settled<A>(steps: Generator<void, A>): Generator<void, A | CorruptRow> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof CorruptRow) return error
    throw error
  }
}

/** An open journal. Its header has been read, and its rows are replayed one by one. */
export class JournalReader {
  readonly store: Store
  journal: StoredJournal
  readonly parts: JournalParts
  readonly replay: Replay
  /** The input, as the program encoded it. Undefined until `begin`. */
  input: unknown
  /** The current part of the replay, and its number. */
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
   * Opens a journal and reads its header, without a replay. If the program `read` has the kinds of a part, it decodes the part's
   * facts. The facts of all other parts are JSON.
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

  /** The current part of the replay. */
  get part(): JournalPart {
    return this.#part
  }

  /** The header of the current part. */
  get header(): JournalHeader {
    return this.#part.header
  }

  /** Takes the journal as it is now, with more rows or an end. It has the header that was read. */
  goOnWith(journal: StoredJournal): void {
    this.journal = journal
  }

  /** Replays the beginning, cycle 0. It is called once, before rows are read. */
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

  /** Runs steps in slices. Fails with `JournalCorrupt` for a corrupt row. */
  steps<A>(generator: Generator<void, A>): Effect.Effect<A, JournalCorrupt> {
    return Effect.flatMap(inSlices(settled(generator)), (value) =>
      value instanceof CorruptRow ? Effect.fail(corruptOf(this.journal.jobId, value)) : Effect.succeed(value)
    )
  }

  /**
   * Replays the rows up to cycle `at`, or to the last, page by page. The stream gives an element for each page. The replay ends
   * in the part with the number `part`. It fails at the first corrupt row.
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

  /** Does the same as `rows`, and completes after the last page. */
  readTo(at: number, part: number): Effect.Effect<void, ReadError> {
    return Stream.runDrain(this.rows(at, part))
  }

  /** Replays all rows of all parts. */
  get readAll(): Effect.Effect<void, ReadError> {
    return this.readTo(Infinity, this.parts.length - 1)
  }

  *#next(page: ReadonlyArray<StoredRow>): Generator<void, void> {
    for (const row of page) yield* this.replay.next(row)
  }

  /** Returns the program for the replay of a part, with the rules of the time when the part was written. */
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
      const migrated = part.isMigrated
        ? yield* readBase(store, journal.jobId, part.after + 1, replay.ledger.hash, program)
        : undefined
      this.#part = part
      this.#number = number
      const ledger = Ledger.make(program.name, program.triggers, migrated ?? replay.ledger.seal())
      replay.continueOn(program, ledger, migrated)
    })
  }

  /** Checks the number of rows against the end, if the journal has one. */
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

/** Returns the hash of the job's first context from the genesis text. If the text cannot be read, the replay reports it. */
const contextHashOf = ({ text }: StoredJournal): string | undefined => {
  // Its keys are in canonical order, so that a long text need not be parsed for the first one.
  return /^\{"context":"([^"\\]*)"/.exec(text)?.[1]
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
  const corrupt = (error: unknown): JournalCorrupt => {
    const [expected, found] =
      error instanceof DumpChanged ? [error.expected, error.found] : ["a context", describeError(error)]
    return new JournalCorrupt({ jobId, cycle, part: "base", expected, found })
  }
  return Effect.flatMap(Stream.runCollect(store.base(jobId, cycle)), (pieces) =>
    Effect.flatMap(inSlices(restored(restoreContext(pieces, hash, kindOf))), (result) =>
      "error" in result ? Effect.fail(corrupt(result.error)) : Effect.succeed(result.context)
    )
  )
}

/** Runs the steps that restore a context, and returns what they throw. */
function* restored(
  steps: Generator<void, JobContext>
): Generator<void, { readonly context: JobContext } | { readonly error: unknown }> {
  try {
    return { context: yield* steps }
  } catch (error) {
    return { error }
  }
}

/** Gives a program the triggers of the time when the journal was written, because a replay must not use today's. */
const asWritten = ({ kinds, name, retained }: DescribedProgram["program"], header: JournalHeader): ReplayProgram => ({
  name,
  kinds,
  retained,
  triggers: new Map(header.triggers),
  keepsNeeded: header.keepsNeeded ?? false
})
