/**
 * The implementation of `Journal`. Boundary: the store in, values out; it writes nothing.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { type Fact } from "../program/Fact.ts"
import { InvalidInput, JournalCorrupt, type ProgramChanged, type StoreError } from "../outcome/JobError.ts"
import { type JobEvent } from "../outcome/JobEvent.ts"
import { setMarks } from "./replay.ts"
import { unansweredOf } from "./unanswered.ts"
import type { JobStore, StoredJournal, StoredRow } from "../store/JobStore.ts"
import { checkCycle, replayAt } from "./migrate.ts"
import { endIn, notesIn } from "./edges.ts"
import { described } from "./header.ts"
import { type Encoded, liveFacts } from "./liveFacts.ts"
import { JournalReader } from "./reader.ts"
import type { CorruptPart, Diff, RecordedCycle, Replayed, Verified } from "./reports.ts"
import type { CommittedAnswer } from "../outcome/CommittedCycle.ts"
import { Unreadable } from "./jsonRecord.ts"
import { rowTimes, type RowTimes } from "./timeline.ts"
import { describeError } from "../values/panic.ts"
import { lastOf, partAt } from "./parts.ts"
import { readPayments } from "./payments.ts"
import { RowChain } from "./rowChain.ts"
import { refuseOther } from "./find.ts"
import { eventsOf, type LogRecord } from "../outcome/logRecords.ts"
import { refKey } from "../program/keys.ts"
import { inSlices } from "../platform/slices.ts"
import type { JobContext } from "../context/JobContext.ts"
import { lightStepSize } from "../values/steps.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { reviveCause } from "./causes.ts"

type Store = JobStore["Service"]
type ReadError = StoreError | JournalCorrupt

/** A replayed job, and the answers to its intents by their keys within the job. */
export interface ReplayedWithAnswers {
  readonly replayed: Replayed
  readonly answers: ReadonlyMap<string, CommittedAnswer>
}

/** Implements `Journal.replay`. */
export const replayed = (
  store: Store,
  jobId: string,
  program: CompiledProgram | undefined,
  at: number | undefined
): Effect.Effect<Replayed, ReadError | ProgramChanged | InvalidInput> =>
  Effect.map(replayedWithAnswers(store, jobId, program, at), (found) => found.replayed)

/** Does what `replayed` does, and gives the answers to intents, too. */
export const replayedWithAnswers = (
  store: Store,
  jobId: string,
  program: CompiledProgram | undefined,
  at: number | undefined
): Effect.Effect<ReplayedWithAnswers, ReadError | ProgramChanged | InvalidInput> =>
  Effect.gen(function* () {
    const journal = yield* store.load(jobId)
    const other = program === undefined ? undefined : refuseOther(journal, program, undefined)
    if (other !== undefined) return yield* other
    const reader = yield* replayAt(store, journal, program, at)
    const { header, input, replay } = reader
    if (journal.status === undefined && replay.cycle === journal.cycle) yield* readPayments(store, jobId, replay)
    const { cycle, ledger, marks, tier, tracker, usage } = replay
    setMarks(replay, ledger)
    const { hash, version } = ledger
    const found: Replayed = {
      jobId,
      program: journal.program,
      programVersion: header.version,
      cycle,
      tier,
      version,
      hash,
      context: ledger.seal(),
      input,
      marks: new Map(marks),
      usage,
      intents: Object.freeze([...tracker.intents]),
      unanswered: Object.freeze(unansweredOf(replay)),
      diagnostics: Object.freeze([...tracker.diagnostics])
    }
    return { replayed: found, answers: new Map(tracker.answers) }
  })

type ByRef = Map<string, Encoded>

/** The live facts of a ledger by kind and id. The ledger may go on: what is there now is kept. */
function* byRef(ledger: JobContext): Generator<void, ByRef> {
  const there: ByRef = new Map()
  let steps = 0
  for (const entry of yield* liveFacts(ledger)) {
    if (++steps % lightStepSize === 0) yield
    there.set(refKey(entry.fact), entry)
  }
  return there
}

/** The facts that were added or revised since. Takes the facts that are still there from `there`, and leaves the others. */
function* changedFrom(there: ByRef, ledger: JobContext): Generator<void, Pick<Diff, "added" | "revised">> {
  const added: Array<Fact> = []
  const revised: Array<Diff["revised"][number]> = []
  let steps = 0
  for (const { fact, text } of yield* liveFacts(ledger)) {
    if (++steps % lightStepSize === 0) yield
    const earlier = there.get(refKey(fact))
    there.delete(refKey(fact))
    if (earlier === undefined) added.push(fact)
    else if (earlier.text !== text || earlier.fact.provenance.version !== fact.provenance.version) {
      revised.push({ before: earlier.fact, after: fact })
    }
  }
  return { added, revised }
}

/** Implements `Journal.diff`. */
export const diffOf = (
  store: Store,
  jobId: string,
  from: number,
  to: number
): Effect.Effect<Diff, ReadError | InvalidInput> =>
  Effect.gen(function* () {
    const journal = yield* store.load(jobId)
    const { program } = journal
    yield* checkCycle(journal, from)
    yield* checkCycle(journal, to)
    if (from > to) return yield* new InvalidInput({ program, message: `cycle ${from} is after cycle ${to}` })
    const reader = yield* JournalReader.begun(store, journal)
    const { replay } = reader
    const placeOf = () => ({ cycle: replay.cycle, version: replay.ledger.version, hash: replay.ledger.hash })
    yield* reader.readTo(from, partAt(reader.parts, from, journal.cycle))
    const before = placeOf()
    const evaluationCount = replay.ledger.evaluationCount
    const there = yield* inSlices(byRef(replay.ledger))
    yield* reader.readTo(to, partAt(reader.parts, to, journal.cycle))
    const { added, revised } = yield* inSlices(changedFrom(there, replay.ledger))
    return {
      jobId,
      program,
      from: before,
      to: placeOf(),
      added,
      revised,
      removed: [...there.values()].map(({ fact }) => fact),
      evaluations: [...replay.ledger.evaluationsAfter(evaluationCount)]
    }
  })

/** Implements `Journal.events`. */
export const eventsIn = (
  store: Store,
  jobId: string,
  program: CompiledProgram | undefined,
  after: number
): Stream.Stream<JobEvent, ReadError> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const journal = yield* store.load(jobId)
      const records: Array<LogRecord> = []
      const read = program === undefined ? undefined : described(program)
      const reader = yield* JournalReader.begun(store, journal, read, (record) => void records.push(record))
      let seq = 0
      const take = (): Stream.Stream<JobEvent> => {
        const events: Array<JobEvent> = []
        for (const record of records.splice(0)) {
          for (const event of eventsOf(record, seq + 1)) {
            ;({ seq } = event)
            if (seq > after) events.push(event)
          }
        }
        return Stream.fromArray(events)
      }
      const rest = Stream.unwrap(
        Effect.map(lastRecords(journal, reader), (last) => {
          records.push(...last)
          return take()
        })
      )
      const rows = Stream.flatMap(reader.rows(lastOf(journal), reader.parts.length - 1), take).pipe(
        // The rows before the corrupt one in its page are good.
        Stream.catch((error) => Stream.concat(Stream.suspend(take), Stream.fail(error)))
      )
      return Stream.concat(Stream.suspend(take), Stream.concat(rows, rest))
    })
  )

/** Returns the log records after the last row. */
export const lastRecords = (
  journal: StoredJournal,
  { replay }: JournalReader
): Effect.Effect<ReadonlyArray<LogRecord>, JournalCorrupt> =>
  Effect.gen(function* () {
    const { cycle, tier } = replay
    const { hash, version } = replay.ledger
    const records = (yield* notesIn(journal)).map((tag): LogRecord => ({ _tag: tag, cycle }))
    const end = yield* endIn(journal)
    if (end === undefined) return records
    const cause = end.cause === null ? undefined : reviveCause(end.cause)
    return [...records, { _tag: "Halted", cycle, tier, status: end.status, version, hash, cause }]
  })

/** Implements `Journal.verify`. */
export const verified = (store: Store, jobId: string): Effect.Effect<Verified, StoreError> =>
  Effect.gen(function* () {
    const nothing = { jobId, program: "", status: undefined, cycles: 0, hash: "", isIntact: false }
    const loaded = yield* orCorrupt(store.load(jobId), () => 0, "job")
    if ("corrupt" in loaded) return { ...nothing, ...loaded }
    const { program, status } = loaded.value
    const begun = yield* orCorrupt(JournalReader.begun(store, loaded.value), () => 0, "base")
    if ("corrupt" in begun) return { ...nothing, program, status, ...begun }
    const { replay } = begun.value
    const rows = yield* orCorrupt(allRows(begun.value), () => replay.cycle + 1, "row")
    const read = "corrupt" in rows ? rows : yield* orCorrupt(edgesOf(loaded.value), () => replay.cycle, "end")
    const reached = { jobId, program, status, cycles: replay.cycle, hash: replay.ledger.hash }
    return "corrupt" in read ? { ...reached, isIntact: false, ...read } : { ...reached, isIntact: true }
  })

const allRows = (reader: JournalReader): Effect.Effect<void, ReadError> =>
  reader.readTo(lastOf(reader.journal), reader.parts.length - 1)

const edgesOf = (journal: StoredJournal): Effect.Effect<unknown, JournalCorrupt> =>
  Effect.andThen(notesIn(journal), endIn(journal))

/** Turns corruption into a value, whether the journal or the store reports it. Other errors of the store stay errors. */
const orCorrupt = <A>(
  effect: Effect.Effect<A, ReadError>,
  cycle: () => number,
  part: string
): Effect.Effect<{ readonly value: A } | { readonly corrupt: CorruptPart }, StoreError> =>
  Effect.matchEffect(effect, {
    onSuccess: (value) => Effect.succeed({ value }),
    onFailure: (error) => {
      if (error._tag === "JournalCorrupt") {
        const { cycle, expected, found, part } = error
        return Effect.succeed({ corrupt: { cycle, part, expected, found } })
      }
      return error.reason === "corrupt"
        ? Effect.succeed({ corrupt: { cycle: cycle(), part, expected: "what was written", found: error.message } })
        : Effect.fail(error)
    }
  })

/** Implements `Journal.timeline`. */
export const timelineIn = (
  store: Store,
  jobId: string,
  after: number,
  until = Infinity
): Stream.Stream<RecordedCycle, ReadError> =>
  Stream.unwrap(
    Effect.map(store.load(jobId), (journal) =>
      Stream.map(rowTimesIn(store, journal, after, until), ({ recorded }) => recorded)
    )
  )

/** The rows after a cycle, up to another, as a picture of time needs them. Their hashes are checked. */
export const rowTimesIn = (
  store: Store,
  journal: StoredJournal,
  after: number,
  until = Infinity
): Stream.Stream<RowTimes, ReadError> =>
  Stream.suspend(() => {
    const chain = new RowChain(journal, after)
    // The row before the first one has the hash on which that stands.
    const rows = store.rows(journal.jobId, Math.max(0, after - 1), until === Infinity ? undefined : until)
    const shown = Stream.mapEffect(rows, (row) => chain.check(row)).pipe(
      Stream.filter(({ cycle }) => cycle > after),
      Stream.mapEffect((row) => timesOfRow(journal.jobId, row))
    )
    const checkEnd = Effect.suspend(() => chain.checkEnd(until))
    return Stream.concat(shown, Stream.fromEffectDrain(checkEnd))
  })

const timesOfRow = (jobId: string, { cycle, extra, text }: StoredRow): Effect.Effect<RowTimes, JournalCorrupt> =>
  Effect.flatMap(inSlices(orUnreadable(rowTimes(cycle, text, extra))), (read) =>
    read instanceof Unread
      ? Effect.fail(
          new JournalCorrupt({ jobId, cycle, part: read.part, expected: "a row that can be read", found: read.found })
        )
      : Effect.succeed(read)
  )

/** A row that could not be read: the part of it, and the error in words. */
class Unread {
  readonly part: string
  readonly found: string
  constructor(error: unknown) {
    this.part = error instanceof Unreadable ? error.part : "row"
    this.found = describeError(error)
  }
}

/** Runs steps, and returns what they throw. */
function* orUnreadable<A>(steps: Generator<void, A>): Generator<void, A | Unread> {
  try {
    return yield* steps
  } catch (error) {
    return new Unread(error)
  }
}
