/**
 * The options of the pool, and the profiles that stand for sets of them.
 *
 * Boundary: data and arithmetic; the machine's parallelism and the environment come in from pool.ts.
 */

/** What the work on the pool is like, see `profiles`. */
export type Profile = "cpu" | "memory" | "throughput"

/** Options of `WorkerPool.layer`. All have defaults; those given win over the profile's. */
export interface Options {
  /** How many threads it may use, at least 0; they are started when they are needed. 0: no threads, everything inline. */
  readonly size?: number | undefined
  /** Default: the configuration's `CONVERGE_PROFILE`, else `"cpu"`. */
  readonly profile?: Profile | undefined
  /**
   * MiB of JavaScript heap after which a thread is ended and its task fails with `AgentOutOfMemory`. Buffers do not count.
   * A thread's replicas of contexts are in it. Default: the engine's own limit.
   */
  readonly heapLimitMb?: number | undefined
  /** MiB of stack of a thread. Default: 4. */
  readonly stackSizeMb?: number | undefined
  /** Flags of Node for the threads. Default: those of the process. */
  readonly execArgv?: ReadonlyArray<string> | undefined
}

/** What a thread is started with. */
export interface ThreadOptions {
  readonly heapLimitMb: number | undefined
  readonly stackSizeMb: number | undefined
  readonly execArgv: ReadonlyArray<string> | undefined
}

export interface Resolved extends ThreadOptions {
  readonly size: number
}

/**
 * - `cpu` (default): long computations. One thread for each core; the main thread has little to do meanwhile. Heap and
 *   stack as the engine sets them.
 * - `memory`: large contexts. Each thread holds a replica, so half the threads are half the copies; and their heaps are
 *   limited, so that an agent that collects too much ends with `AgentOutOfMemory` before the machine begins to swap.
 * - `throughput`: many short tasks, many jobs. The main thread merges and encodes all the time, so it gets a core for
 *   itself.
 */
const profiles: Readonly<Record<Profile, (parallelism: number) => Omit<Resolved, "execArgv">>> = {
  cpu: (parallelism) => ({ size: parallelism, heapLimitMb: undefined, stackSizeMb: undefined }),
  memory: (parallelism) => ({ size: Math.max(1, parallelism >> 1), heapLimitMb: 1_024, stackSizeMb: undefined }),
  throughput: (parallelism) => ({ size: Math.max(1, parallelism - 1), heapLimitMb: undefined, stackSizeMb: undefined })
}

const positive = (name: string, value: number | undefined): number | undefined => {
  if (value === undefined || (Number.isFinite(value) && value > 0)) return value
  throw new RangeError(`WorkerPool: ${name} must be a number greater than 0, not ${String(value)}`)
}

/** The options with their defaults. Throws a RangeError for what cannot work. */
export const resolve = (options: Options, profile: Profile, parallelism: number): Resolved => {
  const defaults = profiles[profile](parallelism)
  const size = options.size ?? defaults.size
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new RangeError(`WorkerPool: size must be a whole number of at least 0, not ${String(size)}`)
  }
  return {
    size,
    heapLimitMb: positive("heapLimitMb", options.heapLimitMb) ?? defaults.heapLimitMb,
    stackSizeMb: positive("stackSizeMb", options.stackSizeMb) ?? defaults.stackSizeMb,
    execArgv: options.execArgv
  }
}
