/**
 * One WebSocket connection to an inspector relay, which never keeps the process alive.
 *
 * The adapter of `ws` (the copy that Effect's Node platform carries). Node's own WebSocket cannot be unref'd, so a
 * program with an open connection would never end. Here the TCP socket is unref'd from its first attempt on.
 *
 * Invariants: what the relay sends is read and thrown away; a send succeeds when the operating system has taken it, so
 * a relay that does not read slows the sender down instead of filling memory (G14); every end of the connection, an
 * error too, completes `closed`; closing the scope closes the socket at once.
 */
import { WebSocket } from "@effect/platform-node/NodeWS"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Limits } from "../Limits.ts"

/** Why there is no connection: it was refused, it timed out, or it is gone. */
export interface RelayGone {
  readonly _tag: "RelayGone"
  readonly message: string
}

export interface RelaySocket {
  /** Sends messages in order; succeeds when the last one has left the process. */
  readonly send: (messages: ReadonlyArray<string>) => Effect.Effect<void, RelayGone>
  /** Succeeds when the connection has ended, whoever ended it. */
  readonly closed: Effect.Effect<void>
  /** Says goodbye, and succeeds when the relay has read everything and answered. */
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
        // Each address that a host name has is tried with a handle of its own.
        tcp.on("connectionAttempt", () => tcp.unref())
      })
      request.end()
    }
  })
  // An error is always followed by "close"; without a listener it would be thrown.
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
