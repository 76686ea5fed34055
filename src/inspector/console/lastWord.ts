/**
 * The end of the job in sight, as its log tells it. The server of `converge run --inspect` leaves with its job, maybe before it
 * is asked again, and a page that nobody looks at does not ask.
 *
 * Invariant: of all pages that a browser has of one server, few wait so, since a browser makes few connections to one server at
 * a time. Boundary: reads a stream that has one event.
 */
import { computed, effect } from "@preact/signals"
import { ofJob, readLines } from "./api.ts"
import { amongFew, pause } from "./browser.ts"
import { type Halted, hearEnd, isOver, job, jobId } from "./jobStore.ts"
import { recorded } from "./recorded.ts"

/** Tuning: pages that wait for an end at a time, of all that a browser has of this server. */
const most = 2
/** Tuning: milliseconds before the stream is opened again. */
const gapMs = 5_000
/** The number of an event that no log has. A stream after it has no event but the end. */
const never = 999_999_999_999_999

/** The job whose end is waited for: one that an engine of the server has. */
const awaited = computed(() => {
  const state = job.value?.state
  return isOver.value || state === undefined || state === "suspended" || state === "quarantined"
    ? undefined
    : jobId.value
})

const waitFor = async (id: string, abort: AbortSignal): Promise<void> => {
  const wait = (): Promise<unknown> =>
    readLines<Halted>(ofJob(id, `/events?brief=true&after=${never}`), { signal: abort }, (events) => {
      for (const event of events) if (event._tag === "JobHalted") hearEnd(id, event)
    })
  while (!abort.aborted) {
    await amongFew("converge: the end of a job", most, wait)
    await pause(gapMs, abort)
  }
}

/** Waits for the ends of the jobs that come into sight. */
export const hearEnds = (): (() => void) =>
  effect(() => {
    const id = awaited.value
    if (id === undefined || recorded !== undefined) return undefined
    const abort = new AbortController()
    void waitFor(id, abort.signal)
    return () => abort.abort()
  })
