/**
 * The diagnoses of jobs, from their events.
 *
 * A job that is held here is examined once: each question reads only the events that are new since the last one. An ended job
 * that was taken up from its journal is examined while its log is there, so its journal is not read a second time. Of other jobs
 * the answers are kept, because a page asks again and again.
 *
 * Invariants: `Limits` bounds the answers that are kept (G14); an answer is of the state of a journal, which names it; callers
 * that ask for one journal at once share one reading. Boundary: from events to the shapes of the API.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Schema from "effect/Schema"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { JobView } from "../job/view.ts"
import { Limits } from "../Limits.ts"
import { type Diagnosis, Examination, type RepeatedFailure } from "../outcome/diagnosis.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { inSlices } from "../platform/slices.ts"
import { SingleFlight } from "../platform/singleFlight.ts"
import type { JobStore, StoredJournal } from "../store/JobStore.ts"
import { childKind } from "../program/answerKinds.ts"
import { stepSize } from "../values/steps.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"
import { eventsAfter, type SourceEvent } from "./eventSource.ts"
import { ofStart, unknownCycle } from "./failures.ts"
import type * as Shapes from "./insightShapes.ts"
import { plain, plainText, shownError } from "./json.ts"
import * as Problems from "./problems.ts"

type DiagnosisJson = typeof Shapes.Diagnosis.Type

/* ---------------------------------------------------------------- as JSON */

const failureJson = ({ each, message, ...rest }: RepeatedFailure): typeof Shapes.RepeatedFailure.Type => ({
  ...rest,
  message: message.slice(0, Limits.diagnosedTextLength),
  each: each ?? null
})

/** The beginnings of long values that were shown. A committed value never changes, and a page asks once a second. */
const beginnings = new WeakMap<object, string>()

/** A value of a changing fact. There are many of them on a page, so a long one becomes the beginning of its text. */
const briefly = (value: unknown): Schema.Json => {
  const most = Limits.diagnosedTextLength
  // The text of a string is longer than the string.
  if (typeof value === "string" && value.length >= most) return `${plainText(value.slice(0, most)).slice(0, most)}…`
  const isThing = typeof value === "object" && value !== null
  const known = isThing ? beginnings.get(value) : undefined
  if (known !== undefined) return known
  const text = plainText(value)
  if (text.length <= most) return plain(value)
  const beginning = `${text.slice(0, most)}…`
  if (isThing) beginnings.set(value, beginning)
  return beginning
}

/** A diagnosis as the API shows it. */
export const diagnosisJson = (found: Diagnosis): typeof Shapes.Diagnosis.Type => ({
  ...found,
  headline: found.headline.slice(0, Limits.diagnosedTextLength),
  status: found.status ?? null,
  error: found.error === undefined ? null : shownError(found.error, 0),
  stack: null,
  failure: found.failure === undefined ? null : failureJson(found.failure),
  failures: found.failures.map(failureJson),
  changing: found.changing.map((fact) => ({
    ...fact,
    values: fact.values.map(({ agent, cycle, value }) => ({ agent, cycle, value: briefly(value) }))
  })),
  decisions: found.decisions.map(({ question, ...decision }) => ({ ...decision, question: question ?? null }))
})

/** A diagnosis with the id of the child job whose failure ended the job. `childId`: the ids of children by their keys. */
export const withChild = (shown: DiagnosisJson, childId: (key: string) => string): DiagnosisJson => {
  const { error } = shown
  const isOfChild = error?._tag === "IntentFailed" && error["kind"] === childKind
  return isOfChild && typeof error["key"] === "string" ? { ...shown, child: childId(error["key"]) } : shown
}

/* ---------------------------------------------------------------- examinations */

/** An examination, and the number of the last event that it has read. */
interface Open {
  readonly examination: Examination
  seq: number
  /** Two questions at once would read the same events: one reads at a time, and the other reads on from there. */
  readonly turn: Semaphore.Semaphore
}

const openAt = (seq: number): Open => ({ examination: new Examination(), seq, turn: Semaphore.makeUnsafe(1) })

/** Adds events in slices. A question that is given up ends after them: half of an event would count twice. */
const add = (open: Open, events: ReadonlyArray<JobEvent>): Effect.Effect<void> =>
  Effect.uninterruptible(inSlices(added(open, events)))

function* added(open: Open, events: ReadonlyArray<JobEvent>): Generator<void, void> {
  let count = 0
  for (const event of events) {
    if (event.seq <= open.seq) continue
    yield* open.examination.adding(event)
    open.seq = event.seq
    if (++count % stepSize === 0) yield
  }
}

type ReadProblem = ReturnType<typeof ofStart>

export class Examinations {
  readonly #store: JobStore["Service"]
  readonly #held = new WeakMap<JobView, Open>()
  /** The answers of jobs that are not held here, by the state of the journal; the least recently used first. */
  readonly #stored = new Map<string, DiagnosisJson>()
  readonly #underWay = new SingleFlight<DiagnosisJson, ReadProblem>()

  constructor(store: JobStore["Service"]) {
    this.#store = store
  }

  /** Examines an ended job whose log is still there. A log that has dropped events is left to the journal. */
  begin(view: JobView): Effect.Effect<void> {
    if (view.log.oldest > 1 || this.#held.has(view)) return Effect.void
    const open = openAt(0)
    return Effect.andThen(
      Stream.runForEachArray(view.log.stream, (events) => add(open, events)),
      Effect.sync(() => void this.#held.set(view, open))
    )
  }

  /** The diagnosis of a job that is held here. */
  ofHeld(known: KnownJob): Effect.Effect<DiagnosisJson, ReadProblem> {
    return Effect.suspend(() => {
      const { log } = known.view
      const { newest } = log
      // A log may have let go of its oldest events. A journal has all of them.
      const oldest = this.#store.isDurable ? 0 : log.oldest - 1
      const open = this.#held.get(known.view) ?? openAt(Math.max(oldest, newest - Limits.diagnosedEvents))
      this.#held.set(known.view, open)
      return this.#read(known, open, newest, known.job.id)
    })
  }

  /** The diagnosis of a job that is only in the store. */
  ofStored(stored: Stored): Effect.Effect<DiagnosisJson, ReadProblem> {
    return Effect.suspend(() => {
      const { jobId } = stored.journal
      const name = nameOf(stored.journal)
      const present = this.#stored.get(name)
      const told = (diagnosis: DiagnosisJson): DiagnosisJson => withoutEngine(diagnosis, stored.journal)
      if (present !== undefined) {
        this.#keep(name, present)
        return Effect.succeed(told(present))
      }
      const read = Effect.tap(this.#read(stored, openAt(0), Infinity, jobId), (diagnosis) =>
        Effect.sync(() => this.#keep(name, diagnosis))
      )
      const shared = this.#underWay.run(name, read, () =>
        Exit.fail(
          new Problems.Unavailable({ reason: "store", jobId, detail: "the reading of the journal was given up" })
        )
      )
      return Effect.map(shared, told)
    })
  }

  /** The diagnosis of a job as it was after a cycle, from all its events up to there. */
  upTo(found: KnownJob | Stored, cycle: number) {
    return Effect.gen({ self: this }, function* () {
      const [jobId, last] = isKnown(found)
        ? [found.job.id, (yield* found.job.status).cycle]
        : [found.journal.jobId, found.journal.cycle]
      if (cycle > last) {
        return yield* unknownCycle(jobId, cycle, last)
      }
      const open = openAt(0)
      const newest = isKnown(found) ? found.view.log.newest : Infinity
      if (newest > 0) {
        const isLater = ({ event }: SourceEvent): boolean => event.cycle > cycle
        const events = Stream.takeUntil(
          eventsAfter(this.#store, found, 0),
          (read) => isLater(read) || read.event.seq >= newest
        )
        const eventsIn = (page: ReadonlyArray<SourceEvent>): ReadonlyArray<JobEvent> =>
          page.filter((read) => !isLater(read)).map(({ event }) => event)
        yield* Stream.runForEachArray(events, (page) => add(open, eventsIn(page))).pipe(
          Effect.mapError((error) => ofStart(jobId, error))
        )
      }
      const { pastLine: headline, result, standing } = open.examination
      return { ...diagnosisJson({ ...result, headline }), standing }
    })
  }

  #read(
    found: KnownJob | Stored,
    open: Open,
    newest: number,
    jobId: string
  ): Effect.Effect<DiagnosisJson, ReadProblem> {
    const eventOf = ({ event }: SourceEvent): JobEvent => event
    const result = Effect.sync(() => diagnosisJson(open.examination.result))
    const read = Effect.suspend(() => {
      if (open.seq >= newest) return Effect.void
      const events = Stream.takeUntil(eventsAfter(this.#store, found, open.seq), ({ event }) => event.seq >= newest)
      return Stream.runForEachArray(events, (page) => add(open, page.map(eventOf)))
    })
    return open.turn.withPermit(
      Effect.andThen(
        Effect.mapError(read, (error) => ofStart(jobId, error)),
        result
      )
    )
  }

  #keep(name: string, diagnosis: DiagnosisJson): void {
    this.#stored.delete(name)
    this.#stored.set(name, diagnosis)
    for (const oldest of this.#stored.keys()) {
      if (this.#stored.size <= Limits.serverDiagnoses) return
      this.#stored.delete(oldest)
    }
  }
}

/** The diagnosis of a job that has not ended, and that no engine runs, says so. Events do not tell. */
const withoutEngine = (diagnosis: DiagnosisJson, { attempts, isHeld, status }: StoredJournal): DiagnosisJson => {
  if (status !== undefined || isHeld) return diagnosis
  const quarantine = attempts?.quarantine
  const why = quarantine === undefined ? "No engine runs it." : `It is quarantined: ${quarantine}.`
  return { ...diagnosis, headline: `${diagnosis.headline} ${why}`.slice(0, Limits.diagnosedTextLength) }
}

/** Names a state of a journal. A diagnosis changes with a committed cycle, and with the end. */
const nameOf = ({ createdAt, cycle, genesisHash, haltedAt, jobId, status }: StoredJournal): string =>
  JSON.stringify([jobId, genesisHash, createdAt, cycle, status, haltedAt])
