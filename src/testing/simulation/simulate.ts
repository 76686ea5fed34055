/**
 * Runs one job in a simulated world, over as many lives of the process as its schedule wants.
 *
 * Each life builds an engine on the same disk, starts the job by its id, which takes it up where its journal ends, and does what
 * callers do: signals, pauses, cancels. A kill ends a life between two steps. A life whose store failed ends, too, and the next
 * one goes on.
 *
 * Boundary: from a program and a schedule to the job's end, its events, and what callers were told. It judges nothing.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scheduler from "effect/Scheduler"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { JobContext } from "../../context/JobContext.ts"
import { makeEngine } from "../../engine/makeEngine.ts"
import type { Handler } from "../../intents/IntentHandler.ts"
import type { Job } from "../../job/Job.ts"
import type { JobEvent } from "../../outcome/JobEvent.ts"
import type { JobResult } from "../../outcome/JobResult.ts"
import { runDetached } from "../../platform/detached.ts"
import type { Proposal } from "../../program/Fact.ts"
import { Decision } from "../../program/answerKinds.ts"
import type { Program } from "../../program/Program.ts"
import { JobStore, type StoredRow } from "../../store/JobStore.ts"
import { layerMemoryJournal } from "../../store/memory.ts"
import type { CpuTask } from "../../workers/WorkerPool.ts"
import { inline } from "../../workers/inline.ts"
import { WorkerPool } from "../../workers/WorkerPool.ts"
import type { Act, Schedule } from "./schedule.ts"
import { SimulatedPool, type TaskFate } from "./SimulatedPool.ts"
import { SimulatedStore } from "./SimulatedStore.ts"
import { World } from "./World.ts"

/** The id of the simulated job. */
export const simulatedJobId = "job"

/** A job that is to be simulated. `P` needs no services. */
export interface SimulatedJob<P extends Program.Any> {
  readonly program: P
  readonly input: Program.Input<P>
  readonly handlers: ReadonlyArray<Handler<never>>
  /** The signals that the schedule's acts name. */
  readonly signals: ReadonlyArray<ReadonlyArray<Proposal<string, unknown>>>
  readonly fateOf?: ((task: CpuTask, context: JobContext) => TaskFate) | undefined
  /** Called when a life begins. */
  readonly onLife?: ((life: number, world: World) => void) | undefined
}

/** What a caller was told of a signal. */
export interface Told {
  readonly proposals: ReadonlyArray<Proposal<string, unknown>>
  /** `"committed"` and `"discarded"`: its cycle was committed. `"refused"`: it never will be. `"unknown"`: the process died. */
  readonly answer: "committed" | "discarded" | "refused" | "unknown"
  /** The order in which callers were told. */
  readonly place: number
  readonly message: string
}

/** The end of a job, as `job.result` tells it. */
export interface End {
  readonly error: { readonly _tag: string; readonly [field: string]: unknown } | undefined
  readonly result: JobResult
}

export interface Simulated {
  /** Undefined if the job came to no end. */
  readonly end: End | undefined
  /** The reason why there is no end, or what ended a life in a way that it must not. */
  readonly broken: string | undefined
  /** The events that a reader in the last life got. */
  readonly events: ReadonlyArray<JobEvent>
  readonly rows: ReadonlyArray<StoredRow>
  readonly told: ReadonlyArray<Told>
  readonly lives: number
  readonly steps: number
  readonly nowMs: number
  /** The faults that were met, in their order. */
  readonly met: ReadonlyArray<string>
  /** Jobs that the engine still held after the end. */
  readonly liveAfter: number
  readonly isCancelled: boolean
  /** The number of pauses that callers asked for. */
  readonly pauses: number
  /** The number of signals of the last life whose senders were told nothing. */
  readonly unanswered: number
  /** The number of writes that the store took from an engine whose lease was taken. */
  readonly unfenced: number
}

/** The number of lives after which a job counts as one that comes to no end. */
const mostLives = 40

class Simulation<P extends Program.Any> {
  readonly #job: SimulatedJob<P>
  readonly #schedule: Schedule
  readonly #world: World
  readonly #disk: JobStore["Service"]
  readonly #store: SimulatedStore
  readonly #pool: SimulatedPool
  readonly #told: Array<Told> = []
  readonly #kills: Array<number>
  readonly #acts: Array<Act>
  #events: ReadonlyArray<JobEvent> = []
  #met: Array<string> = []
  /** The job of this life, once it is there. */
  #present: Job<P> | undefined
  #answers = 0
  #pausing = 0
  #pauses = 0
  #isCancelled = false

  constructor(job: SimulatedJob<P>, schedule: Schedule) {
    this.#job = job
    this.#schedule = schedule
    this.#world = new World({ seed: schedule.seed, order: schedule.order })
    this.#disk = Context.get(Effect.runSync(Effect.scoped(Layer.build(layerMemoryJournal))), JobStore)
    this.#store = new SimulatedStore(this.#world, this.#disk, schedule)
    const { delayMs, pool, workers } = schedule
    this.#pool = new SimulatedPool(this.#world, { workers, pool, delayMs, fateOf: job.fateOf })
    this.#kills = [...schedule.kills].sort((a, b) => a - b)
    this.#acts = [...schedule.acts].sort((a, b) => a.at - b.at)
  }

  run(): Simulated {
    let broken: string | undefined
    let lives = 0
    let unanswered = 0
    let last: Lived | undefined
    while (broken === undefined && last === undefined) {
      if (++lives > mostLives) {
        broken = `the job came to no end in ${mostLives} lives`
        break
      }
      this.#job.onLife?.(lives, this.#world)
      this.#pausing = 0
      this.#present = undefined
      const before = this.#told.length
      const ran = this.#world.run(this.#life, (step) => {
        this.#act(step)
        return this.#isKilled(step)
      })
      if (ran._tag === "Killed") this.#again("kill", before)
      else if (ran._tag === "Stuck") broken = `stuck: ${ran.reason}`
      else if (Exit.isFailure(ran.exit)) broken = Cause.pretty(ran.exit.cause)
      else if (ran.exit.value === "again") this.#again("again", before)
      else if (typeof ran.exit.value === "string") broken = ran.exit.value
      else {
        last = ran.exit.value
        unanswered = this.#told.slice(before).filter(({ answer }) => answer === "unknown").length
      }
    }
    const rows = Effect.runSync(
      Effect.orElseSucceed(Stream.runCollect(this.#disk.rows(simulatedJobId, 0)), (): Array<StoredRow> => [])
    )
    return {
      end: last?.end,
      broken,
      events: this.#events,
      rows,
      told: this.#told,
      lives,
      steps: this.#world.steps,
      nowMs: this.#world.nowMs,
      met: [...this.#met, ...this.#store.met, ...this.#pool.met],
      liveAfter: last?.liveAfter ?? 0,
      isCancelled: this.#isCancelled,
      pauses: this.#pauses,
      unanswered,
      unfenced: this.#store.unfenced
    }
  }

  /** The life is over, and the job goes on. A signal that was refused may be in a row whose acknowledgement was lost. */
  #again(how: "again" | "kill", before: number): void {
    this.#met.push(how)
    this.#told.forEach((told, place) => {
      const isOpen = place >= before && told.answer === "refused" && told.message.startsWith("JobHalted")
      if (isOpen) this.#told[place] = { ...told, answer: "unknown", place: -1 }
    })
  }

  /** Does what is due before a step. */
  #act(step: number): void {
    const job = this.#present
    if (job === undefined) return
    for (let next = this.#acts[0]; next !== undefined && step >= next.at; next = this.#acts[0]) {
      this.#acts.shift()
      runDetached(this.#world.services, this.#doing(job, next))
    }
  }

  #isKilled(step: number): boolean {
    const [next] = this.#kills
    if (next === undefined || step < next) return false
    this.#kills.shift()
    return true
  }

  /** One life of the process, up to the end of the job. `"again"`: the job was left in its journal. */
  get #life(): Effect.Effect<Lived | "again" | string> {
    const { handlers, input, program } = this.#job
    const pool = this.#schedule.workers === 0 ? inline : this.#pool.open()
    return Effect.scopedWith((scope) => {
      const services = this.#world.services.pipe(
        Context.add(WorkerPool, pool),
        Context.add(JobStore, this.#store.open()),
        Context.add(Scope.Scope, scope)
      )
      const programs = this.#schedule.scans ? [program] : []
      const options = { handlers, programs, maxAttempts: mostLives + 1 }
      const alive = Effect.flatMap(makeEngine(options), (engine) =>
        Effect.flatMap(Effect.exit(engine.start(program, input, { id: simulatedJobId })), (started) => {
          if (Exit.isFailure(started)) return Effect.succeed<Lived | string>(this.#refused(started.cause))
          return Effect.flatMap(this.#attend(started.value), (lived) =>
            Effect.map(engine.live, (live) =>
              typeof lived === "string" ? lived : { ...lived, liveAfter: live.length }
            )
          )
        })
      )
      // The needs of a simulated program are none: its agents use nothing but this world.
      return Effect.provideContext(
        alive as Effect.Effect<Lived | string, never, WorkerPool | JobStore | Scope.Scope>,
        services
      )
    })
  }

  /** A start that a fault of the store refused is tried again by the next life. */
  #refused(cause: Cause.Cause<unknown>): string {
    const error = Cause.squash(cause)
    const tag = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
    return tag === "StoreError" || tag === "JournalCorrupt" ? "again" : `the start failed: ${Cause.pretty(cause)}`
  }

  /** Attends a job to its end, as its callers do. */
  #attend(job: Job<P>): Effect.Effect<Lived | string> {
    const events: Array<JobEvent> = (this.#events = [])
    const reader = Effect.ignore(Stream.runForEach(job.events, (event) => Effect.sync(() => void events.push(event))))
    return Effect.scoped(
      Effect.gen({ self: this }, function* () {
        const reading = yield* Effect.forkScoped(reader)
        this.#present = job
        yield* Effect.forkScoped(this.#attendLate(job))
        const exit = yield* Effect.exit(job.result)
        const end = endOf(exit)
        if (typeof end === "string") return end
        if (end.error?._tag === "StoreFailed") return "again"
        // Time passes only when all callers have been told.
        yield* Effect.sleep(1)
        while (reading.pollUnsafe() === undefined) yield* Effect.sleep(1)
        return { end, liveAfter: 0 }
      })
    )
  }

  #doing(job: Job<P>, act: Act): Effect.Effect<void> {
    switch (act.do) {
      case "signal":
        return this.#signal(job, this.#job.signals[act.signal] ?? [])
      case "decide":
        return this.#decide(job)
      case "cancel":
        return Effect.suspend(() => {
          this.#isCancelled = true
          return job.cancel
        })
      case "pause":
        return Effect.suspend(() => {
          this.#pausing++
          this.#pauses++
          return Effect.ignore(
            Effect.andThen(
              job.pause,
              Effect.andThen(
                Effect.sleep(act.forMs),
                Effect.suspend(() => job.resume)
              )
            )
          ).pipe(Effect.ensuring(Effect.sync(() => void this.#pausing--)))
        })
    }
  }

  /** Decides the approval that has waited longest. */
  #decide(job: Job<P>): Effect.Effect<void> {
    return Effect.flatMap(job.approvals, ([first]) => {
      if (first === undefined) return Effect.void
      const value = { approval: first.id, approved: true, by: "caller", reason: "" }
      return this.#signal(job, [Decision.of(value)])
    })
  }

  #signal(job: Job<P>, proposals: Told["proposals"]): Effect.Effect<void> {
    const place = this.#told.push({ proposals, answer: "unknown", place: -1, message: "" }) - 1
    const tell = (answer: Told["answer"], message: string): void => {
      this.#told[place] = { proposals, answer, place: this.#answers++, message }
    }
    // Callers are told in the order of their signals, so this fiber must not be suspended in between.
    return Effect.matchEffect(job.signal(proposals as never), {
      onFailure: (error) =>
        Effect.sync(() => {
          const message = "message" in error ? error.message : ""
          tell(message.startsWith("the signal was discarded") ? "discarded" : "refused", `${error._tag}: ${message}`)
        }),
      onSuccess: () => Effect.sync(() => tell("committed", ""))
    }).pipe(Effect.provideService(Scheduler.PreventSchedulerYield, true))
  }

  /**
   * Does what nobody else does: resumes a job that was killed in a pause, and so is paused in the next life, and decides the
   * approvals that a job waits for.
   */
  #attendLate(job: Job<P>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* Effect.sleep(500)
        const { state } = yield* job.status
        if (state === "paused" && this.#pausing === 0) yield* Effect.ignore(job.resume)
        if (state === "awaiting") yield* Effect.forkChild(this.#decide(job))
      }
    })
  }
}

interface Lived {
  readonly end: End
  readonly liveAfter: number
}

const endOf = (exit: Exit.Exit<JobResult, unknown>): End | string => {
  if (Exit.isSuccess(exit)) return { error: undefined, result: exit.value }
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  const isTyped = typeof error === "object" && error !== null && "_tag" in error && "partial" in error
  if (!isTyped) return `the job ended without a typed error: ${Cause.pretty(exit.cause)}`
  return { error: error as unknown as NonNullable<End["error"]>, result: error.partial as JobResult }
}

/** Runs a job by a schedule. */
export const simulate = <P extends Program.Any>(job: SimulatedJob<P>, schedule: Schedule): Simulated =>
  new Simulation(job, schedule).run()
