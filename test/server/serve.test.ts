/** `converge serve`, as a process of its own: settings, shutdown, what survives it. */
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { converge } from "../support/cli/converge.ts"
import { jsonOf, until } from "../support/server/harness.ts"
import { programs, serveProcess } from "../support/server/process.ts"

vi.setConfig({ maxConcurrency: 2, testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-serve-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const serve = (args: ReadonlyArray<string> = [], environment: Record<string, string> = {}) =>
  serveProcess(args, { environment })

const noWait = { prefer: "respond-async" }

const isRunning = (url: string, id: string) => async () => {
  const response = await fetch(`${url}/api/v1/jobs/${id}`)
  return response.status === 200 && (await jsonOf(response))["state"] === "running"
}

describe.concurrent("converge serve", () => {
  it.each(["SIGTERM", "SIGINT"] as const)(
    "%s: drains and ends with 0, in time, though an agent is stuck",
    async (signal) => {
      const { ended, post, process: child, url } = await serve(["--drain", "300", "--workers", "1"])
      const stuck = post("/api/v1/jobs", { program: "stuck", id: "stuck" })
      await until(isRunning(url, "stuck"))
      const events = await fetch(`${url}/api/v1/jobs/stuck/events`)
      const text = events.text()
      const begin = Date.now()
      child.kill(signal)
      const answer = await stuck
      expect(answer.status).toBe(499)
      expect(await jsonOf(answer)).toMatchObject({ type: "urn:effect-converge:JobCancelled" })
      expect(await text).toContain("event: Goodbye")
      expect(await ended).toMatchObject({ code: 0, stderr: expect.stringContaining("shutting down (again to hurry)") })
      expect(Date.now() - begin).toBeLessThan(4_000)
    }
  )

  it("a second signal ends the waiting", async () => {
    const { ended, post, process: child, says, url } = await serve(["--drain", "50 seconds"])
    await post("/api/v1/jobs", { program: "waiting", id: "w" }, { prefer: "respond-async" })
    await until(isRunning(url, "w"))
    const begin = Date.now()
    child.kill("SIGTERM")
    await says(/again to hurry/)
    expect((await fetch(`${url}/ready`)).status).toBe(503)
    child.kill("SIGTERM")
    expect((await ended).code).toBe(0)
    expect(Date.now() - begin).toBeLessThan(5_000)
  })

  it.each(["nothing durable", "a durable store"])(
    "under load, with viewers of whom some read nothing, it ends with 0 in time, on %s",
    async (what) => {
      const store = what === "a durable store" ? ["--store", join(folder, "load.db")] : []
      const { ended, post, process: child, url } = await serve(["--drain", "300", "--workers", "1", ...store])
      await post("/api/v1/jobs", { program: "stuck", id: "stuck" }, noWait)
      await post("/api/v1/jobs", { program: "chatty", id: "chatty", input: { length: 60_000 } }, noWait)
      await until(isRunning(url, "stuck"))
      const watch = (isRead: boolean) =>
        new Promise<string>((resolve, reject) => {
          const asked = request(`${url}/api/v1/jobs/chatty/events`, (response) => {
            let text = ""
            response.setEncoding("utf8").on("data", (chunk: string) => (text = (text + chunk).slice(-500)))
            response.on("close", () => resolve(text)).on("error", () => undefined)
            if (!isRead) response.pause()
          })
          asked.on("error", reject).end()
        })
      const reading = Array.from({ length: 10 }, () => watch(true))
      // Nobody waits for those: they notice nothing until they read.
      for (let n = 0; n < 10; n++) void watch(false).catch(() => undefined)
      const answers = new Map<number, number>()
      const server = { isGone: false }
      const listens = (): Promise<boolean> =>
        fetch(`${url}/health`).then(
          () => true,
          () => false
        )
      const client = async (): Promise<void> => {
        while (!server.isGone) {
          try {
            const { status } = await post("/api/v1/jobs", { program: "count", input: { to: 5 } })
            answers.set(status, (answers.get(status) ?? 0) + 1)
          } catch {
            // It may have closed the connection while it was asked; who does not listen is asked no more.
            if (!(await listens())) return
          }
        }
      }
      const clients = Array.from({ length: 6 }, client)
      await until(() => (answers.get(200) ?? 0) > 20, 20_000)
      const begin = Date.now()
      child.kill("SIGTERM")
      const { code, stderr } = await ended
      const took = Date.now() - begin
      server.isGone = true
      await Promise.all(clients)
      expect(code).toBe(0)
      expect(stderr).not.toContain("in time")
      expect(took).toBeLessThan(6_000)
      for (const text of await Promise.all(reading)) expect(text).toContain("event: Goodbye")
      // Without a durable store, the end of the drain cancels the jobs that a busy machine has not finished.
      if (store.length === 0) answers.delete(499)
      expect(new Set(answers.keys())).toEqual(new Set([200, 503]))
    }
  )

  it("refuses settings that cannot work, and says which: exit code 64", async () => {
    const bad = await converge(["serve", programs, "--port", "99999"], { environment: { CONVERGE_DRAIN: "soon" } })
    expect(bad.code).toBe(64)
    expect(bad.stderr).toContain("--port takes a whole number from 0 to 65535")
    expect(bad.stderr).toContain("CONVERGE_DRAIN takes a time such as 500ms, 10s, 5m or 1h30m")
    const open = await converge(["serve", programs, "--host", "0.0.0.0", "--port", "0"])
    expect(open.code).toBe(64)
    expect(open.stderr).toContain("listening on 0.0.0.0 needs a token")
  })

  it.each([
    [{ CONVERGE_PROFILE: "nope" }, "CONVERGE_PROFILE "],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: "nowhere" }, "OTEL_EXPORTER_OTLP_ENDPOINT: "]
  ])("refuses what the pool and the telemetry cannot use of the environment: %o", async (environment, said) => {
    const { code, stderr } = await converge(["serve", programs, "--port", "0"], { environment })
    expect(code).toBe(64)
    expect(stderr).toMatch(/^converge: the environment cannot be used: [^\n]*\n$/)
    expect(stderr).toContain(said)
    expect(stderr).not.toMatch(/SchemaError|nowhere|nope|\bat /)
  })

  it("listens elsewhere with a token of the environment", async () => {
    const { ended, process: child, url } = await serve(["--host", "0.0.0.0"], { CONVERGE_TOKEN: "one,two" })
    const { port } = new URL(url)
    const at = `http://127.0.0.1:${port}/api/v1/programs`
    expect((await fetch(at)).status).toBe(401)
    expect((await fetch(at, { headers: { authorization: "Bearer two" } })).status).toBe(200)
    child.kill("SIGTERM")
    expect((await ended).code).toBe(0)
  })

  it("says that an address is taken: exit code 70", async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve))
    const { port } = taken.address() as AddressInfo
    const ended = await converge(["serve", programs, "--port", String(port)])
    taken.close()
    expect(ended.code).toBe(70)
    expect(ended.stderr).toMatch(
      /^converge: cannot listen: another process listens on that address and port \(EADDRINUSE\)\n$/
    )
  })

  it("sends traces, logs and metrics to a collector, spans of jobs under those of requests", async () => {
    const received: Array<{ path: string; body: string }> = []
    const collector = createServer((request, response) => {
      let body = ""
      request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk))
      request.on("end", () => {
        received.push({ path: request.url ?? "", body })
        response.end("{}")
      })
    })
    await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve))
    const { port } = collector.address() as AddressInfo
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}`,
      OTEL_BSP_SCHEDULE_DELAY: "100",
      OTEL_METRIC_EXPORT_INTERVAL: "100"
    }
    const { ended, post, process: child } = await serve([], environment)
    const trace = "0af7651916cd43dd8448eb211c80319c"
    const traceparent = `00-${trace}-b7ad6b7169203331-01`
    expect((await post("/api/v1/jobs", { program: "count", input: { to: 2 } }, { traceparent })).status).toBe(200)
    child.kill("SIGTERM")
    expect((await ended).code).toBe(0)
    collector.close()
    interface Span {
      readonly name: string
      readonly traceId: string
      readonly spanId: string
      readonly parentSpanId?: string
    }
    const spans = received
      .filter(({ path }) => path === "/v1/traces")
      .flatMap(({ body }) => {
        const { resourceSpans } = JSON.parse(body) as {
          resourceSpans: Array<{ scopeSpans: Array<{ spans: Array<Span> }> }>
        }
        return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
      })
    const named = (name: string) => spans.filter((span) => span.name === name)
    const [request] = named("POST /api/v1/jobs")
    const [job] = named("converge.job")
    expect(request).toMatchObject({ traceId: trace, parentSpanId: "b7ad6b7169203331" })
    expect(job).toMatchObject({ traceId: trace, parentSpanId: request?.spanId })
    expect(named("converge.cycle").every(({ parentSpanId }) => parentSpanId === job?.spanId)).toBe(true)
    expect(named("converge.agent").length).toBeGreaterThan(0)
    expect(received.some(({ path }) => path === "/v1/metrics")).toBe(true)
  })
})
