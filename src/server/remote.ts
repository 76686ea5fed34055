/**
 * A client of a server for the command line, over `fetch`. Boundary: connects; the command line asks and prints.
 */
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import { type Client, client } from "./Server.ts"

/** Makes a client of the server at an address. Nothing is asked yet. */
export const connect = (options: {
  readonly baseUrl: string
  readonly token: string | undefined
}): Effect.Effect<Client> => Effect.provide(client(options), FetchHttpClient.layer)
