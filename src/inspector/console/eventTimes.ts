/**
 * When the events in sight happened. Events have no times: those of a job's beginning and end are in its journal, and those of a
 * cycle are the time at which its tasks began and the time of its commit, where these were recorded.
 *
 * Invariants: only the cycles of rows in sight that are committed are asked for, one request at a time; the page remembers a
 * bounded number of them; where no time is recorded, none is given. Boundary: asks the timeline and remembers.
 */
import { effect, signal, untracked } from "@preact/signals"
import { ask, ofJob, queryOf } from "./api.ts"
import { later } from "./browser.ts"
import { job, jobId } from "./jobStore.ts"
import type { RecordedCycle, TimelinePage } from "./shapes.ts"

/** Cycles of one request, and cycles that the page remembers. */
const mostAsked = 100
const remembered = 5_000

/** Tuning: milliseconds between two requests. Rows of a fast job pass by more quickly. After a failure, the next comes later. */
const gapMs = 300
const failedMs = 5_000

/** The times in a cycle's record, in milliseconds since the epoch. */
interface CycleTime {
  readonly began: number | undefined
  readonly committed: number
  readonly tookMs: number | undefined
}

/** The cycles that were asked for; undefined: the record does not have it. */
const known = new Map<number, CycleTime | undefined>()

/** Counts up when times come. */
const timed = signal(0)

let wanted: ReadonlyArray<number> = []
let cancel: (() => void) | undefined
let isAsking = false

effect(() => {
  void jobId.value
  known.clear()
  wanted = []
  cancel?.()
  cancel = undefined
})

const timeOf = ({ at, tookMs }: RecordedCycle): CycleTime => ({
  began: tookMs === null ? undefined : at - tookMs,
  committed: at,
  tookMs: tookMs ?? undefined
})

/** Whether a cycle has a record by now, as far as the page knows. That of a cycle under way comes with its commit. */
const isCommitted = (cycle: number): boolean => cycle <= (job.peek()?.cycle ?? 0)

/** Asks for the times of a cycle and of those in sight after it. Returns the time until the next request. */
const fetchNext = async (id: string, first: number): Promise<number> => {
  const last = wanted.findLast((cycle) => cycle < first + mostAsked && isCommitted(cycle)) ?? first
  const query = queryOf({ after: first - 1, limit: last - first + 1 })
  const answer = await ask<TimelinePage>(ofJob(id, `/timeline${query}`))
  if (jobId.peek() !== id) return gapMs
  if (answer?.ok !== true) return failedMs
  // A server without a durable store has no record of any cycle, and a recorded page lacks the oldest ones.
  for (let cycle = first; cycle <= last; cycle++) known.set(cycle, undefined)
  for (const cycle of answer.value.cycles) if (cycle.cycle <= last) known.set(cycle.cycle, timeOf(cycle))
  for (const oldest of known.keys()) {
    if (known.size <= remembered) break
    known.delete(oldest)
  }
  timed.value++
  return gapMs
}

const goOn = (): void => {
  const id = jobId.peek()
  const first = wanted.find((cycle) => !known.has(cycle) && isCommitted(cycle))
  if (isAsking || cancel !== undefined || id === undefined || first === undefined) return
  isAsking = true
  void fetchNext(id, first).then((restMs) => {
    isAsking = false
    cancel = later(restMs, () => {
      cancel = undefined
      goOn()
    })
  })
}

/** The cycle that was under way has a time once it is committed. */
effect(() => {
  void job.value?.cycle
  untracked(goOn)
})

/** Tells which cycles are in sight, in order. Cycle 0 is the beginning, of which the job itself has the time. */
export const wantTimes = (cycles: ReadonlyArray<number>): void => {
  wanted = cycles
  goOn()
}

/** The known times of a cycle. A view that shows them is drawn again when more is known. */
export const cycleTime = (cycle: number): CycleTime | undefined => {
  void timed.value
  return known.get(cycle)
}

/** The events that a row of the journal becomes. Others happen between two cycles, at times that nobody records. */
const ofRow = /^(?:CycleStarted|Task|Facts|Evaluations|Intent|Signal|Invariant)/

export interface EventTime {
  /** In milliseconds since the epoch. */
  readonly at: number
  /** It happened at this time or before it. */
  readonly isBound: boolean
}

/** When an event happened, if that is known. */
export const eventTime = (tag: string, cycle: number): EventTime | undefined => {
  const { value } = job
  if (value === undefined) return undefined
  if (tag === "JobStarted" || (cycle === 0 && tag.startsWith("Invariant")))
    return { at: value.createdAt, isBound: false }
  if (tag === "JobHalted") return value.haltedAt === null ? undefined : { at: value.haltedAt, isBound: false }
  const time = ofRow.test(tag) ? cycleTime(cycle) : undefined
  if (time === undefined) return undefined
  if (tag !== "CycleStarted") return { at: time.committed, isBound: false }
  return time.began === undefined ? { at: time.committed, isBound: true } : { at: time.began, isBound: false }
}
