/** The messages that reach a viewer through a relay, and the cost of publishing for an actor (src/inspector/Stately.ts). */
import { describe, expect, it } from "@effect/vitest"
import { createWebSocketInspector } from "@statelyai/inspect"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Exit from "effect/Exit"
import { createActor, createMachine, type InspectionEvent } from "xstate"
import { Stately } from "../../src/inspector/index.ts"
import { freePort, hasEnded, type Message, ownRelay, silentServer, statelyRelay, takeUntil, viewer } from "./relay.ts"
import { toyMachine } from "./toyMachine.ts"
import { turns } from "../support/until.ts"

const ping = createMachine({
  id: "ping",
  context: { n: 1 },
  initial: "a",
  states: { a: { on: { GO: "b", NOP: {} } }, b: { on: { END: "c" } }, c: { type: "final" } }
})

const often = Schedule.spaced("10 millis")

/** A publisher whose scope the test closes when it wants to. */
const connectOpen = (options: Stately.Options) =>
  Effect.gen(function* () {
    const scope = yield* Effect.acquireRelease(Scope.make(), (made, exit) => Scope.close(made, exit))
    const publisher = yield* Scope.provide(Stately.connect(options), scope)
    return { publisher, close: Scope.close(scope, Exit.void) }
  })

const isConnected = (publisher: Stately.Publisher, wanted: boolean) =>
  publisher.stats.pipe(
    Effect.filterOrFail((stats) => stats.isConnected === wanted),
    Effect.retry(Schedule.spaced("5 millis")),
    Effect.timeout("5 seconds")
  )

describe("a viewer at Stately's relay", () => {
  it.live("receives registration, events and snapshots, in order and with exactly the protocol's fields", () =>
    Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* viewer(url)
      const publisher = yield* Stately.connect({ url })
      const before = Date.now()
      const actor = createActor(ping, { inspect: publisher }).start()
      actor.send({ type: "GO" })
      actor.send({ type: "END" })
      const received = yield* takeUntil(messages, hasEnded)
      const after = Date.now()
      const times = received.map((message) => Number(message["createdAt"]))
      expect(times).toStrictEqual([...times].sort((one, other) => one - other))
      expect(times.every((time) => before <= time && time <= after)).toBe(true)
      const { sessionId } = actor
      const base = {
        sessionId,
        rootId: sessionId,
        createdAt: expect.any(String),
        id: null,
        _version: expect.any(String)
      }
      const snapshot = (value: string, status = "active") => ({ status, value, context: { n: 1 } })
      const init = { type: "xstate.init" }
      expect(received).toStrictEqual([
        {
          type: "@xstate.actor",
          name: "ping",
          definition:
            `{"id":"ping","context":{"n":1},"initial":"a","states":` +
            `{"a":{"on":{"GO":"b","NOP":{}}},"b":{"on":{"END":"c"}},"c":{"type":"final"}}}`,
          snapshot: snapshot("c", "done"),
          ...base
        },
        { type: "@xstate.event", event: init, ...base },
        { type: "@xstate.snapshot", event: init, snapshot: snapshot("a"), ...base },
        { type: "@xstate.event", event: { type: "GO" }, ...base },
        { type: "@xstate.snapshot", event: { type: "GO" }, snapshot: snapshot("b"), ...base },
        { type: "@xstate.event", event: { type: "END" }, ...base },
        { type: "@xstate.snapshot", event: { type: "END" }, snapshot: snapshot("c", "done"), ...base }
      ])
    }).pipe(Effect.scoped)
  )

  it.live("receives what Stately's own client sends, for the same machine", () =>
    Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* viewer(url)
      const publisher = yield* Stately.connect({ url })
      const theirs = yield* Effect.acquireRelease(
        Effect.sync(() => createWebSocketInspector({ url })),
        (inspector) => Effect.sync(() => inspector.stop())
      )
      const run = (inspect: Stately.Publisher | typeof theirs.inspect) =>
        Effect.gen(function* () {
          const actor = createActor(toyMachine, { inspect }).start()
          for (const type of ["START", "TURN", "TURN", "CANCEL"] as const) actor.send({ type })
          const received = yield* takeUntil(messages, hasEnded)
          return received.map((message) => comparable(message, actor.sessionId))
        })
      const own = yield* run(publisher)
      const reference = yield* run(theirs.inspect)
      expect(own.length).toBeGreaterThan(10)
      expect(own).toStrictEqual(reference)
    }).pipe(Effect.scoped)
  )

  it.live("sees the actors of a job that began before the relay did", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const publisher = yield* Stately.connect({ url: `ws://127.0.0.1:${port}`, reconnect: often })
      const actor = createActor(ping, { inspect: publisher }).start()
      actor.send({ type: "GO" })
      expect(yield* publisher.stats).toStrictEqual({ isConnected: false, sent: 0, dropped: 0 })
      const relay = yield* ownRelay(port)
      const [registration] = yield* takeUntil(relay.messages, () => true)
      expect(registration).toMatchObject({ type: "@xstate.actor", name: "ping", snapshot: { value: "b" } })
      actor.send({ type: "END" })
      expect((yield* takeUntil(relay.messages, hasEnded)).length).toBe(2)
    }).pipe(Effect.scoped)
  )

  it.live("sees live actors again after the relay went away, and none that have ended", () =>
    Effect.gen(function* () {
      const port = yield* freePort
      const first = yield* Scope.make()
      const relay = yield* Scope.provide(ownRelay(port), first)
      const publisher = yield* Stately.connect({ url: relay.url, reconnect: often })
      const ended = createActor(ping, { inspect: publisher }).start()
      ended.send({ type: "GO" })
      ended.send({ type: "END" })
      const live = createActor(ping, { inspect: publisher }).start()
      yield* takeUntil(
        relay.messages,
        ({ type, sessionId }) => type === "@xstate.snapshot" && sessionId === live.sessionId
      )
      yield* Scope.close(first, Exit.void)
      yield* isConnected(publisher, false)
      live.send({ type: "GO" })
      const second = yield* ownRelay(port)
      yield* isConnected(publisher, true)
      live.send({ type: "END" })
      const received = yield* takeUntil(second.messages, hasEnded)
      expect(received.map(({ type, sessionId }) => [type, sessionId])).toStrictEqual([
        ["@xstate.actor", live.sessionId],
        ["@xstate.event", live.sessionId],
        ["@xstate.snapshot", live.sessionId]
      ])
    }).pipe(Effect.scoped)
  )

  it.live("has everything that happened before the publisher's scope began to close", () =>
    Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* viewer(url)
      const { publisher, close } = yield* connectOpen({ url })
      const actor = createActor(ping, { inspect: publisher }).start()
      for (let i = 0; i < 100; i++) actor.send({ type: "NOP" })
      const closing = yield* Effect.forkChild(close, { startImmediately: true })
      actor.send({ type: "GO" })
      yield* Fiber.join(closing)
      expect((yield* publisher.stats).sent).toBe(203)
      const received = yield* Queue.takeN(messages, 203).pipe(Effect.timeout("5 seconds"))
      expect(received.at(-1)).toMatchObject({ type: "@xstate.snapshot", event: { type: "NOP" } })
      expect(yield* Queue.size(messages)).toBe(0)
    }).pipe(Effect.scoped)
  )
})

/** A message without what differs from client to client: times, ids, and the parts that our projection leaves out. */
const comparable = (message: Message, rootId: string): unknown => {
  const root = Number(rootId.slice("x:".length))
  const relative = (id: unknown): unknown => (typeof id === "string" ? Number(id.slice("x:".length)) - root : id)
  const { createdAt, definition, snapshot, ...rest } = message
  return {
    ...rest,
    createdAt: typeof createdAt,
    sessionId: relative(rest.sessionId),
    rootId: relative(rest["rootId"]),
    parentId: relative(rest["parentId"]),
    sourceId: relative(rest["sourceId"]),
    definition:
      typeof definition === "string" ? Object.keys(JSON.parse(definition)).filter(isDrawn).sort() : definition,
    snapshot: typeof snapshot === "object" ? pick(snapshot, ["status", "value", "context", "output"]) : snapshot
  }
}

const isDrawn = (key: string): boolean => key !== "context" && key !== "output"

const pick = (from: object | null, keys: ReadonlyArray<string>): unknown =>
  Object.fromEntries(Object.entries(from ?? {}).filter(([key]) => keys.includes(key)))

describe("an actor that is watched", () => {
  it.live("runs no projection, and holds nothing, while no relay listens", () =>
    Effect.gen(function* () {
      let projections = 0
      const project = (context: unknown) => {
        projections++
        return context
      }
      const publisher = yield* Stately.connect({ url: `ws://127.0.0.1:${yield* freePort}`, project })
      const actor = createActor(ping, { inspect: publisher }).start()
      for (let i = 0; i < 10_000; i++) actor.send({ type: "NOP" })
      yield* Effect.promise(() => turns(20))
      expect(projections).toBe(0)
      expect(yield* publisher.stats).toStrictEqual({ isConnected: false, sent: 0, dropped: 0 })
    }).pipe(Effect.scoped)
  )

  it.live("is encoded off its own call stack", () =>
    Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      let isSending = false
      const during: Array<boolean> = []
      const payload = {
        toJSON: () => {
          during.push(isSending)
          return "payload"
        }
      }
      const publisher = yield* Stately.connect({ url: relay.url })
      const actor = createActor(ping, { inspect: publisher }).start()
      yield* takeUntil(relay.messages, ({ type }) => type === "@xstate.snapshot")
      // Until the publisher waits for work, so that the next event wakes it.
      yield* Effect.promise(() => turns(20))
      isSending = true
      actor.send({ type: "GO", payload })
      isSending = false
      yield* takeUntil(relay.messages, ({ type }) => type === "@xstate.snapshot")
      expect(during).toStrictEqual([false, false])
    }).pipe(Effect.scoped)
  )

  it.live("never sees what its context or projection throws", () =>
    Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      const publisher = yield* Stately.connect({
        url: relay.url,
        project: () => {
          throw new Error("no")
        }
      })
      const circular: { self?: unknown } = {}
      circular.self = circular
      const actor = createActor(ping, { inspect: publisher }).start()
      actor.send({ type: "GO", payload: circular })
      actor.send({ type: "END" })
      const received = yield* takeUntil(relay.messages, hasEnded)
      expect(received.length).toBe(7)
      expect(actor.getSnapshot().status).toBe("done")
    }).pipe(Effect.scoped)
  )

  it.live("loses the oldest messages, never its registration, when it is faster than the relay", () =>
    Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      const publisher = yield* Stately.connect({ url: relay.url, queueCapacity: 4 })
      const actor = createActor(ping, { inspect: publisher }).start()
      for (let i = 0; i < 10; i++) actor.send({ type: "NOP" })
      actor.send({ type: "GO" })
      actor.send({ type: "END" })
      const received = yield* takeUntil(relay.messages, hasEnded)
      expect(received.map((message) => message["event"])).toStrictEqual([
        undefined,
        { type: "GO" },
        { type: "GO" },
        { type: "END" },
        { type: "END" }
      ])
      expect(received[0]).toMatchObject({ type: "@xstate.actor" })
      expect(yield* publisher.stats).toMatchObject({ sent: 5, dropped: 22 })
    }).pipe(Effect.scoped)
  )

  it.live("fills no memory when the relay stops reading, and is seen again when it goes on", () =>
    Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      const publisher = yield* Stately.connect({ url: relay.url, queueCapacity: 16 })
      const client = yield* Queue.take(relay.clients)
      const actor = createActor(ping, { inspect: publisher }).start()
      client.pause()
      const payload = "x".repeat(30_000)
      for (let i = 0; i < 2_000; i++) {
        actor.send({ type: "NOP", payload })
        if (i % 8 === 0) yield* Effect.promise(() => turns())
      }
      const { sent, dropped } = yield* publisher.stats
      // The buffers of the operating system take some megabytes; the rest of 120 is nowhere.
      expect(sent * payload.length).toBeLessThan(30_000_000)
      expect(sent + dropped).toBeGreaterThan(4_003 - 16 - 64)
      client.resume()
      actor.send({ type: "GO" })
      actor.send({ type: "END" })
      const received = yield* takeUntil(relay.messages, hasEnded)
      expect(received[0]).toMatchObject({ type: "@xstate.actor" })
    }).pipe(Effect.scoped)
  )
})

describe("closing a publisher", () => {
  it.live("does not wait longer than its limit for a relay that does not read", () =>
    Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      const { publisher, close } = yield* connectOpen({ url: relay.url })
      const client = yield* Queue.take(relay.clients)
      client.pause()
      const inspect: Array<InspectionEvent> = []
      createActor(ping, { inspect: (event) => inspect.push(event) }).start()
      for (const event of inspect) publisher.next(event)
      const begin = performance.now()
      yield* close
      const elapsedMs = performance.now() - begin
      expect(elapsedMs).toBeGreaterThan(450)
      expect(elapsedMs).toBeLessThan(1_500)
    }).pipe(Effect.scoped)
  )

  it.live("is immediate when no relay listens", () =>
    Effect.gen(function* () {
      const { close } = yield* connectOpen({ url: `ws://127.0.0.1:${yield* freePort}` })
      const begin = performance.now()
      yield* close
      expect(performance.now() - begin).toBeLessThan(200)
    }).pipe(Effect.scoped)
  )

  it.live("is immediate during a handshake, and hangs up", () =>
    Effect.gen(function* () {
      const { url, hangUps } = yield* silentServer
      const { close } = yield* connectOpen({ url })
      const begin = performance.now()
      yield* close
      expect(performance.now() - begin).toBeLessThan(200)
      yield* Queue.take(hangUps).pipe(Effect.timeout("1 second"))
    }).pipe(Effect.scoped)
  )
})

describe("connecting", () => {
  it.live("refuses an address that is not a WebSocket's", () =>
    Effect.gen(function* () {
      for (const url of ["localhost", "http://localhost:8080", ""]) {
        const error = yield* Effect.flip(Stately.connect({ url }))
        expect(error).toMatchObject({ _tag: "InvalidInspectorUrl", url })
      }
    }).pipe(Effect.scoped)
  )

  it.live("returns at once when nobody listens", () =>
    Effect.gen(function* () {
      const begin = performance.now()
      yield* Stately.connect({ url: `ws://127.0.0.1:${yield* freePort}` })
      expect(performance.now() - begin).toBeLessThan(500)
    }).pipe(Effect.scoped)
  )

  it.live("goes on without a relay that does not answer the handshake", () =>
    Effect.gen(function* () {
      const { url } = yield* silentServer
      const begin = performance.now()
      const publisher = yield* Stately.connect({ url })
      expect(performance.now() - begin).toBeLessThan(2_500)
      expect(yield* publisher.stats).toMatchObject({ isConnected: false })
    }).pipe(Effect.scoped)
  )
})
