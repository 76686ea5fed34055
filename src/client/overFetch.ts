/**
 * A client of a server over `fetch`, for a process that makes few requests. Boundary: composition.
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { type ConnectOptions, connectTo, type ServerClient } from "./connect.ts"

/** Makes a client of the server at an address. Nothing is asked yet. */
export const connectOverFetch = (options: ConnectOptions): Effect.Effect<ServerClient> =>
  Effect.provide(connectTo(options), FetchHttpClient.layer)
