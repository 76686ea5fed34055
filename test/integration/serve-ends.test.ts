/** `converge serve`, as a process of its own: what is left when nobody waits for it, and when it starts anew. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { jsonOf, until } from "../support/server/harness.ts"
import { serveProcess } from "../support/server/process.ts"

vi.setConfig({ maxConcurrency: 2, testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-serve-ends-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const noWait = { prefer: "respond-async" }

const isRunning = (url: string, id: string) => async () => {
  const response = await fetch(`${url}/api/v1/jobs/${id}`)
  return response.status === 200 && (await jsonOf(response))["state"] === "running"
}

describe.concurrent("converge serve", () => {
  it.each([
    ["SIGTERM", 143],
    ["SIGINT", 130]
  ] as const)("a third signal, %s, ends the process at once, with %d, whatever holds it", async (signal, exitCode) => {
    const store = ["--store", join(folder, `${signal}.db`)]
    const { ended, post, process: child, says, url } = await serveProcess(["--drain", "50 seconds", ...store])
    let hasEnded = false
    void ended.then(() => (hasEnded = true))
    await post("/api/v1/jobs", { program: "clinging", id: "clings" }, noWait)
    await until(isRunning(url, "clings"))
    child.kill("SIGTERM")
    await says(/again to hurry/)
    child.kill("SIGTERM")
    // It does not listen any more: the second one has ended the waiting, and the agent holds the rest.
    await until(async () => {
      const answer = await fetch(`${url}/health`).catch(() => undefined)
      return answer === undefined
    })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(hasEnded).toBe(false)
    const begin = Date.now()
    child.kill(signal)
    const { code, stderr } = await ended
    expect(code).toBe(exitCode)
    expect(stderr).not.toContain("in time")
    expect(Date.now() - begin).toBeLessThan(2_000)
    // The committed cycles are there, and the job is nobody's: the next process goes on with it.
    const next = await serveProcess(["--drain", "0", ...store])
    await until(isRunning(next.url, "clings"))
    next.process.kill("SIGKILL")
    await next.ended
  })

  it("jobs of a durable store, and idempotency keys, go on after a restart", async () => {
    const store = join(folder, "jobs.db")
    const first = await serveProcess(["--store", store, "--drain", "100"])
    const body = { program: "waiting" }
    const key = { "idempotency-key": "the same", prefer: "respond-async" }
    const { jobId } = await jsonOf(await first.post("/api/v1/jobs", body, key))
    await until(isRunning(first.url, String(jobId)))
    const waiting = first.post("/api/v1/jobs", body, { "idempotency-key": "the same" })
    await new Promise((resolve) => setTimeout(resolve, 100))
    first.process.kill("SIGTERM")
    const told = await waiting
    expect(told.status).toBe(503)
    expect(await jsonOf(told)).toMatchObject({ reason: "shutting-down", jobId })
    expect((await first.ended).code).toBe(0)
    const second = await serveProcess(["--store", store, "--drain", "100"])
    await until(isRunning(second.url, String(jobId)))
    expect(await jsonOf(await second.post("/api/v1/jobs", body, key))).toEqual({ jobId })
    const other = await second.post("/api/v1/jobs", { program: "count", input: { to: 1 } }, key)
    expect(other.status).toBe(409)
    expect(await jsonOf(other)).toMatchObject({ type: "urn:effect-converge:JobExists", jobId })
    const { jobs } = (await jsonOf(await fetch(`${second.url}/api/v1/jobs`))) as { jobs: ReadonlyArray<unknown> }
    expect(jobs).toMatchObject([{ jobId, state: "running", program: "waiting" }])
    expect((await second.post(`/api/v1/jobs/${String(jobId)}/cancel`)).status).toBe(200)
    second.process.kill("SIGTERM")
    expect((await second.ended).code).toBe(0)
  })
})
