/**
 * A job's time as bars on lanes: from what was recorded, and from what runs at present.
 *
 * Workers have a lane each. Tasks of fiber agents share the main thread, so they get as many lanes as run at a time: a task
 * takes the first lane that is free when it begins. Tasks that wait have lanes below these. Times are in milliseconds since the
 * epoch. Boundary: pure; records in, bars out.
 */
import type { LiveTask } from "./liveTask.ts"
import type { FactRef, RecordedCycle } from "./shapes.ts"

/**
 * What became of a task. `discarded`: its effect was not applied. `killed`: it was stopped, because it took too long or too much
 * memory, or its thread was lost.
 */
export type Outcome = "queued" | "running" | "done" | "retried" | "discarded" | "killed"

/** In the order in which the legend names them. */
export const outcomes: ReadonlyArray<Outcome> = ["queued", "running", "done", "retried", "discarded", "killed"]

/** Causes for which a task is stopped from outside. */
const killing = new Set(["AgentTimedOut", "AgentOutOfMemory", "WorkerCrashed"])

const outcomeOf = (failed: string | undefined, attempts: number): Outcome =>
  failed !== undefined ? (killing.has(failed) ? "killed" : "discarded") : attempts > 1 ? "retried" : "done"

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
  /** The `_tag` of the cause for which it has no effect. */
  readonly discarded: string | undefined
  readonly outcome: Outcome
  /** The reason why it waits. */
  readonly waitsFor: "concurrency" | "budget" | undefined
  /** It took less than a millisecond, and when in its cycle is not recorded: the bar stands where its effect was discarded. */
  readonly isUntimed?: true
}

/** Whether a task had no effect, and so is drawn above the others. */
export const isFailure = ({ outcome }: Bar): boolean => outcome === "discarded" || outcome === "killed"

export interface Commit {
  readonly cycle: number
  readonly at: number
  /** When the tasks began. The same as `at` if no task took long enough to be recorded. */
  readonly from: number
  /** When the last task that was recorded had ended. From then to `at`, effects were merged and the cycle was written. */
  readonly merge: number
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

const timedBars = ({ at, cycle, recorded, tookMs }: RecordedCycle): ReadonlyArray<Bar> => {
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
    discarded: discarded ?? undefined,
    outcome: outcomeOf(discarded ?? undefined, attempts),
    waitsFor: undefined
  }))
}

/** The bars of discarded tasks without recorded times. A record of an earlier version names none. */
const untimedBars = ({ at, cycle, untimed }: Partial<RecordedCycle> & Pick<RecordedCycle, "at" | "cycle">) =>
  (untimed ?? []).map(({ agent, discarded, each, part }, index): Bar => ({
    key: JSON.stringify([cycle, "untimed", index, agent, each?.id, part]),
    cycle,
    agent,
    each: each ?? undefined,
    worker: untimedLane,
    from: at,
    to: at,
    queued: undefined,
    attempts: 1,
    discarded,
    outcome: outcomeOf(discarded, 1),
    waitsFor: undefined,
    isUntimed: true
  }))

/** In place of a thread, for tasks of which none is known. */
const untimedLane = -1

const recordedBars = (cycle: RecordedCycle): ReadonlyArray<Bar> => [...timedBars(cycle), ...untimedBars(cycle)]

/** The bars of cycles that were shown before: a recorded cycle never changes. */
const remembered = new WeakMap<RecordedCycle, ReadonlyArray<Bar>>()

const barsOf = (cycle: RecordedCycle): ReadonlyArray<Bar> => {
  const known = remembered.get(cycle)
  if (known !== undefined) return known
  const bars = recordedBars(cycle)
  remembered.set(cycle, bars)
  return bars
}

/**
 * The bar of a task that telemetry told of. A task that waits has its bar from the time at which it was queued. Where the job is
 * over, a task that has no end was stopped with it, and one that had not begun has no bar.
 */
const liveBar = (task: LiveTask, isOver: boolean): ReadonlyArray<Bar> => {
  const { attempt, claimedAt, endedAt, failed, waitsFor } = task
  // Between two attempts a task may wait for its permit again.
  const isWaiting = claimedAt === undefined || (waitsFor !== undefined && endedAt === undefined)
  if (isOver && isWaiting) return []
  const unfinished = isWaiting ? "queued" : isOver ? "killed" : "running"
  const bar: Bar = {
    key: task.key,
    cycle: task.cycle,
    agent: task.agent,
    each: task.each,
    worker: task.worker,
    from: claimedAt ?? task.queuedAt,
    to: endedAt,
    queued: task.queuedAt,
    attempts: attempt,
    discarded: failed,
    outcome: isWaiting || endedAt === undefined ? unfinished : outcomeOf(failed, attempt),
    waitsFor
  }
  return [bar]
}

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
/** Tuning: lanes of tasks that wait. */
const waitingLanes = 4

/** At most so many lanes: the last has all bars that are on no other. */
const lanesOf = (name: string, bars: ReadonlyArray<Bar>, most: number): ReadonlyArray<Lane> => {
  const lists = packed(bars)
  const shown = lists.length > most ? lists.slice(0, most - 1) : lists
  const lanes = shown.map((list, index) => ({ name: index === 0 ? name : `${name} ${index + 1}`, bars: list }))
  if (shown.length === lists.length) return lanes
  const rest = lists
    .slice(shown.length)
    .flat()
    .sort((a, b) => a.from - b.from)
  return [...lanes, { name: `${name} ${most}\u2013${lists.length}`, bars: rest }]
}

/**
 * The timeline of recorded cycles, and of the live tasks of later cycles. `now` ends the bars of running tasks; undefined: the
 * job is over.
 */
export const timelineOf = (
  cycles: ReadonlyArray<RecordedCycle>,
  tasks: Iterable<LiveTask>,
  now: number | undefined
): Timeline => {
  const last = cycles.at(-1)?.cycle ?? 0
  const bars = cycles.flatMap(barsOf)
  for (const task of tasks) if (task.cycle > last) bars.push(...liveBar(task, now === undefined))
  bars.sort((a, b) => a.from - b.from)
  const byWorker = new Map<number, Array<Bar>>()
  const waiting = bars.filter(({ outcome }) => outcome === "queued")
  for (const bar of bars) {
    if (bar.outcome === "queued") continue
    const list = byWorker.get(bar.worker) ?? []
    byWorker.set(bar.worker, list)
    list.push(bar)
  }
  const lanes: Array<Lane> = []
  for (const worker of [...byWorker.keys()].sort((a, b) => a - b)) {
    const own = byWorker.get(worker) ?? []
    if (worker > 0) lanes.push({ name: `worker ${worker}`, bars: own })
  }
  lanes.push(...lanesOf("main", byWorker.get(0) ?? [], mainLanes))
  const untimed = byWorker.get(untimedLane)
  if (untimed !== undefined) lanes.push({ name: "under 1 ms", bars: untimed })
  lanes.push(...lanesOf("waits", waiting, waitingLanes))
  const commits = cycles.map(({ at, cycle, discarded, facts, recorded, tasks: count, tookMs }) => ({
    cycle,
    at,
    from: at - (tookMs ?? 0),
    merge: Math.min(at, at - (tookMs ?? 0) + Math.max(0, ...recorded.map(({ startMs, tookMs: ms }) => startMs + ms))),
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

/** The number of bars of each outcome that has any, in the order of the legend. */
export const tallyOf = ({ lanes }: Timeline): ReadonlyArray<readonly [outcome: Outcome, count: number]> => {
  const counts = new Map<Outcome, number>()
  for (const { bars } of lanes) for (const { outcome } of bars) counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  return outcomes.flatMap((outcome) => {
    const count = counts.get(outcome)
    return count === undefined ? [] : [[outcome, count] as const]
  })
}

/** The agents in the order in which they first ran. */
export const agentsOf = ({ lanes }: Timeline): ReadonlyArray<string> => {
  const first = new Map<string, number>()
  for (const { bars } of lanes)
    for (const { agent, from } of bars) first.set(agent, Math.min(from, first.get(agent) ?? from))
  return [...first].sort(([a, one], [b, other]) => one - other || (a < b ? -1 : 1)).map(([agent]) => agent)
}

/** The bars in the order of their beginning, as the keys go through them. */
export const inOrder = ({ lanes }: Timeline): ReadonlyArray<Bar> =>
  lanes.flatMap(({ bars }) => bars).sort((a, b) => a.from - b.from || (a.key < b.key ? -1 : 1))

/** The bars that took longest, the longest first, of cycles up to one if that is given. Tasks that wait are not among them. */
export const longest = (
  { lanes }: Timeline,
  count: number,
  now: number,
  until = Infinity
): ReadonlyArray<Bar & { readonly ms: number }> => {
  const found: Array<Bar & { readonly ms: number }> = []
  for (const { bars } of lanes) {
    for (const bar of bars) {
      if (bar.outcome === "queued" || bar.isUntimed === true || bar.cycle > until) continue
      const ms = (bar.to ?? now) - bar.from
      if (found.length === count && ms <= found[count - 1]!.ms) continue
      // There are few, and the next one is rarely among them.
      found.splice(found.findLastIndex((other) => other.ms >= ms) + 1, 0, { ...bar, ms })
      if (found.length > count) found.pop()
    }
  }
  return found
}

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
