/** The refusals of `converge run` before there is a job: exit code 64, nothing on standard output, and why. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import * as apart from "../support/cli/converge.ts"
import { converge, jsonOf, module } from "../support/cli/inProcess.ts"

// Each test starts a process that is busy for half a second.
vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "converge-cli-"))
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text)
  mkdirSync(join(folder, "node_modules", "programs"), { recursive: true })
  write(
    "node_modules/programs/package.json",
    JSON.stringify({ name: "programs", exports: { ".": { import: "./i.mjs" } } })
  )
  write("node_modules/programs/i.mjs", `export * from ${JSON.stringify(pathToFileURL(module("count")).href)}\n`)
  write("input.json", '{"upTo": 3}')
  write("nothing.mjs", "export const a = 1\n")
  write("syntax.mjs", "export const a = 1\nconst b = }\n")
  write("throws.mjs", 'throw new Error("top level")\n')
  write("missing.mjs", 'import "./none.mjs"\n')
  write("layer.mjs", "export const layer = {}\n")
  const make =
    `import { Program } from ${JSON.stringify(new URL("../../src/index.ts", import.meta.url).href)}\n` +
    `import * as Schema from ${JSON.stringify(import.meta.resolve("effect/Schema"))}\n` +
    'const make = () => Program.make("same", { input: Schema.Struct({}), agents: [] })\n'
  write("same.mjs", `${make}export const a = make()\nexport const b = make()\n`)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const refused = async (
  args: ReadonlyArray<string>,
  message: string | RegExp,
  ended = converge(args, { folder })
): Promise<void> => {
  const { code, stderr, stdout } = await ended
  expect({ code, stdout }).toEqual({ code: 64, stdout: "" })
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/^converge: /)
}

describe.concurrent("the command line", () => {
  it.each<[ReadonlyArray<string>, RegExp]>([
    [["frobnicate"], /Unknown subcommand "frobnicate"/],
    [["run"], /run needs a module, or --server and the name of a program\n$/],
    [["diff"], /diff needs a job and two cycles, or two jobs/],
    [["run", "x.ts", "--jsn"], /Unrecognized flag: --jsn[^]*Did you mean this\?\s+--json/],
    [["run", "x.ts", "--workers", "-1"], /--workers: "-1".*Expected a whole number from 0 to 1024/],
    [["run", "x.ts", "--workers", "two"], /--workers: "two"/],
    [
      ["run", "x.ts", "--workers", "2000"],
      /^[^\n]*--workers: "2000"[^\n]*Expected a whole number from 0 to 1024\n\nTry: [^\n]*\n$/
    ],
    [["resume", "x.ts", "--store", "x.db", "-w", "1025"], /Expected a whole number from 0 to 1024/],
    [
      ["cancel", "x", "--store", "x.db", "--timeout", "soon"],
      /--timeout[^\n]*Expected a time such as 500ms, 10s, 7d or 1h30m/
    ],
    [["help", "frobnicate"], /^converge: there is no command "frobnicate"\n$/],
    [["machine", "--format", "png"], /--format: "png"/]
  ])("%j", (args, message) => refused(args, message))
})

describe.concurrent("the module", () => {
  it.each<[string, RegExp]>([
    ["./none.ts", /cannot find \.\/none\.ts: there is no such file\n/],
    ["none", /cannot find none: there is no such file, and no such package\n/],
    ["programs/inner", /cannot find programs\/inner: Package subpath/],
    [".", /cannot find \.: it is not a file\n/],
    ["nothing.mjs", /nothing\.mjs exports no program\n/],
    ["layer.mjs", /its export "layer" is not a Layer/],
    ["same.mjs", /same\.mjs exports two programs called "same"/],
    ["throws.mjs", /cannot import throws\.mjs\n\n {2}Error: top level\n {6}at .*throws\.mjs:1:7/],
    ["missing.mjs", /cannot import missing\.mjs\n\n.*Cannot find module .*none\.mjs/],
    [module("broken"), /broken\.ts: invalid program "twice": /]
  ])("%s", (name, message) => refused(["run", name], message))

  it("with an error of syntax is shown the line", () => {
    const message = /cannot import syntax\.mjs\n\n.*syntax\.mjs:2\n {2}const b = \}\n[^]*SyntaxError: Unexpected token/
    return refused(["run", "syntax.mjs"], message, apart.converge(["run", "syntax.mjs"], { folder }))
  })

  it("with several programs, names them", async () => {
    const list = /\n\n {4}squares +\(count, square\)\n[^]* {4}counting +\(count\)\n/
    await refused(["run", module("count")], list)
    await refused(["run", module("count"), "--program", "none"], list)
  })

  it("may be a package, as the working folder resolves it, for import", async () => {
    const ended = await apart.converge(["run", "programs", "-p", "counting", "--json", "--quiet"], { folder })
    expect(jsonOf(ended)).toMatchObject({ status: "converged", program: "counting" })
  })
})

describe.concurrent("the input", () => {
  const counting = ["run", module("count"), "--program", "counting", "--quiet"]

  it.each<[ReadonlyArray<string>, RegExp]>([
    [["--input", "{upTo"], /--input is not JSON: .* at position 1/],
    [["--input", '{"upTo": "x"}'], /--input does not fit the input of "counting"\n\n[^]*number[^]*at \["upTo"\]/],
    [["--input", '{"upto": 1}'], /at \["upto"\]/],
    [["--input", "{}", "--input-file", "input.json"], /exclude each other/],
    [["--input-file", "none.json"], /^converge: cannot read none\.json: there is no such file\n$/],
    [["--input-file", "node_modules"], /^converge: cannot read node_modules: it is a folder\n$/],
    [["--id", ""], /the job was not started: a job's id must be a string that is not empty/]
  ])("%j", (args, message) => refused([...counting, ...args], message))

  it("comes from a file, or from standard input", async () => {
    const file = await converge([...counting, "--json", "--input-file", "input.json"], { folder })
    expect(jsonOf(file)).toMatchObject({ output: 3 })
    const stdin = await apart.runCount("counting", ["--json", "--quiet", "--input-file", "-"], { input: '{"upTo": 4}' })
    expect(jsonOf(stdin)).toMatchObject({ output: 4 })
    const args = [...counting, "--input-file", "-"]
    await refused(args, /standard input is not JSON: /, apart.converge(args, { folder, input: "[1" }))
  })
})

describe.concurrent("the environment", () => {
  it.each([["run"], ["serve"], ["verify"]])("that cannot be used is told in a sentence: %s", async (command) => {
    const environment = { CONVERGE_PROFILE: "fast", CONVERGE_PORT: "0" }
    const ended = await apart.converge([command, module("one")], { environment })
    expect([ended.code, ended.stdout]).toEqual([64, ""])
    // An agent has run in the first of verify's ways, and has written there.
    expect(ended.stderr.split("\n").slice(-2)).toEqual([
      'converge: the environment cannot be used: CONVERGE_PROFILE must be "cpu", "memory" or "throughput"',
      ""
    ])
  })
})
