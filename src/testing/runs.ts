/**
 * One run of a program, written down to the last byte.
 *
 * The record has the canonical texts of the journal, the hash, the event log and the result without its times (G3), and the
 * journals of its child jobs. Boundary: one job of the engine around it; differences.ts compares records; `converge verify`,
 * `Testing.deterministic` and `Testing.durable` decide what is run.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import type { Engine } from "../engine/Engine.ts"
import type { Job } from "../job/Job.ts"
import type { InvalidProgram, StartError, StoreError } from "../outcome/JobError.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { resultToJson } from "../outcome/resultJson.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import { endOrRest } from "./rest.ts"
import { jsonText } from "../values/jsonText.ts"
import { parseJson } from "../values/parseJson.ts"

/** The values in which all runs must agree, and the result that they are of. */
export interface RunRecord {
  /** The status of the result, or "awaiting" if the run ended where its job rested. */
  readonly status: JobResult["status"] | "awaiting"
  /** The decisions and handlers that the job waited for when the run ended. */
  readonly waitsFor: ReadonlyArray<string>
  /** The `_tag` of the error that ended the job; undefined if it converged. */
  readonly error: string | undefined
  /** The agent, the invariant or the budget that the error names; "" if it names none. */
  readonly blamed: string
  /** The message of that error; "" if there is none. */
  readonly message: string
  readonly hash: string
  /** The canonical text of the beginning and of each cycle. */
  readonly rows: ReadonlyArray<string>
  /** The context, with provenance, and the rest of the result. */
  readonly result: string
  readonly events: ReadonlyArray<string>
  /** The tokens and the cost that the job paid, in all and by agent. */
  readonly bill: Bill
  /** The child jobs, and those below them, by their ids. */
  readonly children: ReadonlyMap<string, ChildRecord>
  /** The job's result, whole or partial. */
  readonly of: JobResult
}

/** The sums that a job paid. */
export type Bill = Pick<JobResult["usage"], "tokens" | "cost" | "byAgent">

/** A child job of a run: its program, and the canonical texts of its journal. */
export interface ChildRecord {
  readonly program: string
  readonly rows: ReadonlyArray<string>
}

/** The end of a job: its result, or the error with what there is of it. */
export type JobEnd =
  | JobResult
  | { readonly _tag: string; readonly message: string; readonly partial: JobResult.Partial }

/** Gives the end of a job, however it ends. An end that is no end of a job is a defect. */
const endOf = (job: Job<Program.Any>): Effect.Effect<JobEnd> =>
  Effect.flatMap(Effect.exit(job.result), (exit): Effect.Effect<JobEnd> => {
    if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
    const error = exit.cause.reasons.find(Cause.isFailReason)?.error
    return error === undefined ? Effect.die(new Error(Cause.pretty(exit.cause))) : Effect.succeed(error)
  })

/** Waits for a job to end, and writes it down. The engine needs a store that keeps journals. */
export const recordOf = (
  job: Job<Program.Any>,
  waitsFor: ReadonlyArray<string> = []
): Effect.Effect<RunRecord, StoreError, JobStore> =>
  Effect.gen(function* () {
    const end = yield* endOf(job)
    const events = yield* Stream.runCollect(job.events)
    const rows = yield* rowsOf(job.id)
    const children = yield* childrenOf(job.id)
    return recordFrom(end, { rows, events, children, waitsFor })
  })

/** Details of a run beside its end. */
type Written = Pick<RunRecord, "rows" | "children" | "waitsFor"> & { readonly events: ReadonlyArray<object> }

/** Writes down a run: its end, the texts of its journal, its events, its children, and what it waited for if it ended at rest. */
export const recordFrom = (end: JobEnd, { children, events, rows, waitsFor }: Written): RunRecord => {
  const { status, usage, ...rest } = resultToJson(end, { facts: "all" })
  const { byAgent, cost, cpuMs: _, durationMs: __, tokens, ...counts } = usage
  const isAtRest = waitsFor.length > 0
  return {
    status: isAtRest ? "awaiting" : status,
    waitsFor,
    error: "partial" in end && !isAtRest ? end._tag : undefined,
    blamed: "partial" in end && !isAtRest ? blamedIn(end) : "",
    message: "partial" in end && !isAtRest ? end.message : "",
    hash: rest.hash,
    rows,
    bill: { tokens, cost, byAgent },
    children,
    // A panic on a worker thread has another stack than a panic on the main thread.
    result: JSON.stringify({ status, ...rest, output: plainOr(rest.output), usage: counts }, (key, value: unknown) =>
      key === "stack" ? undefined : value
    ),
    events: events.map((event) => JSON.stringify(event)),
    of: "partial" in end ? end.partial : end
  }
}

/** The texts of a journal: its beginning, and its rows. */
const rowsOf = (jobId: string): Effect.Effect<ReadonlyArray<string>, StoreError, JobStore> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const { text } = yield* store.load(jobId)
    const rows = yield* Stream.runCollect(store.rows(jobId, 0))
    return [text, ...rows.map((row) => row.text)]
  })

/** The jobs below a job. The store of a run has no others. */
const childrenOf = (jobId: string): Effect.Effect<RunRecord["children"], StoreError, JobStore> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const children = new Map<string, ChildRecord>()
    let cursor: string | undefined
    do {
      const page = yield* store.list({ cursor })
      for (const { jobId: id, program } of page.jobs) {
        if (id !== jobId) children.set(id, { program, rows: yield* rowsOf(id) })
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    return children
  })

/** The agent, the invariant or the budget that an error or a cause names; "" if it names none. */
export const blamedIn = (cause: object): string => {
  for (const key of ["agent", "name", "budget", "kind"]) {
    const value: unknown = Reflect.get(cause, key)
    if (typeof value === "string" && value !== Reflect.get(cause, "_tag")) return value
  }
  return ""
}

/** A job that is to be run. The compiler does not know the services of any program: the caller provides them. */
export type Begin = Effect.Effect<Job<Program.Any>, StartError | InvalidProgram, Engine>

/** Starts a job, waits until it has ended or rests, and writes it down. */
export const recordRun = (
  begin: Begin
): Effect.Effect<RunRecord, StartError | InvalidProgram | StoreError, Engine | JobStore> =>
  Effect.flatMap(begin, (job) => Effect.flatMap(endOrRest(job), (waitsFor) => recordOf(job, waitsFor)))

/** A value as JSON would hold it. Null for a value that JSON cannot hold, as over HTTP. */
const plainOr = (value: unknown): unknown => {
  try {
    const text = jsonText(value)
    return text === undefined ? undefined : parseJson(text)
  } catch {
    return null
  }
}
