/**
 * `converge export`, and `converge run` of a case: a stored job as a file that ends the same way on any machine.
 *
 * Boundary: files and composition; src/testing makes, runs and shrinks cases.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { writeFile } from "node:fs/promises"
import { dirname, isAbsolute, relative, resolve, sep } from "node:path"
import { resultToJson } from "../outcome/resultJson.ts"
import type { Program } from "../program/Program.ts"
import {
  type Case,
  caseOf,
  type CaseEnd,
  type CaseRun,
  decodeCase,
  minimized,
  recording,
  runCase
} from "../testing/Testing.ts"
import { parseJson } from "../values/parseJson.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import { readText } from "./files.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { choose, load } from "./programs.ts"
import { type Placed, placeOf } from "./place.ts"
import { asFailed, openPlace } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { indent, oneLine, plural, printable } from "./text.ts"

export interface ExportOptions extends Placed {
  /** The job's id, and before it, if it is known, the module. */
  readonly args: ReadonlyArray<string>
  readonly id: string | undefined
  readonly program: string | undefined
  readonly minimize: boolean
  readonly out: string
  readonly json: boolean
}

/** Writes a stored job as a case. */
export const exportCase = (
  host: Host,
  options: ExportOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const { args, id, out } = options
    const jobId = yield* jobIdOf(args, id)
    if (out === "-" && options.json) {
      return yield* new UsageError({ message: "--out - writes the case to standard output: leave --json out" })
    }
    const specifier = id === undefined ? args.at(-2) : args.at(-1)
    const place = yield* placeOf(options)
    const recorded = yield* recording(jobId).pipe(Effect.mapError(asFailed), Effect.provide(openPlace(place)))
    if (recorded.status === undefined) {
      return yield* new UsageError({ message: `job ${jobId} has not ended: resume it, or cancel it` })
    }
    const whole = caseOf(
      recorded,
      specifier === undefined ? undefined : specifierFrom(dirname(resolve(out)), specifier)
    )
    const written = options.minimize ? yield* smaller(whole, specifier, options.program) : whole
    const text = `${JSON.stringify(written, undefined, 2)}\n`
    if (out === "-") {
      yield* host.write(text)
      return 0
    }
    yield* Effect.tryPromise({
      try: () => writeFile(out, text),
      catch: (error) => new UsageError({ message: `cannot write ${out}: ${printable(String(error))}` })
    })
    const counts = { seeds: (written.seeds ?? recorded.seeds).length, signals: written.recording.signals.length }
    const line = options.json
      ? JSON.stringify({ file: out, jobId, ...written.end, ...counts, hash: written.hash })
      : `${out}: ${oneLine(jobId)} ends with ${endText(written.end)}, from ${plural(counts.seeds, "seed")} and ${plural(counts.signals, "signal")}`
    yield* host.write(`${line}\n`)
    return 0
  }).pipe(Effect.scoped)

/** A path in a case starts from the folder of the case. */
const specifierFrom = (folder: string, specifier: string): string => {
  if (!/^\.{0,2}[\\/]/.test(specifier) && !isAbsolute(specifier) && !/\.[cm]?[jt]s$/.test(specifier)) return specifier
  const path = relative(folder, resolve(specifier)).split(sep).join("/")
  return path.startsWith(".") ? path : `./${path}`
}

const smaller = (whole: Case, specifier: string | undefined, name: string | undefined) =>
  Effect.gen(function* () {
    if (specifier === undefined) {
      return yield* new UsageError({ message: "--minimize runs the job: give its module before its id" })
    }
    if (whole.end.error === "") {
      const message = `--minimize keeps a failure, and the job ${whole.end.status}: leave it out`
      return yield* new UsageError({ message })
    }
    const program = yield* choose(yield* load(specifier), name ?? whole.recording.program)
    const found = yield* Effect.mapError(minimized(program, whole), asFailed)
    if (found !== whole) return found
    const message = `the module does not end the job with ${endText(whole.end)}: without --minimize it is exported as it was`
    return yield* new CommandFailed({ message, exitCode: ExitCode.failed })
  })

export interface CaseOptions {
  /** The module of the command line; undefined: the one that the case names. */
  readonly module: string | undefined
  readonly file: string
  readonly program: string | undefined
  readonly json: boolean
  readonly facts: boolean
  /** The flags of other runs, which a case refuses. */
  readonly others: Readonly<Record<string, unknown>>
}

/** Runs a case. The exit code is 0 if it ends as it was recorded, with the same hash. */
export const runCaseFile = (
  host: Host,
  options: CaseOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    const [flag] = Object.entries(options.others).find(([, value]) => value !== undefined) ?? []
    if (flag !== undefined) {
      return yield* new UsageError({ message: `${flag} is not for a case, which has all of its job in its file` })
    }
    const given = yield* readCase(options.file)
    const specifier = options.module ?? moduleOf(given, options.file)
    if (specifier === undefined) {
      const message = `${options.file} names no module: converge run <module> --case ${options.file}`
      return yield* new UsageError({ message })
    }
    const program: Program.Any = yield* choose(yield* load(specifier), options.program ?? given.recording.program)
    const run = yield* Effect.mapError(runCase(program, given), asFailed)
    yield* host.write(`${options.json ? caseJson(given, run, options.facts) : casePage(given, run)}\n`)
    return run.isSame ? 0 : ExitCode.failed
  }).pipe(Effect.scoped)

const moduleOf = ({ module }: Case, file: string): string | undefined =>
  module === undefined || !module.startsWith(".") ? module : resolve(dirname(resolve(file)), module)

const readCase = (file: string): Effect.Effect<Case, UsageError> =>
  Effect.gen(function* () {
    const refuse = (why: string) => new UsageError({ message: `${file}: ${printable(why)}` })
    const text = yield* Effect.mapError(readText(file), refuse)
    const json = yield* Effect.try({ try: () => parseJson(text), catch: () => refuse("it is not JSON") })
    return yield* Effect.mapError(decodeCase(json), ({ message }) => refuse(message))
  })

const endText = ({ error, of, status }: CaseEnd): string =>
  error === "" ? status : `${error}${of === "" ? "" : ` of ${JSON.stringify(of)}`}`

const caseJson = (given: Case, { end, hash, isSame, result, unanswered }: CaseRun, isAll: boolean): string =>
  JSON.stringify({
    isSame,
    expected: { ...given.end, hash: given.hash },
    found: { ...end, hash },
    unanswered: unanswered.map(({ each = null, ...rest }) => ({ ...rest, each })),
    result: resultToJson(result, { facts: isAll ? "all" : "counts" })
  })

const casePage = (given: Case, { end, hash, isSame, unanswered }: CaseRun): string => {
  const { style } = look()
  const head = isSame
    ? style("green", `✔ it ends with ${endText(end)}, as it was recorded`)
    : style("red", "✖ it does not end as it was recorded")
  const ends = [
    `expected ${endText(given.end)}  ${given.hash.slice(0, 16)}`,
    `found    ${endText(end)}  ${hash.slice(0, 16)}`
  ]
  const missed = unanswered.map(({ why }) => `no answer: ${oneLine(why)}`)
  return [head, ...(isSame ? [] : [indent([...ends, ...missed].join("\n"), "  ")])].join("\n")
}
