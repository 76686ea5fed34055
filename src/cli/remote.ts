/**
 * `converge approvals`, `approve`, `signal` and `pause`: requests to a running server, and their answers for people or as JSON.
 *
 * Boundary: the server's typed client in, a page or JSON out; a problem becomes an error of the command.
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import { connect } from "../server/remote.ts"
import type { Client } from "../server/Server.ts"
import { parseJson } from "../values/parseJson.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { moment, type Page } from "./storedJobs.ts"
import { inlineJson, oneLine, printable, thousands, toPlain, truncate } from "./text.ts"

interface Asking {
  readonly server: string | undefined
  readonly json: boolean
}

/** The variables that name the server and its token. */
const serverVariable = "CONVERGE_SERVER"
const tokenVariable = "CONVERGE_TOKEN"

const addressOf = (given: string | undefined): Effect.Effect<string, UsageError> => {
  const text = given ?? process.env[serverVariable] ?? ""
  if (text === "") return usage(`which server? Give --server, or set ${serverVariable}`)
  const isUrl = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
  return isUrl ? Effect.succeed(text) : usage(`--server needs an address such as http://localhost:8080, not ${text}`)
}

const usage = (message: string) => Effect.fail(new UsageError({ message: printable(message) }))

/** The fields of a problem that a server answered with. */
interface Told {
  readonly _tag: string
  readonly message: string
  readonly title?: string
  readonly detail?: string | undefined
  readonly status?: number
}

const failedOf = (server: string, error: Told): Failed => {
  const { detail, status, title } = error
  if (status === undefined) {
    const message = `the server ${printable(server)} gave no answer that can be used: ${printable(error.message)}`
    return new CommandFailed({ message })
  }
  const message = printable(detail ?? title ?? error._tag)
  if (status === 409 || status === 422) return new CommandFailed({ message, exitCode: ExitCode.failed })
  return status < 500 ? new UsageError({ message }) : new CommandFailed({ message })
}

/** Asks a server, and prints the answer. */
export const ask = <A, E extends Told>(
  host: Host,
  { json, server }: Asking,
  request: (client: Client) => Effect.Effect<A, E>,
  page: (answer: A, page: Page) => string
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const baseUrl = yield* addressOf(server)
    const token = process.env[tokenVariable]?.split(",")[0]
    const client = yield* connect({ baseUrl, token: token === "" ? undefined : token })
    const answer = yield* Effect.mapError(request(client), (error) => failedOf(baseUrl, error))
    yield* host.write(json ? `${JSON.stringify(answer)}\n` : `${page(answer, look())}\n`)
    return 0
  }).pipe(Effect.scoped)

const jobLine = (
  { cycle, jobId, state }: { readonly jobId: string; readonly state: string; readonly cycle: number },
  { style }: Page
): string => `${style("bold", oneLine(jobId))}  ${state}${style("dim", `  after cycle ${thousands(cycle)}`)}`

export interface ApprovalsOptions extends Asking {
  readonly job: ReadonlyArray<string>
  readonly program: string | undefined
  readonly cursor: string | undefined
}

export const approvals = (host: Host, options: ApprovalsOptions): Effect.Effect<number, Failed> => {
  const { cursor, program } = options
  const [id] = options.job
  if (id !== undefined && program !== undefined)
    return usage("--program is for the approvals of all jobs: leave it out")
  const more = cursor === undefined ? {} : { cursor }
  return ask(
    host,
    options,
    ({ jobs }) =>
      id === undefined
        ? jobs.openApprovals({ query: { ...more, ...(program === undefined ? {} : { program }) } })
        : jobs.approvals({ params: { id }, query: more }),
    ({ approvals, cursor: next, unread }, { style, width }) => {
      const lines = approvals.flatMap(({ data, id, jobId, question, since }) => [
        `${style("bold", oneLine(jobId))}  ${oneLine(id)}${style("dim", `  since ${moment(since)}`)}`,
        ...(question === null ? [] : [`  ${oneLine(question)}`]),
        ...(data === null ? [] : [`  ${truncate(oneLine(inlineJson(toPlain(data))), width - 2)}`])
      ])
      const missing = unread.map((jobId) => style("yellow", `the journal of ${oneLine(jobId)} cannot be read`))
      const rest = next === null ? [] : [style("dim", `more: --cursor ${JSON.stringify(next)}`)]
      const all = [...lines, ...missing, ...rest]
      return all.length === 0 ? style("dim", "no approvals") : all.join("\n")
    }
  )
}

export interface ApproveOptions extends Asking {
  readonly job: string
  readonly approval: string
  readonly reject: boolean
  readonly by: string | undefined
  readonly note: string | undefined
}

export const approve = (host: Host, options: ApproveOptions): Effect.Effect<number, Failed> => {
  const { approval, by, job: id, note, reject } = options
  const more = { ...(by === undefined ? {} : { by }), ...(note === undefined ? {} : { note }) }
  const payload = { approval, decision: reject ? ("reject" as const) : ("approve" as const), ...more }
  return ask(host, options, ({ jobs }) => jobs.answerApproval({ params: { id }, payload }), jobLine)
}

export interface SignalOptions extends Asking {
  readonly job: string
  readonly fact: ReadonlyArray<string>
}

type Json = Parameters<Client["jobs"]["signal"]>[0]["payload"]["facts"][number]["value"]

/** The fact that `kind=json` describes. The server checks its kind and its value. */
const factOf = (text: string) => {
  const split = text.indexOf("=")
  if (split < 1) return usage(`--fact: it needs kind=json, not ${JSON.stringify(text)}`)
  const kind = text.slice(0, split)
  return Effect.try({
    // The parser gave the value, so it is JSON.
    try: () => ({ kind, value: parseJson(text.slice(split + 1)) as Json }),
    catch: () => new UsageError({ message: printable(`--fact: the value of ${kind} is no JSON`) })
  })
}

export const signal = (host: Host, options: SignalOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(Effect.forEach(options.fact, factOf), (facts) =>
    ask(host, options, ({ jobs }) => jobs.signal({ params: { id: options.job }, payload: { facts } }), jobLine)
  )

export interface PauseOptions extends Asking {
  readonly job: string
}

export const pause = (host: Host, options: PauseOptions): Effect.Effect<number, Failed> =>
  ask(host, options, ({ jobs }) => jobs.pause({ params: { id: options.job } }), jobLine)
