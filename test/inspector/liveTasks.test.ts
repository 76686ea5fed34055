/** The tasks that a page has heard of: from telemetry that began when they ran, and of a job that changed its process. */
import { describe, expect, it } from "vitest"
import { LiveTasks, type TaskItem } from "../../src/inspector/console/liveTasks.ts"
import { longest, tallyOf, timelineOf } from "../../src/inspector/console/timelineModel.ts"
import type { TasksNow } from "../../src/inspector/console/shapes.ts"

const began = 1_000_000

const each = (id: number) => ({ kind: "Item", id: String(id) })

/** What telemetry tells of an item's task, so many milliseconds after the cycle began. */
const told = (tag: "TaskQueued" | "TaskClaimed" | "TaskEnded", id: number, ms: number): TaskItem => {
  const about = { sequence: 1, agent: "call", cycle: 1, each: each(id), attempt: 1, at: began + ms }
  if (tag === "TaskQueued") return { _tag: tag, ...about }
  return { _tag: tag, ...about, worker: 0 }
}

const list = (more: Partial<TasksNow>): TasksNow => ({
  now: began,
  cycle: 1,
  tasks: 4,
  running: [],
  waiting: [],
  waits: 0,
  began,
  ended: [],
  ends: 0,
  pool: { waiting: 0, busy: 0, size: 0 },
  since: null,
  spentMs: {},
  ...more
})

const ended = (id: number, startMs: number, tookMs: number): TasksNow["ended"][number] => ({
  agent: "call",
  each: each(id),
  worker: 0,
  startMs,
  tookMs,
  attempts: 1,
  discarded: null
})

const runs = (id: number, ms: number): TasksNow["running"][number] => ({
  agent: "call",
  each: each(id),
  worker: 0,
  ms,
  attempt: 1
})

const waits = (id: number, since: number): TasksNow["waiting"][number] => ({
  agent: "call",
  each: each(id),
  for: "concurrency",
  since
})

const tasksOf = (heard: LiveTasks) =>
  [...heard.tasks.values()].map(({ claimedAt, each: about, endedAt }) => [
    about?.id,
    claimedAt === undefined ? undefined : claimedAt - began,
    endedAt === undefined ? undefined : endedAt - began
  ])

describe("a task whose beginning nobody heard", () => {
  const heard = (): LiveTasks => {
    const tasks = new LiveTasks()
    tasks.note(told("TaskEnded", 0, 4_013))
    tasks.note(told("TaskClaimed", 1, 4_014))
    return tasks
  }

  it("has the times of the server's list", () => {
    const tasks = heard()
    tasks.takeUp(list({ ended: [ended(0, 1, 4_012)], running: [runs(1, 986)] }), began + 5_000)
    expect(tasksOf(tasks)).toEqual([
      ["0", 1, 4_013],
      ["1", 4_014, undefined]
    ])
    expect(longest(timelineOf([], tasks.tasks, began + 5_000), 1, 0)).toMatchObject([
      { ms: 4_012, from: began + 1, queued: began }
    ])
  })

  it("counts as ended where no list names it, and is not said to have taken no time", () => {
    const timeline = timelineOf([], heard().tasks, began + 5_000)
    expect(tallyOf(timeline)).toEqual([
      ["running", 1],
      ["done", 1]
    ])
    expect(longest(timeline, 10, began + 5_000).map(({ ms }) => ms)).toEqual([986])
  })

  it("has the beginning that a list told of while it ran, as an end that was heard does", () => {
    const tasks = new LiveTasks()
    tasks.takeUp(list({ running: [runs(0, 2_000)] }), began + 2_001)
    tasks.note(told("TaskEnded", 0, 4_013))
    tasks.takeUp(list({}), began + 5_000)
    expect(tasksOf(tasks)).toEqual([["0", 1, 4_013]])
  })
})

describe("a job that another process goes on with", () => {
  /** Two tasks have ended and two run, when the process dies. */
  const before = (): LiveTasks => {
    const tasks = new LiveTasks()
    for (const id of [0, 1, 2, 3]) tasks.note(told("TaskQueued", id, 0))
    for (const id of [0, 1]) tasks.note(told("TaskClaimed", id, 1))
    for (const id of [0, 1]) tasks.note(told("TaskEnded", id, 3_000))
    for (const id of [2, 3]) tasks.note(told("TaskClaimed", id, 3_001))
    return tasks
  }
  const again = began + 9_000
  const anew = list({
    began: again,
    running: [runs(0, 1_000), runs(1, 1_000)],
    waiting: [waits(2, again), waits(3, again)]
  })

  it.each([
    ["telemetry", true],
    ["the list of present tasks", false]
  ])("has only the tasks of that process in the cycle under way, when %s tells of it first", (_, isTold) => {
    const tasks = before()
    if (isTold) tasks.beginAnew()
    tasks.takeUp(anew, again + 1_000)
    expect(tasksOf(tasks).toSorted(([a], [b]) => Number(a) - Number(b))).toEqual([
      ["0", 9_000, undefined],
      ["1", 9_000, undefined],
      ["2", undefined, undefined],
      ["3", undefined, undefined]
    ])
    const timeline = timelineOf([], tasks.tasks, again + 1_000)
    expect(tallyOf(timeline)).toEqual([
      ["queued", 2],
      ["running", 2]
    ])
    expect(timeline.lanes.filter(({ isOfThread }) => isOfThread)).toHaveLength(2)
    expect([...tasks.tasks.values()].every(({ queuedAt }) => queuedAt === again)).toBe(true)
  })

  it("keeps what was heard of cycles that were committed", () => {
    const tasks = before()
    tasks.note({ ...told("TaskQueued", 0, 4_000), cycle: 2 })
    tasks.beginAnew()
    expect([...tasks.tasks.values()].map(({ cycle }) => cycle)).toEqual([1, 1, 1, 1])
  })
})
