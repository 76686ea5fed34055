/** The answer when something is wrong: the status, and a problem with the typed error's fields. */
import { get } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { WorkerPool } from "../../src/index.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { crashes, grows, inline, takesJson } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve(
    { programs: [...inline, crashes, grows, takesJson], maxBodyBytes: 20_000, maxSignalFacts: 3 },
    { pool: WorkerPool.layer({ size: 1, heapLimitMb: 64 }) }
  )
})
afterAll(() => running.stop())

/** The problem of a response, with what all problems have in order. */
const problemOf = async (response: Response): Promise<Record<string, unknown>> => {
  expect(response.headers.get("content-type")).toBe("application/problem+json")
  const problem = await jsonOf(response)
  expect(problem).toMatchObject({
    status: response.status,
    type: expect.stringMatching(/^urn:effect-converge:[A-Z]\w+$/),
    title: expect.stringMatching(/./),
    detail: expect.stringMatching(/./),
    instance: expect.stringMatching(/^\//)
  })
  const text = JSON.stringify(problem)
  expect(text).not.toMatch(/\bat .+:\d+:\d+/)
  expect(text).not.toContain(process.cwd())
  return problem
}

describe("a job that ends otherwise", () => {
  it.each([
    ["exhausts", 413, "BudgetExhausted", { budget: "cycles", used: 3, limit: 3 }],
    ["conflicts", 409, "MergeConflict", { kind: "Note", id: "same", agents: ["one", "two"] }],
    ["violates", 422, "InvariantViolated", { name: "few", class: "structural", reason: "too many" }],
    ["fails", 500, "AgentFailed", { agent: "fail", error: { _tag: "Quota", left: 0 } }],
    ["panics", 500, "AgentPanicked", { agent: "panic", detail: "a bug" }],
    ["late", 504, "AgentTimedOut", { agent: "late", timeoutMs: 20 }],
    ["misfits", 500, "InvalidEffect", { agent: "misfit" }],
    ["output-panics", 500, "ProgramPanicked", { phase: "output" }],
    ["crashes", 500, "WorkerCrashed", { agent: "crashes", exitCode: 7 }],
    ["grows", 500, "AgentOutOfMemory", { agent: "grows", limitMb: 64 }]
  ])("%s: %i %s with its fields and the partial result", async (program, status, name, fields) => {
    const response = await running.post("/api/v1/jobs", { program })
    expect(response.status).toBe(status)
    const problem = await problemOf(response)
    expect(problem).toMatchObject({
      type: `urn:effect-converge:${name}`,
      instance: "/api/v1/jobs",
      ...fields,
      partial: { program, output: null, error: { _tag: name } }
    })
    expect((problem["partial"] as { jobId: string }).jobId).toBe(problem["jobId"])
  })

  it("is cancelled by somebody else: 499 JobCancelled", async () => {
    const waiting = running.post("/api/v1/jobs", { program: "waiting", id: "cancelled-by-another" })
    for (;;) {
      if ((await running.fetch("/api/v1/jobs/cancelled-by-another")).status === 200) break
    }
    expect((await running.post("/api/v1/jobs/cancelled-by-another/cancel")).status).toBe(200)
    const response = await waiting
    expect(response.status).toBe(499)
    expect(await problemOf(response)).toMatchObject({
      type: "urn:effect-converge:JobCancelled",
      partial: { status: "cancelled" }
    })
  })
})

describe("a request that is not understood", () => {
  const post = (body: string, headers: Record<string, string> = {}, path = "/api/v1/jobs") =>
    running.post(path, body, headers)

  it.each([
    ["no JSON", "{", "the body is not JSON"],
    ["nothing", "", "the body is not JSON"],
    ["another shape", '{"program":1}', "body.program: "],
    ["a property that nobody knows", '{"program":"count","inputs":{}}', "body.inputs: "],
    ["an id with a slash", '{"program":"count","id":"a/b"}', "body.id: "],
    [
      "a budget that is none",
      '{"program":"count","input":{"to":1},"budget":{"maxCycles":-1}}',
      "body.budget.maxCycles: "
    ],
    ["deeper than any value", "[".repeat(9_000), "the body nests deeper than"]
  ])("a body of %s: 400 InvalidRequest", async (_, body, detail) => {
    const response = await post(body)
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({
      type: "urn:effect-converge:InvalidRequest",
      detail: expect.stringContaining(detail)
    })
  })

  it.each([
    ["an input that does not fit", { program: "count", input: { to: "x" } }, '["to"]'],
    ["an input with a property too many", { program: "count", input: { to: 1, from: 0 } }, "from"],
    ["a time that is none", { program: "count", input: { to: 1 }, budget: { maxDuration: "soon" } }, "maxDuration"]
  ])("%s: 400 InvalidInput", async (_, body, detail) => {
    const response = await running.post("/api/v1/jobs", body)
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({
      type: "urn:effect-converge:InvalidInput",
      program: "count",
      detail: expect.stringContaining(detail)
    })
  })

  it.each([
    ["/api/v1/jobs?limit=0", "query.limit: "],
    ["/api/v1/jobs?limit=x", "query.limit: "],
    ["/api/v1/jobs?status=asleep", "query.status: "],
    ["/api/v1/jobs?cursor=x", "query.cursor: "]
  ])("GET %s: 400", async (path, detail) => {
    const response = await running.fetch(path)
    expect(response.status).toBe(400)
    expect(await problemOf(response)).toMatchObject({
      detail: expect.stringContaining(detail),
      instance: "/api/v1/jobs"
    })
  })

  it("an idempotency key that is none: 400", async () => {
    const body = { program: "count", input: { to: 1 } }
    for (const key of [" ", "x".repeat(300)]) {
      const response = await running.post("/api/v1/jobs", body, { "idempotency-key": key })
      expect(response.status, key).toBe(400)
    }
  })

  it.each([undefined, "text/plain", "application/xml"])("content type %s: 415", async (type) => {
    const response = await fetch(`${running.url}/api/v1/jobs`, {
      method: "POST",
      body: new Blob(["{}"]),
      ...(type === undefined ? {} : { headers: { "content-type": type } })
    })
    expect(response.status).toBe(415)
    expect(await problemOf(response)).toMatchObject({ type: "urn:effect-converge:UnsupportedMediaType" })
  })

  it("a body that is too large, announced or not: 413", async () => {
    const large = JSON.stringify({ program: "count", input: { to: "x".repeat(30_000) } })
    const announced = await post(large)
    expect(announced.status).toBe(413)
    expect(await problemOf(announced)).toMatchObject({ type: "urn:effect-converge:BodyTooLarge", limit: 20_000 })
    const streamed = await fetch(`${running.url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: new Blob([large]).stream(),
      duplex: "half"
    })
    expect(streamed.status).toBe(413)
    expect(await problemOf(streamed)).toMatchObject({ type: "urn:effect-converge:BodyTooLarge", limit: 20_000 })
  })

  it("an input that is nested too deeply: 400; as deeply as values may be, it is taken", async () => {
    const nested = (levels: number) =>
      post(`{"program":"takes-json","input":${"[".repeat(levels)}${"]".repeat(levels)}}`)
    for (const levels of [1, 255, 256]) expect((await nested(levels)).status, String(levels)).toBe(200)
    for (const levels of [257, 258, 262, 263, 264, 300]) {
      expect(await problemOf(await nested(levels)), String(levels)).toMatchObject({ status: 400 })
    }
  })

  it("a program, a job, a route that is not there: 404", async () => {
    expect(await problemOf(await running.post("/api/v1/jobs", { program: "none" }))).toMatchObject({
      status: 404,
      type: "urn:effect-converge:UnknownProgram",
      program: "none"
    })
    for (const path of ["", "/events", "/facts", "/facts/Step/0/explain"]) {
      expect(await problemOf(await running.fetch(`/api/v1/jobs/none${path}`))).toMatchObject({
        status: 404,
        type: "urn:effect-converge:UnknownJob",
        jobId: "none"
      })
    }
    for (const path of ["/", "/api", "/api/v1/none", "/api/v1/jobs/a/b/c/d/e/f", "/api/v1/jobs/%zz", "/%00", "//"]) {
      expect(await problemOf(await running.fetch(path)), path).toMatchObject({ status: 404 })
    }
  })

  it("a method that the route does not have: 405 with those it has", async () => {
    for (const [method, path, allow] of [
      ["DELETE", "/api/v1/jobs", "POST, GET, HEAD"],
      ["PUT", "/api/v1/jobs/a", "GET, HEAD, DELETE"],
      ["GET", "/api/v1/jobs/a/cancel", "POST"],
      ["POST", "/health", "GET, HEAD"],
      ["PATCH", "/docs", "GET, HEAD"],
      ["OPTIONS", "/api/v1/programs", "GET, HEAD"]
    ] as const) {
      const response = await running.fetch(path, { method })
      expect(response.status, path).toBe(405)
      expect(response.headers.get("allow"), path).toBe(allow)
      expect(await problemOf(response)).toMatchObject({ type: "urn:effect-converge:MethodNotAllowed" })
    }
    expect((await running.fetch("/health", { method: "HEAD" })).status).toBe(200)
  })

  it("a signal that does not fit: 400; with too many facts: 413", async () => {
    const { jobId } = await jsonOf(
      await running.post("/api/v1/jobs", { program: "signalled" }, { prefer: "respond-async" })
    )
    const signal = (facts: unknown) => running.post(`/api/v1/jobs/${String(jobId)}/signals`, { facts })
    for (const facts of [
      [{ kind: "None", value: 1 }],
      [{ kind: "Note", value: { at: "yesterday", text: "x" } }],
      [{ kind: "Violation", value: { invariant: "x", reason: "y", repaired: false } }]
    ]) {
      expect(await problemOf(await signal(facts))).toMatchObject({
        status: 400,
        type: "urn:effect-converge:InvalidInput"
      })
    }
    expect(await problemOf(await signal([{ kind: "Step" }]))).toMatchObject({
      type: "urn:effect-converge:InvalidRequest"
    })
    // A kind that the program does not take from outside: 422.
    expect(await problemOf(await signal([{ kind: "Step", value: { n: 1 } }]))).toMatchObject({
      status: 422,
      type: "urn:effect-converge:SignalRefused",
      program: "signalled",
      kind: "Step",
      reason: "kind",
      detail: expect.stringContaining('takes no signal of the kind "Step"')
    })
    const decision = { approval: "nobody asked", approved: true, by: "x", reason: "" }
    expect(await problemOf(await signal([{ kind: "Decision", value: decision }]))).toMatchObject({
      status: 422,
      type: "urn:effect-converge:SignalRefused",
      kind: "Decision",
      reason: "approval"
    })
    const many = Array.from({ length: 4 }, (_, n) => ({ kind: "Step", value: { n: n + 1_000 } }))
    expect(await problemOf(await signal(many))).toMatchObject({ status: 413, limit: 3 })
    await running.post(`/api/v1/jobs/${String(jobId)}/cancel`)
  })
})

describe("admission", () => {
  it("a full queue: 429 with Retry-After", async () => {
    const small = await serve({ programs: inline }, { engine: { maxRunningJobs: 1, maxQueuedJobs: 1 } })
    try {
      for (const state of ["running", "queued"]) {
        const { jobId } = await jsonOf(
          await small.post("/api/v1/jobs", { program: "waiting" }, { prefer: "respond-async" })
        )
        expect(await jsonOf(await small.fetch(`/api/v1/jobs/${String(jobId)}`))).toMatchObject({ state })
      }
      const refused = await small.post("/api/v1/jobs", { program: "waiting" }, { prefer: "respond-async" })
      expect(refused.status).toBe(429)
      expect(refused.headers.get("retry-after")).toBe("1")
      expect(await problemOf(refused)).toMatchObject({ type: "urn:effect-converge:QueueFull", reason: "queue-full" })
    } finally {
      await small.stop()
    }
  })

  it("large contexts: 503 with Retry-After, and ready all the same", async () => {
    const full = await serve({ programs: inline }, { engine: { maxLiveContextBytes: 1 } })
    try {
      expect((await full.post("/api/v1/jobs", { program: "waiting" }, { prefer: "respond-async" })).status).toBe(202)
      const refused = await full.post("/api/v1/jobs", { program: "waiting" }, { prefer: "respond-async" })
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"])
      const problem = { type: "urn:effect-converge:Unavailable", reason: "memory-pressure" }
      expect(await problemOf(refused)).toMatchObject(problem)
      expect((await full.fetch("/ready")).status).toBe(200)
    } finally {
      await full.stop()
    }
  })

  it("a server that drains: 503 with Retry-After, not ready, and its waiting clients answered", async () => {
    const draining = await serve({ programs: inline, drainMs: 150 })
    const waiting = draining.post("/api/v1/jobs", { program: "waiting" })
    for (;;) {
      const { jobs } = (await jsonOf(await draining.fetch("/api/v1/jobs"))) as { jobs: ReadonlyArray<unknown> }
      if (jobs.length === 1) break
    }
    const stopped = draining.stop()
    const ready = await draining.fetch("/ready")
    expect(ready.status).toBe(503)
    expect(await jsonOf(ready)).toMatchObject({ status: "not-ready", services: { server: "draining", store: "ok" } })
    const refused = await draining.post("/api/v1/jobs", { program: "count", input: { to: 1 } })
    expect(refused.status).toBe(503)
    expect(refused.headers.get("retry-after")).toBe("1")
    expect(await problemOf(refused)).toMatchObject({
      type: "urn:effect-converge:Unavailable",
      reason: "shutting-down"
    })
    expect((await draining.fetch("/health")).status).toBe(200)
    const answered = await waiting
    expect(answered.status).toBe(499)
    expect(await problemOf(answered)).toMatchObject({ partial: { status: "cancelled", facts: { Step: 3 } } })
    await stopped
  })
})

describe("a name that points here and is not this machine's", () => {
  const ask = (url: string, host: string) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      get(`${url}/api/v1/programs`, { headers: { host } }, (response) => {
        let text = ""
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk))
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
      }).on("error", reject)
    })

  it("is refused by a server without tokens: 421", async () => {
    const { status, text } = await ask(running.url, "evil.example:8080")
    expect([status, JSON.parse(text)]).toMatchObject([421, { type: "urn:effect-converge:Misdirected" }])
    for (const host of ["localhost", "LOCALHOST:80", "127.0.0.1:8080", "[::1]:8080"]) {
      expect((await ask(running.url, host)).status, host).toBe(200)
    }
  })

  it("is served by one that was told to", async () => {
    const open = await serve({ programs: inline, insecure: true })
    expect((await ask(open.url, "proxied.example")).status).toBe(200)
    await open.stop()
  })
})

describe("tokens", () => {
  it("without one of them: 401, but for health and documentation", async () => {
    const locked = await serve({ programs: inline, tokens: ["first", "second"] })
    try {
      for (const path of ["/api/v1/jobs", "/api/v1/programs", "/metrics"]) {
        for (const authorization of [undefined, "Bearer", "Bearer wrong", "Basic first", "Bearer first "]) {
          const response = await fetch(
            locked.url + path,
            authorization === undefined ? {} : { headers: { authorization } }
          )
          const isKnown = authorization?.trim() === "Bearer first"
          expect(response.status, `${path} ${String(authorization)}`).toBe(isKnown ? 200 : 401)
          if (isKnown) continue
          expect(response.headers.get("www-authenticate")).toBe("Bearer")
          expect(await problemOf(response)).toMatchObject({ type: "urn:effect-converge:Unauthorized" })
        }
        for (const token of ["first", "second"]) {
          const response = await fetch(locked.url + path, { headers: { authorization: `Bearer ${token}` } })
          expect(response.status).toBe(200)
        }
      }
      for (const path of ["/health", "/ready", "/docs", "/openapi.json", "/inspector"]) {
        expect((await fetch(locked.url + path)).status).toBe(200)
      }
      const body = await fetch(`${locked.url}/api/v1/jobs`, { method: "POST", body: "{" })
      expect(body.status).toBe(401)
      expect((await locked.ask((client) => client.programs.list()))._tag).toBe("Success")
    } finally {
      await locked.stop()
    }
  })
})
