/**
 * A job that the command line runs: its engine, its progress, its end and its result.
 *
 * Without a store the first Ctrl-C cancels the job, and its partial result is printed. With a store, a signal leaves the job
 * there, to be resumed. A stray error gives the job a few seconds to end. Boundary: from a way to get a job to an exit code.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import process from "node:process"
import * as Engine from "../engine/Engine.ts"
import type { FactRef } from "../program/Fact.ts"
import { LogsEnd } from "../job/ending.ts"
import type { Job } from "../job/Job.ts"
import { encodedOutput, resultToJson } from "../outcome/resultJson.ts"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import { Limits } from "../Limits.ts"
import { type Program, warnings } from "../program/Program.ts"
import { explain, format } from "../context/Provenance.ts"
import { type JobStore, layerMemory as storeMemory } from "../store/index.ts"
import * as WorkerPool from "../workers/index.ts"
import { tellAwaited } from "./waitingIntents.ts"
import { CommandFailed, type Failed, ofResult, ofStatus } from "./exitCode.ts"
import { explanationToJson } from "../outcome/explanationJson.ts"
import * as Explanation from "./explanation.ts"
import type { Host, Stop } from "./hostProcess.ts"
import type { LoadedModule } from "./programs.ts"
import { follow } from "./progress.ts"
import { type End, framesOf, isFailure, report, resultOf, whereOf } from "./report.ts"
import { startFailure } from "./storeFile.ts"
import { indent, oneLine, printable, styleFor, toPlain } from "./text.ts"
import { describeStack } from "../values/panic.ts"
import { compiledOf } from "../program/erased.ts"

/** Options for printing a result. */
export interface PrintOptions {
  readonly json: boolean
  readonly facts: boolean
  /** Whether to print nothing but the result, and nothing on standard error. */
  readonly quiet?: boolean
  /** A fact to explain. */
  readonly ref?: FactRef | undefined
}

const widestReport = 120
/** Milliseconds that the progress of an ended job may take to catch up. */
const catchUpMs = 5_000

export const poolOf = (workers: number | undefined): Layer.Layer<WorkerPool.WorkerPool> =>
  workers === 0 ? WorkerPool.layerInline : WorkerPool.layer({ size: workers })

/**
 * An engine for the command's jobs, which may start jobs of `programs`, and performs intents with `handlers`; without a store
 * nothing is kept. The cast: the compiler
 * does not know the services that agents of imported programs need. The modules' layers provide them.
 */
export const engineOf = <E>(
  workers: number | undefined,
  store: Layer.Layer<JobStore, E> | undefined,
  { handlers, programs }: Pick<LoadedModule, "handlers" | "programs">
): Layer.Layer<Engine.Engine | JobStore | WorkerPool.WorkerPool, E> =>
  engineOver(poolOf(workers), store ?? storeMemory, { handlers, programs })

/** The same over a pool and a store. */
export const engineOver = <E>(
  pool: Layer.Layer<WorkerPool.WorkerPool>,
  store: Layer.Layer<JobStore, E>,
  { handlers, programs }: Pick<LoadedModule, "handlers" | "programs">
): Layer.Layer<Engine.Engine | JobStore | WorkerPool.WorkerPool, E> =>
  (
    Engine.layer({ children: programs, handlers }) as Layer.Layer<
      Engine.Engine,
      never,
      WorkerPool.WorkerPool | JobStore
    >
  ).pipe(Layer.provideMerge(pool), Layer.provideMerge(store))

/** The module's `layer`, whose failure is one of the command. The compiler does not know the services of an imported layer. */
export const layerOf = ({ layer, name }: LoadedModule): Layer.Layer<never, CommandFailed> | undefined =>
  layer === undefined
    ? undefined
    : Layer.catchCause(layer as Layer.Layer<never, unknown>, (cause) =>
        Layer.effectDiscard(
          Effect.fail(
            new CommandFailed({ message: `the layer of ${name} failed`, details: printable(Cause.pretty(cause)) })
          )
        )
      )

/** Provides the services of the module's `layer` to agents. */
export const provideModule =
  (module: LoadedModule) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CommandFailed, R> => {
    const layer = layerOf(module)
    return layer === undefined ? effect : Effect.provide(effect, layer)
  }

/** A way to get a job: to start, resume or fork one. */
export type Begin = Effect.Effect<Job<Program.Any>, StartError | InvalidProgram, Engine.Engine>

/**
 * The compiler does not know the input and the services of a program that was imported by name. The input was decoded by the
 * program's own schema, and a service that is missing ends the job with `AgentPanicked`.
 */
export const begin = (effect: Effect.Effect<Job<Program.Any>, StartError | InvalidProgram, unknown>): Begin =>
  effect as Begin

/** A job that was asked to stop and is left in its store. */
interface Left {
  readonly exitCode: number
}

/**
 * Waits for a job's end. With `isKept`, a stop leaves the job for later instead of cancelling it, and the result is the exit
 * code of the process.
 */
const endOrLeave = (
  host: Host,
  job: Job<Program.Any>,
  stops: Effect.Effect<Stop>,
  isKept: boolean
): Effect.Effect<Exit.Exit<End, End> | Left> =>
  Effect.scoped(
    Effect.gen(function* () {
      const left = yield* Deferred.make<Left>()
      yield* Effect.forkScoped(
        Effect.flatMap(stops, ({ _tag, exitCode }) => {
          const stop = isKept ? Deferred.succeed(left, { exitCode }) : job.cancel
          const signal = isKept ? Effect.void : host.warn("converge: cancelling the job (again to end at once)")
          if (_tag === "Signal") return Effect.andThen(signal, stop)
          return host
            .warn("converge: waiting for the job to end")
            .pipe(
              Effect.andThen(Effect.timeoutOption(Effect.exit(job.result), Limits.drainTimeoutMs)),
              Effect.andThen(stop)
            )
        })
      )
      return yield* Effect.raceFirst(Effect.exit(job.result), Deferred.await(left))
    })
  )

export interface JobRun {
  readonly program: Program.Any
  readonly begin: Begin
  /** Whether the job is in a store. */
  readonly isKept: boolean
  /** Whether diagnostics of a job that converged make it count as failed. Default: no. */
  readonly isStrict?: boolean
  readonly quiet: boolean
  readonly print: PrintOptions
}

/** Shows what is most likely a mistake in a program. */
export const warnOf = (host: Host, program: Program.Any): Effect.Effect<void> =>
  Effect.forEach(warnings(program), (warning) => host.warn(`converge: warning: ${oneLine(warning)}`, "WARN"), {
    discard: true
  })

/** Runs a job to its end, prints its result and gives the exit code. */
export const runJob = (host: Host, run: JobRun): Effect.Effect<number, Failed, Engine.Engine> =>
  Effect.gen(function* () {
    if (!run.quiet) yield* warnOf(host, run.program)
    const stops = yield* host.takeStops
    const job = yield* Effect.provideService(run.begin, LogsEnd, false).pipe(
      Effect.tapError((error) => {
        // If a seed threw, the stack shows where.
        const where = error._tag === "InvalidInput" ? framesOf(describeStack(error.cause)) : ""
        return where === "" || run.quiet ? Effect.void : host.warn(where)
      }),
      Effect.mapError((error) => startFailure("the job was not started", error))
    )
    const { state } = yield* job.status
    const hasEnded = state in ofStatus
    const progress =
      run.quiet || hasEnded
        ? undefined
        : yield* Effect.forkChild(follow(host, job, compiledOf(run.program)), { startImmediately: true })
    yield* Effect.forkScoped(tellAwaited(host, job), { startImmediately: true })
    const ended = yield* endOrLeave(host, job, stops, run.isKept)
    if ("exitCode" in ended) {
      if (progress !== undefined) yield* Fiber.interrupt(progress)
      const { cycle } = yield* job.status
      yield* host.warn(
        `converge: the job ${oneLine(job.id)} is left after cycle ${cycle}: resume goes on with it, cancel ends it`
      )
      return ended.exitCode
    }
    const end = yield* endOf(ended)
    if (progress !== undefined) {
      yield* Effect.timeoutOption(Fiber.await(progress), catchUpMs)
      yield* Fiber.interrupt(progress)
    }
    yield* print(host, end, { ...run.print, quiet: run.quiet })
    return ofResult(resultOf(end), run.isStrict === true)
  }).pipe(Effect.scoped)

/** The job's result or its error; a bug of the engine is neither. */
export const endOf = (exit: Exit.Exit<End, End>): Effect.Effect<End, CommandFailed> => {
  if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error)
    ? Effect.succeed(error.value)
    : Effect.fail(new CommandFailed({ message: "the engine failed", details: printable(Cause.pretty(exit.cause)) }))
}

/** Prints how a job ended. */
export const print = (host: Host, end: End, options: PrintOptions): Effect.Effect<void, CommandFailed> =>
  Effect.gen(function* () {
    const { context } = resultOf(end)
    const { ref } = options
    if (ref !== undefined && context.find(ref.kind, ref.id) === undefined) {
      yield* host.warn(`converge: --explain: ${Explanation.notFound(context, ref)}`)
    }
    const output = yield* plainOutput(host, encodedOutput(resultOf(end)))
    const text = yield* Effect.try({
      try: () => (options.json ? jsonLine(end, output, options) : page(end, output, options)),
      catch: (error) => new CommandFailed({ message: `the result cannot be printed: ${String(error)}` })
    })
    // Standard output is for the result, which may be piped on. The place of a throw is for the person at the terminal.
    const where = isFailure(end) && options.quiet !== true ? whereOf(end) : ""
    if (where !== "") yield* host.warn(where)
    yield* host.write(text)
  })

/** The output as JSON would hold it. If JSON cannot hold it, it is left out, and the result is printed without it. */
const plainOutput = (host: Host, output: unknown): Effect.Effect<unknown> =>
  Effect.try(() => toPlain(output)).pipe(
    Effect.catch(({ cause }) =>
      host.warn(`converge: the output is no JSON: ${printable(cause instanceof Error ? cause.message : String(cause))}`)
    )
  )

const jsonLine = (end: End, output: unknown, { facts, ref }: PrintOptions): string => {
  const json = resultToJson(end, { facts: facts ? "all" : "counts" })
  const explanation = ref === undefined ? {} : { explanation: explanationToJson(resultOf(end).context, ref) }
  return `${JSON.stringify({ ...json, output: output ?? null, ...explanation })}\n`
}

/** The colours and the width of printed text. */
export const look = () => {
  // Without a terminal there are no columns, and a terminal that does not know its width says 0.
  const { columns } = process.stdout
  return { style: styleFor(process.stdout), width: columns > 0 ? Math.min(columns, widestReport) : widestReport }
}

const page = (end: End, output: unknown, { facts, ref }: PrintOptions): string => {
  const { style, width } = look()
  const text = report(end, { style, width, facts, output })
  const explanation = ref === undefined ? undefined : explain(resultOf(end).context, ref)
  if (explanation === undefined || ref === undefined) return text
  const title = style("bold", `where ${ref.kind}/${oneLine(ref.id)} comes from`)
  return `${text}\n${title}\n${indent(printable(format(explanation)), "  ")}\n`
}
