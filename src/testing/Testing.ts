/**
 * Checks of programs: Effects that succeed with a report, or fail with a typed error that says where a program breaks a promise.
 *
 * They run real jobs: `confluent` on the engine that the caller provides, the others in engines of their own. Handlers perform
 * the intents of these jobs, if there are any. Boundary: the public names; each check is in a file of its own.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { Engine } from "../engine/Engine.ts"
import type { Needs } from "../engine/options.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import type { FactRef, Kind, ProposalOf } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import { complaintOf, invalidOptions, listOf, type Rules, whole } from "../values/options.ts"
import type { Arrival } from "./arrivalOrders.ts"
import { compareArrivals } from "./arrivals.ts"

export { type Case, type CaseEnd, caseOf, type CaseRun, decodeCase, minimized, runCase } from "./case.ts"
export { model, type ModelAnswer, type ModelCall, modelRecorder, type ModelScript } from "./model.ts"
export { type Recorded, recorded, type RecordedProgram, type Unanswered } from "./recorded.ts"
export {
  type RecordedAnswer,
  type RecordedBase,
  type RecordedBudget,
  type RecordedFact,
  type RecordedProposal,
  type RecordedSignal,
  type RecordedTask,
  type RecordedVersion,
  recording,
  type Recording
} from "./recording.ts"
export {
  rehearse,
  type Rehearsed,
  type RehearsedFact,
  type RehearsedIntent,
  type RehearsedJob,
  type RehearseOptions,
  type SkippedJob
} from "./rehearse.ts"

export {
  type Deterministic,
  deterministic,
  type DeterministicOptions,
  NotDeterministic,
  type RunWay
} from "./deterministic.ts"
export { type Durable, durable, type DurableOptions, NotDurable } from "./durable.ts"
export {
  execute,
  type Executed,
  type ExecutedFact,
  type ExecuteNeeds,
  type ExecuteOptions,
  NotExecuted,
  view
} from "./execute.ts"
export type { CheckNeeds, CheckOptions } from "./kit.ts"
export { kill, layer, start, type TestLayerOptions, TestProcess } from "./layer.ts"
export { withAgents } from "./withAgents.ts"
export {
  simulate,
  type Simulated,
  type SimulateInput,
  type SimulateOptions,
  type SimulateSettings,
  SimulationFailed,
  type SimulationFault,
  WaitsOutside
} from "./simulate.ts"

/** A way in which a program's seeds and signals arrive: in parts, one after the other. */
export interface ArrivalOrder {
  /** The way in words, such as "3 parts, the last first". */
  readonly name: string
  /** The seeds and signals of each part, in the order of their arrival. A fact that is there twice is revised. */
  readonly parts: ReadonlyArray<ReadonlyArray<FactRef>>
}

/** The result of `confluent` for a program whose facts do not depend on the order of arrival. */
export interface Confluent {
  readonly program: string
  /** The number of facts at the fixed point. */
  readonly facts: number
  /** The decisions and handlers for which the job waits at its fixed point, such as `the approval "go"`. */
  readonly waitsFor: ReadonlyArray<string>
  /** The orders that were tried, besides all at once. */
  readonly orders: ReadonlyArray<ArrivalOrder>
}

/** A program whose facts at the fixed point depend on the order of arrival. */
export class NotConfluent extends Data.TaggedError("NotConfluent")<{
  readonly program: string
  /** The first order in which something differs. */
  readonly order: ArrivalOrder
  /**
   * The difference: a fact that is missing in that order, a fact that only that order has, another value, or another end of a
   * job.
   */
  readonly what: "missing" | "extra" | "different" | "end"
  /** The first fact that differs, in commit order; undefined for another end. */
  readonly fact: FactRef | undefined
  /** The agent that added the fact, and the cycle in which it did; "" for a seed or an end. */
  readonly agent: string
  readonly cycle: number
  /** The value, or the end, if all seeds and signals are there from the start; undefined if there is none. */
  readonly expected: unknown
  /** The value, or the end, in that order; undefined if there is none. */
  readonly found: unknown
  readonly message: string
}> {}

/** Options of `confluent`. `S` are the kinds that the program takes as signals. */
export interface ConfluentOptions<S extends Kind.Any = never> {
  /** The number of orders that are tried at most. Default: 24. */
  readonly orders?: number | undefined
  /** The number from which the random orders are made. The same number gives the same orders. Default: 1. */
  readonly seed?: number | undefined
  /**
   * Facts of the kinds in the program's `signals`, which arrive beside the seeds. One may revise a seed or an earlier signal.
   * Arrivals of one fact keep their order among themselves if its kind decides by the order (`"keepLast"`, `"keepFirst"`,
   * `"reject"`), and come in any order if its kind combines values by a function. A decision (`Intent.Decision`) is refused,
   * because it answers an approval of one job. Default: none.
   */
  readonly signals?: ReadonlyArray<ProposalOf<S>> | undefined
}

const rules: Rules<ConfluentOptions> = {
  orders: whole(1, 100_000),
  seed: whole(0, 2 ** 32 - 1),
  signals: listOf("proposals", "a proposal", (item) => typeof item === "object" && item !== null)
}

/**
 * Checks that a program is confluent: the facts at its fixed point do not depend on when its seeds and signals arrive.
 *
 * It runs the program once with all seeds and signals. Then it runs it in other orders: they come in parts, each part when the
 * job has converged on the parts before, or after one cycle of them. The facts at the end must be the same, by kind, id and
 * value; provenance and commit order may differ, and so may `Violation`s. Acceptance and semantic invariants count for the last
 * part alone. A job that waits for an approval is at its fixed point: its run ends there, and no time limit is waited for.
 *
 * Fails with `NotConfluent`, which names the first fact that differs and the agent that wrote it, with `InvalidOptions`, and with
 * the error of a start that was refused. Interrupting it cancels the job under way.
 */
export const confluent = <P extends Program.Any>(
  program: P,
  input: Program.Input<P>,
  options: ConfluentOptions<Program.Signals<P>> = {}
): Effect.Effect<Confluent, NotConfluent | InvalidOptions | StartError | InvalidProgram, Engine | Needs<P>> =>
  Effect.suspend(() => {
    const complaint = complaintOf(options, rules)
    if (complaint !== undefined) return Effect.fail(invalidOptions("Testing.confluent", complaint))
    const { orders = 24, seed = 1, signals = [] } = options
    return Effect.flatMap(compareArrivals(program, input, { orders, seed, signals }), (compared) => {
      const { difference, facts, orders, waitsFor } = compared
      if (difference === undefined) {
        return Effect.succeed({ program: program.name, facts, waitsFor, orders: orders.map(orderOf) })
      }
      return Effect.fail(new NotConfluent({ program: program.name, ...difference, order: orderOf(difference.order) }))
    })
  })

const orderOf = ({ name, parts }: Arrival): ArrivalOrder => ({
  name,
  parts: parts.map((part) => part.map(({ id, kind }) => ({ kind: kind.name, id })))
})
