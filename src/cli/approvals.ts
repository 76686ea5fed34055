/**
 * `converge approvals`: the approvals that wait for a decision, of one job or of all jobs.
 *
 * A server lists them page by page. A file is read as a whole, job by job, newest first; the lines and the JSON are the same.
 * Boundary: a list in, lines or JSON out.
 */
import * as Effect from "effect/Effect"
import { approvalsIn } from "../journal/approvals.ts"
import type { StartError } from "../outcome/JobError.ts"
import type * as Shapes from "../server/shapes.ts"
import { JobStore, type StoredJob } from "../store/index.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { shellWord } from "./pasted.ts"
import { type Place, type Placed, placeOf } from "./place.ts"
import { asFailed, moment, openPlace, type Page, printed } from "./storedJobs.ts"
import { inlineJson, oneLine, toPlain, truncate } from "./text.ts"

export interface ApprovalsOptions extends Placed {
  readonly job: ReadonlyArray<string>
  readonly program: string | undefined
  readonly cursor: string | undefined
  readonly json: boolean
}

type Approval = typeof Shapes.Approval.Type

interface Listed {
  readonly approvals: ReadonlyArray<Omit<Approval, "data"> & { readonly data: unknown }>
  /** Jobs whose journals cannot be read. */
  readonly unread: ReadonlyArray<string>
  readonly cursor: string | null
  /** The `before` of the page before; null if there is none. */
  readonly previous: string | null
}

/* ---------------------------------------------------------------- a file */

/** The open approvals of a job, oldest first. Of two with one id, the first counts: they get the same decision. */
export const openIn = Effect.fnUntraced(function* (jobId: string) {
  const store = yield* JobStore
  const journal = yield* store.load(jobId)
  const open = journal.status === undefined ? yield* approvalsIn(store, journal) : []
  const found = open.map(({ at, data, id, question, timeoutMs }) => ({
    ...{ jobId, program: journal.program, id, question: question ?? null, data: toPlain(data) ?? null },
    ...{ since: at, timeoutMs: timeoutMs ?? null }
  }))
  const first = found.filter(({ id }, index) => found.findIndex((other) => other.id === id) === index)
  const keyOf = (id: string): string => JSON.stringify(id)
  return first.toSorted((a, b) => a.since - b.since || (keyOf(a.id) > keyOf(b.id) ? 1 : -1))
})

/** All unfinished jobs, newest first. */
const unfinished = Effect.fnUntraced(function* (program: string | undefined) {
  const { list } = yield* JobStore
  const found: Array<StoredJob> = []
  let cursor: string | undefined
  do {
    const page = yield* list({ status: "unfinished", program, cursor })
    found.push(...page.jobs)
    cursor = page.cursor
  } while (cursor !== undefined)
  return found
})

const inFile = (
  jobId: string | undefined,
  { cursor, program }: ApprovalsOptions
): Effect.Effect<Listed, StartError | Failed, JobStore> =>
  Effect.gen(function* () {
    if (cursor !== undefined) {
      return yield* new UsageError({ message: "--cursor is for a server: a file is listed as a whole" })
    }
    if (jobId !== undefined) return { approvals: yield* openIn(jobId), unread: [], cursor: null, previous: null }
    const approvals: Array<Listed["approvals"][number]> = []
    const unread: Array<string> = []
    for (const job of yield* unfinished(program)) {
      const open = yield* Effect.catchTag(openIn(job.jobId), "JournalCorrupt", () => Effect.succeed(undefined))
      if (open === undefined) unread.push(job.jobId)
      else approvals.push(...open)
    }
    return { approvals, unread, cursor: null, previous: null }
  })

/* ---------------------------------------------------------------- a list */

const listed = (place: Place, id: string | undefined, options: ApprovalsOptions): Effect.Effect<Listed, Failed> => {
  if (place._tag === "File") return Effect.provide(Effect.mapError(inFile(id, options), asFailed), openPlace(place))
  const { cursor, program } = options
  const more = cursor === undefined ? {} : { cursor }
  return Effect.flatMap(
    Effect.promise(() => import("./serverClient.ts")),
    ({ ask }) =>
      ask(place, ({ jobs }) =>
        id === undefined
          ? jobs.openApprovals({ query: { ...more, ...(program === undefined ? {} : { program }) } })
          : jobs.approvals({ params: { id }, query: more })
      )
  )
}

const pageOf = ({ approvals, cursor, unread }: Listed, { style, width }: Page): string => {
  const lines = approvals.flatMap(({ data, id, jobId, question, since }) => [
    `${style("bold", oneLine(jobId))}  ${oneLine(id)}${style("dim", `  since ${moment(since)}`)}`,
    ...(question === null ? [] : [`  ${oneLine(question)}`]),
    ...(data === null ? [] : [`  ${truncate(oneLine(inlineJson(toPlain(data))), width - 2)}`])
  ])
  const missing = unread.map((jobId) => style("yellow", `the journal of ${oneLine(jobId)} cannot be read`))
  const rest = cursor === null ? [] : [style("dim", `more: --cursor ${shellWord(cursor)}`)]
  const all = [...lines, ...missing, ...rest]
  return all.length === 0 ? style("dim", "no approvals") : all.join("\n")
}

export const approvals = (host: Host, options: ApprovalsOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const [id] = options.job
    if (id !== undefined && options.program !== undefined) {
      return yield* new UsageError({ message: "--program is for the approvals of all jobs: leave it out" })
    }
    const found = yield* listed(yield* placeOf(options), id, options)
    return yield* printed(host, options.json, found, { json: (list) => list, page: pageOf })
  }).pipe(Effect.scoped)
