/**
 * The application around the audit, and what `npm start` runs: arguments in, a job on an engine, reports out.
 *
 * Progress goes to stderr, and only to a terminal; the report goes to stdout. Ctrl-C cancels the job, waits until its
 * threads have let go, and still reports what it came to, as does an exhausted budget. Exit code: 0 converged, 2 budget
 * exhausted, 3 failed, 64 wrong arguments or an entry that is no file, 74 a report that cannot be written, 130 Ctrl-C.
 *
 * Boundary: the only file of the audit that knows of a process, its streams and its runtime.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as Logger from "effect/Logger"
import * as Result from "effect/Result"
import { existsSync, statSync, writeFileSync } from "node:fs"
import { relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Engine, Job, type JobError, JobStore, WorkerPool } from "effect-converge"
import { Link, Module } from "./facts.ts"
import { toPosix } from "./files.ts"
import { type Options, parseOptions, usage } from "./options.ts"
import { audit, layer } from "./program.ts"
import { type JobFacts, reportHtml } from "./reportHtml.ts"
import { reportTerminal } from "./reportTerminal.ts"
import { type Audit, crawledGraph, summarisePartial } from "./summary.ts"
import { visible, visibleJson } from "./visible.ts"

type Finished = Job.JobResult<typeof audit> | Job.JobResult.Partial<typeof audit>

interface Ended {
  readonly result: Finished
  readonly error: JobError.JobError<unknown, Job.JobResult.Partial<typeof audit>> | null
}

const exitCodes: Readonly<Record<Job.Status, number>> = {
  converged: 0,
  "budget-exhausted": 2,
  failed: 3,
  cancelled: 130
}
const wrongUsage = 64
const cannotWrite = 74

const shownFindings = 15

const main = (args: ReadonlyArray<string>): Effect.Effect<number> => {
  const options = parseOptions(args)
  if (options === "help") return Effect.as(print(process.stdout, usage), 0)
  if ("problem" in options)
    return Effect.as(print(process.stderr, `${visible(options.problem)}\n\n${usage}`), wrongUsage)
  const entry = entryOf(options)
  const problem = entryProblem(entry)
  if (problem !== undefined) return Effect.as(print(process.stderr, `${problem}\n`), wrongUsage)
  const pool = WorkerPool.layer(options.workers === undefined ? {} : { size: options.workers })
  const engine = Engine.layer().pipe(Layer.provide(pool), Layer.provide(JobStore.layerMemory))
  return Effect.provide(runAudit(entry, options), Layer.merge(engine, layer)).pipe(
    Effect.catch((error) =>
      Effect.as(print(process.stderr, `${error._tag}: ${visible(error.message)}\n`), exitCodes.failed)
    )
  )
}

/** Runs the job and reports on it. An interrupt ends the wait, not the report. */
const runAudit = (entry: string, options: Options) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const job = yield* restore(Engine.start(audit, { entry, deep: options.deep }))
      const waited = yield* Effect.exit(restore(Effect.raceFirst(Effect.exit(job.result), showProgress(job))))
      if (Exit.isFailure(waited)) yield* job.cancel
      const { result, error } = yield* Effect.match(job.result, {
        onSuccess: (result): Ended => ({ result, error: null }),
        onFailure: (error): Ended => ({ result: error.partial, error })
      })
      const written = yield* report(options, result, error)
      return written || result.status !== "converged" ? exitCodes[result.status] : cannotWrite
    })
  )

const stages = ["crawling", "analysing", "ranking"]

/** A line on stderr that follows the job, on a terminal; nothing elsewhere. Never succeeds. */
const showProgress = (job: Job.Job<typeof audit>): Effect.Effect<never> => {
  if (!process.stderr.isTTY) return Effect.never
  const line = Effect.flatMap(job.status, ({ tier, cycle, usage: { facts } }) =>
    print(process.stderr, `\r\u001b[K${stages[tier] ?? ""}, cycle ${cycle}, ${facts.toLocaleString("en-US")} facts`)
  )
  return Effect.repeat(line, Schedule.spaced(Duration.millis(80))).pipe(
    Effect.andThen(Effect.never),
    Effect.ensuring(print(process.stderr, "\r\u001b[K"))
  )
}

/** Prints the report and writes the page, if one was asked for. Answers whether both could be written. */
const report = (options: Options, result: Finished, error: Ended["error"]): Effect.Effect<boolean> =>
  Effect.gen(function* () {
    const output: Audit = result.output ?? summarisePartial(result.context)
    const job: JobFacts = {
      status: result.status,
      cycles: result.cycles,
      facts: result.usage.facts,
      hash: result.hash,
      durationMs: result.usage.durationMs
    }
    const text = options.json
      ? `${visibleJson(JSON.stringify({ ...Job.toJson(error ?? result), output }))}\n`
      : reportTerminal(output, job, { ...terminal(), findings: shownFindings })
    const reason = yield* print(process.stdout, text)
    // A reader that closed its pipe has seen enough.
    const isPrinted = reason === undefined || /\bEPIPE\b/.test(reason)
    if (!isPrinted) yield* print(process.stderr, `could not write the report: ${reason}\n`)
    if (error !== null)
      yield* print(process.stderr, `${visible(error.message)}: the report is of what was done until then\n`)
    if (options.html === undefined) return isPrinted
    const file = resolve(startedIn(), options.html)
    const near = relative(process.cwd(), file)
    const name = visible(near.startsWith("..") ? file : near)
    const graph = crawledGraph(valuesOf(result.context.all(Module)), valuesOf(result.context.all(Link)))
    const page = yield* Effect.promise(() => reportHtml(output, graph, job))
    const written = yield* Effect.result(Effect.try({ try: () => writeFileSync(file, page), catch: reasonOf }))
    const failed = Result.isFailure(written)
    yield* print(process.stderr, failed ? `could not write ${name}: ${written.failure}\n` : `wrote ${name}\n`)
    return isPrinted && !failed
  })

/** The system's own words, without the path that it repeats. */
const reasonOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/, \w+( '.*')?$/s, "")

/** How wide the reader's terminal is, and whether it shows colours (`NO_COLOR` is honoured). Neither, for a pipe. */
const terminal = (): { readonly columns: number; readonly colors: boolean } =>
  process.stdout.isTTY
    ? { columns: process.stdout.columns, colors: process.stdout.hasColors() }
    : { columns: 120, colors: false }

const valuesOf = <T>(facts: ReadonlyArray<{ readonly value: T }>): ReadonlyArray<T> => facts.map((fact) => fact.value)

/** Where the command was given. npm runs scripts in the project's root, and says where it was started itself. */
const startedIn = (): string =>
  (process.env["npm_lifecycle_event"] === "start" ? process.env["INIT_CWD"] : undefined) ?? process.cwd()

/** The entry relative to the working directory, so that the job's hash does not depend on where the project lies. */
const entryOf = ({ entry }: Options): string => {
  if (entry === undefined) return toPosix(relative(process.cwd(), fileURLToPath(import.meta.resolve("effect"))))
  const given = [startedIn(), process.cwd()].map((directory) => resolve(directory, entry))
  const path = given.find((candidate) => existsSync(candidate)) ?? resolve(entry)
  const near = relative(process.cwd(), path)
  return toPosix(near.startsWith("..") ? path : near)
}

/** The reason why the audit cannot start at an entry. */
const entryProblem = (entry: string): string | undefined => {
  const found = statSync(entry, { throwIfNoEntry: false })
  if (found?.isFile() === true) return undefined
  const name = visible(entry)
  if (found === undefined) return `there is no file ${name} to start from`
  return `${name} is ${found.isDirectory() ? "a directory: name the file in it to start from" : "not a regular file"}`
}

/** Writes a text and waits until it is out: the process ends right after. Answers why it could not be written, if so. */
const print = (stream: NodeJS.WriteStream, text: string): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    stream.write(text, (error) => resume(Effect.succeed(error == null ? undefined : reasonOf(error))))
  })

// `print` answers what is wrong with a stream.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {})

// Standard output is for the report.
const logged = Effect.provideService(main(process.argv.slice(2)), Logger.LogToStderr, true)

NodeRuntime.runMain(logged, {
  disableErrorReporting: false,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? (exit.value as number) : exitCodes.cancelled)
})
