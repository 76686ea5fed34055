/**
 * Records a stored job: reads its journal, and makes the one value that the console needs to show the job without a server.
 *
 * Invariants: nothing is written, and no agent runs; the record is bounded (Limits.ts, G14), and says what it leaves out; a
 * journal that is corrupt is recorded up to the corrupt part; all parts are of one moment, that at which the head of the journal
 * was read. Boundary: the store in, a value out.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { storedChildIds } from "../job/childIds.ts"
import { approvalsIn } from "../journal/approvals.ts"
import { reviveCause } from "../journal/causes.ts"
import { endIn, notesIn } from "../journal/edges.ts"
import { budgetOfHeader } from "../journal/header.ts"
import * as Journal from "../journal/Journal.ts"
import { lastOf } from "../journal/parts.ts"
import { JournalReader } from "../journal/reader.ts"
import { unansweredOf } from "../journal/unanswered.ts"
import { Limits } from "../Limits.ts"
import { Examination } from "../outcome/diagnosis.ts"
import { fromCause } from "../outcome/fromCause.ts"
import type { JournalCorrupt, StoreError } from "../outcome/JobError.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import type { CommittedIntent, JobResult } from "../outcome/JobResult.ts"
import { errorToJson, factJson } from "../outcome/resultJson.ts"
import { packageVersion } from "../platform/packageVersion.ts"
import { breathe, inSlices } from "../platform/slices.ts"
import type { Fact } from "../program/Fact.ts"
import { JobStore, type StoredJournal } from "../store/JobStore.ts"
import { lastedMs } from "../store/lasted.ts"
import { parseJson } from "../values/parseJson.ts"
import { lightStepSize } from "../values/steps.ts"
import { factsOf } from "./eventText.ts"
import { diagnosisJson, withChild } from "./examinations.ts"
import { cycleJson, inputIn, limitsOf, originIn } from "./insightRoutes.ts"
import type { JobRecord, LeftOut, Present, RecordedFact, RecordedPast, RecordedPoint } from "./jobRecord.ts"
import { jobJson, mostUsed, storedSummary } from "./jobView.ts"
import { storyTeller } from "./intentStories.ts"
import { errorJson, plain, plainText, resultJson } from "./json.ts"
import { liveStates } from "./liveStates.ts"
import { cutStory, shortened } from "./previews.ts"
import { workIn } from "./works.ts"

type Store = JobStore["Service"]
type ReadError = StoreError | JournalCorrupt
type JobContext = Journal.Replayed["context"]

/** The bounds of a record, as `Limits` has them. */
export interface RecordBounds {
  readonly facts: number
  readonly length: number
  readonly valueLength: number
  readonly events: number
  readonly cycles: number
}

const bounds: RecordBounds = {
  facts: Limits.recordedFacts,
  length: Limits.recordedLength,
  valueLength: Limits.recordedValueLength,
  events: Limits.recordedEvents,
  cycles: Limits.recordedCycles
}

/** The room that a record has left, and what it had to leave out. */
interface Room {
  readonly bounds: RecordBounds
  facts: number
  length: number
  left: { -readonly [Part in keyof LeftOut]: number }
}

/** The result of reading: all of it, or what came before the corrupt part. */
const upToDamage = <A>(read: Effect.Effect<A, ReadError>): Effect.Effect<string | null, StoreError> =>
  Effect.matchEffect(read, {
    onSuccess: () => Effect.succeed(null),
    onFailure: (error) => (error._tag === "JournalCorrupt" ? Effect.succeed(error.message) : Effect.fail(error))
  })

/* ---------------------------------------------------------------- facts */

/** A point while the journal is read, with the intents themselves. */
interface OpenPoint extends Omit<RecordedPoint, "unanswered"> {
  readonly unanswered: ReadonlyArray<CommittedIntent>
}

/** A past while the journal is read: the context changes, and the points grow. */
interface OpenPast {
  context: JobContext
  readonly points: Array<OpenPoint>
}

/** The job as the reader has replayed it. */
const pointOf = ({ replay }: JournalReader): OpenPoint => {
  const { cycle, tier, usage } = replay
  const { hash, prunedCount, version } = replay.ledger
  const unanswered = unansweredOf(replay).slice(0, Limits.serverPage)
  return { cycle, tier, usage, version, hash, pruned: prunedCount, unanswered }
}

/** A part of a job whose long texts and long lists are cut. */
const cutPart = (value: unknown): unknown => shortened(plain(value), Limits.briefTextLength, Limits.briefParts)

/** A payload or an error as a record has it: a long one is cut. */
const partJson = (value: unknown, room: Room): Schema.Json => {
  const { length } = plainText(value)
  const isLong = length > Limits.recordedPartLength
  const json = plain(isLong ? cutPart(value) : value)
  const taken = isLong ? plainText(json).length : length
  if (isLong) room.left.values++
  if (taken > room.length) return tooLong("a part", length)
  room.length -= taken
  return json
}

/** The points of a past. Intents that had no answer stand at the first of the points that have the same ones. */
const pointsOf = (points: ReadonlyArray<OpenPoint>, room: Room): ReadonlyArray<RecordedPoint> => {
  const payloads = new Map<unknown, Schema.Json>()
  const payloadOf = ({ payload }: CommittedIntent): Schema.Json => {
    const known = payloads.get(payload)
    if (known !== undefined) return known
    const json = partJson(payload, room)
    payloads.set(payload, json)
    return json
  }
  let before: ReadonlyArray<CommittedIntent> = []
  return points.map(({ unanswered, ...point }) => {
    const isSame =
      unanswered.length === before.length &&
      unanswered.every(({ idempotencyKey }, place) => idempotencyKey === before[place]?.idempotencyKey)
    before = unanswered
    if (unanswered.length === 0) return point
    if (isSame) return { ...point, unanswered: "before" }
    // A payload that is told again takes its room again.
    const told = unanswered.map((intent) => ({ ...intent, payload: payloadOf(intent) }))
    const { length } = plainText(told)
    if (length > room.length) {
      room.left.values++
      before = []
      return point
    }
    room.length -= length
    return { ...point, unanswered: told }
  })
}

/** Replays a journal, and notes each cycle. The reader stands at the last cycle that is intact. */
const replayed = Effect.fnUntraced(function* (store: Store, journal: StoredJournal, most: number) {
  const pasts: Array<OpenPast> = []
  let part: JournalReader["part"] | undefined
  const note = (reader: JournalReader): void => {
    const { ledger } = reader.replay
    const isNew = part !== reader.part && (part === undefined || reader.part.isMigrated)
    ;({ part } = reader)
    const past = pasts.at(-1)
    if (past === undefined || isNew) pasts.push({ context: ledger, points: [pointOf(reader)] })
    else {
      past.context = ledger
      past.points.push(pointOf(reader))
      if (past.points.length > 2 * most) past.points.splice(0, most)
    }
  }
  const reader = yield* JournalReader.open(store, journal)
  const read = Effect.andThen(
    reader.begin(({ _tag }) => {
      if (_tag === "Started" || _tag === "Committed") note(reader)
    }),
    reader.readTo(lastOf(journal), reader.parts.length - 1)
  )
  const corrupt = yield* upToDamage(read)
  // A migration after the last cycle, or a beginning that is corrupt, has no record of its own.
  if (part !== reader.part) note(reader)
  return { reader, pasts, corrupt }
})

const tooLong = (what: string, length: number): string => `(left out of the record: ${what} of ${length} characters)`

/** Finds the place of a trace. The facts of a task share one. */
const tracing = (room: Room) => {
  const traces: Array<unknown> = []
  const places = new Map<unknown, number>()
  const placeOf = (trace: unknown): number => {
    const known = places.get(trace)
    if (known !== undefined) return known
    const text = plainText(trace)
    const isShort = text.length <= room.bounds.valueLength && text.length <= room.length
    if (isShort) room.length -= text.length
    else room.left.values++
    traces.push(isShort ? parseJson(text) : tooLong("a trace", text.length))
    places.set(trace, traces.length - 1)
    return traces.length - 1
  }
  return { traces, placeOf }
}

/** Records a past: the newest facts for which there is room. */
function* pastOf({ context, points }: OpenPast, room: Room, last: number): Generator<void, RecordedPast> {
  const { placeOf, traces } = tracing(room)
  const history = [...context.history()]
  const facts: Array<RecordedFact> = []
  let steps = 0
  for (const { fact, text } of history.toReversed()) {
    if (++steps % lightStepSize === 0) yield
    const isLong = text.length > room.bounds.valueLength
    const length = isLong ? 0 : text.length
    if (room.facts === 0 || length > room.length) break
    room.facts--
    room.length -= length
    if (isLong) room.left.values++
    const json = factJson(isLong ? { fact, text: JSON.stringify(tooLong("a value", text.length)) } : { fact, text })
    const trace = context.traceOf(fact)
    facts.push(trace === undefined ? json : { ...json, trace: placeOf(trace) })
  }
  room.left.facts += history.length - facts.length
  if (facts.length < history.length) room.facts = 0
  return {
    points: pointsOf(
      points.filter(({ cycle }) => cycle > last - room.bounds.cycles),
      room
    ),
    facts: facts.reverse(),
    pruned: [...context.pruningsAfter(0)].map(({ entry }) => entry.position),
    traces,
    triggers: context.knownStories().map(({ triggers, version }) => ({ version, kinds: Object.fromEntries(triggers) }))
  }
}

/* ---------------------------------------------------------------- events and times */

/**
 * An event as JSON text. A fact that the record has is told by its version; otherwise a value that is too long becomes a text
 * in its place, which was counted where the facts are recorded. Payloads and errors that are long are cut.
 */
const recordedText = (event: JobEvent, most: number, recorded: ReadonlySet<number>): string => {
  const referred = (fact: Fact): unknown => {
    const { version } = fact.provenance
    if (recorded.has(version)) return version
    const { length } = plainText(fact.value)
    return length <= most ? fact : { ...fact, value: tooLong("a value", length) }
  }
  const facts = factsOf(event).map(referred)
  const name = event._tag === "JobStarted" ? "seeds" : "facts"
  const fields = Object.entries({ ...event, ...(name in event ? { [name]: facts } : {}) })
  const text = (field: unknown): string => {
    if (field === facts) return `[${facts.map(plainText).join(",")}]`
    const whole = plainText(field)
    return whole.length <= Limits.recordedPartLength ? whole : plainText(cutPart(field))
  }
  return `{${fields.flatMap(([key, field]) => (field === undefined ? [] : [`${JSON.stringify(key)}:${text(field)}`])).join(",")}}`
}

/** Reads the events once: the newest are kept, and all of them are examined. `recorded`: versions of facts of the record. */
const eventsOf = Effect.fnUntraced(function* (store: Store, jobId: string, room: Room, recorded: ReadonlySet<number>) {
  const examination = new Examination()
  const most = room.bounds.events
  const kept: Array<JobEvent> = []
  let count = 0
  const read = Effect.flatMap(
    Journal.events(jobId),
    Stream.runForEach((event) => {
      examination.add(event)
      kept.push(event)
      if (kept.length > 2 * most) kept.splice(0, most)
      return ++count % 64 === 0 ? breathe : Effect.void
    })
  )
  const corrupt = yield* upToDamage(Effect.provideService(read, JobStore, store))
  const newest: Array<unknown> = []
  for (const event of kept.slice(-most).toReversed()) {
    const text = recordedText(event, room.bounds.valueLength, recorded)
    if (text.length > room.length) break
    room.length -= text.length
    newest.push(parseJson(text))
  }
  room.left.events = count - newest.length
  return { diagnosis: diagnosisJson(examination.result), events: newest.reverse(), corrupt }
})

const timelineOf = Effect.fnUntraced(function* (store: Store, { cycle, jobId }: StoredJournal, room: Room) {
  const after = Math.max(0, cycle - room.bounds.cycles)
  room.left.cycles = after
  const cycles: Array<Journal.RecordedCycle> = []
  const read = Effect.flatMap(
    Journal.timeline(jobId, { after, until: cycle }),
    Stream.runForEach((recorded) => Effect.sync(() => void cycles.push(recorded)))
  )
  yield* upToDamage(Effect.provideService(read, JobStore, store))
  return cycles.map(cycleJson)
})

/** The versions by which events can name the facts of a record: a later past has facts of its own with the same versions. */
const versionsOf = ([past, ...others]: ReadonlyArray<RecordedPast>): ReadonlySet<number> =>
  new Set(others.length > 0 ? [] : past?.facts.map(({ provenance }) => provenance.version))

/** Where the time went. A journal that is corrupt says nothing of that. */
const workOf = (store: Store, journal: StoredJournal) =>
  Effect.map(
    Effect.catchTag(workIn(store, journal), "JournalCorrupt", () => Effect.succeed(undefined)),
    (work) => (work === undefined ? {} : { work })
  )

/* ---------------------------------------------------------------- the job */

type Result = JobRecord["job"]["result"]

/** A value of the job, or the text in its place if it is too long. */
const shortJson = <A>(what: string, value: A, room: Room): A | string => {
  const { length } = plainText(value)
  if (length <= room.bounds.valueLength) return value
  room.left.values++
  return tooLong(what, length)
}

/** The result of a job that has ended, as it was; null of an unfinished one. */
const resultOf = Effect.fnUntraced(function* (journal: StoredJournal, { replay }: JournalReader, room: Room) {
  const end = yield* Effect.orElseSucceed(endIn(journal), () => undefined)
  if (end === undefined) return { result: null, usage: replay.usage }
  const { ledger, tracker } = replay
  const { jobId, program } = journal
  // The last turn of a job that converged finds nothing to do: it is counted, and writes no row.
  const cycles = end.usage.cycles + (end.status === "converged" ? 1 : 0)
  const result: JobResult = {
    jobId,
    program,
    status: end.status,
    cycles,
    version: ledger.version,
    hash: ledger.hash,
    usage: { ...end.usage, cycles },
    context: ledger,
    output: shortJson("the output", end.output, room),
    intents: tracker.intents.map((intent) => ({ ...intent, payload: partJson(intent.payload, room) })),
    diagnostics: tracker.diagnostics
  }
  const json: Result =
    end.cause === null
      ? resultJson(result, "counts", room.bounds.events)
      : resultJson(
          fromCause(reviveCause(end.cause), jobId, { ...result, output: undefined }),
          "counts",
          room.bounds.events
        )
  const { error } = json
  const told = error === null ? json : { ...json, error: errorJson(partJson(error, room)) }
  return { result: told, usage: { ...end.usage, cycles } }
})

const diagnosticsJson = ({ replay }: JournalReader, room: Room): JobRecord["diagnostics"] =>
  replay.tracker.diagnostics.slice(-room.bounds.events).map(({ cause, each, ...where }) => ({
    ...where,
    each: each ?? null,
    cause: errorJson(partJson(errorToJson(cause), room))
  }))

const approvalsOf = (store: Store, journal: StoredJournal, room: Room) =>
  journal.status !== undefined
    ? Effect.succeed([])
    : approvalsIn(store, journal).pipe(
        Effect.map((open) =>
          open.map(({ at, data, id, question, timeoutMs }) => ({
            jobId: journal.jobId,
            program: journal.program,
            id,
            question: question ?? null,
            data: partJson(data, room),
            since: at,
            timeoutMs: timeoutMs ?? null
          }))
        ),
        Effect.catchTag("JournalCorrupt", () => Effect.succeed([]))
      )

/** The newest children of a job. A server of an earlier version does not know which jobs these are, and lists others. */
const childrenOf = (store: Store, jobId: string) =>
  Effect.map(store.list({ parent: jobId, limit: Limits.storeListJobs }), ({ cursor, jobs }) => ({
    children: jobs.filter(({ parent }) => parent === jobId).map(storedSummary),
    hasMoreChildren: cursor !== undefined && jobs.at(-1)?.parent === jobId
  }))

/** The stories of the intents, up to the first for which there is no room. */
const intentsOf = (
  { journal: { cycle, jobId, status }, replay, header }: JournalReader,
  room: Room
): JobRecord["intents"] => {
  const { ledger, tracker } = replay
  const tell = storyTeller({
    intents: { committed: tracker.intents, answers: tracker.answers, unanswered: unansweredOf(replay) },
    context: ledger,
    version: ledger.version,
    hasEnded: status !== undefined && replay.cycle === cycle,
    missing: undefined,
    childId: storedChildIds(jobId, header)
  })
  const stories: Array<JobRecord["intents"]["stories"][number]> = []
  for (const intent of tracker.intents.slice(0, room.bounds.events)) {
    const story = cutStory(tell(intent), Math.min(room.bounds.valueLength, Limits.recordedStoryLength))
    const { length } = JSON.stringify(story)
    if (length > room.length) break
    room.length -= length
    stories.push(story)
  }
  return { count: tracker.intents.length, stories }
}

/* ---------------------------------------------------------------- the moment */

/** The job at the moment of its record, as far as that is not in its rows. */
interface Moment {
  /** Nothing of a job that has ended, or that nobody runs: the store has its state. */
  readonly standing: Partial<Pick<Present["job"], "state" | "phase">>
  readonly usage?: Present["job"]["usage"]
  readonly tasks?: Present["tasks"]
  readonly work?: Present["work"]
}

/** The tasks of the cycle under way. Those of a cycle that the record has have ended; those that find no room are not named. */
const tasksAfter = (cycle: number, tasks: Present["tasks"], room: Room): Present["tasks"] => {
  const { length } = plainText(tasks)
  if (tasks.cycle <= cycle) return { ...tasks, tasks: 0, running: [], waiting: [], waits: 0 }
  if (length > room.length) return { ...tasks, running: [], waiting: [] }
  room.length -= length
  return tasks
}

/** The state of a job that a process holds, by the last note in its journal. */
const heldState = (journal: StoredJournal): Effect.Effect<"running" | "paused" | "awaiting"> =>
  notesIn(journal).pipe(
    Effect.map((notes) => {
      const last = notes.at(-1)
      return last === "Paused" ? "paused" : last === "Awaiting" ? "awaiting" : "running"
    }),
    Effect.orElseSucceed(() => "running" as const)
  )

const isLive = ({ state }: Present["job"]): boolean => liveStates.some((live) => live === state)

/** Finds what the job does at this moment: as the server said, or else as the store knows. */
const momentOf = Effect.fnUntraced(function* (journal: StoredJournal, present: Present | undefined, room: Room) {
  const ended: Moment = { standing: {} }
  if (journal.status !== undefined) return ended
  if (present === undefined || !isLive(present.job)) {
    const known: Moment = journal.isHeld ? { standing: { state: yield* heldState(journal) } } : ended
    return known
  }
  const { job, tasks, work } = present
  const moment: Moment = {
    standing: { state: job.state, phase: job.phase },
    tasks: tasksAfter(journal.cycle, tasks, room),
    // A page that asks no server has none that measured.
    ...(work.cycle === journal.cycle ? { work: { ...work, measuredMs: null } } : {}),
    ...(job.cycle === journal.cycle ? { usage: job.usage } : {})
  }
  return moment
})

/** Options of `recordJob`. */
export interface RecordOptions {
  /** The programs among which is that of the job, whose graph the record then shows. Default: none. */
  readonly programs?: JobRecord["programs"] | undefined
  /** The job as the server that holds it told it just before. Default: what the store knows. */
  readonly present?: Present | undefined
  /** Other bounds than those of `Limits`. */
  readonly bounds?: Partial<RecordBounds> | undefined
}

/**
 * Records a stored job. Fails with `StoreError`, and with `JournalCorrupt` if not even the beginning of the journal can be read.
 */
export const recordJob = Effect.fn("recordJob")(function* (
  jobId: string,
  { programs = [], present, bounds: own }: RecordOptions = {}
): Effect.fn.Return<JobRecord, ReadError, JobStore> {
  const given = yield* JobStore
  const recordedAt = yield* Clock.currentTimeMillis
  const journal = yield* given.load(jobId)
  // The job may go on meanwhile: whatever is read of it ends where this head of its journal does.
  const store: Store = { ...given, load: (id) => (id === jobId ? Effect.succeed(journal) : given.load(id)) }
  const most = { ...bounds, ...own }
  const room: Room = {
    bounds: most,
    facts: most.facts,
    length: most.length,
    left: { facts: 0, values: 0, events: 0, cycles: 0 }
  }
  const now = yield* momentOf(journal, present, room)
  const { corrupt, pasts, reader } = yield* replayed(store, journal, most.cycles)
  const recorded: Array<RecordedPast> = []
  // The newest facts have the first claim on the room.
  for (const past of pasts.toReversed()) recorded.unshift(yield* inSlices(pastOf(past, room, journal.cycle)))
  const { diagnosis, events, corrupt: damaged } = yield* eventsOf(store, jobId, room, versionsOf(recorded))
  const timeline = yield* timelineOf(store, journal, room)
  const { result, usage: counted } = yield* resultOf(journal, reader, room)
  const usage = now.usage ?? counted
  const { cycle, ledger, tier } = reader.replay
  const job = { ...(yield* jobJson({ journal })), ...now.standing }
  const { phase: _phase, result: _result, tier: _tier, usage: _usage, version: _version, ...inList } = job
  const { error } = journal
  const budget = budgetOfHeader(reader.header)
  return {
    format: 1,
    recordedBy: packageVersion,
    recordedAt,
    corrupt: corrupt ?? damaged,
    leftOut: room.left,
    job: { ...job, cycle, tier, version: ledger.version, usage, result },
    summary: {
      ...inList,
      durationMs: lastedMs(journal) ?? null,
      error: error ?? null,
      // A limit counts committed cycles: the last turn, which found nothing to do, used none of it.
      budget: mostUsed({ budget }, { ...usage, cycles: journal.cycle })
    },
    diagnostics: diagnosticsJson(reader, room),
    input: {
      input: shortJson("the input", inputIn(journal.text), room),
      budget: limitsOf(budget),
      ...originIn(reader.header)
    },
    diagnosis: withChild(diagnosis, storedChildIds(jobId, reader.header)),
    kinds: ledger.counts(),
    timeline,
    ...(now.work === undefined ? yield* workOf(store, journal) : { work: now.work }),
    ...(now.tasks === undefined ? {} : { tasks: now.tasks }),
    events,
    approvals: yield* approvalsOf(store, journal, room),
    ...(yield* childrenOf(store, jobId)),
    intents: intentsOf(reader, room),
    programs: programs.filter(({ name }) => name === journal.program),
    pasts: recorded
  }
})
