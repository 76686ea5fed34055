/**
 * The routes that say more of a job than its state: its diagnosis, its present tasks, its timeline, its counts, its input and the
 * history of a fact; and the rights of whoever asks.
 *
 * Invariant: nothing here changes a job. What is read of a journal is read page by page. Boundary: from requests to the
 * directory's jobs and back.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { JobView } from "../job/view.ts"
import { budgetOfHeader } from "../journal/header.ts"
import * as Journal from "../journal/Journal.ts"
import { readHeader } from "../journal/parts.ts"
import type { JournalHeader } from "../journal/records.ts"
import type { RecordedCycle } from "../journal/reports.ts"
import { Limits } from "../Limits.ts"
import { stackOf } from "../outcome/errorDescription.ts"
import { presentLine, queuedLine } from "../outcome/presentLine.ts"
import { breathe } from "../platform/slices.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import { JobStore } from "../store/JobStore.ts"
import { parseJson } from "../values/parseJson.ts"
import { Api, Sender } from "./api.ts"
import { Core, type SharedCore } from "./core.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"
import { storedChildIds } from "../job/childIds.ts"
import { approvalKind } from "../program/answerKinds.ts"
import { findFacts, numberedPage, ofReplay } from "./factPages.ts"
import { type Asking, storyTeller } from "./intentStories.ts"
import type { Replayed } from "./replays.ts"
import { isStatus } from "./jobView.ts"
import { eventsAfter } from "./eventSource.ts"
import { factsOf, factText, valueText } from "./eventText.ts"
import { ofStart } from "./failures.ts"
import type * as Shapes from "./insightShapes.ts"
import { leftBy } from "./jobLog.ts"
import { withChild } from "./examinations.ts"
import { factJson, plain } from "./json.ts"
import { permitJob } from "./permits.ts"
import { cutStory, cutText, cutValue } from "./previews.ts"
import { type FactName, type Paged, type PageSide, refOf, sideOf } from "./queries.ts"

interface OfJob {
  readonly params: { readonly id: string }
}

type Store = JobStore["Service"]

/* ---------------------------------------------------------------- diagnosis */

/** The stack of the error that ended a job here. */
const stackIn = (found: KnownJob | Stored): string | null => {
  const left = isKnown(found) && found.end !== undefined ? leftBy(found.end) : undefined
  const stack = left !== undefined && "_tag" in left ? stackOf(left) : ""
  // An error that was read from a journal has no frames.
  return /^\s*at /m.test(stack) ? stack.slice(0, Limits.diagnosedTextLength) : null
}

/** The diagnosis of a job that runs here, or will, says what it does at this moment, which its events do not tell. */
const atThisMoment = (found: KnownJob | Stored, shown: typeof Shapes.Diagnosis.Type) =>
  Effect.gen(function* () {
    if (!isKnown(found) || shown.status !== null) return shown
    const { state } = yield* found.job.status
    if (state !== "running" && state !== "queued") return shown
    const now = yield* found.view.present
    const { headline: said } = shown
    // Between two cycles no task is under way.
    const cycle = now.cycle === 0 ? (yield* found.job.status).cycle : now.cycle
    const headline = state === "queued" ? queuedLine(said) : presentLine(said, { ...now, cycle })
    return { ...shown, headline: headline.slice(0, Limits.diagnosedTextLength) }
  })

/** The ids of a job's children, by the keys of the intents that ask for them. */
const childIdsIn = (found: KnownJob | Stored) => {
  if (isKnown(found)) return Effect.succeed(found.view.childId)
  const { journal } = found
  return readHeader(journal).pipe(
    Effect.map((header) => storedChildIds(journal.jobId, header)),
    Effect.mapError((error) => ofStart(journal.jobId, error))
  )
}

interface DiagnosisRequest extends OfJob {
  readonly query: { readonly at?: number | undefined }
}

const diagnosis = Effect.fnUntraced(function* (
  { directory, examinations }: SharedCore,
  { params, query: { at } }: DiagnosisRequest
) {
  const found = yield* directory.watch(params.id)
  const childId = yield* childIdsIn(found)
  if (at !== undefined) return withChild(yield* examinations.upTo(found, at), childId)
  const { scopes } = yield* Sender
  const examined = yield* isKnown(found) ? examinations.ofHeld(found) : examinations.ofStored(found)
  const shown = withChild(yield* atThisMoment(found, examined), childId)
  return scopes.includes("steer") ? { ...shown, stack: stackIn(found) } : shown
})

/* ---------------------------------------------------------------- tasks */

const noTasks: Omit<typeof Shapes.TasksNow.Type, "now"> = {
  cycle: 0,
  tasks: 0,
  running: [],
  waiting: [],
  waits: 0,
  began: null,
  ended: [],
  ends: 0,
  pool: { waiting: 0, busy: 0, size: 0 },
  since: null,
  spentMs: {}
}

const tasks = Effect.fnUntraced(function* ({ directory, telemetry }: SharedCore, { params }: OfJob) {
  const found = yield* directory.watch(params.id)
  if (!isKnown(found)) return { ...noTasks, now: yield* Clock.currentTimeMillis, cycle: found.journal.cycle }
  const now = yield* found.view.present
  // A job at rest has no cycle under way: it stands after its last one.
  const { cycle } = now.cycle === 0 ? yield* found.job.status : now
  return {
    ...now,
    now: yield* Clock.currentTimeMillis,
    cycle,
    telemetry: found.end === undefined || telemetry.has(found.view),
    spentMs: { ...now.spentMs },
    running: now.running.map((task) => ({ ...task, each: task.each ?? null })),
    waiting: now.waiting.map((task) => ({ ...task, each: task.each ?? null })),
    began: now.began ?? null,
    ended: now.ended.map(({ attempts, discarded, each, ...task }) => ({
      ...task,
      each: each ?? null,
      attempts: attempts ?? 1,
      discarded: discarded ?? null
    }))
  }
})

/* ---------------------------------------------------------------- timeline */

interface TimelineRequest extends OfJob {
  readonly query: {
    readonly after?: number | undefined
    readonly before?: number | undefined
    readonly limit?: number | undefined
  }
}

/** A cycle of the timeline as the API shows it. */
export const cycleJson = ({
  notes,
  recorded,
  tookMs,
  untimed,
  ...cycle
}: RecordedCycle): typeof Shapes.RecordedCycle.Type => ({
  ...cycle,
  tookMs: tookMs ?? null,
  ...(notes.length === 0 ? {} : { notes }),
  untimed: untimed.map(({ each, ...task }) => ({ ...task, each: each ?? null })),
  recorded: recorded.map(({ discarded, each, ...task }) => ({
    ...task,
    each: each ?? null,
    discarded: discarded ?? null
  }))
})

const timeline = Effect.fnUntraced(function* (
  { directory }: SharedCore,
  store: Store,
  { params: { id }, query: { before, limit = Limits.serverPage, ...query } }: TimelineRequest
) {
  yield* directory.watch(id)
  if (!store.isDurable) return { cycles: [], cursor: null, previous: null }
  const after = before === undefined ? (query.after ?? 0) : Math.max(0, before - 1 - limit)
  const until = before === undefined ? after + limit : Math.max(0, before - 1)
  const read = Effect.flatMap(Journal.timeline(id, { after, until }), Stream.runCollect)
  const cycles = yield* Effect.provideService(read, JobStore, store).pipe(
    Effect.mapError((error) => ofStart(id, error))
  )
  return {
    cycles: cycles.map(cycleJson),
    cursor: cycles.length < until - after ? null : String(until),
    previous: after === 0 ? null : String(after + 1)
  }
})

interface WorkRequest extends OfJob {
  readonly query: { readonly at?: number | undefined; readonly agents?: "true" | "false" | undefined }
}

const work = Effect.fnUntraced(function* ({ directory, works }: SharedCore, { params, query }: WorkRequest) {
  const found = yield* directory.watch(params.id)
  return yield* works.of(params.id, found, { at: query.at, hasAgents: query.agents === "true" })
})

/* ---------------------------------------------------------------- counts and input */

interface KindsRequest extends OfJob {
  readonly query: { readonly at?: number | undefined }
}

/** The job after a cycle, which the pages of its facts ask for, too. A job without such a past has the problem of its journal. */
const replayedAt = ({ replays }: SharedCore, store: Store, jobId: string, at: number | undefined) => {
  const read = Effect.provideService(Journal.replay(jobId, { at }), JobStore, store).pipe(
    Effect.mapError((error) => ofStart(jobId, error))
  )
  return Effect.catchTag(replays.at(jobId, at), "NoJournal", () => read)
}

const kinds = Effect.fnUntraced(function* (
  core: SharedCore,
  store: Store,
  { params: { id }, query: { at } }: KindsRequest
) {
  const found = yield* core.directory.watch(id)
  if (at === undefined && isKnown(found)) {
    const { cycle } = yield* found.job.status
    return { cycle, kinds: found.view.counts }
  }
  const { context, cycle } = yield* replayedAt(core, store, id, at)
  return { cycle, kinds: context.counts() }
})

/** The limits of a budget; null: none. */
export const limitsOf = (budget: ResolvedBudget): Readonly<Record<string, number | null>> =>
  Object.fromEntries(Object.entries(budget).map(([name, limit]) => [name, limit === Infinity ? null : limit]))

/** The input in a journal's beginning. */
export const inputIn = (text: string): Schema.Json => {
  const genesis = parseJson(text)
  return typeof genesis === "object" && genesis !== null && "input" in genesis ? plain(genesis.input) : null
}

/** The job of which a job is a fork, if it is one. */
export const originIn = ({
  forkOf
}: {
  readonly forkOf?: JournalHeader["forkOf"] | undefined
}): Pick<typeof Shapes.JobInput.Type, "forkOf"> => (forkOf === undefined ? {} : { forkOf })

const input = Effect.fnUntraced(function* (
  { directory }: SharedCore,
  { params: { id } }: OfJob
): Effect.fn.Return<typeof Shapes.JobInput.Type, ReturnType<typeof ofStart>> {
  const found = yield* directory.watch(id)
  if (isKnown(found)) {
    const { budget, inputText } = found.view
    return { input: plain(parseJson(inputText)), budget: limitsOf(budget), ...originIn(found.view) }
  }
  const header = yield* Effect.mapError(readHeader(found.journal), (error) => ofStart(id, error))
  return { input: inputIn(found.journal.text), budget: limitsOf(budgetOfHeader(header)), ...originIn(header) }
})

/* ---------------------------------------------------------------- the history of a fact */

interface HistoryRequest extends OfJob {
  readonly query: FactName & Paged & { readonly at?: number | undefined; readonly valueLength?: number | undefined }
}

/** A revision of a fact as JSON, and the number of its event. An event has a fact at most once. */
interface Revision {
  readonly seq: number
  readonly text: string
}

/** The text of a fact, whose value is cut if its text is longer than `most`. */
const revisionText = (fact: Fact, view: JobView | undefined, most: number | undefined): string => {
  // A long value is written once and not parsed again.
  const cut = most === undefined ? undefined : cutText(valueText(fact, view), most)
  if (cut === undefined) return factText(fact, view)
  const { id, kind, provenance } = fact
  return JSON.stringify({ kind, id, value: cut.value, provenance, length: cut.length })
}

interface RevisionQuery {
  readonly at: number
  readonly limit: number
  readonly side: PageSide
  readonly most: number | undefined
  /** The text of the value that the job has inherited, if it is a fork. */
  readonly inherited: Effect.Effect<string | undefined>
}

/** The fact that a fork has inherited: it is in its context before the first cycle. */
const inheritedText = (
  { replays }: SharedCore,
  jobId: string,
  { id, kind }: FactRef,
  most: number | undefined
): Effect.Effect<string | undefined> =>
  replays.at(jobId, 0).pipe(
    Effect.flatMap((replayed) => {
      const version = replayed.context.find(kind, id)?.provenance.version
      if (version === undefined) return Effect.succeed([])
      const page = findFacts(ofReplay(replayed, kind), { after: version - 1 }, 1, undefined)
      return Effect.map(page, ({ facts }) => facts)
    }),
    Effect.map(([fact]) => (fact === undefined ? undefined : JSON.stringify(cutValue(factJson(fact), most)))),
    // A job without a journal is no fork.
    Effect.orElseSucceed(() => undefined)
  )

/**
 * The revisions of a fact among the events of one side of a number, up to one more than `limit` of them: those that come first
 * after it, or last before it. Values of more than `most` characters are cut.
 */
const revisionsOf = (
  store: Store,
  found: KnownJob | Stored,
  ref: FactRef,
  { at, inherited, limit, most, side }: RevisionQuery
) =>
  Effect.gen(function* () {
    const revisions: Array<Revision> = []
    const after = "after" in side ? side.after : 0
    const newest = Math.min(
      isKnown(found) ? found.view.log.newest : Infinity,
      "after" in side ? Infinity : side.before - 1
    )
    if (after >= newest) return revisions
    let [isDone, read] = [false, 0]
    const events = Stream.takeUntil(
      eventsAfter(store, found, after),
      ({ event }) => isDone || event.seq >= newest || event.cycle > at
    )
    const add = (seq: number, text: string): void => {
      revisions.push({ seq, text })
      if ("before" in side && revisions.length > limit + 1) revisions.shift()
      isDone = "after" in side && revisions.length > limit
    }
    yield* Stream.runForEach(events, ({ event, view }) => {
      const isIn = event.seq <= newest && event.cycle <= at && !isDone
      const fact = isIn ? factsOf(event).find(({ id, kind }) => kind === ref.kind && id === ref.id) : undefined
      if (fact !== undefined) add(event.seq, revisionText(fact, view, most))
      // The first event of a fork lists only the facts that the fork changed.
      else if (isIn && event._tag === "JobStarted" && event.version > event.seeds.length)
        return Effect.map(inherited, (text) => (text === undefined ? undefined : add(event.seq, text)))
      return ++read % 64 === 0 ? breathe : Effect.void
    })
    return revisions
  })

const history = Effect.fnUntraced(function* (core: SharedCore, store: Store, { params, query }: HistoryRequest) {
  const { at = Infinity, limit = Limits.serverPage, valueLength: most } = query
  const ref = yield* refOf(query)
  const side = yield* sideOf(query)
  const found = yield* core.directory.watch(params.id)
  const inherited = inheritedText(core, params.id, ref, most)
  const revisions = yield* Effect.mapError(
    revisionsOf(store, found, ref, { at, inherited, limit, most, side }),
    (error) => ofStart(params.id, error)
  )
  const hasMore = revisions.length > limit
  const page = "after" in side ? revisions.slice(0, limit) : revisions.slice(-limit)
  const [cursor, previous] =
    "after" in side
      ? [hasMore ? page.at(-1)?.seq : undefined, side.after === 0 ? undefined : side.after + 1]
      : [Math.max(0, side.before - 1), hasMore ? page[0]?.seq : undefined]
  const numbers = [cursor, previous].map((seq) => (seq === undefined ? "null" : JSON.stringify(String(seq))))
  const texts = page.map(({ text }) => text).join(",")
  return HttpServerResponse.text(`{"revisions":[${texts}],"cursor":${numbers[0]},"previous":${numbers[1]}}`, {
    contentType: "application/json"
  })
})

/* ---------------------------------------------------------------- intents */

interface IntentsRequest extends OfJob {
  readonly query: Paged & { readonly at?: number | undefined; readonly valueLength?: number | undefined }
}

/** A job that this server has, at this moment. */
const askingNow = ({ view }: KnownJob, hasEnded: boolean): Asking => {
  const { awaited, childId, committed, intents } = view
  const missing = awaited.filter(({ kind }) => kind !== approvalKind)
  return { intents, ...committed, hasEnded, missing, childId }
}

/** A job as it was after a cycle, by its journal. */
const askingThen = Effect.fnUntraced(function* (then: Replayed, found: KnownJob | Stored) {
  const { answers, context, cycle, intents: committed, unanswered, version } = then
  const status = isKnown(found) ? yield* found.job.status : found.journal
  const childId = yield* childIdsIn(found)
  const hasEnded = cycle === status.cycle && isStatus("state" in status ? status.state : status.status)
  const asking: Asking = {
    intents: { committed, answers, unanswered },
    context,
    version,
    hasEnded,
    missing: undefined,
    childId
  }
  return { asking, cycle }
})

const intents = Effect.fnUntraced(function* (core: SharedCore, { params: { id }, query }: IntentsRequest) {
  const { at, limit = Limits.serverPage, valueLength } = query
  const side = yield* sideOf(query)
  const found = yield* core.directory.watch(id)
  const { asking, cycle } = yield* at === undefined && isKnown(found)
    ? Effect.map(found.job.status, (status) => ({
        asking: askingNow(found, isStatus(status.state)),
        cycle: status.cycle
      }))
    : Effect.flatMap(core.replays.at(id, at), (then) => askingThen(then, found))
  const { committed, unanswered } = asking.intents
  const numbered = committed.map((intent, index) => ({ intent, number: index + 1 }))
  const page = numberedPage(numbered, ({ number }) => number, side, limit)
  const tell = storyTeller(asking)
  return {
    cycle,
    count: committed.length,
    waiting: asking.hasEnded ? 0 : unanswered.length,
    intents: page.items.map(({ intent }) => cutStory(tell(intent), valueLength)),
    cursor: page.cursor,
    previous: page.previous
  }
})

/* ---------------------------------------------------------------- who asks */

const me = Effect.map(Sender, ({ name, programs, scopes }) => ({
  name: name ?? null,
  scopes: [...scopes],
  programs: programs === undefined ? null : [...programs]
}))

/** A route of a job: refuses a token that excludes the job's program. */
const permitted = <R extends OfJob, A, E, S>(core: SharedCore, asking: R, route: Effect.Effect<A, E, S>) =>
  Effect.andThen(permitJob(core, asking.params.id), route)

export const insightRoutes = HttpApiBuilder.group(
  Api,
  "insight",
  Effect.fnUntraced(function* (handlers) {
    const core = yield* Core
    const store = yield* JobStore
    return handlers
      .handle("diagnosis", (asking) => permitted(core, asking, diagnosis(core, asking)))
      .handle("tasks", (asking) => permitted(core, asking, tasks(core, asking)))
      .handle("timeline", (asking) => permitted(core, asking, timeline(core, store, asking)))
      .handle("work", (asking) => permitted(core, asking, work(core, asking)))
      .handle("kinds", (asking) => permitted(core, asking, kinds(core, store, asking)))
      .handle("input", (asking) => permitted(core, asking, input(core, asking)))
      .handle("history", (asking) => permitted(core, asking, history(core, store, asking)))
      .handle("intents", (asking) => permitted(core, asking, intents(core, asking)))
      .handle("me", () => me)
  })
)
