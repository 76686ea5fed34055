/**
 * The package as its users get it: packed, checked by publint and attw, installed in an empty project, type-checked
 * from there, and run on worker threads from node_modules. Internals stay closed. Reads dist, so `npm run build` comes
 * first.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { command, node, projectRoot } from "../support/node.ts"

const bin = (path: string) => join(projectRoot, "node_modules", path)

let folder = ""
let tarball = ""
let packed: ReadonlyArray<string> = []

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "effect-converge-"))
  // Without scripts: dist is built, and other tests are reading it.
  const { code, stdout, stderr } = await command("npm", [
    "pack",
    "--ignore-scripts",
    "--json",
    "--pack-destination",
    folder
  ])
  expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" })
  const output = JSON.parse(stdout) as PackOutput | Record<string, PackOutput[number]>
  const pack = Object.values(output)[0] as PackOutput[number]
  packed = pack.files.map((file) => file.path)
  tarball = join(folder, pack.filename)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

type PackOutput = ReadonlyArray<{ readonly filename: string; readonly files: ReadonlyArray<{ readonly path: string }> }>

describe("the tarball", () => {
  it("holds what runs, its types, and the sources that its maps name", () => {
    const expected = ["index", "engine/Engine", "workers/entry"].flatMap((name) => [
      `dist/src/${name}.js`,
      `dist/src/${name}.js.map`,
      `dist/src/${name}.d.ts`,
      `dist/src/${name}.d.ts.map`,
      `src/${name}.ts`
    ])
    expect(packed).toEqual(expect.arrayContaining([...expected, "package.json", "LICENSE"]))
    const sources = new Set(packed.filter((path) => /^(?:src|machines)\//.test(path)))
    const built = packed.filter((path) => path.startsWith("dist/") && path.endsWith(".js"))
    expect(built.filter((path) => !sources.has(path.replace(/^dist\/(.*)\.js$/, "$1.ts")))).toEqual([])
  })

  it("holds nothing else", () => {
    const rest = packed.filter(
      (path) => !/^(?:dist|src|machines)\/|^(?:package\.json|LICENSE|README\.md|CHANGELOG\.md|SECURITY\.md)$/.test(path)
    )
    expect(rest.filter((path) => !/^docs\/(?:[\w-]+\.md$|decisions\/|guide\/|images\/)/.test(path))).toEqual([])
  })

  it("holds the pages that its README links to", () => {
    const readme = readFileSync(join(projectRoot, "README.md"), "utf8")
    const links = [...readme.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, path = ""]) => path)
    const pages = links.filter((path) => path.endsWith(".md") && !/^(?:docs\/examples\/|AGENTS\.md$)/.test(path))
    expect(pages.length).toBeGreaterThan(5)
    expect(pages.filter((path) => !packed.includes(path))).toEqual([])
  })

  it("has a manifest without scripts and development dependencies; the checkout keeps its own", async () => {
    const checkout = mkdtempSync(join(folder, "checkout-"))
    const manifest = readFileSync(join(projectRoot, "package.json"), "utf8")
    const file = join(checkout, "package.json")
    writeFileSync(file, manifest)
    const script = join(projectRoot, ".ci/manifest.mjs")
    expect(await command("node", [script, "strip"], checkout)).toMatchObject({ code: 0 })
    const published = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, unknown>>
    const {
      allowScripts: _,
      devDependencies: __,
      overrides: ____,
      scripts: ___,
      ...rest
    } = JSON.parse(manifest) as typeof published
    expect(published).toEqual(rest)
    expect(await command("node", [script, "restore"], checkout)).toMatchObject({ code: 0 })
    expect(readFileSync(file, "utf8")).toBe(manifest)
    expect(JSON.parse(manifest)).toMatchObject({
      scripts: { prepack: "node .ci/manifest.mjs strip", postpack: "node .ci/manifest.mjs restore" }
    })
  })

  it("satisfies publint", async () => {
    const { code, stdout } = await node([bin("publint/src/cli.js"), "run", tarball, "--strict"])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("All good") })
  })

  it("has types that every ESM consumer can resolve", async () => {
    const attw = bin("@arethetypeswrong/cli/dist/index.js")
    const args = [attw, tarball, "--profile", "esm-only", "--no-definitely-typed", "--format", "ascii", "--no-color"]
    const { code, stdout } = await node(args)
    expect(code, stdout).toBe(0)
    expect(stdout).toContain('"effect-converge"')
  })
})

describe("installed in an empty project", () => {
  let project = ""

  beforeAll(async () => {
    project = mkdtempSync(join(folder, "project-"))
    writeFileSync(join(project, "package.json"), JSON.stringify({ private: true, type: "module" }))
    const install = ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball]
    const { code, stderr } = await command("npm", install, project)
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" })
    writeFileSync(join(project, "program.mjs"), program)
    writeFileSync(join(project, "main.mjs"), main)
    writeFileSync(join(project, "consumer.ts"), consumer)
  }, 240_000)

  it("runs a CPU agent on a worker thread, from node_modules", async () => {
    const { code, stdout, stderr } = await node(["main.mjs"], project)
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
    expect(JSON.parse(stdout)).toEqual({
      status: "converged",
      cycles: 2,
      output: { squares: [1, 4, 9], isMainThread: [false, false, false] }
    })
  })

  it("gives a consumer its types", async () => {
    const tsc = bin("typescript/bin/tsc")
    const options = [
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--strict",
      "--exactOptionalPropertyTypes",
      "--noEmit"
    ]
    const lib = ["--lib", "es2024,dom,esnext.disposable", "--types", "", "--skipLibCheck"]
    const { code, stdout } = await node([tsc, ...options, ...lib, "consumer.ts"], project)
    expect({ code, stdout }).toEqual({ code: 0, stdout: "" })
  })

  it.each([
    "effect-converge/dist/src/index.js",
    "effect-converge/dist/src/workers/entry.js",
    "effect-converge/src/index.ts",
    "effect-converge/Engine",
    "effect-converge/internal/slices",
    "effect-converge/workers"
  ])("refuses the deep import %s", async (specifier) => {
    const script = `await import(${JSON.stringify(specifier)}).catch((error) => console.log(error.code))`
    const { stdout } = await node(["--input-type=module", "--eval", script], project)
    expect(stdout.trim()).toBe("ERR_PACKAGE_PATH_NOT_EXPORTED")
  })

  it("lets its package.json be read", async () => {
    const script = 'import p from "effect-converge/package.json" with { type: "json" }; console.log(p.name)'
    const { stdout } = await node(["--input-type=module", "--eval", script], project)
    expect(stdout.trim()).toBe("effect-converge")
  })
})

/* ---------------------------------------------------------------- the user's files */

const program = `
import { isMainThread } from "node:worker_threads"
import { Schema } from "effect"
import { Agent, Fact, Program } from "effect-converge"

const Root = Fact.kind("Root", {
  schema: Schema.Struct({ value: Schema.Int }),
  id: (root) => String(root.value)
})

const Square = Fact.kind("Square", {
  schema: Schema.Struct({ of: Schema.Int, value: Schema.Int, isMainThread: Schema.Boolean }),
  id: (square) => String(square.of)
})

const square = Agent.cpu("square", {
  each: Root,
  writes: [Square],
  execute: (root) => {
    const of = root.value.value
    return { facts: [Square.of({ of, value: of * of, isMainThread })] }
  }
})

export const squares = Program.make("squares", {
  module: import.meta.url,
  input: Schema.Struct({ count: Schema.Int }),
  seed: ({ count }) => Array.from({ length: count }, (_, index) => Root.of({ value: index + 1 })),
  agents: [square],
  output: (view) => ({
    squares: view.all(Square).map((fact) => fact.value.value),
    isMainThread: view.all(Square).map((fact) => fact.value.isMainThread)
  })
})
`

const main = `
import { Effect } from "effect"
import { Engine } from "effect-converge"
import { squares } from "./program.mjs"

const { status, cycles, output } = await Effect.runPromise(
  Engine.run(squares, { count: 3 }).pipe(Effect.provide(Engine.layerMemory))
)
console.log(JSON.stringify({ status, cycles, output }))
`

const consumer = `
import { Effect, Schema } from "effect"
import { Agent, Engine, Fact, Program } from "effect-converge"

const Root = Fact.kind("Root", { schema: Schema.Struct({ value: Schema.Int }), id: (root) => String(root.value) })
const Other = Fact.kind("Other", { schema: Schema.Struct({ name: Schema.String }), id: (other) => other.name })

const agent = Agent.make("agent", {
  each: Root,
  writes: [Other],
  execute: (root) => Effect.succeed({ facts: [Other.of({ name: String(root.value.value) })] })
})

export const program = Program.make("program", {
  input: Schema.Struct({ count: Schema.Int }),
  seed: ({ count }) => [Root.of({ value: count })],
  agents: [agent],
  output: (view) => view.size(Other)
})

export const size: Effect.Effect<number, unknown, unknown> = Effect.map(
  Engine.run(program, { count: 1 }),
  (result) => result.output
)

// @ts-expect-error the input is a number
export const wrong = Engine.run(program, { count: "1" })
`
