/** Runs jobs to their end, whatever that is, and gives all that they leave behind. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import {
  Engine,
  type Fact,
  Job,
  type JobError,
  type JobEvent,
  JobStore,
  type Program,
  WorkerPool
} from "../../../src/index.ts"

/** An engine without threads or anything durable, over a pool of one's choice. */
export const engineOn = (pool: Layer.Layer<WorkerPool.WorkerPool>): Layer.Layer<Engine.Engine> =>
  Engine.layer().pipe(Layer.provide(pool), Layer.provide(JobStore.layerMemory))

export const engineInline: Layer.Layer<Engine.Engine> = engineOn(WorkerPool.layerInline)

/** How a job ended: its result, or its error with the partial result in `result`. */
export interface End<P extends Program.Program.Any> {
  readonly result: Job.JobResult<P, Program.Program.Output<P> | undefined>
  readonly error: JobError.JobError<Program.Program.Error<P>, Job.JobResult.Partial<P>> | undefined
  readonly events: ReadonlyArray<JobEvent.JobEvent>
}

/** Runs a job on the engine at hand; how it ends is a value. */
export const runToEnd = <P extends Program.Program.Any>(
  program: P,
  input: Program.Program.Input<P>,
  options?: Engine.StartOptions
): Effect.Effect<End<P>, never, Engine.Engine | Exclude<Program.Program.Services<P>, Scope.Scope>> =>
  Effect.gen(function* () {
    const job = yield* Engine.start(program, input, options)
    const outcome = yield* Effect.result(job.result)
    const events = yield* Stream.runCollect(job.events)
    return outcome._tag === "Success"
      ? { result: outcome.success, error: undefined, events }
      : { result: outcome.failure.partial, error: outcome.failure, events }
  }).pipe(Effect.orDie)

/** As `runToEnd`, on an engine of its own without threads. */
export const runInline = <P extends Program.Program.Any>(
  program: P,
  input: Program.Program.Input<P>,
  options?: Engine.StartOptions
): Effect.Effect<End<P>, never, Exclude<Program.Program.Services<P>, Scope.Scope>> =>
  Effect.provide(runToEnd(program, input, options), engineInline) as Effect.Effect<
    End<P>,
    never,
    Exclude<Program.Program.Services<P>, Scope.Scope>
  >

/** The ids of a kind's facts, in commit order. */
export const idsOf = (
  result: Job.JobResult<Program.Program.Any, unknown>,
  kind: Fact.Kind.Any
): ReadonlyArray<string> => result.context.all(kind).map((fact) => fact.id)

/** The values of a kind's facts, in commit order. */
export const valuesOf = <K extends Fact.Kind.Any>(
  result: Job.JobResult<Program.Program.Any, unknown>,
  kind: K
): ReadonlyArray<Fact.FactOf<K>["value"]> => result.context.all(kind).map((fact) => fact.value)

/** Whom a result's diagnostics name, and the tags of their causes. */
export const discarded = (
  result: Job.JobResult<Program.Program.Any, unknown>
): ReadonlyArray<readonly [string, string]> => result.diagnostics.map(({ agent, cause }) => [agent, cause._tag])

/** The failure of an effect that has to fail. */
export const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.flatMap(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) return Effect.die(new Error(`it succeeded: ${String(exit.value)}`))
    return Effect.catchCause(Effect.flip(Effect.failCause(exit.cause)), Effect.die)
  })

/** All of a result that is the same in every run: without times, and without the stacks of panics. */
export const comparable = <P extends Program.Program.Any>({ error, events, result }: End<P>) => {
  const { usage, ...json } = Job.toJson(error ?? result, { facts: "all" })
  const { cpuMs: _, durationMs: __, ...counts } = usage
  const plain = JSON.stringify({ ...json, usage: counts }, (key, value: unknown) =>
    key === "stack" ? undefined : value
  )
  return { hash: result.hash, events: JSON.stringify(events), result: plain }
}
