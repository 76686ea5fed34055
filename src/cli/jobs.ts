/**
 * `converge jobs`: the jobs of a store or of a server, newest first, page by page. Boundary: a list in, a table or JSON out.
 */
import * as Effect from "effect/Effect"
import { JobStore, type StoredJob, type StoreError } from "../store/index.ts"
import { attributesOf } from "./attributes.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { isOpenState, type Listed, momentOf, type OpenState, searched } from "./jobSearch.ts"
import { lazily } from "./lazily.ts"
import { shellWord } from "./pasted.ts"
import type { Place, Placed } from "./place.ts"
import { isWithoutJournals } from "./serverError.ts"
import { moment, type Page, showAt } from "./storedJobs.ts"
import { type Standing, standingsOf } from "./standing.ts"
import { cyclesOf } from "../store/cycles.ts"
import { lastedMs } from "../store/lasted.ts"
import { duration, oneLine, printable, table, thousands, truncate } from "./text.ts"
import type { Status } from "../outcome/Cause.ts"

export interface JobsOptions extends Placed {
  readonly status: Status | "unfinished" | OpenState | undefined
  /** Moments, as people write them. */
  readonly since: string | undefined
  readonly until: string | undefined
  /** A text in the id, the program or the error's tag. */
  readonly query: string | undefined
  readonly program: string | undefined
  readonly limit: number | undefined
  readonly cursor: string | undefined
  readonly before: string | undefined
  /** Texts such as `customer=Ada`. */
  readonly attribute: ReadonlyArray<string>
  readonly json: boolean
}

const mostJobs = 1_000

export const jobs = (host: Host, options: JobsOptions): Effect.Effect<number, Failed> => {
  const { before, cursor, limit } = options
  if (limit !== undefined && (limit < 1 || limit > mostJobs)) {
    return Effect.fail(new UsageError({ message: `--limit needs a number from 1 to ${mostJobs}` }))
  }
  if (before !== undefined && cursor !== undefined) {
    return Effect.fail(new UsageError({ message: "give --cursor or --before, and not both" }))
  }
  return showAt(host, options, (place) => Effect.flatMap(queryOf(options), (query) => listedAt(place, query)), {
    json: ({ cursor, jobs, previous, standings }) => ({
      jobs: jobs.map((job, index) => jobJson(job, standings[index] ?? "unfinished")),
      cursor: cursor ?? null,
      previous: previous ?? null
    }),
    page: ({ cursor, jobs, previous, standings }, page) => {
      const way = (name: string, place: string | undefined): string =>
        place === undefined ? "" : `\n${page.style("dim", `${name} ${shellWord(place)}`)}`
      const ways = way("newer: --before", previous) + way("more: --cursor", cursor)
      return (jobs.length === 0 ? page.style("dim", "no jobs") : pageOf(jobs, standings, page)) + ways
    }
  })
}

/** The options, with moments in milliseconds since the epoch. */
type Query = Omit<JobsOptions, "json" | "server" | "since" | "store" | "until"> & {
  readonly since: number | undefined
  readonly until: number | undefined
}

const queryOf = ({ json: _json, server: _server, store: _store, ...options }: JobsOptions) =>
  Effect.gen(function* () {
    const since = yield* momentOf("--since", options.since)
    const until = yield* momentOf("--until", options.until)
    return { ...options, since, until } satisfies Query
  })

/** A list of a store. */
const stored = ({ attribute, before, cursor, limit, program, query, since, status, until }: Query) =>
  Effect.gen(function* () {
    const attributes = yield* attributesOf(attribute)
    const filters = { program, limit, cursor, attributes, since, until }
    const state = isOpenState(status) ? status : undefined
    if (state !== undefined || query !== undefined) {
      if (before !== undefined) {
        const message = "--before is not for a search of a file: begin again, and go on with --cursor"
        return yield* new UsageError({ message })
      }
      return yield* searched({ ...filters, status: isOpenState(status) ? "unfinished" : status }, state, query)
    }
    const store = yield* JobStore
    const page = yield* store.list({ ...filters, before, status: isOpenState(status) ? undefined : status })
    return { ...page, standings: yield* standingsOf(page.jobs) } satisfies Listed
  }).pipe(
    Effect.mapError((error) =>
      error._tag === "StoreError" && error.reason === "failed" && (cursor ?? before) !== undefined
        ? new UsageError({ message: `${before === undefined ? "--cursor" : "--before"}: ${printable(error.message)}` })
        : error
    )
  )

/** A list of a store, or of a server that has no journals, or that alone has the filters. */
const listedAt = (place: Place, query: Query): Effect.Effect<Listed, StoreError | Failed, JobStore> => {
  if (place._tag === "File") return stored(query)
  const held = lazily(
    () => import("./heldJob.ts"),
    ({ heldJobs }) => heldJobs(place, query)
  )
  const { query: text, since, status, until } = query
  const isPlain = text === undefined && since === undefined && until === undefined && !isOpenState(status)
  return isPlain ? Effect.catchIf(stored(query), isWithoutJournals, () => held) : held
}

/** A job of a list as JSON. */
export const jobJson = (job: StoredJob, standing: Standing) => {
  const { attempts, attributes, createdAt, cycle, error, haltedAt, hash, isHeld, jobId, parent, program, status } = job
  return {
    jobId,
    program,
    status: status ?? "unfinished",
    state: standing,
    isHeld,
    ...(attempts?.quarantine === undefined ? {} : { quarantine: attempts.quarantine }),
    cycle,
    cycles: cyclesOf(job),
    hash,
    createdAt,
    haltedAt: haltedAt ?? null,
    error: error ?? null,
    ...(attributes === undefined ? {} : { attributes }),
    ...(parent === undefined ? {} : { parent })
  }
}

/** An id with more characters stands on a line of its own, if its row would not fit otherwise. */
const widestId = 40

/** The layouts of a list, from the fullest to the narrowest. Ids are never cut. */
const layouts: ReadonlyArray<{
  readonly columns: ReadonlyArray<"status" | "job" | "program" | "cycles" | "created" | "took" | "error">
  readonly isShort: boolean
}> = [
  { columns: ["status", "job", "program", "cycles", "created", "took", "error"], isShort: false },
  { columns: ["status", "job", "program", "cycles", "created", "took", "error"], isShort: true },
  { columns: ["status", "job", "program", "cycles", "took", "error"], isShort: true },
  { columns: ["status", "job", "program", "cycles"], isShort: true }
]

export const pageOf = (
  jobs: ReadonlyArray<StoredJob>,
  standings: ReadonlyArray<Standing>,
  { style, width }: Page
): string => {
  const hasErrors = jobs.some(({ error }) => error !== undefined)
  const isLong = (id: string, isApart: boolean): boolean => isApart && id.length > widestId
  const ids = jobs.map(({ jobId }) => oneLine(jobId))
  // Each layout comes with all ids in their column, and then with the long ones apart.
  const ways = layouts.flatMap((layout) => [false, true].map((isApart) => ({ ...layout, isApart })))
  const made = ways.map(({ columns: all, isApart, isShort }) => {
    const columns = all.filter((column) => column !== "error" || hasErrors)
    const rows = jobs.map((job, index) => {
      const { createdAt, error, program } = job
      const id = ids[index] ?? ""
      const created = moment(createdAt)
      const cells = {
        status: standings[index] ?? "",
        job: isLong(id, isApart) ? "…" : id,
        program: isShort ? truncate(oneLine(program), 16) : oneLine(program),
        cycles: thousands(cyclesOf(job)),
        // Without the year and the seconds.
        created: isShort ? created.slice(5, 16) : created,
        took: lastCell(job),
        error: oneLine(error ?? "")
      }
      return columns.map((column) => cells[column])
    })
    const lines = table([columns, ...rows], [columns.indexOf("cycles")]).map((line) => line.trimEnd())
    return { lines, isApart }
  })
  const fits = ({ lines }: (typeof made)[number]): boolean => lines.every((line) => line.length <= width)
  const { isApart = false, lines: [head = "", ...lines] = [] } = made.find(fits) ?? made.at(-1) ?? {}
  const widest = Math.max("status".length, ...standings.map(({ length }) => length))
  const coloured = lines.map(
    (line, index) =>
      formatOf(standings[index], style)(line.slice(0, widest)) +
      line.slice(widest) +
      (isLong(ids[index] ?? "", isApart) ? `\n  ${ids[index]}` : "")
  )
  return [style("bold", head), ...coloured].join("\n")
}

/** The duration of a job, or the reason of its quarantine. */
const lastCell = (job: StoredJob): string => {
  const ms = lastedMs(job)
  if (ms !== undefined) return duration(ms)
  const { quarantine } = job.attempts ?? {}
  return quarantine === undefined ? "" : oneLine(quarantine)
}

const formatOf = (standing: Standing | undefined, style: Page["style"]) => (text: string) => {
  if (standing === "running" || standing === "unfinished") return style("cyan", text)
  return style(standing === "converged" ? "green" : standing === "failed" ? "red" : "yellow", text)
}
