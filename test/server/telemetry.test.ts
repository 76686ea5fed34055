/** The telemetry of a server, for a Prometheus that scrapes it and a collector that it pushes to. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { JobStore, WorkerPool } from "../../src/index.ts"
import { openCollector, valuesOf } from "../support/server/collector.ts"
import { jsonOf, metricsOf, serve, until } from "../support/server/harness.ts"
import { serveProcess } from "../support/server/process.ts"
import { computes, count, fails } from "../support/server/programs.ts"
import { complaintsOf } from "../support/server/prometheus.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-telemetry-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("metrics for Prometheus", () => {
  it("have help, a type, base units and conventional names, and come once", async () => {
    const store = JobStore.layerSqlite({ filename: join(folder, "metrics.db") })
    const running = await serve({ programs: [count, fails, computes] }, { pool: WorkerPool.layer({ size: 1 }), store })
    try {
      await running.post("/api/v1/jobs", { program: "count", input: { to: 2 } })
      await running.post("/api/v1/jobs", { program: "fails", input: {} })
      await running.post("/api/v1/jobs", { program: "computes", input: {} })
      await until(async () => (await metricsOf(running)).includes("converge_pool_worker_utilization{"))
      const text = await metricsOf(running)
      expect(complaintsOf(text)).toEqual([])
      expect(text).toMatch(/^converge_job_duration_seconds_count\{.*program="fails".*status="failed".*\} 1$/m)
      expect(text).toMatch(/^converge_store_write_duration_seconds_count \d+$/m)
      expect(text).toMatch(/^converge_store_file_bytes [1-9]\d*$/m)
      expect(text).toMatch(/^converge_process_resident_memory_bytes [1-9]\d*$/m)
      expect(text).toMatch(/^converge_build_info\{.*node="24\..*\} 1$/m)
    } finally {
      await running.stop()
    }
  })

  it("are found out if they break a rule", () => {
    const wrong = '# HELP a_ms x\n# TYPE a_ms counter\na_ms 1\na_ms 1\nb{c="d" 2\ne NaN\n'
    expect(complaintsOf(wrong)).toEqual([
      "the counter a_ms does not end with _total",
      "a_ms has no base unit",
      "a_ms{} comes twice",
      'it cannot be read: b{c="d" 2',
      "e stands below a_ms",
      "e has no HELP line",
      "e has no TYPE line"
    ])
  })
})

describe("a server that pushes to a collector", { timeout: 60_000 }, () => {
  it("tells counters that only grow, its name, errors, routes without secrets, links, and its last lines", async () => {
    const collector = await openCollector()
    const environment = {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_SERVICE_NAME: "orders",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,service.name=another",
      OTEL_METRIC_EXPORT_INTERVAL: "200",
      OTEL_BSP_SCHEDULE_DELAY: "100",
      NODE_COMPILE_CACHE: join(folder, "cache")
    }
    const args = ["--store", join(folder, "pushed.db"), "--drain", "0", "--workers", "0"]
    try {
      let serving = await serveProcess(args, { environment })
      expect((await serving.post("/api/v1/jobs", { program: "fails", input: {}, id: "bad" })).status).toBe(500)
      await serving.post("/api/v1/jobs", { program: "waiting", input: {}, id: "long" }, { prefer: "respond-async" })
      const asked = await fetch(`${serving.url}/api/v1/jobs/long?facts=counts&token=secret`)
      // No route has such a parameter. Somebody sends it all the same.
      expect(asked.status).toBe(400)
      const running = () =>
        collector.metrics
          .find(({ name }) => name === "converge_jobs")
          ?.gauge?.dataPoints.find(({ attributes }) => valuesOf(attributes)["state"] === "running")?.asDouble
      // Nobody scrapes.
      await until(() => running() === 1, 20_000)
      serving.process.kill("SIGTERM")
      expect((await serving.ended).code).toBe(0)

      const { metrics, spans } = collector
      const sums = metrics.flatMap(({ name, sum }) => (sum === undefined ? [] : [{ name, sum }]))
      expect(sums.length).toBeGreaterThan(5)
      for (const { name, sum } of sums) {
        expect([name, sum.isMonotonic, sum.aggregationTemporality]).toEqual([expect.stringMatching(/_total$/), true, 2])
      }
      for (const { name, unit } of metrics) {
        expect([name, unit]).toEqual([name, /_seconds/.test(name) ? "s" : /_bytes/.test(name) ? "By" : "1"])
      }
      for (const resource of collector.resources) {
        expect(resource).toMatchObject({ "service.name": "orders", "deployment.environment.name": "test" })
      }
      const named = (name: string, jobId: string) =>
        spans.find((span) => span.name === name && valuesOf(span.attributes)["jobId"] === jobId)
      const bad = named("converge.job", "bad")
      expect(bad?.status).toEqual({ code: 2, message: expect.stringContaining("AgentFailed") })
      const get = spans.find(({ name }) => name === "GET /api/v1/jobs/:id")
      expect(valuesOf(get?.attributes ?? [])["http.route"]).toBe("/api/v1/jobs/:id")
      expect(JSON.stringify(get)).toContain("facts=counts")
      expect(JSON.stringify(spans)).not.toContain("secret")
      expect(collector.logs).toContainEqual(expect.stringContaining("jobs that are left to be resumed: 1"))
      const started = spans.find(({ name, spanId }) => name === "POST /api/v1/jobs" && spanId !== bad?.parentSpanId)

      serving = await serveProcess(args, { environment })
      const job = async () => (await jsonOf(await fetch(`${serving.url}/api/v1/jobs/long`)))["state"]
      await until(async () => (await job()) === "running", 20_000)
      const before = collector.spans.length
      const idle = collector.metrics
      await until(() => collector.metrics !== idle && collector.metrics.length > 0)
      await serving.post("/api/v1/jobs/long/cancel")
      await until(() => collector.spans.slice(before).some(({ name }) => name === "converge.job"), 20_000)
      const resumed = collector.spans.findLast(({ name }) => name === "converge.job")
      expect(resumed?.links).toMatchObject([{ traceId: started?.traceId, spanId: started?.spanId }])
      // The server's own work makes no traces.
      const roots = collector.spans.filter(
        ({ name, parentSpanId }) => parentSpanId === undefined && !/^[A-Z]+ \//.test(name)
      )
      expect(roots.map(({ name }) => name).filter((name) => name !== "converge.job")).toEqual([])
      serving.process.kill("SIGTERM")
      await serving.ended
    } finally {
      await collector.close()
    }
  })
})
