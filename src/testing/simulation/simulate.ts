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
import type { Engine } from "../../engine/Engine.ts"
import { makeEngine } from "../../engine/makeEngine.ts"
import type { ForkOptions } from "../../engine/options.ts"
import { LogsEnd } from "../../job/ending.ts"
import { type Held, HeldOpen } from "../../job/heldOpen.ts"
import type { Job } from "../../job/Job.ts"
import type { InvalidProgram, StartError } from "../../outcome/JobError.ts"
import type { JobResult } from "../../outcome/JobResult.ts"
import type { Kind } from "../../program/Fact.ts"
import type { Program } from "../../program/Program.ts"
import { JobStore } from "../../store/JobStore.ts"
import { layerMemoryJournal } from "../../store/memory.ts"
import { inline } from "../../workers/inline.ts"
import { WorkerPool } from "../../workers/WorkerPool.ts"
import { Callers, type CallersPlan, type End, signalsIn } from "./callers.ts"
import type { Outside, Owner } from "./Execution.ts"
import type { Schedule } from "./schedule.ts"
import type { Journal, Sequel, Simulated, SimulatedJob } from "./simulated.ts"
import { SimulatedPool } from "./SimulatedPool.ts"
import { SimulatedStore } from "./SimulatedStore.ts"
import { layerOwner, programIn, SimulatedHandlers } from "./users.ts"
import { atOnce, type Ran, type Wait, World } from "./World.ts"

export type { End, Told } from "./callers.ts"
export type { Journal, Simulated, SimulatedJob } from "./simulated.ts"

/** The ids of the simulated job, and of the one that goes on from it. */
export const simulatedJobId = "job"
export const sequelJobId = "sequel"

/** The number of lives after which a job counts as one that comes to no end. */
const mostLives = 40

/** Far more than a simulated job has children. */
const mostJournals = 10_000

/** Opens the job of a life. Its program is without types, and so are its needs and errors. */
type Open = (engine: Engine["Service"], life: number) => Effect.Effect<Job<Program.Any>, unknown, unknown>

/** A job that is attended in as many lives as it needs. */
interface Phase {
  readonly jobId: string
  readonly callers: Callers
  readonly open: Open
}

interface Lived {
  readonly end: End
  readonly liveAfter: number
}

/** How a life ended: with the job's end, to be gone on with, or in a way that it must not. */
type LifeEnd = Lived | "again" | { readonly broken: string }

/** How a phase ended. */
interface PhaseEnd extends Pick<Simulated, "beganMs" | "broken" | "open" | "outside"> {
  readonly last: Lived | undefined
}

/** The services that an engine stands on. */
type Below = WorkerPool | JobStore | Scope.Scope

class Simulation<P extends Program.Any> {
  readonly #job: SimulatedJob<P>
  readonly #schedule: Schedule
  readonly #world: World
  readonly #disk: JobStore["Service"]
  readonly #store: SimulatedStore
  readonly #pool: SimulatedPool
  readonly #handlers: SimulatedHandlers
  readonly #held: Held = { jobId: simulatedJobId, isOn: false }
  readonly #kills: Array<number>
  readonly #plan: CallersPlan
  readonly #met: Array<string> = []
  #lives = 0
  /** The number of faults that the store had met when the present life began. */
  #faults = 0
  /** The user's program in this world. */
  #users: P | undefined
  #isDying = false
  #unbuilt: Cause.Cause<unknown> | undefined
  #refusal: StartError | InvalidProgram | undefined

  constructor(job: SimulatedJob<P>, schedule: Schedule) {
    const { aheadMs, handlers = [], lateMs = 0, load, random, slowMs } = schedule.user ?? {}
    this.#job = job
    this.#schedule = schedule
    this.#world = new World({ ...job.most, seed: schedule.seed, order: schedule.order, aheadMs, random, load })
    this.#disk = Context.get(Effect.runSync(Effect.scoped(Layer.build(layerMemoryJournal))), JobStore)
    this.#store = new SimulatedStore(this.#world, this.#disk, { ...schedule, slowMs })
    const { delayMs, pool, workers } = schedule
    this.#pool = new SimulatedPool(this.#world, { workers, pool, delayMs, fateOf: job.fateOf })
    this.#handlers = new SimulatedHandlers(this.#world, { calls: handlers, lateMs }, () => (this.#isDying = true))
    this.#kills = [...schedule.kills].sort((a, b) => a - b)
    this.#plan = { user: schedule.user, acts: [...schedule.acts].sort((a, b) => a.at - b.at) }
  }

  *running(): Generator<Wait, Simulated> {
    const { input, sequel, user } = this.#job
    const budget = user?.budget === undefined ? {} : { budget: user.budget }
    const open: Open = (engine, life) =>
      engine.start(this.#programOf(life), input, { id: simulatedJobId, ...budget }) as ReturnType<Open>
    const first = yield* this.#attended({ jobId: simulatedJobId, callers: this.#newCallers(), open })
    // A job whose end the store refused goes on in the next life, where it was cancelled too.
    const hasEnded = first.journals.some(({ jobId, status }) => jobId === simulatedJobId && status !== undefined)
    if (sequel === undefined || first.end === undefined || first.broken !== undefined || !hasEnded) return first
    const second = { jobId: sequelJobId, callers: this.#newCallers(), open: this.#openSequel(sequel) }
    return { ...first, sequel: yield* this.#attended(second) }
  }

  #newCallers(): Callers {
    return new Callers(this.#world, this.#job, this.#plan, this.#held)
  }

  /** The version of the program in a life. */
  #programOf(life: number): P {
    const { program, user, versions = [] } = this.#job
    const chosen = life === 1 ? program : (versions[Math.min(life - 2, versions.length - 1)] ?? program)
    if (user === undefined) return chosen
    // It is the same program, but for how its agents are called. An engine has one program of a name.
    this.#users ??= programIn(this.#world, chosen) as P
    return this.#users
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
        const options: ForkOptions<Kind.Any> = { id, at: Math.min(at, cycle), facts }
        return yield* engine.fork(program, simulatedJobId, options as never)
      }) as Effect.Effect<Job<Program.Any>, unknown, unknown>
  }

  /** Attends a job to its end, in as many lives as it needs. */
  *#attended(phase: Phase): Generator<Wait, Simulated> {
    const { callers } = phase
    const begin = this.#lives
    const beganMs = this.#world.nowMs
    let outside: Outside | undefined
    let broken: string | undefined
    let open: ReadonlyArray<Owner> = []
    let last: Lived | undefined
    while (broken === undefined && outside === undefined && last === undefined) {
      if (++this.#lives - begin > mostLives) {
        broken = `the job came to no end in ${mostLives} lives`
        break
      }
      this.#job.onLife?.(this.#lives, this.#world, this.#store.met.length > this.#faults)
      this.#faults = this.#store.met.length
      this.#isDying = false
      callers.begin(this.#signalsSent())
      const ran: Ran<LifeEnd, never> = yield* this.#world.running(this.#life(phase), (step) => {
        callers.act(step)
        return this.#isDying || this.#isKilled(step)
      })
      if (ran._tag === "Killed") this.#again("kill", callers)
      else if (ran._tag === "Outside") outside = ran.outside
      else if (ran._tag === "Stuck") [broken, open] = [ran.reason, ran.open]
      else if (Exit.isFailure(ran.exit)) broken = Cause.pretty(ran.exit.cause)
      else if (ran.exit.value === "again") this.#again("again", callers)
      else if ("broken" in ran.exit.value) ({ broken } = ran.exit.value)
      else last = ran.exit.value
    }
    return this.#simulated(phase, { beganMs, outside, broken, open, last })
  }

  #simulated({ callers, jobId }: Phase, { last, ...how }: PhaseEnd): Simulated {
    const { commits, met, rebases, unfenced, writes } = this.#store
    const journals = this.#journals()
    const own = journals.find((journal) => journal.jobId === jobId)
    return {
      ...{ ...how, jobId, end: last?.end, unbuilt: this.#unbuilt, refused: this.#refusal },
      ...{ beginning: own?.beginning ?? "", rows: own?.rows ?? [], journals, commits, rebases, unfenced },
      ...{ events: callers.events, told: callers.told, isCancelled: callers.isCancelled, pauses: callers.pauses },
      ...{ waitsFor: callers.waitsFor, unanswered: last === undefined ? 0 : callers.unanswered },
      ...{ lives: this.#lives, steps: this.#world.steps, nowMs: this.#world.nowMs, pausedMs: callers.pausedMs },
      met: [...this.#met, ...met, ...this.#pool.met, ...this.#handlers.met],
      counts: { writes, claims: this.#pool.claims, calls: this.#handlers.calls },
      liveAfter: last?.liveAfter ?? 0,
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
        const { end, text } = yield* disk.load(jobId)
        found.push({ jobId, program, status, hash, beginning: text, rows, end })
      }
      return found
    })
    return Effect.runSync(Effect.orDie(read))
  }

  /** The number of signals of a user that are in the journal. */
  #signalsSent(): number {
    if (this.#job.user === undefined) return 0
    const rows = Stream.runCollect(this.#disk.rows(simulatedJobId, 0))
    const found = Effect.runSync(Effect.orElseSucceed(rows, () => []))
    return found.reduce((sum, { text }) => sum + signalsIn(text), 0)
  }

  /** The life is over, and the job goes on. */
  #again(how: "again" | "kill", callers: Callers): void {
    this.#met.push(how)
    callers.again()
  }

  #isKilled(step: number): boolean {
    const [next] = this.#kills
    if (next === undefined || step < next) return false
    this.#kills.shift()
    return true
  }

  /** One life of the process, up to the end of the job. `"again"`: the job was left in its journal. */
  #life({ callers, open }: Phase): Effect.Effect<LifeEnd> {
    const life = this.#lives
    return Effect.scopedWith((scope) =>
      Effect.flatMap(this.#services(scope, life), (services) => {
        if (services === undefined) return Effect.succeed({ broken: "the layer of the program could not be built" })
        const alive = Effect.flatMap(this.#engine(life), (engine) =>
          Effect.flatMap(Effect.exit(open(engine, life)), (started): Effect.Effect<LifeEnd> => {
            if (Exit.isFailure(started)) return Effect.succeed(this.#refused(started.cause))
            return Effect.flatMap(callers.attend(started.value), (end) =>
              Effect.map(engine.live, (live) =>
                end === "again" || "broken" in end ? end : { end, liveAfter: live.length }
              )
            )
          })
        )
        // The program needs the services of its caller and of its layer, whose types the caller has checked.
        return Effect.provideContext(alive as Effect.Effect<LifeEnd, never, Below>, services)
      })
    )
  }

  /** An engine over the simulated machine. */
  #engine(life: number) {
    const { handlers, limits, user } = this.#job
    const program = this.#programOf(life)
    // A program may start jobs of its own.
    const children =
      user === undefined
        ? (this.#job.children ?? [])
        : user.children.map((child) => (child === this.#job.program ? program : programIn(this.#world, child)))
    const options = {
      ...limits,
      handlers: user === undefined ? handlers : handlers.map((handler) => this.#handlers.in(handler)),
      programs: this.#schedule.scans ? [program] : [],
      children,
      maxAttempts: mostLives + 1
    }
    const made = makeEngine(options)
    // Without a look at the store, nothing that the engine starts by itself is of the job.
    return user === undefined || this.#schedule.scans ? made : this.#world.inBackground(made)
  }

  /** The services of a life. Undefined if the user's layer cannot be built. */
  #services(scope: Scope.Scope, life: number): Effect.Effect<Context.Context<Below> | undefined> {
    const { user } = this.#job
    const world = this.#world
    const pool = this.#schedule.workers === 0 ? inline : this.#pool.open()
    const own = world.services.pipe(
      Context.add(LogsEnd, false),
      Context.add(HeldOpen, user === undefined ? undefined : this.#held),
      Context.add(WorkerPool, pool),
      Context.add(JobStore, this.#store.open(life)),
      Context.add(Scope.Scope, scope)
    )
    if (user === undefined) return Effect.succeed(own)
    const services = Context.merge(user.services, own)
    if (user.layer === undefined) return Effect.succeed(services)
    const built = Layer.buildWithMemoMap(user.layer, Layer.makeMemoMapUnsafe(), scope)
    return Effect.provideContext(world.execute(layerOwner, built), services).pipe(
      Effect.map((context) => Context.merge(Context.merge(user.services, context), own)),
      Effect.catchCause((cause) => Effect.sync(() => void (this.#unbuilt = cause)))
    )
  }

  /** A start that a fault of the store refused is tried again by the next life. */
  #refused(cause: Cause.Cause<unknown>): "again" | { readonly broken: string } {
    const error = cause.reasons.find(Cause.isFailReason)?.error as StartError | InvalidProgram | undefined
    if (error?._tag === "StoreError" || error?._tag === "JournalCorrupt") return "again"
    this.#refusal = error
    return { broken: `the start failed: ${Cause.pretty(cause)}` }
  }
}

/** Runs a job by a schedule. Gives the turns that its agents and handlers need. */
export const simulating = <P extends Program.Any>(
  job: SimulatedJob<P>,
  schedule: Schedule
): Generator<Wait, Simulated> => new Simulation(job, schedule).running()

/** Runs a job by a schedule. Nothing of it may wait for a promise. */
export const simulate = <P extends Program.Any>(job: SimulatedJob<P>, schedule: Schedule): Simulated =>
  atOnce(simulating(job, schedule))
