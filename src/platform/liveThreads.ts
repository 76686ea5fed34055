/**
 * The threads for CPU agents in this process, of all pools.
 *
 * A thread inside a native call holds `process.exit`, which waits for it. So a process that must end asks here whether
 * `process.exit` would wait. Boundary: a count.
 */
let count = 0

export const liveThreads = {
  /** The threads that have been started and have not ended. */
  get count(): number {
    return count
  },
  noteStart(): void {
    count++
  },
  noteEnd(): void {
    count--
  }
}
