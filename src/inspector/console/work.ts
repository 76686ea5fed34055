/**
 * Where the job's time went, and how many tasks each agent had, as of the cycle that the page shows.
 *
 * The server sums what the journal has and what it measured itself. Boundary: asks; views say it.
 */
import { useSignal } from "@preact/signals"
import { useEffect } from "preact/hooks"
import { ask, ofJob, queryOf } from "./api.ts"
import { poll } from "./browser.ts"
import { at, isOver, jobId } from "./jobStore.ts"
import { isPassing } from "./past.ts"
import type { Work } from "./shapes.ts"

/** Between two questions about a job that lives. */
const refreshMs = 1_000

/** Undefined until it is known, and where it is not. `hasAgents`: the tasks of agents are wanted, which costs the server more. */
export const useWork = (hasAgents = false): Work | undefined => {
  const found = useSignal<{ readonly of: string; readonly work: Work } | undefined>(undefined)
  const id = jobId.value
  const cycle = at.value
  const isDone = isOver.value
  const of = JSON.stringify([id, cycle])
  useEffect(() => {
    if (id === undefined) return undefined
    let isRead = false
    return poll(hasAgents ? 2 * refreshMs : refreshMs, async (abort) => {
      if (isRead) return
      const query = queryOf({ at: cycle, agents: hasAgents ? "true" : undefined })
      const answer = await ask<Work>(ofJob(id, `/work${query}`), { signal: abort })
      if (answer === undefined || abort.aborted) return
      if (answer.ok) found.value = { of, work: answer.value }
      // An ended job, or a past cycle, changes no more.
      isRead = (isDone || cycle !== undefined) && !isPassing(answer.ok ? undefined : answer.problem)
    })
  }, [id, cycle, isDone])
  return found.value?.of === of ? found.value.work : undefined
}
