/**
 * A client for all calls of a server's API, from the definition that the server uses. Boundary: over Effect's HttpApiClient.
 */
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { Limits } from "../Limits.ts"
import { Api } from "../server/api.ts"
import { UnknownJob } from "../server/problems.ts"
import { hearing, telling } from "./silence.ts"

/** The calls of a server, by group. */
export type ServerClient = HttpApiClient.ForApi<typeof Api>

/** The settings of a client. */
export interface ConnectOptions {
  readonly baseUrl: string
  /** The bearer token of each request. Default: none. */
  readonly token?: string | undefined
  /** Runs when a request has waited for an answer for a while. The request goes on. Default: nothing. */
  readonly slow?: Effect.Effect<void> | undefined
}

/** The parameters of a path that are ids of jobs. */
const idNames = ["id", "otherId"]

/** Whether the path of a request cannot hold an id: dots are resolved, and a server's router takes no longer ones. */
const isOutOfPath = (id: unknown): id is string =>
  typeof id === "string" &&
  (["", ".", ".."].includes(id) || !id.isWellFormed() || encodeURIComponent(id).length > Limits.serverParamLength)

/** The id in a request that no path can hold. Undefined if there is none. */
const unfitIn = (request: unknown): string | undefined => {
  if (typeof request !== "object" || request === null || !("params" in request)) return undefined
  const { params } = request
  if (typeof params !== "object" || params === null) return undefined
  const found = Object.entries(params).find(([name, value]) => idNames.includes(name) && isOutOfPath(value))
  return found === undefined ? undefined : String(found[1])
}

/** The calls of a group, which answer as a server does for a job whose id no path can hold: there is none. */
const answering = <Group extends object>(group: Group): Group =>
  new Proxy(group, {
    get: (calls, name) => {
      const call: unknown = Reflect.get(calls, name)
      if (typeof call !== "function") return call
      return (...args: ReadonlyArray<unknown>): unknown => {
        const jobId = unfitIn(args[0])
        return jobId === undefined ? Reflect.apply(call, undefined, args) : Effect.fail(new UnknownJob({ jobId }))
      }
    }
  })

/** Makes a client of the server at an address. Nothing is asked yet. */
export const connectTo = ({
  baseUrl,
  slow,
  token
}: ConnectOptions): Effect.Effect<ServerClient, never, HttpClient.HttpClient> => {
  const transformClient = (given: HttpClient.HttpClient): HttpClient.HttpClient => {
    const http = hearing(slow === undefined ? given : telling(given, slow))
    return token === undefined ? http : HttpClient.mapRequest(http, HttpClientRequest.bearerToken(token))
  }
  return Effect.map(HttpApiClient.make(Api, { baseUrl, transformClient }), (client) => ({
    ...client,
    insight: answering(client.insight),
    jobs: answering(client.jobs),
    journals: answering(client.journals)
  }))
}
