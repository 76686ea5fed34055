/**
 * The application around the audit, and what `npm start` runs: arguments in, a job on an engine, reports out.
 *
 * Progress goes to stderr, and only to a terminal; the report goes to stdout. Ctrl-C cancels the job, waits until its
 * threads have let go, and still prints what it came to. Exit code: 0 converged, 2 budget exhausted, 3 failed,
 * 4 cancelled, 64 wrong arguments.
 *
 * Boundary: the only file of the audit that knows of a process, its streams and its runtime.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { existsSync, writeFileSync } from "node:fs"
import { relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { Engine, Job, type JobError, JobStore, WorkerPool } from "effect-converge"
import { Link, Module } from "./facts.ts"
import { toPosix } from "./files.ts"
import { type Options, parseOptions, usage } from "./options.ts"
import { audit, layer } from "./program.ts"
import { type JobFacts, reportHtml } from "./reportHtml.ts"
import { reportTerminal } from "./reportTerminal.ts"
import { type Audit, crawledGraph } from "./summary.ts"

type Finished = Job.JobResult<typeof audit> | Job.JobResult.Partial<typeof audit>

interface Ended {
  readonly result: Finished
  readonly error: JobError.JobError<unknown, Job.JobResult.Partial<typeof audit>> | null
}

const exitCodes: Readonly<Record<Job.Status, number>> = { converged: 0, "budget-exhausted": 2, failed: 3, cancelled: 4 }
const wrongUsage = 64

const shownFindings = 15

const main = (args: ReadonlyArray<string>): Effect.Effect<number> => {
  const options = parseOptions(args)
  if (options === "help") return Effect.as(print(process.stdout, usage), 0)
  if ("problem" in options) return Effect.as(print(process.stderr, `${options.problem}\n\n${usage}`), wrongUsage)
  const pool = WorkerPool.layer(options.workers === undefined ? {} : { size: options.workers })
  const engine = Engine.layer().pipe(Layer.provide(pool), Layer.provide(JobStore.layerMemory))
  return Effect.provide(runAudit(options), Layer.merge(engine, layer)).pipe(
    Effect.catch((error) => Effect.as(print(process.stderr, `${error._tag}: ${error.message}\n`), exitCodes.failed))
  )
}

/** Runs the job and reports on it. An interrupt ends the wait, not the report. */
const runAudit = (options: Options) =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const job = yield* restore(Engine.start(audit, { entry: entryOf(options), deep: options.deep }))
      const waited = yield* Effect.exit(restore(Effect.raceFirst(Effect.exit(job.result), showProgress(job))))
      if (Exit.isFailure(waited)) yield* job.cancel
      const { result, error } = yield* Effect.match(job.result, {
        onSuccess: (result): Ended => ({ result, error: null }),
        onFailure: (error): Ended => ({ result: error.partial, error })
      })
      yield* report(options, result, error)
      return exitCodes[result.status]
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

const report = (options: Options, result: Finished, error: Ended["error"]): Effect.Effect<void> =>
  Effect.gen(function* () {
    const output: Audit | undefined = result.output
    const job: JobFacts = {
      status: result.status,
      cycles: result.cycles,
      facts: result.usage.facts,
      hash: result.hash,
      durationMs: result.usage.durationMs
    }
    if (options.json) yield* print(process.stdout, `${JSON.stringify(Job.toJson(error ?? result))}\n`)
    else if (output === undefined)
      yield* print(process.stderr, `${result.status}: ${error?.message ?? "no reason given"}\n`)
    else {
      yield* print(process.stdout, reportTerminal(output, job, { ...terminal(), findings: shownFindings }))
    }
    if (options.html !== undefined && output !== undefined) {
      const file = resolve(startedIn(), options.html)
      const graph = crawledGraph(valuesOf(result.context.all(Module)), valuesOf(result.context.all(Link)))
      const page = yield* Effect.promise(() => reportHtml(output, graph, job))
      const written = yield* Effect.exit(Effect.try(() => writeFileSync(file, page)))
      const outcome = Exit.isSuccess(written) ? "wrote" : "could not write"
      const near = relative(process.cwd(), file)
      yield* print(process.stderr, `${outcome} ${near.startsWith("..") ? file : near}\n`)
    }
  })

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

/** Writes a text and waits until it is out: the process ends right after. */
const print = (stream: NodeJS.WriteStream, text: string): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    stream.write(text, () => resume(Effect.void))
  })

NodeRuntime.runMain(main(process.argv.slice(2)), {
  disableErrorReporting: false,
  teardown: (exit, onExit) => onExit(Exit.isSuccess(exit) ? (exit.value as number) : exitCodes.cancelled)
})
