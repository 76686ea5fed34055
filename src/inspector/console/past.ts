/**
 * The job after the cycle that the page shows: what its journal and its events say, and what has changed since.
 *
 * Views take these signals in place of those of the present. Invariant: an answer for another cycle, or another job, is dropped.
 * Boundary: asks and remembers.
 */
import { computed, effect, signal } from "@preact/signals"
import { ask, ofJob, type Problem, type State } from "./api.ts"
import { at, diagnosis, job, jobId, mostParts, storedUsage } from "./jobStore.ts"
import type { Diagnosis, Diff, Replayed } from "./shapes.ts"

/** Characters of an input, and of a payload, that come with it. */
const valueLength = 1_000

/** The job as its journal has it. Undefined while it is asked for, and on a server that keeps no journals. */
export const replayed = signal<Replayed | undefined>(undefined)
/** The diagnosis of the events up to the cycle. */
const examined = signal<Diagnosis | undefined>(undefined)
/** The numbers of facts that differ between that cycle and the newest. */
export const since = signal<Diff["counts"] | undefined>(undefined)
export const pastProblem = signal<Problem | undefined>(undefined)

effect(() => {
  const id = jobId.value
  const cycle = at.value
  if (id === undefined || cycle === undefined) {
    replayed.value = undefined
    examined.value = undefined
    since.value = undefined
    pastProblem.value = undefined
    return undefined
  }
  const abort = new AbortController()
  const get = <A>(path: string) => ask<A>(ofJob(id, path), { signal: abort.signal })
  void Promise.all([
    get<Replayed>(`/replay?at=${cycle}&valueLength=${valueLength}&limit=${mostParts}`),
    get<Diagnosis>(`/diagnosis?at=${cycle}`),
    get<Diff>(`/diff?from=${cycle}&limit=1&valueLength=0`)
  ]).then(([past, found, changes]) => {
    if (abort.signal.aborted) return
    replayed.value = past?.ok === true ? past.value : undefined
    examined.value = found?.ok === true ? found.value : undefined
    since.value = changes?.ok === true ? changes.value.counts : undefined
    pastProblem.value = past?.ok === false ? past.problem : undefined
  })
  return () => abort.abort()
})

/** The state of the job at the cycle that the page shows, as far as it is known. */
export const shownDiagnosis = computed(() => (at.value === undefined ? diagnosis.value : examined.value))

/** Where the job stood after the cycle, by its events. Undefined in the present. */
export const standing = computed(() => (at.value === undefined ? undefined : examined.value?.standing))

/** The state of the job at the cycle that the page shows. */
export const shownState = computed((): State | undefined =>
  at.value === undefined ? job.value?.state : standing.value?.state
)

/** The usage of the job at the cycle that the page shows. */
export const shownUsage = computed(() =>
  at.value === undefined ? (job.value?.usage ?? storedUsage.value) : replayed.value?.usage
)

/** The older intents and diagnostics that the answers leave out, counted; undefined if there are none. */
export const shownOmitted = computed(() =>
  at.value === undefined ? job.value?.result?.omitted : replayed.value?.omitted
)

/** The discarded effects up to the cycle that the page shows. */
export const shownDiagnostics = computed(() =>
  at.value === undefined ? job.value?.result?.diagnostics : replayed.value?.diagnostics
)
