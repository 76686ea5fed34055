/**
 * A client for all calls of a server's API, from the definition that the server uses. Boundary: over Effect's HttpApiClient.
 */
import type * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { Api } from "../server/api.ts"

/** The calls of a server, by group. */
export type ServerClient = HttpApiClient.ForApi<typeof Api>

/** Makes a client of the server at an address. Nothing is asked yet. `token`: the bearer token of each request. */
export const connectTo = ({
  baseUrl,
  token
}: {
  readonly baseUrl: string
  readonly token?: string | undefined
}): Effect.Effect<ServerClient, never, HttpClient.HttpClient> =>
  HttpApiClient.make(Api, {
    baseUrl,
    transformClient: (http) =>
      token === undefined ? http : HttpClient.mapRequest(http, HttpClientRequest.bearerToken(token))
  })
