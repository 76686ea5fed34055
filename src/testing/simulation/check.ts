/**
 * The runs of `Testing.simulate`: the plain run, one for each seed, and those that look for the smallest run that still differs.
 *
 * Boundary: the loop over runs, and what their differences mean. simulate.ts runs a schedule, judge.ts compares, faults.ts makes
 * schedules.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { Handler } from "../../intents/IntentHandler.ts"
import type { OpenApproval } from "../../job/Job.ts"
import type { InvalidProgram, StartError } from "../../outcome/JobError.ts"
import type { CommittedIntent } from "../../outcome/JobResult.ts"
import { realTurn } from "../../platform/ambient.ts"
import { approvalKind } from "../../program/answerKinds.ts"
import type { EncodedFact } from "../../program/encoded.ts"
import type { Program } from "../../program/Program.ts"
import type { InvalidOptions } from "../../values/InvalidOptions.ts"
import { memoizes } from "../advice.ts"
import { Calls, textOf } from "../calls.ts"
import { type ErasedCheck, milliseconds } from "../kit.ts"
import type { RunRecord } from "../runs.ts"
import { type Simulated, SimulationFailed, WaitsOutside } from "../simulationReport.ts"
import type { Outside } from "./Execution.ts"
import { type SimulationFault, simulationFaults } from "./faultNames.ts"
import { calm, faultOf, type Scale, scheduleOf, simplerSchedule, wordsOf } from "./faults.ts"
import { type Finding, judge, recordOfRun } from "./judge.ts"
import { adviceFor } from "./adviceFor.ts"
import type { Schedule } from "./schedule.ts"
import { shrinking } from "./shrink.ts"
import { type Simulated as SimulatedRun, type SimulatedJob, simulating } from "./simulate.ts"
import { inTurns } from "./turns.ts"
import type { UserJob } from "./users.ts"

/** The failures of the check, without that of a layer. */
export type Failure = SimulationFailed | WaitsOutside | InvalidOptions | StartError | InvalidProgram

/** Options of `simulate`, without their types. */
export interface ErasedSimulation extends ErasedCheck {
  readonly input?: unknown
  readonly seeds?: number | ReadonlyArray<number> | undefined
  readonly faults?: boolean | ReadonlyArray<SimulationFault> | undefined
  readonly signals?: ReadonlyArray<unknown> | undefined
  readonly layer?: Layer.Any | undefined
  readonly decide?: ((approval: OpenApproval) => boolean | undefined) | undefined
  readonly outside?: Effect.Effect<unknown> | undefined
}

/** Told how far a simulation is. */
export interface Progress {
  /** Before a seed is run: its place among so many. */
  readonly begins: (place: number, count: number) => Effect.Effect<void>
  /** Before the smallest run is looked for that differs as the seed does. */
  readonly differs: (seed: number) => Effect.Effect<void>
}

export const silent: Progress = { begins: () => Effect.void, differs: () => Effect.void }

/** The plain run, and its record. */
interface Plain {
  readonly run: SimulatedRun
  readonly record: RunRecord
  /** The world outside after it, as text. */
  readonly outside: string
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

/** The words for what an execution waits for, if nothing is known of it. */
const nothingGivenBack = "something that nothing in the simulation gives"

export class Simulation {
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
      // Every run would miss the service.
      const seeds = isServiceMissing(plain.record) ? [] : seedsOf(this.#options.seeds ?? 100)
      for (const [place, seed] of seeds.entries()) {
        yield* progress.begins(place, seeds.length)
        yield* realTurn
        const schedule = scheduleOf(seed, faults, scaleOf(plain), this.#signals.length)
        const run = yield* this.#run(schedule)
        yield* this.#refuseOutside(run, seed)
        const finding = this.#finding(plain, run, yield* this.#outsideNow)
        if (finding !== undefined) {
          yield* progress.differs(seed)
          return yield* this.#failed(plain, seed, schedule, finding)
        }
        this.#count(run, schedule)
      }
      const { error, hash, message, status, waitsFor } = plain.record
      return {
        program: this.#program.name,
        status,
        error,
        message,
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
      const finding = this.#calls.finding
      if (finding !== undefined) return yield* this.#error(undefined, { ...finding, each: undefined }, [])
      if (record !== undefined) {
        this.#most = mostOf(run)
        return { run, record, outside: yield* this.#outsideNow }
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

  /** The world outside, as text. With signals, intents have other keys in each run, so it may be another one. */
  get #outsideNow(): Effect.Effect<string> {
    const { outside } = this.#options
    return outside === undefined || this.#signals.length > 0 ? Effect.succeed("") : Effect.map(outside, textOf)
  }

  #finding(plain: Plain, run: SimulatedRun, outside: string): Finding | undefined {
    const { finding } = this.#calls
    if (finding !== undefined) return { ...finding, each: undefined }
    const judged = { program: this.#program, children: this.#options.children ?? [] }
    return (
      judge(judged, plain.record, run, this.#signals.length > 0) ??
      (outside === plain.outside ? undefined : outsideFinding(plain.outside, outside))
    )
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
        const run = yield* this.#run(step.value)
        const finding = this.#finding(plain, run, yield* this.#outsideNow)
        const isSame = finding?.what === first.what && finding.agent === first.agent
        if (isSame) smallest = { schedule: step.value, finding }
        step = search.next(isSame)
      }
      return yield* this.#error(seed, smallest.finding, wordsOf(smallest.schedule, this.#signals), smallest.schedule)
    })
  }

  #error(
    seed: number | undefined,
    { isOfHandler, message: difference, ...finding }: Finding,
    happens: ReadonlyArray<string>,
    schedule: Schedule = calm
  ): Effect.Effect<never, SimulationFailed> {
    const isMemoized = memoizes([this.#program, ...(this.#options.children ?? [])], finding.agent)
    const of = { what: finding.what, isMemoized, isOfHandler: isOfHandler === true }
    const advice = seed === undefined ? "" : adviceFor(of, schedule)
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

const isServiceMissing = ({ error, message }: RunRecord): boolean =>
  error === "AgentPanicked" && message.startsWith("Service not found: ")

const scaleOf = ({ record, run }: Plain): Scale => ({
  steps: run.steps,
  writes: run.counts.writes,
  calls: run.counts.calls,
  ms: run.nowMs,
  tasks: record.of.usage.agents,
  limitMs: Math.min(...record.of.intents.map(limitOf)),
  limited: record.of.intents.filter((intent) => limitOf(intent) < Infinity).length
})

/** The time limit of an approval; Infinity for other intents. */
const limitOf = ({ kind, payload }: CommittedIntent): number => {
  const limit: unknown =
    kind === approvalKind && typeof payload === "object" && payload !== null && Reflect.get(payload, "timeoutMs")
  return typeof limit === "number" ? limit : Infinity
}

const outsideFinding = (expected: string, found: string): Finding => ({
  ...{ what: "outside", agent: "", child: "", each: undefined, fact: undefined, cycle: 0, expected, found },
  message:
    "the world outside is not what it was after the plain run: something was done again that was done before. Give a handler's " +
    "idempotency key to the system that it calls"
})
