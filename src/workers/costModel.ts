/**
 * What agents cost, as it was measured: moving averages, in milliseconds.
 *
 * For each agent, what one task takes on a worker; and for agents that may run in either place, what a task of a batch took
 * here and there, by the size of the batch (a small batch does not pay for its dispatch, a large one does).
 *
 * Invariants: what is known of an agent goes with it (G14); costs decide only where, and by how many threads, a task runs, and
 * never its outcome (G3). Boundary: data.
 */
import { Limits } from "../Limits.ts"
import type { ErasedAgent } from "../program/erased.ts"

/** How much the latest measurement counts: more if it is lower, for noise and first calls only ever make it higher. */
const weightUp = 0.25
const weightDown = 0.5

const average = (before: number | undefined, now: number): number =>
  before === undefined ? now : before + (now < before ? weightDown : weightUp) * (now - before)

/** Where an agent's tasks may run. */
export type Site = "inline" | "threads"

interface SizeClass {
  inline: number | undefined
  threads: number | undefined
  /** Batches since the site that was not chosen was tried. */
  untried: number
  /** Where the last batch was sent for good. */
  home: Site | undefined
}

interface Account {
  /** One task's time on a worker. */
  taskMs: number | undefined
  /** By the logarithm of the number of tasks. */
  readonly sizes: Array<SizeClass | undefined>
}

/** A batch's way to the workers and back, before any measurement: what it has to save to be worth it. */
const dispatchMs = 0.1

/**
 * After so many batches the other site is tried again; the less often, the more it is expected to cost, down to a limit. To
 * try the threads costs more than the batch: they have to catch up with all that was committed meanwhile.
 */
const exploreAfter: Readonly<Record<Site, number>> = { inline: 32, threads: 128 }
const rarely = 8

/** What a task may take here beyond what it takes on a worker. */
const overheadMs = 0.005

/** A site has to be better than the present one by so much: to change costs, too, since workers then have to catch up. */
const worthMoving = 0.85

/** A task that takes longer than this is not tried here when it need not be: it would hold the event loop. */
const tryInlineMs = Limits.inlineTaskMs / 4

export class CostModel {
  readonly #threads: number
  readonly #accounts = new WeakMap<ErasedAgent, Account>()

  /** `threads`: how many the pool has. */
  constructor(threads: number) {
    this.#threads = threads
  }

  /** What one task of an agent takes on a worker, if that is known. */
  taskMs(agent: ErasedAgent): number | undefined {
    return this.#accounts.get(agent)?.taskMs
  }

  /** Tasks of an agent have run on a worker. */
  noteTasks(agent: ErasedAgent, count: number, totalMs: number): void {
    const account = this.#account(agent)
    account.taskMs = average(account.taskMs, totalMs / count)
  }

  /** A batch of an agent's tasks has ended; `elapsedMs` is the time that its job waited for it. */
  noteBatch(agent: ErasedAgent, site: Site, count: number, elapsedMs: number): void {
    const size = this.#size(agent, count)
    size[site] = average(size[site], elapsedMs / count)
  }

  /** What an agent's task takes here, as far as can be told. */
  inlineMs(agent: ErasedAgent, count: number): number | undefined {
    return this.#size(agent, count).inline ?? this.#account(agent).taskMs
  }

  /** Where a batch of an agent's tasks is best run. What is not known yet goes where it can be stopped. */
  choose(agent: ErasedAgent, count: number): Site {
    const size = this.#size(agent, count)
    const { taskMs } = this.#account(agent)
    const known = size.inline ?? taskMs
    if (known === undefined) return "threads"
    // What was measured here long ago, or in a bad moment, is not believed for ever against what the workers tell now.
    const isAway = size.home === "threads" && taskMs !== undefined
    const inline = isAway ? Math.min(known, 2 * taskMs + overheadMs) : known
    if (inline > Limits.inlineTaskMs) {
      // One bad moment here is no reason to stay away for ever: after a while the workers are believed, as below.
      if (++size.untried >= exploreAfter.inline) {
        size.untried = 0
        size.home = "threads"
      }
      return "threads"
    }
    const threads = size.threads ?? inline / Math.min(count, this.#threads) + dispatchMs / count
    const cheaper: Site = inline <= threads ? "inline" : "threads"
    const isWorth = Math.min(inline, threads) < worthMoving * Math.max(inline, threads)
    const best = (size.home = isWorth ? cheaper : (size.home ?? cheaper))
    const [chosen, other] = best === "inline" ? [inline, threads] : [threads, inline]
    // What it is said to cost there may be an old story, or none but an estimate.
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
