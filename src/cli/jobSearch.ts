/**
 * The filters of `converge jobs` that a store does not have: moments as people write them, a text, and the states of unfinished
 * jobs. A server has all of them; of a file, the pages of the store are read until enough jobs are found.
 *
 * Boundary: pages of a store in, one page out.
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { durationMs } from "../server/durations.ts"
import { JobStore, type ListOptions, type StoredJob } from "../store/index.ts"
import { UsageError } from "./exitCode.ts"
import { type Standing, standingsOf } from "./standing.ts"
import { printable } from "./text.ts"

/** The states of unfinished jobs that can be listed by themselves. */
const openStates = ["awaiting", "paused", "quarantined"] as const
export type OpenState = (typeof openStates)[number]

export const isOpenState = (status: string | undefined): status is OpenState =>
  openStates.some((state) => state === status)

/** A page of a list, with the standing of each job. */
export interface Listed {
  readonly jobs: ReadonlyArray<StoredJob>
  readonly standings: ReadonlyArray<Standing>
  readonly cursor: string | undefined
  readonly previous: string | undefined
}

const lastMsOfDay = 86_399_999

/**
 * The moment that a flag names, in milliseconds since the epoch: a date or a time of ISO 8601, in UTC unless it says otherwise,
 * or a duration before now. `--until` with a date takes all of that day.
 */
export const momentOf = (
  flag: "--since" | "--until",
  text: string | undefined
): Effect.Effect<number | undefined, UsageError> =>
  Effect.gen(function* () {
    if (text === undefined) return undefined
    const ago = /^\d+$/.test(text) ? undefined : durationMs(text)
    if (ago !== undefined) return Math.max(0, Math.floor((yield* Clock.currentTimeMillis) - ago))
    const isDay = /^\d{4}-\d\d-\d\d$/.test(text)
    const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text)
    const isIso = isDay || /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text)
    const found = isIso ? DateTime.make(isDay || hasZone ? text : `${text}Z`) : Option.none()
    if (Option.isSome(found)) {
      const ms = DateTime.toEpochMillis(found.value)
      return Math.max(0, isDay && flag === "--until" ? ms + lastMsOfDay : ms)
    }
    const message = `${flag} needs a date, a time, or a duration before now, such as 2026-01-31, 2026-01-31T12:00Z or 7d, not ${JSON.stringify(text)}`
    return yield* new UsageError({ message: printable(message) })
  })

/** Tuning: jobs that are read at once to search them. */
const searchedAtOnce = 1_000

/** Searches the jobs of a file, newest first, from a cursor on. */
export const searched = Effect.fnUntraced(function* (
  { limit = 100, ...options }: ListOptions,
  state: OpenState | undefined,
  text: string | undefined
) {
  const { list } = yield* JobStore
  const wanted = text?.toLowerCase() ?? ""
  const jobs: Array<StoredJob> = []
  const standings: Array<Standing> = []
  let { cursor } = options
  do {
    const page = yield* list({ ...options, cursor, limit: searchedAtOnce })
    const found = page.jobs.filter(({ error, jobId, program }) =>
      [jobId, program, error ?? ""].some((part) => part.toLowerCase().includes(wanted))
    )
    const stand = yield* standingsOf(found)
    for (const [index, job] of found.entries()) {
      const standing = stand[index] ?? "unfinished"
      if (state !== undefined && standing !== state) continue
      jobs.push(job)
      standings.push(standing)
      // As a search of a server does, it tells of no more than where it stopped: there may be no other job.
      if (jobs.length === limit) {
        return { jobs, standings, cursor: `${job.createdAt}:${job.jobId}`, previous: undefined } satisfies Listed
      }
    }
    ;({ cursor } = page)
  } while (cursor !== undefined)
  return { jobs, standings, cursor: undefined, previous: undefined } satisfies Listed
})
