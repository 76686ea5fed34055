/**
 * The routes of approvals: the open ones of a job, those of all jobs, and their decisions.
 *
 * A live job tells its open approvals itself. Those of a stored job that this server does not run come from its journal. A
 * decision is a signal with a `Decision`: it is committed once, or not at all. An approval's id may be any text, so a decision
 * may name it in the path or in the body.
 *
 * A page goes on after the last approval that it shows, by the time at which the approval was asked for and then by its id;
 * so an approval is not skipped because others were decided meanwhile. Boundary: from requests to jobs and back.
 */
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Schema from "effect/Schema"
import { signalJson } from "../job/jobHandle.ts"
import { approvalsIn } from "../journal/approvals.ts"
import { Limits } from "../Limits.ts"
import { Decision } from "../program/answerKinds.ts"
import type { JobStore } from "../store/JobStore.ts"
import { Sender } from "./api.ts"
import { readBody } from "./body.ts"
import type { SharedCore } from "./core.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"
import { ofRefusal, ofStart } from "./failures.ts"
import { plain } from "./json.ts"
import { jobJson, listJobs } from "./jobView.ts"
import { audit, isAllowed, permitProgram } from "./permits.ts"
import { cutValue } from "./previews.ts"
import * as Problems from "./problems.ts"
import * as Shapes from "./shapes.ts"
import { problemOf } from "./steering.ts"

const isStatus = Schema.is(Shapes.Status)

type Store = JobStore["Service"]
type Approval = typeof Shapes.Approval.Type

interface OfJob {
  readonly params: { readonly id: string }
}

/* ---------------------------------------------------------------- look at */

/** The open approvals of a job, oldest first. Of two with one id, the first counts: they get the same decision. */
const openOf = Effect.fnUntraced(function* (store: Store, found: KnownJob | Stored) {
  const [jobId, program] = isKnown(found)
    ? [found.job.id, found.view.program.name]
    : [found.journal.jobId, found.journal.program]
  const asked = isKnown(found) ? yield* found.job.approvals : yield* storedOf(store, found)
  const byId = new Map<string, Approval>()
  for (const { data, id, question, since, timeout } of asked) {
    if (byId.has(id)) continue
    const shown = { question: question ?? null, data: plain(data), since, timeoutMs: timeout ?? null }
    byId.set(id, { jobId, program, id, ...shown })
  }
  return [...byId.values()].toSorted((a, b) => (isAfter(a, b) ? 1 : -1))
})

const storedOf = (store: Store, { journal }: Stored) =>
  journal.status !== undefined
    ? Effect.succeed([])
    : Effect.map(
        Effect.mapError(approvalsIn(store, journal), (error) => ofStart(journal.jobId, error)),
        (open) => open.map(({ at, timeoutMs, ...rest }) => ({ ...rest, since: at, timeout: timeoutMs }))
      )

/** The place of an approval among those of its job. `key` is its id as JSON, which any text can be. */
interface Point {
  readonly since: number
  readonly key: string
}

const keyOf = (id: string): string => JSON.stringify(id)

const isAfter = (
  { id, since }: Pick<Approval, "id" | "since">,
  than: Pick<Approval, "id" | "since"> | Point
): boolean => (since !== than.since ? since > than.since : keyOf(id) > ("key" in than ? than.key : keyOf(than.id)))

const badCursor = (): Problems.InvalidRequest =>
  new Problems.InvalidRequest({ detail: "query.cursor: it is not one that this server gave" })

interface ListRequest extends OfJob {
  readonly query: {
    readonly limit?: number | undefined
    readonly cursor?: string | undefined
    readonly valueLength?: number | undefined
  }
}

/** Approvals whose data are cut if their JSON is longer than `most`. */
const inList = (list: ReadonlyArray<Approval>, most: number | undefined): ReadonlyArray<Approval> =>
  list.map((approval) => {
    const { value, ...rest } = cutValue<{ readonly value: Approval["data"]; readonly length?: number }>(
      { value: approval.data },
      most
    )
    return { ...approval, ...rest, data: value }
  })

/** A page of the open approvals of one job. */
export const approvals = Effect.fnUntraced(function* (core: SharedCore, store: Store, { params, query }: ListRequest) {
  const { cursor, limit = Limits.serverPage } = query
  const [, since, key = ""] = cursor === undefined ? [] : (/^(\d{1,15}):(.*)$/s.exec(cursor) ?? [])
  if (cursor !== undefined && since === undefined) return yield* badCursor()
  const open = yield* openOf(store, yield* core.directory.find(params.id))
  const rest = since === undefined ? open : open.filter((one) => isAfter(one, { since: Number(since), key }))
  const page = rest.slice(0, limit)
  const last = page.at(-1)
  return {
    approvals: inList(page, query.valueLength),
    unread: [],
    cursor: rest.length > limit && last !== undefined ? `${last.since}:${keyOf(last.id)}` : null
  }
})

/* ---------------------------------------------------------------- of all jobs */

/** The place of a page among the approvals of all jobs: a job, and the last approval of it that was shown. */
interface Place extends Point {
  readonly createdAt: number
  readonly jobId: string
}

/** The place behind all approvals of a job. */
const behind = ({ createdAt, jobId }: Pick<Place, "createdAt" | "jobId">): Place => ({
  createdAt,
  jobId,
  since: 999_999_999_999_999,
  key: ""
})

const cursorOf = ({ createdAt, jobId, key, since }: Place): string =>
  `${createdAt}:${since}:${jobId.length}:${jobId}${key}`

const placeIn = (cursor: string): Place | undefined => {
  const [, createdAt, since, length, rest = ""] = /^(\d{1,15}):(\d{1,15}):(\d{1,4}):(.+)$/s.exec(cursor) ?? []
  if (createdAt === undefined) return undefined
  const at = Number(length)
  return { createdAt: Number(createdAt), since: Number(since), jobId: rest.slice(0, at), key: rest.slice(at) }
}

interface OpenQuery {
  readonly program?: string | undefined
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
  readonly valueLength?: number | undefined
}

/** Collects one page of approvals, job by job. */
class Collector {
  readonly shown: Array<Approval> = []
  readonly unread: Array<string> = []
  /** The place after which the next page begins. */
  place: Place | undefined
  /** Whether the page is full, or enough journals were read for it. */
  isDone = false
  #journals = 0
  readonly #core: SharedCore
  readonly #store: Store
  readonly #limit: number

  constructor(core: SharedCore, store: Store, limit: number) {
    this.#core = core
    this.#store = store
    this.#limit = limit
  }

  /** Adds the approvals of a job, those after a point if there is one. */
  add(job: Pick<Place, "createdAt" | "jobId">, after?: Point): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { createdAt, jobId } = job
      const found = yield* this.#core.directory.find(jobId)
      if (!isKnown(found) && ++this.#journals > Limits.serverApprovalJournals) return void (this.isDone = true)
      for (const approval of yield* openOf(this.#store, found)) {
        if (after !== undefined && !isAfter(approval, after)) continue
        if (this.shown.length === this.#limit) return void (this.isDone = true)
        this.shown.push(approval)
        this.place = { createdAt, jobId, since: approval.since, key: keyOf(approval.id) }
      }
      this.place = behind(job)
    }).pipe(
      // The job was deleted meanwhile, or its journal cannot be read: the other jobs are shown all the same.
      Effect.catch((error) =>
        Effect.sync(() => {
          if (error._tag !== "UnknownJob") this.unread.push(job.jobId)
          this.place = behind(job)
        })
      )
    )
  }
}

/** A page of the open approvals of all jobs, those of the newest jobs first. */
export const openApprovals = Effect.fnUntraced(function* (core: SharedCore, store: Store, query: OpenQuery) {
  const { cursor, limit = Limits.serverPage, program } = query
  const access = yield* Sender
  if (program !== undefined) yield* permitProgram(program)
  const from = cursor === undefined ? undefined : placeIn(cursor)
  if (cursor !== undefined && from === undefined) return yield* badCursor()
  const collector = new Collector(core, store, limit)
  if (from !== undefined && from.since !== behind(from).since) {
    const owner = yield* core.directory.programOf(from.jobId)
    if (owner !== undefined && isAllowed(access, owner)) yield* collector.add(from, from)
  }
  const jobs = yield* listJobs(core.directory, store, {
    program,
    status: "unfinished",
    limit: Limits.storeListJobs,
    cursor: from === undefined ? undefined : `${from.createdAt}:${from.jobId}`
  })
  for (const job of jobs.jobs) {
    if (collector.isDone) break
    if (isAllowed(access, job.program)) yield* collector.add(job)
  }
  const { isDone, place, shown, unread } = collector
  const last = jobs.jobs.at(-1)
  const whole = jobs.cursor === null || last === undefined ? undefined : behind(last)
  const next = isDone ? (place ?? from) : whole
  return { approvals: inList(shown, query.valueLength), unread, cursor: next === undefined ? null : cursorOf(next) }
})

/* ---------------------------------------------------------------- answer */

type Answer = typeof Shapes.Answer.Type

interface AnswerRequest extends OfJob {
  readonly request: HttpServerRequest
}

const notOpen = (program: string, id: string): Problems.SignalRefused =>
  new Problems.SignalRefused({
    program,
    kind: Decision.name,
    reason: "approval",
    detail: `there is no open approval ${JSON.stringify(id)}: nobody has asked for it, or it is decided`
  })

/** Commits a decision. */
const decide = Effect.fnUntraced(function* (
  core: SharedCore,
  jobId: string,
  id: string,
  { by, decision, note }: Answer
) {
  const { name } = yield* Sender
  if (core.isDraining()) return yield* new Problems.Unavailable({ reason: "shutting-down", jobId })
  const known = yield* core.directory.hold(jobId)
  const { job, view } = known
  const isOpen = Effect.map(job.approvals, (open) => open.some((one) => one.id === id))
  // A job that has ended has no open approval; its signal says how it ended.
  if (!isStatus((yield* job.status).state) && !(yield* isOpen)) return yield* notOpen(view.program.name, id)
  const value = { approval: id, approved: decision === "approve", by: by ?? name ?? "anybody", reason: note ?? "" }
  yield* signalJson(job, [{ kind: Decision.name, value }]).pipe(
    Effect.mapError((error) => (error._tag === "SignalRefused" ? ofRefusal(error) : problemOf(known, error)))
  )
  yield* audit("decide", jobId)
  return yield* jobJson(known)
})

/** Decides the approval that the path names. */
export const answerNamed = Effect.fnUntraced(function* (
  core: SharedCore,
  asking: AnswerRequest & { readonly params: { readonly approvalId: string } }
) {
  const { params, request } = asking
  const answer = yield* readBody(request, Shapes.Answer, core.settings.maxBodyValues)
  return yield* decide(core, params.id, params.approvalId, answer)
})

/** Decides the approval that the body names. */
export const answerApproval = Effect.fnUntraced(function* (core: SharedCore, { params, request }: AnswerRequest) {
  const { approval, ...answer } = yield* readBody(request, Shapes.NamedAnswer, core.settings.maxBodyValues)
  return yield* decide(core, params.id, approval, answer)
})
