/**
 * `converge show --server`: one job of a running server, with the tasks that run at this moment.
 *
 * Boundary: the server's typed client in, a page or JSON out; a problem becomes an error of the command.
 */
import * as Effect from "effect/Effect"
import process from "node:process"
import { connect } from "../server/remote.ts"
import { CommandFailed, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { moment, type Page, properties } from "./storedJobs.ts"
import { duration, indent, oneLine, plural, printable, thousands, wrap } from "./text.ts"

export interface LiveOptions {
  readonly id: string
  readonly server: string | undefined
  readonly json: boolean
}

const serverVariable = "CONVERGE_SERVER"
const tokenVariable = "CONVERGE_TOKEN"

const addressOf = (given: string | undefined): Effect.Effect<string, UsageError> => {
  const text = given ?? process.env[serverVariable] ?? ""
  const refuse = (message: string) => Effect.fail(new UsageError({ message: printable(message) }))
  if (text === "") return refuse(`where is the job? Give --store or --server, or set ${serverVariable}`)
  const isUrl = URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
  return isUrl ? Effect.succeed(text) : refuse(`--server needs an address such as http://localhost:8080, not ${text}`)
}

/** An error of the client: a problem with a status, or an answer that cannot be used. */
interface Told {
  readonly message: string
  readonly detail?: string | undefined
  readonly title?: string
  readonly status?: number
}

const failedOf = (server: string, { detail, message, status, title }: Told): Failed => {
  if (status === undefined) {
    return new CommandFailed({
      message: `the server ${printable(server)} gave no answer that can be used: ${printable(message)}`
    })
  }
  const text = printable(detail ?? title ?? message)
  return status < 500 ? new UsageError({ message: text }) : new CommandFailed({ message: text })
}

const asked = (baseUrl: string, id: string) =>
  Effect.gen(function* () {
    const token = process.env[tokenVariable]?.split(",")[0]
    const { insight, jobs } = yield* connect({ baseUrl, token: token === "" ? undefined : token })
    const params = { id }
    const job = yield* jobs.get({ params, query: {} })
    const diagnosis = yield* insight.diagnosis({ params })
    const tasks = yield* insight.tasks({ params })
    return { job, diagnosis, tasks }
  })

type Live = Effect.Success<ReturnType<typeof asked>>

type Task = Live["tasks"]["running"][number] | Live["tasks"]["waiting"][number]

const taskLine = (task: Task): string => {
  const { agent, each } = task
  const name = `${oneLine(agent)}${each === null ? "" : ` on ${oneLine(`${each.kind}/${each.id}`)}`}`
  if ("for" in task) return `${name}  waits for ${task.for === "turn" ? "its turn" : task.for}`
  const attempt = task.attempt > 1 ? `  attempt ${task.attempt}` : ""
  return `${name}  for ${duration(task.ms)}${task.worker === 0 ? "" : ` on worker ${task.worker}`}${attempt}`
}

const pageOf = ({ diagnosis, job, tasks }: Live, { style, width }: Page): string => {
  const { createdAt, cycle, hash, jobId, program, state } = job
  const head = `${style("bold", `${oneLine(jobId)} is ${state}`)}\n${indent(wrap(oneLine(diagnosis.headline), width - 2), "  ")}`
  const rows = properties(
    [
      ["program", oneLine(program)],
      ["cycle", thousands(cycle)],
      ["created", moment(createdAt)],
      ["hash", hash]
    ],
    style
  )
  const { running, waiting, waits } = tasks
  const rest = waits - waiting.length
  const lines = [...running, ...waiting].map((task) => `  ${taskLine(task)}`)
  if (rest > 0) lines.push(`  ${plural(rest, "task")} more wait`)
  const now =
    tasks.tasks === 0 ? "" : `\n\n${style("bold", `now, in cycle ${thousands(tasks.cycle)}`)}\n${lines.join("\n")}`
  return `${head}\n${rows}${now}`
}

/** Asks the server, and prints the answer. */
export const showLive = (host: Host, { id, json, server }: LiveOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const baseUrl = yield* addressOf(server)
    const answer = yield* Effect.mapError(asked(baseUrl, id), (error) => failedOf(baseUrl, error))
    yield* host.write(json ? `${JSON.stringify(answer)}\n` : `${pageOf(answer, look())}\n`)
    return 0
  }).pipe(Effect.scoped)
