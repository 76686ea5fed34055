/** The event stream: complete, in order, once each, whatever viewers do. */
import { mkdtempSync, rmSync } from "node:fs"
import { request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, metricsOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { count, inline, signalled, waiting } from "../support/server/programs.ts"
import * as Context from "effect/Context"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { eventsAfter, type SourceEvent } from "../../src/server/eventSource.ts"
import { viewer } from "../../src/server/viewer.ts"
import { WrittenEvents } from "../../src/server/writtenEvents.ts"
import * as Layer from "effect/Layer"
import * as JobStores from "../../src/store/index.ts"

interface Seen {
  readonly id: string | undefined
  readonly event: string
  readonly data: { readonly _tag: string; readonly seq?: number; readonly [field: string]: unknown }
}

/** Reads server-sent events until the stream ends, or `stop` says so. */
const follow = async (
  running: Running,
  job: string,
  headers: Record<string, string> = {},
  stop: (seen: ReadonlyArray<Seen>) => boolean = () => false
): Promise<ReadonlyArray<Seen>> => {
  const abort = new AbortController()
  const response = await running.fetch(`/api/v1/jobs/${job}/events`, { headers, signal: abort.signal })
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/event-stream"])
  const seen: Array<Seen> = []
  let text = ""
  const decoder = new TextDecoder()
  try {
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      const blocks = text.split("\n\n")
      text = blocks.pop() ?? ""
      for (const block of blocks) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1]
        const data = field("data")
        if (data !== undefined) {
          seen.push({ id: field("id"), event: field("event") ?? "", data: JSON.parse(data) as Seen["data"] })
        }
      }
      if (stop(seen)) abort.abort()
    }
  } catch (error) {
    if (!abort.signal.aborted) throw error
  }
  return seen
}

/** Reads a response, to its end. */
const taken = (response: Response): { readonly soFar: string; readonly whole: Promise<string> } => {
  const read = async (): Promise<string> => {
    const decoder = new TextDecoder()
    for await (const chunk of response.body ?? [])
      reading.soFar += decoder.decode(chunk as Uint8Array, { stream: true })
    return reading.soFar
  }
  const reading = { soFar: "", whole: Promise.resolve("") }
  reading.whole = read()
  return reading
}

const numbers = (seen: ReadonlyArray<Seen>) => seen.map(({ data }) => data.seq)
const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, n) => n + from)

const start = async (running: Running, program: string, input: unknown = {}, id?: string): Promise<string> => {
  const body = { program, input, ...(id === undefined ? {} : { id }) }
  const { jobId } = await jsonOf(await running.post("/api/v1/jobs", body, { prefer: "respond-async" }))
  return String(jobId)
}

const using = async (running: Running, use: (running: Running) => Promise<void>): Promise<void> => {
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

describe("a viewer", () => {
  it("sees the whole log, with ids, up to the end, and facts as their schemas encode them", async () => {
    await using(await serve({ programs: inline }), async (running) => {
      const id = await start(running, "count", { to: 3 })
      const seen = await follow(running, id)
      expect(numbers(seen)).toEqual(upTo(seen.length))
      expect(seen.map((one) => one.id)).toEqual(numbers(seen).map(String))
      expect(seen.map(({ data, event }) => data._tag === event)).not.toContain(false)
      expect(seen[0]?.data).toMatchObject({
        _tag: "JobStarted",
        seeds: [{ value: { n: 0 } }, { kind: "Note", value: { at: "1970-01-01T00:00:00.000Z" } }]
      })
      expect(seen.at(-1)?.data).toMatchObject({ _tag: "JobHalted", status: "converged" })
    })
  })

  it("that comes back goes on after its last id; 204 when there is nothing after it; 400 for what is no id", async () => {
    await using(await serve({ programs: inline }), async (running) => {
      const id = await start(running, "count", { to: 5 })
      const all = await follow(running, id)
      for (const last of [0, 1, 7, all.length - 1]) {
        const rest = await follow(running, id, { "last-event-id": String(last) })
        expect(rest).toEqual(all.slice(last))
      }
      for (const last of [all.length, all.length + 50]) {
        const response = await running.fetch(`/api/v1/jobs/${id}/events`, {
          headers: { "last-event-id": String(last) }
        })
        expect(response.status).toBe(204)
      }
      const odd = await running.fetch(`/api/v1/jobs/${id}/events`, { headers: { "last-event-id": "x" } })
      expect(odd.status).toBe(400)
      const after = await running.fetch(`/api/v1/jobs/${id}/events?after=3`, {
        headers: { accept: "application/x-ndjson" }
      })
      expect(after.headers.get("content-type")).toBe("application/x-ndjson")
      const lines = (await after.text()).trimEnd().split("\n")
      expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(all.slice(3).map(({ data }) => data))
    })
  })

  it("with an id of the future waits for what comes after it", async () => {
    await using(await serve({ programs: inline }), async (running) => {
      const id = await start(running, "waiting")
      const seen = follow(running, id, { "last-event-id": "11" })
      await until(async () => (await metricsOf(running)).includes("converge_http_streams 1"))
      await running.post(`/api/v1/jobs/${id}/cancel`)
      const all = await follow(running, id)
      // However early the job ends, whoever waits is told.
      expect(await seen).toEqual(all.length > 11 ? all.slice(11) : all.slice(-1))
    })
  })

  it("of a job that waits has its answer at once, in both formats", async () => {
    await using(await serve({ programs: inline, heartbeatMs: 60_000 }), async (running) => {
      const id = await start(running, "waiting")
      for (const accept of ["application/x-ndjson", "text/event-stream"]) {
        const abort = new AbortController()
        const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(20_000)])
        const headers = { accept, "last-event-id": "1000" }
        const response = await fetch(`${running.url}/api/v1/jobs/${id}/events`, { headers, signal })
        expect(response.status).toBe(200)
        abort.abort()
      }
    })
  })

  it("hears comments while nothing happens, and goodbye when the server shuts down", async () => {
    const running = await serve({ programs: inline, heartbeatMs: 20, drainMs: 50 })
    const id = await start(running, "waiting")
    const text = taken(await running.fetch(`/api/v1/jobs/${id}/events`))
    const accept = { accept: "application/x-ndjson" }
    const lines = taken(await running.fetch(`/api/v1/jobs/${id}/events`, { headers: accept }))
    await until(() => (text.soFar.match(/^: still here$/gm)?.length ?? 0) >= 2)
    await until(() => (lines.soFar.match(/^$/gm)?.length ?? 0) >= 3)
    expect(await metricsOf(running)).toContain("converge_http_streams 2")
    const before = Date.now()
    await running.stop()
    expect(Date.now() - before).toBeLessThan(2_000)
    expect(await text.whole).toMatch(/event: Goodbye\ndata: \{"_tag":"Goodbye","reason":"shutting-down"\}\n\n$/)
    expect(await lines.whole).toMatch(/\n\{"_tag":"Goodbye","reason":"shutting-down"\}\n$/)
  })

  it("that stalls holds up nobody, and is let go when it vanishes", async () => {
    await using(await serve({ programs: inline }), async (running) => {
      const id = await start(running, "count", { to: 400 })
      // Reads nothing at all.
      const stalled = request(`${running.url}/api/v1/jobs/${id}/events`)
      const arrived = new Promise<void>((resolve) =>
        stalled.on("response", (response) => resolve(void response.pause()))
      )
      stalled.on("error", () => undefined)
      stalled.end()
      await arrived
      const seen = await follow(running, id)
      expect(numbers(seen)).toEqual(upTo(seen.length))
      stalled.destroy()
      await until(async () => (await metricsOf(running)).includes("converge_http_streams 0"))
    })
  })

  it("is one of fifty that come, go and come back, and each ends with the same list", { timeout: 90_000 }, async () => {
    await using(await serve({ programs: inline }), async (running) => {
      const id = await start(running, "signalled")
      let staying = 0
      const viewers = Array.from({ length: 50 }, async (_, n) => {
        const seen: Array<Seen> = []
        for (let visit = 0; ; visit++) {
          if (visit === 3) staying++
          const last = seen.at(-1)
          const part = await follow(
            running,
            id,
            last === undefined ? {} : { "last-event-id": String(last.id) },
            (now) => visit < 3 && now.length >= 1 + ((n + visit) % 7)
          )
          seen.push(...part)
          if (seen.at(-1)?.event === "JobHalted") return seen
        }
      })
      await until(() => staying === viewers.length, 60_000)
      await running.post(`/api/v1/jobs/${id}/cancel`)
      const all = await follow(running, id)
      for (const viewed of await Promise.all(viewers)) expect(viewed).toEqual(all)
      expect(numbers(all)).toEqual(upTo(all.length))
    })
  })
})

describe("a viewer that falls behind what the log keeps", () => {
  it("is told which numbers it has missed, and can come back after them", async () => {
    const paused = (seq: number): SourceEvent => ({ event: { _tag: "JobPaused", seq, cycle: seq }, view: undefined })
    const texts = (after: number) =>
      Effect.runPromise(
        viewer(Stream.fromIterable([paused(6), paused(7)]), {
          format: "sse",
          after,
          heartbeatMs: 60_000,
          goodbye: Effect.never,
          written: new WrittenEvents()
        }).pipe(Stream.decodeText, Stream.mkString)
      )
    expect(await texts(2)).toMatch(
      /id: 5\nevent: Missed\ndata: {"_tag":"Missed","from":3,"to":5}\n\nid: 6\nevent: JobPaused\n.*\n\nid: 7\n/
    )
    expect(await texts(5)).not.toContain("Missed")
  })
})

describe("across a restart, on a durable store", () => {
  it("a viewer that comes back ends with the list of a server that never stopped", async () => {
    const kept = await Effect.runPromise(journalStore)
    const store = Layer.succeed(JobStore.JobStore, kept)
    const programs = [count, signalled, waiting]
    const first = await serve({ programs, drainMs: 0 }, { store })
    const id = await start(first, "signalled", {}, "across")
    const before = await follow(first, id, {}, (seen) => seen.length >= 12)
    const goodbye = follow(first, id)
    await until(async () => (await metricsOf(first)).includes("converge_http_streams 1"))
    await first.stop()
    expect((await goodbye).at(-1)?.event).toBe("Goodbye")
    const second = await serve({ programs }, { store })
    await using(second, async () => {
      await until(async () => (await jsonOf(await second.fetch(`/api/v1/jobs/${id}`)))["state"] === "running")
      const rest = follow(second, id, { "last-event-id": String(before.at(-1)?.id) })
      await until(async () => Number((await jsonOf(await second.fetch(`/api/v1/jobs/${id}`)))["cycle"]) > 10)
      await second.post(`/api/v1/jobs/${id}/cancel`)
      const all = await follow(second, id)
      expect([...before, ...(await rest)]).toEqual(all)
      expect(numbers(all)).toEqual(upTo(all.length))
    })
    // A third one knows it from the journal alone, and leaves it there.
    await using(await serve({ programs }, { store }), async (third) => {
      const all = await follow(third, id)
      expect(all.slice(0, before.length)).toEqual(before)
      expect(all.at(-1)?.data).toMatchObject({ _tag: "JobHalted", status: "cancelled" })
      expect(await metricsOf(third)).toContain('converge_jobs{state="cancelled"} 0')
      expect(await jsonOf(await third.fetch(`/api/v1/jobs/${id}`))).toMatchObject({ state: "cancelled" })
      // Now it is held there: the list is the same.
      expect(await follow(third, id)).toEqual(all)
    })
  })

  it("a viewer of a job that another version of its program goes on with sees the facts of both", async () => {
    const versionOf = <S extends { readonly n: number }>(
      of: (n: number) => S,
      schema: Schema.Codec<S, unknown>,
      gate?: number
    ) => {
      const Item = Fact.kind("Item", { schema, id: ({ n }) => String(n) })
      return Program.make("versioned", {
        input: Schema.Struct({}),
        migrate: ({ kind, value }) => ({ kind, value: { ...(value as object), at: "1970-01-01T00:00:00.000Z" } }),
        seed: () => [Item.of(of(0))],
        agents: [
          Agent.make("next", {
            each: Item,
            writes: [Item],
            execute: ({ value: { n } }) =>
              n === gate ? Effect.never : Effect.succeed({ facts: n < 6 ? [Item.of(of(n + 1))] : [] })
          })
        ]
      })
    }
    const before = versionOf((n) => ({ n }), Schema.Struct({ n: Schema.Int }), 3)
    const at = DateTime.makeUnsafe(1)
    const after = versionOf((n) => ({ n, at }), Schema.Struct({ n: Schema.Int, at: Schema.DateTimeUtc }))
    const store = Layer.succeed(JobStore.JobStore, await Effect.runPromise(journalStore))
    const first = await serve({ programs: [before], drainMs: 0 }, { store })
    const id = await start(first, "versioned", {}, "versioned")
    const seen = await follow(
      first,
      id,
      {},
      (now) => now.filter(({ event }) => event === "FactsCommitted").length === 3
    )
    await first.stop()
    const second = await serve({ programs: [after] }, { store })
    const whole = await follow(second, id)
    await second.stop()
    expect(whole.slice(0, seen.length)).toEqual(seen)
    const facts = whole.flatMap(({ data }) => (data["facts"] ?? []) as ReadonlyArray<{ readonly value: object }>)
    const now = "1970-01-01T00:00:00.001Z"
    expect(facts.map(({ value }) => value)).toEqual([
      ...upTo(3).map((n) => ({ n })),
      ...upTo(6, 4).map((n) => ({ n, at: now }))
    ])
    await using(await serve({ programs: [] }, { store }), async (third) =>
      expect(await follow(third, id)).toEqual(whole)
    )
  })

  it("one that comes back for a job that has ended meanwhile gets the rest of the same list, visit by visit", async () => {
    const store = Layer.succeed(JobStore.JobStore, await Effect.runPromise(journalStore))
    const first = await serve({ programs: [count] }, { store })
    const id = await start(first, "count", { to: 700 }, "ended")
    const whole = await follow(first, id)
    await first.stop()
    await using(await serve({ programs: [] }, { store }), async (second) => {
      const seen: Array<Seen> = []
      while (seen.at(-1)?.event !== "JobHalted") {
        const last = seen.at(-1)?.id
        const more = await follow(
          second,
          id,
          last === undefined ? {} : { "last-event-id": last },
          (now) => now.length >= 900
        )
        expect(more.length).toBeGreaterThan(0)
        seen.push(...more)
      }
      expect(numbers(seen)).toEqual(upTo(whole.length))
      expect(seen).toEqual(whole)
      const after = await second.fetch(`/api/v1/jobs/${id}/events`, {
        headers: { "last-event-id": String(whole.length) }
      })
      expect(after.status).toBe(204)
    })
  })

  it("a journal with a row that is not what was written gives what is before it, and whoever comes back is told", async () => {
    const kept = await Effect.runPromise(journalStore)
    const first = await serve({ programs: [count] }, { store: Layer.succeed(JobStore.JobStore, kept) })
    const id = await start(first, "count", { to: 9 }, "tampered")
    const whole = await follow(first, id)
    await first.stop()
    const tampered: JobStore.JobStore["Service"] = {
      ...kept,
      rows: (...asked) =>
        Stream.map(kept.rows(...asked), (row) => (row.cycle === 5 ? { ...row, text: `${row.text} ` } : row))
    }
    await using(
      await serve({ programs: [count] }, { store: Layer.succeed(JobStore.JobStore, tampered) }),
      async (second) => {
        const intact = whole.filter(({ data }) => Number(data["cycle"]) < 5)
        expect(await follow(second, id)).toEqual(intact)
        const after = await second.fetch(`/api/v1/jobs/${id}/events`, {
          headers: { "last-event-id": String(intact.length) }
        })
        expect([after.status, await jsonOf(after)]).toEqual([
          500,
          expect.objectContaining({ type: "urn:effect-converge:JournalCorrupt", cycle: 5, part: "hash" })
        ])
      }
    )
  })

  it("a journal is read page by page, as the viewer takes it", async () => {
    const scope = Scope.makeUnsafe()
    const folder = mkdtempSync(join(tmpdir(), "converge-events-"))
    try {
      const layer = JobStores.layerSqlite({ filename: join(folder, "jobs.db"), durability: "exit" })
      const kept = Context.get(await Effect.runPromise(Layer.buildWithScope(layer, scope)), JobStore.JobStore)
      const first = await serve({ programs: [count] }, { store: Layer.succeed(JobStore.JobStore, kept) })
      const id = await start(first, "count", { to: 900 }, "long")
      await until(async () => (await stateOf(first, id)) === "converged", 20_000)
      await first.stop()
      let read = 0
      const watched: JobStore.JobStore["Service"] = {
        ...kept,
        rows: (...asked) => Stream.mapArray(kept.rows(...asked), (rows) => ((read += rows.length), rows))
      }
      const journal = await Effect.runPromise(kept.load(id))
      const some = eventsAfter(watched, { journal }, 100).pipe(Stream.take(50), Stream.runCollect)
      expect((await Effect.runPromise(some)).map(({ event }) => event.seq)).toEqual(upTo(150, 101))
      expect(read).toBeGreaterThan(0)
      expect(read).toBeLessThan(600)
    } finally {
      await Effect.runPromise(Scope.close(scope, Exit.void))
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
