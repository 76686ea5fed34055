/**
 * `converge run`: one job from the command line. Its flags and its help are defined in runCommands.ts.
 *
 * The command loads the module, starts the job on an engine of its own, shows its progress, and prints its result, however the
 * job ended. With `--store` and `--id` it is idempotent: it creates the job, goes on with it, or prints its result. Boundary:
 * composition; each step is a file of its own.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Engine from "../engine/Engine.ts"
import type { Program } from "../program/Program.ts"
import { type Durability, JobStore } from "../store/index.ts"
import { type Attributes, hasAttributes } from "../program/attributes.ts"
import { attributesOf } from "./attributes.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import * as Explanation from "./explanation.ts"
import type { Host } from "./hostProcess.ts"
import * as Input from "./input.ts"
import { begin, type Begin, engineOf, provideModule, runJob } from "./jobRun.ts"
import { serverOfEnvironment, serverOnly, storeOfEnvironment } from "./place.ts"
import { choose, load, type LoadedModule } from "./programs.ts"
import * as StoreFile from "./storeFile.ts"
import { oneLine } from "./text.ts"
import { relayOf, serveConsole, temporaryStore } from "./watching.ts"

/** The flags of `converge run`. */
export interface RunOptions {
  /** The module; undefined: the program is one of a server. */
  readonly module: string | undefined
  readonly program: string | undefined
  readonly input: string | undefined
  readonly inputFile: string | undefined
  readonly workers: number | undefined
  readonly id: string | undefined
  /** Texts such as `customer=Ada`. */
  readonly attribute: ReadonlyArray<string>
  readonly store: string | undefined
  readonly server: string | undefined
  readonly durability: Durability | undefined
  readonly json: boolean
  readonly facts: boolean
  readonly explain: string | undefined
  readonly inspect: boolean
  readonly inspectStay: boolean
  readonly inspectStately: string | undefined
  readonly strict: boolean
  readonly quiet: boolean
}

/** Runs a program of a module here, or one of a server there, and gives the exit code. */
export const run = (host: Host, options: RunOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> => {
  const { module, server } = options
  if (module === undefined) return runThere(host, options)
  if (server === undefined) return runHere(host, { ...options, module, store: options.store ?? storeOfEnvironment() })
  const message = "a server runs its own programs: leave the module out, and name the program with --program"
  return Effect.fail(new UsageError({ message }))
}

const runThere = (host: Host, options: RunOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const given = options.server ?? (options.store === undefined ? serverOfEnvironment() : undefined)
    if (given === undefined) {
      return yield* new UsageError({ message: "run needs a module, or --server and the name of a program" })
    }
    const server = yield* serverOnly({ store: options.store, server: given }, "")
    const { runOnServer, refuseLocal } = yield* Effect.promise(() => import("./serverStart.ts"))
    yield* refuseLocal({
      "--workers": options.workers,
      "--durability": options.durability,
      "--inspect": options.inspect,
      "--inspect-stay": options.inspectStay,
      "--inspect-stately": options.inspectStately
    })
    return yield* runOnServer(host, server, options)
  }).pipe(Effect.scoped)

type HereOptions = RunOptions & { readonly module: string }

const runHere = (host: Host, options: HereOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    if (options.durability !== undefined && options.store === undefined) {
      return yield* new UsageError({ message: "--durability needs --store" })
    }
    const attributes = yield* attributesOf(options.attribute)
    const module = yield* load(options.module)
    const program = yield* choose(module, options.program)
    const ref = options.explain === undefined ? undefined : yield* Explanation.parseRef(options.explain, program)
    const { durability, facts, json, quiet, store, strict } = options
    // A stored job already has its input.
    const mayBeStored = store !== undefined && options.id !== undefined && options.input === undefined
    const given =
      mayBeStored && options.inputFile === undefined ? undefined : { input: yield* inputOf(program, options) }
    const isWatched = options.inspect || options.inspectStay
    const kept =
      store !== undefined
        ? StoreFile.open(store, durability)
        : isWatched
          ? StoreFile.open(yield* temporaryStore, "exit")
          : undefined
    const engine = engineOf(options.workers, kept, module).pipe(Layer.provide(relayOf(options.inspectStately)))
    const body = Effect.gen(function* () {
      const asked =
        given === undefined
          ? yield* resumeOrStart(program, options, attributes)
          : start(program, given.input, { id: options.id, attributes })
      const kept = yield* JobStore
      const noted =
        store === undefined ? asked : Effect.tap(asked, ({ id }) => warnOfOthers(host, kept.load(id), attributes))
      const begin = isWatched ? yield* shown(host, module, noted, options.inspectStay) : noted
      const print = { facts, json, ref }
      const code = yield* runJob(host, { program, begin, isKept: store !== undefined, isStrict: strict, quiet, print })
      if (options.inspectStay) yield* stay(host)
      return code
    })
    return yield* Effect.scoped(body).pipe(Effect.provide(engine), provideModule(module))
  }).pipe(Effect.scoped)

const inputOf = (program: Program.Any, { input, inputFile }: RunOptions) =>
  Input.read(program, { text: input, file: inputFile })

const start = (program: Program.Any, input: unknown, options: Engine.StartOptions): Begin =>
  begin(Engine.start(program, input as never, options))

/** Goes on with the job of that id if the store has it; otherwise starts it with the default input. */
const resumeOrStart = (program: Program.Any, options: RunOptions, attributes: Attributes | undefined) =>
  Effect.gen(function* () {
    const id = options.id ?? ""
    const { load } = yield* JobStore
    const isStored = yield* Effect.match(load(id), {
      onFailure: ({ reason }) => reason !== "missing",
      onSuccess: () => true
    })
    return isStored
      ? begin(Engine.resume(program, id))
      : start(program, yield* inputOf(program, options), { id, attributes })
  })

/** Warns that a stored job keeps its first attributes, if it was begun with others. */
const warnOfOthers = (host: Host, load: ReturnType<JobStore["Service"]["load"]>, asked: Attributes = {}) =>
  Effect.flatMap(load, ({ attributes, jobId }) =>
    hasAttributes(attributes, asked)
      ? Effect.void
      : host.warn(
          `converge: warning: the job ${oneLine(jobId)} was begun with other attributes, and keeps them`,
          "WARN"
        )
  ).pipe(Effect.ignore)

/** Serves the console, and says where it shows the job when the job has begun. */
const shown = (host: Host, { programs }: LoadedModule, begin: Begin, stays: boolean) =>
  Effect.map(serveConsole(programs), (addressOf) =>
    Effect.tap(begin, ({ id }) =>
      host.warn(
        `converge: watch the job at ${addressOf(id)}${stays ? "" : " (until it ends; --inspect-stay keeps the page)"}`
      )
    )
  )

/** Waits for Ctrl-C, so that a job that has ended can be looked at. A stop that ended the job ends the waiting, too. */
const stay = (host: Host): Effect.Effect<void> =>
  Effect.flatMap(host.takeStops, (stops) =>
    Effect.andThen(host.warn("converge: the job has ended; its page stays until Ctrl-C"), stops)
  )
