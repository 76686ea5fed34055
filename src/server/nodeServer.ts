/**
 * Node's HTTP server, as Effect serves with it.
 *
 * Node waits for a connection that has not asked for anything yet as long as for one that is being answered; browsers and
 * pools of clients open such connections in advance. They are closed when the server closes, and those that are still
 * being answered some time later. Boundary: the file that touches `node:http`; what is served is built elsewhere.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import type { Socket } from "node:net"
import { Limits } from "../Limits.ts"

/** What routes of HttpApi ask for besides a router. */
export const services = NodeHttpServer.layerHttpServices

/** A server that listens. */
export const listening = (options: {
  readonly host: string
  readonly port: number
}): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const node = createServer()
      const unused = new Set<Socket>()
      node.on("connection", (socket: Socket) => {
        unused.add(socket)
        socket.once("close", () => unused.delete(socket))
      })
      node.on("request", ({ socket }) => void unused.delete(socket))
      const close = node.close.bind(node)
      node.close = (done) => {
        for (const socket of unused) socket.destroy()
        return close(done)
      }
      const server = yield* NodeHttpServer.make(() => node, {
        ...options,
        gracefulShutdownTimeout: Limits.serverCloseMs
      })
      // Runs when those that were being answered have had their time.
      yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
      return server
    })
  )
