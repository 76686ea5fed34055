/** `converge show --server`: a job of a running server, and what runs in it now. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { converge, jsonOf } from "../support/cli/inProcess.ts"
import { type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { inline } from "../support/server/programs.ts"

let running: Running
beforeAll(async () => {
  running = await serve({ programs: inline })
})
afterAll(() => running.stop())

const show = (id: string, ...args: ReadonlyArray<string>) => converge(["show", id, "--server", running.url, ...args])

describe("converge show --server", () => {
  it("says why a job has not ended, and which tasks run now", async () => {
    await running.post("/api/v1/jobs", { program: "waiting", input: {}, id: "waits" }, { prefer: "respond-async" })
    const tasksOf = async () =>
      (jsonOf(await show("waits", "--json"))["tasks"] as { running: ReadonlyArray<object> }).running
    await until(async () => (await tasksOf()).length > 0)
    const { code, stderr, stdout } = await show("waits")
    expect([code, stderr]).toEqual([0, ""])
    // On a busy machine the task may have run for a while already.
    const waits = /^▶ waits is running\n {2}It waits for "wait" on Step\/2, which has run for \d+\.\d s\.\n/
    if (!waits.test(stdout))
      expect(stdout).toMatch(/^▶ waits is running\n {2}It runs, in cycle 3\.\n {2}program {6}waiting\n/)
    await until(async () => waits.test((await show("waits")).stdout), 20_000)
    expect(stdout).toMatch(/\nnow, in cycle 3\n {2}wait on Step\/2 {2}for \d+/)
    await running.post("/api/v1/jobs/waits/cancel")
  })

  it("says why a job failed", async () => {
    await running.post("/api/v1/jobs", { program: "fails", input: {}, id: "failed" }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, "failed")) === "failed")
    const { stdout } = await show("failed")
    expect(stdout).toMatch(/^✖ failed failed\n {2}Agent ".+" failed/)
    expect(stdout).not.toContain("now, in cycle")
    expect(jsonOf(await show("failed", "--json"))).toMatchObject({
      state: "failed",
      error: { _tag: "AgentFailed", error: { _tag: "Quota" } }
    })
  })

  it("refuses a job that is not there, an address that is none, and two places", async () => {
    expect(await show("nobody")).toMatchObject({
      code: 64,
      stdout: "",
      stderr: expect.stringContaining("there is no job nobody")
    })
    expect(await converge(["show", "a", "--server", "nowhere"])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("--server needs an address such as http://localhost:8080")
    })
    expect(await show("a", "--store", "jobs.db")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("give --store or --server, and not both")
    })
    expect(await converge(["show", "a"])).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("where are the jobs? Give --store or --server")
    })
  })
})
