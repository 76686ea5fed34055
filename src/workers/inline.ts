/**
 * The pool without threads: CPU tasks on the calling thread, one after the other, between turns of the event loop.
 *
 * For tests, for `size: 0`, and for agents with `placement: "inline"`. The same function runs a task here and on a worker,
 * so both give the same effect (G3). What is not given here, since nothing can stop a function that runs on this thread:
 * timeouts are not enforced, an endless loop hangs the process, `process.exit` ends it, and so does running out of memory
 * (G8 is for workers).
 *
 * Boundary: no threads, no timers; CPU time is measured around the agent's own steps.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { EncodedEffect } from "../AgentEffect.ts"
import { type CpuFault, runCpuTask } from "../internal/runCpuTask.ts"
import { breathe, inSlices } from "../internal/slices.ts"
import type { Cause } from "../JobError.ts"
import { threadCpuMs } from "./cpuTime.ts"
import { progressJson } from "./protocol.ts"
import { type CpuBatch, type CpuOutcome, type CpuTask, CpuTimeExhausted, WorkerPool } from "./WorkerPool.ts"

/** The cause of a CPU agent's fault. */
export const causeOf = (fault: CpuFault, agent: string, cycle: number): Cause =>
  fault._tag === "InvalidEffect"
    ? { _tag: "InvalidEffect", agent, cycle, message: fault.message }
    : { _tag: "AgentPanicked", agent, cycle, message: fault.message, stack: fault.stack }

function* metered<A>(steps: Generator<void, A>): Generator<void, { readonly value: A; readonly cpuMs: number }> {
  let cpuMs = 0
  try {
    for (;;) {
      const began = threadCpuMs()
      const step = steps.next()
      cpuMs += threadCpuMs() - began
      if (step.done === true) return { value: step.value, cpuMs }
      yield
    }
  } finally {
    // Closes the agent's view if this is given up halfway.
    steps.return(undefined as never)
  }
}

/** Runs one CPU task on this thread. Long validation is done in slices; the agent itself is called in one piece. */
export const runInline = (
  batch: Pick<CpuBatch, "ledger" | "cycle">,
  task: CpuTask,
  onProgress: ((value: unknown) => void) | undefined
): Effect.Effect<CpuOutcome> =>
  Effect.suspend(() => {
    const report =
      onProgress === undefined ? undefined : (value: unknown) => onProgress(JSON.parse(progressJson(value)))
    const steps = metered(runCpuTask(task.agent, task.each, task.since, batch.cycle, batch.ledger, report))
    return inSlices(steps).pipe(
      Effect.onInterrupt(() => Effect.sync(() => steps.return(undefined as never))),
      Effect.map(({ cpuMs, value }): CpuOutcome => ({ result: outcomeOf(value, task, batch.cycle), cpuMs }))
    )
  })

const outcomeOf = (value: EncodedEffect | CpuFault, task: CpuTask, cycle: number): EncodedEffect | Cause =>
  "_tag" in value ? causeOf(value, task.agent.name, cycle) : value

const execute = (batch: CpuBatch): Effect.Effect<ReadonlyArray<CpuOutcome>, CpuTimeExhausted> =>
  Effect.gen(function* () {
    const outcomes: Array<CpuOutcome> = []
    const { onProgress } = batch
    let usedMs = 0
    for (const [index, task] of batch.tasks.entries()) {
      yield* breathe
      onProgress?.({ _tag: "Claimed", task: index, worker: 0 })
      const report =
        onProgress === undefined
          ? undefined
          : (value: unknown) => onProgress({ _tag: "Progress", task: index, worker: 0, value })
      const outcome = yield* runInline(batch, task, report)
      onProgress?.({ _tag: "Ended", task: index, worker: 0 })
      outcomes.push(outcome)
      usedMs += outcome.cpuMs
      if (usedMs > batch.cpuBudgetMs) return yield* new CpuTimeExhausted({ usedMs, agent: task.agent.name })
    }
    return outcomes
  })

/** The service: see the head of this file. */
export const inline: WorkerPool["Service"] = WorkerPool.of({ size: 0, execute, release: () => Effect.void })

/** The pool without threads. */
export const layerInline: Layer.Layer<WorkerPool> = Layer.succeed(WorkerPool)(inline)
