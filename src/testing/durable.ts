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
import * as Layer from "effect/Layer"
import type * as Engine from "../engine/Engine.ts"
import { compiledHandler, type HandledIntent } from "../intents/IntentHandler.ts"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import type { FactRef } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import { JobStore, layerMemoryJournal } from "../store/index.ts"
import { jsonText } from "../values/jsonText.ts"
import { beginning, type CheckNeeds, type CheckOptions, engineOver, type ErasedCheck, withNeeds } from "./kit.ts"
import { mortal } from "./mortalStore.ts"
import { differenceOf, eachOf, factOf, recordRun, type RunRecord } from "./runs.ts"

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
}

/** A program that ends otherwise if its process is killed. */
export class NotDurable extends Data.TaggedError("NotDurable")<{
  readonly program: string
  /** The write that was lost, counted from 1. */
  readonly write: number
  /**
   * The difference: the end of the job, its journal, the answer of a handler that got an idempotency key again, a key that no
   * intent has had before, or the world outside.
   */
  readonly what: "end" | "journal" | "answer" | "key" | "outside"
  /** The agent whose outcome or intent it is; "" if it is no agent's. */
  readonly agent: string
  /** The fact: the first that differs, or the one that the intent's task was about. */
  readonly fact: FactRef | undefined
  readonly cycle: number
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
 * up again, and compares: the end, the journal, the hash and the events must be the same. A handler whose answer was lost is
 * called again, and has to give the same answer for the same idempotency key. Give `outside` to see that it also did nothing
 * twice. Timeouts and retries go by the clock of the caller.
 *
 * Fails with `NotDurable`, and with the error of a start that was refused.
 */
export const durable = <P extends Program.Any, H = never, Name extends string = never>(
  program: P,
  input: Program.Input<P>,
  options?: DurableOptions<H, Name>
): Effect.Effect<Durable, NotDurable | StartError | StoreError | InvalidProgram, CheckNeeds<P, H, Name>> =>
  withNeeds<Durable, NotDurable | StartError | StoreError | InvalidProgram, P, H, Name>(
    checked(program, input, options ?? {})
  )

interface Options extends ErasedCheck {
  readonly kills?: number | undefined
  readonly outside?: Effect.Effect<unknown> | undefined
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
    for (const write of writes) {
      calls.begin()
      const { record } = yield* lives(program, input, watched, write - 1)
      const finding =
        calls.finding ?? outsideFinding(before, textOf(yield* outside)) ?? recordFinding(program, alone.record, record)
      if (finding !== undefined) return yield* new NotDurable({ program: program.name, write, ...finding })
    }
    const { hash, status } = alone.record
    return {
      program: program.name,
      status,
      hash,
      writes: alone.writes,
      kills: writes.length,
      intents,
      repeated: calls.repeated.size
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

/** Runs a job in a process that takes so many writes, and goes on with it in another one if that one died. */
const lives = (
  program: Program.Any,
  input: unknown,
  options: Options,
  most: number
): Effect.Effect<Lives, StartError | InvalidProgram | StoreError> =>
  Effect.flatMap(JobStore, (journal) =>
    Effect.gen(function* () {
      const first = mortal(journal, most)
      const begin = recordRun(beginning(program, input, options, jobId))
      const life = yield* Effect.exit(Effect.provide(begin, engineOver(options, first.store)))
      const writes = first.writes()
      if (!first.isDead()) return { record: yield* life, writes }
      return { record: yield* Effect.provide(begin, engineOver(options, journal)), writes }
    })
  ).pipe(Effect.provide(Layer.fresh(layerMemoryJournal)))

/** A call of a handler, and the texts of its payload and its answer. */
interface Call {
  readonly intent: HandledIntent
  readonly payload: string
  readonly answer: string
}

/** The calls of handlers in all runs, and the first that is not as the one before it with the same key. */
class Calls {
  readonly byKey = new Map<string, Call>()
  /** The keys that a run got more than once, and those of the present run. */
  readonly repeated = new Set<string>()
  private ofRun = new Set<string>()
  isAlone = true
  finding: Finding | undefined

  /** Another run begins: its first call of a key is no repetition. */
  begin(): void {
    this.ofRun = new Set()
  }

  /** The handler, whose calls are noted. */
  watch(handler: Engine.Handler<unknown, string>): Engine.Handler<unknown, string> {
    const { perform } = compiledHandler(handler)
    const watched = (intent: HandledIntent): Effect.Effect<unknown, unknown, unknown> =>
      Effect.tap(
        Effect.suspend(() => perform(intent)),
        (answer) => Effect.sync(() => this.note({ intent, payload: textOf(intent.payload), answer: textOf(answer) }))
      )
    return Object.freeze({ ...handler, perform: watched })
  }

  private note(call: Call): void {
    const { idempotencyKey: key, kind } = call.intent
    const before = this.byKey.get(key)
    if (this.ofRun.has(key)) this.repeated.add(key)
    this.ofRun.add(key)
    if (before === undefined) {
      this.byKey.set(key, call)
      const message = `a resumed job performs an intent ${JSON.stringify(kind)} that the job did not have before`
      if (!this.isAlone) this.finding ??= findingOf("key", call, undefined, call.payload, message)
      return
    }
    if (before.payload !== call.payload) {
      const message = `the intent ${JSON.stringify(kind)} has another payload under the same idempotency key ${key}`
      this.finding ??= findingOf("key", call, before.payload, call.payload, message)
    } else if (before.answer !== call.answer) {
      const message =
        `the handler of ${JSON.stringify(kind)} gives another answer when it gets the idempotency key ${key} again: ` +
        `it is called at least once for each intent, so give the key to the system that it calls, or keep its answer by the key`
      this.finding ??= findingOf("answer", call, before.answer, call.answer, message)
    }
  }
}

const findingOf = (
  what: Finding["what"],
  { intent: { agent, cycle, each, idempotencyKey, kind } }: Call,
  expected: string | undefined,
  found: string,
  message: string
): Finding => ({ what, agent, fact: each, cycle, intent: kind, key: idempotencyKey, expected, found, message })

const noIntent = { intent: "", key: "" }

const outsideFinding = (expected: string, found: string): Finding | undefined => {
  if (expected === found) return undefined
  const message =
    "the world outside is not what it was after the run that was left alone: something was done again that was done before. " +
    "Give a handler's idempotency key to the system that it calls"
  return { ...noIntent, what: "outside", agent: "", fact: undefined, cycle: 0, expected, found, message }
}

const recordFinding = (program: Program.Any, alone: RunRecord, other: RunRecord): Finding | undefined => {
  const difference = differenceOf(alone, other)
  if (difference === undefined) return undefined
  const agent = difference.agent ?? ""
  const fact = factOf(program, difference) ?? eachOf(difference)
  const cycle = difference.cycle ?? 0
  const where = { ...noIntent, agent, fact, cycle }
  if (alone.status !== other.status || alone.error !== other.error) {
    const [expected, found] = [alone.error ?? alone.status, other.error ?? other.status]
    return {
      ...where,
      what: "end",
      expected,
      found,
      message: `the resumed job ends with ${found}, not with ${expected}`
    }
  }
  const { expected, found } = difference
  const who = agent === "" ? "the journal" : `the outcome of agent ${JSON.stringify(agent)}`
  const named = fact === undefined ? "" : `, in ${fact.kind}/${fact.id}`
  const message =
    `${who} is another one in cycle ${cycle} of the resumed job${named}. A cycle that was not committed runs again: an agent that ` +
    "does not give the same again needs `memoize`, or Testing.deterministic says what it goes by"
  return { ...where, what: "journal", expected, found, message }
}

/** A value as text, to compare it. */
const textOf = (value: unknown): string => {
  try {
    return jsonText(value) ?? ""
  } catch {
    return String(value)
  }
}
