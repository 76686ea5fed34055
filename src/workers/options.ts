/**
 * The options of the pool, and the profiles that stand for sets of them.
 *
 * Boundary: data and arithmetic; the machine's parallelism and the environment come in from index.ts.
 */
import type * as Duration from "effect/Duration"
import { Limits } from "../Limits.ts"
import type { Inspect } from "../platform/watched.ts"
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

/** Options of `WorkerPool.layer`. All have defaults. A given option wins over the profile's default. */
export interface Options {
  /**
   * The maximum number of threads, at least 0. Threads start when there is work for them. With 0, all tasks run inline.
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
   * The limit of a thread's JavaScript heap in MiB. Above it, the thread is ended and its task fails with `AgentOutOfMemory`.
   * The replicas of contexts on the thread count, buffers do not. At least 16, because a thread does not start with less.
   * Default: by profile; for most profiles, V8's own limit.
   */
  readonly heapLimitMb?: number | undefined
  /** MiB of stack of a thread, at least 1. Agents that recurse deeply need more. Default: 4, like Node. */
  readonly stackSizeMb?: number | undefined
  /**
   * The number of outcomes that a worker collects before it sends them, at least 1. A larger number costs less to send. With a
   * smaller number, outcomes are merged sooner, and fewer tasks run again when a thread is lost. Outcomes are also sent by time
   * and by length. Default: by profile.
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
 * The circuit breaker of each agent. If the tasks of an agent crash their threads (`WorkerCrashed`, `AgentOutOfMemory`)
 * `crashes` times in a row within `window`, the agent is quarantined. Its tasks then fail at once with the last cause. After
 * `cooldown`, one task runs as a probe. If the probe returns an effect, the quarantine ends. If it crashes, the quarantine
 * starts again.
 */
export interface Quarantine {
  /** The number of crashes in a row, at least 1. Default: 5, which a loop of crashes reaches and a few single crashes do not. */
  readonly crashes?: number | undefined
  /** The time within which the crashes happen. Default: 1 minute. */
  readonly window?: Duration.Input | undefined
  /** The time until one task runs as a probe. Default: 10 seconds. */
  readonly cooldown?: Duration.Input | undefined
}

/** The options of each thread. */
export interface ThreadOptions {
  readonly heapLimitMb: number | undefined
  readonly stackSizeMb: number | undefined
  readonly batchSize: number
  readonly recycleGrowthMb: number
  readonly execArgv: ReadonlyArray<string> | undefined
  /** Watches the machine of each thread. Default: nobody does. */
  readonly inspect?: Inspect | undefined
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
 * - `cpu` (default): long computations. Each core has a thread, because the main thread has little work meanwhile. Heap and
 *   stack have V8's limits. A message has a hundred outcomes, because a message costs as much as ten tasks of a few microseconds.
 * - `memory`: large contexts. Each thread holds a replica, so half the threads hold half the copies. Heaps are limited, so that
 *   a greedy agent ends with `AgentOutOfMemory` before the machine swaps. Threads with leftover memory are replaced early. A
 *   message has few outcomes, because they are large.
 * - `throughput`: many short tasks, many jobs. The main thread merges and encodes all the time, so it has a core for itself. A
 *   message has many outcomes, because a message costs more than a task.
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
 * Refuses options that are invalid with every profile.
 *
 * @throws InvalidOptions for the first invalid option
 */
export const check = (options: Options): void => checkOptions(of, options, rules)

/** Returns the profile with the name in an environment variable. */
export const profileOf = (variable: string, value: string): Profile => {
  if (Object.hasOwn(profiles, value)) return value as Profile
  throw invalidOptions(of, rules.profile(variable, value) ?? { option: variable, message: `${variable} is no profile` })
}

/**
 * Adds the defaults to checked options.
 *
 * @throws InvalidOptions if `minSize` is more than `size`
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
