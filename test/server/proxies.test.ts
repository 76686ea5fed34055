/** A server behind a proxy: its prefix, where it says that things are, its connections, compression, and what it refuses. */
import { request } from "node:http"
import { connect } from "node:net"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { readSettings } from "../../src/server/settings.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { count, waiting } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve({ programs: [count, waiting] })
})
afterAll(() => running.stop())

interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | ReadonlyArray<string>>
  readonly bytes: Buffer
}

/** Asks without undoing a coding. */
const ask = (path: string, headers: Record<string, string> = {}, method = "GET", body?: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(running.url, { path, headers, method }, (response) => {
      const pieces: Array<Buffer> = []
      response.on("data", (piece: Buffer) => pieces.push(piece))
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(pieces) })
      )
    })
    sent.on("error", reject).end(body)
  })

const body = { program: "count", input: { to: 1 } }

describe("a prefix", () => {
  it("stands before every route, and in what is said of where they are", async () => {
    const under = await serve({ programs: [count], prefix: "/base/jobs/" })
    try {
      const { origin, pathname } = new URL(under.url)
      expect(pathname).toBe("/base/jobs")
      for (const path of [
        "/health",
        "/ready",
        "/metrics",
        "/docs",
        "/inspector",
        "/openapi.json",
        "/api/v1/programs"
      ]) {
        expect((await fetch(`${under.url}${path}`)).status, path).toBe(200)
        expect((await fetch(`${origin}${path}`)).status, path).toBe(404)
        expect((await fetch(`${origin}/BASE/jobs${path}`)).status, path).toBe(404)
      }
      const started = await under.post("/api/v1/jobs", body, { prefer: "respond-async" })
      const place = new URL(String(started.headers.get("location")), started.url)
      expect(place.pathname).toMatch(/^\/base\/jobs\/api\/v1\/jobs\/[\w-]+$/)
      expect((await fetch(place)).status).toBe(200)
      const document = await jsonOf(await under.fetch("/openapi.json"))
      expect(document).toMatchObject({ servers: [{ url: "/base/jobs" }] })
      expect((await under.fetch("/metrics", { method: "POST" })).status).toBe(405)
      const lost = await jsonOf(await under.fetch("/none"))
      expect(lost).toMatchObject({ type: "urn:effect-converge:UnknownRoute", instance: "/base/jobs/none" })
    } finally {
      await under.stop()
    }
  })

  it.each(["base", "/", "//", "/a//b", "/../a", "/a/.", "/:id", "/a b", "/a?b", "/*", ""])(
    "is refused: %j",
    (prefix) => {
      expect(readSettings({ prefix }, {}).complaints).toEqual([expect.stringMatching(/^--prefix takes a path such as/)])
      expect(readSettings({}, { CONVERGE_PREFIX: "/a/b-c/" }).values).toEqual({ prefix: "/a/b-c" })
    }
  )
})

describe("the place of a job", () => {
  it("is right behind a proxy that takes a prefix away", async () => {
    const started = await running.post("/api/v1/jobs", body, { prefer: "respond-async" })
    const location = String(started.headers.get("location"))
    const { pathname } = new URL(location, "https://proxy.example/conv/api/v1/jobs")
    expect(pathname).toMatch(/^\/conv\/api\/v1\/jobs\/[\w-]+$/)
  })
})

describe("a connection", () => {
  it("is kept for longer than proxies keep theirs, or as long as is asked", async () => {
    const short = await serve({ programs: [count], keepAliveMs: 2_000 })
    try {
      expect((await ask("/health")).headers["keep-alive"]).toBe("timeout=65")
      expect((await fetch(`${short.url}/health`)).headers.get("keep-alive")).toBe("timeout=2")
    } finally {
      await short.stop()
    }
  })
})

describe("an answer", () => {
  it.each([
    ["br", brotliDecompressSync],
    ["gzip", gunzipSync],
    ["gzip;q=0.5, br;q=0", gunzipSync],
    ["deflate, gzip, br", brotliDecompressSync]
  ] as const)("that is large is compressed: %s", async (accept, undo) => {
    const plain = await ask("/openapi.json")
    const { bytes, headers } = await ask("/openapi.json", { "accept-encoding": accept })
    expect(undo(bytes).equals(plain.bytes)).toBe(true)
    expect(bytes.length).toBeLessThan(plain.bytes.length / 2)
    expect(headers).toMatchObject({ vary: "accept-encoding", "content-length": String(bytes.length) })
    expect(headers["content-encoding"]).toBe(undo === gunzipSync ? "gzip" : "br")
  })

  it("that is small, or to a client that takes no coding, is not", async () => {
    for (const [path, accept] of [
      ["/health", "br"],
      ["/api/v1/jobs/none", "gzip"],
      ["/openapi.json", "identity"],
      ["/openapi.json", "gzip;q=0"],
      ["/openapi.json", "deflate"]
    ] as const) {
      const { headers } = await ask(path, { "accept-encoding": accept })
      expect(headers["content-encoding"], `${path} ${accept}`).toBeUndefined()
    }
  })

  it("that is a problem is compressed as a result is", async () => {
    const long = `/api/v1/jobs/${"x".repeat(3_000)}`
    const { bytes, headers, status } = await ask(long, { "accept-encoding": "gzip" })
    expect([status, headers["content-encoding"]]).toEqual([404, "gzip"])
    expect(JSON.parse(gunzipSync(bytes).toString())).toMatchObject({ status: 404, instance: long })
  })

  it("that is a stream of events comes as it is written", async () => {
    await running.post("/api/v1/jobs", { program: "waiting", id: "watched" }, { prefer: "respond-async" })
    const piece = await new Promise<string>((resolve, reject) => {
      const headers = { "accept-encoding": "gzip, br" }
      const sent = request(running.url, { path: "/api/v1/jobs/watched/events", headers }, (response) => {
        let text = String(response.headers["content-encoding"])
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk
          if (text.includes("JobStarted")) {
            response.destroy()
            resolve(text)
          }
        })
      })
      sent.on("error", reject).end()
    })
    expect(piece).toMatch(/^undefined: the events follow/)
  })
})

describe("a page that does not change", () => {
  it.each(["/docs", "/inspector", "/openapi.json"])("is sent once: %s", async (path) => {
    const first = await ask(path)
    const etag = String(first.headers["etag"])
    expect([etag, first.headers["cache-control"]]).toEqual([expect.stringMatching(/^W\/"[\da-f]+"$/), "no-cache"])
    for (const known of [etag, etag.slice(2), `"x", ${etag}`, "*"]) {
      const { bytes, headers, status } = await ask(path, { "if-none-match": known, "accept-encoding": "br" })
      expect([status, bytes.length, headers["etag"]], known).toEqual([304, 0, etag])
    }
    expect((await ask(path, { "if-none-match": '"x"' })).status).toBe(200)
  })
})

/** Sends a text as it stands, and gives the first line and the rest of the answer. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(running.url)
    let answer = ""
    const socket = connect(Number(port), hostname, () => socket.write(text))
    socket.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk))
    socket.on("error", reject).on("close", () => resolve(answer))
  })

describe("a request", () => {
  it("with two hosts is refused: 400", async () => {
    for (const path of ["/metrics", "/health", "/api/v1/jobs", "/inspector", "/none"]) {
      const answer = await raw(
        `GET ${path} HTTP/1.1\r\nHost: localhost\r\nhOST: localhost\r\nConnection: close\r\n\r\n`
      )
      expect(answer, path).toMatch(/^HTTP\/1\.1 400 [^]*"urn:effect-converge:InvalidRequest"/)
    }
    const one = await raw("GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    expect(one).toMatch(/^HTTP\/1\.1 200 /)
  })

  it("with a body in a coding is refused: 415", async () => {
    for (const coding of ["gzip", "br", "identity, gzip"]) {
      const headers = { "content-type": "application/json", "content-encoding": coding }
      const { bytes, status } = await ask("/api/v1/jobs", headers, "POST", JSON.stringify(body))
      expect([status, JSON.parse(bytes.toString())]).toEqual([
        415,
        expect.objectContaining({ type: "urn:effect-converge:UnsupportedMediaType" }) as unknown
      ])
    }
    const headers = { "content-type": "application/json", "content-encoding": "identity" }
    expect((await ask("/api/v1/jobs", headers, "POST", JSON.stringify(body))).status).toBe(200)
  })
})

describe("a proxy in front of a server without tokens", () => {
  it.each(["x-forwarded-for", "forwarded", "x-forwarded-host", "x-forwarded-proto"])(
    "is warned of once: %s",
    async (name) => {
      const said: Array<string> = []
      const spy = vi.spyOn(console, "log").mockImplementation((...parts) => void said.push(parts.join(" ")))
      const own = await serve({ programs: [count] })
      const closed = await serve({ programs: [count], tokens: ["secret"] })
      try {
        for (const server of [own, closed]) {
          for (let time = 0; time < 3; time++)
            await server.fetch("/api/v1/jobs", { headers: { [name]: "for=10.0.0.1" } })
        }
        await until(() => Promise.resolve(said.length > 0))
        expect(said.filter((line) => line.includes("a proxy passes requests on"))).toHaveLength(1)
      } finally {
        await own.stop()
        await closed.stop()
        spy.mockRestore()
      }
    }
  )
})
