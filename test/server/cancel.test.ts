/** A cancel of a job over HTTP is answered when its threads are gone, not when they have been asked to go. */
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { WorkerPool } from "../../src/index.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { beating, computes } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-cancel-"))
let running: Running
beforeAll(async () => {
  running = await serve({ programs: [beating, computes] }, { pool: WorkerPool.layer({ size: 1, execArgv: [] }) })
})
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true })
})

/** How often an agent's heart has beaten. */
const beats = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0

const hasStarted = (file: string): (() => boolean) => {
  let before = Infinity
  return () => {
    const now = beats(file)
    const hasGrown = now > before
    before = now > 0 ? now : Infinity
    return hasGrown
  }
}

/** Runs another job on the pool's only thread, which takes a heart that still beats a good while. */
const runAnother = async (): Promise<void> =>
  expect((await running.post("/api/v1/jobs", { program: "computes" })).status).toBe(200)

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
      await runAnother()
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
    await runAnother()
    expect(beats(file)).toBe(atEnd)
  })
})
