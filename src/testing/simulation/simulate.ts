/**
 * Runs a job in a simulated world, over as many lives of the process as its schedule wants; then, if there is one, a second job
 * that goes on from the first.
 *
 * Each life builds an engine on the same disk, starts the job by its id, which takes it up where its journal ends, and does what
 * callers do: signals, pauses, cancels. A kill ends a life between two steps. A life whose store failed ends, too, and the next
 * one goes on, maybe with another version of the program.
 *
 * Boundary: from programs and a schedule to the jobs' ends, their events, and what callers were told. It judges nothing.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { JobContext } from "../../context/JobContext.ts"
import type { Engine } from "../../engine/Engine.ts"
import { makeEngine } from "../../engine/makeEngine.ts"
import type { EngineOptions, ForkOptions } from "../../engine/options.ts"
import type { Handler } from "../../intents/IntentHandler.ts"
import type { Job } from "../../job/Job.ts"
import type { JobEvent } from "../../outcome/JobEvent.ts"
import type { JobResult } from "../../outcome/JobResult.ts"
import { runDetached } from "../../platform/detached.ts"
import type { Kind, Proposal } from "../../program/Fact.ts"
import type { Program } from "../../program/Program.ts"
import { JobStore, type StoredRow } from "../../store/JobStore.ts"
import { layerMemoryJournal } from "../../store/memory.ts"
import { inline } from "../../workers/inline.ts"
import { type CpuBatch, type CpuTask, WorkerPool } from "../../workers/WorkerPool.ts"
import { Callers, type End, type Told } from "./callers.ts"
import type { Act, Schedule } from "./schedule.ts"
import { SimulatedPool, type TaskFate } from "./SimulatedPool.ts"
import { type Commit, type Rebase, SimulatedStore } from "./SimulatedStore.ts"
import { World } from "./World.ts"

export type { End, Told } from "./callers.ts"

/** The ids of the simulated job, and of the one that goes on from it. */
export const simulatedJobId = "job"
export const sequelJobId = "sequel"

/** A job that goes on from another: on the context of its end, or as a fork. */
export type Sequel<P extends Program.Any> =
  | { readonly do: "go on"; readonly program: P; readonly input: Program.Input<P> }
  | {
      readonly do: "fork"
      readonly program: P
      /** The cycle after which it begins; the last one for a number that the job does not reach. */
      readonly at: number
      readonly facts: ReadonlyArray<Proposal<string, unknown>>
    }

/** A job that is to be simulated. `P` needs no services. */
export interface SimulatedJob<P extends Program.Any> {
  readonly program: P
  readonly input: Program.Input<P>
  readonly handlers: ReadonlyArray<Handler<never>>
  /** The versions of the program that the second life and the later ones have, one after the other. */
  readonly versions?: ReadonlyArray<P> | undefined
  /** The programs of child jobs. */
  readonly children?: ReadonlyArray<P> | undefined
  readonly limits?: Pick<EngineOptions, "maxDepth" | "maxChildJobs" | "fiberConcurrency"> | undefined
  readonly sequel?: Sequel<P> | undefined
  /** The signals that the schedule's acts name. */
  readonly signals: ReadonlyArray<ReadonlyArray<Proposal<string, unknown>>>
  readonly fateOf?: ((task: CpuTask, context: JobContext, batch: CpuBatch) => TaskFate) | undefined
  /** Called when a life begins. `hasFailed`: the store met a fault in the life before it. */
  readonly onLife?: ((life: number, world: World, hasFailed: boolean) => void) | undefined
}

/** A journal of the simulated disk. */
export interface Journal {
  readonly jobId: string
  readonly program: string
  readonly status: JobResult["status"] | undefined
  readonly hash: string
  readonly rows: ReadonlyArray<StoredRow>
  /** The text of its end. */
  readonly end: string | undefined
}

export interface Simulated {
  readonly jobId: string
  /** Undefined if the job came to no end. */
  readonly end: End | undefined
  /** The reason why there is no end, or what ended a life in a way that it must not. */
  readonly broken: string | undefined
  /** The events that a reader in the last life got. */
  readonly events: ReadonlyArray<JobEvent>
  readonly rows: ReadonlyArray<StoredRow>
  readonly told: ReadonlyArray<Told>
  /** The number of lives of the process, and the last one. */
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
  /** All journals of the disk. */
  readonly journals: ReadonlyArray<Journal>
  /** The rows and the new headers that the disk took, each with its life. */
  readonly commits: ReadonlyArray<Commit>
  readonly rebases: ReadonlyArray<Rebase>
  /** The job that went on from this one. */
  readonly sequel: Simulated | undefined
}

/** The number of lives after which a job counts as one that comes to no end. */
const mostLives = 40

/** Opens the job of a life. */
type Open = (engine: Engine["Service"], life: number) => Effect.Effect<Job<Program.Any>, unknown, unknown>

/** A job that is attended in as many lives as it needs. */
interface Phase {
  readonly jobId: string
  readonly callers: Callers
  readonly open: Open
}

class Simulation<P extends Program.Any> {
  readonly #job: SimulatedJob<P>
  readonly #schedule: Schedule
  readonly #world: World
  readonly #disk: JobStore["Service"]
  readonly #store: SimulatedStore
  readonly #pool: SimulatedPool
  readonly #kills: Array<number>
  readonly #acts: Array<Act>
  readonly #met: Array<string> = []
  #lives = 0
  /** The number of faults that the store had met when the present life began. */
  #faults = 0

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
    const { input, sequel, signals } = this.#job
    const open: Open = (engine, life) => engine.start(this.#programOf(life), input, { id: simulatedJobId }) as ReturnType<Open>
    const first = this.#attend({ jobId: simulatedJobId, callers: new Callers(this.#world, [...signals]), open })
    if (sequel === undefined || first.end === undefined || first.broken !== undefined) return first
    const callers = new Callers(this.#world, [...signals])
    return { ...first, sequel: this.#attend({ jobId: sequelJobId, callers, open: this.#openSequel(sequel) }) }
  }

  /** The version of the program in a life. */
  #programOf(life: number): P {
    const { program, versions = [] } = this.#job
    return life === 1 ? program : (versions[Math.min(life - 2, versions.length - 1)] ?? program)
  }

  #openSequel(sequel: Sequel<P>): Open {
    const id = sequelJobId
    if (sequel.do === "go on") {
      const { input, program } = sequel
      return (engine, life) =>
        Effect.gen({ self: this }, function* () {
          const first = yield* engine.start(this.#programOf(life), this.#job.input, { id: simulatedJobId })
          const exit = yield* Effect.exit(first.result)
          const error = Exit.isFailure(exit) ? exit.cause.reasons.find(Cause.isFailReason)?.error : undefined
          const result = Exit.isSuccess(exit) ? exit.value : (error as { readonly partial: JobResult }).partial
          return yield* engine.start(program, input, { id, context: result.context })
        }) as Effect.Effect<Job<Program.Any>, unknown, unknown>
    }
    const { at, facts, program } = sequel
    return (engine) =>
      Effect.gen({ self: this }, function* () {
        const journals = yield* this.#disk.list({ limit: mostJournals })
        // A life before this one may have begun the fork.
        if (journals.jobs.some(({ jobId }) => jobId === id)) return yield* engine.resume(program, id)
        const { cycle } = yield* this.#disk.load(simulatedJobId)
        const options: ForkOptions<Kind.Any> = { id, at: Math.min(at, cycle), facts: facts as never }
        return yield* engine.fork(program, simulatedJobId, options as never)
      }) as Effect.Effect<Job<Program.Any>, unknown, unknown>
  }

  /** Attends a job to its end, in as many lives as it needs. */
  #attend(phase: Phase): Simulated {
    const { callers, jobId } = phase
    const begin = this.#lives
    let broken: string | undefined
    let last: Lived | undefined
    while (broken === undefined && last === undefined) {
      if (++this.#lives - begin > mostLives) {
        broken = `the job came to no end in ${mostLives} lives`
        break
      }
      this.#job.onLife?.(this.#lives, this.#world, this.#store.met.length > this.#faults)
      this.#faults = this.#store.met.length
      callers.begin()
      const ran = this.#world.run(this.#life(phase), (step) => {
        this.#act(callers, step)
        return this.#isKilled(step)
      })
      if (ran._tag === "Killed") this.#again("kill", callers)
      else if (ran._tag === "Stuck") broken = `stuck: ${ran.reason}`
      else if (Exit.isFailure(ran.exit)) broken = Cause.pretty(ran.exit.cause)
      else if (ran.exit.value === "again") this.#again("again", callers)
      else if ("broken" in ran.exit.value) ({ broken } = ran.exit.value)
      else last = ran.exit.value
    }
    const journals = this.#journals()
    const { commits, met, rebases, unfenced } = this.#store
    return {
      ...{ jobId, end: last?.end, broken, events: callers.events, told: callers.told, lives: this.#lives },
      rows: journals.find((journal) => journal.jobId === jobId)?.rows ?? [],
      ...{ steps: this.#world.steps, nowMs: this.#world.nowMs, met: [...this.#met, ...met, ...this.#pool.met] },
      ...{ liveAfter: last?.liveAfter ?? 0, isCancelled: callers.isCancelled, pauses: callers.pauses },
      ...{ unanswered: last === undefined ? 0 : callers.unanswered, unfenced, journals, commits, rebases },
      sequel: undefined
    }
  }

  #journals(): ReadonlyArray<Journal> {
    const disk = this.#disk
    const read = Effect.gen(function* () {
      const { jobs } = yield* disk.list({ limit: mostJournals })
      const found: Array<Journal> = []
      for (const { hash, jobId, program, status } of jobs) {
        const rows = yield* Stream.runCollect(disk.rows(jobId, 0))
        const { end } = yield* disk.load(jobId)
        found.push({ jobId, program, status, hash, rows, end })
      }
      return found
    })
    return Effect.runSync(Effect.orDie(read))
  }

  /** The life is over, and the job goes on. */
  #again(how: "again" | "kill", callers: Callers): void {
    this.#met.push(how)
    callers.again()
  }

  /** Does what is due before a step. */
  #act(callers: Callers, step: number): void {
    const job = callers.present
    if (job === undefined) return
    for (let next = this.#acts[0]; next !== undefined && step >= next.at; next = this.#acts[0]) {
      this.#acts.shift()
      runDetached(this.#world.services, callers.act(job, next))
    }
  }

  #isKilled(step: number): boolean {
    const [next] = this.#kills
    if (next === undefined || step < next) return false
    this.#kills.shift()
    return true
  }

  /** One life of the process, up to the end of the job. `"again"`: the job was left in its journal. */
  #life({ callers, open }: Phase): Effect.Effect<Lived | "again" | { readonly broken: string }> {
    const { children = [], handlers, limits } = this.#job
    const life = this.#lives
    const pool = this.#schedule.workers === 0 ? inline : this.#pool.open()
    return Effect.scopedWith((scope) => {
      const services = this.#world.services.pipe(
        Context.add(WorkerPool, pool),
        Context.add(JobStore, this.#store.open(life)),
        Context.add(Scope.Scope, scope)
      )
      const programs = this.#schedule.scans ? [this.#programOf(life)] : []
      // A program that starts itself is among both.
      const options = { ...limits, handlers, programs, children, maxAttempts: mostLives + 1 }
      const alive = Effect.flatMap(makeEngine(options), (engine) =>
        Effect.flatMap(Effect.exit(open(engine, life)), (started) => {
          if (Exit.isFailure(started)) return Effect.succeed(refused(started.cause))
          return Effect.flatMap(callers.attend(started.value), (end) =>
            Effect.map(engine.live, (live) =>
              end === "again" || "broken" in end ? end : { end, liveAfter: live.length }
            )
          )
        })
      )
      // The needs of a simulated program are none: its agents use nothing but this world.
      return Effect.provideContext(
        alive as Effect.Effect<Lived | "again" | { readonly broken: string }, never, WorkerPool | JobStore | Scope.Scope>,
        services
      )
    })
  }
}

/** Far more than a simulated job has children. */
const mostJournals = 10_000

interface Lived {
  readonly end: End
  readonly liveAfter: number
}

/** A start that a fault of the store refused is tried again by the next life. */
const refused = (cause: Cause.Cause<unknown>): "again" | { readonly broken: string } => {
  const error = Cause.squash(cause)
  const tag = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
  if (tag === "StoreError" || tag === "JournalCorrupt") return "again"
  return { broken: `the start failed: ${Cause.pretty(cause)}` }
}

/** Runs a job by a schedule. */
export const simulate = <P extends Program.Any>(job: SimulatedJob<P>, schedule: Schedule): Simulated =>
  new Simulation(job, schedule).run()
