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
  banUses,
  checkAllowances,
  checkBans,
  checkHeader,
  checkImports,
  checkLength,
  checkMachine,
  checkPortable,
  checkReach,
  checkUses,
  codeOf,
  findCycles,
  type ImportRules,
  importsOf,
  sleepUses,
  type SourceFile
} from "./support/houseStyle.ts"
import {
  checkDoors,
  checkFace,
  checkRooms,
  checkTable,
  findRoomCycles,
  type Room,
  roomOf,
  type Rooms
} from "./support/rooms.ts"
import { longComments, longFunctions, longSetUps } from "./support/syntax.ts"

/** Files follow concepts: one may take a few lines more than usual before it is cut in two. Functions are held to less. */
const limitLines = 600
const limitFunctionLines = 70
const limitCommentCharacters = 130
/** Examples are tested with the test kit, which has the engine. */
const limitSetUpLines = 10

/** The files that may use what the rest of src must not, and why. One entry, one reason. */
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
    path: "src/platform/detached.ts",
    uses: ["Effect.run"],
    reason: "runs an Effect whose end nobody waits for"
  },
  {
    path: "src/job/fiberGroup.ts",
    uses: ["Effect.run"],
    reason: "the fibers of a cycle's tasks, without the cost of the combinators"
  },
  {
    path: "src/testing/simulation/",
    uses: ["Effect.run"],
    reason: "runs whole lives of a process, step by step, on a scheduler of its own"
  },
  {
    path: "src/platform/ambient.ts",
    uses: [...["node:", "setImmediate", "queueMicrotask", "Math.random"], ...["performance.now", "randomUUID"]],
    reason: "the time and the chance of plain code in a simulation, and the turns that its promises need"
  },
  { path: "src/values/sha256.ts", uses: ["node:"], reason: "the hash of the journal's chain" },
  {
    path: "src/platform/packageVersion.ts",
    uses: ["node:"],
    reason: "the package's own package.json, in the source tree"
  },
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
  { path: "src/store/sqlite/checkApart.ts", uses: ["new Worker"], reason: "owns the thread that checks a file" },
  { path: "src/store/sqlite/writer.ts", uses: ["new Worker"], reason: "owns the thread that writes" },
  { path: "src/store/sqlite/owner.ts", uses: ["randomUUID"], reason: "tells two stores of one process apart" },
  { path: "src/store/sqlite/backup.ts", uses: ["randomUUID"], reason: "names a copy that is not complete" },
  {
    path: "src/server/consoleTexts.ts",
    uses: ["node:"],
    reason: "reads the console of the last build where the package runs from its sources"
  },
  {
    path: "src/inspector/console/browser.ts",
    uses: ["setInterval", "new Promise", "new Worker"],
    reason: "the adapter of the browser: its clock that ticks, and the threads of the page"
  },
  {
    path: "src/inspector/console/timers.ts",
    uses: ["setTimeout", "new Promise"],
    reason: "the adapter of the browser's timers"
  },
  {
    path: "src/inspector/console/clock.ts",
    uses: ["Date.now", "performance.now"],
    reason: "the adapter of the browser's clock"
  },
  {
    path: "src/inspector/console/",
    uses: ["new Date", "Promise", "async", "await"],
    reason: "runs in a browser, without Effect: requests are promises, and a time is shown as a date"
  },
  {
    path: "src/server/processMetrics.ts",
    uses: ["node:"],
    reason: "asks Node about the process"
  },
  { path: "src/server/nodeServer.ts", uses: ["node:"], reason: "the adapter of Node's HTTP server" },
  { path: "src/cli/", uses: ["node:"], reason: "the adapter of the command line" },
  { path: "src/platform/threadFiles.ts", uses: ["node:"], reason: "whether the file of a thread is there" },
  { path: "src/platform/unrefClock.ts", uses: ["setTimeout"], reason: "a sleep that lets the process end" }
]

/* ---------------------------------------------------------------- the house */

/** A folder of src. Every room may import the bounds. */
const room = (name: string, imports: string, doors?: Room["doors"]): Rooms => ({
  [name]: {
    place: `src/${name}/`,
    imports: ["Limits", ...imports.split(" ").filter((way) => way !== "")],
    ...(doors === undefined ? {} : { doors })
  }
})

/**
 * The rooms of the house, from the roof to the ground: what each may import, itself aside. Imports lead down. `front` are
 * the files with a room's public names; `port` is what others know of an adapter.
 */
const rooms: Rooms = {
  ...room(
    "cli",
    "server client testing engine job journal store workers inspector context outcome program values platform machines"
  ),
  // The console runs in a browser, with the shapes of the API as types. The page of a recorded job finds its answers itself.
  console: {
    place: "src/inspector/console/",
    imports: ["server(api)", "server(record)", "outcome(examination)", "outcome(wording)", "context(lineage)"]
  },
  ...room("server", "engine job journal store workers outcome program values platform", {
    front: ["index.ts", "Server.ts"],
    // The definition of the API, without what serves it.
    api: [
      ...["api.ts", "insightApi.ts", "insightShapes.ts", "journalApi.ts", "journalShapes.ts"],
      ...["problemLists.ts", "problems.ts", "shapes.ts"]
    ],
    // The record that the console reads instead of a server.
    record: ["jobRecord.ts", "previews.ts"]
  }),
  ...room("client", "server(api) program values", { front: ["index.ts", "Client.ts"] }),
  index: {
    place: "src/index.ts",
    imports: ["engine", "job", "intents", "journal", "workers", "store", "outcome", "context", "program", "values"]
      .map((name) => `${name}(front)`)
      .concat("Limits")
  },
  ...room("cluster", "engine job intents journal store workers cycle outcome context program values platform machines"),
  ...room(
    "testing",
    "engine job intents journal store workers cycle outcome context program values platform machines",
    {
      front: ["index.ts", "Testing.ts"]
    }
  ),
  ...room("ai", "job program values", { front: ["index.ts", "MeteredModel.ts"] }),
  ...room("engine", "job intents journal store(port) workers(port) cycle outcome context program values platform", {
    front: ["Engine.ts"]
  }),
  ...room(
    "job",
    "intents journal store(port) workers(port) workers(inline) cycle outcome context program values platform machines",
    { front: ["Budget.ts", "Job.ts", "Program.ts"] }
  ),
  ...room("intents", "cycle outcome program values platform", { front: ["Intent.ts"] }),
  ...room("journal", "store(port) cycle outcome context program values platform", {
    front: ["Journal.ts"]
  }),
  ...room("workers", "cycle outcome context program values platform machines", {
    front: ["index.ts"],
    port: ["index.ts", "WorkerPool.ts", "startGate.ts"],
    // A CPU agent whose placement is inline runs without a pool.
    inline: ["inline.ts"]
  }),
  ...room("store", "outcome values platform", {
    front: ["index.ts"],
    port: ["index.ts", "JobStore.ts", "missing.ts"]
  }),
  ...room("cache", "outcome values platform"),
  ...room("cycle", "outcome context program values"),
  ...room("outcome", "context program values", {
    front: ["JobError.ts", "JobEvent.ts"],
    // The examination of events by the page of a recorded job.
    examination: ["diagnosis.ts", "JobEvent.ts"],
    // How the page, the server and the command line word what runs at this moment.
    wording: ["presentLine.ts", "span.ts"]
  }),
  ...room("context", "program values", {
    front: ["JobContext.ts", "Provenance.ts"],
    // The lineage that the page of a recorded job finds.
    lineage: ["following.ts", "taskKey.ts"]
  }),
  ...room("program", "values", {
    front: ["Agent.ts", "AgentEffect.ts", "Fact.ts", "Fold.ts", "Invariant.ts", "View.ts"]
  }),
  ...room("inspector", "values platform", { front: ["index.ts", "Inspector.ts", "Stately.ts", "Statechart.ts"] }),
  ...room("values", "", { front: ["Canonical.ts"] }),
  ...room("platform", "values"),
  machines: { place: "machines/", imports: [] },
  Limits: { place: "src/Limits.ts", imports: [] }
}

/** The files that the package exports. */
const entries = [
  "src/index.ts",
  "src/server/index.ts",
  "src/inspector/index.ts",
  "src/testing/index.ts",
  "src/client/index.ts",
  "src/ai/index.ts"
]

/** Tests of what users see. Those of a room of its own may import its files. */
const isOfFace = ({ path }: SourceFile) =>
  ["test/behaviour/", "test/types/", "test/support/"].some((place) => path.startsWith(place))

/** Rooms that are kept for what comes next. */
const keptRooms = ["cluster", "cache"]

/** Functions that may be longer, and why. */
const longFunctionAllowances: ReadonlyArray<Allowance> = []

/** Files with comments that need not be wrapped, and why. */
const longCommentAllowances: ReadonlyArray<Allowance> = []

/** Tests and their helpers, but for those of whole processes over some time, and benchmarks. */
const isHasty = ({ path }: SourceFile) => !["test/integration/", "test/bench/"].some((place) => path.startsWith(place))

/** The tests that may let time pass, and why. */
const sleepAllowances: ReadonlyArray<Allowance> = [
  { path: "test/support/until.ts", uses: ["setTimeout"], reason: "waits between two looks at a condition" },
  {
    path: "test/behaviour/retry-timeout.test.ts",
    uses: ["Effect.sleep"],
    reason: "agents that sleep on the TestClock"
  },
  { path: "test/server/pace.test.ts", uses: ["Effect.sleep"], reason: "a stream on the TestClock" },
  { path: "test/simulation/world.test.ts", uses: ["Effect.sleep"], reason: "effects in virtual time" },
  { path: "test/simulation/build.ts", uses: ["Effect.sleep"], reason: "agents and handlers in virtual time" },
  { path: "test/simulation/found.test.ts", uses: ["Effect.sleep"], reason: "an agent in virtual time" },
  {
    path: "test/testing/simulateAdvice.test.ts",
    uses: ["Effect.sleep"],
    reason: "agents and handlers in virtual time"
  },
  {
    path: "test/testing/simulate.test.ts",
    uses: ["Effect.sleep", "setTimeout"],
    reason: "agents in virtual time, and timers of the process, which a simulation refuses to wait for"
  },
  {
    path: "test/examples/guide/14-parcels.test.ts",
    uses: ["Effect.sleep"],
    reason: "a carrier that is slow in virtual time"
  },
  {
    path: "test/testing/layer.test.ts",
    uses: ["Effect.sleep"],
    reason: "an agent and a handler on the TestClock"
  },
  { path: "test/behaviour/child-budgets.test.ts", uses: ["Effect.sleep"], reason: "an agent on the TestClock" },
  { path: "test/behaviour/concurrency.test.ts", uses: ["Effect.sleep"], reason: "an agent on the TestClock" },
  { path: "test/behaviour/continue-from-context.test.ts", uses: ["Effect.sleep"], reason: "an agent on the TestClock" },
  { path: "test/behaviour/timeline.test.ts", uses: ["Effect.sleep"], reason: "agents that sleep on the TestClock" },
  {
    path: "test/browser/load.test.ts",
    uses: ["Effect.sleep"],
    reason: "an agent that sets the pace of a job's cycles"
  },
  {
    path: "test/behaviour/g13-job-scoped-memory.test.ts",
    uses: ["Effect.sleep"],
    reason: "fibers that are interrupted"
  },
  {
    path: "test/workers/care.test.ts",
    uses: ["Effect.sleep"],
    reason: "looks at memory, idle times and cooldowns of real threads are due after a time, and nothing tells of it"
  },
  {
    path: "test/workers/scheduling.test.ts",
    uses: ["Effect.sleep", "setTimeout"],
    reason: "stalls the main thread between two ticks of the watchdog"
  },
  { path: "test/examples/code-audit/main.test.ts", uses: ["setTimeout"], reason: "interrupts a process under way" },
  { path: "test/support/pulse.ts", uses: ["setTimeout"], reason: "the collector tells of itself late" },
  { path: "test/support/behaviour/hostile.ts", uses: ["setTimeout"], reason: "an agent that leaves a timer behind" },
  { path: "test/support/cli/", uses: ["Effect.sleep", "setTimeout"], reason: "programs that take a while to watch" },
  { path: "test/support/core/chaos.ts", uses: ["Effect.sleep"], reason: "agents that end in any order" },
  { path: "test/support/core/synthetic.ts", uses: ["Atomics.wait"], reason: "agents that end in any order" },
  {
    path: "test/support/core/vandals.ts",
    uses: ["Effect.sleep"],
    reason: "an agent that ends in a later turn than others"
  },
  {
    path: "test/support/crash/",
    uses: ["Effect.sleep", "Atomics.wait", "setTimeout"],
    reason: "processes of test/integration, and when they are killed"
  },
  { path: "test/support/browser/programs.ts", uses: ["Effect.sleep"], reason: "an agent that takes a while to watch" },
  { path: "test/support/browser/rests.ts", uses: ["Effect.sleep"], reason: "agents that take a while to watch" },
  { path: "test/support/browser/questions.ts", uses: ["Effect.sleep"], reason: "agents that take a while to watch" },
  { path: "test/support/server/crowd.ts", uses: ["setTimeout"], reason: "viewers that stall, and come back later" },
  { path: "test/support/server/kills.ts", uses: ["setTimeout"], reason: "clients of test/integration that try again" },
  { path: "test/support/server/programs.ts", uses: ["Effect.sleep"], reason: "agents that take a while" },
  {
    path: "test/support/workers/programs.ts",
    uses: ["Atomics.wait", "setTimeout"],
    reason: "agents that take a while"
  },
  {
    path: "test/support/store/fixture/",
    uses: ["Effect.sleep", "setTimeout"],
    reason: "makes a file of journals, by hand: leases run out, jobs come to rest"
  },
  { path: "test/support/workers/slowStart.ts", uses: ["setTimeout"], reason: "a module that takes a while to load" }
]

/* ---------------------------------------------------------------- imports */

/** The rooms that make up a job and decide, on values alone. Nothing of them may reach the runtime of jobs. */
const pure = ["values", "program", "context", "outcome", "cycle"].map((name) => `src/${name}/`)

/** The rooms and packages that run jobs. */
const runtime = [
  ...[
    "workers",
    "store",
    "journal",
    "intents",
    "job",
    "engine",
    "server",
    "inspector",
    "cli",
    "cluster",
    "testing",
    "ai"
  ].map((name) => `src/${name}/`),
  "src/index.ts",
  "machines/",
  "xstate",
  "xstate/"
]

/** The modules that pure rooms do without. */
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
    ai: ["src/ai/", "src/testing/"],
    workers: ["src/workers/"],
    cli: ["src/cli/"],
    process: ["src/cli/"],
    http: ["src/server/", "src/client/"],
    "http-api": ["src/server/", "src/client/"],
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
  ".tsx",
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
const isSource = ({ path }: SourceFile) => /\.tsx?$/.test(path)
const src = tracked.filter((file) => isSource(file) && file.path.startsWith("src/"))
const machines = tracked.filter((file) => isSource(file) && file.path.startsWith("machines/"))
const all = [...src, ...machines]
const pureFiles = src.filter(({ path }) => pure.some((place) => path.startsWith(place)))
const scripts = tracked.filter(({ path }) => /^\.ci\/.*\.m?ts$|^\.ci\/.*\.mjs$/.test(path))
const tests = tracked.filter((file) => isSource(file) && file.path.startsWith("test/") && isHasty(file))
const faceTests = tests.filter(isOfFace)

/** Tests of the example programs, but for those of the audit and of the language, which are measured on engines of their own. */
const isOfExample = ({ path }: SourceFile) =>
  path.startsWith("test/examples/") && !/^test\/examples\/(?:code-audit|metta)\//.test(path)
const exampleTests = tests.filter(isOfExample)

const setUps = longSetUps(limitSetUpLines)
const functions = longFunctions(limitFunctionLines)
const comments = longComments(limitCommentCharacters)

describe("house style", () => {
  it("reads the sources", () => {
    expect(src.length).toBeGreaterThan(0)
    expect(tracked.map((file) => file.path)).toContain("package.json")
  })

  it("takes time, randomness, threads and runtimes from services, and switches no type off", () => {
    expect(all.flatMap((file) => checkBans(file, allowances))).toEqual([])
  })

  it("allows nothing that is not needed, and says why", () => {
    expect(checkAllowances(all, allowances, banUses)).toEqual([])
    expect(checkAllowances([...all, ...scripts], longFunctionAllowances, functions)).toEqual([])
    expect(checkAllowances(all, longCommentAllowances, comments)).toEqual([])
    expect(checkAllowances(tests, sleepAllowances, sleepUses)).toEqual([])
  })

  it("imports submodules of dependencies, and unstable ones in one place", () => {
    const isBundled = ({ path }: SourceFile) => path.startsWith("src/inspector/console/")
    expect(src.filter((file) => !isBundled(file)).flatMap((file) => checkImports(file, importRules(packages)))).toEqual(
      []
    )
    const inBundle = src.filter(isBundled).flatMap(importsOf)
    const bundled = ["preact", "preact/hooks", "@preact/signals", "elkjs/lib/elk-api.js"]
    expect(inBundle.filter(({ specifier, target }) => target === undefined && !bundled.includes(specifier))).toEqual([])
  })

  it("keeps machines free of everything but xstate and types", () => {
    expect(machines.flatMap(checkMachine)).toEqual([])
  })

  it("points imports one way: data and pure core reach no runtime", () => {
    expect(
      checkReach(
        all,
        pureFiles.map(({ path }) => path),
        runtime
      )
    ).toEqual([])
  })

  it("keeps the pure core free of effects", () => {
    // Programs have agents, which return effects.
    const core = pureFiles.filter(({ path }) => roomOf(rooms, path) !== "program")
    const uses = core.flatMap((file) => importsOf(file).map((it) => `${file.path} imports ${it.specifier}`))
    expect(uses.filter((use) => effectful.some((module) => use.endsWith(` ${module}`)))).toEqual([])
  })

  it("keeps its files in rooms that import what they may", () => {
    expect(checkTable(rooms)).toEqual([])
    expect(checkRooms(all, rooms)).toEqual([])
    expect(checkDoors(all, rooms)).toEqual([])
    const present = new Set(all.map(({ path }) => roomOf(rooms, path)))
    expect(Object.keys(rooms).filter((name) => !present.has(name) && !keptRooms.includes(name))).toEqual([])
  })

  it("has no circle of files or rooms, types included", () => {
    expect(findCycles(all)).toEqual([])
    expect(findRoomCycles(all, rooms)).toEqual([])
  })

  it("takes public names from an entry in tests of behaviour, types and support", () => {
    expect(faceTests.length).toBeGreaterThan(0)
    expect(checkFace(faceTests, rooms, entries)).toEqual([])
  })

  it("has no file above 600 lines, and no function above 70", () => {
    expect(all.flatMap((file) => checkLength(file, limitLines))).toEqual([])
    expect(checkUses([...all, ...scripts], longFunctionAllowances, functions)).toEqual([])
  })

  it("has no line of a comment above 130 characters", () => {
    expect(checkUses(all, longCommentAllowances, comments)).toEqual([])
  })

  it("never sleeps in a test, but in test/integration", () => {
    expect(checkUses(tests, sleepAllowances, sleepUses)).toEqual([])
  })

  it("tests examples with the test kit, and with no set-up of an engine above 10 lines", () => {
    const kit = exampleTests.filter(({ text }) => text.includes('from "effect-converge/testing"'))
    for (const name of ["access-policy", "crawler", "data-quality", "embedded-server", "research"]) {
      expect(kit.some(({ path }) => path.startsWith(`test/examples/${name}/`))).toBe(true)
    }
    expect(checkUses(exampleTests, [], setUps)).toEqual([])
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
    expect(checkAllowances([file("Date.now()", "src/a/b.ts")], [allowance], banUses)).toEqual([
      "src/a/ is allowed Math.random and does not use it"
    ])
    expect(checkAllowances([file("Date.now() + Math.random()", "src/b.ts")], [allowance], banUses)).toHaveLength(2)
    const idle = { path: "src/a/", uses: ["Date.now"], reason: "" }
    expect(checkAllowances([file("Date.now()", "src/a/b.ts")], [idle], banUses)).toHaveLength(1)
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
      file('import type { X } from "../cycle/x.ts"', "src/program/Fact.ts"),
      file('export * from "./y.ts"', "src/cycle/x.ts"),
      file('import { run } from "../engine/Engine.ts"', "src/cycle/y.ts"),
      file("", "src/engine/Engine.ts")
    ]
    expect(checkReach(files, ["src/program/Fact.ts"], runtime)).toEqual([
      "src/program/Fact.ts -> src/cycle/x.ts -> src/cycle/y.ts -> src/engine/Engine.ts"
    ])
    expect(checkReach(files.slice(0, 2), ["src/program/Fact.ts"], runtime)).toEqual([])
    const merge = file('import "xstate"', "src/cycle/merge.ts")
    expect(checkReach([merge], [merge.path], runtime)).toEqual(["src/cycle/merge.ts -> xstate"])
  })

  it("a circle is found, also one that only types close", () => {
    const files = (type: string) => [
      file('import "./b.ts"', "src/a.ts"),
      file('import "./c.ts"\nimport "./d.ts"', "src/b.ts"),
      file(`import ${type}{ a } from "./a.ts"`, "src/c.ts"),
      file("", "src/d.ts")
    ]
    const circle = ["src/a.ts", "src/b.ts", "src/c.ts"]
    expect(findCycles(files(""))).toEqual([circle])
    expect(findCycles(files("type "))).toEqual([circle])
    expect(findCycles([file('import "./a.ts"', "src/a.ts")])).toEqual([["src/a.ts"]])
  })

  describe("rooms", () => {
    const table: Rooms = {
      ...room("roof", "walls(front) store(port) store(front)", { front: ["Roof.ts"] }),
      ...room("walls", "ground", { front: ["Walls.ts"] }),
      ...room("store", "ground", { port: ["Port.ts"], front: ["index.ts"] }),
      ...room("ground", ""),
      Limits: { place: "src/Limits.ts", imports: [] }
    }
    const imports = (path: string, target: string, type = "") => [file(`import ${type}{ x } from "${target}"`, path)]

    it("may not import what their table does not say, types included", () => {
      expect(checkRooms(imports("src/walls/a.ts", "../roof/Roof.ts"), table)).toEqual([
        "src/walls/a.ts imports src/roof/Roof.ts: walls may not import roof"
      ])
      expect(checkRooms(imports("src/walls/a.ts", "../store/Port.ts", "type "), table)).toHaveLength(1)
      expect(checkRooms(imports("src/walls/a.ts", "../ground/deep/b.ts"), table)).toEqual([])
      expect(checkRooms(imports("src/walls/deep/a.ts", "../b.ts"), table)).toEqual([])
      expect(checkRooms(imports("src/ground/a.ts", "../Limits.ts"), table)).toEqual([])
      expect(checkRooms(imports("src/Limits.ts", "./ground/a.ts"), table)).toHaveLength(1)
    })

    it("are entered by the door that the table names", () => {
      expect(checkRooms(imports("src/roof/a.ts", "../store/sqlite/b.ts", "type "), table)).toEqual([
        "src/roof/a.ts imports src/store/sqlite/b.ts: roof may import only the port, front of store"
      ])
      expect(checkRooms(imports("src/roof/a.ts", "../walls/a.ts"), table)).toHaveLength(1)
      for (const target of ["../store/Port.ts", "../store/index.ts", "../walls/Walls.ts"]) {
        expect(checkRooms(imports("src/roof/a.ts", target), table)).toEqual([])
      }
    })

    it("have all files", () => {
      expect(checkRooms([file("", "src/a.ts")], table)).toEqual(["src/a.ts has no room"])
      expect(checkRooms(imports("src/roof/a.ts", "../../test/b.ts"), table)).toEqual([
        "src/roof/a.ts imports test/b.ts, which has no room"
      ])
    })

    it("have a table that leads one way, to rooms and doors that there are", () => {
      expect(checkTable(table)).toEqual([])
      expect(checkTable({ ...table, ...room("ground", "walls") })).toEqual(["the table leads round: ground, walls"])
      expect(checkTable({ ...table, ...room("roof", "cellar walls(window)") })).toHaveLength(2)
    })

    it("have doors that are there", () => {
      const files = ["src/roof/Roof.ts", "src/walls/Walls.ts", "src/store/Port.ts"].map((path) => file("", path))
      expect(checkDoors(files, table)).toEqual(["store has a door at src/store/index.ts, which is not there"])
      expect(checkDoors([...files, file("", "src/store/index.ts")], table)).toEqual([])
    })

    it("give a test their public names by an entry", () => {
      const from = (target: string) => checkFace(imports("test/behaviour/a.test.ts", target), table, ["src/index.ts"])
      expect(from("../../src/index.ts")).toEqual([])
      expect(from("../../src/store/Port.ts")).toEqual([])
      expect(from("../../src/roof/Roof.ts")).toEqual([
        "test/behaviour/a.test.ts imports src/roof/Roof.ts, whose names an entry exports"
      ])
    })

    it("that import each other are found, types included", () => {
      const files = [
        ...imports("src/walls/a.ts", "../ground/b.ts", "type "),
        ...imports("src/ground/c.ts", "../walls/d.ts", "type "),
        file("", "src/ground/b.ts"),
        file("", "src/walls/d.ts")
      ]
      expect(findCycles(files)).toEqual([])
      expect(findRoomCycles(files, table)).toEqual([["ground", "walls"]])
      expect(findRoomCycles(files.slice(1), table)).toEqual([])
    })
  })

  describe("the length of a function", () => {
    const body = (lines: number) => "  f()\n".repeat(lines - 2)
    const namesIn = (text: string) => functions(file(text)).map(({ name }) => name)

    it.each([
      ["long", (n: number) => `export function long() {\n${body(n)}}`],
      ["long", (n: number) => `const long = (a: number): void => {\n${body(n)}}`],
      ["long", (n: number) => `const long = Effect.gen(function* () {\n${body(n)}})`],
      ["long", (n: number) => `const a = { long: async () => {\n${body(n)}} }`],
      ["long", (n: number) => `const a = { long() {\n${body(n)}} }`],
      ["long", (n: number) => `a.long = () => {\n${body(n)}}`],
      ["A.long", (n: number) => `class A<B> {\n  long(b: B) {\n${body(n)}  }\n}`],
      ["A.#long", (n: number) => `class A {\n  get #long() {\n${body(n)}  }\n}`],
      ["A.long", (n: number) => `class A {\n  readonly long = () => {\n${body(n)}  }\n}`]
    ])("%s is found with 71 lines, and not with 70 (%#)", (name, text) => {
      expect(namesIn(text(71))).toEqual([name])
      expect(namesIn(text(70))).toEqual([])
    })

    it("has in it what is nested in it", () => {
      expect(namesIn(`const outer = () => {\n${body(40)}  const inner = () => {\n${body(40)}  }\n}`)).toEqual(["outer"])
      expect(namesIn(`const outer = () => {\n  const inner = () => {\n${body(71)}  }\n}`)).toEqual(["outer", "inner"])
    })

    it("does not count data, and a closure is none", () => {
      const rows = (row: string) => Array.from({ length: 80 }, () => `  ${row}`).join(",\n")
      expect(namesIn(`const table = [\n${rows("{ a: 1, b: [-1, `c`] }")}\n]`)).toEqual([])
      expect(namesIn(`const table = (d) => ({\n${rows("a: { b: d, c: d.e }")}\n})`)).toEqual([])
      expect(namesIn(`function table() {\n  return [\n${rows('"a"')}\n  ] as const\n}`)).toEqual([])
      expect(namesIn(`const closure = () => ({\n${rows("a: () => 1")}\n})`)).toEqual(["closure"])
      expect(namesIn(`const calls = () => [\n${rows("f()")}\n]`)).toEqual(["calls"])
    })

    it("may be allowed, by file and name, while it is needed", () => {
      const files = [file(`const long = () => {\n${body(71)}}`)]
      const allowance = { path: "src/Example.ts", uses: ["long"], reason: "a test" }
      expect(checkUses(files, [], functions)).toEqual(["src/Example.ts:1 long has 71 lines, more than 70"])
      expect(checkUses(files, [allowance], functions)).toEqual([])
      expect(checkUses(files, [{ ...allowance, uses: ["other"] }], functions)).toHaveLength(1)
      expect(checkAllowances(files, [allowance], functions)).toEqual([])
      expect(checkAllowances([file("const long = () => 1")], [allowance], functions)).toHaveLength(1)
      expect(checkAllowances([], [allowance], functions)).toHaveLength(1)
    })
  })

  describe("set-ups of engines in tests of examples", () => {
    const lines = (text: string) => longSetUps(0)(file(text)).map((use) => Number(/\d+/.exec(use.text)?.[0]))

    it("count by the definitions that compose one, wherever they stand", () => {
      expect(lines("const engine = Engine.layer().pipe(\n  Layer.provide(WorkerPool.layerInline)\n)")).toEqual([3])
      expect(lines("function engine() {\n  return JobStore.layerMemory\n}\nconst other = 1")).toEqual([3])
      const nested = 'it("a", () => {\n  const engine = [\n    Engine.layer()\n  ]\n  expect(engine)\n})'
      expect(lines(nested)).toEqual([3])
    })

    it("count by the line where a test names a layer", () => {
      const test =
        'describe("a", () => {\n  it.live("b", () =>\n    run.pipe(\n      Effect.provide(Engine.layerMemory)\n    ))\n})'
      expect(lines(test)).toEqual([1])
    })

    it("are none with the kit, and are found above the limit only", () => {
      expect(lines("const engine = Testing.layer({\n  workers: 2\n})")).toEqual([])
      const engine = (length: number) => `const engine = [\n${"  Engine.layer(),\n".repeat(length - 2)}]`
      expect(setUps(file(engine(10)))).toEqual([])
      expect(setUps(file(engine(11)))).toHaveLength(1)
    })
  })

  it("a long line of a comment is found, and one of code is the formatter's", () => {
    const long = (length: number) => "x".repeat(length)
    const found = (text: string) => comments(file(text)).map(({ line }) => line)
    expect(found(`// ${long(128)}`)).toEqual([1])
    expect(found(`// ${long(127)}`)).toEqual([])
    expect(found(`/**\n * short\n * ${long(128)}\n */\nconst a = 1`)).toEqual([3])
    expect(found(`const a = 1 // ${long(128)}`)).toEqual([1])
    expect(found(`const a = "// ${long(128)}"`)).toEqual([])
    expect(
      checkAllowances([file("")], [{ path: "src/Example.ts", uses: ["long comment"], reason: "a test" }], comments)
    ).toHaveLength(1)
  })

  it.each([
    "setTimeout(resolve, 50)",
    "setInterval(f, 50)",
    "yield* Effect.sleep(5)",
    "Effect.delay(effect, 5)",
    "Atomics.wait(cell, 0, 0, 5)",
    'import { setTimeout } from "node:timers/promises"'
  ])("a test that sleeps is found: %s", (text) => {
    expect(checkUses([file(text, "test/server/a.test.ts")], sleepAllowances, sleepUses)).toHaveLength(1)
    expect([file("", "test/server/a.test.ts"), file("", "test/integration/a.test.ts")].map(isHasty)).toEqual([
      true,
      false
    ])
    expect(checkUses([file(`// ${text}`, "test/server/a.test.ts")], sleepAllowances, sleepUses)).toEqual([])
  })

  it("a long file and a file without a header are found", () => {
    expect(checkLength(file("a\n".repeat(601)), limitLines)).toHaveLength(1)
    expect(checkLength(file("a\n".repeat(600)), limitLines)).toEqual([])
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
