/** `converge simulate`: programs of a module through orders and faults that seeds decide. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module } from "../support/cli/inProcess.ts"

vi.setConfig({ testTimeout: 60_000 })

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "converge-simulate-"))
})
afterAll(() => rmSync(folder, { recursive: true }))

const simulate = (program: string, ...args: ReadonlyArray<string>) =>
  converge(["simulate", module("simulated"), "-p", program, ...args])

describe("converge simulate", () => {
  it("says what all seeds of a program went through, with progress on standard error", async () => {
    const ended = await simulate("steady", "--seeds", "40")
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(
      /^✔ steady gives the same in every order and through every fault {2}40 seeds\n {2}\d+ lives of the process, \d+ runs? cancelled\n {2}kills \d+/
    )
    expect(ended.stderr).toContain("steady: seed 1 of 40\n")
    expect(ended.stderr).toContain("steady: seed 37 of 40\n")
    const quiet = await simulate("steady", "-n", "5", "--quiet", "--json", "--input", '{"ids": ["x"]}')
    expect(quiet).toMatchObject({ code: 0, stderr: "" })
    expect(jsonOf(quiet)).toMatchObject({
      program: "steady",
      isSame: true,
      status: "converged",
      error: null,
      seeds: 5,
      failure: null
    })
  })

  it("shows the first seed that differs, its smallest run in words, and the command that runs it again", async () => {
    const ended = await simulate("hurried", "--faults", "load,kills")
    expect(ended.code).toBe(3)
    const seed = /with seed (\d+)\n/.exec(ended.stdout)?.[1]
    expect(ended.stdout).toContain(`✖ hurried gives something else with seed ${seed}\n`)
    expect(ended.stdout).toContain("the job ends with AgentTimedOut, not with converged")
    expect(ended.stdout).toMatch(/agent "rate" on Item\/a\s+is the first that differs in cycle 1/)
    expect(ended.stdout).toMatch(/\nthe smallest run that differs\n {2}agents and handlers wait [34] times as long\n/)
    expect(ended.stdout).toContain(
      `\nto run it again\n  converge simulate ${module("simulated")} --seed ${seed} --program hurried --faults load,kills\n`
    )
    expect(ended.stderr).toContain(`hurried: seed ${seed} differs; looking for the smallest run that does\n`)
    const again = await simulate("hurried", "--faults", "load,kills", "--seed", seed ?? "")
    expect(again).toMatchObject({ code: 3, stdout: ended.stdout })
    expect((await simulate("hurried", "--faults", "kills", "-n", "20")).code).toBe(0)
    expect((await simulate("hurried", "--faults", "none", "-n", "20")).code).toBe(0)
  })

  it("gives the same in JSON, the same bytes for the same seed", async () => {
    const args = ["dice", "--seed", "7", "--json", "--input", '{"ids": ["it\'s"]}', "-q"] as const
    const ended = await simulate(...args)
    expect(ended.code).toBe(3)
    expect(jsonOf(ended)).toMatchObject({
      program: "dice",
      isSame: false,
      failure: {
        _tag: "SimulationFailed",
        seed: 7,
        what: "journal",
        agent: "rate",
        each: { kind: "Item", id: "it's" },
        fact: { kind: "Rated", id: "it's" },
        cycle: 1,
        happens: ["random numbers are others"],
        again: `converge simulate ${module("simulated")} --seed 7 --program dice --input '{"ids": ["it'\\''s"]}'`
      }
    })
    expect((await simulate(...args)).stdout).toBe(ended.stdout)
  })

  it("names the agent that waits for something outside, and exits with 3", async () => {
    const ended = await simulate("reading", "-q")
    expect(ended.code).toBe(3)
    expect(ended.stdout).toMatch(
      /^✖ reading cannot be simulated\n {2}agent "rate" on Item\/a waits for a file, which is/
    )
    expect(jsonOf(await simulate("reading", "--json", "-q"))).toMatchObject({
      failure: { _tag: "WaitsOutside", seed: null, agent: "rate", waitsFor: "a file" }
    })
  })

  it("exits with 3 for a program whose runs all fail alike", async () => {
    const ended = await simulate("failing", "-n", "10", "-q")
    expect(ended.code).toBe(3)
    expect(ended.stdout).toMatch(/^✖ failing did not converge: 10 seeds ended alike, with AgentPanicked\n/)
  })

  it("lets signals arrive by the seed, and performs intents with the module's handlers", async () => {
    const signals = join(folder, "signals.json")
    const items = [5, 7].map((n) => ({ kind: "Item", value: { n } }))
    writeFileSync(signals, JSON.stringify(items))
    const args = ["simulate", module("arrivals"), "-q", "--signals", signals, "-p"]
    expect(await converge([...args, "single", "-n", "30"])).toMatchObject({ code: 0 })
    const half = await converge([...args, "latest"])
    expect(half.code).toBe(3)
    expect(half.stdout).toMatch(/Pair\/\d-\d, which "pair" adds, is (missing|there)/)
    expect(half.stdout).toMatch(/ {2}Item\/\d.* at step \d+/)
    expect(half.stdout).toContain(`--signals ${signals}\n`)
    const handled = await converge(["simulate", module("handled"), "-n", "40", "-q"])
    expect(handled).toMatchObject({ code: 0 })
    expect(handled.stdout).toMatch(/late-answers \d+/)
  })

  it("runs the lines of the guide as they stand there", () => {
    const page = readFileSync(new URL("../../docs/guide/14-testing.md", import.meta.url), "utf8")
    const lines = [...page.matchAll(/^converge (simulate .*)$/gm)].map(([, line = ""]) => line)
    expect(lines.length).toBe(2)
    const built = fileURLToPath(new URL("../../dist/src/cli/main.js", import.meta.url))
    const examples = fileURLToPath(new URL("../../docs/examples/guide", import.meta.url))
    for (const line of lines) {
      const args = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word]) => quoted ?? word ?? "")
      // The example imports the built package, and so must the command.
      const ended = spawnSync(process.execPath, [built, ...args, "--quiet"], { cwd: examples, encoding: "utf8" })
      expect(ended.stdout).toMatch(/^✔ parcels gives the same in every order and through every fault/)
      expect(ended.status).toBe(0)
    }
  })

  it("runs no seed where a service is missing, and says how the module provides it", async () => {
    const ended = await converge(["simulate", module("noLayer"), "--seeds", "500"])
    expect(ended.code).toBe(3)
    expect(ended.stdout).toMatch(/^✖ \S+ was not simulated: its plain run ended with AgentPanicked\n/)
    expect(ended.stdout).toContain("Service not found: test/Greeter")
    expect(ended.stdout).toContain('by exporting a Layer as "layer": export const layer = ')
    expect(ended.stderr).not.toContain("seed 1 of")
  })

  it.each<[ReadonlyArray<string>, RegExp]>([
    [["--seed", "1", "--seeds", "3"], /--seed runs one seed, and --seeds that many: give one of them/],
    [["--seeds", "0"], /--seeds must be a number of seeds from 1 to 10000000/],
    [["--seed", "-1"], /--seeds must be a number of seeds .* whole numbers from 0 to 4294967295/],
    [["--faults", "kills,crash"], /--faults: there is no fault "crash"; choose some of these.*\n\s+kills\n/],
    [["--signals", "none.json"], /--signals: cannot read none\.json/],
    [["--input", '{"ids": 3}'], /--input does not fit the input of "steady"/]
  ])("refuses %j with exit code 64", async (args, message) => {
    const ended = await simulate("steady", ...args)
    expect(ended).toMatchObject({ code: 64, stdout: "" })
    expect(ended.stderr).toMatch(message)
  })
})
