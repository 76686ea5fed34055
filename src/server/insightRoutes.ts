/**
 * The routes that say more of a job than its state: its diagnosis, its present tasks, its timeline, its counts, its input and the
 * history of a fact; and the rights of whoever asks.
 *
 * Invariant: nothing here changes a job. What is read of a journal is read page by page. Boundary: from requests to the
 * directory's jobs and back.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { budgetOfHeader } from "../journal/header.ts"
import * as Journal from "../journal/Journal.ts"
import { readHeader } from "../journal/parts.ts"
import type { RecordedCycle } from "../journal/reports.ts"
import { Limits } from "../Limits.ts"
import { breathe } from "../platform/slices.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import { JobStore } from "../store/JobStore.ts"
import { parseJson } from "../values/parseJson.ts"
import { Api, Sender } from "./api.ts"
import { Core, type SharedCore } from "./core.ts"
import { isKnown } from "./directory.ts"
import { eventsAfter } from "./eventSource.ts"
import { factsOf, factText } from "./eventText.ts"
import { ofStart } from "./failures.ts"
import type * as Shapes from "./insightShapes.ts"
import { plain } from "./json.ts"
import { permitJob } from "./permits.ts"
import * as Problems from "./problems.ts"

interface OfJob {
  readonly params: { readonly id: string }
}

type Store = JobStore["Service"]

/* ---------------------------------------------------------------- diagnosis */

const diagnosis = Effect.fnUntraced(function* ({ directory, examinations }: SharedCore, { params }: OfJob) {
  const found = yield* directory.watch(params.id)
  return yield* isKnown(found) ? examinations.ofHeld(found) : examinations.ofStored(found)
})

/* ---------------------------------------------------------------- tasks */

const noTasks: typeof Shapes.TasksNow.Type = {
  cycle: 0,
  tasks: 0,
  running: [],
  waiting: [],
  waits: 0,
  pool: { waiting: 0, busy: 0, size: 0 },
  since: null,
  spentMs: {}
}

const tasks = Effect.fnUntraced(function* ({ directory }: SharedCore, { params }: OfJob) {
  const found = yield* directory.watch(params.id)
  if (!isKnown(found)) return noTasks
  const now = yield* found.view.present
  return {
    ...now,
    spentMs: { ...now.spentMs },
    running: now.running.map((task) => ({ ...task, each: task.each ?? null })),
    waiting: now.waiting.map((task) => ({ ...task, each: task.each ?? null }))
  }
})

/* ---------------------------------------------------------------- timeline */

interface TimelineRequest extends OfJob {
  readonly query: { readonly after?: number | undefined; readonly limit?: number | undefined }
}

/** A cycle of the timeline as the API shows it. */
export const cycleJson = ({ recorded, tookMs, ...cycle }: RecordedCycle): typeof Shapes.RecordedCycle.Type => ({
  ...cycle,
  tookMs: tookMs ?? null,
  recorded: recorded.map(({ discarded, each, ...task }) => ({
    ...task,
    each: each ?? null,
    discarded: discarded ?? null
  }))
})

const timeline = Effect.fnUntraced(function* (
  { directory }: SharedCore,
  store: Store,
  { params: { id }, query: { after = 0, limit = Limits.serverPage } }: TimelineRequest
) {
  yield* directory.watch(id)
  if (!store.isDurable) return { cycles: [], cursor: null }
  const until = after + limit
  const read = Effect.flatMap(Journal.timeline(id, { after, until }), Stream.runCollect)
  const cycles = yield* Effect.provideService(read, JobStore, store).pipe(
    Effect.mapError((error) => ofStart(id, error))
  )
  return { cycles: cycles.map(cycleJson), cursor: cycles.length < limit ? null : String(until) }
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
  return Effect.catchTags(replays.at(jobId, at), { NoJournal: () => read, UnknownCycle: () => read })
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

const input = Effect.fnUntraced(function* ({ directory }: SharedCore, { params: { id } }: OfJob) {
  const found = yield* directory.watch(id)
  if (isKnown(found)) {
    const { budget, inputText } = found.view
    return { input: plain(parseJson(inputText)), budget: limitsOf(budget) }
  }
  const header = yield* Effect.mapError(readHeader(found.journal), (error) => ofStart(id, error))
  return { input: inputIn(found.journal.text), budget: limitsOf(budgetOfHeader(header)) }
})

/* ---------------------------------------------------------------- the history of a fact */

interface HistoryRequest extends OfJob {
  readonly query: {
    readonly kind: string
    readonly fact: string
    readonly at?: number | undefined
    readonly limit?: number | undefined
    readonly cursor?: string | undefined
  }
}

/** A cursor is the number of the event with the last revision of the page. An event has a fact at most once. */
const history = Effect.fnUntraced(function* (
  { directory }: SharedCore,
  store: Store,
  { params, query }: HistoryRequest
) {
  const { at = Infinity, cursor = "0", fact: id, kind, limit = Limits.serverPage } = query
  if (!/^\d{1,15}$/.test(cursor)) {
    return yield* new Problems.InvalidRequest({ detail: "query.cursor: it is not one that this server gave" })
  }
  const found = yield* directory.watch(params.id)
  const newest = isKnown(found) ? found.view.log.newest : Infinity
  const texts: Array<string> = []
  let last: number | undefined
  if (Number(cursor) < newest) {
    let isDone = false
    let read = 0
    const events = Stream.takeUntil(
      eventsAfter(store, found, Number(cursor)),
      ({ event }) => isDone || event.seq >= newest || event.cycle > at
    )
    yield* Stream.runForEach(events, ({ event, view }) => {
      const fact = event.cycle > at ? undefined : factsOf(event).find((it) => it.kind === kind && it.id === id)
      if (fact !== undefined && !isDone) {
        texts.push(factText(fact, view))
        isDone = texts.length === limit
        if (isDone) last = event.seq
      }
      return ++read % 64 === 0 ? breathe : Effect.void
    }).pipe(Effect.mapError((error) => ofStart(params.id, error)))
  }
  const next = last === undefined ? null : JSON.stringify(String(last))
  return HttpServerResponse.text(`{"revisions":[${texts.join(",")}],"cursor":${next}}`, {
    contentType: "application/json"
  })
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
      .handle("kinds", (asking) => permitted(core, asking, kinds(core, store, asking)))
      .handle("input", (asking) => permitted(core, asking, input(core, asking)))
      .handle("history", (asking) => permitted(core, asking, history(core, store, asking)))
      .handle("me", () => me)
  })
)
