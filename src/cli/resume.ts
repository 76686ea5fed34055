/**
 * `converge resume`: goes on with unfinished jobs, of some modules' programs or of a server, and prints each result when its job
 * ends.
 *
 * A job that another process runs is left to that process. A signal leaves all jobs in the store. Boundary: composition.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Engine from "../engine/Engine.ts"
import { LogsEnd } from "../job/ending.ts"
import type { Job } from "../job/Job.ts"
import { type StartError } from "../outcome/JobError.ts"
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import { type Program } from "../program/Program.ts"
import { type Durability, JobStore } from "../store/index.ts"
import { tellAwaited } from "./waitingIntents.ts"
import { CommandFailed, ExitCode, type Failed, ofResult, ofStatus, UsageError, worst } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { begin, endOf, engineOf, print, provideModule } from "./jobRun.ts"
import { type AServer, type Placed, placeOf } from "./place.ts"
import { handlersOfAll, load, type LoadedModule } from "./programs.ts"
import { follow } from "./progress.ts"
import { resultOf } from "./report.ts"
import { openExisting, startFailure } from "./storeFile.ts"
import { oneLine, plural, printable } from "./text.ts"
import { compiledOf } from "../program/erased.ts"
import { errorToJson } from "../outcome/resultJson.ts"

export interface ResumeOptions extends Placed {
  /** The modules; with a server, the ids of jobs. */
  readonly args: ReadonlyArray<string>
  readonly id: string | undefined
  readonly program: string | undefined
  readonly workers: number | undefined
  readonly durability: Durability | undefined
  readonly json: boolean
  readonly facts: boolean
  readonly strict: boolean
  readonly quiet: boolean
}

/** A job that is to be resumed, and its program. */
interface Found {
  readonly jobId: string
  readonly program: Program.Any
}

export const resume = (host: Host, options: ResumeOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const place = yield* placeOf(options)
    return yield* place._tag === "File" ? resumeHere(host, place.filename, options) : resumeThere(host, place, options)
  })

const resumeThere = (host: Host, server: AServer, options: ResumeOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const { refuseLocal, resumeOnServer } = yield* Effect.promise(() => import("./serverStart.ts"))
    const { args, durability, id, program, workers } = options
    yield* refuseLocal({ "--workers": workers, "--durability": durability, "--program": program })
    return yield* resumeOnServer(host, server, id === undefined ? args : [...args, id], options)
  }).pipe(Effect.scoped)

const resumeHere = (
  host: Host,
  filename: string,
  options: ResumeOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    if (options.args.length === 0) {
      return yield* new UsageError({ message: "resume needs the modules that export the jobs' programs" })
    }
    const modules = yield* Effect.forEach(options.args, load)
    const programs = yield* programsOf(modules, options.program)
    const engine = engineOf(options.workers, openExisting(filename, options.durability), {
      programs: modules.flatMap((module) => module.programs),
      handlers: yield* handlersOfAll(modules)
    })
    // The engine is inside the modules' layers, so that the agents of child jobs get their services.
    const resumed: Effect.Effect<number, Failed, NodeServices.NodeServices> = Effect.provide(
      resumeFound(host, programs, options),
      engine
    )
    return yield* modules.reduce((effect, module) => provideModule(module)(effect), resumed)
  }).pipe(Effect.scoped)

const programsOf = (
  modules: ReadonlyArray<LoadedModule>,
  only: string | undefined
): Effect.Effect<ReadonlyMap<string, Program.Any>, UsageError> =>
  Effect.gen(function* () {
    const programs = new Map<string, Program.Any>()
    for (const { name: module, programs: exported } of modules) {
      for (const program of exported) {
        const present = programs.get(program.name)
        if (present !== undefined && present !== program) {
          const message = `${module} has another program called ${JSON.stringify(program.name)} than a module before it`
          return yield* new UsageError({ message })
        }
        if (only === undefined || only === program.name) programs.set(program.name, program)
      }
    }
    if (programs.size > 0) return programs
    const what = only === undefined ? "no program" : `no program ${JSON.stringify(only)}`
    return yield* new UsageError({ message: `${modules.map(({ name }) => name).join(", ")}: there is ${what}` })
  })

/** The message about a job that stays in quarantine: only `--id` takes a job out of it. */
const leftInQuarantine = (jobId: string, reason: string): string =>
  `converge: the job ${oneLine(jobId)} is quarantined: ${printable(reason)}. --id tries it again`

const find = (
  host: Host,
  programs: ReadonlyMap<string, Program.Any>,
  id: string | undefined
): Effect.Effect<ReadonlyArray<Found>, Failed, JobStore> =>
  Effect.gen(function* () {
    const store = yield* JobStore
    if (id !== undefined) {
      const { program: name } = yield* store.load(id)
      const program = programs.get(name)
      if (program !== undefined) return [{ jobId: id, program }]
      const message = `the job ${JSON.stringify(id)} is one of the program ${JSON.stringify(name)}, which no module exports`
      return yield* new UsageError({ message })
    }
    const found: Array<Found> = []
    for (const [name, program] of programs) {
      let cursor: string | undefined
      do {
        const page = yield* store.list({ status: "unfinished", program: name, cursor })
        for (const { attempts, jobId } of page.jobs) {
          if (attempts?.quarantine === undefined) found.push({ jobId, program })
          else yield* host.warn(leftInQuarantine(jobId, attempts.quarantine))
        }
        cursor = page.cursor
      } while (cursor !== undefined)
    }
    // The store lists the newest job first; the oldest is resumed first.
    return found.toReversed()
  }).pipe(
    Effect.mapError((error) =>
      error._tag === "UsageError" ? error : startFailure("the store could not be read", error)
    )
  )

const resumeFound = (
  host: Host,
  programs: ReadonlyMap<string, Program.Any>,
  options: ResumeOptions
): Effect.Effect<number, Failed, Engine.Engine | JobStore> =>
  Effect.gen(function* () {
    const found = yield* find(host, programs, options.id)
    if (found.length === 0) {
      yield* host.warn("converge: there is nothing to resume")
      return 0
    }
    if (found.length > 1 && !options.quiet) yield* host.warn(`converge: resuming ${plural(found.length, "job")}`)
    const stops = yield* host.takeStops
    const left = yield* Deferred.make<number>()
    yield* Effect.forkScoped(Effect.flatMap(stops, ({ exitCode }) => Deferred.succeed(left, exitCode)))
    const isAlone = found.length === 1
    const all = Effect.forEach(found, (one) => resumeOne(host, one, isAlone, options), { concurrency: "unbounded" })
    return yield* Effect.raceFirst(
      Effect.map(all, worst),
      Effect.tap(Deferred.await(left), () => host.warn("converge: unfinished jobs are left in the store"))
    )
  }).pipe(Effect.scoped)

const resumeOne = (
  host: Host,
  { jobId, program }: Found,
  isAlone: boolean,
  options: ResumeOptions
): Effect.Effect<number, Failed, Engine.Engine> =>
  Effect.matchEffect(Effect.provideService(begin(Engine.resume(program, jobId)), LogsEnd, false), {
    onFailure: (error) => notResumed(host, jobId, program, error, options),
    onSuccess: (job) => toEnd(host, job, program, isAlone, options)
  })

const toEnd = (
  host: Host,
  job: Job<Program.Any>,
  program: Program.Any,
  isAlone: boolean,
  { facts, json, quiet, strict }: ResumeOptions
): Effect.Effect<number, Failed> =>
  Effect.scoped(
    Effect.gen(function* () {
      const { state } = yield* job.status
      const isFollowed = isAlone && !quiet && !(state in ofStatus)
      const progress = isFollowed
        ? yield* Effect.forkScoped(follow(host, job, compiledOf(program)), { startImmediately: true })
        : undefined
      yield* Effect.forkScoped(tellAwaited(host, job), { startImmediately: true })
      const end = yield* endOf(yield* Effect.exit(job.result))
      if (progress !== undefined) yield* Fiber.await(progress)
      yield* print(host, end, { facts, json, quiet })
      return ofResult(resultOf(end), strict)
    })
  )

const notResumed = (
  host: Host,
  jobId: string,
  program: Program.Any,
  error: StartError | InvalidProgram,
  { id, json }: ResumeOptions
): Effect.Effect<number, Failed> => {
  if (error._tag === "StoreError" && error.reason === "held") {
    const message = `the job ${oneLine(jobId)} is run by another process`
    return id === undefined
      ? Effect.as(host.warn(`converge: ${message}`), 0)
      : Effect.fail(new CommandFailed({ message, exitCode: ExitCode.failed }))
  }
  if (id !== undefined) return Effect.fail(startFailure("the job was not resumed", error))
  const told = host.warn(`converge: the job ${oneLine(jobId)} was not resumed: ${printable(error.message)}`)
  const line = JSON.stringify({ jobId, program: program.name, status: "unfinished", error: errorToJson(error) })
  return Effect.as(json ? Effect.andThen(told, host.write(`${line}\n`)) : told, ExitCode.failed)
}
