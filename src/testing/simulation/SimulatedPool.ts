/**
 * A worker pool in a simulated world: workers that start slowly, claim tasks, take virtual time, and die as a schedule says.
 *
 * Each worker has replicas of its own, which it brings up to date with the updates that real threads get. So what an agent sees
 * here is what it would see on a thread. A worker that dies loses its replicas; a task that it had claimed runs again on
 * another worker, unless the task itself is the cause.
 *
 * Invariants: outcomes are in the order of the tasks; a task has one outcome, the first; a result that comes after the task was
 * given to another worker is dropped. Boundary: an adapter of the port in WorkerPool.ts, without threads.
 */
import * as Effect from "effect/Effect"
import type { JobContext } from "../../context/JobContext.ts"
import { newSides } from "../../cycle/joining.ts"
import type { Cause } from "../../outcome/Cause.ts"
import type { EncodedEffect } from "../../program/encoded.ts"
import { isUnderWay, runSteps } from "../../values/steps.ts"
import { outcomeOf } from "../../workers/inline.ts"
import { type Mark, origin, ReplicaUpdate } from "../../workers/replicaUpdate.ts"
import { Replica } from "../../workers/replica.ts"
import { runCpuTask, runJoinTask, viewFor } from "../../workers/runCpuTask.ts"
import { noThreads } from "../../workers/stats.ts"
import { type CpuBatch, type CpuOutcome, type CpuTask, CpuTimeExhausted, WorkerPool } from "../../workers/WorkerPool.ts"
import type { PoolFault, Schedule } from "./schedule.ts"
import type { World } from "./World.ts"

/** The time that a task takes on its worker, and whether it ends the worker. Default: it runs for no time. */
export interface TaskFate {
  /** Virtual milliseconds that it runs. Above its agent's timeout, it is stopped. */
  readonly ms: number
  /** Whether it ends its worker. */
  readonly crashes: boolean
}

export interface PoolPlan extends Pick<Schedule, "pool" | "delayMs"> {
  readonly workers: number
  readonly fateOf?: ((task: CpuTask, context: JobContext, batch: CpuBatch) => TaskFate) | undefined
}

/** A replica of a job, and how far it has read. */
interface Known {
  readonly replica: Replica
  mark: Mark
}

/** The replicas of a worker. A new worker has none. */
type Worker = Map<string, Known>

/** A batch under way. */
interface Run {
  readonly batch: CpuBatch
  readonly outcomes: Array<CpuOutcome | undefined>
  /** The places of tasks that nobody has claimed. */
  readonly waiting: Array<number>
  usedMs: number
}

type Ended<A> = Effect.Effect<A, CpuTimeExhausted>

const quick: TaskFate = { ms: 0, crashes: false }

export class SimulatedPool {
  readonly #world: World
  readonly #plan: PoolPlan
  /** The number of tasks that were claimed so far. */
  claims = 0
  readonly #workers: Array<Worker>
  /** The faults that workers have met. */
  readonly met: Array<PoolFault> = []

  constructor(world: World, plan: PoolPlan) {
    this.#world = world
    this.#plan = plan
    this.#workers = Array.from({ length: Math.max(plan.workers, 1) }, () => new Map())
  }

  /** Starts the pool of a new life: no worker has a replica. */
  open(): WorkerPool["Service"] {
    for (const worker of this.#workers) worker.clear()
    return WorkerPool.of({
      size: this.#workers.length,
      execute: (batch) => Effect.suspend(() => this.#execute(batch)),
      release: (jobId) =>
        Effect.sync(() => {
          for (const worker of this.#workers) worker.delete(jobId)
        }),
      stats: Effect.succeed(noThreads)
    })
  }

  #execute(batch: CpuBatch): Ended<ReadonlyArray<CpuOutcome>> {
    const run: Run = {
      batch,
      usedMs: 0,
      outcomes: batch.tasks.map(() => undefined),
      waiting: batch.tasks.map((_, place) => place)
    }
    const working = this.#workers.map((_, number) => this.#work(run, number))
    const all = Effect.all(working, { concurrency: "unbounded", discard: true })
    return Effect.flatMap(all, () => this.#collected(run))
  }

  /** A late result may have left a task without an outcome. */
  #collected(run: Run): Ended<ReadonlyArray<CpuOutcome>> {
    if (run.waiting.length > 0)
      return Effect.andThen(
        this.#work(run, 0),
        Effect.suspend(() => this.#collected(run))
      )
    return Effect.succeed(run.outcomes.flatMap((outcome) => outcome ?? []))
  }

  /** A worker claims tasks until there are none. */
  #work(run: Run, number: number): Ended<void> {
    return Effect.suspend(() => {
      const { waiting } = run
      if (waiting.length === 0) return Effect.void
      const again = Effect.suspend(() => this.#work(run, number))
      return Effect.andThen(this.#delay, Effect.andThen(this.#claim(run, number), again))
    })
  }

  #claim(run: Run, number: number): Ended<void> {
    return Effect.suspend((): Ended<void> => {
      const [place] = run.waiting.splice(this.#world.below(run.waiting.length), 1)
      if (place === undefined) return Effect.void
      if (this.#isWithdrawn(run, place)) return Effect.void
      const claim = ++this.claims
      const fault = this.#plan.pool.find((planned) => planned.claim === claim)?.fault
      if (fault !== undefined) this.met.push(fault)
      const { agent } = run.batch.tasks[place]!
      const { onProgress } = run.batch
      onProgress?.({ _tag: "Claimed", task: place, worker: number + 1 })
      if (fault === "claimed") return this.#die(run, number, place)
      const fate = this.#plan.fateOf?.(run.batch.tasks[place]!, run.batch.ledger, run.batch) ?? quick
      const { timeoutMs } = agent
      const isLate = timeoutMs !== undefined && fate.ms > timeoutMs
      const ran = this.#world.wait(isLate ? timeoutMs : fate.ms)
      if (fault === "running") return Effect.andThen(ran, this.#die(run, number, place))
      return Effect.flatMap(ran, (): Ended<void> => {
        const { cpuBudgetMs, cycle } = run.batch
        run.usedMs += isLate ? timeoutMs : fate.ms
        if (run.usedMs > cpuBudgetMs)
          return Effect.fail(new CpuTimeExhausted({ usedMs: run.usedMs, agent: agent.name }))
        const end = (result: EncodedEffect | Cause): void =>
          this.#settle(run, place, number, { result, cpuMs: fate.ms })
        if (isLate) {
          this.#workers[number]!.clear()
          return Effect.sync(() => end({ _tag: "AgentTimedOut", agent: agent.name, cycle, timeoutMs }))
        }
        if (fate.crashes) {
          this.#workers[number]!.clear()
          return Effect.sync(() => end({ _tag: "WorkerCrashed", agent: agent.name, cycle, exitCode: 1 }))
        }
        const result = this.#result(run.batch, run.batch.tasks[place]!, this.#workers[number]!)
        if (fault === "unsent") return this.#die(run, number, place)
        // Taken for dead: the task is given out again, and whichever result comes first counts.
        if (fault === "late") run.waiting.push(place)
        return Effect.andThen(
          this.#delay,
          Effect.sync(() => end(result))
        )
      })
    })
  }

  /** Ends a task that may not start any more, since a budget is used up. */
  #isWithdrawn({ batch, outcomes }: Run, place: number): boolean {
    const cause = batch.starts?.cause
    if (cause === undefined || outcomes[place] !== undefined) return false
    outcomes[place] = { result: cause(batch.tasks[place]!.agent.name, batch.cycle), cpuMs: 0, isWithdrawn: true }
    return true
  }

  /** The worker dies, and another one takes its place: the task is given out again. */
  #die(run: Run, number: number, place: number): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#workers[number]!.clear()
      run.waiting.push(place)
    })
  }

  #settle(run: Run, place: number, number: number, outcome: CpuOutcome): void {
    run.batch.onProgress?.({ _tag: "Ended", task: place, worker: number + 1 })
    run.outcomes[place] ??= outcome
    const again = run.waiting.indexOf(place)
    if (again >= 0) run.waiting.splice(again, 1)
  }

  /** Runs a task on a worker's replica. */
  #result({ cycle, jobId, ledger, program }: CpuBatch, task: CpuTask, worker: Worker): EncodedEffect | Cause {
    let known = worker.get(jobId)
    if (known === undefined) {
      known = { replica: new Replica(program), mark: origin }
      worker.set(jobId, known)
      known.replica.identify(jobId, ledger.job?.text ?? "null")
    }
    const update = new ReplicaUpdate(ledger, program, known.mark)
    for (let next = 0, packet = update.packet(0); packet !== undefined; packet = update.packet(++next)) {
      known.replica.apply(packet)
    }
    known.mark = update.to
    const { agent, each, since } = task
    const seen = known.replica.ledger
    const gate = { open: true }
    const view = viewFor(agent, since, cycle, seen, gate, undefined)
    const result =
      agent.join === undefined
        ? runCpuTask(agent, each === undefined ? undefined : seen.find(each.kind, each.id), view, seen)
        : runJoinTask(agent, runSteps(newSides(agent.join, since, seen)), task.part ?? 0, view, seen)
    const ended = isUnderWay(result) ? runSteps(result) : result
    gate.open = false
    return outcomeOf(ended, agent.name, cycle)
  }

  get #delay(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const ms = this.#world.below(this.#plan.delayMs + 1)
      return ms === 0 ? Effect.void : this.#world.wait(ms)
    })
  }
}
