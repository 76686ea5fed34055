/**
 * Node's HTTP server, as Effect serves with it.
 *
 * Boundary: the file that touches `node:http`; what is served is built elsewhere.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import type { ServeError } from "effect/http/HttpServerError"
import type * as HttpServer from "effect/http/HttpServer"
import type * as Layer from "effect/Layer"
import { createServer } from "node:http"
import { Limits } from "../Limits.ts"

/** What routes of HttpApi ask for besides a router. */
export const services = NodeHttpServer.layerHttpServices

/** A server that listens. When it closes, answers under way may be written, for a short time. */
export const listening = (options: {
  readonly host: string
  readonly port: number
}): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  NodeHttpServer.layerServer(createServer, { ...options, gracefulShutdownTimeout: Limits.serverCloseMs })
