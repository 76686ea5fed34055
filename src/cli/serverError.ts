/**
 * The messages about a server that does not do what a command asks, and the exit code of each.
 *
 * Boundary: an error of the client in, an error of the command out. Nothing of the client is loaded here.
 */
import { StoreError } from "../outcome/StoreError.ts"
import { unknown } from "../store/refusals.ts"
import { CommandFailed, ExitCode, type Failed, UsageError } from "./exitCode.ts"
import { type AServer, tokenVariable } from "./place.ts"
import { printable } from "./text.ts"

/** An error of the client: a problem with a status, or a connection or an answer that cannot be used. */
export interface Told {
  readonly _tag: string
  readonly message: string
  readonly title?: string
  readonly detail?: string | undefined
  readonly status?: number
  readonly reason?: unknown
  readonly jobId?: string | undefined
}

/** The failure of a server as that of a store: a reader of journals knows no servers. */
export class ServerError extends StoreError {
  readonly failed: Failed
  /** The `_tag` of the error of the client. */
  readonly tag: string
  constructor(server: AServer, error: Told) {
    const failed = failedOf(server, error)
    // A damaged journal is one as in a file: others of the server can be read.
    super({ reason: error._tag === "JournalCorrupt" ? "corrupt" : "closed", message: failed.message })
    this.failed = failed
    this.tag = error._tag
  }
}

/** Whether the server answered that it keeps no journals. */
export const isWithoutJournals = (error: unknown): error is ServerError =>
  error instanceof ServerError && error.tag === "NoJournal"

/** Whether an error says that the server is away at the moment: no connection, or none of its services. */
export const isAway = (error: unknown): boolean => {
  const tag = error instanceof ServerError ? error.tag : undefined
  const own = typeof error === "object" && error !== null && "_tag" in error ? error._tag : undefined
  return [tag, own].some((name) => name === "HttpClientError" || name === "Unavailable")
}

const inWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ENOTFOUND: "there is no such host",
  EAI_AGAIN: "the name of the host cannot be looked up now",
  ECONNRESET: "the connection was cut",
  UND_ERR_SOCKET: "the connection was cut",
  ETIMEDOUT: "it does not answer",
  UND_ERR_CONNECT_TIMEOUT: "it does not answer",
  UND_ERR_HEADERS_TIMEOUT: "it does not answer",
  EHOSTUNREACH: "there is no way to the host",
  ENETUNREACH: "there is no way to the host"
}

/** The error of the network, which stands some causes below. */
const lowest = (error: unknown, depth = 6): unknown =>
  typeof error === "object" && error !== null && "cause" in error && error.cause !== undefined && depth > 0
    ? lowest(error.cause, depth - 1)
    : error

const whyOf = (reason: unknown): string => {
  const error = lowest(reason)
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  return inWords[code] ?? (error instanceof Error && error.message !== "" ? error.message : code)
}

const isTransport = (reason: unknown): boolean =>
  typeof reason === "object" && reason !== null && "_tag" in reason && reason._tag === "TransportError"

/** Whether a connection broke while an answer came: `fetch` says "terminated", whatever happened to it. */
const isCutShort = (reason: unknown): boolean =>
  typeof reason === "object" &&
  reason !== null &&
  "cause" in reason &&
  reason.cause instanceof TypeError &&
  reason.cause.message === "terminated"

/** The statuses with which a proxy, or a server that is busy, says that another time would do. */
const passing = new Set([429, 502, 503, 504])

/** The status of an answer that the API does not have. */
const statusIn = (reason: unknown): number | undefined => {
  if (typeof reason !== "object" || reason === null || !("response" in reason)) return undefined
  const { response } = reason
  return typeof response === "object" &&
    response !== null &&
    "status" in response &&
    typeof response.status === "number"
    ? response.status
    : undefined
}

/** The failure of a connection, or of an answer that is none of this API. */
const unusable = ({ url }: AServer, error: Told): Failed => {
  const server = printable(url)
  if (isTransport(error.reason)) {
    return new CommandFailed({ message: `the server ${server} cannot be reached: ${printable(whyOf(error.reason))}` })
  }
  if (isCutShort(error.reason)) {
    return new CommandFailed({
      message: `the connection to the server ${server} broke in the middle of an answer: try again`
    })
  }
  const status = statusIn(error.reason)
  if (status !== undefined && passing.has(status)) {
    const who = `the server ${server}, or a proxy before it,`
    return new CommandFailed({ message: `${who} answered with status ${status}: try again later` })
  }
  // The message of a schema says what does not fit; that of a request repeats its address.
  return stranger({ url }, status, error._tag === "SchemaError" ? printable(error.message) : undefined)
}

/** The failure of an answer that is none of this API. */
export const stranger = ({ url }: Pick<AServer, "url">, status = 200, details?: string): CommandFailed => {
  const what = status < 400 ? "gave an answer that does not fit" : `answered with status ${status}`
  return new CommandFailed({
    message:
      `${printable(url)} ${what}: it is no converge server, or one of another version, ` +
      "or its address has another path",
    details
  })
}

/** The error of the command for an error of the client. */
export const failedOf = (server: AServer, error: Told): Failed => {
  const { detail, status, title } = error
  if (status === undefined) return unusable(server, error)
  const isUnknown = error._tag === "UnknownJob" && error.jobId !== undefined
  const message = printable(isUnknown ? unknown(error.jobId).message : (detail ?? title ?? error._tag))
  if (status === 401) {
    const what = server.token === undefined ? "wants a token: set" : "does not know the token in"
    return new UsageError({ message: `the server ${printable(server.url)} ${what} ${tokenVariable}` })
  }
  if (status === 403) return new UsageError({ message: `the server refuses this: ${message}` })
  if (error._tag === "JobExists") return new UsageError({ message })
  const isRefused = status === 409 || status === 422 || error._tag === "JournalCorrupt"
  if (isRefused) return new CommandFailed({ message, exitCode: ExitCode.failed })
  // A full queue is no fault of the call.
  return status < 500 && status !== 429 ? new UsageError({ message }) : new CommandFailed({ message })
}
