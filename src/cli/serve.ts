/**
 * `converge serve`: jobs over HTTP, from the command line.
 *
 * The command loads the modules, and serves their programs until a signal asks it to stop. Then it drains, closes everything
 * that it has opened, and ends with exit code 0. A second signal ends the waiting for jobs. Anything that still goes on, such
 * as an agent that cannot be stopped, gets a limited time (`Limits.serverEndMs`). A third signal ends the process at once, as a
 * kill would. Code that computes for ever on the main thread prevents all of that. Boundary: composition.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Cause from "effect/Cause"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import process from "node:process"
import * as Engine from "../engine/Engine.ts"
import { Limits } from "../Limits.ts"
import type { Program } from "../program/Program.ts"
import { layer as serverLayer, Server } from "../server/Server.ts"
import { readSettings, type SettingName, type Settings } from "../server/settings.ts"
import { parseTokens } from "../server/tokens.ts"
import { telemetry } from "../server/telemetry.ts"
import * as JobStore from "../store/index.ts"
import * as WorkerPool from "../workers/index.ts"
import { ofConfig, ofDefect } from "./environment.ts"
import { CommandFailed, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { readText } from "./files.ts"
import { handlersOfAll, load, type LoadedModule } from "./programs.ts"
import * as StoreFile from "./storeFile.ts"
import { oneLine, printable } from "./text.ts"
import { relayOf } from "./watching.ts"

/** The arguments and flags of the command line. */
export interface ServeOptions {
  readonly modules: ReadonlyArray<string>
  /** Whether the address of the console is printed. */
  readonly inspect: boolean
  /** The address of a Stately inspector's relay. */
  readonly inspectStately: string | undefined
  readonly flags: Readonly<Partial<Record<SettingName, string>>>
}

/** Serves until it is asked to stop, and gives the exit code. */
export const serve = (
  host: Host,
  { flags, inspect, inspectStately, modules }: ServeOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    const settings = yield* withTokens(yield* settingsOf(flags))
    const loaded = yield* Effect.forEach(modules, load)
    const programs = yield* programsOf(loaded)
    const handlers = yield* handlersOfAll(loaded)
    const stops = yield* host.takeStops
    const serving = Effect.scoped(
      Effect.gen(function* () {
        const relayed = Layer.provide(layerOf(programs, handlers, settings, loaded), relayOf(inspectStately))
        const built = Layer.build(relayed)
        // The pool and the telemetry read the environment when they are built, and die of what they cannot use.
        const context = yield* Effect.catchDefect(built, (defect) => {
          const error = ofDefect(defect)
          return error === undefined ? Effect.die(defect) : Effect.fail(error)
        })
        const { drain, hurry, url } = yield* Effect.provideContext(Server, context)
        const names = programs.map(({ name }) => oneLine(name)).join(", ")
        yield* host.warn(`converge: listening on ${url}, serving ${names}`)
        const asks = settings.tokens === undefined ? "" : ", which asks for a token"
        if (inspect) yield* host.warn(`converge: watch the jobs at ${url}/inspector${asks}`)
        yield* stops
        yield* host.warn("converge: shutting down (again to hurry)")
        yield* host.endWithin((settings.drainMs ?? Limits.serverDrainMs) + Limits.serverEndMs)
        yield* Effect.forkChild(Effect.andThen(host.hurried, hurry), { startImmediately: true })
        yield* drain
      })
    )
    yield* Effect.mapError(serving, failed)
    return 0
  })

const settingsOf = (flags: ServeOptions["flags"]): Effect.Effect<Settings, UsageError> => {
  const { complaints, values } = readSettings(flags, process.env)
  return complaints.length === 0
    ? Effect.succeed(values)
    : Effect.fail(
        new UsageError({
          message: "the settings cannot be used",
          details: complaints.map((line) => `  ${line}`).join("\n")
        })
      )
}

/** Adds the tokens of the file, if there is one. */
const withTokens = (settings: Settings): Effect.Effect<Settings, UsageError> => {
  const { tokenFile, tokens = [] } = settings
  if (tokenFile === undefined) return Effect.succeed(settings)
  const refuse = (why: string) =>
    Effect.fail(new UsageError({ message: `cannot use the tokens of ${printable(tokenFile)}: ${why}` }))
  return Effect.flatMap(Effect.result(readText(tokenFile)), (read) => {
    if (Result.isFailure(read)) return refuse(read.failure)
    const parsed = parseTokens(read.success)
    return "why" in parsed ? refuse(parsed.why) : Effect.succeed({ ...settings, tokens: [...tokens, ...parsed.tokens] })
  })
}

const programsOf = (modules: ReadonlyArray<LoadedModule>): Effect.Effect<ReadonlyArray<Program.Any>, UsageError> => {
  const programs = new Set(modules.flatMap((module) => module.programs))
  const empty = modules.find((module) => module.programs.length === 0)
  if (empty !== undefined) return Effect.fail(new UsageError({ message: `${empty.name} exports no program` }))
  return Effect.succeed([...programs])
}

/** All layers: the server, the engine, its pool and store, and the services of agents that the modules export. */
const layerOf = (
  programs: ReadonlyArray<Program.Any>,
  handlers: LoadedModule["handlers"],
  settings: Settings,
  modules: ReadonlyArray<LoadedModule>
): Layer.Layer<Server, unknown> => {
  const { maxLiveContextBytes, maxQueuedJobs, maxRunningJobs, retentionMs, store, workers, ...more } = settings
  const { tokenFile: _, ...ofServer } = more
  const pool = workers === 0 ? WorkerPool.layerInline : WorkerPool.layer({ size: workers })
  const journals: Layer.Layer<JobStore.JobStore, Failed> =
    store === undefined ? JobStore.layerMemory : StoreFile.open(store, undefined, retentionMs)
  const own = modules.flatMap(({ layer }) => (layer === undefined ? [] : [layer as Layer.Layer<never, unknown>]))
  // The casts: the compiler does not know the services of an imported layer. An agent that lacks one panics.
  const engine = Engine.layer({
    programs,
    handlers,
    maxLiveContextBytes,
    maxQueuedJobs,
    maxRunningJobs
  }) as Layer.Layer<Engine.Engine, never, WorkerPool.WorkerPool | JobStore.JobStore>
  const server = serverLayer({ ...ofServer, programs }) as Layer.Layer<
    Server,
    unknown,
    Engine.Engine | WorkerPool.WorkerPool | JobStore.JobStore
  >
  return server.pipe(
    Layer.provide(engine),
    Layer.provide(pool),
    Layer.provide(journals),
    Layer.provide(own.length === 0 ? Layer.empty : Layer.mergeAll(Layer.empty, ...own)),
    Layer.provide(telemetry)
  )
}

const failed = (error: unknown): Failed => {
  if (error instanceof Config.ConfigError) return ofConfig(error)
  if (hasTag(error, "InvalidOptions")) return new UsageError({ message: error.message })
  if (hasTag(error, "ServeError")) {
    const cause = "cause" in error && error.cause instanceof Error ? error.cause : undefined
    return new CommandFailed({ message: `cannot listen: ${printable(whyNotListening(cause))}` })
  }
  if (error instanceof UsageError || error instanceof CommandFailed) return error
  if (error instanceof JobStore.StoreError) return StoreFile.storeFailure(error)
  return new CommandFailed({ message: "a layer failed", details: printable(Cause.pretty(Cause.fail(error))) })
}

/** Why the server cannot listen on an address, by the code of Node's error. */
const whyNotListening = (cause: NodeJS.ErrnoException | undefined): string => {
  switch (cause?.code) {
    case "EADDRINUSE":
      return "another process listens on that address and port (EADDRINUSE)"
    case "EACCES":
      return "this user may not listen on that port (EACCES)"
    case "EADDRNOTAVAIL":
      return "this machine does not have that address (EADDRNOTAVAIL)"
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no host of that name (${cause.code})`
    default:
      return cause?.message ?? "the address cannot be used"
  }
}

const hasTag = (error: unknown, tag: string): error is Error =>
  error instanceof Error && "_tag" in error && error._tag === tag
