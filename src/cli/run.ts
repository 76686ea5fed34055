/**
 * `converge run`: one job from the command line.
 *
 * Loads the module, starts the job on an engine of its own, shows its progress, and prints its result, however it ended.
 * The first Ctrl-C cancels the job; a stray error gives it a few seconds to end. What it has found is printed then, too.
 * Boundary: composition; each step is a file of its own.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import process from "node:process"
import * as Engine from "../Engine.ts"
import type { FactRef } from "../Fact.ts"
import { type Job, toJson } from "../Job.ts"
import type { InvalidProgram, StartError } from "../JobError.ts"
import { compiledOf, type Program } from "../Program.ts"
import { explain, format } from "../Provenance.ts"
import { Limits } from "../Limits.ts"
import { layerMemory as storeMemory } from "../store/index.ts"
import * as WorkerPool from "../workers/index.ts"
import { CommandFailed, ofStatus, UsageError } from "./exitCode.ts"
import * as Explanation from "./explanation.ts"
import type { Host } from "./host.ts"
import * as Input from "./input.ts"
import { choose, load, type LoadedModule } from "./programs.ts"
import { follow } from "./progress.ts"
import { type End, report, resultOf } from "./report.ts"
import { indent, oneLine, printable, styleFor, toPlain } from "./text.ts"

/** The flags of `converge run`. */
export interface RunOptions {
  readonly module: string
  readonly program: string | undefined
  readonly input: string | undefined
  readonly inputFile: string | undefined
  readonly workers: number | undefined
  readonly id: string | undefined
  readonly json: boolean
  readonly facts: boolean
  readonly explain: string | undefined
  readonly inspectStately: string | undefined
  readonly quiet: boolean
}

type Failed = UsageError | CommandFailed

const widestReport = 120
/** How long the progress of a job that has ended may take to catch up. */
const catchUpMs = 5_000

/** Runs the job, and gives the exit code. */
export const run = (host: Host, options: RunOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const module = yield* load(options.module)
    const program = yield* choose(module, options.program)
    const ref = options.explain === undefined ? undefined : yield* Explanation.parseRef(options.explain, program)
    const input = yield* Input.read(program, { text: options.input, file: options.inputFile })
    return yield* runProgram(host, program, input, ref, options).pipe(
      Effect.provide(engine(options.workers)),
      provideModule(module)
    )
  }).pipe(Effect.scoped)

const engine = (workers: number | undefined): Layer.Layer<Engine.Engine> =>
  Engine.layer().pipe(
    Layer.provide(workers === 0 ? WorkerPool.layerInline : WorkerPool.layer({ size: workers })),
    Layer.provide(storeMemory)
  )

/** Gives the agents what the module's `layer` makes. What a layer that was imported by name makes, nobody knows here. */
const provideModule =
  ({ layer, name }: LoadedModule) =>
  <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E | CommandFailed, R> => {
    if (layer === undefined) return effect
    const failed = Layer.catchCause(layer as Layer.Layer<never, unknown>, (cause) =>
      Layer.effectDiscard(
        Effect.fail(
          new CommandFailed({ message: `the layer of ${name} failed`, details: printable(Cause.pretty(cause)) })
        )
      )
    )
    return Effect.provide(effect, failed)
  }

const runProgram = (
  host: Host,
  program: Program.Any,
  input: unknown,
  ref: FactRef | undefined,
  options: RunOptions
): Effect.Effect<number, Failed, Engine.Engine> =>
  Effect.gen(function* () {
    const observer = yield* inspector(options.inspectStately)
    const stops = yield* host.takeStops
    const job = yield* start(program, input, options.id).pipe(
      Effect.provideService(Engine.inspect, observer),
      Effect.mapError(notStarted)
    )
    const progress = options.quiet
      ? undefined
      : yield* Effect.forkChild(follow(job, compiledOf(program)), { startImmediately: true })
    yield* Effect.forkChild(
      Effect.flatMap(stops, ({ _tag }) => {
        if (_tag === "Signal") {
          return Effect.andThen(host.warn("converge: cancelling the job (again to end at once)"), job.cancel)
        }
        return host
          .warn("converge: letting the job end")
          .pipe(
            Effect.andThen(Effect.timeoutOption(Effect.exit(job.result), Limits.drainTimeoutMs)),
            Effect.andThen(job.cancel)
          )
      })
    )
    const end = endOf(yield* Effect.exit(job.result))
    if (progress !== undefined) {
      yield* Effect.timeoutOption(Fiber.await(progress), catchUpMs)
      yield* Fiber.interrupt(progress)
    }
    yield* print(host, yield* end, ref, options)
    return ofStatus[resultOf(yield* end).status]
  }).pipe(Effect.scoped)

/**
 * Starts the job. What a program that was imported by name takes and needs is not known to the compiler: the input was
 * decoded by the program's own schema, and a service that is missing ends the job with `AgentPanicked`.
 */
const start = (
  program: Program.Any,
  input: unknown,
  id: string | undefined
): Effect.Effect<Job<Program.Any>, StartError | InvalidProgram, Engine.Engine> =>
  Engine.start(program, input as never, { id }) as Effect.Effect<
    Job<Program.Any>,
    StartError | InvalidProgram,
    Engine.Engine
  >

const notStarted = (error: StartError | InvalidProgram): Failed => {
  const message = `the job was not started: ${printable(error.message)}`
  return error._tag === "AdmissionRejected" ? new CommandFailed({ message }) : new UsageError({ message })
}

/** The job's result or its error; a bug of the engine is neither. */
const endOf = (exit: Exit.Exit<End, End>): Effect.Effect<End, CommandFailed> => {
  if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
  const error = Cause.findErrorOption(exit.cause)
  return Option.isSome(error)
    ? Effect.succeed(error.value)
    : Effect.fail(new CommandFailed({ message: "the engine failed", details: printable(Cause.pretty(exit.cause)) }))
}

const inspector = (url: string | undefined) =>
  url === undefined
    ? Effect.succeed(undefined)
    : Effect.promise(() => import("../inspector/Stately.ts")).pipe(
        Effect.flatMap(({ connect }) => connect({ url })),
        Effect.mapError((error) => new UsageError({ message: `--inspect-stately: ${error.message}` }))
      )

const print = (
  host: Host,
  end: End,
  ref: FactRef | undefined,
  options: RunOptions
): Effect.Effect<void, CommandFailed> =>
  Effect.gen(function* () {
    const { context } = resultOf(end)
    if (ref !== undefined && context.find(ref.kind, ref.id) === undefined) {
      yield* host.warn(`converge: ${Explanation.notFound(context, ref)}`)
    }
    const output = yield* plainOutput(host, resultOf(end).output)
    const text = yield* Effect.try({
      try: () => (options.json ? jsonLine(end, output, ref, options) : page(end, output, ref, options)),
      catch: (error) => new CommandFailed({ message: `the result cannot be printed: ${String(error)}` })
    })
    yield* host.write(text)
  })

/** The output as JSON would hold it; what JSON cannot hold is left out, and the result printed without it. */
const plainOutput = (host: Host, output: unknown): Effect.Effect<unknown> =>
  Effect.try(() => toPlain(output)).pipe(
    Effect.catch(({ cause }) =>
      host.warn(`converge: the output is no JSON: ${printable(cause instanceof Error ? cause.message : String(cause))}`)
    )
  )

const jsonLine = (end: End, output: unknown, ref: FactRef | undefined, options: RunOptions): string => {
  const json = toJson(end, { facts: options.facts ? "all" : "counts" })
  const explanation = ref === undefined ? {} : { explanation: Explanation.toJson(resultOf(end).context, ref) }
  return `${JSON.stringify({ ...json, output: output ?? null, ...explanation })}\n`
}

const page = (end: End, output: unknown, ref: FactRef | undefined, options: RunOptions): string => {
  const style = styleFor(process.stdout)
  const width = Math.min(process.stdout.columns ?? widestReport, widestReport)
  const text = report(end, { style, width, facts: options.facts, output })
  const explanation = ref === undefined ? undefined : explain(resultOf(end).context, ref)
  if (explanation === undefined || ref === undefined) return text
  const title = style("bold", `where ${ref.kind}/${oneLine(ref.id)} comes from`)
  return `${text}\n${title}\n${indent(printable(format(explanation)), "  ")}\n`
}
