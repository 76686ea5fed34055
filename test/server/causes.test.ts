/** Why a job failed, over HTTP: in its problem, in its events, and in a word in the list of jobs. No answer has a stack. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { failing } from "../support/behaviour/thrown.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"

const caused = {
  _tag: "TypeError",
  message: "fetch failed",
  cause: { _tag: "Error", message: "connect ECONNREFUSED 127.0.0.1:9", code: "ECONNREFUSED" }
}
const isStack = /\\n\s+at /

const folder = mkdtempSync(join(tmpdir(), "converge-causes-"))
afterAll(() => rmSync(folder, { recursive: true }))

for (const [where, store] of [
  ["in memory", JobStore.layerMemory],
  ["in a file", JobStore.layerSqlite({ filename: join(folder, "jobs.db") })]
] as const) {
  describe(`a server whose jobs are ${where}`, () => {
    let running: Running
    beforeAll(async () => {
      running = await serve({ programs: [failing] }, { store })
    })
    afterAll(() => running.stop())

    it.each([
      ["fail", "AgentFailed", 'agent "fails" failed in cycle 1: fetch failed: connect ECONNREFUSED 127.0.0.1:9'],
      ["die", "AgentPanicked", "fetch failed: connect ECONNREFUSED 127.0.0.1:9"],
      ["thread", "AgentPanicked", "fetch failed: connect ECONNREFUSED 127.0.0.1:9"]
    ])("says the causes of a job that failed: %s", async (how, tag, detail) => {
      const input = { name: "caused", how }
      const answer = await running.post("/api/v1/jobs", { program: "failing", input, id: how })
      expect(answer.status).toBe(500)
      const problem = await jsonOf(answer)
      expect(problem).toMatchObject({ type: `urn:effect-converge:${tag}`, detail, error: caused })
      expect(problem["partial"]).toMatchObject({ error: { _tag: tag, error: caused } })
      for (const accept of ["text/event-stream", "application/x-ndjson"]) {
        const text = await (await running.fetch(`/api/v1/jobs/${how}/events`, { headers: { accept } })).text()
        const last = text.trim().split("\n").at(-1) ?? ""
        expect(JSON.parse(last.replace(/^data: /, "")), accept).toMatchObject({ error: { _tag: tag, error: caused } })
        expect(text).not.toMatch(isStack)
      }
      expect(JSON.stringify(problem)).not.toMatch(isStack)
      const { jobs } = await jsonOf(await running.fetch("/api/v1/jobs"))
      expect(jobs).toContainEqual(expect.objectContaining({ jobId: how, state: "failed", error: tag }))
    })
  })
}
