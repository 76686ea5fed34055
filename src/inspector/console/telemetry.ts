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
import { onceAFrame, onceIn, pause } from "./browser.ts"
import { clockMs } from "./clock.ts"
import { taskKeyOf } from "./liveTask.ts"
import { bound, LiveTasks, type OfTask, type TaskItem } from "./liveTasks.ts"

export type Item =
  | TaskItem
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

/** Reporting tasks, and reports of one task that the page remembers. */
const rememberedReports = 50
const rememberedValues = 500

const heard = new LiveTasks()
export const live = heard.tasks
/** The time of the newest that was heard, by the server's clock. The page's time may be a second older. */
export const heardAt = (): number => heard.heardAt
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

/** Attempts of a task report on their own, in each process. */
const reportKeyOf = (item: OfTask): string => JSON.stringify([taskKeyOf(item), item.attempt, recording])

/** The name of a recording, from the id of one of its items. */
const recordingOf = (id: string): string => id.split("-", 1)[0] ?? ""

/** Goes on with the items of a recording. If it is another one, the tasks of the cycle under way begin anew. */
const goOnWith = (name: string): void => {
  if (name === recording || name === "") return
  if (recording !== "") {
    isTakenUp.value = true
    heard.beginAnew()
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

const noteReport = (item: OfTask & { readonly value?: unknown }): void => {
  const key = reportKeyOf(item)
  const report = reports.get(key) ?? begun(key, item)
  reports.set(key, report)
  report.values.push(item.value)
  report.count++
  if (report.values.length > rememberedValues) report.values.splice(0, report.values.length - rememberedValues)
  bound(reports, rememberedReports)
}

const note = (item: Item): void => {
  if (item._tag === "Missed") {
    // Nobody knows how many are missing of another process: `isTakenUp` tells of it.
    if (item.from !== null && item.to !== null) missed.value += item.to - item.from + 1
    return
  }
  if (item._tag === "Ended" || item._tag === "Goodbye") return
  heard.note(item)
  if (item._tag === "TaskProgress") noteReport(item)
  if (item._tag === "TaskEnded") {
    const report = reports.get(reportKeyOf(item))
    if (report !== undefined) report.isOver = true
  }
}

/** The number of views that need the stream. */
const users = signal(0)

effect(() => {
  const id = jobId.value
  heard.clear()
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
  if (value === undefined || users.value === 0 || isOver.peek()) return
  heard.takeUp(value, value.now ?? clockMs())
  draw()
  picture()
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
