/**
 * The routes of approvals: the open ones of a job, those of all jobs, and their decisions.
 *
 * A live job tells its open approvals itself. Those of a stored job that this server does not run come from its journal. A
 * decision is a signal with a `Decision`: it is committed once, or not at all. An approval's id may be any text, so a decision
 * may name it in the path or in the body.
 *
 * The place of an approval is the time at which it was asked for, and then its id. A page goes on after a place, or back before
 * one; so an approval is not skipped because others were decided meanwhile. Boundary: from requests to jobs and back.
 */
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Option from "effect/Option"
import { signalJson } from "../job/jobHandle.ts"
import { approvalsIn } from "../journal/approvals.ts"
import { Limits } from "../Limits.ts"
import { Decision } from "../program/answerKinds.ts"
import type { JobStore } from "../store/JobStore.ts"
import { Sender } from "./api.ts"
import { readBody } from "./body.ts"
import type { SharedCore } from "./core.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"
import { ofRefusal, ofStart, type SteeringError } from "./failures.ts"
import { plain } from "./json.ts"
import { isStatus, jobJson, listJobs } from "./jobView.ts"
import { audit, isAllowed, permitProgram } from "./permits.ts"
import { cutValue } from "./previews.ts"
import * as Problems from "./problems.ts"
import { badCursor, type Paged } from "./queries.ts"
import * as Shapes from "./shapes.ts"
import { problemOf } from "./steering.ts"
import type { SignalRefused } from "../outcome/JobError.ts"

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

/** A place behind every approval that was asked for at a time. No key of an approval is behind this one. */
const lastKey = "\uffff"

/** The place just before a point, and the one just behind it. */
const beforeOf = <P extends Point>(point: P): P => ({ ...point, since: Math.max(0, point.since - 1), key: lastKey })
const behindOf = <P extends Point>(point: P): P => ({ ...point, since: Math.min(point.since + 1, latest), key: "" })

/** A time after all others. */
const latest = 999_999_999_999_999

const isBefore = ({ id, since }: Pick<Approval, "id" | "since">, than: Point): boolean =>
  since !== than.since ? since < than.since : keyOf(id) < than.key

interface ListRequest extends OfJob {
  readonly query: Paged & { readonly valueLength?: number | undefined }
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

const pointOf = ({ id, since }: Approval): Point => ({ since, key: keyOf(id) })

const pointText = ({ key, since }: Point): string => `${since}:${key}`

/** A page of the open approvals of one job. */
export const approvals = Effect.fnUntraced(function* (core: SharedCore, store: Store, { params, query }: ListRequest) {
  const { before, cursor, limit = Limits.serverPage } = query
  const text = before ?? cursor
  const [, since, key = ""] = text === undefined ? [] : (/^(\d{1,15}):(.*)$/s.exec(text) ?? [])
  if (text !== undefined && since === undefined) return yield* badCursor(query)
  const open = yield* openOf(store, yield* core.directory.find(params.id))
  const place = since === undefined ? undefined : { since: Number(since), key }
  const isBack = before !== undefined
  const rest = place === undefined ? open : open.filter((one) => (isBack ? isBefore(one, place) : isAfter(one, place)))
  const page = isBack ? rest.slice(-limit) : rest.slice(0, limit)
  const [first, last] = [page[0], page.at(-1)].map((one) => (one === undefined ? undefined : pointOf(one)))
  const hasMore = rest.length > limit
  const next = isBack ? (last ?? (place && beforeOf(place))) : hasMore ? last : undefined
  const previous = isBack ? (hasMore ? first : undefined) : place && (first ?? behindOf(place))
  return {
    approvals: inList(page, query.valueLength),
    unread: [],
    cursor: next === undefined ? null : pointText(next),
    previous: previous === undefined ? null : pointText(previous)
  }
})

/* ---------------------------------------------------------------- of all jobs */

/** A place among the approvals of all jobs: a job, and a point among its approvals. */
interface Place extends Point {
  readonly createdAt: number
  readonly jobId: string
}

/** The places behind all approvals of a job, and before them. */
const behind = ({ createdAt, jobId }: Pick<Place, "createdAt" | "jobId">): Place => ({
  createdAt,
  jobId,
  since: latest,
  key: ""
})
const inFrontOf = (job: Pick<Place, "createdAt" | "jobId">): Place => ({ ...behind(job), since: 0 })

const cursorOf = ({ createdAt, jobId, key, since }: Place): string =>
  `${createdAt}:${since}:${jobId.length}:${jobId}${key}`

const placeIn = (cursor: string): Place | undefined => {
  const [, createdAt, since, length, rest = ""] = /^(\d{1,15}):(\d{1,15}):(\d{1,4}):(.+)$/s.exec(cursor) ?? []
  if (createdAt === undefined) return undefined
  const at = Number(length)
  return { createdAt: Number(createdAt), since: Number(since), jobId: rest.slice(0, at), key: rest.slice(at) }
}

interface OpenQuery extends Paged {
  readonly program?: string | undefined
  readonly valueLength?: number | undefined
}

/** Collects one page of approvals, job by job, those nearest to the place first: onwards, or backwards. */
class Collector {
  readonly shown: Array<Approval> = []
  readonly unread: Array<string> = []
  /** The place after which, or before which, the next page begins. */
  place: Place | undefined
  /** The place of the first approval that was found. */
  first: Place | undefined
  /** Whether the page is full, or enough journals were read for it. */
  isDone = false
  #journals = 0
  readonly #core: SharedCore
  readonly #store: Store
  readonly #limit: number
  readonly #isBack: boolean

  constructor(core: SharedCore, store: Store, limit: number, isBack: boolean) {
    this.#core = core
    this.#store = store
    this.#limit = limit
    this.#isBack = isBack
  }

  /** The approvals of a job in the direction of the page: those beyond a point, if there is one. */
  #ofJob(open: ReadonlyArray<Approval>, from: Point | undefined): ReadonlyArray<Approval> {
    if (this.#isBack) return open.filter((one) => from === undefined || isBefore(one, from)).toReversed()
    return open.filter((one) => from === undefined || isAfter(one, from))
  }

  /** Adds the approvals of a job, those beyond a point if there is one. */
  add(job: Pick<Place, "createdAt" | "jobId">, from?: Point): Effect.Effect<void> {
    const end = this.#isBack ? inFrontOf(job) : behind(job)
    return Effect.gen({ self: this }, function* () {
      const { createdAt, jobId } = job
      const found = yield* this.#core.directory.find(jobId)
      if (!isKnown(found) && ++this.#journals > Limits.serverApprovalJournals) return void (this.isDone = true)
      for (const approval of this.#ofJob(yield* openOf(this.#store, found), from)) {
        if (this.shown.length === this.#limit) return void (this.isDone = true)
        this.shown.push(approval)
        this.place = { createdAt, jobId, ...pointOf(approval) }
        this.first ??= this.place
      }
      this.place = end
    }).pipe(
      // The job was deleted meanwhile, or its journal cannot be read: the other jobs are shown all the same.
      Effect.catch((error) =>
        Effect.sync(() => {
          if (error._tag !== "UnknownJob") this.unread.push(job.jobId)
          this.place = end
        })
      )
    )
  }
}

/** A page of the open approvals of all jobs, those of the newest jobs first. */
export const openApprovals = Effect.fnUntraced(function* (core: SharedCore, store: Store, query: OpenQuery) {
  const { before, cursor, limit = Limits.serverPage, program } = query
  const access = yield* Sender
  if (program !== undefined) yield* permitProgram(program)
  const text = before ?? cursor
  const from = text === undefined ? undefined : placeIn(text)
  if (text !== undefined && from === undefined) return yield* badCursor(query)
  const isBack = before !== undefined
  const collector = new Collector(core, store, limit, isBack)
  if (from !== undefined && from.since !== (isBack ? 0 : latest)) {
    const owner = yield* core.directory.programOf(from.jobId)
    if (owner !== undefined && isAllowed(access, owner)) yield* collector.add(from, from)
  }
  const place = from === undefined ? undefined : `${from.createdAt}:${from.jobId}`
  const filters = { program, status: "unfinished", limit: Limits.storeListJobs } as const
  const jobs = yield* listJobs(core.directory, store, {
    ...filters,
    ...(isBack ? { before: place } : { cursor: place })
  })
  const inOrder = isBack ? jobs.jobs.toReversed() : jobs.jobs
  for (const job of inOrder) {
    if (collector.isDone) break
    if (isAllowed(access, job.program)) yield* collector.add(job)
  }
  const { first, isDone, shown, unread } = collector
  const last = inOrder.at(-1)
  const hasMoreJobs = (isBack ? jobs.previous : jobs.cursor) !== null && last !== undefined
  const end = hasMoreJobs ? (isBack ? inFrontOf(last) : behind(last)) : undefined
  const beyond = isDone ? (collector.place ?? from) : end
  const back = from === undefined ? undefined : (first ?? (isBack ? beforeOf(from) : behindOf(from)))
  const [next, previous] = isBack ? [back, beyond] : [beyond, back]
  const inPage = inList(isBack ? shown.toReversed() : shown, query.valueLength)
  const cursorText = (one: Place | undefined) => (one === undefined ? null : cursorOf(one))
  return { approvals: inPage, unread, cursor: cursorText(next), previous: cursorText(previous) }
})

/* ---------------------------------------------------------------- answer */

type Answer = typeof Shapes.Answer.Type

interface AnswerRequest extends OfJob {
  readonly request: HttpServerRequest
}

type Decided = typeof Shapes.Decided.Type

/** The decision of an approval, if the job has it. */
const decidedIn = ({ view }: KnownJob, id: string): Decided | undefined => {
  const fact = Option.getOrUndefined(view.committed.context.get(Decision, id))
  if (fact === undefined) return undefined
  const { approved, by, reason } = fact.value
  return { approved, by, note: reason, cycle: fact.provenance.cycle }
}

/** Whether a fork has inherited the decision. It was made in the job from which the fork began, in one of its cycles. */
const isInherited = ({ view }: KnownJob, id: string): boolean => {
  const fact = Option.getOrUndefined(view.committed.context.get(Decision, id))
  return fact !== undefined && view.factText(fact.provenance.version) === undefined
}

const decidedText = (known: KnownJob, id: string, { approved, by, cycle, note }: Decided): string => {
  const why = note === "" ? "" : `: ${JSON.stringify(note)}`
  const did = approved ? "approved" : "rejected"
  const when = isInherited(known, id)
    ? `in cycle ${cycle} of the job from which this one was forked`
    : `in cycle ${cycle}`
  return `the approval ${JSON.stringify(id)} was ${did} by ${JSON.stringify(by)} ${when}${why}`
}

/** The problem for an approval that is not open. It tells the decision, if there is one. */
const notOpen = (known: KnownJob, id: string): Problems.SignalRefused => {
  const decided = decidedIn(known, id)
  return new Problems.SignalRefused({
    program: known.view.program.name,
    kind: Decision.name,
    reason: "approval",
    decided,
    detail:
      decided === undefined
        ? `there is no open approval ${JSON.stringify(id)}: nobody has asked for it`
        : decidedText(known, id, decided)
  })
}

/** The problem for a decision that a job did not take. */
const refusedFor = (known: KnownJob, id: string, error: SignalRefused | SteeringError) => {
  const decided = decidedIn(known, id)
  if (error._tag === "SignalRefused") return decided === undefined ? ofRefusal(error) : notOpen(known, id)
  const problem = problemOf(known, error)
  if (problem._tag !== "JobHalted" || decided === undefined) return problem
  const { jobId, jobStatus } = problem
  return new Problems.JobHalted({
    jobId,
    jobStatus,
    decided,
    detail: `${error.message}; ${decidedText(known, id, decided)}`
  })
}

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
  const { job } = known
  const isOpen = Effect.map(job.approvals, (open) => open.some((one) => one.id === id))
  // A job that has ended has no open approval; its signal says how it ended.
  if (!isStatus((yield* job.status).state) && !(yield* isOpen)) return yield* notOpen(known, id)
  const value = { approval: id, approved: decision === "approve", by: by ?? name ?? "anybody", reason: note ?? "" }
  yield* Effect.mapError(signalJson(job, [{ kind: Decision.name, value }]), (error) => refusedFor(known, id, error))
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
