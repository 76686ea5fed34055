/**
 * A job's time as bars on lanes: from what was recorded, and from what runs at present.
 *
 * Workers have a lane each, also idle ones. The tasks of a fiber agent have as many lanes as run at a time: a task takes the
 * first lane of its agent that is free when it begins. An agent that declares how many run at a time has that many lanes, also
 * idle ones. Tasks that wait have lanes below these. An agent whose lanes are folded has one. Times are in milliseconds since the
 * epoch. Boundary: pure; records in, bars out.
 */
import { type LiveTask, taskKeyOf } from "./liveTask.ts"
import type { FactRef, RecordedCycle } from "./shapes.ts"
import { type JobTimes, type Rest, restingMs, restsOf } from "./timelineRests.ts"

/**
 * The outcome of a task. `discarded`: its effect was not applied. `killed`: it was stopped, because it took too long or too much
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
  /** The name of its task, as telemetry has it. */
  readonly name: string
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
  readonly waitsFor: LiveTask["waitsFor"]
  /** When further attempts began, as far as that was heard. */
  readonly begins: ReadonlyArray<number>
  /** It took less than a millisecond, and when in its cycle is not recorded: the bar stands where its effect was discarded. */
  readonly isUntimed?: true
  /** Nobody heard when it began: the bar stands where it ended. */
  readonly hasNoBegin?: true
}

/** Whether it is known how long its task took. */
const isTimed = ({ hasNoBegin, isUntimed }: Bar): boolean => isUntimed !== true && hasNoBegin !== true

/** Milliseconds that a task took, or has taken so far. The page's time may be older than what was heard of the task. */
export const msOf = ({ from, to }: Bar, now: number): number => Math.max(0, (to ?? now) - from)

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
  /** The agent whose fibers it has. Undefined for the lane of a worker, and for that of untimed tasks. */
  readonly agent: string | undefined
  /** Whether it is one of the lanes of a thread, and not one of tasks that wait or are untimed. */
  readonly isOfThread: boolean
  readonly bars: ReadonlyArray<Bar>
  /** The number of idle lanes that it stands for. Left out if it is one lane. */
  readonly idle?: number
}

export interface Timeline {
  readonly lanes: ReadonlyArray<Lane>
  readonly commits: ReadonlyArray<Commit>
  /** In order, and one after the other. */
  readonly rests: ReadonlyArray<Rest>
  readonly from: number
  readonly to: number
}

const timedBars = ({ at, cycle, recorded, tookMs }: RecordedCycle): ReadonlyArray<Bar> => {
  const began = at - (tookMs ?? 0)
  return recorded.map(({ agent, attempts, discarded, each, part, startMs, tookMs: ms, worker }, index) => ({
    key: JSON.stringify([cycle, index, agent, each?.id, part]),
    name: taskKeyOf({ cycle, agent, each, ...(part === undefined ? {} : { part }) }),
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
    waitsFor: undefined,
    begins: []
  }))
}

/** The bars of discarded tasks without recorded times. A record of an earlier version names none. */
const untimedBars = ({ at, cycle, untimed }: Partial<RecordedCycle> & Pick<RecordedCycle, "at" | "cycle">) =>
  (untimed ?? []).map(({ agent, discarded, each, part }, index): Bar => ({
    key: JSON.stringify([cycle, "untimed", index, agent, each?.id, part]),
    name: "",
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
    begins: [],
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
  const isWaiting = endedAt === undefined && (claimedAt === undefined || waitsFor !== undefined)
  if (isOver && isWaiting) return []
  const unfinished = isWaiting ? "queued" : isOver ? "killed" : "running"
  const bar: Bar = {
    key: task.key,
    name: task.key,
    cycle: task.cycle,
    agent: task.agent,
    each: task.each,
    worker: task.worker,
    from: claimedAt ?? endedAt ?? task.queuedAt,
    to: endedAt,
    // Nobody knows which part of the time before its end it waited.
    queued: claimedAt === undefined && endedAt !== undefined ? undefined : task.queuedAt,
    attempts: attempt,
    discarded: failed,
    outcome: isWaiting || endedAt === undefined ? unfinished : outcomeOf(failed, attempt),
    waitsFor,
    begins: task.begins,
    ...(claimedAt === undefined && endedAt !== undefined ? { hasNoBegin: true as const } : {})
  }
  return [bar]
}

/** Numbers, of which the least is taken first. */
class Least {
  readonly #heap: Array<readonly [order: number, lane: number]> = []

  get first(): readonly [order: number, lane: number] | undefined {
    return this.#heap[0]
  }

  add(order: number, lane: number): void {
    const heap = this.#heap
    let place = heap.push([order, lane]) - 1
    while (place > 0) {
      const above = (place - 1) >> 1
      if (heap[above]![0] <= heap[place]![0]) return
      this.#swap(above, place)
      place = above
    }
  }

  take(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let place = 0; ;) {
      const [left, right] = [2 * place + 1, 2 * place + 2]
      let least = place
      if (left < heap.length && heap[left]![0] < heap[least]![0]) least = left
      if (right < heap.length && heap[right]![0] < heap[least]![0]) least = right
      if (least === place) return
      this.#swap(least, place)
      place = least
    }
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const held = heap[a]!
    heap[a] = heap[b]!
    heap[b] = held
  }
}

/**
 * Moves the beginning of a bar to the commit of the cycle before, at the earliest: no task begins before that. The times of a
 * record are counted back from its commit, and those of a live task come from another clock, so they may overlap a little.
 */
const notBefore = (bar: Bar, commit: number | undefined): Bar => {
  if (commit === undefined) return bar
  const { from, queued, to } = bar
  if (from >= commit && (queued === undefined || queued >= commit)) return bar
  const begin = Math.max(from, commit)
  return {
    ...bar,
    from: begin,
    to: to === undefined ? undefined : Math.max(to, begin),
    queued: queued === undefined ? undefined : Math.max(queued, commit)
  }
}

/** The bars of recorded cycles, each after the commit of the cycle before. */
const barsInOrder = (cycles: ReadonlyArray<RecordedCycle>): ReadonlyArray<Bar> =>
  cycles.flatMap((cycle, index) => {
    const before = cycles[index - 1]?.at
    return barsOf(cycle).map((bar) => notBefore(bar, before))
  })

/** Milliseconds by which bars of one lane may overlap: their times are rounded. */
const roundedMs = 1

/**
 * Tuning: milliseconds by which bars may overlap where their agent has as many lanes as it runs tasks at a time: those times are
 * rounded, or come from two clocks. A task leaves its permit between attempts, so bars of such tasks may overlap for longer.
 */
const cappedMs = 10

/**
 * Puts bars on as many lanes as overlap at a time. A lane is free again when its bar has ended. `limit`: how many tasks run at a
 * time, if that is known.
 */
const packed = (bars: ReadonlyArray<Bar>, limit = Infinity): ReadonlyArray<ReadonlyArray<Bar>> => {
  const lanes: Array<Array<Bar>> = []
  const [busy, free] = [new Least(), new Least()]
  for (const bar of bars) {
    const take = (slackMs: number): void => {
      for (let { first } = busy; first !== undefined && first[0] <= bar.from + slackMs; { first } = busy) {
        busy.take()
        free.add(first[1], first[1])
      }
    }
    take(roundedMs)
    if (free.first === undefined && lanes.length >= limit) take(cappedMs)
    const lane = free.first?.[1] ?? lanes.length
    if (lane === lanes.length) lanes.push([])
    else free.take()
    lanes[lane]!.push(bar)
    busy.add(bar.to ?? Infinity, lane)
  }
  return lanes
}

/** Tuning: an agent that runs more tasks at a time has one lane for all that are idle. */
const mostIdleLanes = 8

/** The idle lanes of an agent beside the lanes that it has, up to its limit. */
const idleLanes = (agent: string, count: number, limit: number): ReadonlyArray<Lane> => {
  const idle = limit === Infinity ? 0 : Math.max(0, limit - count)
  const lane = { agent, isOfThread: true, bars: [] }
  if (limit > mostIdleLanes && idle > 1) return [{ ...lane, name: `${agent} ${count + 1}–${limit}`, idle }]
  return Array.from({ length: idle }, (_, index) => ({ ...lane, name: nameOfLane(agent, count + index) }))
}

const nameOfLane = (name: string, index: number): string => (index === 0 ? name : `${name} ${index + 1}`)

/** The lanes of fibers that run, in the order in which their agents begin. Agents that have only waited come last. */
const lanesOfFibers = (
  bars: ReadonlyArray<Bar>,
  waiting: ReadonlyArray<Bar>,
  { folded = noneFolded, limits = noLimits }: TimelineOptions
): ReadonlyArray<Lane> => {
  const byAgent = Map.groupBy(bars, ({ agent }) => agent)
  for (const { agent } of waiting) if (limits.has(agent) && !byAgent.has(agent)) byAgent.set(agent, [])
  return [...byAgent].flatMap(([agent, own]) => {
    const limit = limits.get(agent) ?? Infinity
    const lists = packed(own, limit)
    const count = Math.max(lists.length, limit === Infinity ? 0 : limit)
    if (folded.has(agent) && count > 1) {
      const name = count === lists.length ? `${agent} ×${count}` : `${agent} ×${lists.length} of ${count}`
      return [{ name, agent, isOfThread: true, bars: own }]
    }
    const lanes = lists.map((list, index) => ({ name: nameOfLane(agent, index), agent, isOfThread: true, bars: list }))
    return [...lanes, ...idleLanes(agent, lists.length, limit)]
  })
}

/** The lanes of tasks that wait, by their agents. */
const lanesOfWaiting = (bars: ReadonlyArray<Bar>, folded: ReadonlySet<string>): ReadonlyArray<Lane> =>
  [...Map.groupBy(bars, ({ agent }) => agent)].flatMap(([agent, own]) => {
    const lists = packed(own)
    const lane = { agent, isOfThread: false }
    const name = `${agent} waits`
    if (folded.has(agent) && lists.length > 1) return [{ ...lane, name: `${name} ×${lists.length}`, bars: own }]
    return lists.map((list, index) => ({ ...lane, name: nameOfLane(name, index), bars: list }))
  })

const laneOfWorker = (worker: number, bars: ReadonlyArray<Bar>): Lane => ({
  name: `worker ${worker}`,
  agent: undefined,
  isOfThread: true,
  bars
})

/** Tuning: idle workers up to this one have a lane. A pool has as many workers as the machine has cores, mostly. */
const mostIdleWorkers = 256

/** The lanes of workers, by their numbers: of each one that has run a task, and of idle ones in the pool and between these. */
const lanesOfWorkers = (byWorker: ReadonlyMap<number, ReadonlyArray<Bar>>, workers: number): ReadonlyArray<Lane> => {
  const used = [...byWorker.keys()].filter((worker) => worker > 0)
  const last = used.reduce((most, worker) => Math.max(most, worker), workers)
  const pool = Array.from({ length: Math.min(last, mostIdleWorkers) }, (_, index) => index + 1)
  return [...new Set([...pool, ...used])]
    .sort((a, b) => a - b)
    .map((worker) => laneOfWorker(worker, byWorker.get(worker) ?? []))
}

const noneFolded: ReadonlySet<string> = new Set()

const noLimits: ReadonlyMap<string, number> = new Map()

export interface TimelineOptions {
  /** The size of the pool, whose idle workers have a lane, too. 0 where it is not known. */
  readonly workers?: number
  /** The agents whose lanes are one. */
  readonly folded?: ReadonlySet<string>
  /** How many tasks of an agent run at a time, by its name, if it declares that. */
  readonly limits?: ReadonlyMap<string, number>
  /** The times of the job, by which rests before and after its cycles are known. */
  readonly times?: JobTimes | undefined
}

/** The further attempts of tasks, from what was heard of them: the record does not know when they began. */
const withBegins = (bars: ReadonlyArray<Bar>, heard: ReadonlyMap<string, LiveTask>): ReadonlyArray<Bar> =>
  bars.map((bar) => {
    const begins = bar.attempts > 1 ? heard.get(bar.name)?.begins : undefined
    return begins === undefined || begins.length === 0 ? bar : { ...bar, begins }
  })

const lanesOf = (bars: ReadonlyArray<Bar>, options: TimelineOptions): ReadonlyArray<Lane> => {
  const { folded = noneFolded, workers = 0 } = options
  const waiting: Array<Bar> = []
  const byWorker = new Map<number, Array<Bar>>()
  for (const bar of bars) {
    if (bar.outcome === "queued") {
      waiting.push(bar)
      continue
    }
    const list = byWorker.get(bar.worker) ?? []
    byWorker.set(bar.worker, list)
    list.push(bar)
  }
  const untimed = byWorker.get(untimedLane)
  return [
    ...lanesOfWorkers(byWorker, workers),
    ...lanesOfFibers(byWorker.get(0) ?? [], waiting, options),
    ...(untimed === undefined ? [] : [{ name: "under 1 ms", agent: undefined, isOfThread: false, bars: untimed }]),
    ...lanesOfWaiting(waiting, folded)
  ]
}

/**
 * The timeline of recorded cycles, and of the live tasks of later cycles. `now` ends the bars of running tasks; undefined: the
 * job is over.
 */
export const timelineOf = (
  cycles: ReadonlyArray<RecordedCycle>,
  tasks: ReadonlyMap<string, LiveTask>,
  now: number | undefined,
  options: TimelineOptions = {}
): Timeline => {
  const last = cycles.at(-1)?.cycle ?? 0
  const bars = [...withBegins(barsInOrder(cycles), tasks)]
  const lastAt = cycles.at(-1)?.at
  for (const task of tasks.values()) {
    if (task.cycle <= last) continue
    for (const bar of liveBar(task, now === undefined)) bars.push(notBefore(bar, lastAt))
  }
  bars.sort((a, b) => a.from - b.from)
  const lanes = bars.length === 0 ? [] : lanesOf(bars, options)
  const commits = cycles.map(({ at, cycle, discarded, facts, recorded, tasks: count, tookMs }) => ({
    cycle,
    at,
    from: at - (tookMs ?? 0),
    merge: Math.min(at, at - (tookMs ?? 0) + Math.max(0, ...recorded.map(({ startMs, tookMs: ms }) => startMs + ms))),
    tasks: count,
    facts,
    discarded
  }))
  const rests = restsOf(cycles, options.times)
  const starts = [
    ...bars.map(({ from, queued }) => queued ?? from),
    ...commits.map(({ from }) => from),
    ...rests.map(({ from }) => from)
  ]
  const ends = [
    ...bars.map(({ from, to }) => to ?? now ?? from),
    ...commits.map(({ at }) => at),
    ...rests.map(({ from, to }) => to ?? now ?? from)
  ]
  const from = starts.reduce((a, b) => Math.min(a, b), Infinity)
  const to = ends.reduce((a, b) => Math.max(a, b), -Infinity)
  return from === Infinity
    ? { lanes: [], commits: [], rests: [], from: 0, to: 1 }
    : { lanes, commits, rests, from, to: Math.max(to, from + 1) }
}

/** The part of a timeline that lies within a time, with all its lanes. */
export const within = (timeline: Timeline, from: number, to: number): Timeline => ({
  ...timeline,
  lanes: timeline.lanes.map((lane) => ({
    ...lane,
    bars: lane.bars.filter((bar) => bar.from <= to && (bar.to ?? Infinity) >= from)
  })),
  commits: timeline.commits.filter(({ at }) => at >= from && at <= to),
  rests: timeline.rests.filter((rest) => rest.from < to && (rest.to ?? Infinity) > from)
})

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

/** A bar or a rest, at which keys stop. */
export type Stop =
  | { readonly key: string; readonly from: number; readonly bar: Bar; readonly rest?: undefined }
  | { readonly key: string; readonly from: number; readonly rest: Rest; readonly bar?: undefined }

const rememberedStops = new WeakMap<Timeline, ReadonlyArray<Stop>>()

/** The bars and the rests in the order of their beginning. */
export const stopsOf = (timeline: Timeline): ReadonlyArray<Stop> => {
  const known = rememberedStops.get(timeline)
  if (known !== undefined) return known
  const bars = inOrder(timeline).map((bar): Stop => ({ key: bar.key, from: bar.from, bar }))
  const rests = timeline.rests.map((rest): Stop => ({ key: rest.key, from: rest.from, rest }))
  // A rest begins with a commit, and so after the bars of that cycle.
  const stops = rests.length === 0 ? bars : [...rests, ...bars].sort((a, b) => a.from - b.from)
  rememberedStops.set(timeline, stops)
  return stops
}

/** A bar, with the time that its task took and the name of its lane. */
export type LongBar = Bar & { readonly ms: number; readonly lane: string }

/** The bars that took longest, the longest first, of cycles up to one if that is given. Tasks that wait are not among them. */
export const longest = ({ lanes }: Timeline, count: number, now: number, until = Infinity): ReadonlyArray<LongBar> => {
  const found: Array<LongBar> = []
  for (const { bars, name: lane } of lanes) {
    for (const bar of bars) {
      if (bar.outcome === "queued" || !isTimed(bar) || bar.cycle > until) continue
      const ms = msOf(bar, now)
      if (found.length === count && ms <= found[count - 1]!.ms) continue
      // There are few, and the next one is rarely among them.
      found.splice(found.findLastIndex((other) => other.ms >= ms) + 1, 0, { ...bar, ms, lane })
      if (found.length > count) found.pop()
    }
  }
  return found
}

/** How much of the shown time a lane was busy, without the rests of the job: 0 to 1. */
export const busyPart = ({ bars }: Lane, from: number, to: number, rests: ReadonlyArray<Rest> = []): number => {
  const resting = rests.reduce((sum, rest) => sum + restingMs(rest, { from, to }), 0)
  const whole = to - from - resting
  let busy = 0
  let counted = from
  // Bars of one lane may overlap; the same time counts once.
  for (const bar of bars) {
    const end = Math.min(bar.to ?? to, to)
    busy += Math.max(0, end - Math.max(bar.from, counted))
    counted = Math.max(counted, end)
  }
  return whole > 0 ? Math.min(1, busy / whole) : 0
}

/** Steps of a scale: a round number of milliseconds, so that about `count` marks fit. */
export const stepOf = (ms: number, count: number): number => {
  const rough = ms / count
  const power = 10 ** Math.floor(Math.log10(Math.max(rough, 0.001)))
  for (const factor of [1, 2, 5, 10]) if (factor * power >= rough) return factor * power
  return 10 * power
}

/** The reason why there is nothing to draw. `refusal`: the title of the problem for which no times came; "" if none. */
export const whyEmpty = (
  refusal: string,
  { cycle, state }: { readonly cycle: number; readonly state: string } = { cycle: 0, state: "" }
): string => {
  const none =
    refusal !== ""
      ? `The times cannot be read: ${refusal}.`
      : cycle === 0
        ? "No cycle has been committed, and times are recorded with a cycle."
        : "No times are recorded of this job. They are recorded with each committed cycle, where the store is durable."
  return state === "running" || state === "queued" ? `${none} Those of tasks that run are shown from now on.` : none
}
