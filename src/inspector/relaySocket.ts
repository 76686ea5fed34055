/**
 * One WebSocket connection to an inspector relay, which never keeps the process alive.
 *
 * This file adapts `ws`, in the copy of Effect's Node platform. Node's own WebSocket cannot be unref'd, so a program with an
 * open connection would never end. Here the TCP socket is unref'd from its first attempt on.
 *
 * Invariants:
 * - messages from the relay are read and ignored
 * - a send succeeds when the operating system has taken it, so a relay that does not read slows the sender down instead of
 *   filling memory (G14)
 * - every end of the connection, also by an error, completes `closed`
 * - closing the scope closes the socket at once
 *
 * Boundary: owns the socket; knows nothing of actors or messages.
 */
import { WebSocket } from "@effect/platform-node/NodeWS"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Limits } from "../Limits.ts"

/** The failure without a connection: it was refused, it timed out, or it is lost. */
export interface RelayGone {
  readonly _tag: "RelayGone"
  readonly message: string
}

export interface RelaySocket {
  /** Sends messages in order. Succeeds when the last one has left the process. */
  readonly send: (messages: ReadonlyArray<string>) => Effect.Effect<void, RelayGone>
  /** Succeeds when either side has ended the connection. */
  readonly closed: Effect.Effect<void>
  /** Sends the closing frame, and succeeds when the relay has read everything and answered. */
  readonly close: Effect.Effect<void>
}

/** Connects. Interruption and the end of the scope abort the handshake and the connection at once. */
export const open = (url: string): Effect.Effect<RelaySocket, RelayGone, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = yield* Effect.acquireRelease(
      Effect.sync(() => start(url)),
      (socket) => Effect.sync(() => socket.terminate())
    )
    yield* opened(socket)
    return {
      send: (messages) => send(socket, messages),
      closed: closed(socket),
      close: Effect.andThen(
        Effect.sync(() => socket.close(1000)),
        closed(socket)
      )
    }
  })

const start = (url: string): WebSocket => {
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    skipUTF8Validation: true,
    handshakeTimeout: Limits.inspectorHandshakeMs,
    finishRequest: (request) => {
      request.once("socket", (tcp) => {
        tcp.unref()
        // Node tries each address of a host name with its own handle.
        tcp.on("connectionAttempt", () => tcp.unref())
      })
      request.end()
    }
  })
  // "close" follows every error. Without this listener, the error would be thrown.
  socket.on("error", () => undefined)
  return socket
}

const opened = (socket: WebSocket): Effect.Effect<void, RelayGone> =>
  Effect.callback((resume) => {
    socket.once("open", () => resume(Effect.void))
    socket.once("error", (error) => resume(Effect.fail(gone(error.message))))
    socket.once("close", () => resume(Effect.fail(gone("the relay closed the connection"))))
  })

const closed = (socket: WebSocket): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (socket.readyState === WebSocket.CLOSED) return resume(Effect.void)
    const onClose = () => resume(Effect.void)
    socket.once("close", onClose)
    return Effect.sync(() => socket.off("close", onClose))
  })

const send = (socket: WebSocket, messages: ReadonlyArray<string>): Effect.Effect<void, RelayGone> =>
  Effect.callback((resume) => {
    messages.forEach((message, index) =>
      socket.send(message, (error) => {
        if (error) resume(Effect.fail(gone(error.message)))
        else if (index === messages.length - 1) resume(Effect.void)
      })
    )
  })

const gone = (message: string): RelayGone => ({ _tag: "RelayGone", message })
