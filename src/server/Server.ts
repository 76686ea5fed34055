/**
 * Jobs over HTTP: routes for a router of your own, a whole server, and a typed client.
 *
 * Boundary: composition. api.ts defines the API; the files beside it implement the routes.
 */
import type * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiClientModule from "effect/http-api/HttpApiClient"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import { isHttpServerError, type ServeError } from "effect/http/HttpServerError"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type { Engine } from "../engine/Engine.ts"
import { Limits } from "../Limits.ts"
import { isProgram, type Program } from "../program/Program.ts"
import type { JobStore } from "../store/JobStore.ts"
import { InvalidOptions } from "../values/InvalidOptions.ts"
import { listOf, unknownName } from "../values/options.ts"
import type { WorkerPool } from "../workers/WorkerPool.ts"
import { Api } from "./api.ts"
import { Core, type CoreSettings, makeCore } from "./core.ts"
import { noRoute } from "./fallback.ts"
import { compressing, onlyForThisMachine, onlyOneHost } from "./around.ts"
import { answer, authorization, guard } from "./guard.ts"
import { sampling } from "./exposition.ts"
import { insightRoutes } from "./insightRoutes.ts"
import { journalRoutes } from "./journalRoutes.ts"
import { jobRoutes } from "./jobRoutes.ts"
import { noteAlive } from "./metrics.ts"
import { listening, services } from "./nodeServer.ts"
import { bareHost, checkOptions, isLoopback, settingNames, type Settings, settings } from "./settings.ts"
import type { Token } from "./tokens.ts"
import { alive, documentRoutes, healthRoutes, metricRoutes, programRoutes } from "./systemRoutes.ts"

export { Api } from "./api.ts"
export type { Core } from "./core.ts"
export type { Scope as TokenScope, Token } from "./tokens.ts"
export { InvalidOptions } from "../values/InvalidOptions.ts"
export * as Problems from "./problems.ts"
export * as Shapes from "./shapes.ts"

/** The services that agents need, without the scope that the engine gives each job. */
type Needs<P extends Program.Any> = Exclude<Program.Services<P>, Scope.Scope>

/** Options of `routes`. */
export interface RouteOptions<P extends Program.Any> {
  /** Programs whose jobs are served. No two may have the same name. */
  readonly programs: ReadonlyArray<P>
  /** The path before all routes, such as "/converge". Default: none, so the routes are at the root. */
  readonly prefix?: `/${string}` | undefined
  /**
   * Bearer tokens. A request must carry one of them, except for /health, /ready, /docs, /openapi.json and /inspector. A token
   * given as a plain text has all rights. Default: none.
   */
  readonly tokens?: ReadonlyArray<string | Token> | undefined
  /**
   * Origins whose pages may use the API. Default: none. Routes in a router of your own accept their requests, but the pages
   * can read the answers only if that router says so with `HttpRouter.cors`.
   */
  readonly cors?: ReadonlyArray<string> | undefined
  /** Bytes in the body of a request. Default 4 MiB. */
  readonly maxBodyBytes?: number | undefined
  /** JSON values in the body of a request, those within others included. Default 100,000. */
  readonly maxBodyValues?: number | undefined
  /** Facts in one signal. Default 10,000. */
  readonly maxSignalFacts?: number | undefined
  /** Event streams that are open at a time. Default 10,000. */
  readonly maxStreams?: number | undefined
  /** Milliseconds between two heartbeats on an event stream: a comment, or an empty line of NDJSON. Default 15,000. */
  readonly heartbeatMs?: number | undefined
  /** Milliseconds that jobs may go on when the server shuts down. Default 5,000. */
  readonly drainMs?: number | undefined
}

/** Options of `layer`. */
export interface ServerOptions<P extends Program.Any> extends RouteOptions<P> {
  /** The address to listen on. Default "127.0.0.1". An address that other machines can reach needs a token, or `insecure`. */
  readonly host?: string | undefined
  /** The port to listen on; 0 picks a free one. Default 8080. */
  readonly port?: number | undefined
  /** Listen on any address without a token. Default: no. */
  readonly insecure?: boolean | undefined
  /** Milliseconds that a connection may wait for its next request. Default 65,000. */
  readonly keepAliveMs?: number | undefined
}

/** A server that listens. */
export class Server extends Context.Service<
  Server,
  {
    /** The URL, such as "http://127.0.0.1:8080", with the prefix if there is one. */
    readonly url: string
    /** Refuses new jobs, ends event streams, and waits for jobs up to the deadline. Closing the layer drains, too. */
    readonly drain: Effect.Effect<void>
    /** Makes `drain` stop waiting for jobs. */
    readonly hurry: Effect.Effect<void>
  }
>()("effect-converge/server/Server") {}

const prefixOf = ({ prefix = "" }: { readonly prefix?: string | undefined }): string =>
  prefix.endsWith("/") ? prefix.slice(0, -1) : prefix

const coreSettings = (options: RouteOptions<Program.Any>, prefix: string): CoreSettings => ({
  tokens: options.tokens ?? [],
  origins: options.cors ?? [],
  prefix,
  maxBodyBytes: options.maxBodyBytes ?? Limits.serverBodyBytes,
  maxBodyValues: options.maxBodyValues ?? Limits.serverBodyValues,
  maxSignalFacts: options.maxSignalFacts ?? Limits.serverSignalFacts,
  maxStreams: options.maxStreams ?? Limits.serverStreams,
  heartbeatMs: options.heartbeatMs ?? Limits.serverHeartbeatMs,
  drainMs: options.drainMs ?? Limits.serverDrainMs
})

const complaintsOf = (
  options: RouteOptions<Program.Any> & Settings,
  other: ReadonlyArray<string>
): ReadonlyArray<string> => {
  const known = [...other, ...settingNames.flatMap((name) => settings[name].option ?? [])]
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) return [unknownName("option", unknown, known)]
  const { programs, ...rest } = options
  const complaint = listOf(
    "programs",
    "a program: it was not made by Program.make",
    isProgram,
    true
  )("programs", programs)
  if (complaint !== undefined) return [complaint.message]
  const names = programs.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  const complaints = [...checkOptions(rest)]
  if (twice !== undefined) complaints.push(`two programs are called ${JSON.stringify(twice)}`)
  return complaints
}

const check = (complaints: ReadonlyArray<string>): Effect.Effect<void, InvalidOptions> =>
  complaints.length === 0
    ? Effect.void
    : Effect.fail(new InvalidOptions({ of: "Server", option: "", message: complaints.join("; ") }))

const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const

/** Answers 404 or 405 only to requests below the API's paths, since the router may have other routes, too. */
const fallback = (prefix: string): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  HttpRouter.use((router) =>
    Effect.forEach(
      methods,
      (method) =>
        router.add(method, prefix === "" ? "/api/v1/*" : "/*", (request) =>
          Effect.sync(() => noRoute(request, prefix))
        ),
      { discard: true }
    )
  )

/** The routes. Their type omits the services of agents: agents run with all services that the layer is built with. */
const routesOf = (
  options: RouteOptions<Program.Any>
): Layer.Layer<Core, InvalidOptions, HttpRouter.HttpRouter | Engine | JobStore | WorkerPool> => {
  const prefix = prefixOf(options)
  const core = Layer.effect(
    Core,
    Effect.gen(function* () {
      yield* check(complaintsOf(options, ["programs", "prefix"]))
      return yield* makeCore(options.programs, coreSettings(options, prefix), yield* Effect.scope)
    })
  )
  // `Layer.fresh` keeps two mounts in one router apart. A shared layer would give the second mount the handlers, the tokens
  // and the programs of the first.
  const sampled = Layer.effectDiscard(sampling)
  const api = Layer.fresh(
    HttpApiBuilder.layer(Api).pipe(
      Layer.provide([jobRoutes, insightRoutes, journalRoutes, programRoutes, healthRoutes, metricRoutes]),
      Layer.provide([guard, authorization]),
      Layer.provide(services)
    )
  )
  const all = Layer.mergeAll(api, documentRoutes(prefix), fallback(prefix), sampled)
  const placed =
    prefix === ""
      ? all
      : Layer.provide(
          all,
          Layer.effect(
            HttpRouter.HttpRouter,
            Effect.map(HttpRouter.HttpRouter, (router) => router.prefixed(prefix))
          )
        )
  return Layer.provideMerge(placed, core)
}

/**
 * The routes, for a router of your own: `HttpRouter.serve(Layer.mergeAll(yours, Server.routes({ programs, prefix })))`.
 *
 * Provide the engine, and the store and the pool that the engine uses. Put `Server.drained` on top of the layer that serves,
 * so that a shutdown ends event streams and does not wait for them.
 */
export const routes = <P extends Program.Any>(
  options: RouteOptions<P>
): Layer.Layer<Core, InvalidOptions, HttpRouter.HttpRouter | Engine | JobStore | WorkerPool | Needs<P>> =>
  routesOf(options)

/** A layer that drains when it closes: `Server.drained.pipe(Layer.provide(HttpRouter.serve(app)))`. */
export const drained: Layer.Layer<never, never, Core> = Layer.effectDiscard(
  Effect.flatMap(Core, (core) => Effect.addFinalizer(() => core.drain))
)

/** Answers requests that no route takes, and failures that no route expects. */
const lastResort = (prefix: string) =>
  HttpRouter.middleware(
    (effect) =>
      Effect.catchCause(effect, (cause) =>
        Effect.flatMap(HttpServerRequest, (request) => {
          const error = Cause.findError(cause)
          const isLost =
            Result.isSuccess(error) && isHttpServerError(error.success) && error.success.reason._tag === "RouteNotFound"
          if (isLost) return Effect.succeed(noRoute(request, prefix))
          return Cause.hasInterruptsOnly(cause) ? Effect.failCause(cause) : answer(cause, request, 0)
        })
      ),
    { global: true }
  )

/**
 * Answers /health before the router sees the request. Liveness probes are frequent, and a busy process gets them, too, so each
 * must cost as little as it can. The route itself serves routers in which the routes are mounted.
 */
const aliveAtOnce = (prefix: string) =>
  HttpRouter.middleware(
    (effect) =>
      Effect.flatMap(HttpServerRequest, ({ method, originalUrl }) => {
        if (method !== "GET" || originalUrl !== `${prefix}/health`) return effect
        noteAlive()
        return Effect.succeed(alive)
      }),
    { global: true }
  )

const corsFor = (origins: ReadonlyArray<string>) =>
  origins.length === 0
    ? Layer.empty
    : HttpRouter.cors({
        allowedOrigins: origins,
        allowedMethods: ["GET", "HEAD", "POST", "DELETE"],
        allowedHeaders: ["authorization", "content-type", "idempotency-key", "last-event-id", "prefer", "traceparent"],
        exposedHeaders: ["location", "retry-after"],
        maxAge: 600
      })

const urlOf = ({ address }: HttpServer.HttpServer["Service"]): string =>
  address._tag === "UnixPathAddress" ? address.path : `http://${NetAddress.formatInet(address)}`

/**
 * A server that serves the programs' jobs.
 *
 * Provide the engine, and the store and the pool that the engine uses. When the layer closes, the server drains: it is not
 * ready any more, refuses jobs, sends viewers a `Goodbye`, and waits up to `drainMs` for jobs to end. Then it leaves the
 * unfinished jobs of a durable store to be resumed, and cancels others.
 */
export const layer = <P extends Program.Any>(
  options: ServerOptions<P>
): Layer.Layer<Server, InvalidOptions | ServeError, Engine | JobStore | WorkerPool | Needs<P>> => {
  const { cors = [], insecure = false, keepAliveMs = Limits.serverKeepAliveMs, port = 8080, tokens = [] } = options
  const prefix = prefixOf(options)
  const host = bareHost(options.host ?? "127.0.0.1")
  const checked = Effect.suspend(() => {
    const complaints = [...complaintsOf(options, ["programs"])]
    if (!isLoopback(host) && tokens.length === 0 && !insecure) {
      complaints.push(`listening on ${host} needs a token, or to be told that it may do without (insecure)`)
    }
    return check(complaints)
  })
  const isPrivate = isLoopback(host) && tokens.length === 0 && !insecure
  // The first one is the outermost.
  const around = Layer.mergeAll(
    compressing,
    lastResort(prefix),
    corsFor(cors),
    onlyOneHost,
    isPrivate ? onlyForThisMachine() : Layer.empty,
    aliveAtOnce(prefix)
  )
  const served = HttpRouter.serve(Layer.mergeAll(routesOf(options), around), {
    disableLogger: true,
    disableListenLog: true,
    routerConfig: { maxParamLength: Limits.serverParamLength }
  })
  const server = Layer.effect(
    Server,
    Effect.gen(function* () {
      const { drain, hurry } = yield* Core
      const url = urlOf(yield* HttpServer.HttpServer) + prefix
      yield* Effect.addFinalizer(() => drain)
      return Server.of({ url, drain, hurry })
    })
  )
  return Layer.unwrap(
    Effect.as(checked, server.pipe(Layer.provide(served), Layer.provide(listening({ host, port, keepAliveMs }))))
  )
}

/** The typed client. Its errors are the classes of `Problems`, told apart by their `_tag`. */
export type Client = HttpApiClient.ForApi<typeof Api>

/** Makes a typed client from the definition that the server uses. */
export const client = (options: {
  /** The URL of the server, with the prefix if there is one. */
  readonly baseUrl: string
  /** The bearer token that each request carries. Default: none. */
  readonly token?: string | undefined
}): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  HttpApiClientModule.make(Api, {
    baseUrl: options.baseUrl,
    transformClient: (http) =>
      options.token === undefined ? http : HttpClient.mapRequest(http, HttpClientRequest.bearerToken(options.token))
  })
