/**
 * `converge fork`: a new job from a past cycle of a stored one, with other facts, run to its end. Boundary: composition.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import * as Engine from "../engine/Engine.ts"
import { parseJson } from "../values/parseJson.ts"
import { type Program } from "../program/Program.ts"
import { type Durability, JobStore } from "../store/index.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import * as Input from "./input.ts"
import { begin, engineOf, provideModule, runJob } from "./jobRun.ts"
import { choose, load, type LoadedModule } from "./programs.ts"
import { kindNamed, proposalOf } from "./proposals.ts"
import { openExisting, startFailure } from "./storeFile.ts"
import { type CompiledProgram, compiledOf } from "../program/erased.ts"

export interface ForkOptions {
  readonly module: string
  readonly job: string
  readonly program: string | undefined
  readonly store: string
  readonly at: number | undefined
  readonly fact: ReadonlyArray<string>
  readonly id: string | undefined
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
    const module = yield* load(options.module)
    const engine = engineOf(options.workers, openExisting(options.store, options.durability), module)
    return yield* forkOf(host, module, options).pipe(Effect.provide(engine), provideModule(module))
  }).pipe(Effect.scoped)

const forkOf = (host: Host, module: LoadedModule, options: ForkOptions) =>
  Effect.gen(function* () {
    const { at, facts, id, input: text, inputFile: file, job, json, quiet } = options
    const program = yield* programOf(module, options)
    const compiled = compiledOf(program)
    const input = text === undefined && file === undefined ? undefined : yield* Input.read(program, { text, file })
    const changed = yield* Effect.forEach(options.fact, (fact) => changeOf(compiled, fact))
    const forkOptions = { at, id, input: input as never, facts: changed as never }
    return yield* runJob(host, {
      program,
      begin: begin(Engine.fork(program, job, forkOptions)),
      isKept: true,
      quiet,
      print: { facts, json }
    })
  })

/** The program that the user asked for, or else the program of the job. */
const programOf = (module: LoadedModule, { job, program }: ForkOptions): Effect.Effect<Program.Any, Failed, JobStore> =>
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
