/**
 * The job after the cycle that the page shows: what its journal and its events say, and what has changed since.
 *
 * Views take these signals in place of those of the present. Invariants: an answer is shown only for the job and the cycle that
 * it is of, so nothing of an old cycle stands under a new one; all numbers of what has changed since are of one moment.
 * Boundary: asks and remembers.
 */
import { computed, effect, signal } from "@preact/signals"
import { ask, ofJob, type Problem, queryOf, type State } from "./api.ts"
import { poll } from "./browser.ts"
import { sinceBegin } from "./clock.ts"
import { at, diagnosis, hasNoPast, job, jobId, mostParts, storedUsage } from "./jobStore.ts"
import { recorded } from "./recorded.ts"
import type { Diagnosis, Diff, Replayed, TimelinePage } from "./shapes.ts"

/** Characters of an input, and of a payload, that come with it. */
const valueLength = 1_000
/** Tuning: between two looks whether something has to be asked for. */
const lookMs = 1_000
/** Tuning: between two questions for what has changed since, and the part of the time that the server compares at most. */
const compareMs = 5_000
const restsPerCompare = 20

/** The names of the job and of the past cycle in sight. Undefined in the present. */
const place = computed(() =>
  jobId.value === undefined || at.value === undefined ? undefined : JSON.stringify([jobId.value, at.value])
)

interface Answered {
  readonly of: string
  readonly replayed: Replayed | undefined
  readonly examined: Diagnosis | undefined
  readonly problem: Problem | undefined
}

const answered = signal<Answered | undefined>(undefined)
const known = computed(() => (answered.value?.of === place.value ? answered.value : undefined))

/** The job as its journal has it. Undefined while it is asked for, and on a server that keeps no journals. */
export const replayed = computed(() => known.value?.replayed)
/** The diagnosis of the events up to the cycle. */
const examined = computed(() => known.value?.examined)
export const pastProblem = computed(() => known.value?.problem)
/** Whether the past cycle in sight was asked for, and has not come. */
export const isPastAsked = computed(() => place.value !== undefined && known.value === undefined)

/** Whether the same question can have another answer later. */
export const isPassing = (problem: Problem | undefined): boolean =>
  problem !== undefined && (problem.status === 0 || problem.status >= 500)

effect(() => {
  const of = place.value
  const [id, cycle] = [jobId.value, at.value]
  if (of === undefined || id === undefined || cycle === undefined) return undefined
  let isRead = false
  return poll(lookMs, async (abort) => {
    if (isRead) return
    const get = <A>(path: string) => ask<A>(ofJob(id, path), { signal: abort })
    const [past, found] = await Promise.all([
      get<Replayed>(`/replay${queryOf({ at: cycle, valueLength, limit: mostParts })}`),
      get<Diagnosis>(`/diagnosis${queryOf({ at: cycle })}`)
    ])
    if (abort.aborted || past === undefined || found === undefined) return
    const problem = past.ok ? undefined : past.problem
    isRead = !isPassing(problem) && !isPassing(found.ok ? undefined : found.problem)
    answered.value = {
      of,
      replayed: past.ok ? past.value : undefined,
      examined: found.ok ? found.value : undefined,
      problem
    }
  })
})

/* ---------------------------------------------------------------- since then */

interface Since {
  readonly of: string
  /** The last of the cycles that were compared. */
  readonly to: number
  readonly counts: Diff["counts"]
}

const compared = signal<Since | undefined>(undefined)

/** The numbers of facts that differ between that cycle and a later one, with that one. */
export const since = computed(() => (compared.value?.of === place.value ? compared.value : undefined))

effect(() => {
  const of = place.value
  const [id, cycle] = [jobId.value, at.value]
  if (of === undefined || id === undefined || cycle === undefined) return undefined
  let notBefore = 0
  return poll(lookMs, async (abort) => {
    const last = job.peek()?.cycle ?? cycle
    const before = since.peek()?.to ?? cycle
    if (hasNoPast.peek() || before >= last || sinceBegin() < notBefore) return
    const asked = sinceBegin()
    const query = queryOf({ from: cycle, to: last, limit: 1, valueLength: 0 })
    const answer = await ask<Diff>(ofJob(id, `/diff${query}`), { signal: abort })
    notBefore = sinceBegin() + Math.max(compareMs, restsPerCompare * (sinceBegin() - asked))
    if (abort.aborted || answer?.ok !== true) return
    const { counts, to } = answer.value
    compared.value = { of, to: to.cycle, counts }
  })
})

/* ---------------------------------------------------------------- whether there is a past */

/** The job, and its newest hash, whose past has to be looked for. It is there once one cycle of it is. */
const looked = computed(() => {
  const { cycle = 0, hash, jobId: id } = job.value ?? {}
  return recorded !== undefined || id === undefined || cycle === 0 ? undefined : JSON.stringify([id, cycle, hash])
})
let hasPast: string | undefined

effect(() => {
  if (looked.value === undefined) return undefined
  const { cycle = 0, jobId: id = "" } = job.peek() ?? {}
  if (hasPast === id) return undefined
  const abort = new AbortController()
  // A server without journals has no past, and says so by an empty timeline.
  const path = ofJob(id, `/timeline${queryOf({ after: cycle - 1, limit: 1 })}`)
  void ask<TimelinePage>(path, { signal: abort.signal }).then((page) => {
    if (page?.ok !== true || jobId.peek() !== id) return
    hasNoPast.value = page.value.cycles.length === 0
    if (!hasNoPast.value) hasPast = id
  })
  return () => abort.abort()
})

/* ---------------------------------------------------------------- what the page shows */

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
