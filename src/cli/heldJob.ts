/**
 * A job of a server that keeps no journals: its standing and its result, from the routes that ask the running server.
 *
 * Such a server knows less of a job than a journal has: it has no past, and no rows. Boundary: calls in, the shapes that the
 * commands print out.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { attributeTexts } from "../program/attributes.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { partOf } from "../program/keys.ts"
import type * as Insight from "../server/insightShapes.ts"
import type * as Shapes from "../server/shapes.ts"
import type { StoredJob } from "../store/index.ts"
import { attributesOf } from "./attributes.ts"
import { type Failed, ofStatus } from "./exitCode.ts"
import type { Listed, OpenState } from "./jobSearch.ts"
import type { AServer } from "./place.ts"
import { jobOf as storedIn } from "./remoteStore.ts"
import { ask, type ServerClient } from "./serverClient.ts"
import type { Standing } from "./standing.ts"

type Summary = typeof Shapes.JobSummary.Type
type Job = typeof Shapes.Job.Type
type Status = typeof Shapes.Status.Type

const isEnd = (state: Job["state"]): state is Status => state in ofStatus

/** The standing of a job of a server, in the words for stored jobs. */
export const standingIn = ({ state }: Pick<Job, "state">): Standing => {
  if (state === "suspended") return "unfinished"
  return state === "queued" ? "running" : state
}

/** A job of a list as a store would have it. */
export const storedOf = (job: Omit<Summary, "budget" | "noBudget" | "durationMs">): StoredJob => {
  const { attributes, createdAt, cycle, error, haltedAt, hash, jobId, parent, program, quarantine, state } = job
  const status = isEnd(state) ? state : undefined
  return {
    ...{ jobId, program, status, createdAt, haltedAt: haltedAt ?? undefined },
    cycle,
    hash,
    isHeld: status === undefined && state !== "suspended" && quarantine === undefined,
    attempts: quarantine === undefined ? undefined : { count: 0, at: 0, failure: undefined, quarantine },
    ...(error === null ? {} : { error }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(parent === undefined ? {} : { parent })
  }
}

/** One job as a store would have it. */
export const storedOfJob = (job: Job): StoredJob => storedOf({ ...job, error: job.result?.error?._tag ?? null })

/** All facts of a job, page by page. */
const allFacts = (jobs: ServerClient["jobs"], id: string) =>
  Stream.runCollect(
    Stream.paginate(undefined as string | undefined, (cursor) =>
      Effect.map(
        jobs.facts({ params: { id }, query: { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) } }),
        (page) => [page.facts, Option.fromNullishOr(page.cursor)] as const
      )
    )
  )

/** All intents of a job, and those that wait for an answer. */
const allIntents = (insight: ServerClient["insight"], id: string) =>
  Effect.map(
    Stream.runCollect(
      Stream.paginate(undefined as string | undefined, (cursor) =>
        Effect.map(
          insight.intents({ params: { id }, query: { limit: 1_000, ...(cursor === undefined ? {} : { cursor }) } }),
          (page) => [page.intents, Option.fromNullishOr(page.cursor)] as const
        )
      )
    ),
    (stories) => ({
      intents: stories.map(intentOf),
      unanswered: stories.filter(({ state }) => state === "waits").map(intentOf)
    })
  )

/** An intent as a journal has it. */
const intentOf = (story: typeof Insight.IntentStory.Type): CommittedIntent => {
  const { agent, cycle, each, idempotencyKey, index, kind, part, payload } = story
  return { kind, payload, agent, cycle, each, ...partOf(part), index, idempotencyKey }
}

/** A job, why it stands where it does, who decided what, its input, its intents, and the number of its facts, or all of them. */
export const heldJob = (server: AServer, id: string, isAll: boolean) =>
  ask(server, ({ insight, jobs }) =>
    Effect.gen(function* () {
      const params = { id }
      const job = yield* jobs.get({ params, query: {} })
      const { decisions, headline, olderDecisions } = yield* insight.diagnosis({ params, query: {} })
      const { input } = yield* insight.input({ params })
      const { kinds } = yield* insight.kinds({ params, query: {} })
      const facts = isAll ? yield* allFacts(jobs, id) : undefined
      const asked =
        job.result === null ? yield* allIntents(insight, id) : { intents: job.result.intents, unanswered: [] }
      return { ...asked, job, headline, decisions, olderDecisions, input, kinds, facts }
    })
  )

export type HeldJob = Effect.Success<ReturnType<typeof heldJob>>

/** A page of the jobs that the server holds. */
export const heldJobs = (
  server: AServer,
  query: {
    readonly status: Status | "unfinished" | OpenState | undefined
    /** Milliseconds since the epoch. */
    readonly since: number | undefined
    readonly until: number | undefined
    /** A text in the id, the program or the error's tag. */
    readonly query: string | undefined
    readonly program: string | undefined
    readonly limit: number | undefined
    readonly cursor: string | undefined
    readonly before: string | undefined
    /** Texts such as `customer=Ada`. */
    readonly attribute: ReadonlyArray<string>
  }
): Effect.Effect<Listed, Failed> => {
  const { attribute, query: q, ...others } = query
  const rest = { ...others, q }
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined))
  const listed = Effect.flatMap(attributesOf(attribute), (attributes = {}) =>
    ask(server, ({ jobs }) => jobs.list({ query: { ...given, attribute: attributeTexts(attributes, ":") } }))
  )
  return Effect.map(listed, ({ cursor, jobs, previous }) => ({
    jobs: jobs.map(storedOf),
    standings: jobs.map(standingIn),
    cursor: cursor ?? undefined,
    previous: previous ?? undefined
  }))
}

/** Cancels a job of a server, and gives it as a store would have it: from the journal if there is one. */
export const cancelHeld = (
  server: AServer,
  id: string
): Effect.Effect<{ readonly job: StoredJob; readonly isNew: boolean }, Failed> =>
  ask(server, ({ jobs, journals }) =>
    Effect.gen(function* () {
      const params = { id }
      const stored = Effect.map(journals.head({ params }), storedIn)
      const held = Effect.map(jobs.get({ params, query: {} }), storedOfJob)
      const now = Effect.catchTag(stored, "NoJournal", () => held)
      const before = yield* now
      if (before.status !== undefined) return { job: before, isNew: false }
      yield* jobs.cancel({ params })
      const job = yield* now
      return { job, isNew: job.status === "cancelled" }
    })
  )
