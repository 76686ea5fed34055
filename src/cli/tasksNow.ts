/**
 * The tasks of a job of a server that run and wait at this moment, for people. Boundary: the server's answer in, text out.
 */
import type * as Shapes from "../server/insightShapes.ts"
import type { Page } from "./storedJobs.ts"
import { duration, nameOf, oneLine, plural, thousands } from "./text.ts"

export type TasksNow = typeof Shapes.TasksNow.Type

type Task = TasksNow["running"][number] | TasksNow["waiting"][number]

const awaited = { concurrency: "concurrency", budget: "budget", turn: "its turn", worker: "a worker" } as const

const lineOf = (task: Task): string => {
  const { agent, each } = task
  const name = `${oneLine(agent)}${each === null ? "" : ` on ${nameOf(each)}`}`
  if ("for" in task) return `${name}  waits for ${awaited[task.for]}`
  const attempt = task.attempt > 1 ? `  attempt ${task.attempt}` : ""
  return `${name}  for ${duration(task.ms)}${task.worker === 0 ? "" : ` on worker ${task.worker}`}${attempt}`
}

/** A section about the tasks; "" if there are none. */
export const tasksText = (now: TasksNow | undefined, { style }: Pick<Page, "style">): string => {
  if (now === undefined || now.tasks === 0) return ""
  const { cycle, running, waiting, waits } = now
  const rest = waits - waiting.length
  const lines = [...running, ...waiting].map((task) => `  ${lineOf(task)}`)
  if (rest > 0) lines.push(`  ${plural(rest, "task")} more wait`)
  return `\n\n${style("bold", `now, in cycle ${thousands(cycle)}`)}\n${lines.join("\n")}`
}
