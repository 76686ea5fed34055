/**
 * `converge inspect`: a stored job as one page. Boundary: a record in, a file out; recorder.ts reads the job, and the console
 * shows it.
 */
import * as Effect from "effect/Effect"
import { statSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import type { Program } from "../program/Program.ts"
import { consoleFile } from "../server/consolePage.ts"
import type { JobRecord } from "../server/jobRecord.ts"
import { recordJob } from "../server/recorder.ts"
import { infoOf } from "../server/systemRoutes.ts"
import { ExitCode, type Failed, UsageError } from "./exitCode.ts"
import { whyNotWritten } from "./files.ts"
import type { Host } from "./hostProcess.ts"
import { commandLine } from "./pasted.ts"
import type { Place } from "./place.ts"
import { load } from "./programs.ts"
import { asFailed, type JobOptions, type Page, showAt } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { bytes, oneLine, printable, thousands } from "./text.ts"

export interface InspectOptions extends JobOptions {
  readonly out: string
  readonly force: boolean
}

interface Written {
  readonly filename: string
  readonly bytes: number
  readonly record: JobRecord
  readonly text: Buffer
}

/** The programs of the module that stands before the job's id. */
const programsOf = (args: ReadonlyArray<string>, id: string | undefined) => {
  const module = args.length > (id === undefined ? 1 : 0) ? args[0] : undefined
  return module === undefined
    ? Effect.succeed(undefined)
    : Effect.map(load(module), ({ programs }) => ({ module, programs }))
}

/** The job as a running server tells it at this moment, and the programs of that server. A file has only the journal. */
const toldAt = (place: Place, jobId: string) =>
  place._tag === "File"
    ? Effect.succeed({ present: undefined, served: [] })
    : Effect.flatMap(
        Effect.promise(() => import("./present.ts")),
        ({ presentOf, servedBy }) =>
          Effect.all({ present: presentOf(place, jobId), served: servedBy(place) }, { concurrency: "unbounded" })
      )

type Loaded = { readonly module: string; readonly programs: ReadonlyArray<Program.Any> }

/** Records a job with its own program, if a module is given or the server serves it. */
const recordWith = Effect.fnUntraced(function* (place: Place, jobId: string, loaded: Loaded | undefined) {
  const told = yield* toldAt(place, jobId)
  const programs = loaded?.programs.map(infoOf) ?? told.served
  const record = yield* Effect.mapError(recordJob(jobId, { programs, present: told.present }), asFailed)
  if (loaded === undefined || record.programs.length > 0) return record
  const message = `${loaded.module} has no program ${JSON.stringify(record.job.program)}, which the job is of`
  return yield* new UsageError({ message })
})

/** Why a page cannot be written to a path; undefined if it can, as far as the file system tells. */
const whyNotOut = (out: string, force: boolean): string | undefined => {
  if (out.trim() === "") return "--out needs the path of a file"
  const found = statSync(resolve(out), { throwIfNoEntry: false })
  if (found === undefined) return undefined
  if (found.isDirectory()) return `--out ${printable(out)}: it is a folder, and not the path of a file`
  return force ? undefined : `${printable(out)} is there already: --force replaces it`
}

const whyNotJson = (json: boolean): string | undefined =>
  json ? "--out - writes the page to standard output: leave --json out" : undefined

export const inspect = (host: Host, options: InspectOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const { args, force, id, out } = options
    const jobId = yield* jobIdOf(args, id)
    const filename = resolve(out)
    const isStdout = out === "-"
    const why = isStdout ? whyNotJson(options.json) : whyNotOut(out, force)
    if (why !== undefined) return yield* new UsageError({ message: why })
    const loaded = yield* programsOf(args, id)
    const written = Effect.fnUntraced(function* (place: Place) {
      const record = yield* recordWith(place, jobId, loaded)
      const text = Buffer.from(consoleFile(record), "utf8")
      const write = Effect.tryPromise({
        try: () => writeFile(filename, text),
        catch: (error) => new UsageError({ message: `--out ${printable(out)}: ${whyNotWritten(error, out)}` })
      })
      if (!isStdout) yield* write
      return { filename, bytes: text.length, record, text }
    })
    const said = isStdout ? ({ text }: Written) => text.toString("utf8").trimEnd() : pageOf
    return yield* showAt(host, options, written, {
      json: jsonOf,
      page: said,
      codeOf: ({ record }) => (record.corrupt === null ? 0 : ExitCode.failed)
    })
  })

const jsonOf = ({ bytes, filename, record: { corrupt, job, leftOut } }: Written) => ({
  jobId: job.jobId,
  filename,
  bytes,
  leftOut,
  corrupt
})

/** The command that prints what a record cuts. */
const wholeOf = (jobId: string): string => `${commandLine("show", [], [["--id", jobId]])} --facts --json`

const pageOf = ({ bytes: size, filename, record }: Written, { style }: Page): string => {
  const { corrupt, diagnosis, job, leftOut } = record
  const { cycles, events, facts, values } = leftOut
  const parts = [
    [facts, "fact or revision", "facts and revisions"],
    [values, "long value, trace, payload or error", "long values, traces, payloads and errors"],
    [events, "event", "events"],
    [cycles, "early cycle", "early cycles"]
  ] as const
  const lacks = parts
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${thousands(count)} ${count === 1 ? one : many}`)
  return [
    style("green", `✔ made ${printable(filename)}, ${bytes(size)}, of the job ${oneLine(job.jobId)}`),
    `  ${oneLine(diagnosis.headline)}`,
    ...(lacks.length === 0 ? [] : [`  It leaves out ${lacks.join(", ")}.`]),
    ...(values === 0 ? [] : [`  The whole output, error, intents and facts: ${wholeOf(job.jobId)}`]),
    ...(corrupt === null ? [] : [`  ${style("red", oneLine(corrupt))}`])
  ].join("\n")
}
