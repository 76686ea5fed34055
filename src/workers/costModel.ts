/**
 * The measured costs of agents: moving averages, in milliseconds.
 *
 * For each agent it has the time of one task on a worker. For an agent that may run at either site, it also has the time per task
 * of a batch at each site, by the size of the batch, because only a large batch pays for its dispatch. The time of the threads is
 * without that of the facts that they were sent, because that goes by what they lack: it is added for the batch at hand.
 *
 * Invariants: the costs of an agent are collected with the agent (G14); they decide where a task runs and on how many threads,
 * never its outcome (G3). Boundary: data.
 */
import { Limits } from "../Limits.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** Tuning: the weight of the latest measurement. A lower one counts more, because noise and first calls only add time. */
const weightUp = 0.25
const weightDown = 0.5

const average = (before: number | undefined, now: number): number =>
  before === undefined ? now : before + (now < before ? weightDown : weightUp) * (now - before)

/** The sites at which an agent's tasks may run: this thread, or the workers. */
export type Site = "inline" | "threads"

interface SizeClass {
  inline: number | undefined
  threads: number | undefined
  /** Batches since the last trial of the other site. */
  untried: number
  /** The site of the last batch that was not a trial. */
  home: Site | undefined
}

interface Account {
  /** Milliseconds of one task on a worker. */
  taskMs: number | undefined
  /** Costs by the binary logarithm of the number of tasks. */
  readonly sizes: Array<SizeClass | undefined>
}

/** Tuning: milliseconds of a batch's way to the workers and back, as long as nothing was measured. */
const dispatchMs = 0.1

/** Tuning: milliseconds of a fact on its way to the workers: it is packed here, and put into a context there. */
const sentFactMs = 0.004

/** The milliseconds that it takes to send facts to the workers. */
export const sendMs = (facts: number): number => facts * sentFactMs

/**
 * Tuning: batches until the other site is tried again. A site that is expected to cost more is tried less often, down to the
 * limit `rarely`. A trial of the threads costs more than its batch, because they have to catch up with all commits since.
 */
const exploreAfter: Readonly<Record<Site, number>> = { inline: 32, threads: 128 }
const rarely = 8

/** Tuning: milliseconds that a task may take here beyond its time on a worker. */
const overheadMs = 0.005

/** Tuning: the share of a batch's time that is its own at least, whatever was sent for it. */
const leastOwn = 0.1

/** Tuning: the ratio of costs below which a change of site pays, because workers then have to catch up. */
const worthMoving = 0.85

/** Tuning: milliseconds above which a task is not tried here, because it would hold the event loop. */
const tryInlineMs = Limits.inlineTaskMs / 4

export class CostModel {
  readonly #threads: number
  readonly #accounts = new WeakMap<ErasedAgent, Account>()

  /** `threads` is the size of the pool. */
  constructor(threads: number) {
    this.#threads = threads
  }

  /** Milliseconds of one task of an agent on a worker. Undefined if it was never measured. */
  taskMs(agent: ErasedAgent): number | undefined {
    return this.#accounts.get(agent)?.taskMs
  }

  /** Notes that tasks of an agent have run on a worker. */
  noteTasks(agent: ErasedAgent, count: number, totalMs: number): void {
    const account = this.#account(agent)
    account.taskMs = average(account.taskMs, totalMs / count)
  }

  /**
   * Notes the end of a batch of an agent's tasks. `elapsedMs` is the time that the job waited for it. `sent`: the facts that the
   * threads were sent for it.
   */
  noteBatch(agent: ErasedAgent, site: Site, count: number, elapsedMs: number, sent = 0): void {
    const size = this.#size(agent, count)
    // The estimate may be too high, and no batch takes less than nothing.
    const ownMs = Math.max(elapsedMs - sendMs(sent), elapsedMs * leastOwn)
    size[site] = average(size[site], ownMs / count)
  }

  /** Milliseconds of an agent's task here: measured, or else estimated from the workers. */
  inlineMs(agent: ErasedAgent, count: number): number | undefined {
    return this.#size(agent, count).inline ?? this.#account(agent).taskMs
  }

  /**
   * Returns the site for a batch of an agent's tasks. An unmeasured agent goes to the workers, where it can be stopped.
   * `lacking`: the facts that the threads would have to be sent first.
   */
  choose(agent: ErasedAgent, count: number, lacking = 0): Site {
    const size = this.#size(agent, count)
    const { taskMs } = this.#account(agent)
    const known = size.inline ?? taskMs
    if (known === undefined) return "threads"
    // An old or unlucky measurement here must not count for ever against new ones of the workers.
    const isAway = size.home === "threads" && taskMs !== undefined
    const inline = isAway ? Math.min(known, 2 * taskMs + overheadMs) : known
    // A join gives the event loop its turns within a task.
    if (inline > Limits.inlineTaskMs && agent.join === undefined) {
      // After one bad measurement here, the time on the workers counts again after a while (`isAway`).
      if (++size.untried >= exploreAfter.inline) {
        size.untried = 0
        size.home = "threads"
      }
      return "threads"
    }
    const ownMs = size.threads ?? inline / Math.min(count, this.#threads) + dispatchMs / count
    const threads = ownMs + sendMs(lacking) / count
    const cheaper: Site = inline <= threads ? "inline" : "threads"
    const isWorth = Math.min(inline, threads) < worthMoving * Math.max(inline, threads)
    const best = (size.home = isWorth ? cheaper : (size.home ?? cheaper))
    const [chosen, other] = best === "inline" ? [inline, threads] : [threads, inline]
    // The cost of the other site may be old, or an estimate, so it is measured again when that is due.
    const due = exploreAfter[best === "inline" ? "threads" : "inline"]
    const isDue = ++size.untried >= due * Math.min(Math.max(1, other / chosen), rarely) ** 2
    if (!isDue || (best === "threads" && inline > tryInlineMs)) return best
    size.untried = 0
    return best === "inline" ? "threads" : "inline"
  }

  #account(agent: ErasedAgent): Account {
    let account = this.#accounts.get(agent)
    if (account === undefined) this.#accounts.set(agent, (account = { taskMs: undefined, sizes: [] }))
    return account
  }

  #size(agent: ErasedAgent, count: number): SizeClass {
    const { sizes } = this.#account(agent)
    return (sizes[31 - Math.clz32(count)] ??= { inline: undefined, threads: undefined, untried: 0, home: undefined })
  }
}
