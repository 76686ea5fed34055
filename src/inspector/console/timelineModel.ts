/**
 * A job's time as bars on lanes: from what was recorded, and from what runs at present.
 *
 * Workers have a lane each. Tasks of fiber agents share the main thread, so they get as many lanes as run at a time: a task
 * takes the first lane that is free when it begins. Times are in milliseconds since the epoch. Boundary: pure; records in,
 * bars out.
 */
import type { FactRef } from "./api.ts"
import type { RecordedCycle } from "./shapes.ts"
import type { LiveTask } from "./telemetry.ts"

export interface Bar {
  readonly key: string
  readonly cycle: number
  readonly agent: string
  readonly each: FactRef | undefined
  readonly worker: number
  readonly from: number
  /** Undefined while it runs. */
  readonly to: number | undefined
  /** When it was queued, if that is known. */
  readonly queued: number | undefined
  readonly attempts: number
  readonly discarded: string | undefined
}

export interface Commit {
  readonly cycle: number
  readonly at: number
  /** When the tasks began. The same as `at` if no task took long enough to be recorded. */
  readonly from: number
  readonly tasks: number
  readonly facts: number
  readonly discarded: number
}

export interface Lane {
  readonly name: string
  readonly bars: ReadonlyArray<Bar>
}

export interface Timeline {
  readonly lanes: ReadonlyArray<Lane>
  readonly commits: ReadonlyArray<Commit>
  readonly from: number
  readonly to: number
}

const recordedBars = ({ at, cycle, recorded, tookMs }: RecordedCycle): ReadonlyArray<Bar> => {
  const began = at - (tookMs ?? 0)
  return recorded.map(({ agent, attempts, discarded, each, part, startMs, tookMs: ms, worker }, index) => ({
    key: JSON.stringify([cycle, index, agent, each?.id, part]),
    cycle,
    agent,
    each: each ?? undefined,
    worker,
    from: began + startMs,
    to: began + startMs + ms,
    queued: began,
    attempts,
    discarded: discarded ?? undefined
  }))
}

const liveBar = (task: LiveTask): ReadonlyArray<Bar> =>
  task.claimedAt === undefined
    ? []
    : [
        {
          key: task.key,
          cycle: task.cycle,
          agent: task.agent,
          each: task.each,
          worker: task.worker,
          from: task.claimedAt,
          to: task.endedAt,
          queued: task.queuedAt,
          attempts: task.attempt,
          discarded: undefined
        }
      ]

/** Puts bars on as many lanes as overlap at a time. */
const packed = (bars: ReadonlyArray<Bar>): ReadonlyArray<ReadonlyArray<Bar>> => {
  const lanes: Array<Array<Bar>> = []
  const ends: Array<number> = []
  for (const bar of bars) {
    let lane = ends.findIndex((end) => end <= bar.from)
    if (lane === -1) {
      lane = lanes.length
      lanes.push([])
    }
    lanes[lane]!.push(bar)
    ends[lane] = bar.to ?? Infinity
  }
  return lanes
}

/** Tuning: lanes of the main thread. Tasks beyond them share the last one, so that the workers stay in sight. */
const mainLanes = 8

const mainOf = (bars: ReadonlyArray<Bar>): ReadonlyArray<Lane> => {
  const lists = packed(bars)
  const shown = lists.length > mainLanes ? lists.slice(0, mainLanes - 1) : lists
  const lanes = shown.map((list, index) => ({ name: index === 0 ? "main" : `main ${index + 1}`, bars: list }))
  if (shown.length === lists.length) return lanes
  const rest = lists
    .slice(shown.length)
    .flat()
    .sort((a, b) => a.from - b.from)
  return [...lanes, { name: `main ${mainLanes}\u2013${lists.length}`, bars: rest }]
}

/** The timeline of recorded cycles, and of the live tasks of later cycles. `now` ends the bars of running tasks. */
export const timelineOf = (
  cycles: ReadonlyArray<RecordedCycle>,
  tasks: Iterable<LiveTask>,
  now: number | undefined
): Timeline => {
  const last = cycles.at(-1)?.cycle ?? 0
  const bars = cycles.flatMap(recordedBars)
  for (const task of tasks) if (task.cycle > last) bars.push(...liveBar(task))
  bars.sort((a, b) => a.from - b.from)
  const byWorker = new Map<number, Array<Bar>>()
  for (const bar of bars) {
    const list = byWorker.get(bar.worker) ?? []
    byWorker.set(bar.worker, list)
    list.push(bar)
  }
  const lanes: Array<Lane> = []
  for (const worker of [...byWorker.keys()].sort((a, b) => a - b)) {
    const own = byWorker.get(worker) ?? []
    if (worker > 0) lanes.push({ name: `worker ${worker}`, bars: own })
  }
  lanes.push(...mainOf(byWorker.get(0) ?? []))
  const commits = cycles.map(({ at, cycle, discarded, facts, tasks: count, tookMs }) => ({
    cycle,
    at,
    from: at - (tookMs ?? 0),
    tasks: count,
    facts,
    discarded
  }))
  const starts = [...bars.map(({ from, queued }) => queued ?? from), ...commits.map(({ from }) => from)]
  const ends = [...bars.map(({ from, to }) => to ?? now ?? from), ...commits.map(({ at }) => at)]
  const from = starts.reduce((a, b) => Math.min(a, b), Infinity)
  const to = ends.reduce((a, b) => Math.max(a, b), -Infinity)
  return from === Infinity
    ? { lanes: [], commits: [], from: 0, to: 1 }
    : { lanes, commits, from, to: Math.max(to, from + 1) }
}

/** The bars that took longest. */
export const longest = (
  { lanes }: Timeline,
  count: number,
  now: number
): ReadonlyArray<Bar & { readonly ms: number }> =>
  lanes
    .flatMap(({ bars }) => bars.map((bar) => ({ ...bar, ms: (bar.to ?? now) - bar.from })))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, count)

/** How much of the shown time each lane was busy: 0 to 1. */
export const busyPart = ({ bars }: Lane, from: number, to: number): number => {
  let busy = 0
  let counted = from
  // Bars of one lane may overlap; the same time counts once.
  for (const bar of bars) {
    const end = Math.min(bar.to ?? to, to)
    busy += Math.max(0, end - Math.max(bar.from, counted))
    counted = Math.max(counted, end)
  }
  return to > from ? Math.min(1, busy / (to - from)) : 0
}

/** Steps of a scale: a round number of milliseconds, so that about `count` marks fit. */
export const stepOf = (ms: number, count: number): number => {
  const rough = ms / count
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 0.001)))
  for (const factor of [1, 2, 5, 10]) if (factor * power >= rough) return factor * power
  return 10 * power
}
