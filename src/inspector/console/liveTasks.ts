/**
 * The tasks of a job as the page has heard of them: from telemetry, and from the server's list of present tasks.
 *
 * Telemetry tells of a task from the moment at which somebody listens; the list tells exactly of all of the cycle under way. If
 * an earlier process did a part of a cycle and did not commit it, that is done anew, and forgotten here. Times are in
 * milliseconds since the epoch, by the server's clock. Invariant: a bounded number of tasks. Boundary: pure; items and lists in,
 * tasks out.
 */
import { type LiveTask, type Named, taskKeyOf } from "./liveTask.ts"
import type { FactRef, TasksNow } from "./shapes.ts"

export interface OfTask extends Named {
  readonly sequence: number
  readonly each?: FactRef
  readonly attempt: number
  readonly at: number
}

/** A telemetry item about a task. */
export type TaskItem =
  | (OfTask & { readonly _tag: "TaskQueued" })
  | (OfTask & { readonly _tag: "TaskWaiting"; readonly for: "concurrency" | "budget" })
  | (OfTask & { readonly _tag: "TaskClaimed"; readonly worker: number })
  | (OfTask & { readonly _tag: "TaskEnded"; readonly worker: number; readonly failed?: string })
  | (OfTask & { readonly _tag: "TaskProgress"; readonly worker: number; readonly value?: unknown })

/** Tasks that the page remembers. */
const rememberedTasks = 20_000

/** Milliseconds by which the time of an item and that of a list may differ, since both are rounded. */
const roundedMs = 5

/** Drops the oldest, many at once: a map is slow to give its first key after many were taken from its front. */
export const bound = <A>(map: Map<string, A>, limit: number): void => {
  if (map.size <= limit * 1.2) return
  for (const key of map.keys()) {
    if (map.size <= limit) return
    map.delete(key)
  }
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

/** A further attempt is first heard of when it waits or reports: it began at that time, or shortly before. */
const noteAttempt = (task: LiveTask, attempt: number, at: number): void => {
  if (attempt <= task.attempt) return
  task.attempt = attempt
  task.begins.push(at)
}

export class LiveTasks {
  readonly tasks = new Map<string, LiveTask>()
  /** The time of the newest that was heard. */
  heardAt = 0
  /** The tasks that ran before anybody listened. The end of some of them is not told of. */
  readonly #early = new Set<string>()

  clear(): void {
    this.tasks.clear()
    this.#early.clear()
    this.heardAt = 0
  }

  /** Takes what telemetry tells of a task. */
  note(item: TaskItem): void {
    const { at, attempt } = item
    const key = taskKeyOf(item)
    this.heardAt = Math.max(this.heardAt, at)
    const known = this.tasks.get(key)
    if (item._tag === "TaskProgress") {
      if (known !== undefined) noteAttempt(known, attempt, at)
      return
    }
    const task = known ?? heardFirst(key, item, at)
    this.tasks.set(key, task)
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
      // If nothing was told of its beginning, the list may know it.
      task.endedAt = at
      task.worker = item.worker
      task.failed = item.failed
      task.waitsFor = undefined
    }
    bound(this.tasks, rememberedTasks)
  }

  /** Forgets the cycle under way, which another process begins anew. The cycles before it have been committed. */
  beginAnew(): void {
    let last = 0
    for (const { cycle } of this.tasks.values()) last = Math.max(last, cycle)
    for (const [key, { cycle }] of this.tasks) if (cycle === last) this.tasks.delete(key)
  }

  /** Takes the list of present tasks. `at`: the time of the list. */
  takeUp(list: TasksNow, at: number): void {
    const { began, cycle, running, waiting } = list
    const present = new Set<string>()
    this.#forgetBefore(list)
    this.#takeUpEnded(list)
    for (const { agent, attempt, each, ms, part, worker } of running) {
      const named = { cycle, agent, each, ...(part === undefined ? {} : { part }) }
      const key = this.#takeUp(named, began ?? at - ms, { attempt, worker, claimedAt: at - ms })
      const task = this.tasks.get(key)
      if (task !== undefined && task.claimedAt === undefined) Object.assign(task, { claimedAt: at - ms, worker })
      present.add(key)
    }
    for (const { agent, each, for: reason, part, since } of waiting) {
      const named = { cycle, agent, each, ...(part === undefined ? {} : { part }) }
      present.add(this.#takeUp(named, since, { waitsFor: reason === "turn" ? undefined : reason }))
    }
    for (const key of this.#early) {
      const task = this.tasks.get(key)
      if (present.has(key)) continue
      this.#early.delete(key)
      if (task?.claimedAt !== undefined) task.endedAt ??= at
    }
    bound(this.tasks, rememberedTasks)
  }

  /** Forgets what ran of the cycle under way before its tasks began: another process had begun it. */
  #forgetBefore({ began, cycle }: TasksNow): void {
    if (began === null) return
    for (const [key, task] of this.tasks) {
      if (task.cycle !== cycle) continue
      const ranAt = task.endedAt ?? task.claimedAt
      if (ranAt !== undefined && ranAt < began - roundedMs) this.tasks.delete(key)
      // No task waits for longer than its cycle.
      else if (task.queuedAt < began) task.queuedAt = began
    }
  }

  /** Takes up a task that telemetry has not told of, and gives its key. `at`: when it was queued. */
  #takeUp(named: Named, at: number, more: Partial<LiveTask>): string {
    const key = taskKeyOf(named)
    const known = this.tasks.get(key)
    if (known !== undefined) known.queuedAt = Math.min(known.queuedAt, at)
    else {
      this.tasks.set(key, { ...heardFirst(key, named, at), ...more })
      this.#early.add(key)
    }
    return key
  }

  /** The task may be heard of, too: what is listed counts where its beginning or its end was not told of. */
  #takeUpEnded({ began, cycle, ended }: TasksNow): void {
    if (began === null) return
    for (const { agent, attempts, discarded, each, part, startMs, tookMs, worker } of ended) {
      const claimedAt = began + startMs
      const named = { cycle, agent, each, ...(part === undefined ? {} : { part }) }
      const key = this.#takeUp(named, began, { attempt: attempts, worker, claimedAt })
      const task = this.tasks.get(key)
      this.#early.delete(key)
      if (task === undefined || (task.endedAt !== undefined && task.claimedAt !== undefined)) continue
      task.claimedAt ??= claimedAt
      task.attempt = Math.max(task.attempt, attempts)
      task.worker = worker
      task.endedAt = task.claimedAt + tookMs
      task.failed = discarded ?? undefined
      task.waitsFor = undefined
    }
  }
}
