/**
 * `converge run`, `resume` and `fork` with `--server`: the server runs the job, and the command follows it.
 *
 * The server has the programs, so no module is loaded here, and flags about this machine are refused. Boundary: the server's
 * client in, an exit code out.
 */
import type * as Stdio from "effect/Stdio"
import * as Effect from "effect/Effect"
import { warnOfStaying } from "../engine/replaced.ts"
import { type Attributes, refusalOfAttributes } from "../program/attributes.ts"
import { refusalOfJobId } from "../program/jobId.ts"
import { warnOfUnasked } from "../engine/unasked.ts"
import type * as Shapes from "../server/shapes.ts"
import { attributesOf } from "./attributes.ts"
import { type Failed, ofStatus, UsageError, worst } from "./exitCode.ts"
import type { FollowOptions } from "./followedJob.ts"
import type { Host } from "./hostProcess.ts"
import * as Input from "./input.ts"
import type { AServer } from "./place.ts"
import { ask } from "./serverClient.ts"
import { followOnServer } from "./serverRun.ts"
import { factOf } from "./steer.ts"
import { oneLine, plural, printable, table } from "./text.ts"

const usage = (message: string, details?: string) =>
  Effect.fail(new UsageError(details === undefined ? { message } : { message, details }))

/** Refuses flags about this machine, if one is given: the server has its own. */
export const refuseLocal = (flags: Readonly<Record<string, unknown>>): Effect.Effect<void, UsageError> => {
  const [flag] = Object.entries(flags).find(([, value]) => value !== undefined && value !== false) ?? []
  return flag === undefined ? Effect.void : usage(`${flag} is about a job on this machine: with a server, leave it out`)
}

/** Refuses an id or attributes that no new job can have, before they are sent. */
const refuseUnfit = (id: string | undefined, attributes: Attributes | undefined): Effect.Effect<void, UsageError> => {
  const why =
    (id === undefined ? undefined : refusalOfJobId(id)) ??
    (attributes === undefined ? undefined : refusalOfAttributes(attributes))
  return why === undefined ? Effect.void : usage(printable(`the job was not started: ${why}`))
}

/* ---------------------------------------------------------------- run */

export interface ServerRunOptions extends FollowOptions {
  readonly program: string | undefined
  readonly input: string | undefined
  readonly inputFile: string | undefined
  readonly id: string | undefined
  /** Texts such as `customer=Ada`. */
  readonly attribute: ReadonlyArray<string>
}

/** The name of the program: the one that was asked for, or the only one that the server has. */
const nameOf = (server: AServer, asked: string | undefined): Effect.Effect<string, Failed> =>
  Effect.gen(function* () {
    const { programs } = yield* ask(server, (client) => client.programs.list())
    const [first] = programs
    if (asked === undefined && first !== undefined && programs.length === 1) return first.name
    if (programs.some(({ name }) => name === asked)) return asked ?? ""
    const rows = programs.map(({ agents, name }) => [
      `  ${oneLine(name)}`,
      `(${agents.length === 0 ? "no agents" : agents.map(oneLine).join(", ")})`
    ])
    const message =
      asked === undefined
        ? `the server has ${plural(programs.length, "program")}: choose one with --program`
        : `the server has no program ${JSON.stringify(asked)}; choose one of these:`
    return yield* usage(printable(message), table(rows).join("\n"))
  })

/** The job of an id that the server has already; undefined if it has none. */
const present = (server: AServer, id: string) =>
  ask(server, ({ jobs }) =>
    Effect.catchTag(jobs.get({ params: { id }, query: {} }), "UnknownJob", () => Effect.succeed(undefined))
  )

/** Lets a job that nobody runs go on. Other jobs are left as they are. */
const goOn = (server: AServer, { jobId, state }: Pick<typeof Shapes.Job.Type, "jobId" | "state">) =>
  state === "suspended" ? Effect.asVoid(ask(server, ({ jobs }) => jobs.resume({ params: { id: jobId } }))) : Effect.void

/** Starts the job, or takes the job that has its id. Without an input, a job of that id keeps its own. */
const started = (
  server: AServer,
  program: string,
  { attribute, id, input, inputFile }: ServerRunOptions
): Effect.Effect<string, Failed, Stdio.Stdio> =>
  Effect.gen(function* () {
    const hasInput = input !== undefined || inputFile !== undefined
    const found = id === undefined || hasInput ? undefined : yield* present(server, id)
    if (found !== undefined) {
      if (found.program !== program) {
        const [own, other] = [JSON.stringify(found.program), JSON.stringify(program)]
        return yield* usage(`the job ${oneLine(found.jobId)} is one of the program ${own}, and not of ${other}`)
      }
      yield* goOn(server, found)
      return found.jobId
    }
    const { json } = yield* Input.readJson({ text: input, file: inputFile })
    const attributes = yield* attributesOf(attribute)
    yield* refuseUnfit(id, attributes)
    const payload = {
      ...{ program, input: json },
      ...(id === undefined ? {} : { id }),
      ...(attributes === undefined ? {} : { attributes })
    }
    const answer = yield* ask(server, ({ jobs }) =>
      jobs.start({ headers: { prefer: "respond-async" }, query: {}, payload })
    )
    return "body" in answer ? answer.body.jobId : answer.jobId
  })

/** Runs a program of a server. */
export const runOnServer = (
  host: Host,
  server: AServer,
  options: ServerRunOptions
): Effect.Effect<number, Failed, Stdio.Stdio> =>
  Effect.gen(function* () {
    const program = yield* nameOf(server, options.program)
    const jobId = yield* started(server, program, options)
    if (!options.quiet && options.id === undefined) yield* host.warn(`converge: the job is ${oneLine(jobId)}`)
    return yield* followOnServer(host, server, jobId, options)
  })

/* ---------------------------------------------------------------- resume */

const resumeOne = (host: Host, server: AServer, id: string, options: FollowOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const job = yield* ask(server, ({ jobs }) => jobs.get({ params: { id }, query: {} }))
    if (!(job.state in ofStatus)) yield* ask(server, ({ jobs }) => jobs.resume({ params: { id } }))
    return yield* followOnServer(host, server, id, options)
  })

/** Resumes jobs of a server by their ids, and follows them to their ends. */
export const resumeOnServer = (
  host: Host,
  server: AServer,
  ids: ReadonlyArray<string>,
  options: FollowOptions
): Effect.Effect<number, Failed> => {
  if (ids.length === 0) return usage("which jobs? A server resumes jobs by their ids")
  const path = ids.find((id) => /[\\/]/.test(id))
  if (path !== undefined)
    return usage(`${printable(path)} is no job's id: a server has its programs, and needs no module`)
  const isQuiet = options.quiet || ids.length > 1
  const all = Effect.forEach(ids, (id) => resumeOne(host, server, id, { ...options, quiet: isQuiet }), {
    concurrency: "unbounded"
  })
  return Effect.map(all, worst)
}

/* ---------------------------------------------------------------- fork */

export interface ServerForkOptions extends FollowOptions {
  readonly job: string
  readonly at: number | undefined
  readonly fact: ReadonlyArray<string>
  readonly id: string | undefined
  /** Texts such as `customer=Ada`. None: the new job has the attributes of the other. */
  readonly attribute: ReadonlyArray<string>
  readonly input: string | undefined
  readonly inputFile: string | undefined
}

/** Forks a job of a server, and follows the new one to its end. */
export const forkOnServer = (
  host: Host,
  server: AServer,
  options: ServerForkOptions
): Effect.Effect<number, Failed, Stdio.Stdio> =>
  Effect.gen(function* () {
    const { at, fact, id, input: text, inputFile: file, job } = options
    const facts = yield* Effect.forEach(fact, factOf)
    const input = text === undefined && file === undefined ? undefined : yield* Input.readJson({ text, file })
    const attributes = yield* attributesOf(options.attribute)
    yield* refuseUnfit(id, attributes)
    const payload = {
      facts,
      ...(attributes === undefined ? {} : { attributes }),
      ...(at === undefined ? {} : { at }),
      ...(id === undefined ? {} : { id }),
      ...(input === undefined ? {} : { input: input.json })
    }
    const { body } = yield* ask(server, ({ jobs }) => jobs.fork({ params: { id: job }, headers: {}, payload }))
    if (body.staying !== undefined) yield* warnOfStaying(body.jobId, body.staying)
    if (body.unasked !== undefined) yield* warnOfUnasked(body.jobId, body.unasked)
    if (!options.quiet && id === undefined) yield* host.warn(`converge: the job is ${oneLine(body.jobId)}`)
    return yield* followOnServer(host, server, body.jobId, options)
  })
