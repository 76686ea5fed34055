/**
 * Places the tasks of agents with `placement: "auto"`. They run on this thread while that is cheaper than the way to a worker and
 * back.
 *
 * An agent that was never measured goes to the workers, where it can be stopped. The cost model learns the agent's costs at both
 * sites from every batch (costModel.ts), and tries the other site again now and then. If a batch is much slower here than
 * expected, its rest goes to the workers. Outcomes are the same at either site (G3).
 *
 * Boundary: decides and measures; inline.ts and pool.ts do the work.
 */
import * as Effect from "effect/Effect"
import type { CostModel, Site } from "./costModel.ts"
import { elapsedMs } from "./cpuTime.ts"
import { InlineRun } from "./inline.ts"
import type { BatchFailure, BatchNow, CpuBatch, CpuOutcome } from "./WorkerPool.ts"
import { Limits } from "../Limits.ts"
import type { ErasedAgent } from "../program/erased.ts"

type Execute = (batch: CpuBatch) => Effect.Effect<ReadonlyArray<CpuOutcome>, BatchFailure>

/** Tuning: if tasks take this many times the expected time here, the rest of the batch goes to the workers. */
const patience = 2

/** The tasks of one agent in a batch, as places in it, and the site at which they run. */
interface Plan {
  readonly agent: ErasedAgent
  readonly tasks: Array<number>
  site: Site
}

const later = (outcome: CpuOutcome, lateMs: number): CpuOutcome =>
  outcome.ran === undefined ? outcome : { ...outcome, ran: { ...outcome.ran, startMs: outcome.ran.startMs + lateMs } }

/** Wraps a pool's `execute` for batches with tasks of such agents. */
export class Placement {
  readonly #costs: CostModel
  readonly #onThreads: Execute
  readonly #lacking: (batch: CpuBatch) => number

  /** `lacking`: the facts that the threads have to be sent before they can run a batch. */
  constructor(costs: CostModel, onThreads: Execute, lacking: (batch: CpuBatch) => number) {
    this.#costs = costs
    this.#onThreads = onThreads
    this.#lacking = lacking
  }

  readonly execute: Execute = (batch) => {
    const plans = this.#plan(batch)
    return plans === undefined ? this.#onThreads(batch) : this.#placed(batch, plans)
  }

  /** The tasks by agent. Undefined if the batch has no agent with a choice of sites. */
  #plan(batch: CpuBatch): ReadonlyArray<Plan> | undefined {
    if (!batch.program.agents.some(({ placement }) => placement === "auto")) return undefined
    const plans = new Map<number, Plan>()
    let isOpen = false
    for (let index = 0; index < batch.tasks.length; index++) {
      const { agent, agentIndex } = batch.tasks[index]!
      let plan = plans.get(agentIndex)
      if (plan === undefined) {
        isOpen ||= agent.placement === "auto"
        plans.set(agentIndex, (plan = { agent, tasks: [], site: "threads" }))
      }
      plan.tasks.push(index)
    }
    if (!isOpen) return undefined
    const lacking = this.#lacking(batch)
    for (const plan of plans.values()) {
      if (plan.agent.placement === "auto") plan.site = this.#costs.choose(plan.agent, plan.tasks.length, lacking)
    }
    return [...plans.values()]
  }

  #placed(batch: CpuBatch, plans: ReadonlyArray<Plan>): Effect.Effect<ReadonlyArray<CpuOutcome>, BatchFailure> {
    const outcomes: Array<CpuOutcome> = new Array(batch.tasks.length)
    const away = plans.filter(({ site }) => site === "threads")
    const here = plans.filter(({ site }) => site === "inline")
    const sites: Array<SiteNow> = []
    batch.onBegin?.(nowOf(outcomes, sites))
    const parts = here.map((plan) => this.#here(batch, plan, outcomes, sites))
    if (away.length > 0) {
      const tasks = away.flatMap((plan) => plan.tasks).sort((a, b) => a - b)
      const only = away.length === 1 ? away[0] : undefined
      parts.unshift(this.#away(batch, tasks, outcomes, sites, only?.agent))
    }
    const all = parts.length === 1 ? parts[0]! : Effect.all(parts, { concurrency: "unbounded", discard: true })
    return Effect.as(all, outcomes)
  }

  /** Runs some tasks on the workers. `agent` is set if all of them are of one agent. `lateMs`: they come so much later. */
  #away(
    batch: CpuBatch,
    tasks: ReadonlyArray<number>,
    outcomes: Array<CpuOutcome>,
    sites: Array<SiteNow>,
    agent: ErasedAgent | undefined,
    lateMs = 0
  ): Effect.Effect<void, BatchFailure> {
    const { onBegin, onProgress } = batch
    const part: CpuBatch = {
      ...batch,
      tasks: tasks.length === batch.tasks.length ? batch.tasks : tasks.map((index) => batch.tasks[index]!),
      onProgress:
        onProgress === undefined ? undefined : (progress) => onProgress({ ...progress, task: tasks[progress.task]! }),
      onBegin: onBegin === undefined ? undefined : (now) => void sites.push({ tasks, now, lateMs })
    }
    return Effect.suspend(() => {
      const began = elapsedMs()
      const sent = this.#lacking(batch)
      // The first batch pays for the start of threads and for loading, so its time does not predict the next ones.
      const isFirst = agent === undefined || this.#costs.taskMs(agent) === undefined
      return Effect.map(this.#onThreads(part), (results) => {
        if (!isFirst) this.#costs.noteBatch(agent, "threads", tasks.length, elapsedMs() - began, sent)
        results.forEach((outcome, index) => (outcomes[tasks[index]!] = lateMs === 0 ? outcome : later(outcome, lateMs)))
      })
    })
  }

  #here(
    batch: CpuBatch,
    { agent, tasks }: Plan,
    outcomes: Array<CpuOutcome>,
    sites: Array<SiteNow>
  ): Effect.Effect<void, BatchFailure> {
    return Effect.suspend(() => {
      const expectedMs = this.#costs.inlineMs(agent, tasks.length) ?? 0
      let ran = { count: 0, totalMs: 0 }
      const run = new InlineRun(batch, tasks, {
        settle: (task, outcome) => (outcomes[task] = outcome),
        goesOn: (count, totalMs) => {
          ran = { count, totalMs }
          return totalMs <= patience * expectedMs * count + Limits.inlinePatienceMs
        }
      })
      const place = sites.push({ tasks, now: run.now(() => tasks.map((task) => outcomes[task])), lateMs: 0 }) - 1
      return Effect.flatMap(run.effect, (rest) => {
        sites.splice(place, 1, { tasks: [], now: noneLeft, lateMs: 0 })
        this.#costs.noteBatch(agent, "inline", tasks.length, (ran.totalMs / Math.max(ran.count, 1)) * tasks.length)
        return rest.length === 0 ? Effect.void : this.#away(batch, rest, outcomes, sites, undefined, ran.totalMs)
      })
    })
  }
}

/** Some tasks of a batch that run at one site, as places in the batch. `now` names them by their places among these. */
interface SiteNow {
  readonly tasks: ReadonlyArray<number>
  readonly now: BatchNow
  /** They came so much later than the batch. */
  readonly lateMs: number
}

const noneLeft: BatchNow = { outcomes: () => [], waiting: () => [] }

/** The state of a batch at all of its sites. `known`: the outcomes of the sites that have ended. */
const nowOf = (known: ReadonlyArray<CpuOutcome | undefined>, sites: ReadonlyArray<SiteNow>): BatchNow => ({
  outcomes: () => {
    const all = [...known]
    for (const { lateMs, now, tasks } of sites) {
      now.outcomes().forEach((outcome, index) => {
        if (outcome !== undefined) all[tasks[index]!] ??= lateMs === 0 ? outcome : later(outcome, lateMs)
      })
    }
    return all
  },
  waiting: () => sites.flatMap(({ now, tasks }) => now.waiting().map((index) => tasks[index]!))
})
