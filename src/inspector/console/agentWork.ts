/**
 * The work of the job's agents, at present and so far: from the server's list of present tasks, and from the
 * journal's counts. Boundary: pure.
 */
import { number, plural } from "./format.ts"
import type { TasksNow, Work } from "./shapes.ts"

export interface AgentNow {
  readonly running: TasksNow["running"]
  readonly waiting: TasksNow["waiting"]
  /** The committed tasks; undefined where they are not counted. */
  readonly done: { readonly tasks: number; readonly discarded: number } | undefined
}

const idle: AgentNow = { running: [], waiting: [], done: undefined }

/** The work of each agent that has any, by its name. */
export const agentsNow = (now: TasksNow | undefined, work: Work | undefined): ReadonlyMap<string, AgentNow> => {
  const found = new Map<string, AgentNow>()
  const of = (agent: string): AgentNow => found.get(agent) ?? idle
  for (const [agent, done] of Object.entries(work?.agents ?? {})) found.set(agent, { ...of(agent), done })
  const add = <T extends { readonly agent: string }>(tasks: ReadonlyArray<T>): ReadonlyMap<string, ReadonlyArray<T>> =>
    Map.groupBy(tasks, ({ agent }) => agent)
  for (const [agent, running] of add(now?.running ?? [])) found.set(agent, { ...of(agent), running })
  for (const [agent, waiting] of add(now?.waiting ?? [])) found.set(agent, { ...of(agent), waiting })
  return found
}

/** A line about the tasks of an agent: those that run, those that wait, and those that were committed. */
export const lineOf = ({ done, running, waiting }: AgentNow = idle): string =>
  [
    running.length === 0 ? "" : `${number(running.length)} ${running.length === 1 ? "runs" : "run"}`,
    waiting.length === 0 ? "" : `${number(waiting.length)} ${waiting.length === 1 ? "waits" : "wait"}`,
    done === undefined ? "" : plural(done.tasks, "task"),
    done === undefined || done.discarded === 0 ? "" : `${number(done.discarded)} discarded`
  ]
    .filter(Boolean)
    .join(" · ")
