/** The headers of a request: where it comes from, what it prefers, how its body is written; and where a job is. */
import { request } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { isForeign, refusalOfType, wantsLines, wantsNoWait } from "../../src/server/headers.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { count, waiting } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve({ programs: [count, waiting], cors: ["https://app.example", "https://other.example"] })
})
afterAll(() => running.stop())

const body = { program: "count", input: { to: 1 } }

/** Sends a request with just these headers, as a browser may. */
const send = (method: string, path: string, headers: Record<string, string>, on: Running = running, sent?: string) =>
  new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const asked = request(on.url, { method, path, headers }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
    })
    asked.on("error", reject).end(sent)
  })

describe("a page of another origin", () => {
  const own = () => running.url
  const refused: ReadonlyArray<[string, Record<string, string>]> = [
    ["names it", { origin: "https://evil.example" }],
    ["is in a sandbox", { origin: "null" }],
    ["is on another port of this machine", { origin: "http://localhost:1", "sec-fetch-site": "same-site" }],
    ["names none", { "sec-fetch-site": "cross-site" }]
  ]

  it.each(refused)("that %s can have nothing done: 403", async (_, headers) => {
    await running.post("/api/v1/jobs", { program: "waiting", id: "kept" }, { prefer: "respond-async" })
    for (const action of ["cancel", "pause", "resume", "signals"]) {
      const answer = await send("POST", `/api/v1/jobs/kept/${action}`, headers)
      expect(answer.status, action).toBe(403)
      expect(JSON.parse(answer.text)).toMatchObject({ type: "urn:effect-converge:ForeignOrigin", status: 403 })
    }
    const json = { ...headers, "content-type": "application/json" }
    expect((await send("POST", "/api/v1/jobs", json, running, JSON.stringify(body))).status).toBe(403)
    expect(await jsonOf(await running.fetch("/api/v1/jobs/kept"))).toMatchObject({ state: "running" })
    // The browser keeps a foreign page from reading the answer to a GET.
    expect((await send("GET", "/api/v1/programs", headers)).status).toBe(200)
  })

  it("is let in where it is allowed, as are this server's own pages and whoever is no page", async () => {
    for (const headers of [
      { origin: "https://app.example", "sec-fetch-site": "cross-site" },
      { origin: "https://other.example" },
      { origin: own(), "sec-fetch-site": "same-origin" },
      { origin: own() },
      { "sec-fetch-site": "none" },
      {}
    ]) {
      const json = { ...headers, "content-type": "application/json" }
      const answer = await send("POST", "/api/v1/jobs", json, running, JSON.stringify(body))
      expect(answer.status, JSON.stringify(headers)).toBe(200)
    }
  })

  it("is let in with a token, which no browser adds by itself", async () => {
    const closed = await serve({ programs: [count], tokens: ["secret"] })
    try {
      const headers = { origin: "https://evil.example", "content-type": "application/json" }
      const sent = JSON.stringify(body)
      expect((await send("POST", "/api/v1/jobs", headers, closed, sent)).status).toBe(401)
      const authorized = { ...headers, authorization: "Bearer secret" }
      expect((await send("POST", "/api/v1/jobs", authorized, closed, sent)).status).toBe(200)
    } finally {
      await closed.stop()
    }
  })
})

describe("Prefer", () => {
  it.each([
    ["respond-async", 202],
    ["wait=10, Respond-Async", 202],
    ["respond-async; foo=bar", 202],
    ['x="a, b" , respond-async ;y', 202],
    ['x="respond-async, respond-async"', 200],
    ["respond-asynchronously", 200],
    ["x; respond-async", 200]
  ])("%s: %i", async (prefer, status) => {
    expect((await running.post("/api/v1/jobs", body, { prefer })).status).toBe(status)
  })
})

describe("Accept", () => {
  it.each([
    ["application/x-ndjson", "application/x-ndjson"],
    ["text/html, Application/X-NDJSON;q=0.5", "application/x-ndjson"],
    ["text/event-stream;q=0.5, application/x-ndjson", "application/x-ndjson"],
    ["text/event-stream, application/x-ndjson;q=0.5", "text/event-stream"],
    ["application/x-ndjson;q=0", "text/event-stream"],
    ["application/x-ndjson; q = 0.0", "text/event-stream"],
    ["application/x-ndjson-other", "text/event-stream"],
    ["*/*", "text/event-stream"]
  ])("%s: events as %s", async (accept, type) => {
    const response = await running.post("/api/v1/jobs", { ...body, id: "seen" })
    expect(response.status).toBe(200)
    const events = await running.fetch("/api/v1/jobs/seen/events", { headers: { accept } })
    expect(events.headers.get("content-type")).toBe(type)
    await events.body?.cancel()
  })
})

describe("a header that is long", () => {
  /** The longest that Node takes, with all that others are told, is 16 KiB. */
  const long = (unit: string, before = "", after = "") => before + unit.repeat(15_000 / unit.length) + after
  const headers = [
    long('\\"', '"'),
    long('"'),
    long('"\\'),
    long(","),
    long(";"),
    long(", ;"),
    long("q="),
    long(" ", "a;q", "=1"),
    long("\t", "charset", '="utf-8"'),
    long("a", '"'),
    long(":1"),
    long("-"),
    long("https://"),
    long("%2e")
  ]
  const readers: ReadonlyArray<[string, (text: string) => unknown]> = [
    ["Prefer", wantsNoWait],
    ["Accept", wantsLines],
    ["Content-Type", refusalOfType],
    ["Origin", (origin) => isForeign({ origin, host: origin }, [])]
  ]

  /** The shortest of many times: the machine adds to a time, and takes nothing away. */
  const best = (run: () => unknown): number =>
    Math.min(
      ...Array.from({ length: 20 }, () => {
        const begin = performance.now()
        run()
        return performance.now() - begin
      })
    )

  /** Looks at each character once. */
  const look = (text: string): number => {
    let sum = 0
    for (let at = 0; at < text.length; at++) sum += text.charCodeAt(at)
    return sum
  }

  /** How often all characters of a header could be looked at in the time in which it is read. */
  const costOf = (read: (text: string) => unknown, header: string): number =>
    best(() => read(header)) / best(() => look(header))

  it.each(readers)("costs next to nothing: %s", (_, read) => {
    for (const header of headers) expect(costOf(read, header), header.slice(0, 20)).toBeLessThan(30)
  })

  it("would cost more if it were read again from each of its characters", () => {
    expect(costOf((text) => /\s+$/.test(text), `${" ".repeat(1_000)}x`)).toBeGreaterThan(30)
  })

  it("is read as far as a list reaches that a client would send", async () => {
    const far = `${"x, ".repeat(500)}respond-async`
    expect((await running.post("/api/v1/jobs", body, { prefer: far })).status).toBe(202)
    const unclosed = `x="${'\\"'.repeat(500)}, respond-async`
    expect((await running.post("/api/v1/jobs", body, { prefer: unclosed })).status).toBe(200)
  })
})

describe("Content-Type", () => {
  it.each([
    ["application/json; charset=utf-8", 200],
    ['Application/JSON;CharSet="UTF-8"', 200],
    ["application/json; profile=x", 200],
    ['application/json; profile="a;charset=latin1"; charset = utf-8', 200],
    ['application/json; profile="a\\";charset=latin1"', 200],
    ["application/json; charsets=latin1", 200],
    ['application/json; profile="a"; charset=latin1', 415],
    [`application/json; profile=${"x".repeat(5_000)}`, 415],
    ["application/json; charset=iso-8859-1", 415],
    ["application/json; charset=utf-16", 415],
    ["application/json-seq", 415]
  ])("%s: %i", async (type, status) => {
    expect((await running.post("/api/v1/jobs", body, { "content-type": type })).status).toBe(status)
  })

  it("what is not UTF-8 is not read as something else: 400", async () => {
    const response = await fetch(`${running.url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: Buffer.from('{"program":"count","input":{"to":1},"id":"caf\xe9"}', "latin1")
    })
    expect(response.status).toBe(400)
    expect(await jsonOf(response)).toMatchObject({ detail: "the body is not UTF-8" })
  })
})

describe("Location", () => {
  it("of a job is where it is", async () => {
    const response = await running.post("/api/v1/jobs", body, { prefer: "respond-async" })
    const location = String(response.headers.get("location"))
    expect(location).toMatch(/^jobs\/[^/]+$/)
    await until(async () => (await fetch(new URL(location, response.url))).status === 200)
  })

  it.each([".", ".."])("there is none for the id %s: 400", async (id) => {
    expect((await running.post("/api/v1/jobs", { ...body, id })).status).toBe(400)
    expect((await running.post("/api/v1/jobs", { ...body, id: `${id}.x` })).status).toBe(200)
  })
})
