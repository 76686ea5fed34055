/**
 * Node's HTTP server, as Effect serves with it.
 *
 * Node waits for a connection that has not asked for anything yet as long as for one that is being answered; browsers and
 * pools of clients open such connections in advance. And it takes an answer that was handed over for one that was sent. So
 * here it is known which answers each connection is still to be given: when the server closes, the connections without any
 * are closed at once, the others when they have them, and what is left some time later. What Node refuses before there is a
 * request is a problem, too. An offer to upgrade is passed over: such a client is answered as any other, and seen when it
 * leaves. A client that does not read its answer is hung up on. Boundary: the file that touches Node; what is served is built
 * elsewhere.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { readFileSync } from "node:fs"
import { createServer, IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import { findPackageJSON } from "node:module"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { brotliCompress, constants, gzip } from "node:zlib"
import { Limits } from "../Limits.ts"
import { noteDropped } from "./metrics.ts"

/** What routes of HttpApi ask for besides a router. */
export const services = NodeHttpServer.layerHttpServices

/** The answers that each open connection is still to be given. */
type Connections = Map<Duplex, Set<ServerResponse>>

/** What is refused before there is a request, by the code of the error that Node's parser gives. */
const refusals: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431
}

const problemType = "application/problem+json"

const problemOf = (status: number, detail: string): string =>
  JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail })

/** Answers what is no request, unless another answer has begun on its connection. */
const refuse = (connections: Connections, code: string | undefined, socket: Duplex): void => {
  const hasBegun = [...(connections.get(socket) ?? [])].some(({ headersSent }) => headersSent)
  if (socket.writable && !hasBegun) {
    const status = refusals[code ?? ""] ?? 400
    const body = problemOf(status, "what was sent is not a request that can be read")
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nconnection: close\r\ncontent-type: ${problemType}\r\n` +
        `content-length: ${body.length}\r\n\r\n${body}`
    )
  }
  socket.destroy()
}

/** Ends the connection of a request, whatever is still to be sent on it. `source`: what Effect calls a request's source. */
export const hangUp = (source: object): void => {
  if (source instanceof IncomingMessage) source.socket.destroy()
}

const makeServer = (keepAliveMs: number): Server => {
  const node = createServer({ shouldUpgradeCallback: () => false, keepAliveTimeout: keepAliveMs })
  // Node's timer begins anew whenever a connection moves, also while one long piece goes out slowly. A connection that rests
  // is closed, and one whose client reads nothing; not one whose answer is still to come.
  node.timeout = Limits.serverWriteTimeoutMs
  node.on("timeout", (socket: Socket) => {
    const isAwaiting = (connections.get(socket)?.size ?? 0) > 0
    if (isAwaiting && socket.writableLength === 0) return
    if (isAwaiting) noteDropped()
    socket.destroy()
  })
  const connections: Connections = new Map()
  let isClosing = false
  node.on("connection", (socket: Socket) => {
    connections.set(socket, new Set())
    socket.once("close", () => connections.delete(socket))
  })
  const note = ({ socket }: IncomingMessage, response: ServerResponse): void => {
    const answers = connections.get(socket)
    answers?.add(response)
    response.once("close", () => {
      answers?.delete(response)
      if (isClosing && answers?.size === 0) socket.destroySoon()
    })
  }
  node.on("request", note)
  node.on("checkContinue", note)
  node.on("checkExpectation", (_, response: ServerResponse) => {
    response.writeHead(417, { "content-type": problemType }).end(problemOf(417, "only 100-continue can be expected"))
  })
  node.on("clientError", (error: NodeJS.ErrnoException, socket) => refuse(connections, error.code, socket))
  // Node calls it when it closes.
  node.closeIdleConnections = () => {
    isClosing = true
    for (const [socket, answers] of connections) if (answers.size === 0) socket.destroy()
  }
  return node
}

/** Whether a request names more hosts than one: Node reads the first, and a proxy may have read the last. */
export const hasManyHosts = (request: HttpServerRequest): boolean => {
  const { rawHeaders } = NodeHttpServerRequest.toIncomingMessage(request)
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) if (rawHeaders[at]?.toLowerCase() === "host") hosts++
  return hosts > 1
}

/** Compresses bytes, on another thread than this one. */
export const compressed = (bytes: Uint8Array, coding: "br" | "gzip"): Effect.Effect<Uint8Array> =>
  Effect.callback((resume) => {
    const done = (error: Error | null, result: Uint8Array): void =>
      resume(error === null ? Effect.succeed(result) : Effect.die(error))
    if (coding === "gzip") gzip(bytes, done)
    else brotliCompress(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }, done)
  })

/** The version of this package, as OpenAPI tells it. */
export const packageVersion: Effect.Effect<string> = Effect.sync(() => {
  const file = findPackageJSON("..", import.meta.url)
  const manifest = JSON.parse(file === undefined ? "{}" : readFileSync(file, "utf8")) as { readonly version?: string }
  return manifest.version ?? "0.0.0"
})

/** A server that listens. */
export const listening = (options: {
  readonly host: string
  readonly port: number
  readonly keepAliveMs: number
}): Layer.Layer<HttpServer.HttpServer, ServeError> =>
  Layer.effect(
    HttpServer.HttpServer,
    Effect.gen(function* () {
      const { host, keepAliveMs, port } = options
      const node = makeServer(keepAliveMs)
      const server = yield* NodeHttpServer.make(() => node, {
        host,
        port,
        gracefulShutdownTimeout: Limits.serverCloseMs
      })
      // Runs when those that were being answered have had their time.
      yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
      return server
    })
  )
