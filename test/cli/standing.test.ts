/** How stored jobs stand, and what is counted: the same in every command, and on a narrow terminal as on a wide one. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { jobJson, pageOf } from "../../src/cli/jobs.ts"
import { converge, jsonOf, module, runCount, start } from "../support/cli/inProcess.ts"
import { until } from "../support/until.ts"

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-standing-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe("a stored job", () => {
  it("that awaits answers, or is paused, is shown as such", async () => {
    const environment = { CONVERGE_STORE: "asking.db", CONVERGE_PORT: "0" }
    const server = start(["serve", module("asking")], { folder, environment })
    let said = ""
    server.process.stderr?.on("data", (chunk: string) => (said += chunk))
    await server.says(/listening on http\S+,/)
    const url = /http:\/\/[\w.:]+\d/.exec(said)?.[0] ?? ""
    const post = (path: string, body?: object) =>
      fetch(`${url}/api/v1/jobs${path}`, {
        method: "POST",
        headers: { prefer: "respond-async", ...(body === undefined ? {} : { "content-type": "application/json" }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
    const on = (...args: ReadonlyArray<string>) => converge([...args, "--store", "asking.db"], { folder })
    const stateOf = async (): Promise<unknown> => jsonOf(await on("show", "ask", "--json"))["state"]
    expect((await post("", { program: "asking", id: "ask" })).status).toBe(202)
    await until(async () => (await stateOf()) === "awaiting")
    expect((await on("show", "ask")).stdout).toMatch(/^⏸ ask is awaiting answers\n/)
    expect((await on("jobs")).stdout).toMatch(/\nawaiting +ask +asking +/)
    expect((await post("/ask/pause")).status).toBe(200)
    await until(async () => (await stateOf()) === "paused")
    expect((await on("show", "ask")).stdout).toMatch(/^⏸ ask is paused\n/)
    expect((await on("jobs")).stdout).toMatch(/\npaused +ask +asking +/)
    expect(jsonOf(await on("jobs", "--json"))).toMatchObject({ jobs: [{ status: "unfinished", state: "paused" }] })
    server.process.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it("has as many cycles in every command as its run had", async () => {
    const run = jsonOf(await runCount("counting", ["--json", "--quiet", "--id", "c", "--store", "c.db"], { folder }))
    const { cycles } = run
    const on = async (...args: ReadonlyArray<string>) =>
      jsonOf(await converge([...args, "--store", "c.db", "--json"], { folder }))
    expect(await on("show", "c")).toMatchObject({ cycles, state: "converged" })
    expect(await on("jobs")).toMatchObject({ jobs: [{ cycles, state: "converged" }] })
    expect(await on("verify")).toMatchObject({ jobs: [{ cycles }] })
  })
})

describe("a list of jobs", () => {
  const job = (id: string) => ({
    jobId: id,
    program: "a-program-with-a-long-name",
    status: "converged" as const,
    createdAt: Date.UTC(2026, 0, 2, 3, 4, 5),
    haltedAt: Date.UTC(2026, 0, 2, 3, 4, 6),
    cycle: 1_233,
    hash: "",
    isHeld: false,
    attempts: undefined
  })
  const lines = (width: number): ReadonlyArray<string> =>
    pageOf([job("0d9c1c52-6b6b-4d0e-8f2a-3d1f2b8f0a11")], ["converged"], { style: (_, text) => text, width }).split(
      "\n"
    )

  it("has fewer columns on a narrow terminal, and whole ids and figures on each", () => {
    expect(lines(120)[1]).toMatch(
      /^converged {2}0d9c.*0a11 {2}a-program-with-a-long-name {3}1,234 {2}2026-01-02 03:04:05Z {2}1\.0 s$/
    )
    expect(lines(100)[1]).toMatch(/0a11 {2}a-program-with-… {3}1,234 {2}01-02 03:04 {2}1\.0 s$/)
    for (const width of [120, 100, 80, 76]) {
      for (const line of lines(width)) expect(line.length, line).toBeLessThanOrEqual(width)
      expect(lines(width)[1]).toMatch(/0d9c1c52-6b6b-4d0e-8f2a-3d1f2b8f0a11.* 1,234/)
    }
  })

  it("has a long id on a line of its own, whole, where its row would not fit, and keeps the columns of the others", () => {
    const long = "x".repeat(150)
    const shown = (width: number): ReadonlyArray<string> =>
      pageOf([job("a"), job(long), job("b")], ["converged", "failed", "converged"], {
        style: (_, text) => text,
        width
      }).split("\n")
    for (const width of [80, 120]) {
      const [head, a, row, id, b, ...rest] = shown(width)
      expect(head).toMatch(/^status +job +program +cycles +created +took$/)
      expect(a).toMatch(/^converged {2}a .*1,234 .*1\.0 s$/)
      expect(row).toMatch(/^failed {5}… .*1,234 .*1\.0 s$/)
      expect(id).toBe(`  ${long}`)
      expect(b).toMatch(/^converged {2}b /)
      expect(rest).toEqual([])
      for (const line of [head, a, row, b]) expect(line!.length).toBeLessThanOrEqual(width)
    }
    expect(shown(300)).toHaveLength(4)
    expect(shown(300)[2]).toContain(`${long}  a-program`)
  })

  it("says in JSON how each stands", () => {
    expect(jobJson(job("a"), "converged")).toMatchObject({ status: "converged", state: "converged", cycles: 1_234 })
  })
})
