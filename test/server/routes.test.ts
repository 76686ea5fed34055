/** Every route, through a real socket: raw, and with the typed client. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { readFileSync } from "node:fs"
import { get } from "node:http"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Program } from "../../src/index.ts"
import { projectRoot } from "../support/node.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { count, inline } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve({ programs: inline })
})
afterAll(() => running.stop())

const valueOf = <A, E>(exit: Exit.Exit<A, E>): A => {
  if (Exit.isFailure(exit)) throw new Error(JSON.stringify(exit.cause))
  return exit.value
}

const start = async (program: string, input: unknown = {}): Promise<string> => {
  const response = await running.post("/api/v1/jobs", { program, input }, { prefer: "respond-async" })
  expect(response.status).toBe(202)
  return String((await jsonOf(response))["jobId"])
}

describe("a job", () => {
  it("is started and waited for: 200 with its result", async () => {
    const response = await running.post("/api/v1/jobs", { program: "count", input: { to: 3 } })
    expect(response.status).toBe(200)
    expect(response.headers.get("content-type")).toBe("application/json")
    expect(await jsonOf(response)).toMatchObject({
      program: "count",
      status: "converged",
      output: 4,
      facts: { Note: 1, Step: 4 },
      error: null
    })
  })

  it("is started and not waited for: 202 with its id and place", async () => {
    const response = await running.post(
      "/api/v1/jobs",
      { program: "count", input: { to: 3 } },
      { prefer: "respond-async" }
    )
    expect(response.status).toBe(202)
    const { jobId } = await jsonOf(response)
    expect(response.headers.get("location")).toBe(`jobs/${String(jobId)}`)
    await until(async () => (await jsonOf(await running.fetch(`/api/v1/jobs/${String(jobId)}`)))["result"] !== null)
    const job = await jsonOf(await running.fetch(`/api/v1/jobs/${String(jobId)}?facts=all`))
    expect(job).toMatchObject({ jobId, state: "converged", result: { output: 4, status: "converged" } })
    expect((job["result"] as { facts: ReadonlyArray<unknown> }).facts).toHaveLength(5)
  })

  it("is paused, given facts, resumed and cancelled", async () => {
    const id = await start("signalled")
    const paused = await running.post(`/api/v1/jobs/${id}/pause`)
    expect(await jsonOf(paused)).toMatchObject({ jobId: id, state: "paused" })
    expect(await jsonOf(await running.post(`/api/v1/jobs/${id}/resume`))).toMatchObject({ state: "running" })
    const facts = [{ kind: "Note", value: { at: "2026-01-02T03:04:05.000Z", text: "from outside" } }]
    expect((await running.post(`/api/v1/jobs/${id}/signals`, { facts })).status).toBe(200)
    const page = await jsonOf(await running.fetch(`/api/v1/jobs/${id}/facts?kind=Note`))
    expect(page["facts"]).toMatchObject([{ ...facts[0], id: "from outside", provenance: { origin: "signal" } }])
    const cancelled = await running.post(`/api/v1/jobs/${id}/cancel`)
    expect(cancelled.status).toBe(200)
    expect(await jsonOf(cancelled)).toMatchObject({ state: "cancelled", result: { error: { _tag: "JobCancelled" } } })
    for (const verb of ["pause", "resume"]) {
      const refused = await running.post(`/api/v1/jobs/${id}/${verb}`)
      expect(refused.status).toBe(409)
      expect(await jsonOf(refused)).toMatchObject({ type: "urn:effect-converge:JobHalted", jobStatus: "cancelled" })
    }
  })

  it("has facts in pages, and explains each", async () => {
    const id = await start("count", { to: 9 })
    await until(async () => (await jsonOf(await running.fetch(`/api/v1/jobs/${id}`)))["state"] === "converged")
    const ids: Array<string> = []
    let cursor = ""
    do {
      const page = await jsonOf(await running.fetch(`/api/v1/jobs/${id}/facts?kind=Step&limit=4${cursor}`))
      ids.push(...(page["facts"] as Array<{ id: string }>).map((fact) => fact.id))
      cursor = page["cursor"] === null ? "" : `&cursor=${page["cursor"] as string}`
    } while (cursor !== "")
    expect(ids).toEqual(["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"])
    const all = await jsonOf(await running.fetch(`/api/v1/jobs/${id}/facts`))
    expect(all["facts"]).toHaveLength(11)
    const note = encodeURIComponent("to/9")
    const where = await jsonOf(await running.fetch(`/api/v1/jobs/${id}/facts/Note/${note}/explain`))
    expect(where).toMatchObject({ nodes: [{ id: "to/9", provenance: { origin: "seed" }, causes: [] }] })
    const step = await jsonOf(await running.fetch(`/api/v1/jobs/${id}/facts/Step/2/explain`))
    expect(step).toMatchObject({ nodes: [{ id: "2", trace: { from: 1 }, causes: [1] }, { id: "1" }, { id: "0" }] })
    const gone = await running.fetch(`/api/v1/jobs/${id}/facts/Step/77/explain`)
    expect(gone.status).toBe(404)
    expect(await jsonOf(gone)).toMatchObject({ type: "urn:effect-converge:UnknownFact", kind: "Step", id: "77" })
  })

  it("is in the list, newest first, by state and program, page by page", async () => {
    const ids = [await start("waiting"), await start("waiting"), await start("waiting")]
    const list = async (query: string) =>
      (await jsonOf(await running.fetch(`/api/v1/jobs?${query}`))) as {
        jobs: Array<{ jobId: string; program: string; state: string; createdAt: number }>
        cursor: string | null
      }
    await until(async () => (await list("program=waiting&status=running")).jobs.length === 3)
    const { jobs } = await list("program=waiting&status=unfinished")
    expect(jobs.map(({ jobId }) => jobId).toSorted()).toEqual(ids.toSorted())
    expect(jobs.map(({ createdAt }) => createdAt)).toEqual(jobs.map(({ createdAt }) => createdAt).sort((a, b) => b - a))
    const first = await list("program=waiting&limit=2")
    expect(first.jobs).toHaveLength(2)
    const second = await list(`program=waiting&limit=2&cursor=${encodeURIComponent(first.cursor ?? "")}`)
    expect(second).toMatchObject({ cursor: null, jobs: [{ program: "waiting" }] })
    expect([...first.jobs, ...second.jobs].map(({ jobId }) => jobId)).toEqual(jobs.map(({ jobId }) => jobId))
    for (const id of ids) await running.post(`/api/v1/jobs/${id}/cancel`)
    expect((await list("program=waiting&status=running")).jobs).toEqual([])
  })
})

describe("the server", () => {
  it("says that it lives, and whether it is ready", async () => {
    const health = await running.fetch("/health")
    expect([health.status, await health.text()]).toEqual([200, "ok"])
    const ready = await running.fetch("/ready")
    expect(ready.status).toBe(200)
    expect(await jsonOf(ready)).toEqual({
      status: "ready",
      services: { server: "ok", store: "ok", workers: "ok" }
    })
  })

  it("answers /health before its router as its route does, and counts it", async () => {
    const counted = async () => {
      const text = await (await running.fetch("/metrics")).text()
      const line = text
        .split("\n")
        .find((it) => /^converge_http_requests_total\{.*"\/health"/.test(it) && /"GET"/.test(it))
      return Number(line?.split(" ").at(-1) ?? 0)
    }
    const seen = async (path: string) => {
      const response = await running.fetch(path)
      const { date: _date, ...headers } = Object.fromEntries(response.headers)
      return { status: response.status, headers, body: await response.text() }
    }
    const before = await counted()
    // A query is more than the short way looks at.
    expect(await seen("/health")).toEqual(await seen("/health?who"))
    expect((await counted()) - before).toBe(2)
  })

  it("names its programs with the JSON Schemas of their inputs", async () => {
    const { programs } = await jsonOf(await running.fetch("/api/v1/programs"))
    expect(programs).toHaveLength(inline.length)
    expect((programs as Array<object>)[0]).toMatchObject({
      name: "count",
      agents: ["count"],
      input: { type: "object", properties: { to: { type: "integer" } }, required: ["to"] }
    })
  })

  it("names the JSON Schema of an output that has one, and answers with the output as the schema encodes it", async () => {
    const At = Schema.Struct({ at: Schema.DateTimeUtc })
    const timed = Program.make("timed", {
      input: Schema.Struct({}),
      agents: [],
      output: { schema: At, from: () => ({ at: DateTime.makeUnsafe("2020-05-06T00:00:00Z") }) }
    })
    const own = await serve({ programs: [timed] })
    try {
      const { programs } = await jsonOf(await own.fetch("/api/v1/programs"))
      expect((programs as Array<object>)[0]).toMatchObject({
        output: { type: "object", properties: { at: { type: "string" } }, required: ["at"] }
      })
      const result = await jsonOf(await own.post("/api/v1/jobs", { program: "timed", input: {} }))
      expect(result).toMatchObject({
        output: { at: "2020-05-06T00:00:00.000Z" },
        usage: { tokens: 0, cost: 0, byAgent: {} }
      })
    } finally {
      await own.stop()
    }
  })

  it("has metrics that Prometheus can read", async () => {
    await running.post("/api/v1/jobs", { program: "count", input: { to: 1 } })
    const response = await running.fetch("/metrics")
    expect(response.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    const lines = text.trimEnd().split("\n")
    const sample = /^[a-zA-Z_:][\w:]*(?:\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\})? -?(?:[\d.e+-]+|Inf|NaN|\+Inf)$/
    expect(lines.filter((line) => !line.startsWith("#") && !sample.test(line))).toEqual([])
    expect(text).toMatch(/converge_http_requests_total\{[^}]*route="\/api\/v1\/jobs"[^}]*status="200"[^}]*\} \d/)
    expect(text).toMatch(/converge_http_request_duration_seconds_bucket\{[^}]*le="\+Inf"[^}]*\} \d/)
    expect(text).toMatch(/converge_jobs\{state="converged"\} [1-9]/)
    expect(text).toMatch(/converge_jobs_halted_total\{status="converged"\} [1-9]/)
    expect(text).toMatch(/converge_cycles_total [1-9]/)
    expect(text).toMatch(/converge_facts_total [1-9]/)
    expect(text).toContain("converge_http_streams 0")
  })

  it("counts every request, also one that no route takes, and times them finer than by the millisecond", async () => {
    const own = await serve({ programs: [count] })
    const countsOf = async () => {
      const text = await (await own.fetch("/metrics")).text()
      const lines = text.split("\n").filter((line) => line.startsWith("converge_http_requests_total{"))
      const label = (line: string, name: string) => new RegExp(`${name}="([^"]*)"`).exec(line)?.[1]
      return {
        text,
        counts: Object.fromEntries(
          lines.map((line) => [
            `${label(line, "method")} ${label(line, "route")} ${label(line, "status")}`,
            Number(line.split(" ").at(-1))
          ])
        )
      }
    }
    try {
      const before = (await countsOf()).counts
      await own.fetch("/docs")
      await own.fetch("/openapi.json")
      await own.fetch("/nothing/at/all")
      await own.fetch("/something/else")
      await own.fetch("/api/v1/jobs/some", { method: "PUT" })
      await new Promise<void>((resolve) => {
        const headers = { host: "elsewhere.example" }
        get(`${own.url}/api/v1/jobs`, { headers }, (response) => response.resume().on("end", resolve))
      })
      const { counts: after, text } = await countsOf()
      const added = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const)
      expect(Object.fromEntries(added.filter(([key, value]) => value > 0 && !key.includes("/metrics")))).toEqual({
        "GET /docs 200": 1,
        "GET /openapi.json 200": 1,
        "GET none 404": 2,
        "PUT /api/v1/jobs/:id 405": 1,
        "GET none 421": 1
      })
      const sum = /^converge_http_request_duration_seconds_sum\{[^}]*"\/metrics"[^}]*\} (\S+)$/m.exec(text)?.[1]
      expect(Number(sum)).toBeGreaterThan(0)
      expect((Number(sum) * 1_000) % 1).not.toBe(0)
    } finally {
      await own.stop()
    }
  })

  it("documents itself, and its page loads nothing from outside", async () => {
    const document = await jsonOf(await running.fetch("/openapi.json"))
    const manifest = JSON.parse(readFileSync(join(projectRoot, "package.json"), "utf8")) as { version: string }
    expect(document["info"]).toMatchObject({ title: "effect-converge", version: manifest.version })
    expect(Object.keys(document["paths"] as object)).toEqual(
      expect.arrayContaining(["/api/v1/jobs", "/api/v1/jobs/{id}/events", "/health", "/metrics"])
    )
    const docs = await running.fetch("/docs")
    expect(docs.status).toBe(200)
    expect(docs.headers.get("content-security-policy")).toContain("default-src 'none'")
    const page = await docs.text()
    expect(page).toContain("SwaggerUIBundle")
    expect(page).not.toMatch(/<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?\/\//)
  })

  it("gives every answer the headers that keep a browser safe", async () => {
    for (const path of [
      "/health",
      "/ready",
      "/metrics",
      "/api/v1/jobs",
      "/openapi.json",
      "/docs",
      "/inspector",
      "/nothing"
    ]) {
      const { headers } = await running.fetch(path)
      expect(headers.get("x-content-type-options"), path).toBe("nosniff")
      const isPage = ["/docs", "/inspector", "/openapi.json"].includes(path)
      expect(headers.get("cache-control"), path).toBe(isPage ? "no-cache" : "no-store")
      expect(headers.get("referrer-policy"), path).toBe("no-referrer")
      expect(headers.get("content-security-policy"), path).toContain("default-src 'none'")
      expect(headers.get("access-control-allow-origin"), path).toBe(null)
    }
  })
})

describe("the typed client", () => {
  it("starts jobs and reads results, lists, facts and explanations", async () => {
    const result = valueOf(
      await running.ask((client) =>
        client.jobs.start({ headers: {}, query: { facts: "all" }, payload: { program: "count", input: { to: 2 } } })
      )
    )
    if (!("status" in result)) throw new Error("not a result")
    expect(result).toMatchObject({ status: "converged", output: 3 })
    const { jobId } = result
    const params = { id: jobId }
    expect(valueOf(await running.ask((client) => client.jobs.get({ params, query: {} })))).toMatchObject({ jobId })
    expect(valueOf(await running.ask((client) => client.jobs.list({ query: { limit: 1 } }))).jobs).toHaveLength(1)
    expect(valueOf(await running.ask((client) => client.jobs.facts({ params, query: {} }))).facts).toHaveLength(4)
    const fact = { ...params, kind: "Step", factId: "1" }
    expect(valueOf(await running.ask((client) => client.jobs.explain({ params: fact }))).nodes).toHaveLength(2)
    expect(valueOf(await running.ask((client) => client.programs.list())).programs).toHaveLength(inline.length)
    expect(valueOf(await running.ask((client) => client.health.live()))).toBe("ok")
    expect(valueOf(await running.ask((client) => client.health.ready())).status).toBe("ready")
    expect(valueOf(await running.ask((client) => client.metrics.get()))).toContain("converge_jobs")
  })

  it("steers jobs and follows their events", async () => {
    const accepted = valueOf(
      await running.ask((client) =>
        client.jobs.start({ headers: { prefer: "respond-async" }, query: {}, payload: { program: "signalled" } })
      )
    )
    if ("status" in accepted) throw new Error("it was waited for")
    const params = { id: accepted.body.jobId }
    expect(valueOf(await running.ask((client) => client.jobs.pause({ params }))).state).toBe("paused")
    expect(valueOf(await running.ask((client) => client.jobs.resume({ params }))).state).toBe("running")
    const facts = [{ kind: "Note", value: { at: "2026-01-02T03:04:05.000Z", text: "from outside" } }]
    expect(valueOf(await running.ask((client) => client.jobs.signal({ params, payload: { facts } }))).state).toBe(
      "running"
    )
    expect(valueOf(await running.ask((client) => client.jobs.cancel({ params }))).state).toBe("cancelled")
    const events = valueOf(
      await running.ask((client) =>
        Effect.flatMap(client.jobs.events({ params, headers: {}, query: {} }), (stream) =>
          stream === undefined ? Effect.succeed([]) : Stream.runCollect(stream)
        )
      )
    )
    expect(events[0]).toMatchObject({ id: "1", event: "JobStarted", data: { _tag: "JobStarted", seq: 1 } })
    expect(events.at(-1)).toMatchObject({ event: "JobHalted", data: { status: "cancelled" } })
    expect(events.map(({ data }) => data["seq"])).toEqual(events.map((_, index) => index + 1))
  })

  it("fails with typed problems", async () => {
    const failed = await running.ask((client) =>
      Effect.flip(client.jobs.start({ headers: {}, query: {}, payload: { program: "exhausts" } }))
    )
    expect(valueOf(failed)).toMatchObject({
      _tag: "BudgetExhausted",
      budget: "cycles",
      used: 3,
      partial: { status: "budget-exhausted", facts: { Step: 4 } }
    })
    const unknown = await running.ask((client) => Effect.flip(client.jobs.get({ params: { id: "none" }, query: {} })))
    expect(valueOf(unknown)).toMatchObject({ _tag: "UnknownJob", jobId: "none", status: 404 })
  })
})
