/**
 * The clocks by which the work of a thread is measured: this file owns them.
 *
 * What they measure is charged and learned from; it never decides what a job commits. Real time, not Effect's Clock: it is
 * real processors that are busy.
 */

/** CPU time of the thread that this runs on, in milliseconds. */
export const threadCpuMs = (): number => {
  const { system, user } = process.threadCpuUsage()
  return (user + system) / 1_000
}

/** Milliseconds from an arbitrary moment on this thread: for durations only. */
export const elapsedMs = (): number => performance.now()
