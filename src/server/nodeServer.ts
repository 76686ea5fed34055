/**
 * Node's HTTP server, as Effect serves with it.
 *
 * When Node's server closes, it waits for a connection without any request as long as for a connection with an answer under
 * way, and browsers and client pools open such connections in advance. It also takes an answer that was handed over for an
 * answer that was sent. So this file tracks the pending answers of each connection. When the server closes, connections
 * without any are closed at once, others after their last answer, and the rest after `Limits.serverCloseMs`. Input that Node
 * refuses before there is a request gets a problem, too. An offer to upgrade is ignored: the client gets an ordinary answer,
 * and the server notices when it leaves. A client that does not read its answer is hung up on. Boundary: the file that touches
 * Node's HTTP server; others build the application.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import type { ServeError } from "effect/http/HttpServerError"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import { createServer, IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { brotliCompress, constants, gzip } from "node:zlib"
import { Limits } from "../Limits.ts"
import { noteDropped } from "./metrics.ts"

/** The services that routes of HttpApi need besides a router. */
export const services = NodeHttpServer.layerHttpServices

/** The pending answers of each open connection. */
type Connections = Map<Duplex, Set<ServerResponse>>

/** The status for input that is refused before there is a request, by the code of the error of Node's parser. */
const refusals: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  HPE_HEADER_OVERFLOW: 431
}

const problemType = "application/problem+json"

const problemOf = (status: number, detail: string): string =>
  JSON.stringify({ type: "about:blank", title: STATUS_CODES[status], status, detail })

/** Answers input that is no request, unless another answer has begun on its connection. */
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

/** Ends the connection of a request at once, and drops unsent data. `source`: the field of that name of Effect's request. */
export const hangUp = (source: object): void => {
  if (source instanceof IncomingMessage) source.socket.destroy()
}

const makeServer = (keepAliveMs: number): Server => {
  const node = createServer({ shouldUpgradeCallback: () => false, keepAliveTimeout: keepAliveMs })
  // Node restarts its timer whenever bytes move on a connection, also while one long piece goes out slowly. When the timer
  // fires, an idle connection is closed, and so is one whose client reads nothing. One whose answer is still to come stays.
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
  // Node calls this when the server closes.
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

/** Compresses bytes on another thread. */
export const compressed = (bytes: Uint8Array, coding: "br" | "gzip"): Effect.Effect<Uint8Array> =>
  Effect.callback((resume) => {
    const done = (error: Error | null, result: Uint8Array): void =>
      resume(error === null ? Effect.succeed(result) : Effect.die(error))
    if (coding === "gzip") gzip(bytes, done)
    else brotliCompress(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }, done)
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
      // Runs after the connections with pending answers have had their time.
      yield* Effect.addFinalizer(() => Effect.sync(() => node.closeAllConnections()))
      return server
    })
  )
