/**
 * The priority of processes that measure: other work on the machine disturbs them less if they go before it.
 *
 * On Linux a priority counts within a group of processes only, and each session is such a group. So a measuring process is
 * a session of its own (child.ts), and raises that as well. Raising a priority takes rights; without them everything
 * works, and measures what the machine leaves.
 */
import { writeFileSync } from "node:fs"
import { constants, setPriority } from "node:os"

/** Raises the priority of this thread, and of the processes that it starts from now on. Returns whether it may. */
export const goFirst = (): boolean => {
  try {
    setPriority(constants.priority.PRIORITY_HIGHEST)
    return true
  } catch {
    return false
  }
}

/** Raises the session of this process before those of others, where there are such groups. */
export const raiseSession = (): void => {
  try {
    writeFileSync("/proc/self/autogroup", String(constants.priority.PRIORITY_HIGHEST))
  } catch {
    // Another system, a kernel without groups, or no right to it.
  }
}
