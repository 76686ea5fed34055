/**
 * `converge jobs`: the jobs of a store, newest first, page by page. Boundary: a list in, a table or JSON out.
 */
import * as Effect from "effect/Effect"
import { JobStore, type StoredJob } from "../store/index.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { moment, type Page, show } from "./storedJobs.ts"
import { duration, oneLine, printable, table, thousands } from "./text.ts"
import { statusText } from "./report.ts"
import type { Status } from "../outcome/Cause.ts"

export interface JobsOptions {
  readonly store: string
  readonly status: Status | "unfinished" | undefined
  readonly program: string | undefined
  readonly limit: number | undefined
  readonly cursor: string | undefined
  readonly json: boolean
}

const mostJobs = 1_000

export const jobs = (host: Host, options: JobsOptions): Effect.Effect<number, Failed> => {
  const { cursor, limit, program, status } = options
  if (limit !== undefined && (limit < 1 || limit > mostJobs)) {
    return Effect.fail(new UsageError({ message: `--limit wants a number from 1 to ${mostJobs}` }))
  }
  const list = Effect.mapError(
    JobStore.use((store) => store.list({ status, program, limit, cursor })),
    (error) =>
      error.reason === "failed" && cursor !== undefined
        ? new UsageError({ message: `--cursor: ${printable(error.message)}` })
        : error
  )
  return show(
    host,
    options,
    list,
    ({ cursor, jobs }) => ({ jobs: jobs.map(jobJson), cursor: cursor ?? null }),
    ({ cursor, jobs }, { style }) => {
      if (jobs.length === 0) return style("dim", "no jobs")
      const more = cursor === undefined ? "" : `\n${style("dim", `more: --cursor ${JSON.stringify(cursor)}`)}`
      return pageOf(jobs, style) + more
    }
  )
}

/** A job of a list as JSON. */
export const jobJson = ({ createdAt, cycle, haltedAt, hash, isHeld, jobId, program, status }: StoredJob) => ({
  jobId,
  program,
  status: status ?? "unfinished",
  isHeld,
  cycle,
  hash,
  createdAt,
  haltedAt: haltedAt ?? null
})

const pageOf = (jobs: ReadonlyArray<StoredJob>, style: Page["style"]): string => {
  const rows = jobs.map(({ createdAt, cycle, haltedAt, isHeld, jobId, program, status }) => [
    statusText(status, isHeld),
    oneLine(jobId),
    oneLine(program),
    thousands(cycle),
    moment(createdAt),
    haltedAt === undefined ? "" : duration(haltedAt - createdAt)
  ])
  const [head = "", ...lines] = table([["status", "job", "program", "cycle", "created", "took"], ...rows], [3])
  const width = Math.max(...["status", ...rows.map(([status = ""]) => status)].map(({ length }) => length))
  const coloured = lines.map((line, index) => {
    const job = jobs[index]
    const text = line.slice(0, width)
    return formatOf(job?.status, style)(text) + line.slice(width)
  })
  return [style("bold", head.trimEnd()), ...coloured.map((line) => line.trimEnd())].join("\n")
}

const formatOf = (status: Status | undefined, style: Page["style"]) => (text: string) => {
  if (status === undefined) return style("cyan", text)
  return style(status === "converged" ? "green" : status === "failed" ? "red" : "yellow", text)
}
