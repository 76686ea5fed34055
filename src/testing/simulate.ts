/**
 * `Testing.simulate`: runs a program in a simulated world, where a seed decides the order of everything, delays and faults.
 *
 *     the plain run: nothing happens ──► what every run must give
 *     for each seed: its schedule ──► a run ── differs ──► the smallest schedule that still differs
 *
 * Boundary: the public types, and the loop over seeds. simulation/ makes the schedules, runs them and compares.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import { encodeInput, encodeSeeds } from "../engine/startRequest.ts"
import type { Handler } from "../intents/IntentHandler.ts"
import type { OpenApproval } from "../job/Job.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import type { CommittedIntent, JobResult } from "../outcome/JobResult.ts"
import { realTurn, withAmbience } from "../platform/ambient.ts"
import { approvalKind } from "../program/answerKinds.ts"
import type { EncodedFact } from "../program/encoded.ts"
import { compiledOf } from "../program/erased.ts"
import type { FactRef, ProposalOf } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import {
  anything,
  callable,
  type Complaint,
  complaintOf,
  invalidOptions,
  listOf,
  type Rules,
  unknownName
} from "../values/options.ts"
import { encodeSignals } from "./arrivals.ts"
import { Calls } from "./calls.ts"
import { type CheckNeeds, type CheckOptions, type ErasedCheck, milliseconds } from "./kit.ts"
import type { RunRecord } from "./runs.ts"
import { calm, faultOf, type Scale, scheduleOf, simplerSchedule, wordsOf } from "./simulation/faults.ts"
import type { Outside } from "./simulation/Execution.ts"
import { type SimulationFault, simulationFaults } from "./simulation/faultNames.ts"
import { type Finding, judge, recordOfRun } from "./simulation/judge.ts"
import type { Schedule } from "./simulation/schedule.ts"
import { shrinking } from "./simulation/shrink.ts"
import { type Simulated as SimulatedRun, type SimulatedJob, simulating } from "./simulation/simulate.ts"
import { inTurns } from "./simulation/turns.ts"
import type { UserJob } from "./simulation/users.ts"

export type { SimulationFault } from "./simulation/faultNames.ts"

/** Options of `simulate` that do not depend on the program's input. */
export interface SimulateSettings<P extends Program.Any, H, Name extends string, Out, E, In> extends CheckOptions<
  H,
  Name
> {
  /** The number of seeds, from 1 on, or the seeds themselves: whole numbers from 0 to 4,294,967,295. Default: 100. */
  readonly seeds?: number | ReadonlyArray<number> | undefined
  /** The faults that may happen: all (`true`), none (`false`), or some. Default: all. */
  readonly faults?: boolean | ReadonlyArray<SimulationFault> | undefined
  /**
   * Facts of the kinds in the program's `signals`, which arrive in an order, in parts and at times by the seed. The job converges
   * only when all of them have come. With signals, runs are compared by their ends and by their facts at the fixed point.
   * Arrivals of one fact keep their order if its kind decides by the order. Default: none.
   */
  readonly signals?: ReadonlyArray<ProposalOf<Program.Signals<P>>> | undefined
  /**
   * Services of the program and its handlers. It is built in the world, anew in each life of the process, so what it holds dies
   * with the process. Default: none; the other services are those of the caller.
   */
  readonly layer?: Layer.Layer<Out, E, In> | undefined
  /**
   * Decides an approval when the job waits for nothing else; undefined leaves it open. A run ends where its job waits for
   * approvals that are left open, or for handlers that are not given. Default: approves.
   */
  readonly decide?: ((approval: OpenApproval) => boolean | undefined) | undefined
}

/** The input, which may be left out if the program takes undefined. */
export type SimulateInput<P extends Program.Any> =
  undefined extends Program.Input<P>
    ? { readonly input?: Program.Input<P> }
    : {
        /** The input of the job. */
        readonly input: Program.Input<P>
      }

/** Options of `simulate`. */
export type SimulateOptions<
  P extends Program.Any,
  H = never,
  Name extends string = never,
  Out = never,
  E = never,
  In = never
> = SimulateSettings<P, H, Name, Out, E, In> & SimulateInput<P>

/** The result of `simulate` for a program that every seed ran as the plain run did. */
export interface Simulated {
  readonly program: string
  /** The status of the plain run; "awaiting" if it ended where the job rested. */
  readonly status: JobResult["status"] | "awaiting"
  /** The `_tag` of the error that ended all runs alike; undefined if the job converged or rested. */
  readonly error: string | undefined
  /** The decisions and handlers that a resting job waited for, such as `the approval "go"`. */
  readonly waitsFor: ReadonlyArray<string>
  /** The hash of the plain run. */
  readonly hash: string
  /** The number of seeds that were run. */
  readonly seeds: number
  /** The number of lives of the process, in all seeds together. */
  readonly lives: number
  /** The number of steps of the world, in all seeds together. */
  readonly steps: number
  /** The number of runs that a caller's cancel ended. They were compared up to there. */
  readonly cancelled: number
  /** The number of times that each fault was met, in all seeds together. */
  readonly faults: Readonly<Record<SimulationFault, number>>
}

/** A seed gives something else than the plain run. */
export class SimulationFailed extends Data.TaggedError("SimulationFailed")<{
  readonly program: string
  /** The first seed that differs. `seeds: [seed]` runs it again, in the same way. Undefined for the plain run itself. */
  readonly seed: number | undefined
  /**
   * The part that differs: the end of the job, its journal, hash, events or result, its facts at the fixed point, the answer of
   * a handler that got an idempotency key again, or a key that no intent has had before.
   */
  readonly what: Finding["what"]
  /** The agent of the first outcome, fact or intent that differs; "" if the difference lies in none. */
  readonly agent: string
  /** The id of the child job in which it lies, without that of the job at the top; "" for that job. */
  readonly child: string
  /** The fact that its task was about; undefined for an agent without `each`. */
  readonly each: FactRef | undefined
  /** The first fact that differs; undefined if no fact does. */
  readonly fact: FactRef | undefined
  /** The cycle of the first difference; 0 for the beginning, and for a difference that lies in no cycle. */
  readonly cycle: number
  /** That place in the plain run, and in the smallest run that differs. */
  readonly expected: unknown
  readonly found: unknown
  /** What happens in the smallest run that differs in the same way, in words. Nothing: the plain run itself, again. */
  readonly happens: ReadonlyArray<string>
  /** What is most likely wrong, and what to do; "" if the difference says all. */
  readonly advice: string
  /** The difference in a sentence. */
  readonly difference: string
  /** All of this in one text. */
  readonly message: string
}> {}

/** An agent, a handler or the layer waits for something that a simulation does not have. */
export class WaitsOutside extends Data.TaggedError("WaitsOutside")<{
  readonly program: string
  /** The agent that waits, or that gave the intent of the handler; "" for the layer. */
  readonly agent: string
  /** What it waits for, such as "the network". */
  readonly waitsFor: string
  /** The seed of the run; undefined for the plain run. */
  readonly seed: number | undefined
  readonly message: string
}> {}

type Failure = SimulationFailed | WaitsOutside | InvalidOptions | StartError | InvalidProgram

/**
 * Checks that a program gives the same whatever happens to it: in any order of its fibers, tasks and messages, on any number of
 * workers, and through every fault that a job must survive.
 *
 * It runs the program once as it is. Then, for each seed, it runs it in a world that the seed decides: the order in which fibers
 * go on, the number of workers, delays, faults and signals; and it kills the process and resumes the job as often as the seed
 * says. Journal, hash, events and result must be those of the plain run. A run that a caller cancels, or that a limit of time
 * ends, must agree up to there.
 *
 * All time is virtual, and stands still while anything can run: `Effect.sleep`, timeouts and retries take none. Effect's `Clock`
 * and `Random`, `Date` and `Math.random` go by the seed, so an agent that asks them is found, and a seed gives the same report
 * each time. Agents and handlers may use promises that need nothing outside of the process. CPU agents run without threads, on
 * simulated workers. A small program takes some milliseconds for a seed.
 *
 * Fails with `SimulationFailed` for the first seed that differs, with the smallest run that still does; with `WaitsOutside` if
 * something waits for the network, a file, a thread or a timer of the process; with `InvalidOptions`, and with the error of a
 * start that was refused; and with the error of `layer`.
 */
export const simulate = <
  P extends Program.Any,
  H = never,
  Name extends string = never,
  Out = never,
  E = never,
  In = never
>(
  program: P,
  options: SimulateOptions<P, H, Name, Out, E, In>
): Effect.Effect<Simulated, Failure | E, Exclude<CheckNeeds<P, H, Name>, Out> | Exclude<In, Scope>> =>
  // The services that are needed are those of the caller, and the error of the layer comes through as it is.
  simulated(program, options)

/** Options of `simulate`, without their types. */
export interface ErasedSimulation extends ErasedCheck {
  readonly input?: unknown
  readonly seeds?: number | ReadonlyArray<number> | undefined
  readonly faults?: boolean | ReadonlyArray<SimulationFault> | undefined
  readonly signals?: ReadonlyArray<unknown> | undefined
  readonly layer?: Layer.Any | undefined
  readonly decide?: ((approval: OpenApproval) => boolean | undefined) | undefined
}

const mostSeeds = 10_000_000

const isSeed = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32

const isCount = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= mostSeeds

const rules: Rules<ErasedSimulation> = {
  input: anything,
  handlers: anything,
  children: anything,
  budget: anything,
  layer: anything,
  seeds: (option, value): Complaint | undefined =>
    value === undefined || isCount(value) || (Array.isArray(value) && value.length > 0 && value.every(isSeed))
      ? undefined
      : {
          option,
          message: `${option} must be a number of seeds from 1 to ${mostSeeds}, or an array of seeds, which are whole numbers from 0 to ${2 ** 32 - 1}`
        },
  faults: (option, value): Complaint | undefined => {
    if (value === undefined || typeof value === "boolean") return undefined
    if (!Array.isArray(value)) {
      return { option, message: `${option} must be true, false or an array of faults: ${simulationFaults.join(", ")}` }
    }
    const known: ReadonlyArray<unknown> = simulationFaults
    const unknown = value.find((fault) => !known.includes(fault))
    return unknown === undefined
      ? undefined
      : { option, message: `${option}: ${unknownName("fault", String(unknown), simulationFaults)}` }
  },
  signals: listOf("proposals", "a proposal", (item) => typeof item === "object" && item !== null),
  decide: callable()
}

/** Told how far a simulation is. */
export interface Progress {
  /** Before a seed is run: its place among so many. */
  readonly begins: (place: number, count: number) => Effect.Effect<void>
  /** Before the smallest run is looked for that differs as the seed does. */
  readonly differs: (seed: number) => Effect.Effect<void>
}

const silent: Progress = { begins: () => Effect.void, differs: () => Effect.void }

/** `simulate` without types. The services that are needed are those of the caller. */
export const simulated = (
  program: Program.Any,
  options: ErasedSimulation,
  progress: Progress = silent
): Effect.Effect<Simulated, Failure> =>
  Effect.scoped(
    Effect.gen(function* () {
      const complaint = complaintOf(options, rules)
      if (complaint !== undefined) return yield* invalidOptions("Testing.simulate", complaint)
      const simulation = new Simulation(program, options, yield* signalsOf(program, options), yield* Effect.context())
      yield* withAmbience
      return yield* simulation.all(progress)
    })
  )

/** Validates the input, the seeds and the signals, and gives the signals. */
const signalsOf = (program: Program.Any, { input, signals = [] }: ErasedSimulation) =>
  Effect.gen(function* () {
    const compiled = compiledOf(program)
    const { value } = yield* encodeInput(compiled, input)
    yield* encodeSeeds(compiled, value)
    return yield* encodeSignals(compiled, signals, "Testing.simulate")
  })

/** The plain run, and its record. */
interface Plain {
  readonly run: SimulatedRun
  readonly record: RunRecord
}

/** The virtual milliseconds, thirty days, and the steps after which the plain run counts as endless. */
const mostOfPlain = { mostMs: 30 * 86_400_000, mostSteps: 2_000_000 }

/** The same for a life of another run: many times what the plain run takes. */
const mostOf = ({ nowMs, steps }: SimulatedRun): typeof mostOfPlain => ({
  mostMs: 20 * nowMs + 86_400_000,
  mostSteps: 20 * steps + 100_000
})
/** Runs that look for a smaller schedule, at most. */
const mostShrinks = 400

/** What an execution waits for of which nothing is known. */
const nothingGivenBack = "something that nothing in the simulation gives"

class Simulation {
  readonly #program: Program.Any
  readonly #options: ErasedSimulation
  readonly #signals: ReadonlyArray<EncodedFact>
  readonly #services: Context.Context<never>
  readonly #calls = new Calls()
  #most = mostOfPlain
  #lives = 0
  #steps = 0
  #cancelled = 0
  readonly #met = new Map<SimulationFault, number>()

  constructor(
    program: Program.Any,
    options: ErasedSimulation,
    signals: ReadonlyArray<EncodedFact>,
    services: Context.Context<never>
  ) {
    this.#program = program
    this.#options = options
    this.#signals = signals
    this.#services = services
  }

  all(progress: Progress): Effect.Effect<Simulated, Failure> {
    return Effect.gen({ self: this }, function* () {
      const plain = yield* this.#plain()
      // A clock that was not replaced has gone on by then.
      yield* milliseconds(2)
      const faults = this.#faults
      const seeds = seedsOf(this.#options.seeds ?? 100)
      for (const [place, seed] of seeds.entries()) {
        yield* progress.begins(place, seeds.length)
        yield* realTurn
        const schedule = scheduleOf(seed, faults, scaleOf(plain), this.#signals.length)
        const run = yield* this.#run(schedule)
        yield* this.#refuseOutside(run, seed)
        const finding = this.#finding(plain, run)
        if (finding !== undefined) {
          yield* progress.differs(seed)
          return yield* this.#failed(plain, seed, schedule, finding)
        }
        this.#count(run, schedule)
      }
      const { error, hash, status, waitsFor } = plain.record
      return {
        program: this.#program.name,
        status,
        error,
        waitsFor,
        hash,
        seeds: seeds.length,
        lives: this.#lives,
        steps: this.#steps,
        cancelled: this.#cancelled,
        faults: this.#faultCounts
      }
    })
  }

  get #faults(): ReadonlySet<SimulationFault> {
    const { faults = true } = this.#options
    return new Set(faults === true ? simulationFaults : faults === false ? [] : faults)
  }

  /** The run that every other must be like. */
  #plain(): Effect.Effect<Plain, Failure> {
    return Effect.gen({ self: this }, function* () {
      const run = yield* this.#run(calm)
      yield* this.#refuseOutside(run, undefined)
      const record = recordOfRun(run)
      this.#calls.isAlone = this.#signals.length > 0
      const finding = this.#calls.finding
      if (finding !== undefined) return yield* this.#error(undefined, { ...finding, each: undefined }, [])
      if (record !== undefined) {
        this.#most = mostOf(run)
        return { run, record }
      }
      const { broken = "", open } = run
      const [first] = open
      if (first !== undefined) return yield* this.#outside({ ...first, waitsFor: nothingGivenBack }, undefined)
      const nothing = {
        agent: "",
        child: "",
        each: undefined,
        fact: undefined,
        cycle: 0,
        expected: "an end",
        found: broken
      }
      return yield* this.#error(
        undefined,
        { ...nothing, what: "end", message: `the run comes to no end: ${broken}` },
        []
      )
    })
  }

  #run(schedule: Schedule): Effect.Effect<SimulatedRun> {
    return Effect.suspend(() => {
      const { budget, children = [], decide = () => true, handlers = [], input, layer } = this.#options
      this.#calls.begin()
      this.#calls.finding = undefined
      const user: UserJob = {
        children,
        budget,
        services: this.#services,
        layer: layer as UserJob["layer"],
        signals: this.#signals,
        decide
      }
      const job: SimulatedJob<Program.Any> = {
        program: this.#program,
        input: input as never,
        handlers: handlers.map((handler) => this.#calls.watch(handler) as Handler<never>),
        signals: [],
        user,
        most: this.#most
      }
      return inTurns(simulating(job, schedule))
    })
  }

  /** A run that could not be made in a world, for a reason that no other seed would change. */
  #refuseOutside({ outside, refused, unbuilt }: SimulatedRun, seed: number | undefined): Effect.Effect<void, Failure> {
    // The error of the caller's layer, whose type the caller knows.
    if (unbuilt !== undefined) return Effect.failCause(unbuilt as never)
    if (refused !== undefined) return Effect.fail(refused)
    return outside === undefined ? Effect.void : this.#outside(outside, seed)
  }

  #outside({ agent, label, waitsFor }: Outside, seed: number | undefined): Effect.Effect<never, WaitsOutside> {
    const message =
      `${label} waits for ${waitsFor}${waitsFor === nothingGivenBack ? "" : ", which is not in the simulation"}. Give it a stand-in that answers by itself: a service of ` +
      "`layer`, recorded answers (Testing.recorded), or a model from a script (Testing.model). Effect.sleep waits in the simulation"
    return Effect.fail(new WaitsOutside({ program: this.#program.name, agent, waitsFor, seed, message }))
  }

  #finding(plain: Plain, run: SimulatedRun): Finding | undefined {
    const { finding } = this.#calls
    if (finding !== undefined) return { ...finding, each: undefined }
    const judged = { program: this.#program, children: this.#options.children ?? [] }
    return judge(judged, plain.record, run, this.#signals.length > 0)
  }

  #count({ isCancelled, lives, met, pauses, steps, end }: SimulatedRun, { user }: Schedule): void {
    this.#lives += lives
    this.#steps += steps
    const isEnded = isCancelled && end?.error?._tag === "JobCancelled"
    if (isEnded) this.#cancelled++
    const add = (fault: SimulationFault | undefined, times = 1): void => {
      if (fault !== undefined && times > 0) this.#met.set(fault, (this.#met.get(fault) ?? 0) + times)
    }
    for (const fault of met) add(faultOf(fault))
    add("pauses", pauses)
    add("cancels", isCancelled ? 1 : 0)
    add("load", user !== undefined && user.load > 1 ? 1 : 0)
  }

  get #faultCounts(): Simulated["faults"] {
    const counts = simulationFaults.map((fault) => [fault, this.#met.get(fault) ?? 0] as const)
    return Object.fromEntries(counts) as Simulated["faults"]
  }

  /** Looks for the smallest schedule that fails in the same way, and fails with it. */
  #failed(plain: Plain, seed: number, schedule: Schedule, first: Finding): Effect.Effect<never, Failure> {
    return Effect.gen({ self: this }, function* () {
      let smallest = { schedule, finding: first }
      const search = shrinking(schedule, simplerSchedule, mostShrinks)
      for (let step = search.next(); step.done !== true;) {
        const finding = this.#finding(plain, yield* this.#run(step.value))
        const isSame = finding?.what === first.what && finding.agent === first.agent
        if (isSame) smallest = { schedule: step.value, finding }
        step = search.next(isSame)
      }
      return yield* this.#error(seed, smallest.finding, wordsOf(smallest.schedule, this.#signals), smallest.schedule)
    })
  }

  #error(
    seed: number | undefined,
    { message: difference, ...finding }: Finding,
    happens: ReadonlyArray<string>,
    schedule: Schedule = calm
  ): Effect.Effect<never, SimulationFailed> {
    const advice = seed === undefined ? "" : adviceFor(finding, schedule)
    const needs = happens.length === 0 ? "nothing but a second run" : happens.join("; ")
    const again = `. It takes: ${needs}. Run it again with Testing.simulate(program, { ..., seeds: [${seed}] })`
    const message =
      `${seed === undefined ? "the plain run" : `seed ${seed}`}: ${difference}` +
      (advice === "" ? "" : `. ${advice}`) +
      (seed === undefined ? "" : again)
    const { name: program } = this.#program
    return Effect.fail(new SimulationFailed({ program, seed, ...finding, happens, advice, difference, message }))
  }
}

const seedsOf = (seeds: number | ReadonlyArray<number>): ReadonlyArray<number> =>
  typeof seeds === "number" ? Array.from({ length: seeds }, (_, index) => index + 1) : seeds

const scaleOf = ({ record, run }: Plain): Scale => ({
  steps: run.steps,
  writes: run.counts.writes,
  calls: run.counts.calls,
  ms: run.nowMs,
  tasks: record.of.usage.agents,
  limitMs: Math.min(...record.of.intents.map(limitOf))
})

/** The time limit of an approval; Infinity for other intents. */
const limitOf = ({ kind, payload }: CommittedIntent): number => {
  const limit: unknown =
    kind === approvalKind && typeof payload === "object" && payload !== null && Reflect.get(payload, "timeoutMs")
  return typeof limit === "number" ? limit : Infinity
}

/** What is wrong, by what it takes to see it. The handlers and signals have words of their own. */
const adviceFor = ({ what }: Pick<Finding, "what">, schedule: Schedule): string => {
  if (what === "answer" || what === "key" || what === "facts") return ""
  const { acts, kills, order, pool, store, user = calm.user } = schedule
  if (user.load !== 1) {
    return (
      "Its timeout is too short for a machine under load: give it more time, or `retry`, or let `onFailure` discard a timeout " +
      "where the job can do without the result"
    )
  }
  if (user.random !== 0) return "It goes by random numbers: take them from the input, or from the fact that it works on"
  if (kills.length + store.length + user.handlers.length > 0) {
    return "A cycle that was not committed runs again, and has to give the same again: an agent that cannot do so needs `memoize`"
  }
  if (user.aheadMs !== 0) return "It goes by the time: take the time from the input"
  if (order === "seeded" || pool.length > 0 || acts.length > 0) {
    return (
      "It depends on the order in which tasks go on and end, most often through state that they share: take what it needs " +
      "from the view"
    )
  }
  return "It goes by state that outlives a run, such as a variable of the module: keep it in facts, or in a service of `layer`"
}
