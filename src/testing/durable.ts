/**
 * `Testing.durable`: kills the process of a job at every write of its store, and demands that the resumed job ends as if nothing
 * had happened (G11).
 *
 *     a run that is left alone counts its writes
 *     for each write:   one life that loses it, and everything after ──► another life that goes on from the journal
 *
 * All runs have the same job id, so a handler gets the same idempotency keys in all of them. Boundary: jobs in engines of its
 * own; mortalStore.ts loses the writes.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { FactRef } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import { complaintOf, invalidOptions, must, type Rules, whole } from "../values/options.ts"
import { calledAgain, memoizes, runsAgain } from "./advice.ts"
import { Calls, textOf } from "./calls.ts"
import { differenceOf, isUnpaid, type Place, placeOf, wordsOf } from "./differences.ts"
import {
  type CheckError,
  type CheckNeeds,
  type CheckOptions,
  checkRules,
  type ErasedCheck,
  runOn,
  withJournal,
  withNeeds
} from "./kit.ts"
import { mortal } from "./mortalStore.ts"
import type { Bill, RunRecord } from "./runs.ts"

/** Options of `durable`. */
export interface DurableOptions<H, Name extends string> extends CheckOptions<H, Name> {
  /** The number of writes at which the process is killed, at most: then they are spread over the job. Default: 100. */
  readonly kills?: number | undefined
  /**
   * Gives the state of the world outside that handlers and agents act on, as plain data: the rows of a table, the letters that
   * were sent. It must be the same after each run. Default: it is not looked at.
   */
  readonly outside?: Effect.Effect<unknown> | undefined
}

/** The result of `durable` for a program that ends the same wherever it is killed. */
export interface Durable {
  readonly program: string
  /** The status of the runs; "awaiting" if they ended where the job rested. */
  readonly status: JobResult["status"] | "awaiting"
  readonly hash: string
  /** The number of writes of a run that is left alone, and the writes at which the process was killed. */
  readonly writes: number
  readonly kills: number
  /** The number of intents that handlers performed, and of those that they performed again after a kill. */
  readonly intents: number
  readonly repeated: number
  /**
   * The most that one kill added to the bill: calls of models that were under way are paid as they were reserved, and those
   * whose answer was not kept (`memoize`) are made again.
   */
  readonly overpaid: { readonly tokens: number; readonly cost: number }
}

/** A program that ends otherwise if its process is killed. */
export class NotDurable extends Data.TaggedError("NotDurable")<{
  readonly program: string
  /** The write that was lost, counted from 1. */
  readonly write: number
  /**
   * The difference: the end of the job, a journal, the answer of a handler that got an idempotency key again, a key that no
   * intent has had before, or the world outside.
   */
  readonly what: "end" | "journal" | "answer" | "key" | "outside"
  /** The agent whose outcome or intent it is; "" if it is no agent's. */
  readonly agent: string
  /** The fact: the first that differs, or the one that the intent's task was about. */
  readonly fact: FactRef | undefined
  readonly cycle: number
  /** The child job in which it lies, by its id without that of the job at the top; "" for that job. */
  readonly child: string
  /** The kind of the intent, and its idempotency key; "" if it is no intent. */
  readonly intent: string
  readonly key: string
  readonly expected: unknown
  readonly found: unknown
  readonly message: string
}> {}

/**
 * Checks that a program survives the death of its process, at every write of its journal.
 *
 * It runs the program once. Then, for each write, it runs it in a process that loses this write and all after it, takes the job
 * up again, and compares: the end, the journal, the hash, the events and the journals of child jobs must be the same. A handler
 * whose answer was lost is called again, and has to give the same answer for the same idempotency key. Give `outside` to see that
 * it also did nothing twice. The bill may grow: `overpaid` tells by how much. Timeouts and retries go by the clock of the caller.
 * The log is silent about a process that is to be killed.
 *
 * Fails with `NotDurable`, with `InvalidOptions`, and with the error of a start that was refused.
 */
export const durable = <P extends Program.Any, H = never, Name extends string = never>(
  program: P,
  input: Program.Input<P>,
  options?: DurableOptions<H, Name>
): Effect.Effect<
  Durable,
  NotDurable | InvalidOptions | StartError | StoreError | InvalidProgram,
  CheckNeeds<P, H, Name>
> =>
  withNeeds<Durable, NotDurable | CheckError, P, H, Name>(
    Effect.suspend((): Effect.Effect<Durable, NotDurable | CheckError> => {
      const complaint = complaintOf(options ?? {}, rules)
      return complaint === undefined
        ? checked(program, input, options ?? {})
        : Effect.fail(invalidOptions("Testing.durable", complaint))
    })
  )

interface Options extends ErasedCheck {
  readonly kills?: number | undefined
  readonly outside?: Effect.Effect<unknown> | undefined
}

const rules: Rules<Options> = {
  ...checkRules,
  kills: whole(1, 1_000_000),
  outside: must("an Effect", Effect.isEffect)
}

type Finding = Omit<ConstructorParameters<typeof NotDurable>[0], "program" | "write">

const jobId = "durable"

const checked = (program: Program.Any, input: unknown, options: Options) =>
  Effect.gen(function* () {
    const calls = new Calls()
    const { outside = Effect.void } = options
    const watched = { ...options, handlers: options.handlers?.map((handler) => calls.watch(handler)) }
    const alone = yield* lives(program, input, watched, Infinity)
    const intents = calls.byKey.size
    calls.isAlone = false
    const before = textOf(yield* outside)
    const writes = killsOf(alone.writes, options.kills ?? 100)
    const overpaid = { tokens: 0, cost: 0 }
    for (const write of writes) {
      calls.begin()
      const { record } = yield* lives(program, input, watched, write - 1)
      const finding =
        calls.finding ??
        outsideFinding(before, textOf(yield* outside)) ??
        recordFinding(program, options, alone.record, record)
      if (finding !== undefined) return yield* new NotDurable({ program: program.name, write, ...finding })
      overpaid.tokens = Math.max(overpaid.tokens, record.bill.tokens - alone.record.bill.tokens)
      overpaid.cost = Math.max(overpaid.cost, record.bill.cost - alone.record.bill.cost)
    }
    const { hash, status } = alone.record
    return {
      program: program.name,
      status,
      hash,
      writes: alone.writes,
      kills: writes.length,
      intents,
      repeated: calls.repeated.size,
      overpaid
    }
  })

/** The writes that are lost: all, or as many as there may be, evenly spread. */
const killsOf = (writes: number, most: number): ReadonlyArray<number> => {
  const count = Math.min(writes, most)
  return Array.from({ length: count }, (_, index) => 1 + Math.floor((index * writes) / count))
}

interface Lives {
  readonly record: RunRecord
  readonly writes: number
}

/**
 * Runs a job in a process that takes so many writes, and goes on with it in another one if that one died. It dies at the lost
 * write: a job whose children the store refuses would try again for ever.
 */
const lives = (
  program: Program.Any,
  input: unknown,
  options: Options,
  most: number
): Effect.Effect<Lives, StartError | InvalidProgram | StoreError> =>
  withJournal((journal) =>
    Effect.gen(function* () {
      const { death, store, writes } = mortal(journal, most)
      const first = Effect.exit(runOn(program, input, options, { jobId, store }))
      const alive = most === Infinity ? first : Effect.provideService(first, References.MinimumLogLevel, "None")
      const ended = yield* Effect.raceFirst(alive, Effect.as(death, undefined))
      const count = writes()
      if (ended !== undefined && count <= most) return { record: yield* ended, writes: count }
      return { record: yield* runOn(program, input, options, { jobId, store: journal }), writes: count }
    })
  )

const noPlace = { agent: "", fact: undefined, cycle: 0, child: "", intent: "", key: "" }

const outsideFinding = (expected: string, found: string): Finding | undefined => {
  if (expected === found) return undefined
  const message =
    "the world outside is not what it was after the run that was left alone: something was done again that was done before. " +
    "Give a handler's idempotency key to the system that it calls"
  return { ...noPlace, what: "outside", expected, found, message }
}

const recordFinding = (
  program: Program.Any,
  { children = [] }: Options,
  alone: RunRecord,
  other: RunRecord
): Finding | undefined => {
  const { bill } = alone
  const difference = differenceOf(alone, { ...other, bill })
  if (difference === undefined) return isPaid(bill, other.bill) ? undefined : unpaid(bill, other.bill)
  const place = placeOf(program, children, jobId, difference)
  const { agent, child, cycle, each } = place
  const where = { ...noPlace, agent, child, cycle, fact: place.fact ?? each }
  if (alone.status !== other.status || alone.error !== other.error) {
    const [expected, found] = [alone.error ?? alone.status, other.error ?? other.status]
    const why = found === "BudgetExhausted" ? `: ${reserved}` : ""
    const message = `the resumed job ends with ${found}, not with ${expected}${why}`
    return { ...where, what: "end", expected, found, message }
  }
  const { expected, found } = difference
  const { named, who } = wordsOf({ ...place, fact: where.fact }, "the journal")
  const advice = isUnpaid(found) && !isUnpaid(expected) ? reserved : againOf([program, ...children], place)
  const message = `${who} gives something else in cycle ${cycle} of the resumed job${named}: ${advice}`
  return { ...where, what: "journal", expected, found, message }
}

const againOf = (programs: ReadonlyArray<Program.Any>, { agent, isAnswer }: Place): string =>
  isAnswer ? calledAgain : `${runsAgain(memoizes(programs, agent))}. Testing.deterministic says what it goes by`

const reserved =
  "a call of a model that was under way when the process died is paid as it was reserved, so the budget needs room for it"

const isPaid = (alone: Bill, other: Bill): boolean => other.tokens >= alone.tokens && other.cost >= alone.cost

const unpaid = (expected: Bill, found: Bill): Finding => {
  const message = "the resumed job paid less than the one that was left alone"
  return { ...noPlace, what: "journal", expected, found, message }
}
