/**
 * Spans and metrics of jobs.
 *
 * Spans (`converge.job`, `converge.cycle`, `converge.agent`) are made only if the embedder provides a tracer, because they can
 * cost a cycle more than its agents. Metrics go through Effect's Metric, and the embedder's exporter reads them. Boundary: names
 * and attributes of both; no decision depends on them.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Tracer from "effect/Tracer"
import { counter, gauge, histogram, tagged } from "../platform/metrics.ts"
import { describeError } from "../values/panic.ts"
import type { Fact } from "../program/Fact.ts"
import type { Cause, Status } from "../outcome/Cause.ts"
import type { Diagnostic } from "../outcome/JobResult.ts"

/** Whether the embedder provided a tracer. */
export const isTraced = (services: Context.Context<unknown>): boolean => services.mapUnsafe.has(Tracer.Tracer.key)

const spanned = <A, E, R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<A, E, R>,
  name: string,
  attributes: () => Record<string, unknown>
): Effect.Effect<A, E, R> =>
  isTraced(services)
    ? (Effect.withSpan(effect, name, { attributes: attributes(), captureStackTrace: false }) as Effect.Effect<A, E, R>)
    : effect

/** The attributes of a job's span. */
export interface TracedJob {
  readonly jobId: string
  readonly program: string
  /** The span in which the job began, as `traceparent` writes it, if the job was resumed. */
  readonly begunIn: string | undefined
  /** The status and the cause of the job's end; undefined before the end. */
  readonly end: () => { readonly status: Status; readonly cause: Cause | undefined } | undefined
}

/** The error with which the span of a failed job ends. A tracer shows its name and its message. */
class SpanFailure extends Data.TaggedError("SpanFailure")<{ readonly name: string; readonly message: string }> {}

const spanFailureOf = (cause: Cause): SpanFailure => {
  const message = "message" in cause ? cause.message : "error" in cause ? describeError(cause.error) : ""
  return new SpanFailure({ name: cause._tag, message: message === "" ? cause._tag : `${cause._tag}: ${message}` })
}

/** The statuses that are errors in a trace. */
const isFault = (status: Status): boolean => status === "failed" || status === "budget-exhausted"

/** The span of a job: it fails if the job does, and is linked to the span in which a resumed job began. */
export const jobSpan = <R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<void, never, R>,
  { begunIn, end, jobId, program }: TracedJob
): Effect.Effect<void, never, R> => {
  if (!isTraced(services)) return effect
  const begun = begunIn === undefined ? undefined : spanOf(begunIn)
  const ended = Effect.andThen(
    effect,
    Effect.suspend(() => {
      const found = end()
      if (found === undefined) return Effect.void
      const told = Effect.annotateCurrentSpan("status", found.status)
      return found.cause === undefined || !isFault(found.status)
        ? told
        : Effect.andThen(told, Effect.fail(spanFailureOf(found.cause)))
    })
  )
  const traced = Effect.withSpan(ended, "converge.job", {
    attributes: { jobId, program },
    links: begun === undefined ? [] : [{ span: begun, attributes: { "converge.link": "begun" } }],
    captureStackTrace: false
  })
  return Effect.ignore(traced) as Effect.Effect<void, never, R>
}

const traceparent = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/

const spanOf = (text: string): Tracer.ExternalSpan | undefined => {
  const [, traceId, spanId, flags] = traceparent.exec(text) ?? []
  if (traceId === undefined || spanId === undefined) return undefined
  return Tracer.externalSpan({ traceId, spanId, sampled: (Number.parseInt(flags ?? "0", 16) & 1) === 1 })
}

/** The span in which a job is started, in the format of `traceparent`; undefined without a tracer. */
export const spanIn = (services: Context.Context<unknown>): string | undefined => {
  if (!isTraced(services)) return undefined
  const span = Context.getOrUndefined(services as Context.Context<never>, Tracer.ParentSpan)
  const text = span === undefined ? "" : `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`
  return traceparent.test(text) ? text : undefined
}

export const cycleSpan = <A, E, R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<A, E, R>,
  cycle: number,
  tier: number,
  tasks: number
): Effect.Effect<A, E, R> => spanned(services, effect, "converge.cycle", () => ({ cycle, tier, tasks }))

/** A task, as its span tells of it. */
interface TracedTask {
  readonly agent: string
  readonly cycle: number
  readonly fact: Fact | undefined
  readonly session: { readonly jobId: string }
}

export const agentSpan = <A, E, R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<A, E, R>,
  { agent, cycle, fact, session }: TracedTask
): Effect.Effect<A, E, R> =>
  spanned(services, effect, "converge.agent", () => ({
    jobId: session.jobId,
    agent,
    cycle,
    ...(fact === undefined ? {} : { each: `${fact.kind}/${fact.id}` })
  }))

const jobsRunning = gauge("converge_jobs_running", "Jobs that run or are paused")
const jobsHalted = counter("converge_jobs_halted_total", "Jobs that ended, by status")
const jobSeconds = histogram(
  "converge_job_duration_seconds",
  "Time that jobs ran, pauses excluded, by program and status",
  [0.001, 0.01, 0.1, 0.5, 1, 5, 10, 60, 300, 1_800, 3_600, 14_400, 86_400]
)
const cyclesCommitted = counter("converge_cycles_total", "Committed cycles")
const factsCommitted = counter("converge_facts_total", "Facts added or revised")
const tasksMerged = counter("converge_tasks_total", "Tasks whose effect was merged")
const tasksDiscarded = counter("converge_tasks_discarded_total", "Tasks whose effect was discarded")
const tasksWaiting = gauge(
  "converge_tasks_waiting",
  "Tasks of fiber agents that wait for a permit, or for room under a budget"
)

/** Notes the number of tasks that wait. */
export const noteWaiting = (
  services: Context.Context<never>,
  reason: "concurrency" | "budget",
  waiting: number
): void => tagged(tasksWaiting, { for: reason }).updateUnsafe(waiting, services)

/** Updates the metrics of a committed cycle, in the context of the job's own services. */
export const noteCycle = (services: Context.Context<never>, facts: number, merged: number, discarded: number): void => {
  cyclesCommitted.updateUnsafe(1, services)
  if (facts > 0) factsCommitted.updateUnsafe(facts, services)
  if (merged > 0) tasksMerged.updateUnsafe(merged, services)
  if (discarded > 0) tasksDiscarded.updateUnsafe(discarded, services)
}

export const noteRunning = (services: Context.Context<never>, running: number): void =>
  jobsRunning.updateUnsafe(running, services)

/** Notes the end of a job and its running time. Histograms are kept by program, because an engine has few programs. */
export const noteHalted = (
  services: Context.Context<never>,
  { program, ranMs, status }: { readonly program: string; readonly ranMs: number; readonly status: Status }
): void => {
  tagged(jobsHalted, { status }).updateUnsafe(1, services)
  tagged(jobSeconds, { program, status }).updateUnsafe(ranMs / 1_000, services)
}

const jobDiagnostics = counter("converge_job_diagnostics_total", "Diagnostics of jobs that ended, by program and cause")

/** Notes the diagnostics of a job that has ended. */
export const noteDiagnostics = (
  services: Context.Context<never>,
  program: string,
  diagnostics: ReadonlyArray<Diagnostic>
): void => {
  for (const { cause } of diagnostics) tagged(jobDiagnostics, { program, cause: cause._tag }).updateUnsafe(1, services)
}
