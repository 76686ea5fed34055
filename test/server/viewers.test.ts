/**
 * A crowd of viewers of one job, while the server is shut down, started anew, killed and started anew. `SSE_VIEWERS` asks for
 * more of them.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { gather } from "../support/server/crowd.ts"
import { jsonOf, until } from "../support/server/harness.ts"
import { serveProcess } from "../support/server/process.ts"

const viewers = Number(process.env["SSE_VIEWERS"] ?? 50)
const folder = mkdtempSync(join(tmpdir(), "converge-viewers-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Cycles that each of the servers commits, and how much the job says at a time: a crowd takes longer to be told. */
const phaseCycles = viewers > 100 ? 100 : 25
const length = viewers > 100 ? 400 : 8_000

describe("viewers that stall, vanish, and come back with ids of the past and the future", () => {
  it(
    "all end with the same list without a gap, though the server is shut down and killed meanwhile",
    { timeout: 60_000 + viewers * 200 },
    async () => {
      const args = ["--store", join(folder, "jobs.db"), "--drain", "0", "--workers", "0"]
      const options = { environment: { NODE_COMPILE_CACHE: join(folder, "cache") }, timeoutMs: 300_000 }
      let serving = await serveProcess(args, options)
      const { url } = serving
      args.push("--port", new URL(url).port)
      const job = `${url}/api/v1/jobs/watched`
      const cycle = async (): Promise<number> => Number((await jsonOf(await fetch(job)))["cycle"])
      const phase = async (): Promise<void> => {
        const before = await cycle()
        await until(async () => (await cycle()) >= before + phaseCycles, 60_000)
      }
      const body = { program: "chatty", id: "watched", input: { length } }
      expect((await serving.post("/api/v1/jobs", body, { prefer: "respond-async" })).status).toBe(202)
      const crowd = gather(`${job}/events`, viewers)
      await phase()
      serving.process.kill("SIGTERM")
      expect((await serving.ended).code).toBe(0)
      serving = await serveProcess(args, options)
      await phase()
      const before = await cycle()
      serving.process.kill("SIGKILL")
      await serving.ended
      serving = await serveProcess(args, options)
      await until(async () => (await cycle()) > before)
      await phase()
      expect((await serving.post("/api/v1/jobs/watched/cancel")).status).toBe(200)
      const { complaints, lists, visits } = await crowd
      const [all] = await gather(`${job}/events`, 1).then((one) => one.lists)
      serving.process.kill("SIGTERM")
      expect((await serving.ended).code).toBe(0)
      expect(complaints).toEqual([])
      expect(visits).toBeGreaterThan(viewers * 3)
      expect(all?.at(-1)).toContain("event: JobHalted")
      expect(all?.map((text) => /^id: (\d+)/.exec(text)?.[1])).toEqual(all?.map((_, index) => String(index + 1)))
      // Texts are compared one by one: a difference would be printed with all of them.
      expect(lists.findIndex((list) => list.length !== all?.length || list.some((text, n) => text !== all[n]))).toBe(-1)
    }
  )
})
