/**
 * Where the tasks of agents with `placement: "auto"` run: here, while that is cheaper than their way to a worker and back.
 *
 * An agent of which nothing is known goes to the workers, where it can be stopped. What it costs there and here is learned
 * from every batch (costModel.ts), and now and then the other place is tried again. A batch that turns out to be much slower
 * here than it was expected to be is given to the workers in the middle. Outcomes are the same in either place (G3).
 *
 * Boundary: decides and measures; the work is done by inline.ts and pool.ts.
 */
import * as Effect from "effect/Effect"
import type { CostModel, Site } from "./costModel.ts"
import { elapsedMs } from "./cpuTime.ts"
import { InlineRun } from "./inline.ts"
import type { CpuBatch, CpuOutcome, CpuTimeExhausted } from "./WorkerPool.ts"
import { Limits } from "../Limits.ts"
import type { ErasedAgent } from "../program/erased.ts"

type Execute = (batch: CpuBatch) => Effect.Effect<ReadonlyArray<CpuOutcome>, CpuTimeExhausted>

interface Plan {
  readonly agent: ErasedAgent
  readonly tasks: Array<number>
  site: Site
}

/** A pool's `execute` for batches that hold tasks of such agents. */
export class Placement {
  readonly #costs: CostModel
  readonly #onThreads: Execute

  constructor(costs: CostModel, onThreads: Execute) {
    this.#costs = costs
    this.#onThreads = onThreads
  }

  readonly execute: Execute = (batch) => {
    const plans = this.#plan(batch)
    return plans === undefined ? this.#onThreads(batch) : this.#placed(batch, plans)
  }

  /** The tasks by agent, if there is one whose place is open. */
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
    for (const plan of plans.values()) {
      if (plan.agent.placement === "auto") plan.site = this.#costs.choose(plan.agent, plan.tasks.length)
    }
    return [...plans.values()]
  }

  #placed(batch: CpuBatch, plans: ReadonlyArray<Plan>): Effect.Effect<ReadonlyArray<CpuOutcome>, CpuTimeExhausted> {
    const outcomes: Array<CpuOutcome> = new Array(batch.tasks.length)
    const away = plans.filter(({ site }) => site === "threads")
    const here = plans.filter(({ site }) => site === "inline")
    const parts = here.map((plan) => this.#here(batch, plan, outcomes))
    if (away.length > 0) {
      const tasks = away.flatMap((plan) => plan.tasks).sort((a, b) => a - b)
      const only = away.length === 1 ? away[0] : undefined
      parts.unshift(this.#away(batch, tasks, outcomes, only?.agent))
    }
    const all = parts.length === 1 ? parts[0]! : Effect.all(parts, { concurrency: "unbounded", discard: true })
    return Effect.as(all, outcomes)
  }

  /** Has the workers run some tasks. `agent`: whose they are, if they are one agent's. */
  #away(
    batch: CpuBatch,
    tasks: ReadonlyArray<number>,
    outcomes: Array<CpuOutcome>,
    agent: ErasedAgent | undefined
  ): Effect.Effect<void, CpuTimeExhausted> {
    const { onProgress } = batch
    const part: CpuBatch = {
      ...batch,
      tasks: tasks.length === batch.tasks.length ? batch.tasks : tasks.map((index) => batch.tasks[index]!),
      onProgress:
        onProgress === undefined ? undefined : (progress) => onProgress({ ...progress, task: tasks[progress.task]! })
    }
    return Effect.suspend(() => {
      const began = elapsedMs()
      // The first batch pays for the start of threads and for loading: it says nothing of the next ones.
      const isFirst = agent === undefined || this.#costs.taskMs(agent) === undefined
      return Effect.map(this.#onThreads(part), (results) => {
        if (!isFirst) this.#costs.noteBatch(agent, "threads", tasks.length, elapsedMs() - began)
        results.forEach((outcome, index) => (outcomes[tasks[index]!] = outcome))
      })
    })
  }

  #here(batch: CpuBatch, { agent, tasks }: Plan, outcomes: Array<CpuOutcome>): Effect.Effect<void, CpuTimeExhausted> {
    return Effect.suspend(() => {
      const expectedMs = this.#costs.inlineMs(agent, tasks.length) ?? 0
      let ran = { count: 0, totalMs: 0 }
      const run = new InlineRun(batch, tasks, {
        settle: (task, outcome) => (outcomes[task] = outcome),
        goesOn: (count, totalMs) => {
          ran = { count, totalMs }
          return totalMs <= 2 * expectedMs * count + Limits.inlinePatienceMs
        }
      })
      return Effect.flatMap(run.effect, (rest) => {
        this.#costs.noteBatch(agent, "inline", tasks.length, (ran.totalMs / Math.max(ran.count, 1)) * tasks.length)
        return rest.length === 0 ? Effect.void : this.#away(batch, rest, outcomes, undefined)
      })
    })
  }
}
