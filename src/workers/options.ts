/**
 * The options of the pool, and the profiles that stand for sets of them.
 *
 * Boundary: data and arithmetic; the machine's parallelism and the environment come in from index.ts.
 */
import * as Duration from "effect/Duration"
import { Limits } from "../Limits.ts"

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

const refuse = (message: string): never => {
  throw new RangeError(`WorkerPool: ${message}`)
}

const atLeast = (name: string, value: number | undefined, least: number): number | undefined =>
  value === undefined || (Number.isFinite(value) && value >= least)
    ? value
    : refuse(`${name} must be a number of at least ${least}, not ${String(value)}`)

const whole = (name: string, value: number, least: number): number =>
  Number.isSafeInteger(value) && value >= least
    ? value
    : refuse(`${name} must be a whole number of at least ${least}, not ${String(value)}`)

const millis = (name: string, value: Duration.Input): number => {
  try {
    const ms = Duration.toMillis(Duration.fromInputUnsafe(value))
    if (ms >= 0 && !Number.isNaN(value)) return ms
  } catch {
    // Falls through to the refusal, which names the option.
  }
  return refuse(`${name} is not a duration: ${JSON.stringify(value)}`)
}

const known = [
  ...["size", "minSize", "profile", "heapLimitMb", "stackSizeMb", "batchSize", "idleTimeout", "cancelGrace"],
  ...["recycleGrowthMb", "quarantine", "execArgv"]
]

const quarantineOf = (quarantine: Quarantine | false | undefined): Resolved["quarantine"] => {
  if (quarantine === false) return undefined
  if (quarantine !== undefined && (typeof quarantine !== "object" || quarantine === null)) {
    return refuse(`quarantine must be false or an object, not ${String(quarantine)}`)
  }
  const unknown = Object.keys(quarantine ?? {}).find((key) => !["crashes", "window", "cooldown"].includes(key))
  if (unknown !== undefined) refuse(`there is no option quarantine.${unknown}`)
  const { cooldown, crashes, window } = quarantine ?? {}
  return {
    crashes: whole("quarantine.crashes", crashes ?? Limits.quarantineCrashes, 1),
    windowMs: millis("quarantine.window", window ?? Limits.quarantineWindowMs),
    cooldownMs: millis("quarantine.cooldown", cooldown ?? Limits.quarantineCooldownMs)
  }
}

/** Adds the defaults. Throws a RangeError for options that cannot work. */
export const resolve = (options: Options, profile: Profile, parallelism: number): Resolved => {
  if (typeof options !== "object" || options === null) refuse(`options must be an object, not ${String(options)}`)
  const unknown = Object.keys(options).find((key) => !known.includes(key))
  if (unknown !== undefined) refuse(`there is no option ${JSON.stringify(unknown)}`)
  if (!Object.hasOwn(profiles, profile)) {
    refuse(`profile must be ${Object.keys(profiles).join(", ")}, not ${JSON.stringify(profile)}`)
  }
  const { execArgv } = options
  if (execArgv !== undefined && !(Array.isArray(execArgv) && execArgv.every((flag) => typeof flag === "string"))) {
    refuse("execArgv must be an array of strings")
  }
  const defaults = profiles[profile](parallelism)
  const size = whole("size", options.size ?? defaults.size, 0)
  if (size > Limits.poolThreads) refuse(`size must be at most ${Limits.poolThreads}, not ${size}`)
  const minSize = whole("minSize", options.minSize ?? 0, 0)
  if (minSize > size) refuse(`minSize must not be more than size: ${minSize} > ${size}`)
  const growth = options.recycleGrowthMb
  return {
    size,
    minSize,
    profile,
    heapLimitMb: atLeast("heapLimitMb", options.heapLimitMb, Limits.leastHeapMb) ?? defaults.heapLimitMb,
    stackSizeMb: atLeast("stackSizeMb", options.stackSizeMb, Limits.leastStackMb),
    batchSize: whole("batchSize", options.batchSize ?? defaults.batchSize, 1),
    recycleGrowthMb: growth === Infinity ? growth : (atLeast("recycleGrowthMb", growth, 1) ?? defaults.recycleGrowthMb),
    idleTimeoutMs: millis("idleTimeout", options.idleTimeout ?? Limits.workerIdleTimeoutMs),
    cancelGraceMs: millis("cancelGrace", options.cancelGrace ?? 0),
    quarantine: quarantineOf(options.quarantine),
    execArgv
  }
}
