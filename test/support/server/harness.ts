/**
 * Servers for tests, on a port of their own, and ways to ask them through a real socket.
 *
 * Boundary: no assertion.
 */
import { subscribe, unsubscribe } from "node:diagnostics_channel"
import type { IncomingMessage } from "node:http"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpClient } from "effect/http/HttpClient"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { Engine, JobStore, type Program, WorkerPool } from "../../../src/index.ts"
import { Server } from "../../../src/server/index.ts"

export { until } from "../until.ts"

export interface Running {
  readonly url: string
  readonly server: Server.Server["Service"]
  /** Closes the server and what is below it. */
  readonly stop: () => Promise<void>
  readonly fetch: (
    path: string,
    init?: Omit<RequestInit, "headers"> & { headers?: Record<string, string> }
  ) => Promise<Response>
  readonly post: (path: string, body?: unknown, headers?: Record<string, string>) => Promise<Response>
  /** Asks with the typed client. */
  readonly ask: <A, E>(use: (client: Server.Client) => Effect.Effect<A, E, HttpClient>) => Promise<Exit.Exit<A, E>>
}

export interface Below {
  readonly store?: Layer.Layer<JobStore.JobStore, unknown> | undefined
  readonly pool?: Layer.Layer<WorkerPool.WorkerPool> | undefined
  readonly engine?: Engine.EngineOptions | undefined
}

/** Starts a server. Agents of the programs need no services. */
export const serve = async (
  options: Server.ServerOptions<Program.Program.Any>,
  { engine, pool = WorkerPool.layerInline, store = JobStore.layerMemory }: Below = {}
): Promise<Running> => {
  const scope = Scope.makeUnsafe()
  const layer = Server.layer({ port: 0, drainMs: 200, ...options }).pipe(
    Layer.provide(Engine.layer(engine)),
    Layer.provide(pool),
    Layer.provide(store)
  ) as Layer.Layer<Server.Server, unknown>
  const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
  const server = Context.get(context, Server.Server)
  const { url } = server
  const first = options.tokens?.[0]
  const token = typeof first === "object" ? first.token : first
  const authorized: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  const ask: Running["ask"] = (use) =>
    Effect.runPromise(
      Effect.exit(Effect.flatMap(Server.client({ baseUrl: url, token }), use)).pipe(
        Effect.provide(NodeHttpClient.layerUndici)
      )
    )
  return {
    url,
    server,
    stop: () => Effect.runPromise(Scope.close(scope, Exit.void)),
    fetch: (path, init = {}) => fetch(url + path, { ...init, headers: { ...authorized, ...init.headers } }),
    post: (path, body, headers = {}) =>
      fetch(url + path, {
        method: "POST",
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        headers: { ...authorized, ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers }
      }),
    ask
  }
}

/** The body of a response, as JSON. */
export const jsonOf = async (response: Response): Promise<Record<string, unknown>> =>
  (await response.json()) as Record<string, unknown>

/** The metrics, as text. */
export const metricsOf = async (running: Running): Promise<string> => (await running.fetch("/metrics")).text()

/**
 * Resolves when a server of this process has received a request, its head and what came with that. What follows at once
 * is done before the answer to the next one.
 */
export const arrivalOf = (method: string, path: string): Promise<void> =>
  new Promise((resolve) => {
    const listen = (message: unknown): void => {
      const { request } = message as { readonly request: IncomingMessage }
      if (request.method !== method || request.url !== path) return
      unsubscribe("http.server.request.start", listen)
      resolve()
    }
    subscribe("http.server.request.start", listen)
  })

/** The state of a job, as the server tells it. */
export const stateOf = async (running: Running, id: string): Promise<unknown> =>
  (await jsonOf(await running.fetch(`/api/v1/jobs/${id}`)))["state"]
