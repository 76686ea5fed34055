/**
 * `Testing.simulate`: runs a program in a simulated world, where a seed decides the order of everything, delays and faults.
 *
 *     the plain run: nothing happens ──► what every run must give
 *     for each seed: its schedule ──► a run ── differs ──► the smallest schedule that still differs
 *
 * Boundary: the public types, and the options, checked. simulation/check.ts makes the runs.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Scope } from "effect/Scope"
import { encodeInput, encodeSeeds } from "../engine/startRequest.ts"
import type { OpenApproval } from "../job/Job.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { withAmbience } from "../platform/ambient.ts"
import { compiledOf } from "../program/erased.ts"
import type { ProposalOf } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import {
  anything,
  callable,
  type Complaint,
  complaintOf,
  invalidOptions,
  listOf,
  must,
  type Rules,
  unknownName
} from "../values/options.ts"
import { encodeSignals } from "./arrivals.ts"
import { type CheckNeeds, type CheckOptions, checkRules } from "./kit.ts"
import { type ErasedSimulation, type Failure, type Progress, silent, Simulation } from "./simulation/check.ts"
import { type SimulationFault, simulationFaults } from "./simulation/faultNames.ts"
import type { Simulated, SimulationFailed, WaitsOutside } from "./simulationReport.ts"

export { type Simulated, SimulationFailed, WaitsOutside } from "./simulationReport.ts"
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
  /**
   * Gives the state of the world outside that handlers and agents act on, as plain data: the rows of a table, the letters that
   * were sent. It must be the same after each run. It is not looked at if there are signals. Default: never.
   */
  readonly outside?: Effect.Effect<unknown> | undefined
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
): Effect.Effect<
  Simulated,
  SimulationFailed | WaitsOutside | InvalidOptions | StartError | InvalidProgram | E,
  Exclude<CheckNeeds<P, H, Name>, Out> | Exclude<In, Scope>
> =>
  // The services that are needed are those of the caller, and the error of the layer comes through as it is.
  simulated(program, options)

const mostSeeds = 10_000_000

const isSeed = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32

const isCount = (value: unknown): boolean =>
  Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= mostSeeds

const rules: Rules<ErasedSimulation> = {
  ...checkRules,
  input: anything,
  layer: must("a Layer", Layer.isLayer),
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
  decide: callable(),
  outside: must("an Effect", Effect.isEffect)
}

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
