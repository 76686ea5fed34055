/**
 * `converge approve`, `signal` and `pause`: requests to the server that runs a job.
 *
 * A file takes none of them. Only the engine that runs a job commits what comes from outside, and a file cannot pass it on.
 * Boundary: the server's client in, a line or JSON out.
 */
import * as Effect from "effect/Effect"
import { parseJson } from "../values/parseJson.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import { jsonId } from "./explanation.ts"
import type { Host } from "./hostProcess.ts"
import { type Placed, serverOnly } from "./place.ts"
import { ask, type ServerClient } from "./serverClient.ts"
import type { Told } from "./serverError.ts"
import { type Page, printed } from "./storedJobs.ts"
import { oneLine, printable, thousands } from "./text.ts"

interface Steering extends Placed {
  readonly job: string
  readonly json: boolean
}

interface Steered {
  readonly jobId: string
  readonly state: string
  readonly cycle: number
}

const serveIt = "Serve it (converge serve <module> --store <file>) and give --server"

/** The message for a job of a file, which only the engine that runs it could change. */
const onlyEngines = (verb: string): string => `only the engine that runs a job can ${verb} it, not its file. ${serveIt}`

const jobLine = ({ cycle, jobId, state }: Steered, { style }: Page): string =>
  `${style("bold", oneLine(jobId))}  ${state}${style("dim", `  after cycle ${thousands(cycle)}`)}`

/** Asks the server of a job, and prints where the job stands then. */
const steer = <A extends Steered, E extends Told>(
  host: Host,
  options: Steering,
  verb: string,
  request: (jobs: ServerClient["jobs"]) => Effect.Effect<A, E>
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const server = yield* serverOnly(options, onlyEngines(verb))
    const job = yield* ask(server, ({ jobs }) => request(jobs))
    return yield* printed(host, options.json, job, { json: (answer) => answer, page: jobLine })
  })

export interface ApproveOptions extends Steering {
  readonly approval: string
  readonly reject: boolean
  readonly by: string | undefined
  readonly note: string | undefined
}

export const approve = (host: Host, options: ApproveOptions): Effect.Effect<number, Failed> => {
  const { by, job: id, note, reject } = options
  const approval = jsonId(options.approval) ?? options.approval
  const more = { ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
  const payload = { approval, decision: reject ? ("reject" as const) : ("approve" as const), ...more }
  return steer(host, options, "decide for", (jobs) => jobs.answerApproval({ params: { id }, payload }))
}

export interface SignalOptions extends Steering {
  readonly fact: ReadonlyArray<string>
}

type Json = Parameters<ServerClient["jobs"]["signal"]>[0]["payload"]["facts"][number]["value"]

/** The fact that `kind=json` describes. The server checks its kind and its value. */
export const factOf = (text: string) => {
  const split = text.indexOf("=")
  if (split < 1) {
    return Effect.fail(
      new UsageError({ message: printable(`--fact: it needs kind=json, not ${JSON.stringify(text)}`) })
    )
  }
  const kind = text.slice(0, split)
  return Effect.try({
    // The parser gave the value, so it is JSON.
    try: () => ({ kind, value: parseJson(text.slice(split + 1)) as Json }),
    catch: () => new UsageError({ message: printable(`--fact: the value of ${kind} is no JSON`) })
  })
}

export const signal = (host: Host, options: SignalOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(Effect.forEach(options.fact, factOf), (facts) =>
    steer(host, options, "signal", (jobs) => jobs.signal({ params: { id: options.job }, payload: { facts } }))
  )

export const pause = (host: Host, options: Steering): Effect.Effect<number, Failed> =>
  steer(host, options, "pause", (jobs) => jobs.pause({ params: { id: options.job } }))
