/**
 * How workers and the command line start: what they load, how it is found, and where compiled code is kept. Counts, not
 * times: what a start costs is measured by the benchmarks.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { command, projectRoot } from "../support/node.ts"
import type { Asked } from "../support/start/asked.ts"

const support = (name: string): URL => new URL(`../support/start/${name}.ts`, import.meta.url)
const main = fileURLToPath(support("main"))
const preload = support("asked").href

let folder = ""
let temporary = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "converge-start-"))
})
beforeEach(() => {
  temporary = mkdtempSync(join(folder, "tmp-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const isOfEffect = ({ parent }: Asked): boolean => parent.includes("/node_modules/effect/dist/")

/** Runs a script, with a temporary folder of its own, and no wish for a cache but those given. */
const run = async (args: ReadonlyArray<string>, wishes: NodeJS.ProcessEnv): Promise<string> => {
  const none = { NODE_COMPILE_CACHE: undefined, NODE_DISABLE_COMPILE_CACHE: undefined, TMPDIR: temporary }
  const { code, stderr, stdout } = await command(process.execPath, args, projectRoot, { ...none, ...wishes })
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return stdout
}

/** Runs the program on a worker of a process that keeps no compiled code itself. */
const onWorker = async (args: ReadonlyArray<string>, wishes: NodeJS.ProcessEnv = {}) =>
  JSON.parse(await run([main, ...args], wishes)) as ReadonlyArray<Asked>

const isRelative = (it: Asked): boolean => isOfEffect(it) && it.specifier.startsWith(".")

/** How many files of compiled code a folder holds. */
const cached = (path: string): number =>
  readdirSync(path, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length

describe("a worker", () => {
  let asked: ReadonlyArray<Asked> = []
  beforeAll(async () => {
    asked = await onWorker([preload])
  })

  it("loads a program's module and what defines programs", () => {
    const urls = asked.map(({ url }) => url)
    expect(urls).toEqual(expect.arrayContaining([expect.stringMatching(/\/start\/program\.ts$/)]))
    expect(urls).toEqual(expect.arrayContaining([expect.stringMatching(/\/src\/index\.ts$/)]))
  })

  it("loads nothing that runs jobs or owns threads", () => {
    const late =
      /\/xstate\/|\/machines\/|\/src\/internal\/(?:engine|driver|session)\.ts|\/src\/workers\/(?:pool|thread)\.ts/
    expect(asked.filter(({ url }) => late.test(url))).toEqual([])
  })

  it("asks nobody where effect's own files are", () => {
    expect(asked.filter(isRelative)).toEqual([])
    expect(asked.some(({ specifier }) => specifier === "effect/Schema")).toBe(true)
  })

  it("keeps compiled code in the temporary folder", async () => {
    await onWorker([])
    expect(cached(temporary)).toBeGreaterThan(100)
  })

  it("keeps none if the user says so", async () => {
    await onWorker([], { NODE_DISABLE_COMPILE_CACHE: "1" })
    expect(cached(temporary)).toBe(0)
  })

  it("starts when there is no place to keep it", async () => {
    const file = join(temporary, "file")
    writeFileSync(file, "")
    expect(await onWorker([], { TMPDIR: file })).toEqual([])
  })
})

describe("a worker of the published package", () => {
  it("runs from one file, and tells a program's own errors from others", async () => {
    const runner = readFileSync(new URL("../../dist/src/workers/runner.js", import.meta.url), "utf8")
    expect(runner.match(/^import .*$/gm)?.filter((line) => !line.includes('"node:'))).toEqual([])
    const script = fileURLToPath(support("published"))
    expect(JSON.parse(await run([script], {}))).toMatchObject({
      output: ["1", "3", "5"],
      causes: [{ _tag: "InvalidEffect", agent: "slip", message: expect.stringContaining("Odd") }]
    })
  })
})

describe("the command line", () => {
  const machine = async (args: ReadonlyArray<string>, wishes: NodeJS.ProcessEnv): Promise<void> => {
    expect(await run([...args, "src/cli/main.ts", "machine"], wishes)).toContain("stateDiagram-v2")
  }

  it("asks nobody where effect's own files are", async () => {
    const file = join(temporary, "asked.json")
    await machine(["--import", preload], { TEST_ASKED: file })
    const asked = JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Asked>
    expect(asked.filter(isRelative)).toEqual([])
    expect(asked.some(({ specifier }) => specifier === "effect/cli/Command")).toBe(true)
  })

  it("keeps compiled code where the user says, else in the temporary folder", async () => {
    const chosen = mkdtempSync(join(folder, "chosen-"))
    await machine([], { NODE_COMPILE_CACHE: chosen })
    expect(cached(chosen)).toBeGreaterThan(100)
    expect(cached(temporary)).toBe(0)
    await machine([], {})
    expect(cached(temporary)).toBeGreaterThan(100)
  })

  it("starts when there is no place to keep it", async () => {
    const file = join(temporary, "file")
    writeFileSync(file, "")
    await machine([], { TMPDIR: file })
  })
})

describe("Node's resolver", () => {
  it("finds effect's own files where their imports say", async () => {
    const file = join(temporary, "asked.json")
    const script = 'await import("effect/Schema"); await import("effect/cli/Command")'
    await run(["--import", preload, "--input-type=module", "--eval", script], { TEST_ASKED: file })
    const asked = (JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Asked>).filter(isRelative)
    expect(asked.length).toBeGreaterThan(500)
    expect(asked.filter(({ parent, specifier, url }) => new URL(specifier, parent).href !== url)).toEqual([])
    expect(asked.filter(({ url }) => !url.endsWith(".js"))).toEqual([])
  })
})
