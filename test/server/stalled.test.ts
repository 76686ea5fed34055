/** Clients that do not read what they are sent: what they hold is bounded, and they are hung up on. */
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { connect, type Socket } from "node:net"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { FactTexts, jsonPieces } from "../../src/server/jsonPieces.ts"
import { Place, ViewerRoom } from "../../src/server/viewerRoom.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, metricsOf, type Running, serve, until } from "../support/server/harness.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  return {
    Limits: {
      ...Limits,
      serverViewerBytes: 20_000_000,
      serverViewerPatienceMs: 50,
      serverViewerRetryMs: 5,
      serverWriteTimeoutMs: 3_000
    }
  }
})

const Item = Fact.kind("Item", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n)
})
const Ask = Fact.kind("Ask", {
  schema: Schema.Struct({ count: Schema.Int, fails: Schema.Boolean }),
  id: ({ count }) => String(count)
})
const many = Program.make("many", {
  input: Schema.Struct({ count: Schema.Int, fails: Schema.Boolean }),
  kinds: [Item],
  seed: (input) => [Ask.of(input)],
  agents: [
    Agent.make("make", {
      each: Ask,
      writes: [Item],
      execute: ({ value: { count } }) =>
        Effect.succeed({ facts: Array.from({ length: count }, (_, n) => Item.of({ n, text: "x".repeat(2_000) })) })
    }),
    Agent.make("fail", {
      reads: [Item, Ask],
      accepts: (view) => view.size(Item) > 0,
      execute: (view) => (view.all(Ask)[0]?.value.fails ? Effect.die(new Error("a bug")) : Effect.succeed({}))
    })
  ]
})

let running: Running
beforeAll(async () => {
  const store = await Effect.runPromise(journalStore)
  running = await serve({ programs: [many] }, { store: Layer.succeed(JobStore.JobStore, store) })
  await running.post("/api/v1/jobs", { program: "many", id: "many", input: { count: 8_000, fails: false } })
})
afterAll(() => running.stop())

/** A client that asks and does not read. */
const stall = (path: string): { readonly socket: Socket; readonly closed: Promise<void> } => {
  const { hostname, port } = new URL(running.url)
  const socket = connect(Number(port), hostname)
  socket.pause()
  socket.on("error", () => undefined)
  socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
  return { socket, closed: new Promise((resolve) => socket.once("close", () => resolve())) }
}

const droppedIn = async (): Promise<number> =>
  Number(/^converge_http_clients_dropped_total (\d+)/m.exec(await metricsOf(running))?.[1] ?? 0)

const openStreams = async (): Promise<number> => {
  const found = /^converge_http_streams (\d+)/m.exec(await metricsOf(running))
  return Number(found?.[1])
}

describe("viewers that do not read", () => {
  it("are dropped, and others are sent everything meanwhile", { timeout: 60_000 }, async () => {
    const before = await droppedIn()
    const stalled = Array.from({ length: 5 }, () => stall("/api/v1/jobs/many/events"))
    const read = await running.fetch("/api/v1/jobs/many/events", { headers: { accept: "application/x-ndjson" } })
    const lines = (await read.text()).trim().split("\n")
    const events = lines.map((line) => JSON.parse(line) as { _tag: string; facts?: ReadonlyArray<unknown> })
    expect(events.at(-1)?._tag).toBe("JobHalted")
    expect(events.flatMap(({ facts = [] }) => facts)).toHaveLength(8_000)
    await until(async () => (await openStreams()) === 0, 30_000)
    // The part that fits the buffers of the system goes out, although nobody reads it.
    expect((await droppedIn()) - before).toBeGreaterThan(0)
    for (const { socket } of stalled) socket.destroy()
  })

  it("do not keep a client that reads slowly from its end", { timeout: 60_000 }, async () => {
    const response = await running.fetch("/api/v1/jobs/many/events", { headers: { accept: "application/x-ndjson" } })
    let length = 0
    let pauses = 0
    for await (const chunk of response.body ?? []) {
      length += (chunk as Uint8Array).length
      if (++pauses < 20) await until(() => true)
    }
    expect(length).toBeGreaterThan(4_000_000)
  })
})

describe("the room of viewers", () => {
  it("lets the first go on, holds others up beyond the limit, and drops those that have not read", async () => {
    const room = new ViewerRoom()
    const dropped: Array<string> = []
    const page = Stream.fromIterable([1, 2, 3], { chunkSize: 1 })
    const taken: Array<string> = []
    const client = (name: string, isReading: boolean) => {
      const place = new Place(() => void dropped.push(name))
      const journal = room.reading(place, page, () => 15_000_000)
      const sent = room.sending(place, journal, () => 1)
      return Stream.runForEach(sent, (n) => {
        taken.push(`${name}${n}`)
        return isReading ? Effect.void : Effect.never
      })
    }
    await Effect.runPromise(
      Effect.gen(function* () {
        const first = yield* Effect.forkChild(client("a", false), { startImmediately: true })
        const second = yield* Effect.forkChild(client("b", false), { startImmediately: true })
        const third = yield* Effect.forkChild(client("c", true), { startImmediately: true })
        yield* Effect.promise(() => until(() => dropped.length > 0))
        expect(dropped[0]).toBe("a")
        yield* Fiber.interrupt(first)
        yield* Effect.promise(() => until(() => taken.includes("c3")))
        yield* Fiber.join(third)
        yield* Fiber.interrupt(second)
        expect(room.bytes).toBe(0)
      })
    )
    expect(taken.indexOf("c1")).toBeGreaterThan(taken.indexOf("a1"))
  })
})

describe("all facts of a job", () => {
  it("are the result's, as if they had been written at once, whether the job converged or failed", async () => {
    const whole = (await jsonOf(await running.fetch("/api/v1/jobs/many?facts=all"))) as { result: { facts: unknown[] } }
    expect(whole.result.facts).toHaveLength(8_001)
    const few = await running.post("/api/v1/jobs?facts=all", { program: "many", input: { count: 3, fails: false } })
    const { facts, status } = (await jsonOf(few)) as { facts: ReadonlyArray<{ id: string }>; status: string }
    expect([status, facts.map(({ id }) => id)]).toEqual(["converged", ["3", "0", "1", "2"]])
    const failed = await running.post("/api/v1/jobs?facts=all", { program: "many", input: { count: 2, fails: true } })
    expect([failed.status, failed.headers.get("content-type")]).toEqual([500, "application/problem+json"])
    const { partial, type } = (await jsonOf(failed)) as { type: string; partial: { facts: ReadonlyArray<unknown> } }
    expect([type, partial.facts.length]).toEqual(["urn:effect-converge:AgentPanicked", 3])
  })

  it("are written in pieces of a bounded length, between which the event loop has turns", async () => {
    const response = await running.fetch("/api/v1/jobs/many?facts=all")
    expect(response.headers.get("content-length")).toBeNull()
    const length = (await response.arrayBuffer()).byteLength
    const facts = Array.from({ length: 3_000 }, (_, n) => ({
      fact: { kind: "Item", id: `"${n}"`, value: {}, provenance: {} } as unknown as Fact.Fact,
      text: `{"b":${n},"10":"é","9":[]}`
    }))
    const value = { a: 1, none: undefined, result: { facts: new FactTexts(facts), n: [1n] }, last: null }
    const pieces = [...jsonPieces(value)]
    expect(length).toBeGreaterThan(10_000_000)
    expect(pieces.length).toBeGreaterThan(3)
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThan(100_000)
    const whole = facts.map(({ fact, text }) => ({ ...fact, value: JSON.parse(text) as unknown }))
    expect(pieces.join("")).toBe(JSON.stringify({ a: 1, result: { facts: whole, n: ["1"] }, last: null }))
  })
})
