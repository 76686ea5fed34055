/**
 * The routes that give journals as the store has them, so that a client reads a job with the functions that read a file.
 *
 * Invariants: nothing is written, and no job is taken up. An answer has about `Limits.serverJournalLength` characters, and is
 * written piece by piece (G14); one row alone may be larger. Boundary: from requests to the store and back.
 */
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { Limits } from "../Limits.ts"
import { breathe } from "../platform/slices.ts"
import {
  JobStore,
  type Kept,
  type ListOptions,
  type StoredJob,
  type StoredJournal,
  type StoredRow,
  type StoreError
} from "../store/JobStore.ts"
import { StoreFile } from "../store/StoreFile.ts"
import { Api, Sender } from "./api.ts"
import { Core, type SharedCore } from "./core.ts"
import { ofStore } from "./failures.ts"
import type * as Shapes from "./journalShapes.ts"
import { isAllowed, permitAll, permitJob, permitProgram } from "./permits.ts"
import * as Problems from "./problems.ts"
import { attributesAsked, badCursor } from "./queries.ts"
import { noJournal } from "./replays.ts"
import { placeOf } from "./streams.ts"

type Store = JobStore["Service"]

interface OfJob {
  readonly params: { readonly id: string }
}

const jobJson = (job: StoredJob): typeof Shapes.StoredJob.Type => {
  const { attempts, attributes, createdAt, cycle, error, haltedAt, hash, isHeld, jobId, parent, program, status } = job
  return {
    ...{ jobId, program, status: status ?? null, createdAt, haltedAt: haltedAt ?? null, cycle, hash, isHeld },
    attempts:
      attempts === undefined
        ? null
        : { ...attempts, failure: attempts.failure ?? null, quarantine: attempts.quarantine ?? null },
    error: error ?? null,
    ...(attributes === undefined ? {} : { attributes }),
    ...(parent === undefined ? {} : { parent })
  }
}

const headJson = (journal: StoredJournal): typeof Shapes.JournalHead.Type => {
  const { bases, end, genesisHash, header, note, text } = journal
  return { ...jobJson(journal), text, genesisHash, header, note, bases, end: end ?? null }
}

/* ---------------------------------------------------------------- the list */

interface ListQuery extends Omit<ListOptions, "attributes"> {
  readonly attribute?: ReadonlyArray<string> | undefined
}

const list = Effect.fnUntraced(function* (store: Store, { attribute = [], ...filters }: ListQuery) {
  if (!store.isDurable) return yield* noJournal("")
  const attributes = yield* attributesAsked(attribute)
  // No job has two values of one attribute.
  if (attributes === undefined) return { jobs: [], cursor: null, previous: null }
  const query = { ...filters, attributes }
  const access = yield* Sender
  if (query.program !== undefined) yield* permitProgram(query.program)
  const [only, ...more] = access.programs ?? []
  const wanted = more.length === 0 ? { ...query, program: query.program ?? only } : query
  const page = yield* Effect.mapError(store.list(wanted), ({ reason }) =>
    reason === "failed" && (query.cursor ?? query.before) !== undefined
      ? badCursor(query)
      : new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
  )
  const jobs = page.jobs.filter(({ program }) => isAllowed(access, program)).map(jobJson)
  return { jobs, cursor: page.cursor ?? null, previous: page.previous ?? null }
})

/* ---------------------------------------------------------------- one journal */

/** Some items of a stream, and whether others follow: up to so many characters, and at least one item. */
const pageOf = <A>(items: Stream.Stream<A, StoreError>, lengthOf: (item: A) => number) =>
  Effect.gen(function* () {
    let length = 0
    let hasMore = false
    const taken = Stream.takeWhile(items, (item) => {
      hasMore = length >= Limits.serverJournalLength
      length += lengthOf(item)
      return !hasMore
    })
    return { items: yield* Stream.runCollect(taken), hasMore }
  })

/** Answers with a list, written item by item, and the rest of the object. */
const listed = (
  { room }: SharedCore,
  request: HttpServerRequest,
  name: string,
  items: ReadonlyArray<unknown>,
  rest: Readonly<Record<string, unknown>>
): HttpServerResponse.HttpServerResponse => {
  const fields = Object.entries(rest).map(([key, value]) => `,${JSON.stringify(key)}:${JSON.stringify(value)}`)
  const pieces = [
    () => `{${JSON.stringify(name)}:[`,
    ...items.map((item, index) => () => `${index === 0 ? "" : ","}${JSON.stringify(item)}`),
    () => `]${fields.join("")}}`
  ]
  const texts = Stream.mapEffect(Stream.fromIterable(pieces, { chunkSize: 1 }), (piece) => Effect.as(breathe, piece()))
  const sent = room.sending(placeOf(request), Stream.encodeText(texts), ({ length }) => length)
  return HttpServerResponse.stream(sent, { contentType: "application/json" })
}

interface RowsRequest extends OfJob {
  readonly request: HttpServerRequest
  readonly query: { readonly after?: number | undefined; readonly until?: number | undefined }
}

const rowLength = ({ extra, text }: StoredRow): number => extra.length + text.length

const rows = Effect.fnUntraced(function* (
  core: SharedCore,
  store: Store,
  { params, query: { after = 0, until }, request }: RowsRequest
) {
  const page = pageOf(store.rows(params.id, after, until), rowLength)
  const { hasMore, items } = yield* Effect.mapError(page, (error) => ofStore(params.id, error))
  return listed(core, request, "rows", items, { hasMore })
})

interface BaseRequest extends OfJob {
  readonly request: HttpServerRequest
  readonly query: { readonly cycle?: number | undefined; readonly after?: number | undefined }
}

const base = Effect.fnUntraced(function* (
  core: SharedCore,
  store: Store,
  { params, query: { after = 0, cycle = 0 }, request }: BaseRequest
) {
  const page = pageOf(Stream.drop(store.base(params.id, cycle), after), ({ length }) => length)
  const { hasMore, items } = yield* Effect.mapError(page, (error) => ofStore(params.id, error))
  return listed(core, request, "pieces", items, { hasMore })
})

const keptJson = ({ cycle, key, text }: Kept) => ({ cycle, key, text })

const kept = Effect.fnUntraced(function* (
  core: SharedCore,
  store: Store,
  { params, request }: OfJob & { readonly request: HttpServerRequest }
) {
  const found = yield* Effect.mapError(store.kept(params.id), (error) => ofStore(params.id, error))
  return listed(core, request, "kept", found.map(keptJson), {})
})

const head = (store: Store, { params }: OfJob) =>
  Effect.mapBoth(store.load(params.id), { onSuccess: headJson, onFailure: (error) => ofStore(params.id, error) })

/** A route of a journal: refuses a token that excludes the job's program, and a server that keeps no journals. */
const ofJournal = <R extends OfJob, A, E, S>(
  core: SharedCore,
  store: Store,
  asking: R,
  route: (core: SharedCore, store: Store, asking: R) => Effect.Effect<A, E, S>
) =>
  Effect.andThen(
    permitJob(core, asking.params.id),
    Effect.suspend((): Effect.Effect<A, E | Problems.NoJournal, S> =>
      store.isDurable ? route(core, store, asking) : Effect.fail(noJournal(asking.params.id))
    )
  )

/* ---------------------------------------------------------------- a backup */

/** Copies of the file that are made or sent now: one at a time, because each takes the room of the file on the disk. */
interface Copies {
  isMaking: boolean
}

const backup = Effect.fnUntraced(function* (
  core: SharedCore,
  file: Option.Option<StoreFile["Service"]>,
  copies: Copies,
  request: HttpServerRequest
) {
  yield* permitAll
  if (Option.isNone(file)) return yield* noJournal("")
  if (copies.isMaking) {
    return yield* new Problems.Unavailable({ reason: "store", detail: "another copy of the store is made: try again" })
  }
  // The scope is that of the request: it closes when the answer is sent, or its client is gone.
  yield* Effect.acquireRelease(
    Effect.sync(() => (copies.isMaking = true)),
    () => Effect.sync(() => (copies.isMaking = false))
  )
  const { name } = yield* Sender
  const annotations = { action: "backup", ...(name === undefined ? {} : { token: name }) }
  yield* Effect.annotateLogs(Effect.logInfo(`the store is copied for ${name ?? "anybody"}`), annotations)
  const bytes = yield* Effect.mapError(
    file.value.copy,
    ({ reason }) => new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
  )
  const sent = core.room.sending(placeOf(request), bytes, ({ length }) => length)
  return HttpServerResponse.stream(sent, { contentType: "application/vnd.sqlite3" })
})

export const journalRoutes = HttpApiBuilder.group(
  Api,
  "journals",
  Effect.fnUntraced(function* (handlers) {
    const core = yield* Core
    const store = yield* JobStore
    const file = yield* Effect.serviceOption(StoreFile)
    const copies: Copies = { isMaking: false }
    return handlers
      .handle("backup", ({ request }) => backup(core, file, copies, request))
      .handle("list", ({ query }) => list(store, query))
      .handle("head", (asking) => ofJournal(core, store, asking, (_, from, asked) => head(from, asked)))
      .handle("rows", (asking) => ofJournal(core, store, asking, rows))
      .handle("base", (asking) => ofJournal(core, store, asking, base))
      .handle("kept", (asking) => ofJournal(core, store, asking, kept))
  })
)
