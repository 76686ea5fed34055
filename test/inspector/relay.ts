/**
 * Relays and viewers for the inspector's tests: Stately's own relay, one of ours that can misbehave, and a viewer that
 * collects what reaches it. All of them end with their scope.
 */
import { WebSocket, WebSocketServer } from "@effect/platform-node/NodeWS"
import { createWebSocketReceiver } from "@statelyai/inspect"
import { createInspectorServer } from "@statelyai/inspect/server"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import { createServer, type Server, type Socket } from "node:net"

export interface Message {
  readonly type: string
  readonly sessionId: string
  readonly [key: string]: unknown
}

const listening = (server: Server, port: number) =>
  Effect.callback<number>((resume) => {
    server.listen(port, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(address !== null && typeof address === "object" ? address.port : 0))
    })
  })

/** A port that nobody listens on at this moment. */
export const freePort = Effect.acquireUseRelease(
  Effect.sync(() => createServer()),
  (server) => listening(server, 0),
  (server) => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
)

/** The real relay of @statelyai/inspect, on a free port. */
export const statelyRelay = Effect.gen(function* () {
  const port = yield* freePort
  yield* Effect.acquireRelease(
    Effect.sync(() => createInspectorServer({ port, autoOpen: false })),
    (server) => Effect.sync(() => server.stop())
  )
  return `ws://127.0.0.1:${port}`
})

/** A relay under the test's control: it counts and keeps its clients, and forwards nothing. */
export const ownRelay = (port: number) =>
  Effect.gen(function* () {
    const messages = yield* Queue.unbounded<Message>()
    const clients = yield* Queue.unbounded<WebSocket>()
    const server = yield* Effect.acquireRelease(
      Effect.callback<WebSocketServer>((resume) => {
        const started: WebSocketServer = new WebSocketServer({ port, host: "127.0.0.1" }, () =>
          resume(Effect.succeed(started))
        )
      }),
      (started) =>
        Effect.callback<void>((resume) => {
          for (const client of started.clients) client.terminate()
          started.close(() => resume(Effect.void))
        })
    )
    server.on("connection", (client) => {
      Queue.offerUnsafe(clients, client)
      client.on("message", (data) => Queue.offerUnsafe(messages, parse(data)))
    })
    return { url: `ws://127.0.0.1:${port}`, messages, clients }
  })

/** A TCP server that accepts connections and never says a word; `hangUps` gets an item when a client goes away. */
export const silentServer = Effect.gen(function* () {
  const sockets = new Set<Socket>()
  const hangUps = yield* Queue.unbounded<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on("error", () => undefined)
    socket.on("close", () => Queue.offerUnsafe(hangUps, socket))
    socket.resume()
  })
  yield* Effect.addFinalizer(() =>
    Effect.callback<void>((resume) => {
      for (const socket of sockets) socket.destroy()
      server.close(() => resume(Effect.void))
    })
  )
  return { url: `ws://127.0.0.1:${yield* listening(server, 0)}`, hangUps }
})

/** A second client of a relay, which sees what the relay forwards. */
export const viewer = (url: string) =>
  Effect.gen(function* () {
    const messages = yield* Queue.unbounded<Message>()
    yield* Effect.acquireRelease(
      Effect.callback<WebSocket>((resume) => {
        const socket = new WebSocket(url)
        socket.on("message", (data) => Queue.offerUnsafe(messages, parse(data)))
        socket.on("open", () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => socket.terminate())
    )
    return messages
  })

/** Stately's own receiver, which its inspector listens with. It hears what comes from now on. */
export const statelyReceiver = (url: string) =>
  Effect.gen(function* () {
    const messages = yield* Queue.unbounded<Message>()
    const isOpen = yield* Latch.make()
    const { unsubscribe } = createWebSocketReceiver({ server: url }).subscribe((event) => {
      if (!isMessage(event)) return
      if (event.sessionId === "is it open?") isOpen.openUnsafe()
      else Queue.offerUnsafe(messages, event)
    })
    yield* Effect.addFinalizer(() => Effect.sync(unsubscribe))
    // It does not say when it is connected, so another client asks until it hears that.
    const socket = yield* Effect.acquireRelease(
      Effect.callback<WebSocket>((resume) => {
        const asking = new WebSocket(url)
        asking.on("open", () => resume(Effect.succeed(asking)))
      }),
      (asking) => Effect.sync(() => asking.terminate())
    )
    const ask = Effect.sync(() => socket.send(JSON.stringify({ type: "test", sessionId: "is it open?" })))
    yield* Effect.raceFirst(isOpen.await, Effect.repeat(ask, Schedule.spaced("20 millis")))
    return messages
  })

/** The messages up to and including the first that the predicate accepts. */
export const takeUntil = (messages: Queue.Queue<Message>, isLast: (message: Message) => boolean) =>
  Effect.gen(function* () {
    const taken: Array<Message> = []
    while (true) {
      const message = yield* Queue.take(messages)
      taken.push(message)
      if (isLast(message)) return taken
    }
  }).pipe(Effect.timeout("5 seconds"))

export const hasEnded = (message: Message): boolean => {
  const snapshot = message.type === "@xstate.snapshot" ? message["snapshot"] : undefined
  return typeof snapshot === "object" && snapshot !== null && "status" in snapshot && snapshot.status === "done"
}

const parse = (data: unknown): Message => {
  const message: unknown = Buffer.isBuffer(data) ? JSON.parse(data.toString()) : undefined
  if (!isMessage(message)) throw new Error("not a message of the protocol")
  return message
}

const isMessage = (value: unknown): value is Message =>
  typeof value === "object" && value !== null && "type" in value && "sessionId" in value
