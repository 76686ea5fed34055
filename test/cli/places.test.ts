/** The same command, on a file and on the server that has it: the same bytes and the same exit code. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { JobStore } from "../../src/index.ts"
import asking from "../support/cli/asking.ts"
import { counting, exhausted, failing, squares } from "../support/cli/count.ts"
import { converge, jsonOf, module, runCount } from "../support/cli/inProcess.ts"
import { type Running, serve, stateOf, until } from "../support/server/harness.ts"

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-places-"))
const file = join(folder, "jobs.db")
let running: Running

/** An id that is no plain segment of a path. */
const odd = "odd é (1), & 'two'"

beforeAll(async () => {
  const stored = ["--quiet", "--store", file, "--workers", "0"]
  await runCount("squares", [...stored, "--id", "sq"])
  await runCount("failing", [...stored, "--id", "fa"])
  await runCount("exhausted", [...stored, "--id", "ex"])
  await runCount("counting", [...stored, "--id", "co", "--input", '{"upTo": 4}', "--attribute", "customer=Ada"])
  const fork = ["fork", module("count"), "co", "--at", "2", "--fact", 'Number={"n": 100}', "--id", "co-fork"]
  expect((await converge([...fork, ...stored])).code).toBe(0)
  await runCount("counting", [...stored, "--id", odd])
  await runCount("counting", [...stored, "--id", "bad"])
  const database = new DatabaseSync(file)
  database.exec(`UPDATE converge_rows SET text = replace(text, '"n":-1', '"n":-2')
    WHERE job = (SELECT rowid FROM converge_jobs WHERE job_id = 'bad')`)
  database.close()
  running = await serve(
    { programs: [asking, counting, exhausted, failing, squares] },
    { store: JobStore.layerSqlite({ filename: file }) }
  )
  await running.post("/api/v1/jobs", { program: "asking", id: "ask" }, { prefer: "respond-async" })
  await until(async () => (await stateOf(running, "ask")) === "awaiting")
}, 60_000)
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** A command on the file and on the server. */
const both = async (args: ReadonlyArray<string>) => [
  await converge([...args, "--store", file]),
  await converge([...args, "--server", running.url])
]

const same = async (args: ReadonlyArray<string>, code: number, part: string | RegExp) => {
  const [stored, served] = await both(args)
  expect(served, args.join(" ")).toEqual(stored)
  expect([args, stored!.code], stored!.stderr).toEqual([args, code])
  expect(stored!.stdout + stored!.stderr).toMatch(part)
}

const commands: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number, part: string | RegExp]> = [
  [["jobs"], 0, /awaiting +ask[^]*converged +co-fork[^]*budget-exhausted +ex/],
  [["jobs", "--status", "converged", "--program", "counting", "--limit", "1"], 0, /more: --cursor/],
  [["jobs", "--since", "1d", "--query", "SQ"], 0, /^status.*\nconverged +sq +squares [^\n]*\n$/],
  [["jobs", "--query", "agentfailed"], 0, /^status.*\nfailed +fa [^\n]*\n$/],
  [["jobs", "--attribute", "customer=Ada"], 0, /^status.*\nconverged +co-fork .*\nconverged +co .*\n$/],
  [["jobs", "--attribute", "customer:Ada"], 0, /^status.*\nconverged +co-fork .*\nconverged +co .*\n$/],
  [["jobs", "--attribute", "nocolon"], 64, 'an attribute is written as name=value, not as "nocolon"'],
  [["jobs", "--status", "awaiting"], 0, /^status.*\nawaiting +ask [^\n]*\n$/],
  [["jobs", "--status", "paused"], 0, /^no jobs\n$/],
  [["jobs", "--status", "quarantined"], 0, /^no jobs\n$/],
  [["jobs", "--until", "2020-01-31"], 0, /^no jobs\n$/],
  [["jobs", "--since", "2020-01-31", "--query", "ex", "--limit", "1"], 0, /budget-exhausted +ex /],
  [["jobs", "--since", "yesterday"], 64, "--since needs a date, a time, or a duration before now"],
  [["show", "sq"], 0, "sq converged"],
  [["show", "sq", "--facts"], 0, "Number/n/1"],
  [["show", "fa"], 0, /AgentFailed[^]*axle/],
  [["show", "ex"], 0, "BudgetExhausted"],
  [["watch", "sq"], 0, /squares converged[^]*"sum": 55/],
  [["watch", "fa"], 3, "AgentFailed"],
  [["watch", "ex", "--facts"], 2, "BudgetExhausted"],
  [["approvals"], 0, /ask {2}go[^]*May it go\?/],
  [["approvals", "ask"], 0, "May it go?"],
  [["replay", "sq", "--at", "2"], 0, "sq after cycle 2"],
  [["replay", "ask", "--facts"], 0, "ask after cycle"],
  [["diff", "sq", "0", "3"], 0, /sq: cycle 0 → 3 {2}3 added/],
  [["diff", "sq", "--from", "1", "--to", "2"], 0, "1 added"],
  [["diff", "co", "co-fork"], 0, /co, cycle \d → co-fork, cycle \d {2}\d added/],
  [["diff", "co", "co-fork", "--from", "1", "--to", "0"], 0, "co, cycle 1 → co-fork, cycle 0"],
  [["explain", "sq", "Square/5"], 0, "where Square/5 comes from"],
  [["lineage", "sq", "Number/n/4"], 0, "follow from Number/n/4"],
  [["events", "sq"], 0, "JobHalted"],
  [["events", "fa", "--after", "3"], 0, "AgentFailed: Broken"],
  [["verify", "--id", "sq"], 0, "1 journal: all intact"],
  [["rehearse", module("count"), "--job", "sq"], 0, "would have come out the same"],
  [["show", odd], 0, "It converged after cycle"],
  [["events", odd], 0, "JobHalted"],
  [
    ["show", "bad"],
    3,
    /✔ bad converged\n {2}The store has the job as converged, but its journal is corrupt after cycle 2\./
  ],
  [["show", "bad"], 3, /^(?![^]*has not ended)[^]*the row of cycle 3/],
  [["watch", "bad"], 3, /the row of cycle \d/],
  [["replay", "bad"], 3, /the row of cycle \d/],
  [["events", "bad"], 3, /the row of cycle \d/],
  [["verify", "--id", "bad"], 3, "corrupt"],
  [["verify"], 3, "1 of 8 journals corrupt"],
  [["show", "nobody"], 64, "there is no job nobody"],
  [["watch", "nobody"], 64, "there is no job nobody"],
  [["cancel", "nobody"], 64, "there is no job nobody"],
  [["replay", "sq", "--at", "99"], 64, "99"],
  [["explain", "sq", "Square/99"], 64, "there is no fact Square/99"],
  [["jobs", "--cursor", "x"], 64, "--cursor"],
  [["prune", "--older-than", "1d"], 0, "deleted 0 jobs"],
  [["cancel", "sq"], 0, "before this"],
  [["cancel", "bad"], 0, "before this"]
]

describe("a command prints the same of a file and of a server", () => {
  it.each(commands)("%j", (args, code, part) => same(args, code, part))

  it.each(
    commands
      .filter(
        ([args, code]) => (code === 0 || args[0] === "show" || args[1] !== "bad") && code !== 64 && args[0] !== "verify"
      )
      .map(([args, code]) => [args, code] as const)
  )("%j --json", (args, code) => same([...args, "--json"], code, /^\{/))

  it("verify --json, but for the structure of the file, which the server checks itself", async () => {
    const [stored, served] = await both(["verify", "--id", "sq", "--json"])
    expect(JSON.parse(stored!.stdout)).toMatchObject({ structure: [], isIntact: true })
    expect(JSON.parse(served!.stdout)).toEqual({ ...JSON.parse(stored!.stdout), structure: null })
  })

  it.each(["export", "inspect"])("%s writes the same file", async (command) => {
    const out = (place: string) => join(folder, `${command}-${place}`)
    const write = async (place: "store" | "server", where: string) => {
      // A server knows the program of the job, of which the page of a record shows the graph.
      const from = command === "inspect" && place === "store" ? [module("count")] : []
      const ended = await converge([command, ...from, "sq", "--out", out(place), `--${place}`, where])
      expect([ended.code, ended.stderr]).toEqual([0, ""])
      return readFileSync(out(place), "utf8").replace(/"recordedAt":\d+/, "")
    }
    const stored = await write("store", file)
    expect(stored.length).toBeGreaterThan(500)
    expect(await write("server", running.url)).toBe(stored)
  })

  it("backup makes the same file, which is not replaced", async () => {
    const make = async (place: "store" | "server", where: string) => {
      const copy = join(folder, `copy-${place}.db`)
      const made = await converge(["backup", copy, "--json", `--${place}`, where])
      expect([made.code, made.stderr]).toEqual([0, ""])
      const again = await converge(["backup", copy, `--${place}`, where])
      expect([again.code, again.stderr]).toEqual([64, `converge: ${copy}: the file exists already\n`])
      const jobs = await converge(["jobs", "--json", "--store", copy])
      return { bytes: jsonOf(made)["bytes"], jobs: jobs.stdout, verified: await converge(["verify", "--store", copy]) }
    }
    const stored = await make("store", file)
    expect(stored.jobs).toContain('"jobId":"sq"')
    expect(await make("server", running.url)).toEqual(stored)
    for (const place of [
      ["--store", file],
      ["--server", running.url]
    ]) {
      const nowhere = await converge(["backup", "/nowhere/copy.db", ...place])
      const stderr = "converge: /nowhere/copy.db: there is no folder /nowhere\n"
      expect(nowhere).toEqual({ code: 64, stdout: "", stderr })
    }
    expect(
      readdirSync(folder)
        .filter((name) => /copy|partial/.test(name))
        .toSorted()
    ).toEqual(["copy-server.db", "copy-store.db"])
  })

  it("run and fork refuse an id and attributes that no job can have", async () => {
    const many = Array.from({ length: 17 }, (_, index) => ["--attribute", `a${index}=1`]).flat()
    for (const bad of [["--id", "a/b"], ["--id", "x".repeat(201)], ["--attribute", ":b=1"], many]) {
      const here = await runCount("counting", [...bad, "--store", file])
      const there = await converge(["run", "-p", "counting", ...bad, "--server", running.url])
      expect(there).toEqual(here)
      expect([there.code, there.stdout]).toEqual([64, ""])
      const forkedHere = await converge(["fork", module("count"), "co", ...bad, "--store", file])
      expect(await converge(["fork", "co", ...bad, "--server", running.url])).toEqual(forkedHere)
      expect(forkedHere.code).toBe(64)
    }
    const withInput = ["run", "-p", "counting", "--id", "a/b", "--input", "{}", "--server", running.url]
    expect((await converge(withInput)).stderr).toMatch(/^converge: the job was not started: a job's id must be/)
  })

  it("run, of a job that has ended", async () => {
    const here = await runCount("squares", ["--id", "sq", "--store", file])
    const there = await converge(["run", "--program", "squares", "--id", "sq", "--server", running.url])
    expect(there).toEqual(here)
    const args = ["--id", "fa", "--json", "--facts"]
    const failed = await runCount("failing", [...args, "--store", file])
    expect(failed.code).toBe(3)
    expect(await converge(["run", "-p", "failing", ...args, "--server", running.url])).toEqual(failed)
    const explained = ["--id", "sq", "--explain", "Square/5"]
    expect(await converge(["run", "-p", "squares", ...explained, "--server", running.url])).toEqual(
      await runCount("squares", [...explained, "--store", file])
    )
  })

  it("resume, of a job that has ended", async () => {
    const here = await converge(["resume", module("count"), "--id", "ex", "--store", file])
    expect(here.code).toBe(2)
    expect(await converge(["resume", "ex", "--server", running.url])).toEqual(here)
  })
})
