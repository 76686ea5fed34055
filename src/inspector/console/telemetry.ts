/**
 * Live progress of the job in sight: running tasks, and what they report. It is read while a view needs it.
 *
 * The server keeps a window of the newest items, so a page that was away for a moment goes on without a gap; a longer gap is
 * shown. A job tells nothing before somebody listens, so tasks that already ran or waited then come from the server's list of
 * present tasks. Invariant: the page remembers a bounded number of items. Boundary: reads the stream; views draw it.
 */
import { effect, signal } from "@preact/signals"
import { ofJob, readEvents, type FactRef } from "./api.ts"
import { isOver, job, jobId, tasks } from "./jobStore.ts"
import { now, onceAFrame, onceIn, pause } from "./browser.ts"
import { type LiveTask, type Named, taskKeyOf } from "./liveTask.ts"
import type { TasksNow } from "./shapes.ts"

interface OfTask extends Named {
  readonly sequence: number
  readonly each?: FactRef
  readonly attempt: number
  /** Milliseconds since the epoch, by the server's clock. */
  readonly at: number
}

export type Item =
  | (OfTask & { readonly _tag: "TaskQueued" })
  | (OfTask & { readonly _tag: "TaskWaiting"; readonly for: "concurrency" | "budget" })
  | (OfTask & { readonly _tag: "TaskClaimed"; readonly worker: number })
  | (OfTask & { readonly _tag: "TaskEnded"; readonly worker: number; readonly failed?: string })
  | (OfTask & { readonly _tag: "TaskProgress"; readonly worker: number; readonly value?: unknown })
  | { readonly _tag: "Missed"; readonly from: number | null; readonly to: number | null }
  | { readonly _tag: "Ended" }
  | { readonly _tag: "Goodbye" }

/** The reports of a task, newest last. A text that grows is shown as its newest state. */
export interface Report {
  readonly key: string
  readonly agent: string
  readonly each: FactRef | undefined
  readonly part: number | undefined
  readonly cycle: number
  readonly attempt: number
  /** The recording that it is from. */
  readonly recording: string
  values: Array<unknown>
  count: number
  isOver: boolean
  /** Whether the task began anew, in another process, before it had ended. */
  isLost: boolean
  /** Whether the same task has reported before, in another process. */
  readonly isAgain: boolean
}

/** Tasks, reporting tasks, and reports of one task that the page remembers. */
const rememberedTasks = 20_000
const rememberedReports = 50
const rememberedValues = 500

export const live = new Map<string, LiveTask>()
export const reports = new Map<string, Report>()
/** Counts up when `live` or `reports` change, once a frame. */
export const drawn = signal(0)
/** How many items came too fast for this page. */
export const missed = signal(0)
/** Whether the job has changed its process: the reports that no page has seen by then are lost. */
export const isTakenUp = signal(false)
/** The recording from which items come. Each process of the server, and each time that it takes up a job, has one of its own. */
let recording = ""

const draw = onceAFrame(() => drawn.value++)

/** Tuning: milliseconds between two pictures of all tasks. One of ten thousand tasks takes most of a frame. */
const pictureMs = 250

/** Counts up when `live` changes, a few times a second. */
export const pictured = signal(0)
const picture = onceIn(pictureMs, () => pictured.value++)

/** Drops the oldest, many at once: a map is slow to give its first key after many were taken from its front. */
const bound = <A>(map: Map<string, A>, limit: number): void => {
  if (map.size <= limit * 1.2) return
  for (const key of map.keys()) {
    if (map.size <= limit) return
    map.delete(key)
  }
}

/** Attempts of a task report on their own, in each process. */
const reportKeyOf = (item: OfTask): string => JSON.stringify([taskKeyOf(item), item.attempt, recording])

/** The name of a recording, from the id of one of its items. */
const recordingOf = (id: string): string => id.split("-", 1)[0] ?? ""

/** Goes on with the items of a recording. If it is another one, the tasks that had not ended begin anew. */
const goOnWith = (name: string): void => {
  if (name === recording || name === "") return
  if (recording !== "") {
    isTakenUp.value = true
    for (const [key, task] of live) if (task.endedAt === undefined) live.delete(key)
    for (const report of reports.values()) {
      if (!report.isOver) report.isLost = true
      report.isOver = true
    }
  }
  recording = name
}

const begun = (key: string, item: OfTask): Report => {
  const { agent, attempt, cycle, each, part } = item
  const task = taskKeyOf(item)
  const before = [...reports.values()].filter((report) => report.recording !== recording && taskKeyOf(report) === task)
  for (const report of before) report.isLost = true
  const isAgain = before.length > 0
  return {
    key,
    agent,
    each,
    part,
    cycle,
    attempt,
    recording,
    values: [],
    count: 0,
    isOver: false,
    isLost: false,
    isAgain
  }
}

/** A further attempt is first heard of when it waits or reports: it began at that time, or shortly before. */
const noteAttempt = (task: LiveTask, attempt: number, at: number): void => {
  if (attempt <= task.attempt) return
  task.attempt = attempt
  task.begins.push(at)
}

const note = (item: Item): void => {
  if (item._tag === "Missed") {
    // Nobody knows how many are missing of another process: `isTakenUp` tells of it.
    if (item.from !== null && item.to !== null) missed.value += item.to - item.from + 1
    return
  }
  if (item._tag === "Ended" || item._tag === "Goodbye") return
  const { at, attempt } = item
  if (item._tag === "TaskProgress") {
    const key = reportKeyOf(item)
    const report = reports.get(key) ?? begun(key, item)
    reports.set(key, report)
    const task = live.get(taskKeyOf(item))
    if (task !== undefined) noteAttempt(task, attempt, at)
    report.values.push(item.value)
    report.count++
    if (report.values.length > rememberedValues) report.values.splice(0, report.values.length - rememberedValues)
    bound(reports, rememberedReports)
    return
  }
  const key = taskKeyOf(item)
  const task = live.get(key) ?? heardFirst(key, item, at)
  live.set(key, task)
  // Nobody knows when an attempt that has ended began.
  if (item._tag === "TaskEnded") task.attempt = Math.max(task.attempt, attempt)
  else noteAttempt(task, attempt, at)
  if (item._tag === "TaskWaiting") task.waitsFor = item.for
  if (item._tag === "TaskClaimed") {
    task.claimedAt ??= at
    task.worker = item.worker
    task.waitsFor = undefined
  }
  if (item._tag === "TaskEnded") {
    task.endedAt = at
    task.claimedAt ??= at
    task.failed = item.failed
    const report = reports.get(reportKeyOf(item))
    if (report !== undefined) report.isOver = true
  }
  bound(live, rememberedTasks)
}

const heardFirst = (key: string, named: Named, at: number): LiveTask => ({
  key,
  cycle: named.cycle,
  agent: named.agent,
  each: named.each ?? undefined,
  attempt: 1,
  begins: [],
  queuedAt: at,
  waitsFor: undefined,
  claimedAt: undefined,
  endedAt: undefined,
  worker: 0,
  failed: undefined
})

/** The tasks that ran before anybody listened. The end of some of them is not told of. */
const early = new Set<string>()

/** Takes up a task that telemetry has not told of, and gives its key. `at`: when it was queued. */
const takeUp = (named: Named, at: number, more: Partial<LiveTask>): string => {
  const key = taskKeyOf(named)
  const known = live.get(key)
  if (known !== undefined) known.queuedAt = Math.min(known.queuedAt, at)
  else {
    live.set(key, { ...heardFirst(key, named, at), ...more })
    early.add(key)
  }
  return key
}

/** The task may be heard of, too: its end counts where nothing was told of it. */
const takeUpEnded = ({ began, cycle, ended }: TasksNow): void => {
  if (began === null) return
  for (const { agent, attempts, discarded, each, part, startMs, tookMs, worker } of ended) {
    const [claimedAt, failed] = [began + startMs, discarded ?? undefined]
    const named = { cycle, agent, each, ...(part === undefined ? {} : { part }) }
    const key = takeUp(named, began, { attempt: attempts, worker, claimedAt })
    const task = live.get(key)
    early.delete(key)
    if (task === undefined || task.endedAt !== undefined) continue
    task.claimedAt ??= claimedAt
    task.attempt = Math.max(task.attempt, attempts)
    task.worker = worker
    task.endedAt = task.claimedAt + tookMs
    task.failed = failed
    task.waitsFor = undefined
  }
}

const takeUpAll = (tasksNow: TasksNow, at: number): void => {
  const { began, cycle, running, waiting } = tasksNow
  const present = new Set<string>()
  takeUpEnded(tasksNow)
  for (const { agent, attempt, each, ms, part, worker } of running) {
    const named = { cycle, agent, each, ...(part === undefined ? {} : { part }) }
    present.add(takeUp(named, began ?? at - ms, { attempt, worker, claimedAt: at - ms }))
  }
  for (const { agent, each, for: reason, part, since } of waiting) {
    const named = { cycle, agent, each, ...(part === undefined ? {} : { part }) }
    present.add(takeUp(named, since, { waitsFor: reason === "turn" ? undefined : reason }))
  }
  for (const key of early) {
    const task = live.get(key)
    if (present.has(key)) continue
    early.delete(key)
    if (task?.claimedAt !== undefined) task.endedAt ??= at
  }
  bound(live, rememberedTasks)
  draw()
  picture()
}

/** The number of views that need the stream. */
const users = signal(0)

effect(() => {
  const id = jobId.value
  live.clear()
  early.clear()
  reports.clear()
  missed.value = 0
  isTakenUp.value = false
  recording = ""
  if (id === undefined || users.value === 0) return undefined
  const abort = new AbortController()
  void follow(id, abort.signal)
  return () => abort.abort()
})

effect(() => {
  const { value } = tasks
  if (value !== undefined && users.value > 0 && !isOver.peek()) takeUpAll(value, now.peek())
})

const follow = async (id: string, abort: AbortSignal): Promise<void> => {
  // The job has to be known first: whether it lives decides how long its stream is read.
  while (job.peek()?.jobId !== id && !abort.aborted) await pause(50, abort)
  let [last, isFirst] = ["", true]
  // The server's items of an ended job are read once.
  while (!abort.aborted && (isFirst || !isOver.peek())) {
    isFirst = false
    const answer = await readEvents<Item>(
      ofJob(id, "/telemetry"),
      { signal: abort, headers: last === "" ? {} : { "last-event-id": last } },
      (items, _, lastId) => {
        last = lastId
        goOnWith(recordingOf(lastId))
        for (const item of items) note(item)
        draw()
        picture()
      }
    )
    if (
      answer === undefined ||
      (answer.ok && answer.value === "nothing") ||
      (!answer.ok && answer.problem.status === 409)
    )
      return
    await pause(1_000, abort)
  }
}

/** Keeps the stream open until the returned function is called. */
export const needTelemetry = (): (() => void) => {
  users.value++
  return () => void users.value--
}
