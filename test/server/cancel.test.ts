/** Whoever cancels a job over HTTP is answered when its threads are gone, not when they have been asked to go. */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { WorkerPool } from "../../src/index.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { beating } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-cancel-"))
let running: Running
beforeAll(async () => {
  running = await serve({ programs: [beating] }, { pool: WorkerPool.layer({ size: 1, execArgv: [] }) })
})
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true })
})

/** How often an agent's heart has beaten. */
const beats = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

const hasStarted = (file: string) => async (): Promise<boolean> => {
  const before = beats(file)
  await pause(20)
  return before > 0 && beats(file) > before
}

describe("an endless CPU agent", () => {
  it("has stopped when the cancel of its job is answered", async () => {
    for (const round of [1, 2]) {
      const file = join(folder, `beats ${round}`)
      const body = { program: "beating", id: `beating-${round}`, input: { file } }
      const begun = await running.post("/api/v1/jobs", body, { prefer: "respond-async" })
      expect(begun.status).toBe(202)
      await until(hasStarted(file))
      const answer = await running.post(`/api/v1/jobs/beating-${round}/cancel`)
      const atAnswer = beats(file)
      expect([answer.status, (await jsonOf(answer))["state"]]).toEqual([200, "cancelled"])
      await pause(200)
      expect(beats(file)).toBe(atAnswer)
    }
  })

  it("stops when the client that waits for its job goes away", async () => {
    const file = join(folder, "left")
    const abort = new AbortController()
    const waiting = running.fetch("/api/v1/jobs", {
      method: "POST",
      body: JSON.stringify({ program: "beating", id: "left", input: { file } }),
      headers: { "content-type": "application/json" },
      signal: abort.signal
    })
    await until(hasStarted(file))
    abort.abort()
    await expect(waiting).rejects.toThrow("aborted")
    await until(async () => (await jsonOf(await running.fetch("/api/v1/jobs/left")))["state"] === "cancelled")
    const atEnd = beats(file)
    await pause(200)
    expect(beats(file)).toBe(atEnd)
  })
})
