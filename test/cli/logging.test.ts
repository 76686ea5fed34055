/** The log of the command: its form, where it goes, and what it says of jobs. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { logRecord } from "../../src/cli/logging.ts"
import { converge, module, runCount, type Running, start } from "../support/cli/inProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-log-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

type LogRecord = Readonly<Record<string, unknown>>

/** The records of standard error, each on a line of its own. */
const recordsOf = (stderr: string): ReadonlyArray<LogRecord> =>
  stderr
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogRecord)

const listening = async (args: ReadonlyArray<string>, environment: Record<string, string> = {}) => {
  const server = start(["serve", module("count"), "--port", "0", ...args], { environment, folder })
  let said = ""
  server.process.stderr?.on("data", (chunk: string) => (said += chunk))
  await server.says(/listening on http\S+,/)
  const url = /http:\/\/[\w.:]+\d/.exec(said)?.[0] ?? ""
  return { server, url }
}

const stopped = async (server: Running, signal: NodeJS.Signals = "SIGTERM") => {
  server.process.kill(signal)
  return server.ended
}

const post = (url: string, body: object) =>
  fetch(`${url}/api/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })

describe("a log in JSON", () => {
  it("of a server is one record a line, in UTC, with what happened to its jobs", async () => {
    const { server, url } = await listening(["--store", "jobs.db"], { CONVERGE_LOG_FORMAT: "json" })
    expect((await post(url, { program: "counting", input: { upTo: 3 }, id: "three" })).status).toBe(200)
    await fetch(`${url}/api/v1/jobs/three`)
    const { code, stderr, stdout } = await stopped(server)
    expect([code, stdout]).toEqual([0, ""])
    const records = recordsOf(stderr)
    for (const record of records) {
      expect(record["timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(record).toMatchObject({ level: expect.any(String) as string, message: expect.any(String) as string })
    }
    const [first] = records
    expect(first).toMatchObject({ level: "INFO", message: expect.stringMatching(/^listening on http/) as string })
    const ofJob = records.filter(({ job }) => job === "three")
    const life = { job: "three", program: "counting" }
    const end = { status: "converged", cycles: expect.any(Number) as number, durationMs: expect.any(Number) as number }
    expect(ofJob).toMatchObject([
      { ...life, level: "INFO", message: "job three started" },
      { ...life, ...end, level: "INFO", message: "job three ended: converged" }
    ])
    // Once more: the job has ended, and is only looked at.
    const again = await listening(["--store", "jobs.db", "--log-format", "json"])
    expect((await fetch(`${again.url}/api/v1/jobs/three`)).status).toBe(200)
    expect(recordsOf((await stopped(again.server)).stderr).filter(({ job }) => job !== undefined)).toEqual([])
  })

  it.each([
    ["failing", undefined, { level: "ERROR", message: "job ended failed: AgentFailed", status: "failed" }],
    [
      "counting",
      { maxCycles: 2 },
      { level: "WARN", message: "job ended exhausted a budget", status: "budget-exhausted" }
    ]
  ])("of a server has one line for the end of a job that did not converge: %s", async (program, budget, line) => {
    const { server, url } = await listening(["--log-format", "json"])
    await post(url, { program, input: { upTo: 9 }, budget, id: "ended" })
    const { stderr } = await stopped(server)
    const [, ...ends] = recordsOf(stderr).filter(({ job }) => job === "ended")
    const numbers = { cycles: expect.any(Number) as number, durationMs: expect.any(Number) as number }
    expect(ends).toMatchObject([{ ...line, ...numbers, program, annotations: { cause: expect.any(Object) as object } }])
  })

  it("of a run has its progress, its failure and a wrong command line in the same form", async () => {
    const ended = await runCount("counting", ["--log-format", "json", "--input", '{"upTo": 3}'])
    expect(ended.code).toBe(0)
    expect(recordsOf(ended.stderr)[0]).toMatchObject({ message: expect.stringMatching(/^counting: cycle/) as string })
    const environment = { CONVERGE_LOG_FORMAT: "json" }
    for (const args of [["run", "./none.ts"], ["run", "x.ts", "--wrong"], ["nonsense"]]) {
      const refused = await converge(args, { environment })
      expect(refused.code).toBe(64)
      expect(recordsOf(refused.stderr), args.join(" ")).toMatchObject([{ level: "ERROR" }])
    }
  })

  it("of a run has what an agent writes to standard output, line by line", async () => {
    const ended = await converge(["run", module("one"), "--log-format", "json", "--quiet"])
    expect(ended.code).toBe(0)
    const messages = recordsOf(ended.stderr).map(({ message }) => message)
    expect(messages).toContain("written to standard output by an agent")
  })

  it("keeps an annotation with the name of a field of its own", () => {
    const entry = { timestamp: "t", level: "INFO", message: "m", annotations: { level: "mine", job: "a" } }
    expect(JSON.parse(logRecord(entry))).toEqual({ ...entry, job: "a", annotations: { level: "mine" } })
  })
})

describe("a log for people", () => {
  it("is the default, on standard error", async () => {
    const { server, url } = await listening([])
    expect((await post(url, { program: "counting", input: { upTo: 3 }, id: "three" })).status).toBe(200)
    const { stderr, stdout } = await stopped(server)
    expect(stdout).toBe("")
    expect(stderr).toMatch(
      /^converge: listening on [^]* INFO .*job three started[^]* INFO .*job three ended: converged/
    )
  })

  it("is refused in a form that there is not", async () => {
    const environment = { CONVERGE_LOG_FORMAT: "yaml" }
    const refused = await runCount("counting", [], { environment })
    expect(refused).toMatchObject({ code: 64, stderr: "converge: CONVERGE_LOG_FORMAT takes text or json\n" })
  })
})

describe("a hangup", () => {
  it("drains a server, as other signals do", async () => {
    const { server } = await listening([])
    expect(await stopped(server, "SIGHUP")).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("converge: shutting down") as string
    })
  })
})

describe("a file of tokens", () => {
  it("gives each its rights, and its name to the log", async () => {
    const tokens = [
      { name: "deploy", token: "acts" },
      { name: "screen", token: "looks", scopes: ["read"] }
    ]
    writeFileSync(join(folder, "tokens.json"), JSON.stringify(tokens))
    const environment = { CONVERGE_LOG_FORMAT: "json", CONVERGE_TOKEN_FILE: "tokens.json", CONVERGE_TOKEN: "old" }
    const { server, url } = await listening([], environment)
    const cancel = (token: string) =>
      fetch(`${url}/api/v1/jobs/long/cancel`, { method: "POST", headers: { authorization: `Bearer ${token}` } })
    const started = await fetch(`${url}/api/v1/jobs`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer old", prefer: "respond-async" },
      body: JSON.stringify({ program: "counting", input: { upTo: 2 }, id: "long" })
    })
    expect(started.status).toBe(202)
    expect([(await cancel("looks")).status, (await cancel("wrong")).status]).toEqual([403, 401])
    expect([200, 409]).toContain((await cancel("acts")).status)
    const { stderr } = await stopped(server)
    expect(recordsOf(stderr).filter(({ action }) => action !== undefined)).toMatchObject([
      { level: "INFO", action: "start", job: "long", token: "token 1" },
      { level: "INFO", action: "cancel", job: "long", token: "deploy" }
    ])
    expect(stderr).not.toMatch(/acts|looks|old/)
  })

  it.each([
    ["none.json", "there is no such file"],
    [".", "it is a folder"],
    ["bad.txt", "line 1: a token has visible characters of ASCII, and no comma"]
  ])("that cannot be used is refused: %s", async (file, why) => {
    writeFileSync(join(folder, "bad.txt"), "top secret\n")
    const refused = await converge(["serve", module("count"), "--token-file", file], { folder })
    expect(refused).toMatchObject({ code: 64, stderr: `converge: cannot use the tokens of ${file}: ${why}\n` })
  })
})
