/**
 * The pool of worker threads: it runs CPU tasks on threads and contains every failure of a thread.
 *
 * scheduler.ts decides whose turn it is; crew.ts knows the threads; dispatch.ts brings tasks to a thread, and results.ts brings
 * its outcomes back; lossVerdict.ts and quarantine.ts judge the loss of a thread; watchdog.ts counts a task's time. This
 * file moves work between them. Arriving batches, messages, exits and the watchdog's ticks drive it. Each of them ends in
 * `#pump`, which gives work to idle threads.
 *
 * Invariants: outcomes are in the order of tasks, whatever the order of completion (G3); a lost thread fails at most the
 * task that it ran, and every other task is handed out again (G8); the end of a cancelled batch is acknowledged when its
 * threads have ended or were given up (G10); the numbers of threads, of retries of a task and of starts are bounded (G14).
 * Boundary: state changes are synchronous; fibers only wait, and all belong to the pool's scope.
 */
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { WorkerPlatform } from "effect/workers/Worker"
import { Limits } from "../Limits.ts"
import { worthRecordingMs } from "../outcome/CommittedCycle.ts"
import { BatchRun, beganMs, type CauseFor, type Share, taskOf, type Work } from "./batchRun.ts"
import type { CostModel } from "./costModel.ts"
import { Crew } from "./crew.ts"
import { Dispatch } from "./dispatch.ts"
import { Graces } from "./graceTimers.ts"
import { crashOf, judgeLoad, judgeShare } from "./lossVerdict.ts"
import type { PoolMetrics } from "./metrics.ts"
import type { Resolved } from "./options.ts"
import { type FromWorker, PoolPlace } from "./protocol.ts"
import { lackingAfter } from "./replicaUpdate.ts"
import { Quarantines } from "./quarantine.ts"
import { ResultReader, type Results } from "./resultReader.ts"
import { Ring, type Starvation, starvation } from "./scheduler.ts"
import type { PoolStats } from "./stats.ts"
import type { Thread, ThreadEnd } from "./thread.ts"
import { credit, Watchdog } from "./watchdog.ts"
import {
  type BatchFailure,
  type CpuBatch,
  type CpuOutcome,
  CpuTimeExhausted,
  failedBy,
  NoWorkers
} from "./WorkerPool.ts"
import type { ErasedAgent } from "../program/erased.ts"

type PoolThread = Thread<Work>
type Done = (result: Effect.Effect<ReadonlyArray<CpuOutcome>, BatchFailure>) => void
export type Fork = (effect: Effect.Effect<void, never, WorkerPlatform>) => Fiber.Fiber<void>

/** Tuning: milliseconds between two ticks while no running task has a deadline or a budget. */
const slowIntervalMs = 20 * Limits.watchdogIntervalMs

export class Pool {
  readonly #options: Resolved
  readonly #fork: Fork
  readonly #ring = new Ring<BatchRun>()
  readonly #crew: Crew
  readonly #watchdog: Watchdog
  readonly #dispatch: Dispatch
  readonly #quarantines: Quarantines
  readonly #costs: CostModel
  readonly #metrics: PoolMetrics
  readonly #runs = new Map<BatchRun, Done>()
  /** Probes of quarantined agents that are under way, by batch. */
  readonly #probes = new Map<BatchRun, Set<ErasedAgent>>()
  readonly #graces = new Graces()
  readonly #resultReader: ResultReader
  #isClosed = false

  constructor(options: Resolved, fork: Fork, clock: Clock.Clock, costs: CostModel, metrics: PoolMetrics) {
    this.#options = options
    this.#fork = fork
    this.#costs = costs
    this.#metrics = metrics
    this.#quarantines = new Quarantines(options.quarantine)
    this.#resultReader = new ResultReader({
      fork,
      costs,
      metrics,
      settle: ({ run }, task, outcome, worker) => {
        if (!this.#quarantines.isEmpty) this.#survived(run, run.task(task).agent)
        this.#settle(run, task, outcome, worker)
      },
      onUnreadable: (share, thread, error) => this.#distrust(share, thread, error),
      onRead: (share, thread) => this.#reclaim(share, thread)
    })
    this.#crew = new Crew(options, fork, {
      onReady: (thread) => {
        thread.idleSince = this.nowMs()
        this.#pump()
      },
      onMessage: (thread, message) => this.#onMessage(thread, message),
      onLost: (thread, end) => this.#onLost(thread, end),
      onGone: () => this.#pump()
    })
    this.#watchdog = new Watchdog(clock, {
      fork,
      pace: () => this.#pace(),
      tick: (creditMs, nowMs) => this.#tick(creditMs, nowMs)
    })
    this.#dispatch = new Dispatch({
      fork,
      nowMs: () => this.nowMs(),
      onPrepared: (thread, run) => this.#onPrepared(thread, run),
      isAlone: () => this.#runs.size === 1
    })
  }

  nowMs(): number {
    return this.#watchdog.nowMs()
  }

  readonly execute = (batch: CpuBatch): Effect.Effect<ReadonlyArray<CpuOutcome>, BatchFailure> =>
    Effect.callback((resume) => {
      const { module } = batch.program
      if (batch.tasks.length === 0) return resume(Effect.succeed([]))
      if (this.#isClosed) return resume(Effect.interrupt)
      if (module === undefined || batch.tasks.some(({ agent }) => agent.placement === "inline")) {
        return resume(Effect.die(new Error("a batch holds a task that cannot run on a worker")))
      }
      const run = new BatchRun(batch, module, this.nowMs(), this.#costs)
      this.#runs.set(run, resume)
      this.#ring.add(run)
      batch.onBegin?.({ outcomes: () => run.soFar, waiting: () => run.unclaimed })
      if (!this.#quarantines.isEmpty) this.#admit(run)
      run.unlisten = batch.starts?.onClose(() => this.#withdraw(run))
      this.#withdraw(run)
      this.#crew.forgive()
      this.#pump()
      return this.#stop(run)
    })

  /** An upper bound of the facts that the thread with the newest replica of a job has to be sent. */
  readonly lacking = ({ jobId, ledger, program }: CpuBatch): number => {
    let newest = 0
    for (const { replicas } of this.#crew.threads.values()) {
      const record = replicas.get(jobId)
      if (record?.ledger === ledger) newest = Math.max(newest, record.mark.version)
    }
    return lackingAfter(ledger, program, newest)
  }

  readonly release = (jobId: string): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const thread of this.#crew.threads.values())
        if (thread.replicas.delete(jobId)) thread.send(["release", jobId])
    })

  /** Starts the first threads of `minSize`. */
  warm(): void {
    this.#pump()
  }

  /** Ends all threads at once. Batches under way are interrupted. */
  readonly close: Effect.Effect<void> = Effect.suspend(() => {
    this.#isClosed = true
    this.#metrics.close()
    const ended = this.#crew.close()
    const runs = [...this.#runs]
    for (const [run] of runs) this.#giveUp(run)
    this.#watchdog.wake()
    return Effect.andThen(
      ended,
      Effect.sync(() => runs.forEach(([, resume]) => resume(Effect.interrupt)))
    )
  })

  get stats(): PoolStats {
    const nowMs = this.nowMs()
    const workers = [...this.#crew.threads.values()].map((thread) => {
      const { busyMs, cpuMs, number, replicas, state, work } = thread
      const replicaBytes = [...replicas.values()].reduce((sum, { length }) => sum + length, 0)
      const busy = work?.type === "share" ? nowMs - work.startedAt : 0
      const task = work?.type === "share" ? taskOf(work, thread.running(work.sequence), nowMs) : undefined
      return { worker: number, state, busyMs: busyMs + busy, cpuMs, replicas: replicas.size, replicaBytes, task }
    })
    return {
      workers,
      batches: this.#runs.size,
      waiting: [...this.#ring].reduce((sum, { waiting }) => sum + waiting, 0),
      running: workers.filter(({ state }) => state === "busy").length,
      quarantined: this.#quarantines.count,
      abandoned: this.#crew.abandoned.size
    }
  }

  /** Ends threads that were idle for long, and samples the metrics. Returns the tasks that starve beside free threads. */
  keepHouse(): Starvation | undefined {
    const nowMs = this.nowMs()
    this.#crew.retireIdle(nowMs - this.#options.idleTimeoutMs)
    this.#metrics.sample(this.stats, this.#crew.respawns, nowMs)
    return starvation([...this.#ring], this.#crew.idle().size, nowMs)
  }

  // ---------------------------------------------------------------- handing out

  #pump(): void {
    if (this.#isClosed) return
    const idle = this.#crew.idle()
    for (const thread of idle) {
      if (!thread.isWorn) continue
      thread.end("worn-out")
      idle.delete(thread)
    }
    while (idle.size > 0) {
      const run = this.#ring.choose((candidate) => candidate.wanted > 0)
      if (run === undefined) break
      const thread = this.#fittest(idle, run)
      idle.delete(thread)
      this.#dispatch.give(thread, run)
    }
    let wanted = 0
    let unserved = 0
    for (const run of this.#ring) {
      wanted += Math.max(0, run.wanted)
      if (run.working + run.preparing === 0 && run.waiting > 0) unserved++
    }
    Atomics.store(this.#crew.shared, PoolPlace.waiting, unserved)
    for (const thread of idle) thread.keepProcess(false)
    this.#crew.staff(wanted, () => this.#pump())
    const unavailable = this.#crew.unavailable
    if (unavailable !== undefined) this.#refuse(new NoWorkers(unavailable))
    this.#watchdog.wake()
  }

  /** Fails all batches, because their waiting tasks can never run. */
  #refuse(error: NoWorkers): void {
    for (const [run, resume] of [...this.#runs]) {
      this.#giveUp(run)
      resume(Effect.fail(error))
    }
  }

  /** The idle thread that needs the least preparation for the batch's tasks. */
  #fittest(idle: ReadonlySet<PoolThread>, run: BatchRun): PoolThread {
    let best: PoolThread | undefined
    let most = -1
    for (const thread of idle) {
      const fitness = this.#dispatch.fitness(thread, run)
      if (fitness <= most) continue
      // The update of a thread that lags behind is only computed if there is no better thread.
      if (fitness === 3) return thread
      best = thread
      most = fitness
    }
    return best!
  }

  /** Lets a thread that has loaded for a batch go on with that batch, if tasks still wait. */
  #onPrepared(thread: PoolThread, run: BatchRun): void {
    this.#dispatch.prepared(thread, run)
    thread.idleSince = this.nowMs()
    if (thread.state === "ready" && !run.isOver && run.waiting > 0) this.#dispatch.give(thread, run)
    this.#pump()
  }

  // ---------------------------------------------------------------- messages of threads

  #onMessage(thread: PoolThread, message: FromWorker): void {
    const { work } = thread
    switch (message[0]) {
      case "loaded": {
        const [, key, error, stack, shortage] = message
        if (error !== undefined) this.#warnOfLoad(key, error, stack)
        // The tasks go to another thread: they are not at fault.
        if (shortage !== undefined) {
          this.#metrics.noteKill("shortage")
          return thread.endForWantOf(shortage)
        }
        if (error === undefined) {
          thread.programs.add(key)
          this.#crew.noteLoaded()
        }
        if (work?.type !== "load") return
        if (error !== undefined) {
          this.#failWaiting(work.run, (agent, cycle) => ({
            _tag: "AgentPanicked",
            agent,
            cycle,
            message: error,
            stack
          }))
        }
        return this.#onPrepared(thread, work.run)
      }
      case "synced":
        return work?.type === "load" ? this.#onPrepared(thread, work.run) : undefined
      case "claimed":
      case "progress": {
        if (message[0] === "progress") thread.hearProgress()
        if (work?.type !== "share" || work.sequence !== message[1]) return
        const by = { task: work.round.tasks[message[2]]!, worker: thread.number }
        if (message[0] === "claimed") work.run.report({ _tag: "Claimed", ...by })
        else work.run.report({ _tag: "Progress", ...by, value: JSON.parse(message[3]) as unknown })
        return
      }
      case "results":
        if (work?.type === "share" && work.sequence === message[1]) this.#onResults(thread, work, message)
        return
      case "grown":
        thread.isWorn = true
        return this.#pump()
    }
  }

  #warnOfLoad(program: string, why: string, stack: string): void {
    this.#fork(Effect.logWarning(`a program cannot be loaded on a worker: ${why}`, { program, stack }))
  }

  #onResults(thread: PoolThread, share: Share, message: Results): void {
    const [, sequence, cpuMs, , , isLast] = message
    thread.cpuMs += cpuMs
    if (isLast) {
      const { round, run, startedAt } = share
      const nowMs = this.nowMs()
      this.#dispatch.vigil.end()
      thread.work = undefined
      thread.idleSince = nowMs
      thread.busyMs += nowMs - startedAt
      round.leave()
      run.working--
      thread.tell({ type: "ENDED", task: sequence })
      this.#graces.letGo(thread)
      // The thread gets work first, so that it works while its results are read.
      this.#pump()
    }
    this.#resultReader.hear(thread, share, message)
  }

  // ---------------------------------------------------------------- ends

  #settle(run: BatchRun, index: number, outcome: CpuOutcome, worker: number): void {
    if (run.isOver) return
    run.settle(index, outcome)
    run.report({ _tag: "Ended", task: index, worker, ...failedBy(outcome.result) })
    if (this.#isOverBudget(run)) return this.#exhaust(run, run.task(index).agent.name)
    const { outcomes } = run
    if (outcomes === undefined) return
    const resume = this.#runs.get(run)
    this.#giveUp(run)
    resume?.(Effect.succeed(outcomes))
  }

  /** Ends the waiting tasks of a batch if nothing more of it may start. */
  #withdraw(run: BatchRun): void {
    const { cycle, starts } = run.batch
    const cause = starts?.cause
    if (cause === undefined) return
    for (const index of run.withdraw(() => true)) {
      const result = cause(run.task(index).agent.name, cycle)
      this.#settle(run, index, { result, cpuMs: 0, isWithdrawn: true }, 0)
    }
  }

  /** Fails every task of a batch that no worker has begun. */
  #failWaiting(run: BatchRun, cause: CauseFor, isWanted: (task: number) => boolean = () => true): void {
    for (const index of run.withdraw(isWanted)) this.#fail(run, index, cause, 0, 0)
  }

  /** `startMs`: when a task of a lost thread began. Without it, the task never ran. */
  #fail(run: BatchRun, index: number, cause: CauseFor, cpuMs: number, worker: number, startMs?: number): void {
    const lost = { result: cause(run.task(index).agent.name, run.batch.cycle), cpuMs }
    // A lost thread spent its time on this task until now.
    const tookMs = startMs === undefined ? 0 : this.nowMs() - run.arrivedAt - startMs
    const ran = startMs === undefined || tookMs < worthRecordingMs ? undefined : { worker, startMs, tookMs }
    this.#settle(run, index, ran === undefined ? lost : { ...lost, ran }, worker)
  }

  /** Forgets a batch. Running tasks are ended after their grace, if any. Returns the threads that run them. */
  #giveUp(run: BatchRun): ReadonlyArray<PoolThread> {
    run.isOver = true
    run.unlisten?.()
    run.close()
    this.#runs.delete(run)
    this.#ring.remove(run)
    for (const agent of this.#probes.get(run) ?? []) this.#quarantines.abandon(agent)
    this.#probes.delete(run)
    const threads = this.#crew.busyWith((work) => work.run === run)
    // In a complete batch, a thread that still counts as busy has ended its last task and reports that soon.
    const isComplete = run.outcomes !== undefined
    for (const thread of threads) {
      if (thread.state !== "busy" || isComplete) continue
      const graceMs = this.#isClosed ? 0 : this.#options.cancelGraceMs
      if (graceMs > 0) this.#graces.give(thread, graceMs)
      else this.#end(thread, "stopped")
    }
    return isComplete ? [] : threads
  }

  #end(thread: PoolThread, reason: "stopped" | "timeout" | "unclaimed" | "unreadable" | "slow-start"): void {
    this.#metrics.noteKill(reason)
    thread.end(reason)
  }

  #stop(run: BatchRun): Effect.Effect<void> {
    return Effect.suspend(() => {
      const threads = this.#giveUp(run)
      this.#watchdog.wake()
      return this.#graces.ended(threads)
    })
  }

  #isOverBudget(run: BatchRun): boolean {
    return run.batch.cpuBudgetMs !== Infinity && this.#usedMs(run) > run.batch.cpuBudgetMs
  }

  #usedMs(run: BatchRun): number {
    let usedMs = run.usedMs
    for (const { work } of this.#crew.threads.values())
      if (work?.type === "share" && work.run === run) usedMs += work.elapsedMs
    return usedMs
  }

  #exhaust(run: BatchRun, agent: string): void {
    const error = new CpuTimeExhausted({ usedMs: this.#usedMs(run), agent })
    const resume = this.#runs.get(run)
    if (resume === undefined) return
    this.#fork(
      Effect.andThen(
        this.#stop(run),
        Effect.sync(() => resume(Effect.fail(error)))
      )
    )
  }

  #onLost(thread: PoolThread, end: ThreadEnd): void {
    this.#resultReader.catchUp()
    const { work } = thread
    thread.work = undefined
    if (work?.type === "share") {
      work.round.leave()
      work.run.working--
    } else if (work !== undefined) work.run.preparing--
    this.#graces.letGo(thread)
    if (this.#isClosed) return
    if (work !== undefined && !work.run.isOver) this.#bury(work, thread, end)
    if (end.error !== undefined && thread.reason === undefined && !end.isOutOfMemory) {
      // An agent's throws are caught where it is called, so this error is a leftover of one, or the thread's own.
      this.#fork(Effect.logWarning(`worker ${thread.number} ended and is replaced: ${end.error}`))
    }
    this.#pump()
  }

  /** Fails the waiting tasks of a batch that can run no further task. */
  #abandon(run: BatchRun, cause: CauseFor): void {
    run.failure ??= cause
    this.#failWaiting(run, cause)
  }

  /** Settles the work of a lost thread: fails the guilty task and hands the innocent ones out again. */
  #bury(work: Work, thread: PoolThread, end: ThreadEnd): void {
    const { run } = work
    if (work.type === "load") {
      const cause = judgeLoad(run, thread, end)
      if (cause === undefined) return
      if (thread.reason === "slow-start") this.#warnOfLoad(run.key, "it took too long", "")
      return this.#abandon(run, cause)
    }
    const { guilty, innocent } = judgeShare(work, thread, end)
    if (guilty?.isCrash === true) this.#metrics.noteCrash()
    // The tasks had ended, and their agents had left the thread intact.
    if (guilty !== undefined && !this.#quarantines.isEmpty)
      for (const task of innocent) this.#survived(run, run.task(task).agent)
    // If one task is guilty, the others do not count as tried. Without a guilty one, it may be any of them, but not if the thread
    // was ended for the results of another share.
    const isTried = guilty === undefined && (thread.reason !== "unreadable" || work.isUnreadable)
    this.#handOutAgain(run, innocent, isTried ? crashOf(end) : undefined, thread.number)
    if (guilty === undefined) return
    const { agent } = run.task(guilty.task)
    if (guilty.isCrash) this.#crashed(run, agent, guilty.cause)
    else if (!this.#quarantines.isEmpty) this.#survived(run, agent)
    // The watchdog gives less time than has passed where this thread was busy, so the start is that of the task before.
    const startMs = beganMs(work) - run.arrivedAt
    this.#fail(run, guilty.task, guilty.cause, work.elapsedMs, thread.number, startMs)
  }

  /** Lets tasks wait again. If one of them may be at fault, `cause` is that of a task that was handed out too often. */
  #handOutAgain(run: BatchRun, tasks: ReadonlyArray<number>, cause: CauseFor | undefined, worker: number): void {
    const again: Array<number> = []
    for (const task of tasks) {
      const tired = cause !== undefined && run.reissue(task) > Limits.taskReissues ? cause : undefined
      const failure = run.failure ?? tired
      if (failure === undefined) again.push(task)
      else this.#fail(run, task, failure, 0, worker)
    }
    if (run.isOver) return
    run.putBack(again)
    this.#withdraw(run)
  }

  /** Ends a thread whose results cannot be read: an agent has changed what all code of the thread uses. */
  #distrust(share: Share, thread: PoolThread, error: unknown): void {
    share.isUnreadable = true
    if (thread.isOver || thread.state === "retiring") return
    this.#fork(Effect.logWarning(`worker ${thread.number} is replaced: its results cannot be read`, error))
    this.#end(thread, "unreadable")
  }

  /** Hands out again what a share has claimed, and has ended without an outcome that could be read. */
  #reclaim(share: Share, thread: PoolThread): void {
    const { round, run, sequence } = share
    if (run.isOver) return
    const claimed = round.claimedBy(sequence).flatMap((place) => round.tasks[place] ?? [])
    const lost = claimed.filter((task) => !run.isSettled(task))
    if (lost.length === 0) return
    this.#distrust(share, thread, "outcomes are missing")
    this.#handOutAgain(run, lost, crashOf({ exitCode: 1 }), thread.number)
    this.#pump()
  }

  // ---------------------------------------------------------------- quarantine

  /** Fails the tasks of quarantined agents, except one that is due as a probe. */
  #admit(run: BatchRun): void {
    const nowMs = this.nowMs()
    for (const agent of new Set(run.batch.tasks.map((task) => task.agent))) {
      const admission = this.#quarantines.admit(agent, nowMs)
      if (admission._tag === "Run") continue
      let spared = -1
      if (admission._tag === "Probe") {
        spared = run.batch.tasks.findIndex((task) => task.agent === agent)
        this.#probes.set(run, (this.#probes.get(run) ?? new Set()).add(agent))
      }
      this.#failWaiting(run, admission.cause, (task) => task !== spared && run.task(task).agent === agent)
    }
  }

  #crashed(run: BatchRun, agent: ErasedAgent, cause: CauseFor): void {
    this.#probes.get(run)?.delete(agent)
    if (!this.#quarantines.crashed(agent, cause, this.nowMs())) return
    this.#fork(
      Effect.logWarning(`agent ${JSON.stringify(agent.name)} is quarantined: it crashed its worker again and again`, {
        program: run.program.name,
        module: run.program.module
      })
    )
    for (const other of [...this.#runs.keys()]) {
      this.#failWaiting(other, cause, (task) => other.task(task).agent === agent)
    }
  }

  #survived(run: BatchRun, agent: ErasedAgent): void {
    this.#probes.get(run)?.delete(agent)
    if (!this.#quarantines.survived(agent)) return
    this.#fork(Effect.logInfo(`agent ${JSON.stringify(agent.name)} is let onto workers again`))
  }

  // ---------------------------------------------------------------- the watchdog

  /** Milliseconds between two looks at the threads. Undefined if all are idle. */
  #pace(): number | undefined {
    if (!this.#graces.isEmpty) return Limits.watchdogIntervalMs
    let pace: number | undefined
    for (const { state, work } of this.#crew.threads.values()) {
      if (state === "retiring") return Limits.watchdogIntervalMs
      if (work?.type === "share" && work.run.isTimed) return Limits.watchdogIntervalMs
      if (state !== "ready") pace = slowIntervalMs
    }
    return pace
  }

  /** Gives up a thread that was ended and does not end. */
  #forsake(thread: PoolThread): void {
    thread.abandon()
    if (this.#isClosed) return
    const held = `${this.#crew.abandoned.size} of ${this.#options.size} places`
    this.#fork(
      Effect.logWarning(`worker ${thread.number} does not end: a native call of an agent holds it, and now ${held}`)
    )
  }

  #tick(creditMs: number, nowMs: number): Effect.Effect<void> {
    for (const thread of this.#graces.tick(creditMs)) this.#end(thread, "stopped")
    for (const run of this.#ring) run.held = 0
    for (const thread of [...this.#crew.threads.values()]) {
      const { state, work } = thread
      if (state === "busy" && work?.type === "share") {
        const { round, run, sequence } = work
        const look = thread.look(sequence)
        const running = look.ordinal === 0 ? undefined : run.task(round.tasks[thread.running(sequence)] ?? 0)
        const why = credit(work, look, running?.agent.timeoutMs, creditMs, nowMs)
        if (why !== undefined) this.#end(thread, why)
        else if (work.elapsedMs > 0) run.held++
        if (running !== undefined && this.#isOverBudget(run)) this.#exhaust(run, running.agent.name)
      } else if (state !== "ready") {
        thread.waitedMs += creditMs
        if (state === "retiring") {
          if (thread.waitedMs > Limits.workerEndTimeoutMs) this.#forsake(thread)
        } else if (thread.waitedMs > Limits.workerStartTimeoutMs) this.#end(thread, "slow-start")
      }
    }
    // A task that takes long holds its worker, and no task waits for that worker while another one is idle.
    for (const run of this.#ring) if (run.held > 0 && run.waiting > 0) return Effect.sync(() => this.#pump())
    return Effect.void
  }
}
