/**
 * A client that knows programs: it starts, watches and steers the jobs of a server, typed by a program's input, output and kinds.
 *
 * The same definition as the server's makes the requests (server/api.ts), so an answer that does not fit it is a `SchemaError`.
 * The client and the server may be of two processes and two versions of the program: the server checks all that it is sent, and
 * the client refuses a result of another program or version.
 * Boundary: the public names; remote.ts makes the requests.
 */
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as Schema from "effect/Schema"
import type { Program } from "../program/Program.ts"
import type { ProgramClient } from "./programClient.ts"
import { makeClient } from "./remote.ts"

export type { DeleteError, JobProblem, ListError, StartError, SteerError } from "./calls.ts"
export type {
  Answer,
  Approval,
  Event,
  JobPage,
  JobsQuery,
  Json,
  Output,
  ProgramClient,
  RemoteJob,
  Result,
  StartOptions,
  Status,
  Summary,
  Telemetry
} from "./programClient.ts"

/** Errors of the way to a server: the connection, and answers that do not fit the API. */
export type TransportError = HttpClientError.HttpClientError | Schema.SchemaError

/**
 * A client for the jobs of one program.
 *
 * The program is only read: its module may be imported from anywhere, and none of its agents run here. Requests go over the
 * caller's `HttpClient`, such as `NodeHttpClient.layerUndici`, or `FetchHttpClient.layer` in a browser.
 */
export const program = <P extends Program.Any>(
  program: P,
  options: {
    /** The URL of the server, with the prefix if there is one. */
    readonly baseUrl: string
    /** The bearer token that each request carries. Default: none. */
    readonly token?: string | undefined
  }
): Effect.Effect<ProgramClient<P>, never, HttpClient.HttpClient> => makeClient(program, options)
