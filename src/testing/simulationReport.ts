/**
 * The reports of `Testing.simulate`: all seeds gave the same, one did not and why, or something waits outside.
 *
 * Boundary: data. simulate.ts has the check, and simulation/check.ts the runs.
 */
import * as Data from "effect/Data"
import type { JobResult } from "../outcome/JobResult.ts"
import type { FactRef } from "../program/Fact.ts"
import type { SimulationFault } from "./simulation/faultNames.ts"

/** The result of `simulate` for a program that every seed ran as the plain run did. */
export interface Simulated {
  /** The name of the program. */
  readonly program: string
  /** The status of the plain run; "awaiting" if it ended where the job rested. */
  readonly status: JobResult["status"] | "awaiting"
  /** The `_tag` of the error that ended all runs alike; undefined if the job converged or rested. */
  readonly error: string | undefined
  /** The message of that error; "" if there is none. */
  readonly message: string
  /** The decisions and handlers that a resting job waited for, such as `the approval "go"`. */
  readonly waitsFor: ReadonlyArray<string>
  /** The hash of the plain run. */
  readonly hash: string
  /** The number of seeds that were run; 0 if the plain run misses a service, as every other would. */
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
   * a handler that got an idempotency key again, a key that no intent has had before, or the world outside.
   */
  readonly what: "end" | "journal" | "hash" | "events" | "result" | "facts" | "answer" | "key" | "outside"
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
  /** The things that happen in the smallest run that differs in the same way, in words. None: the plain run itself, again. */
  readonly happens: ReadonlyArray<string>
  /** The most likely mistake, and the remedy; "" if the difference says all. */
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
  /** The thing that it waits for, such as "the network". */
  readonly waitsFor: string
  /** The seed of the run; undefined for the plain run. */
  readonly seed: number | undefined
  readonly message: string
}> {}
