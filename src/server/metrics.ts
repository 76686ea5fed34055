/**
 * Metrics of the server.
 *
 * Boundary: names and attributes; those of jobs are in observability.ts, those of the pool in workers/metrics.ts.
 */
import * as Context from "effect/Context"
import { counter, gauge, histogram, tagged } from "../platform/metrics.ts"
import * as Shapes from "./shapes.ts"

const requests = counter("converge_http_requests_total", "Requests that were answered, by route, method and status")

const seconds = histogram(
  "converge_http_request_duration_seconds",
  "From a request's arrival to its answer, streams excluded",
  [0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, Infinity]
)

const streams = gauge("converge_http_streams", "Event streams that are open")
const dropped = counter(
  "converge_http_clients_dropped_total",
  "Clients that were hung up on because they did not read what they were sent"
)
const refusals = counter("converge_http_refusals_total", "Requests that were turned away for a while, by reason")
const held = gauge(
  "converge_http_client_bytes",
  "About how many bytes clients hold that are being sent something long",
  "By"
)
const damaged = gauge(
  "converge_damaged_jobs",
  "Jobs of the store whose journals are not what was written, as far as this server has met them"
)
const known = gauge("converge_jobs", "Jobs that the server knows, by state")

const empty = Context.empty()

/**
 * A function that records a request of one route, method and status by its duration in milliseconds. `route` is a pattern of
 * the API, so there are few.
 */
const noter = (route: string, method: string, status: number) => {
  const count = tagged(requests, { route, method, status: String(status) })
  const duration = tagged(seconds, { route, method })
  return (ms: number): void => {
    count.updateUnsafe(1, empty)
    duration.updateUnsafe(ms / 1_000, empty)
  }
}

/** Notes a request. */
export const noteRequest = (route: string, method: string, status: number, ms: number): void =>
  noter(route, method, status)(ms)

/** Notes a request that was answered without waiting for anything: its duration is 0. */
export const noteAtOnce = (route: string, method: string, status: number): void => noteRequest(route, method, status, 0)

const alive = noter("/health", "GET", 200)

/** Notes a request for /health that was answered at once. */
export const noteAlive = (): void => alive(0)

/** The reasons for which requests are turned away for a while. */
const reasons = ["queue-full", "memory-pressure", "shutting-down", "store", "streams"]

/** The states of jobs that this server holds, so neither suspended nor quarantined. */
const states = Shapes.State.literals.filter((state) => state !== "suspended" && state !== "quarantined")

/** Sets the gauges: the number of open streams, the bytes that clients hold, and the number of jobs in each state. */
export const noteStates = (openStreams: number, clientBytes: number, jobStates: Iterable<string>): void => {
  streams.updateUnsafe(openStreams, empty)
  held.updateUnsafe(clientBytes, empty)
  // A counter that starts at 0 has a rate from its first increment on.
  dropped.updateUnsafe(0, empty)
  for (const reason of reasons) tagged(refusals, { reason }).updateUnsafe(0, empty)
  const counts = new Map<string, number>(states.map((state) => [state, 0]))
  for (const state of jobStates) counts.set(state, (counts.get(state) ?? 0) + 1)
  for (const [state, count] of counts) tagged(known, { state }).updateUnsafe(count, empty)
}

/** Sets the gauge of the damaged jobs. */
export const noteDamaged = (jobs: number): void => damaged.updateUnsafe(jobs, empty)

/** Notes a client that was hung up on. */
export const noteDropped = (): void => dropped.updateUnsafe(1, empty)

/** Notes a request that was turned away with a problem for which it may be sent again later. */
export const noteRefusal = (reason: string): void => tagged(refusals, { reason }).updateUnsafe(1, empty)
