/**
 * `converge fork`: a new job from a past cycle of another, with other facts, run to its end here or by a server.
 *
 * Boundary: composition.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Engine from "../engine/Engine.ts"
import { parseJson } from "../values/parseJson.ts"
import { type Program } from "../program/Program.ts"
import { type Durability, JobStore } from "../store/index.ts"
import { attributesOf } from "./attributes.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import * as Input from "./input.ts"
import { begin, engineOf, provideModule, runJob } from "./jobRun.ts"
import { type AServer, type Placed, placeOf } from "./place.ts"
import { choose, load, type LoadedModule } from "./programs.ts"
import { kindNamed, proposalOf } from "./proposals.ts"
import { openExisting, startFailure } from "./storeFile.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"

export interface ForkOptions extends Placed {
  /** The module and the job's id; with a server, the id alone. */
  readonly args: ReadonlyArray<string>
  readonly program: string | undefined
  readonly at: number | undefined
  readonly fact: ReadonlyArray<string>
  readonly id: string | undefined
  /** Texts such as `customer=Ada`. None: the new job has the attributes of the stored one. */
  readonly attribute: ReadonlyArray<string>
  readonly input: string | undefined
  readonly inputFile: string | undefined
  readonly workers: number | undefined
  readonly durability: Durability | undefined
  readonly json: boolean
  readonly facts: boolean
  readonly quiet: boolean
}

export const fork = (host: Host, options: ForkOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const place = yield* placeOf(options)
    const [first, second, ...more] = options.args
    if (place._tag === "Server") {
      if (first === undefined) return yield* new UsageError({ message: "which job? Give its id" })
      if (second !== undefined) {
        return yield* new UsageError({ message: "a server forks a job with its own program: leave the module out" })
      }
      return yield* forkThere(host, place, first, options)
    }
    if (first === undefined || second === undefined || more.length > 0) {
      const message = "fork needs a module and a job, as in: converge fork ./audit.ts audit-42 --store jobs.db"
      return yield* new UsageError({ message })
    }
    const module = yield* load(first)
    const engine = engineOf(options.workers, openExisting(place.filename, options.durability), module)
    const forked = forkOf(host, module, { ...options, job: second })
    return yield* forked.pipe(Effect.provide(engine), provideModule(module))
  }).pipe(Effect.scoped)

const forkThere = (host: Host, server: AServer, job: string, options: ForkOptions) =>
  Effect.gen(function* () {
    const { forkOnServer, refuseLocal } = yield* Effect.promise(() => import("./serverStart.ts"))
    const { durability, program, workers } = options
    yield* refuseLocal({ "--workers": workers, "--durability": durability, "--program": program })
    return yield* forkOnServer(host, server, { ...options, job, strict: false })
  })

type OfJob = ForkOptions & { readonly job: string }

const forkOf = (host: Host, module: LoadedModule, options: OfJob) =>
  Effect.gen(function* () {
    const { at, facts, id, input: text, inputFile: file, job, json, quiet } = options
    const program = yield* programOf(module, options)
    const compiled = compiledOf(program)
    const input = text === undefined && file === undefined ? undefined : yield* Input.read(program, { text, file })
    const changed = yield* Effect.forEach(options.fact, (fact) => changeOf(compiled, fact))
    const attributes = yield* attributesOf(options.attribute)
    const forkOptions = { at, id, attributes, input: input as never, facts: changed as never }
    return yield* runJob(host, {
      program,
      begin: begin(Engine.fork(program, job, forkOptions)),
      isKept: true,
      quiet,
      print: { facts, json }
    })
  })

/** The program that the user asked for, or else the program of the job. */
const programOf = (module: LoadedModule, { job, program }: OfJob): Effect.Effect<Program.Any, Failed, JobStore> =>
  Effect.gen(function* () {
    if (program !== undefined || module.programs.length < 2) return yield* choose(module, program)
    const { load } = yield* JobStore
    const stored = yield* Effect.mapError(load(job), (error) => startFailure("the job was not forked", error))
    return yield* choose(module, stored.program)
  })

/** The proposal that `kind=json` describes. */
const changeOf = (program: CompiledProgram, text: string): Effect.Effect<unknown, UsageError> => {
  const split = text.indexOf("=")
  if (split < 1) {
    const message = `--fact: it needs kind=json, not ${JSON.stringify(text)}`
    return Effect.fail(new UsageError({ message }))
  }
  return Effect.flatMap(kindNamed(program, "--fact", text.slice(0, split)), (kind) =>
    proposalOf(kind, "--fact", () => parseJson(text.slice(split + 1)))
  )
}
