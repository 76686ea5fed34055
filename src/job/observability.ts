/**
 * Spans and metrics of jobs.
 *
 * Spans (`converge.job`, `converge.cycle`, `converge.agent`) are made only when the embedder provides a tracer: without
 * one they would cost a cycle more than its agents do. Metrics go through Effect's Metric and are read by whatever
 * exporter the embedder has. Boundary: names and attributes of both; no decision depends on them.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Tracer from "effect/Tracer"
import type { Fact } from "../program/Fact.ts"
import type { Status } from "../outcome/Cause.ts"

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

export const jobSpan = <A, E, R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<A, E, R>,
  jobId: string,
  program: string
): Effect.Effect<A, E, R> => spanned(services, effect, "converge.job", () => ({ jobId, program }))

export const cycleSpan = <A, E, R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<A, E, R>,
  cycle: number,
  tier: number,
  tasks: number
): Effect.Effect<A, E, R> => spanned(services, effect, "converge.cycle", () => ({ cycle, tier, tasks }))

export const agentSpan = <A, E, R>(
  services: Context.Context<unknown>,
  effect: Effect.Effect<A, E, R>,
  agent: string,
  cycle: number,
  fact: Fact | undefined
): Effect.Effect<A, E, R> =>
  spanned(services, effect, "converge.agent", () => ({
    agent,
    cycle,
    ...(fact === undefined ? {} : { each: `${fact.kind}/${fact.id}` })
  }))

const jobsRunning = Metric.gauge("converge_jobs_running", { description: "Jobs that run or are paused" })
const jobsHalted = Metric.counter("converge_jobs_halted_total", { description: "Jobs that ended, by status" })
const cyclesCommitted = Metric.counter("converge_cycles_total", { description: "Committed cycles" })
const factsCommitted = Metric.counter("converge_facts_total", { description: "Facts added or revised" })
const tasksMerged = Metric.counter("converge_tasks_total", { description: "Tasks whose effect was merged" })
const tasksDiscarded = Metric.counter("converge_tasks_discarded_total", {
  description: "Tasks whose effect was discarded"
})

const haltedWith: Readonly<Record<Status, Metric.Metric<number, unknown>>> = {
  converged: Metric.withAttributes(jobsHalted, { status: "converged" }),
  "budget-exhausted": Metric.withAttributes(jobsHalted, { status: "budget-exhausted" }),
  failed: Metric.withAttributes(jobsHalted, { status: "failed" }),
  cancelled: Metric.withAttributes(jobsHalted, { status: "cancelled" })
}

/** Updates the metrics of a committed cycle, in the context of the job's own services. */
export const noteCycle = (services: Context.Context<never>, facts: number, merged: number, discarded: number): void => {
  cyclesCommitted.updateUnsafe(1, services)
  if (facts > 0) factsCommitted.updateUnsafe(facts, services)
  if (merged > 0) tasksMerged.updateUnsafe(merged, services)
  if (discarded > 0) tasksDiscarded.updateUnsafe(discarded, services)
}

export const noteRunning = (services: Context.Context<never>, running: number): void =>
  jobsRunning.updateUnsafe(running, services)

export const noteHalted = (services: Context.Context<never>, status: Status): void =>
  haltedWith[status].updateUnsafe(1, services)
