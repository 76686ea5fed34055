/**
 * The journals of a server as a store, so that a command reads a job of a server with the functions that read a file.
 *
 * Invariant: it only reads. Rows and pieces come in pages, and a page is asked for when a reader wants it. Boundary: an adapter
 * of the port in store/JobStore.ts over the server's client.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { attributeTexts } from "../program/attributes.ts"
import type * as Shapes from "../server/journalShapes.ts"
import { JobStore, type ListOptions, StoreError, type StoredJob, type StoredJournal } from "../store/index.ts"
import { unknown } from "../store/refusals.ts"
import type { AServer } from "./place.ts"
import { connect, type ServerClient } from "./serverClient.ts"
import { ServerError, type Told } from "./serverError.ts"

type Calls = ServerClient["journals"]

/** A job of the list as the store has it. */
export const jobOf = (job: typeof Shapes.StoredJob.Type): StoredJob => {
  const { attempts, attributes, createdAt, cycle, error, haltedAt, hash, isHeld, jobId, parent, program, status } = job
  return {
    ...{ jobId, program, status: status ?? undefined, createdAt, haltedAt: haltedAt ?? undefined, cycle, hash, isHeld },
    attempts:
      attempts === null
        ? undefined
        : { ...attempts, failure: attempts.failure ?? undefined, quarantine: attempts.quarantine ?? undefined },
    ...(error === null ? {} : { error }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(parent === undefined ? {} : { parent })
  }
}

const journalOf = (head: typeof Shapes.JournalHead.Type): StoredJournal => {
  const { bases, end, genesisHash, header, note, text } = head
  return { ...jobOf(head), text, genesisHash, header, note, bases, end: end ?? undefined }
}

/** All items of a list that comes in pages. `next`: what to ask for after a page; undefined after the last. */
const pages = <Page, A, E>(
  read: (after: number) => Effect.Effect<Page, E>,
  itemsOf: (page: Page) => ReadonlyArray<A>,
  next: (page: Page, after: number) => number | undefined,
  first: number
): Stream.Stream<A, E> =>
  Stream.paginate(first, (after) =>
    Effect.map(read(after), (page) => [itemsOf(page), Option.fromUndefinedOr(next(page, after))] as const)
  )

const refused = Effect.fail(
  new StoreError({ reason: "read-only", message: "the journals of a server are only read from here" })
)

const storeOf = (server: AServer, calls: Calls): JobStore["Service"] => {
  const listed = <A, E extends Told>(cursor: string | undefined, request: Effect.Effect<A, E>) =>
    Effect.mapError(request, (error) =>
      error._tag === "InvalidRequest" && cursor !== undefined
        ? new StoreError({ reason: "failed", message: `${JSON.stringify(cursor)} is not a cursor of this store` })
        : new ServerError(server, error)
    )
  const ofJob = <A, E extends Told>(jobId: string, request: Effect.Effect<A, E>) =>
    Effect.mapError(request, (error) =>
      error._tag === "UnknownJob" ? new StoreError(unknown(jobId)) : new ServerError(server, error)
    )
  const limited = (cycle: number | undefined) => (cycle === undefined ? {} : { until: cycle })
  return {
    isDurable: true,
    create: () => refused,
    append: () => refused,
    note: () => refused,
    keep: () => refused,
    rebase: () => refused,
    halt: () => refused,
    lease: () => refused,
    release: () => refused,
    quarantine: () => refused,
    requestCancel: () => refused,
    prune: () => refused,
    remove: () => refused,
    cancelRequests: Effect.succeed([]),
    load: (id) => Effect.map(ofJob(id, calls.head({ params: { id } })), journalOf),
    rows: (id, first, until) =>
      pages(
        (after) => ofJob(id, calls.rows({ params: { id }, query: { after, ...limited(until) } })),
        ({ rows }) => rows,
        ({ hasMore, rows }) => (hasMore ? rows.at(-1)?.cycle : undefined),
        first
      ),
    base: (id, cycle) =>
      pages(
        (after) => ofJob(id, calls.base({ params: { id }, query: { cycle, after } })),
        ({ pieces }) => pieces,
        ({ hasMore, pieces }, after) => (hasMore ? after + pieces.length : undefined),
        0
      ),
    kept: (id) => Effect.map(ofJob(id, calls.kept({ params: { id } })), ({ kept }) => kept),
    list: ({ attributes, before, cursor, limit, parent, program, status }: ListOptions = {}) =>
      Effect.map(
        listed(
          cursor ?? before,
          calls.list({
            query: {
              ...(program === undefined ? {} : { program }),
              ...(status === undefined ? {} : { status }),
              ...(parent === undefined ? {} : { parent }),
              ...(limit === undefined ? {} : { limit }),
              ...(cursor === undefined ? {} : { cursor }),
              ...(before === undefined ? {} : { before }),
              ...(attributes === undefined ? {} : { attribute: attributeTexts(attributes, ":") })
            }
          })
        ),
        (page) => ({
          jobs: page.jobs.map(jobOf),
          cursor: page.cursor ?? undefined,
          previous: page.previous ?? undefined
        })
      )
  }
}

/** The store over the journals of a server. */
export const layer = (server: AServer): Layer.Layer<JobStore> =>
  Layer.effect(
    JobStore,
    Effect.map(connect(server), ({ journals }) => storeOf(server, journals))
  )
