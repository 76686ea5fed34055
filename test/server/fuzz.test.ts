/**
 * Requests that no client would send: bodies, headers, paths, queries and ids of events, made from a seed.
 *
 * Whatever comes, the server answers, with a problem where it is no success; never with a 500, a stack or a path of this
 * machine; and it goes on serving. `FUZZ_REQUESTS` asks for more of them.
 */
import { request } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { count, signalled } from "../support/server/programs.ts"

const total = Number(process.env["FUZZ_REQUESTS"] ?? 500)
let running: Running
let job = ""

beforeAll(async () => {
  running = await serve({ programs: [count, signalled], maxBodyBytes: 4_096, maxSignalFacts: 5, heartbeatMs: 50 })
  const started = await running.post("/api/v1/jobs", { program: "signalled" }, { prefer: "respond-async" })
  job = String((await jsonOf(started))["jobId"])
})
afterAll(() => running.stop())

/** Numbers that are the same in every run (mulberry32). */
const randomFrom = (seed: number) => {
  let state = seed
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

interface Made {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
}

const make = (seed: number): Made => {
  const below = randomFrom(seed)
  const pick = <A>(items: ReadonlyArray<A>): A => items[below(items.length)]!
  const odd = (): string =>
    pick([
      () => "",
      () => "%",
      () => "%zz",
      () => "%00",
      () => "..%2f..%2fetc%2fpasswd",
      () => "%F0%9F%8E%89",
      () => "%ff%fe",
      () => "x".repeat(below(9_000)),
      () => "__proto__",
      () => "constructor",
      () => `${below(1e9)}`,
      () => `-${below(100)}`,
      () => "1e309",
      () => "null",
      () => "'\"<script>",
      () => ";drop",
      () => String.fromCharCode(33 + below(90))
    ])()
  const value = (depth = 0): unknown =>
    pick([
      () => null,
      () => below(2) === 0,
      () => below(1e6) - 5e5,
      () => below(1e6) / 7,
      () => odd(),
      () => "\u0000\ud800\uffff",
      () => (depth > 3 ? [] : Array.from({ length: below(4) }, () => value(depth + 1))),
      () => (depth > 3 ? {} : Object.fromEntries(Array.from({ length: below(4) }, () => [odd(), value(depth + 1)])))
    ])()
  const id = pick([job, job, job, "none", odd()])
  const path = pick([
    () => "/api/v1/jobs",
    () => "/api/v1/jobs",
    () => `/api/v1/jobs/${id}`,
    () => `/api/v1/jobs/${id}/${pick(["events", "facts", "cancelled", "pause", "resume", "signals", odd()])}`,
    () => `/api/v1/jobs/${id}/facts/${pick(["Step", "Note", odd()])}/${odd()}/explain`,
    () => pick(["/health", "/ready", "/metrics", "/openapi.json", "/api/v1/programs", "/", "/api", "//", "/inspector"]),
    () => `/${odd()}/${odd()}`
  ])()
  const query = pick([
    () => "",
    () => "",
    () => `?${pick(["limit", "cursor", "status", "program", "kind", "after", "facts", odd()])}=${odd()}`,
    () => `?limit=${odd()}&limit=${odd()}&cursor=${odd()}`,
    () => `?${odd()}`
  ])()
  const body = pick([
    () => undefined,
    () => undefined,
    () => undefined,
    () => JSON.stringify({ program: "count", input: { to: below(3) } }),
    () => JSON.stringify({ program: "count", input: value() }),
    () => JSON.stringify({ program: value(), input: value(), budget: value(), id: value(), more: value() }),
    () => JSON.stringify({ facts: [{ kind: pick(["Step", "Note", "Violation", odd()]), value: value() }] }),
    () => JSON.stringify({ facts: value() }),
    () => JSON.stringify(value()),
    () => '{"program":"count","__proto__":{"to":1},"input":{"to":1}}',
    () => `{"program":"count","input":${"[".repeat(below(2_000))}`,
    () => `${"[".repeat(below(600))}${"]".repeat(below(600))}`,
    () => "x".repeat(below(9_000)),
    () => Buffer.from(Array.from({ length: below(200) }, () => below(256)))
  ])()
  const headers = Object.fromEntries(
    Array.from({ length: below(5) }, (): [string, string] =>
      pick([
        (): [string, string] => [
          "content-type",
          pick(["application/json", "text/plain", "application/json; charset=x", ";", "*/*"])
        ],
        (): [string, string] => ["last-event-id", pick(["0", "1", "99999999999", "-1", "x", "1.5", ""])],
        (): [string, string] => ["idempotency-key", pick(["k", " ", "x".repeat(400), "é"])],
        (): [string, string] => ["prefer", pick(["respond-async", "respond-async, wait=1", "=", ",,,"])],
        (): [string, string] => ["accept", pick(["*/*", "application/x-ndjson", "text/html", ""])],
        (): [string, string] => ["authorization", pick(["Bearer", "Bearer x", "Basic =", "\t"])],
        (): [string, string] => [
          "traceparent",
          pick(["00-0-0-0", "x", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
        ],
        (): [string, string] => ["host", pick(["x", "[::", "a b", ""])],
        (): [string, string] => ["cookie", pick(["a=b; a=%zz", ";;;=", "x".repeat(500)])],
        (): [string, string] => ["expect", "100-continue"]
      ])()
    )
  )
  return {
    method:
      below(3) > 0
        ? body === undefined
          ? "GET"
          : "POST"
        : pick(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND"]),
    path: path + query,
    headers: below(3) > 0 && body !== undefined ? { "content-type": "application/json", ...headers } : headers,
    body
  }
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** Sends it as it is. A stream of events is read up to its first piece, which is a heartbeat if nothing happens. */
const send = ({ body, headers, method, path }: Made): Promise<Answer | undefined> =>
  new Promise((resolve) => {
    const sent = request(running.url, { method, path, headers }, (response) => {
      let text = ""
      const type = response.headers["content-type"] ?? ""
      const done = () => resolve({ status: response.statusCode ?? 0, type, text })
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
        if (type === "text/event-stream" || type === "application/x-ndjson") {
          done()
          sent.destroy()
        }
      })
      response.on("end", done)
      response.on("error", done)
    })
    // A request that Node itself takes for none is not ours to answer.
    sent.on("error", () => resolve(undefined))
    sent.end(body)
  })

describe("whatever is sent", () => {
  it(`is answered, in ${total} cases`, { timeout: 600_000 }, async () => {
    const statuses = new Map<number, number>()
    for (let seed = 1; seed <= total; seed += 20) {
      const made = Array.from({ length: 20 }, (_, n) => make(seed + n))
      // Node's client refuses some paths and headers: nobody could send those.
      const answers = await Promise.all(made.map((one) => send(one).catch(() => undefined)))
      for (const [n, answer] of answers.entries()) {
        if (answer === undefined) continue
        const { status, text, type } = answer
        const what = `seed ${seed + n}: ${JSON.stringify(made[n]).slice(0, 400)} -> ${status} ${text.slice(0, 400)}`
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        expect(status, what).toBeLessThan(500)
        expect(text, what).not.toContain(process.cwd())
        expect(text, what).not.toMatch(/\n\s+at .+:\d+:\d+/)
        // A refusal by Node itself is of no type of ours; without a Host, it has no body.
        if (status >= 400 && made[n]?.method !== "HEAD" && text !== "") {
          expect(type, what).toBe("application/problem+json")
          expect(JSON.parse(text), what).toMatchObject({
            status,
            type: expect.stringMatching(/^urn:effect-converge:\w+$|^about:blank$/)
          })
        }
      }
    }
    expect(statuses.get(404)).toBeGreaterThan(0)
    expect(statuses.get(400)).toBeGreaterThan(0)
    const after = await running.post("/api/v1/jobs", { program: "count", input: { to: 1 } })
    expect(after.status).toBe(200)
    expect((await running.fetch("/ready")).status).toBe(200)
  })
})
