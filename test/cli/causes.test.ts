/** Why a job failed: causes in every output, and where something was thrown on standard error alone. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module } from "../support/cli/inProcess.ts"

// Each test starts processes that are busy for half a second.
vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-causes-"))
afterAll(() => rmSync(folder, { recursive: true }))

const run = (program: string, more: ReadonlyArray<string> = []) =>
  converge(["run", module("throwing"), "--program", program, ...more])

const isStack = /\s+at .*\.ts:\d+/

describe.concurrent("a job that failed because of a cause", () => {
  it.each([
    ["crawl", [/TypeError: fetch failed/, /caused by Error: connect ECONNREFUSED/, /at connect .*throwing\.ts:\d+/]],
    ["measure", [/TypeError: Cannot read properties of undefined/, /at lengthOf .*throwing\.ts:\d+/]]
  ])("%s: where it was thrown is on standard error, and nowhere else", async (program, patterns) => {
    for (const more of [[], ["--json"]]) {
      const { code, stderr, stdout } = await run(program, more)
      expect(code).toBe(3)
      for (const pattern of patterns) expect(stderr).toMatch(pattern)
      expect(stderr, "told once").not.toContain("failed: Agent")
      expect(stdout).not.toMatch(isStack)
      expect(stdout).toContain(program === "crawl" ? "ECONNREFUSED" : "Cannot read properties")
    }
    expect(await run(program, ["--quiet"])).toMatchObject({ code: 3, stderr: "" })
  })

  it("is told of a seed that throws, too", async () => {
    const { code, stderr, stdout } = await run("barren")
    expect(code).toBe(64)
    expect(stderr).toContain("seed: no seeds: an empty shelf")
    expect(stderr).toMatch(/Error: no seeds\n\s+at plant .*throwing\.ts:\d+[^]*caused by Error: an empty shelf/)
    expect(stdout).toBe("")
  })

  it("is said with its causes by run, show and events, as JSON and for people, and the store has no stack", async () => {
    const store = join(folder, "jobs.db")
    const ran = jsonOf(await run("crawl", ["--json", "--store", store, "--id", "a"]))
    const error = {
      _tag: "UnknownError",
      message: "An error occurred in Effect.tryPromise",
      cause: {
        _tag: "TypeError",
        message: "fetch failed",
        cause: { _tag: "Error", message: "connect ECONNREFUSED 127.0.0.1:1", code: "ECONNREFUSED" }
      }
    }
    expect(ran["error"]).toMatchObject({ _tag: "AgentFailed", error })
    const stored = ["a", "--store", store]
    expect(jsonOf(await converge(["show", ...stored, "--json"]))["error"]).toEqual(ran["error"])
    const events = (await converge(["events", ...stored, "--json"])).stdout.trim().split("\n")
    expect(JSON.parse(events.at(-1) ?? "")).toMatchObject({ _tag: "JobHalted", error: { _tag: "AgentFailed", error } })
    for (const command of ["show", "events"]) {
      const { stdout } = await converge([command, ...stored])
      expect(stdout, command).toContain("fetch failed: connect ECONNREFUSED")
      expect(stdout, command).not.toMatch(isStack)
    }
    expect(readFileSync(store, "latin1")).not.toContain("throwing.ts:")
  })
})
