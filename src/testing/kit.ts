/**
 * The common parts of checks that run a program in engines of their own: their options, and the engine of one run.
 *
 * Boundary: composition. The casts of these checks are here: they forget the types of a program and give them back.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Engine from "../engine/Engine.ts"
import type { EngineOptions, Needs, StartOptions } from "../engine/options.ts"
import { isHandler } from "../intents/IntentHandler.ts"
import { LogsEnd } from "../job/ending.ts"
import type { Job } from "../job/Job.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { nextTurn } from "../platform/slices.ts"
import type { HandlerOf } from "../program/intentKind.ts"
import { isProgram, type Program } from "../program/Program.ts"
import { JobStore, layerMemoryJournal, type StoreError } from "../store/index.ts"
import type { InvalidOptions } from "../values/InvalidOptions.ts"
import { anything, listOf, type Rules } from "../values/options.ts"
import { elapsedMs } from "../workers/cpuTime.ts"
import { layerInline, type WorkerPool } from "../workers/index.ts"
import { type Begin, recordRun, type RunRecord } from "./runs.ts"

/** Options of a check that runs a program in engines of its own. */
export interface CheckOptions<H, Name extends string> {
  /** Handlers of the program's intents. Default: none. */
  readonly handlers?: ReadonlyArray<Engine.Handler<H, Name>> | undefined
  /** Programs whose jobs the program may start as children. They need the services of the program. Default: none. */
  readonly children?: ReadonlyArray<Program.Any> | undefined
  /** Overrides the program's budget. Default: none. */
  readonly budget?: StartOptions["budget"]
}

/** The services that such a check needs: those of the program, but for the handlers that it was given, and those of them. */
export type CheckNeeds<P extends Program.Any, H, Name extends string> = Exclude<Needs<P>, HandlerOf<Name>> | H

/** The failures of a check whose jobs cannot run. */
export type CheckError = StartError | StoreError | InvalidProgram | InvalidOptions

/** Options of a check without their types. */
export interface ErasedCheck {
  readonly handlers?: ReadonlyArray<Engine.Handler<unknown, string>> | undefined
  readonly children?: ReadonlyArray<Program.Any> | undefined
  readonly budget?: StartOptions["budget"]
}

/** The rules of these options. A start checks its budget. */
export const checkRules: Rules<ErasedCheck> = {
  handlers: listOf("handlers", "a handler: it was not made by Engine.handler", isHandler),
  children: listOf("programs", "a program: it was not made by Program.make", isProgram),
  budget: anything
}

/** The services that a program and its handlers need are those of the check's caller, whose type names them. */
export const withNeeds = <A, E, P extends Program.Any, H, Name extends string>(
  effect: Effect.Effect<A, E>
): Effect.Effect<A, E, CheckNeeds<P, H, Name>> => effect

/** An engine over a store, without threads. */
export const engineOver = (
  { children, handlers }: ErasedCheck,
  store: JobStore["Service"],
  pool: Layer.Layer<WorkerPool> = layerInline
): Layer.Layer<Engine.Engine | JobStore> => {
  const options = { children, handlers } as EngineOptions
  const below = Layer.merge(pool, Layer.succeed(JobStore, store))
  return Layer.fresh(Layer.provideMerge(Engine.layer(options), below))
}

/** Starts a job. A failing end is no news: the log is silent about it. */
export const beginning = (program: Program.Any, input: unknown, { budget }: ErasedCheck, id: string): Begin => {
  const options = budget === undefined ? { id } : { id, budget }
  const started = Engine.start(program, input as never, options) as Effect.Effect<
    Job<Program.Any>,
    StartError | InvalidProgram,
    Engine.Engine
  >
  return Effect.provideService(started, LogsEnd, false)
}

/** Gives a use a journal in memory of its own. */
export const withJournal = <A, E, R>(
  use: (store: JobStore["Service"]) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, Exclude<R, JobStore>> =>
  Effect.provide(Effect.flatMap(JobStore, use), Layer.fresh(layerMemoryJournal))

/** The engine of a run: the store that it sees, and its pool. */
export interface RunOn {
  readonly jobId: string
  readonly store: JobStore["Service"]
  readonly pool?: Layer.Layer<WorkerPool> | undefined
}

/** Runs a job in an engine of its own until it has ended or rests, and writes it down. */
export const runOn = (
  program: Program.Any,
  input: unknown,
  options: ErasedCheck,
  { jobId, pool, store }: RunOn
): Effect.Effect<RunRecord, StartError | InvalidProgram | StoreError> =>
  // The ends of child jobs are no news either.
  Effect.provide(recordRun(beginning(program, input, options, jobId)), engineOver(options, store, pool)).pipe(
    Effect.provideService(LogsEnd, false)
  )

/** Lets real time go by, whatever Effect's Clock shows. */
export const milliseconds = (ms: number): Effect.Effect<void> =>
  Effect.suspend(() => {
    const until = elapsedMs() + ms
    const wait: Effect.Effect<void> = Effect.flatMap(nextTurn, () => (elapsedMs() < until ? wait : Effect.void))
    return wait
  })
