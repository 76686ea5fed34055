/** `converge run`: what it prints, where, and the exit code. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, onTestFinished, vi } from "vitest"
import * as apart from "../support/cli/converge.ts"
import { converge, jsonOf, module, runCount } from "../support/cli/inProcess.ts"
import { levelsOf, nestedText } from "../support/nested.ts"

// Each test starts a process that is busy for half a second.
vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const keys = [
  "jobId",
  "program",
  "status",
  "cycles",
  "version",
  "hash",
  "usage",
  "facts",
  "output",
  "intents",
  "diagnostics",
  "error"
]

describe.concurrent("converge run", () => {
  it.each([
    ["squares", 0, { status: "converged", facts: { Number: 5, Square: 5 }, output: { sum: 55 }, error: null }],
    ["exhausted", 2, { status: "budget-exhausted", output: null, error: { _tag: "BudgetExhausted", limit: 3 } }],
    [
      "failing",
      3,
      {
        status: "failed",
        facts: { Number: 3 },
        output: null,
        error: { _tag: "AgentFailed", agent: "break", cycle: 2, error: { _tag: "Broken", part: "axle" } }
      }
    ]
  ])("%s --json --quiet: exit code %d, one line, and nothing else", async (program, code, expected) => {
    const ended = await apart.runCount(program, ["--json", "--quiet", "--id", "job-1"])
    expect(ended).toMatchObject({ code, stderr: "" })
    const json = jsonOf(ended)
    expect(Object.keys(json)).toEqual(keys)
    expect(json).toMatchObject({ jobId: "job-1", program, ...expected })
  })

  it("--facts gives all facts, in commit order, with their provenance", async () => {
    const { facts } = jsonOf(await runCount("counting", ["--json", "--facts", "--input", '{"upTo": 2}']))
    expect(facts).toEqual([
      expect.objectContaining({ kind: "Number", id: "n/-1", value: { n: -1 } }),
      expect.objectContaining({ id: "n/0", provenance: expect.objectContaining({ agent: "count", cycle: 1 }) })
    ])
  })

  it("warns of half a join on standard error, and so does verify", async () => {
    for (const command of ["run", "verify"]) {
      const { code, stderr } = await converge([command, module("halfJoin")])
      expect(code).toBe(0)
      expect(stderr).toContain('converge: warning: the agent "bill" runs for each new Order and reads Price')
      expect((await converge([command, module("halfJoin"), "--quiet"])).stderr).toBe("")
    }
  })

  it("for people: the headline, counts, output; progress only on standard error", async () => {
    const { code, stderr, stdout } = await runCount("squares")
    expect(code).toBe(0)
    expect(stdout).toMatch(/^✔ squares converged {2}7 cycles, 10 facts, 10 tasks in /)
    expect(stdout).toContain("facts\n  Number  5\n  Square  5\n")
    expect(stdout).toContain('output\n  {\n    "sum": 55\n  }\n')
    expect(stderr).toMatch(/^squares: cycles? .*tier 2 of 2, 5 tasks, \+5 facts, 10 in all, /m)
    expect(stdout + stderr).not.toContain("\u001b")
  })

  it("for people: the error with its fields, and what was found before it", async () => {
    const { stdout } = await runCount("failing", ["--quiet"])
    expect(stdout).toMatch(/^✖ failing failed {2}2 cycles/)
    expect(stdout).toContain('AgentFailed: agent "break" failed in cycle 2')
    expect(stdout).toContain('  error  { "_tag": "Broken", "part": "axle"')
    expect(stdout).toContain("facts\n  Number  3\n")
  })

  it("for people: ten diagnostics, how many there are more, and no escape sequence of theirs", async () => {
    const { code, stdout } = await runCount("discarding", ["--quiet"])
    expect(code).toBe(0)
    // The first line says it, too.
    expect(stdout).toMatch(/^✔ discarding converged with 12 discarded effects {2}\d/)
    expect(stdout).toContain("diagnostics (12)\n")
    expect(stdout.match(/^ {2}cycle 1 {2}refuse on Number\/n\/\d+ {2}AgentFailed: Broken /gm)).toHaveLength(10)
    expect(stdout).toContain("  ... and 2 more\n")
    expect(stdout).not.toContain("\u001b")
  })

  it("--strict: a job that converged with diagnostics is exit code 3, and one without is 0", async () => {
    const doubtful = await runCount("discarding", ["--quiet", "--strict"])
    expect(doubtful.code).toBe(3)
    expect(doubtful.stdout).toContain("discarding converged with 12 discarded effects")
    expect((await runCount("squares", ["--quiet", "--strict"])).code).toBe(0)
    expect((await runCount("failing", ["--quiet", "--strict"])).code).toBe(3)
    const missed = await runCount("unheard", ["--quiet", "--strict"])
    expect(missed.code).toBe(3)
    expect(missed.stdout).toMatch(/^✔ unheard converged with 1 diagnostic {2}\d/)
    expect(missed.stdout).toContain(
      'NotPerformed: nobody performs the 1 intent of the kind "Tell": export a handler of it from the module, ' +
        'Engine.handler("Tell", ...)'
    )
  })

  it("colours are for whoever asks for them", async () => {
    const { stdout } = await runCount("squares", ["--workers", "0", "--quiet"], { environment: { FORCE_COLOR: "1" } })
    expect(stdout).toContain("\u001b[32m✔ squares converged\u001b[39m")
  })

  it("5,000 fast cycles do not flood a log", async () => {
    const { code, stderr } = await runCount("counting", ["--input", '{"upTo": 5000}'])
    expect(code).toBe(0)
    const lines = stderr.trimEnd().split("\n")
    expect(lines.length).toBeLessThan(100)
    expect(lines.at(-1)).toMatch(/^counting: cycles? .*5,000, .* 5,000 in all, /)
    // Every cycle is in one line, and none in two.
    const tasks = lines.map((line) => Number(/([\d,]+) tasks?,/.exec(line)?.[1]?.replaceAll(",", "")))
    expect(tasks.reduce((sum, count) => sum + count, 0)).toBe(5_000)
  })

  it("0, 1 and 2 workers give the same hash", async () => {
    const hashes: Array<unknown> = []
    for (const workers of ["0", "1", "2"]) {
      hashes.push(jsonOf(await runCount("squares", ["--json", "--quiet", "--workers", workers]))["hash"])
    }
    expect(hashes).toEqual([hashes[0], hashes[0], hashes[0]])
  })
})

describe.concurrent("--explain", () => {
  it("prints the derivation after the result; the id may hold slashes", async () => {
    const { code, stdout } = await runCount("squares", ["--workers", "0", "--quiet", "--explain", "Number/n/2"])
    expect(code).toBe(0)
    expect(stdout).toContain(
      [
        "where Number/n/2 comes from",
        "  Number/n/2  (count, cycle 1)",
        '    trace: {"from":1}',
        "  └─ Number/n/1  (seed, cycle 0)",
        ""
      ].join("\n")
    )
  })

  it("takes a kind and an id as JSON, too, and refuses what names no fact", async () => {
    const { code, stdout } = await runCount("squares", ["--workers", "0", "--quiet", "--explain", '["Number","n/2"]'])
    expect(code).toBe(0)
    expect(stdout).toContain("where Number/n/2 comes from")
    // An id may be empty; this program has no such fact.
    const empty = await runCount("squares", ["--workers", "0", "--quiet", "--explain", "Number/"])
    expect(empty.stderr).toContain("there is no fact Number/; the context holds")
    expect((await runCount("squares", ["--workers", "0", "--quiet", "--explain", "Number"])).code).toBe(64)
  })

  it("is a list of nodes in the JSON, also of a failed job", async () => {
    const ended = await runCount("failing", ["--json", "--quiet", "--explain", "Number/n/2"])
    expect(ended.code).toBe(3)
    expect(jsonOf(ended)["explanation"]).toEqual({
      nodes: [
        expect.objectContaining({ kind: "Number", id: "n/2", value: { n: 2 }, trace: { from: 1 }, causes: [1] }),
        expect.objectContaining({ id: "n/1", trace: null, causes: [], omitted: 0 })
      ]
    })
  })

  it("a derivation of 9,999 facts can be printed", async () => {
    const args = ["--quiet", "--input", '{"upTo": 9999}', "--explain", "Number/n/0"]
    const { stdout } = await runCount("counting", args)
    expect(stdout).toMatch(/\n +Number\/n\/0 {2}\(count, cycle 9998\)\n[^]*└─ … 9948 more below\n$/)
  })

  it("a fact that is not there is said on standard error, and the exit code is the job's", async () => {
    const ended = await runCount("squares", ["--workers", "0", "--json", "--quiet", "--explain", "Number/n/77"])
    expect(ended.code).toBe(0)
    expect(jsonOf(ended)).toMatchObject({ status: "converged", explanation: null })
    expect(ended.stderr).toBe("converge: --explain: there is no fact Number/n/77; the context holds 5 of that kind\n")
  })

  it.each([
    ["Number", "needs kind/id"],
    ["/n", "needs kind/id"],
    ["Nmber/n/1", 'has no kind "Nmber"; choose one of these:']
  ])("%s is refused before the job runs: %s", async (ref, message) => {
    const { code, stderr, stdout } = await runCount("squares", ["--explain", ref])
    expect({ code, stdout }).toEqual({ code: 64, stdout: "" })
    expect(stderr).toContain(message)
  })
})

describe.concurrent("services", () => {
  it("agents get the module's layer and Node's services; what they print does not reach standard output", async () => {
    const ended = await converge(["run", module("one"), "--json", "--quiet"])
    expect(ended.code).toBe(0)
    expect(jsonOf(ended)["output"]).toEqual(["hello, file"])
    expect(ended.stderr).toBe("written to standard output by an agent\n")
  })

  it("what threads print does not reach standard output either; a bigint is printed as its digits", async () => {
    const ended = await converge(["run", module("odd"), "--program", "talking", "--json", "--quiet"])
    expect(jsonOf(ended)["output"]).toBe("10")
    expect(ended.stderr).toBe("written to standard output by a thread\n")
  })

  it("a service that nobody provides ends the job, with a hint", async () => {
    const { code, stdout } = await converge(["run", module("noLayer"), "--quiet"])
    expect(code).toBe(3)
    expect(stdout).toContain("AgentPanicked: Service not found: test/Greeter")
    expect(stdout).toContain('by exporting a Layer as "layer": export const layer = ')
    expect(stdout).toContain("FileSystem, Path, Stdio, Terminal and ChildProcessSpawner of Effect are there anyway.")
  })

  it("a layer that fails is exit code 70", async () => {
    const environment = { TEST_LAYER: "fails" }
    const ended = await apart.converge(["run", module("odd"), "--program", "circular"], { environment })
    expect(ended).toMatchObject({ code: 70, stdout: "" })
    expect(ended.stderr).toMatch(/the layer of .*odd\.ts failed\n\n {2}Error: no database/)
  })

  it("an output that JSON cannot hold is left out of the result", async () => {
    const ended = await converge(["run", module("odd"), "--program", "circular", "--json"])
    expect(ended.code).toBe(0)
    expect(jsonOf(ended)["output"]).toBe(null)
    expect(ended.stderr).toContain("the output is no JSON: Converting circular structure")
  })

  it("prints an output that is nested very deep up to a depth, live and from a store, and says where it is cut", async () => {
    const folder = mkdtempSync(join(tmpdir(), "converge-deep-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const store = join(folder, "jobs.db")
    const run = ["run", module("odd"), "--program", "deep", "--input", "1"]
    const ended = await converge([...run, "--json", "--store", store, "--id", "job"])
    expect(ended.code).toBe(0)
    const json = jsonOf(ended)
    expect(levelsOf(json["output"])).toBe(256)
    expect(ended.stdout).toContain("(nested deeper than 256 levels)")
    const shown = await converge(["show", "--store", store, "job", "--json"])
    expect(jsonOf(shown)["output"]).toEqual(json["output"])
    // Without --facts, show cuts a page as long as this one.
    for (const args of [run, ["show", "--facts", "--store", store, "job"]]) {
      const page = await converge(args)
      expect(page.code).toBe(0)
      expect(page.stdout).toContain("(nested deeper than 256 levels)")
    }
    const verified = await converge(["verify", module("odd"), "--program", "deep", "--input", "1", "--workers", "0"])
    expect(verified.code).toBe(0)
  })

  it("refuses an input that is nested very deep, and says so", async () => {
    const ended = await apart.converge(["run", module("odd"), "--program", "deep", "--input-file", "-"], {
      input: nestedText(100_000)
    })
    expect(ended).toMatchObject({ code: 64, stdout: "" })
    expect(ended.stderr).toBe("converge: standard input: a value is nested deeper than 256 levels, or circular\n")
  })

  it("finds the programs of a CommonJS module, also on its workers", async () => {
    const path = module("common").replace(/\.ts$/, ".cjs")
    const ended = await converge(["run", path, "--json", "--quiet", "--workers", "1"])
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(jsonOf(ended)).toMatchObject({ program: "common", facts: { Square: 1 }, output: 1 })
  })
})
