/**
 * `Testing.deterministic`: runs a program several times, and finds the first place in which two runs differ.
 *
 *     twice alike ─── differ ──► the agent asks the world: a clock, Math.random, state that outlives a run
 *     Effect's Clock on another day ─── differ ──► the agent asks Effect's Clock
 *     tasks end in another order ─── differ ──► an effect depends on the order in which tasks end
 *     timeouts come sooner ─── differ ──► a timeout is too short for a machine under load
 *
 * Boundary: jobs in engines of its own, each with a journal in memory. differences.ts compares them.
 */
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { ErasedAgent } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import { complaintOf, invalidOptions, number, type Rules, whole } from "../values/options.ts"
import { layerInline } from "../workers/index.ts"
import { outlives, tooShort } from "./advice.ts"
import { differenceOf, isUnpaid, placeOf, type RunDifference, wordsOf } from "./differences.ts"
import {
  type CheckError,
  type CheckNeeds,
  type CheckOptions,
  checkRules,
  type ErasedCheck,
  milliseconds,
  runOn,
  withJournal,
  withNeeds
} from "./kit.ts"
import type { RunRecord } from "./runs.ts"
import { shuffled, shuffledPool, withAgents } from "./shuffle.ts"

/** The way in which a run is made otherwise than the first one. */
export type RunWay = "alike" | "another day" | "another order" | "under load"

/** Options of `deterministic`. */
export interface DeterministicOptions<H, Name extends string> extends CheckOptions<H, Name> {
  /** The number of runs whose tasks end in another order. Default: 5. */
  readonly orders?: number | undefined
  /**
   * Makes one more run on a machine that is so many times slower: the timeouts of fiber agents are so many times shorter. It
   * needs a clock that goes on, as `it.live` has it. Default: no such run.
   */
  readonly load?: number | undefined
}

/** The result of `deterministic` for a program whose runs are the same. */
export interface Deterministic {
  readonly program: string
  /** The status of the runs; "awaiting" if they ended where the job rested. */
  readonly status: JobResult["status"] | "awaiting"
  /** The decisions and handlers that a resting job waited for, such as `the approval "go"`. */
  readonly waitsFor: ReadonlyArray<string>
  readonly hash: string
  /** The ways of the runs, after the first. */
  readonly runs: ReadonlyArray<RunWay>
}

/** A program of which two runs differ. */
export class NotDeterministic extends Data.TaggedError("NotDeterministic")<{
  readonly program: string
  /** The way of the run that differs from the first one. */
  readonly way: RunWay
  /** The part that differs: a cycle's row, the hash, the event log, or the result. */
  readonly what: RunDifference["what"]
  /** The agent of the first outcome that differs, or of the intent whose answer does; "" if the difference lies in none. */
  readonly agent: string
  /** The fact that its task was about; undefined for an agent without `each`. */
  readonly each: FactRef | undefined
  /** The first fact that differs; undefined if no fact does. */
  readonly fact: FactRef | undefined
  /** The cycle of the first difference; 0 for the beginning, and for a difference that lies in no cycle. */
  readonly cycle: number
  /** The child job in which it lies, by its id without that of the job at the top; "" for that job. */
  readonly child: string
  /** That place in the first run, and in the other. */
  readonly expected: unknown
  readonly found: unknown
  readonly message: string
}> {}

/**
 * Checks that a program is deterministic: every run has the same context, hash and event log, byte for byte.
 *
 * It runs the program in this process, without threads, and again: as it was, with Effect's `Clock` 40 days later, and with tasks
 * that end in other orders. It cannot find what is the same in all these runs, such as today's date without Effect's `Clock`.
 * Intents are performed by `handlers`, once in each run and with the same idempotency keys. A run ends where its job waits for an
 * approval, whose time limit is not waited for: what the job has done until then is compared. Timeouts and retries go by the
 * clock of the caller, so use `it.live` where the program waits.
 *
 * Child jobs are compared, too, and so is the bill: the tokens and the cost of each agent.
 *
 * Fails with `NotDeterministic`, which names the agent, the fact and the cycle of the first difference, with `InvalidOptions`,
 * and with the error of a start that was refused.
 */
export const deterministic = <P extends Program.Any, H = never, Name extends string = never>(
  program: P,
  input: Program.Input<P>,
  options?: DeterministicOptions<H, Name>
): Effect.Effect<
  Deterministic,
  NotDeterministic | InvalidOptions | StartError | StoreError | InvalidProgram,
  CheckNeeds<P, H, Name>
> =>
  withNeeds<Deterministic, NotDeterministic | CheckError, P, H, Name>(
    Effect.suspend((): Effect.Effect<Deterministic, NotDeterministic | CheckError> => {
      const complaint = complaintOf(options ?? {}, rules)
      return complaint === undefined
        ? compared(program, input, options ?? {})
        : Effect.fail(invalidOptions("Testing.deterministic", complaint))
    })
  )

interface Options extends ErasedCheck {
  readonly orders?: number | undefined
  readonly load?: number | undefined
}

const rules: Rules<Options> = { ...checkRules, orders: whole(0, 100_000), load: number(1) }

const compared = (program: Program.Any, input: unknown, options: Options) =>
  Effect.gen(function* () {
    const orders = Array.from({ length: options.orders ?? 5 }, (_, index): Run => ["another order", index + 1])
    const loaded: ReadonlyArray<Run> = options.load === undefined ? [] : [["under load", options.load]]
    const runs: ReadonlyArray<Run> = [["alike", 0], ["another day", 0], ...orders, ...loaded]
    const first = yield* runOnce(program, input, options, ["alike", 0])
    for (const run of runs) {
      // A clock that counts milliseconds has gone on by then.
      yield* milliseconds(2)
      const other = yield* runOnce(program, input, options, run)
      const difference = differenceOf(first, other)
      if (difference !== undefined) return yield* notDeterministic(program, options, run[0], difference)
    }
    const { hash, status, waitsFor } = first
    return { program: program.name, status, waitsFor, hash, runs: runs.map(([way]) => way) }
  })

/** The way of a run, and its number: the seed of an order, or how many times slower the machine is. */
type Run = readonly [way: RunWay, number: number]

const jobId = "deterministic"

const runOnce = (
  program: Program.Any,
  input: unknown,
  options: Options,
  [way, number]: Run
): Effect.Effect<RunRecord, StartError | InvalidProgram | StoreError> => {
  const isShuffled = way === "another order"
  const pool = isShuffled ? shuffledPool(layerInline, number) : layerInline
  const chosen = isShuffled
    ? shuffled(program, number, milliseconds)
    : way === "under load"
      ? withAgents(program, (agent) => hurried(agent, number))
      : program
  const run = withJournal((store) => runOn(chosen, input, options, { jobId, store, pool }))
  return way === "another day"
    ? Effect.clockWith((clock) => Effect.provideService(run, Clock.Clock, later(clock)))
    : run
}

/** The agent on a machine that is so many times slower: its timeout comes so many times sooner. */
const hurried = (agent: ErasedAgent, times: number): ErasedAgent =>
  agent.timeoutMs === undefined ? agent : { ...agent, timeoutMs: agent.timeoutMs / times }

/** 40 days, 7 hours and some: another day, month and hour. */
const laterMs = 40 * 86_400_000 + 7 * 3_600_000 + 1_234

/** A clock that shows a later time, and goes on as the other does. */
const later = (clock: Clock.Clock): Clock.Clock => {
  const millis = (): number => clock.currentTimeMillisUnsafe() + laterMs
  const nanos = (): bigint => clock.currentTimeNanosUnsafe() + BigInt(laterMs) * 1_000_000n
  return {
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
    monotonicTimeNanos: clock.monotonicTimeNanos,
    sleep: (duration) => clock.sleep(duration)
  }
}

/** The mistakes that make runs of a way differ, and what to do. */
const advice: Readonly<Record<RunWay, string>> = {
  alike: `The same run gave something else the second time. ${outlives}`,
  "another day": "The run goes by the time of Effect's Clock: take the time from the input",
  "another order":
    "It depends on the order in which tasks end, most often through state that tasks share: take what it needs from the view",
  "under load": tooShort
}

/** The advice where a run ended for want of room in the budget, and the other did not. */
const rivalry =
  "Calls that are under way side by side reserve their room in the budget, and one that finds none is refused: which one it is goes " +
  "by the order. Give the budget more room, reserve less for a call, or run one task at a time (`concurrency: 1`)"

const notDeterministic = (
  program: Program.Any,
  { children = [] }: Options,
  way: RunWay,
  difference: RunDifference
): NotDeterministic => {
  const { expected, found, what } = difference
  const place = placeOf(program, children, jobId, difference)
  const { named, who } = wordsOf(place, `the ${what}`)
  const where = difference.cycle === null ? "" : ` in cycle ${place.cycle}`
  const isOfBudget = way === "another order" && isUnpaid(expected) !== isUnpaid(found)
  const { isAnswer: _, ...at } = place
  const message = `${who} gives two things${named}${where}. ${isOfBudget ? rivalry : advice[way]}`
  return new NotDeterministic({ program: program.name, way, what, ...at, expected, found, message })
}
