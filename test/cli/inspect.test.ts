/** A page of a stored job, made by the command line. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { JobRecord } from "../../src/server/jobRecord.ts"
import { JobStore } from "../../src/index.ts"
import { converge, jsonOf, module, runCount } from "../support/cli/inProcess.ts"
import { hostile } from "../support/browser/hostile.ts"
import { projectRoot } from "../support/node.ts"
import { serve, stateOf, until } from "../support/server/harness.ts"
import { asks } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-inspect-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const stored = ["--store", "jobs.db"]
beforeAll(async () => {
  await runCount("squares", ["--id", "sq", ...stored, "--workers", "0", "--quiet"], { folder })
})

const inspect = (...args: ReadonlyArray<string>) => converge(["inspect", ...args, ...stored], { folder })

/** The record in a page. */
const recordIn = (file: string): JobRecord => {
  const [, text = ""] = /id="record">([^]*?)<\/script>/.exec(readFileSync(join(folder, file), "utf8"))!
  return JSON.parse(text) as JobRecord
}

describe("converge inspect", () => {
  it("writes a page with the job, without its module", async () => {
    const { code, stderr, stdout } = await inspect("sq", "--out", "sq.html")
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toContain("sq.html")
    expect(stdout).toContain("converged")
    const { job, kinds, pasts, programs } = recordIn("sq.html")
    expect(job).toMatchObject({ jobId: "sq", state: "converged", result: { output: { sum: 55 } } })
    expect(kinds).toEqual({ Number: 5, Square: 5 })
    expect(pasts[0]?.facts).toHaveLength(10)
    expect(programs).toEqual([])
  })

  it("has the graph of the program, if the module is given", async () => {
    const made = jsonOf(await inspect(module("count"), "sq", "--out", "graph.html", "--json"))
    expect(made).toMatchObject({ jobId: "sq", corrupt: null, leftOut: { facts: 0, values: 0, events: 0, cycles: 0 } })
    expect(recordIn("graph.html").programs.map(({ name }) => name)).toEqual(["squares"])
  })

  it("takes the id by its flag, also with a module", async () => {
    expect(await inspect("--id", "sq", "--out", "byFlag.html")).toMatchObject({ code: 0 })
    expect(await inspect(module("count"), "--id", "sq", "--out", "byFlag.html", "--force")).toMatchObject({ code: 0 })
    expect(recordIn("byFlag.html").programs).toHaveLength(1)
  })

  it("replaces a file only with --force", async () => {
    writeFileSync(join(folder, "mine.html"), "mine")
    const refused = await inspect("sq", "--out", "mine.html")
    expect(refused).toMatchObject({ code: 64, stdout: "" })
    expect(refused.stderr).toContain("mine.html is there already: --force replaces it")
    expect(readFileSync(join(folder, "mine.html"), "utf8")).toBe("mine")
    expect(await inspect("sq", "--out", "mine.html", "--force")).toMatchObject({ code: 0 })
    expect(recordIn("mine.html").job.jobId).toBe("sq")
  })

  it("writes the page to standard output for -, and nothing else", async () => {
    const { code, stderr, stdout } = await inspect("sq", "--out", "-")
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^<!doctype html>/i)
    expect(stdout).toContain('id="record">')
    expect(stdout).toMatch(/<\/html>\s*$/)
    expect(await inspect("sq", "--out", "-", "--json")).toMatchObject({ code: 64, stdout: "" })
    const exported = await converge(["export", "sq", "--out", "-", ...stored], { folder })
    expect([exported.code, exported.stderr]).toEqual([0, ""])
    expect(JSON.parse(exported.stdout)).toMatchObject({ recording: { program: "squares" } })
    expect(existsSync(join(folder, "-"))).toBe(false)
  })

  it("has the state of an unfinished job at that moment, from its server and from its file", async () => {
    const filename = join(folder, "live.db")
    const running = await serve({ programs: [asks] }, { store: JobStore.layerSqlite({ filename }) })
    try {
      const body = { program: "asks", id: "it" }
      await running.post("/api/v1/jobs", body, { prefer: "respond-async" })
      await until(async () => (await stateOf(running, "it")) === "awaiting")
      const out = (file: string) => converge(["inspect", "it", "--out", file], { folder, environment })
      const environment: Record<string, string> = { CONVERGE_SERVER: running.url }
      expect(await out("server.html")).toMatchObject({ code: 0, stderr: "" })
      expect(recordIn("server.html")).toMatchObject({
        job: { state: "awaiting" },
        summary: { state: "awaiting" },
        tasks: { since: expect.any(Number), running: [] },
        // The server serves the program, so the page has its graph.
        programs: [{ name: "asks", graph: { agents: expect.any(Array) } }]
      })
      expect(await converge(["inspect", "it", "--store", filename, "--out", "file.html"], { folder })).toMatchObject({
        code: 0
      })
      expect(recordIn("file.html")).toMatchObject({ job: { state: "awaiting" }, programs: [] })
    } finally {
      await running.stop()
    }
  })

  it("says which parts are cut, and how the whole is printed", async () => {
    const input = JSON.stringify({ length: 1_500_000, ends: "converges" })
    const run = ["run", `${projectRoot}test/support/browser/hostile.ts`, "-p", hostile.name, "--id", "long", ...stored]
    await converge([...run, "--input", input, "--quiet"], { folder })
    const { stdout } = await inspect("long", "--out", "long.html")
    expect(stdout).toMatch(/It leaves out \d+ long values, traces, payloads and errors\./)
    expect(stdout).toContain("converge show --id long --facts --json")
  })

  it.each([
    [["sq", "--out", "."], "--out .: it is a folder, and not the path of a file"],
    [["sq", "--out", ".", "--force"], "--out .: it is a folder, and not the path of a file"],
    [["nobody", "--out", "a.html"], "there is no job nobody"],
    [["sq", "--out", "no/such/folder.html"], `there is no folder ${join(folder, "no/such")}`],
    [["sq", "--out", ""], "--out needs the path of a file"],
    [[module("one"), "sq", "--out", "a.html"], `has no program "squares"`]
  ])("refuses %j", async (args, message) => {
    const refused = await inspect(...args)
    expect(refused).toMatchObject({ code: 64, stdout: "" })
    expect(refused.stderr).toContain(message)
  })
})
