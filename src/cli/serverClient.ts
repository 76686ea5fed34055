/**
 * The client with which commands ask a server. Boundary: an address in, calls out; an error of the client becomes one of the
 * command.
 */
import * as Effect from "effect/Effect"
import type { ServerClient } from "../client/connect.ts"
import { connectOverFetch } from "../client/overFetch.ts"
import type { Failed } from "./exitCode.ts"
import type { AServer } from "./place.ts"
import { failedOf, type Told } from "./serverError.ts"
import { SlowServer } from "./slowServer.ts"

export type { ServerClient } from "../client/connect.ts"

/** Makes a client of a server. Nothing is asked yet. */
export const connect = ({ token, url }: AServer): Effect.Effect<ServerClient> =>
  Effect.flatMap(SlowServer, (tell) => connectOverFetch({ baseUrl: url, token, slow: tell(url) }))

/** Asks a server. */
export const ask = <A, E extends Told>(
  server: AServer,
  request: (client: ServerClient) => Effect.Effect<A, E>
): Effect.Effect<A, Failed> =>
  Effect.flatMap(connect(server), (client) => Effect.mapError(request(client), (error) => failedOf(server, error)))
