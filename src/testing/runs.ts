/**
 * One run of a program, written down to the last byte, and the first place in which another run differs from it.
 *
 * The record has the canonical texts of the journal, the hash, the event log and the result without its times (G3). Boundary: one
 * job of the engine around it; `converge verify`, `Testing.deterministic` and `Testing.durable` decide what is run.
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
import { compiledOf } from "../program/erased.ts"
import type { FactRef } from "../program/Fact.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import { endOrRest } from "./rest.ts"
import { canonicalText } from "../values/Canonical.ts"
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
  /** The job's result, whole or partial. */
  readonly of: JobResult
}

/** The first place in which a run differs from another. */
export interface RunDifference {
  readonly what: "hash" | "cycle" | "events" | "result"
  readonly cycle: number | null
  /** The task: its place in merge order, its agent and its fact. */
  readonly outcome: number | null
  readonly agent: string | null
  readonly each: unknown
  readonly expected: unknown
  readonly found: unknown
}

type End = JobResult | { readonly _tag: string; readonly message: string; readonly partial: JobResult.Partial }

/** Gives the end of a job, however it ends. An end that is no end of a job is a defect. */
const endOf = (job: Job<Program.Any>): Effect.Effect<End> =>
  Effect.flatMap(Effect.exit(job.result), (exit): Effect.Effect<End> => {
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
    const store = yield* JobStore
    const { text } = yield* store.load(job.id)
    const rows = yield* Stream.runCollect(store.rows(job.id, 0))
    const { status, usage, ...rest } = resultToJson(end, { facts: "all" })
    const { cpuMs: _, durationMs: __, ...counts } = usage
    const isAtRest = waitsFor.length > 0
    return {
      status: isAtRest ? "awaiting" : status,
      waitsFor,
      error: "partial" in end && !isAtRest ? end._tag : undefined,
      blamed: "partial" in end && !isAtRest ? blamedIn(end) : "",
      message: "partial" in end && !isAtRest ? end.message : "",
      hash: rest.hash,
      rows: [text, ...rows.map((row) => row.text)],
      // A panic on a worker thread has another stack than a panic on the main thread.
      result: JSON.stringify({ status, ...rest, output: plainOr(rest.output), usage: counts }, (key, value: unknown) =>
        key === "stack" ? undefined : value
      ),
      events: events.map((event) => JSON.stringify(event)),
      of: "partial" in end ? end.partial : end
    }
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

/** The first difference of a run from another; undefined if they are the same. */
export const differenceOf = (first: RunRecord, other: RunRecord): RunDifference | undefined => {
  const nowhere = { cycle: null, outcome: null, agent: null, each: null }
  const cycle = firstDifference(first.rows, other.rows)
  if (cycle !== undefined) return rowDifference(cycle, first.rows[cycle], other.rows[cycle])
  if (first.hash !== other.hash) return { ...nowhere, what: "hash", expected: first.hash, found: other.hash }
  const seq = firstDifference(first.events, other.events)
  if (seq !== undefined) {
    const [expected, found] = [jsonOr(first.events[seq]), jsonOr(other.events[seq])]
    const { agent = null, cycle = null, each = null } = (found ?? expected ?? {}) as Partial<Record<string, unknown>>
    return {
      ...{ what: "events", outcome: null, each, expected, found },
      cycle: typeof cycle === "number" ? cycle : null,
      agent: typeof agent === "string" ? agent : null
    }
  }
  if (first.result === other.result) return undefined
  return { ...nowhere, what: "result", expected: jsonOr(first.result), found: jsonOr(other.result) }
}

const jsonOr = (text: string | undefined): unknown => (text === undefined ? null : parseJson(text))

const firstDifference = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): number | undefined => {
  const length = Math.max(a.length, b.length)
  for (let index = 0; index < length; index++) if (a[index] !== b[index]) return index
  return undefined
}

type RowJson = Readonly<Record<string, unknown>>

/** The difference in a cycle: the first outcome that differs, or the whole cycle if none does or a run has no such cycle. */
const rowDifference = (cycle: number, a: string | undefined, b: string | undefined): RunDifference => {
  const [expected, found] = [jsonOr(a), jsonOr(b)] as [RowJson | null, RowJson | null]
  const nowhere = { what: "cycle" as const, cycle, outcome: null, agent: null, each: null }
  const [ours, theirs] = [listOf(expected, "outcomes"), listOf(found, "outcomes")]
  const place = firstDifference(
    ours.map((outcome) => JSON.stringify(outcome)),
    theirs.map((outcome) => JSON.stringify(outcome))
  )
  if (place === undefined || expected === null || found === null) return { ...nowhere, expected, found }
  const { agent, each } = ours[place] ?? theirs[place] ?? {}
  return {
    ...nowhere,
    outcome: place,
    agent: typeof agent === "string" ? agent : null,
    each: each ?? null,
    expected: ours[place] ?? null,
    found: theirs[place] ?? null
  }
}

const listOf = (row: unknown, key: string): ReadonlyArray<RowJson> => {
  const list = typeof row === "object" && row !== null ? Reflect.get(row, key) : undefined
  return Array.isArray(list) ? (list as ReadonlyArray<RowJson>) : []
}

/** Names the first fact in which a difference of two rows lies, where it lies in one. */
export const factOf = (program: Program.Any, { expected, found }: RunDifference): FactRef | undefined => {
  const lists = ["facts", "signals", "seeds"].flatMap((key) => {
    const [ours, theirs] = [listOf(expected, key), listOf(found, key)]
    return key === "signals" ? [[...ours.flatMap(factsIn)], [...theirs.flatMap(factsIn)]] : [ours, theirs]
  })
  for (let at = 0; at + 1 < lists.length; at += 2) {
    const [ours, theirs] = [lists[at]!, lists[at + 1]!]
    const place = firstDifference(
      ours.map((fact) => JSON.stringify(fact)),
      theirs.map((fact) => JSON.stringify(fact))
    )
    const fact = place === undefined ? undefined : (ours[place] ?? theirs[place])
    if (fact !== undefined) return refOf(program, fact)
  }
  return undefined
}

const factsIn = (signal: RowJson): ReadonlyArray<RowJson> => listOf(signal, "facts")

/** A row has the values of facts. Their kinds know the ids. */
const refOf = (program: Program.Any, fact: RowJson): FactRef | undefined => {
  const kind = compiledOf(program).kinds.get(String(fact["kind"]))
  if (kind === undefined) return undefined
  try {
    return { kind: kind.name, id: kind.id(kind.codec.decode(canonicalText(fact["value"]))) }
  } catch {
    return undefined
  }
}

/** The fact of a task, as a row names it. */
export const eachOf = ({ each }: RunDifference): FactRef | undefined => {
  if (Array.isArray(each)) return { kind: String(each[0]), id: String(each[1]) }
  return typeof each === "object" && each !== null && "kind" in each && "id" in each
    ? { kind: String(each.kind), id: String(each.id) }
    : undefined
}
