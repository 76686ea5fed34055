/**
 * The clocks that measure the work of a thread. This file owns them.
 *
 * Their times are charged to budgets and feed the cost model; they never decide what a job commits. They show real time, not
 * Effect's Clock, because real processors are busy.
 */

/** CPU time of the calling thread, in milliseconds. */
export const threadCpuMs = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Milliseconds since an arbitrary moment on this thread, for durations only. */
export const elapsedMs = (): number => performance.now()
