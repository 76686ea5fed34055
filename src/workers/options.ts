/**
 * The options of the pool, and the profiles that stand for sets of them.
 *
 * Boundary: data and arithmetic; the machine's parallelism and the environment come in from index.ts.
 */
import type * as Duration from "effect/Duration"
import { Limits } from "../Limits.ts"
import {
  checkOptions,
  duration,
  invalidOptions,
  millisOf,
  must,
  nested,
  number,
  oneOf,
  type Rules,
  whole
} from "../values/options.ts"

/** The kind of work on the pool (`profiles`). */
export type Profile = "cpu" | "memory" | "throughput"

/** Options of `WorkerPool.layer`. All have defaults; those given win over the profile's. */
export interface Options {
  /**
   * The most threads that it may use, at least 0. They start when there is work for them. With 0, everything runs inline.
   * Default: by profile, from the machine's parallelism.
   */
  readonly size?: number | undefined
  /**
   * The number of threads that start with the pool and stay when they are idle, at most `size`. Default: 0, so the first task
   * pays for the start of a thread.
   */
  readonly minSize?: number | undefined
  /** The profile whose defaults apply. Default: the configuration's `CONVERGE_PROFILE`, else `"cpu"`. */
  readonly profile?: Profile | undefined
  /**
   * MiB of JavaScript heap after which a thread is ended and its task fails with `AgentOutOfMemory`. Buffers do not count.
   * The replicas of contexts on the thread do. At least 16: with less, a thread does not start. Default: by profile; for most,
   * the engine's own limit.
   */
  readonly heapLimitMb?: number | undefined
  /** MiB of stack of a thread, at least 1. Agents that recurse deeply need more. Default: 4, like Node. */
  readonly stackSizeMb?: number | undefined
  /**
   * Outcomes that a worker collects before it sends them, at least 1. More are cheaper to send, fewer are merged sooner and
   * run again less when a thread is lost. Outcomes are also sent by time and by length. Default: by profile.
   */
  readonly batchSize?: number | undefined
  /** The time after which an idle thread beyond `minSize` is ended. Default: 1 minute. */
  readonly idleTimeout?: Duration.Input | undefined
  /**
   * The time for which a running task may go on after its job was cancelled or has spent its budget. Then its thread is ended.
   * Unclaimed tasks are dropped at once. Default: none. A grace saves the start of a new thread if tasks are short.
   */
  readonly cancelGrace?: Duration.Input | undefined
  /**
   * MiB by which the heap of a thread may grow beyond its first size and the share of its replicas. A thread with more after a
   * collection is replaced when it is idle. Infinity: never. Default: by profile.
   */
  readonly recycleGrowthMb?: number | undefined
  /** The quarantine of agents that crash their threads repeatedly; false for none. Default: the defaults of `Quarantine`. */
  readonly quarantine?: Quarantine | false | undefined
  /** Flags of Node for the threads. Default: those of the process. */
  readonly execArgv?: ReadonlyArray<string> | undefined
}

/**
 * The circuit breaker of each agent. An agent whose tasks have crashed their threads (`WorkerCrashed`, `AgentOutOfMemory`)
 * `crashes` times in a row within `window` is quarantined: its tasks fail at once, as the last of them did. After
 * `cooldown` one task is let through; if it gives an effect the quarantine ends, if it crashes it starts again.
 */
export interface Quarantine {
  /** Crashes in a row, at least 1. Default: 5, which a loop of crashes reaches and a job that survives a few does not. */
  readonly crashes?: number | undefined
  /** The time within which the crashes happen. Default: 1 minute. */
  readonly window?: Duration.Input | undefined
  /** The time until one task is let through. Default: 10 seconds. */
  readonly cooldown?: Duration.Input | undefined
}

/** The options of each thread. */
export interface ThreadOptions {
  readonly heapLimitMb: number | undefined
  readonly stackSizeMb: number | undefined
  readonly batchSize: number
  readonly recycleGrowthMb: number
  readonly execArgv: ReadonlyArray<string> | undefined
}

export interface Resolved extends ThreadOptions {
  readonly size: number
  readonly minSize: number
  readonly profile: Profile
  readonly idleTimeoutMs: number
  readonly cancelGraceMs: number
  readonly quarantine: { readonly crashes: number; readonly windowMs: number; readonly cooldownMs: number } | undefined
}

type ByProfile = Pick<Resolved, "size" | "heapLimitMb" | "batchSize" | "recycleGrowthMb">

/**
 * - `cpu` (default): long computations. One thread for each core; the main thread has little to do meanwhile. Heap and
 *   stack as the engine sets them. Outcomes by the hundred: with tasks of a few microseconds a message costs as much as ten.
 * - `memory`: large contexts. Each thread holds a replica, so half the threads are half the copies; and their heaps are
 *   limited, so that an agent that collects too much ends with `AgentOutOfMemory` before the machine begins to swap; what
 *   agents leave behind is given back early. Outcomes in few, since they are large.
 * - `throughput`: many short tasks, many jobs. The main thread merges and encodes all the time, so it gets a core for
 *   itself; outcomes go in large numbers, since a message costs more than a task.
 */
const profiles: Readonly<Record<Profile, (parallelism: number) => ByProfile>> = {
  cpu: (parallelism) => ({ size: parallelism, heapLimitMb: undefined, batchSize: 128, recycleGrowthMb: 256 }),
  memory: (parallelism) => ({
    size: Math.max(1, parallelism >> 1),
    heapLimitMb: 1_024,
    batchSize: 16,
    recycleGrowthMb: 64
  }),
  throughput: (parallelism) => ({
    size: Math.max(1, parallelism - 1),
    heapLimitMb: undefined,
    batchSize: 256,
    recycleGrowthMb: 256
  })
}

const quarantineRules: Rules<Quarantine> = { crashes: whole(1), window: duration(), cooldown: duration() }

const rules: Rules<Options> = {
  size: whole(0, Limits.poolThreads),
  minSize: whole(0, Limits.poolThreads),
  profile: oneOf(...Object.keys(profiles)),
  heapLimitMb: number(Limits.leastHeapMb),
  stackSizeMb: number(Limits.leastStackMb),
  batchSize: whole(1),
  idleTimeout: duration(),
  cancelGrace: duration(),
  recycleGrowthMb: number(1, true),
  quarantine: (option, value) =>
    value === undefined || (typeof value === "object" && value !== null)
      ? nested(quarantineRules)(option, value)
      : must("false or an object", (given) => given === false)(option, value),
  execArgv: must(
    "an array of strings",
    (value) => Array.isArray(value) && value.every((flag) => typeof flag === "string")
  )
}

const of = "WorkerPool.layer"

const millis = (given: Duration.Input | undefined, fallback: number): number =>
  given === undefined ? fallback : millisOf(given)

const quarantineOf = (quarantine: Quarantine | false | undefined): Resolved["quarantine"] =>
  quarantine === false
    ? undefined
    : {
        crashes: quarantine?.crashes ?? Limits.quarantineCrashes,
        windowMs: millis(quarantine?.window, Limits.quarantineWindowMs),
        cooldownMs: millis(quarantine?.cooldown, Limits.quarantineCooldownMs)
      }

/**
 * Refuses options that cannot work, whatever the profile.
 *
 * @throws InvalidOptions for the first of them
 */
export const check = (options: Options): void => checkOptions(of, options, rules)

/** The profile that a variable of the environment names. */
export const profileOf = (variable: string, value: string): Profile => {
  if (Object.hasOwn(profiles, value)) return value as Profile
  throw invalidOptions(of, rules.profile(variable, value) ?? { option: variable, message: `${variable} is no profile` })
}

/**
 * Adds the defaults to options that were checked.
 *
 * @throws InvalidOptions if more threads are to stay than there may be
 */
export const resolve = (options: Options, profile: Profile, parallelism: number): Resolved => {
  const defaults = profiles[profile](parallelism)
  const { minSize = 0, size = defaults.size } = options
  if (minSize > size) {
    const message = `minSize must not be more than size, which is ${size}, and not ${minSize}`
    throw invalidOptions(of, { option: "minSize", message })
  }
  return {
    size,
    minSize,
    profile,
    heapLimitMb: options.heapLimitMb ?? defaults.heapLimitMb,
    stackSizeMb: options.stackSizeMb,
    batchSize: options.batchSize ?? defaults.batchSize,
    recycleGrowthMb: options.recycleGrowthMb ?? defaults.recycleGrowthMb,
    idleTimeoutMs: millis(options.idleTimeout, Limits.workerIdleTimeoutMs),
    cancelGraceMs: millis(options.cancelGrace, 0),
    quarantine: quarantineOf(options.quarantine),
    execArgv: options.execArgv
  }
}
