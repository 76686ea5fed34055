/**
 * House style as a test. The first half applies the rules of test/support/houseStyle.ts to the project, the second
 * proves that each rule can fail.
 */
import { readdirSync, readFileSync, statSync } from "node:fs"
import { extname } from "node:path"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import {
  type Allowance,
  banNames,
  checkAllowances,
  checkBans,
  checkHeader,
  checkImports,
  checkLength,
  checkMachine,
  checkPortable,
  checkReach,
  codeOf,
  findCycles,
  type ImportRules,
  importsOf,
  type SourceFile
} from "./support/houseStyle.ts"

const limitLines = 500

/** Who may use what the rest of src must not, and why. One entry, one reason. */
const allowances: ReadonlyArray<Allowance> = [
  {
    path: "src/platform/slices.ts",
    uses: ["performance.now", "setImmediate"],
    reason: "measures how long a job has held the event loop, and lets go of it"
  },
  {
    path: "src/job/fromEffect.ts",
    uses: ["Effect.run"],
    reason: "the bridge that runs an Effect as an XState actor"
  },
  {
    path: "src/job/fiberGroup.ts",
    uses: ["Effect.run"],
    reason: "the fibers of a cycle's tasks, without the cost of the combinators"
  },
  { path: "src/values/sha256.ts", uses: ["node:"], reason: "the hash of the journal's chain" },
  { path: "src/platform/quickStart.ts", uses: ["node:"], reason: "how fast a thread of ours loads modules" },
  { path: "src/workers/", uses: ["node:"], reason: "the adapter of worker threads" },
  { path: "src/workers/thread.ts", uses: ["new Worker"], reason: "owns the threads" },
  { path: "src/workers/cpuTime.ts", uses: ["performance.now"], reason: "measures the work of a thread" },
  {
    path: "src/workers/stayAwake.ts",
    uses: ["setImmediate"],
    reason: "keeps a thread awake for a message, for a moment"
  },
  { path: "src/workers/runner.ts", uses: ["Effect.run"], reason: "the main of a worker thread" },
  { path: "src/store/sqlite/", uses: ["node:"], reason: "the adapter of SQLite" },
  { path: "src/store/sqlite/writer.ts", uses: ["new Worker"], reason: "owns the thread that writes" },
  { path: "src/store/sqlite/owner.ts", uses: ["randomUUID"], reason: "tells two stores of one process apart" },
  { path: "src/store/sqlite/backup.ts", uses: ["randomUUID"], reason: "names a copy that is not complete" },
  { path: "src/server/nodeServer.ts", uses: ["node:"], reason: "the adapter of Node's HTTP server" },
  { path: "src/cli/", uses: ["node:"], reason: "the adapter of the command line" },
  { path: "src/platform/unrefClock.ts", uses: ["setTimeout"], reason: "a sleep that lets the process end" }
]

/** What a job is made of. */
const data = ["Fact", "Agent", "AgentEffect", "Program", "Budget", "Invariant", "Provenance"].map((n) => `src/${n}.ts`)

/** What decides, on values alone. */
const core = [
  ...["JobContext", "eligibility", "merge", "journalText", "convergence"],
  ...["internal/application", "internal/factTable", "internal/programChecks"]
].map((n) => `src/${n}.ts`)

/** What runs jobs: nothing of data or core may reach it. */
const runtime = [
  "src/engine/Engine.ts",
  "src/job/Job.ts",
  "src/workers/",
  "src/store/",
  "src/server/",
  "src/inspector/",
  "src/cli/",
  "src/cluster/",
  "src/testing/",
  "src/index.ts",
  "machines/",
  "xstate",
  "xstate/"
]

/** What the pure core does without. */
const effectful = [
  "Clock",
  "Console",
  "Deferred",
  "Effect",
  "Exit",
  "Fiber",
  "FiberSet",
  "Layer",
  "ManagedRuntime",
  "PubSub",
  "Queue",
  "Random",
  "Ref",
  "Runtime",
  "Schedule",
  "Scope",
  "Stream"
].map((name) => `effect/${name}`)

const importRules = (packages: ReadonlyArray<string>): ImportRules => ({
  packages,
  unstable: {
    workers: ["src/workers/"],
    cli: ["src/cli/"],
    process: ["src/cli/"],
    http: ["src/server/"],
    "http-api": ["src/server/"],
    net: ["src/server/"],
    observability: ["src/server/"],
    reactivity: ["src/store/"],
    sql: ["src/store/"],
    cluster: ["src/cluster/"],
    rpc: ["src/cluster/"],
    socket: ["src/inspector/"],
    testing: ["src/testing/"],
    schema: ["src/"]
  },
  platform: ["src/workers/", "src/store/", "src/server/", "src/inspector/", "src/cli/", "src/cluster/"]
})

/* ---------------------------------------------------------------- the project */

const root = fileURLToPath(new URL("..", import.meta.url))
const skipped = new Set([".git", "node_modules", "dist", "coverage", ".tmp"])
const texts = new Set([
  "",
  ".ts",
  ".mts",
  ".mjs",
  ".js",
  ".json",
  ".jsonc",
  ".md",
  ".yml",
  ".yaml",
  ".sh",
  ".html",
  ".css"
])

const read = (folder: string): ReadonlyArray<SourceFile> =>
  readdirSync(root + folder, { withFileTypes: true }).flatMap((entry): ReadonlyArray<SourceFile> => {
    if (skipped.has(entry.name)) return []
    const path = `${folder}${entry.name}`
    if (entry.isDirectory()) return read(`${path}/`)
    const isText = entry.isFile() && texts.has(extname(entry.name)) && statSync(root + path).size < 1_000_000
    return isText ? [{ path, text: readFileSync(root + path, "utf8") }] : []
  })

const tracked = read("")
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8")) as Record<string, object | undefined>
const packages = ["dependencies", "peerDependencies", "optionalDependencies"].flatMap((key) =>
  Object.keys(manifest[key] ?? {})
)
const isSource = ({ path }: SourceFile) => path.endsWith(".ts")
const src = tracked.filter((file) => isSource(file) && file.path.startsWith("src/"))
const machines = tracked.filter((file) => isSource(file) && file.path.startsWith("machines/"))
const all = [...src, ...machines]

describe("house style", () => {
  it("reads the sources", () => {
    expect(src.length).toBeGreaterThan(0)
    expect(tracked.map((file) => file.path)).toContain("package.json")
  })

  it("takes time, randomness, threads and runtimes from services, and switches no type off", () => {
    expect(all.flatMap((file) => checkBans(file, allowances))).toEqual([])
  })

  it("allows nothing that is not needed, and says why", () => {
    expect(checkAllowances(all, allowances)).toEqual([])
    expect(allowances.filter((allowance) => allowance.reason === "")).toEqual([])
    expect(allowances.flatMap((allowance) => allowance.uses).filter((name) => !banNames.includes(name))).toEqual([])
  })

  it("imports submodules of dependencies, and unstable ones in one place", () => {
    expect(src.flatMap((file) => checkImports(file, importRules(packages)))).toEqual([])
  })

  it("keeps machines free of everything but xstate and types", () => {
    expect(machines.flatMap(checkMachine)).toEqual([])
  })

  it("points imports one way: data and pure core reach no runtime", () => {
    expect(checkReach(all, [...data, ...core], runtime)).toEqual([])
  })

  it("keeps the pure core free of effects", () => {
    const pure = src.filter((file) => core.includes(file.path))
    const uses = pure.flatMap((file) => importsOf(file).map((it) => `${file.path} imports ${it.specifier}`))
    expect(uses.filter((use) => effectful.some((module) => use.endsWith(` ${module}`)))).toEqual([])
  })

  it("has no import cycle", () => {
    expect(findCycles(all)).toEqual([])
  })

  it("has no file above 500 lines", () => {
    expect(all.flatMap((file) => checkLength(file, limitLines))).toEqual([])
  })

  it("opens every file with its job", () => {
    expect(all.flatMap(checkHeader)).toEqual([])
  })

  it("means the same on every machine", () => {
    expect(tracked.flatMap(checkPortable)).toEqual([])
  })
})

/* ---------------------------------------------------------------- the rules can fail */

const file = (text: string, path = "src/Example.ts"): SourceFile => ({ path, text })

describe("the scan", () => {
  it("blanks comments, strings, templates and regular expressions, and nothing else", () => {
    const code = codeOf(
      [
        "// await 1",
        "/* await 2 */ const a = 'await 3' + \"await 4\"",
        "const b = `await 5 ${await six(`await 7 ${await eight}`)} await 9`",
        "const c = /await [/] 10/.test(x) ? a / await11 / b : y",
        "const d = { e: `${{ f: 1 }.f}` } // await 12",
        "return /'/.test('await 13')"
      ].join("\n")
    )
    expect(code.match(/await *\w*/g)).toEqual(["await six", "await eight", "await11"])
    expect(code.split("\n").length).toBe(6)
  })

  it("keeps offsets", () => {
    const text = "#!/usr/bin/env node\nconst a = `x${1}y` // z\n/* \n */ b"
    expect(codeOf(text).length).toBe(text.length)
    expect(codeOf(text).indexOf("b")).toBe(text.length - 1)
  })

  it("finds every form of import", () => {
    const text = [
      "/** import x from 'no' */",
      'import "./a.ts"',
      'import b from "./b.ts"',
      'import * as C from "effect/C"',
      'import type { D } from "../d.ts"',
      'import {\n  e,\n  type E\n} from "./sub/e.ts"',
      'export * from "./f.ts"',
      'export * as G from "./g.ts"',
      'export type { H } from "./h.ts"',
      "export interface I {\n  readonly from: string\n}",
      'export { j } from "./j.ts"',
      'const k = () => import("./k.ts")',
      "const text = 'import \"./no.ts\"'"
    ].join("\n")
    const imports = importsOf(file(text, "src/x/Example.ts"))
    expect(imports.map((it) => it.target ?? it.specifier).toSorted()).toEqual(
      ["effect/C", "src/d.ts", ...["a", "b", "sub/e", "f", "g", "h", "j", "k"].map((n) => `src/x/${n}.ts`)].toSorted()
    )
    expect(imports.filter((it) => it.isType).map((it) => it.specifier)).toEqual(["../d.ts", "./h.ts"])
  })
})

describe("the rules can fail", () => {
  const bad: ReadonlyArray<string> = [
    "setTimeout(f, 1)",
    "globalThis.setInterval(f, 1)",
    "setImmediate(f)",
    "queueMicrotask(f)",
    "Date.now()",
    "new Date()",
    "performance.now()",
    "process.hrtime.bigint()",
    "Math.random()",
    "crypto.randomUUID()",
    "new Promise((resolve) => resolve())",
    "Promise.resolve(1)",
    "Promise.all([])",
    "Effect.runSync(effect)",
    "Effect.runPromiseExit(effect)",
    "Effect.runForkWith(context)(effect)",
    "new Worker(url)",
    "new threads.Worker(url)",
    "const f = async () => 1",
    "async function f() {}",
    "const f = { async g() {} }",
    "for await (const x of y) {}",
    "const x = y as any",
    "const f = (x: any) => x",
    "// @ts-ignore\nconst x = 1",
    "// @ts-nocheck\nconst x = 1",
    'import { readFileSync } from "node:fs"'
  ]
  it.each(bad)("bans %s", (text) => {
    expect(checkBans(file(text), allowances)).toHaveLength(1)
  })

  const good: ReadonlyArray<string> = [
    "// setTimeout, new Date(), as any",
    "const text = 'Math.random()'",
    "const options = { async: true, await: false }",
    "Effect.promise(() => f())",
    "const worker: Worker = spawn(1)",
    "const f = (): Promise<void> => g()",
    "const many = anything as anyThing",
    "const runSynchronously = 1"
  ]
  it.each(good)("lets %s be", (text) => {
    expect(checkBans(file(text), allowances)).toEqual([])
  })

  it("an allowance covers its own file and its own uses", () => {
    const slices = "src/platform/slices.ts"
    expect(checkBans(file("performance.now()", slices), allowances)).toEqual([])
    expect(checkBans(file("performance.now()", "src/internal/slices2.ts"), allowances)).toHaveLength(1)
    expect(checkBans(file("Math.random()", slices), allowances)).toHaveLength(1)
    expect(checkBans(file('import "node:worker_threads"', "src/workers/a/b.ts"), allowances)).toEqual([])
  })

  it("an allowance that is not needed is refused", () => {
    const allowance = { path: "src/a/", uses: ["Date.now", "Math.random"], reason: "a test" }
    expect(checkAllowances([file("Date.now()", "src/a/b.ts")], [allowance])).toEqual([
      "src/a/ is allowed Math.random and does not use it"
    ])
    expect(checkAllowances([file("", "src/b.ts")], [allowance])).toEqual([])
  })

  it.each([
    ["src/program/Fact.ts", "effect", "a barrel"],
    ["src/program/Fact.ts", "effect/workers/Worker", "unstable, only"],
    ["src/server/a.ts", "effect/sql/SqlClient", "unstable, only"],
    ["src/cluster/a.ts", "effect/workflow/Workflow", "no place yet"],
    ["src/workers/a.ts", "effect/workers", "a barrel"],
    ["src/workers/a.ts", "@effect/platform-node", "a barrel"],
    ["src/engine/Engine.ts", "@effect/platform-node/NodeWorker", "only adapters"],
    ["src/engine/Engine.ts", "lodash", "not a dependency"],
    ["src/engine/Engine.ts", "@scope/name/x", "not a dependency"],
    ["src/engine/Engine.ts", "./Job.js", ".ts file"]
  ])("%s may not import %s: %s", (path, specifier, reason) => {
    const complaints = checkImports(file(`import * as X from "${specifier}"`, path), importRules(packages))
    expect(complaints).toEqual([expect.stringContaining(reason)])
  })

  it.each([
    ["src/program/Fact.ts", "effect/Schema"],
    ["src/program/Fact.ts", "./Provenance.ts"],
    ["src/workers/a.ts", "effect/workers/Worker"],
    ["src/workers/a.ts", "@effect/platform-node/NodeWorker"],
    ["src/internal/a.ts", "xstate"]
  ])("%s may import %s", (path, specifier) => {
    expect(checkImports(file(`import * as X from "${specifier}"`, path), importRules(packages))).toEqual([])
  })

  it("a machine may import xstate, types and machines", () => {
    const text = (specifier: string, type = "") => file(`import ${type}{ x } from "${specifier}"`, "machines/a.ts")
    expect(checkMachine(text("../src/program/Fact.ts"))).toHaveLength(1)
    expect(checkMachine(text("effect/Effect"))).toHaveLength(1)
    expect(checkMachine(text("../src/program/Fact.ts", "type "))).toEqual([])
    expect(checkMachine(text("xstate"))).toEqual([])
    expect(checkMachine(text("xstate/graph"))).toEqual([])
    expect(checkMachine(text("./b.ts"))).toEqual([])
  })

  it("an import against the grain is found, however long the way", () => {
    const files = [
      file('import type { X } from "./internal/x.ts"', "src/program/Fact.ts"),
      file('export * from "./y.ts"', "src/internal/x.ts"),
      file('import { run } from "../Engine.ts"', "src/internal/y.ts"),
      file("", "src/engine/Engine.ts")
    ]
    expect(checkReach(files, data, runtime)).toEqual([
      "src/Fact.ts -> src/internal/x.ts -> src/internal/y.ts -> src/Engine.ts"
    ])
    expect(checkReach(files.slice(0, 2), data, runtime)).toEqual([])
    expect(checkReach([file('import "xstate"', "src/cycle/merge.ts")], core, runtime)).toEqual([
      "src/merge.ts -> xstate"
    ])
  })

  it("a cycle is found, and types make none", () => {
    const files = (type: string) => [
      file('import "./b.ts"', "src/a.ts"),
      file('import "./c.ts"\nimport "./d.ts"', "src/b.ts"),
      file(`import ${type}{ a } from "./a.ts"`, "src/c.ts"),
      file("", "src/d.ts")
    ]
    expect(findCycles(files(""))).toEqual([["src/a.ts", "src/b.ts", "src/c.ts"]])
    expect(findCycles(files("type "))).toEqual([])
    expect(findCycles([file('import "./a.ts"', "src/a.ts")])).toEqual([["src/a.ts"]])
  })

  it("a long file and a file without a header are found", () => {
    expect(checkLength(file("a\n".repeat(501)), limitLines)).toHaveLength(1)
    expect(checkLength(file("a\n".repeat(500)), limitLines)).toEqual([])
    expect(checkHeader(file("import x"))).toHaveLength(1)
    expect(checkHeader(file("#!/usr/bin/env node\n/** The command line. */"))).toEqual([])
  })

  it("a path of one machine and the address of a registry are found", () => {
    const path = (...segments: ReadonlyArray<string>) => `see ${["", ...segments].join("/")}`
    expect(checkPortable(file(path("root", "x.ts")))).toHaveLength(1)
    expect(checkPortable(file(path("home", "me", "x.ts")))).toHaveLength(1)
    expect(checkPortable(file(["https:", "", ["registry", "example", "org"].join(".")].join("/")))).toHaveLength(1)
    expect(checkPortable(file(["registry", "http://example.org"].join("=")))).toHaveLength(1)
    expect(checkPortable(file(['"resolved', ' "x"'].join('":')))).toHaveLength(1)
    expect(checkPortable(file("the npm registry; const registry = new Map(); src/home/x.ts"))).toEqual([])
  })
})
