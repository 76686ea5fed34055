/** The cost of a process before it can run a job. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { FirstTaskResult } from "../children/firstTask.ts"
import { runChild, runNode } from "../framework/child.ts"
import { type Benchmark, type Contender, value } from "../framework/definition.ts"
import { packageFolder } from "../framework/packageFolder.ts"
import { manyExpected } from "../programs/many.ts"

const manifest = JSON.parse(readFileSync(join(packageFolder, "package.json"), "utf8")) as {
  readonly name: string
  readonly version: string
  readonly bin: { readonly converge: string }
}

/** Imports the package by its own name, as a user's module does: Node finds the entry in package.json. */
const importScript = `
  const began = performance.now()
  const it = await import(${JSON.stringify(manifest.name)})
  const ms = performance.now() - began
  process.stdout.write(JSON.stringify({ ms, names: Object.keys(it) }))
`

const uncached = { NODE_DISABLE_COMPILE_CACHE: "1" }

interface Cache {
  readonly env: NodeJS.ProcessEnv
  readonly remove: () => Promise<void>
}

/** A compile cache of its own, filled by the first process that uses it. */
const makeCache = (): Cache => {
  const folder = mkdtempSync(join(tmpdir(), "converge-cache-"))
  return {
    env: { NODE_COMPILE_CACHE: folder, XDG_CACHE_HOME: folder },
    remove: async () => rmSync(folder, { recursive: true })
  }
}

const importing = async (env: NodeJS.ProcessEnv) => {
  const { ms: processMs, stdout } = await runNode(["--input-type=module", "--eval", importScript], env, packageFolder)
  const { ms, names } = JSON.parse(stdout) as { readonly ms: number; readonly names: ReadonlyArray<string> }
  return { values: { inside: ms, process: processMs }, result: names }
}

const version = async (env: NodeJS.ProcessEnv) => {
  const { ms, stdout } = await runNode([manifest.bin.converge, "--version"], env, packageFolder)
  return { values: { process: ms }, result: stdout.includes(manifest.version) }
}

/** The same thing with a compile cache, in a process that finds it full. */
const cached = async (body: (env: NodeJS.ProcessEnv) => ReturnType<typeof importing> | ReturnType<typeof version>) => {
  const cache = makeCache()
  await body(cache.env)
  return { round: () => body(cache.env), stop: cache.remove }
}

const contenders: ReadonlyArray<Contender> = [
  {
    name: "node",
    about: "`node --eval 0`: the cost of any process",
    computes: "nothing",
    start: async () => ({
      round: async () => {
        const { ms, stdout } = await runNode(["--eval", "0"], uncached)
        return { values: { process: ms }, result: stdout }
      }
    })
  },
  {
    name: "import",
    about: "`import` of the package, no compile cache",
    computes: "names",
    start: async () => ({ round: () => importing(uncached) })
  },
  {
    name: "import-cached",
    about: "the same with a compile cache that is full",
    computes: "names",
    start: () => cached(importing)
  },
  {
    name: "version",
    about: "`converge --version`, no compile cache",
    computes: "version",
    start: async () => ({ round: () => version(uncached) })
  },
  {
    name: "version-cached",
    about: "the same with a compile cache that is full",
    computes: "version",
    start: () => cached(version)
  },
  {
    name: "first-task",
    about: "a cold pool: from the build of the layers to the end of a job with one CPU task",
    computes: "task",
    start: async () => ({
      round: async () => {
        const { ms, output } = await runChild<FirstTaskResult>("firstTask.ts", null, [])
        return { values: { inside: ms }, result: output }
      }
    })
  }
]

export const benchmark: Benchmark = {
  name: "start",
  title: "The start of a process, and of a pool",
  measures: [
    "Each contender is a process of its own that does nothing else, from the built package.",
    "- The import is timed inside of the process, around `await import` of the package by its name.",
    "- The command and the bare process are timed from outside, from spawn to exit.",
    "The bars are for processes without any compile cache, as on the first start of a new machine. The same with a full cache stands beside them. The files are in the page cache of the system."
  ],
  notMeasured: "The first read of the files from a disk; a package that was bundled.",
  rounds: 15,
  warmups: 2,
  warmupMs: 0,
  metrics: {
    inside: { title: "timed inside of the process", unit: "ms" },
    process: { title: "the whole process", unit: "ms" }
  },
  contenders,
  expected: () => ({ nothing: "", version: true, task: manyExpected(1) }),
  figures: [
    {
      name: "start/import",
      title: "import of the package",
      unit: "ms",
      better: "lower",
      bar: 250,
      aim: 120,
      ofRound: value("import", "inside")
    },
    {
      name: "start/version",
      title: "`converge --version`, the whole process",
      unit: "ms",
      better: "lower",
      bar: 400,
      aim: 200,
      ofRound: value("version", "process")
    },
    {
      name: "start/first-task",
      title: "a cold pool's first task",
      unit: "ms",
      better: "lower",
      ofRound: value("first-task", "inside")
    },
    {
      name: "start/node",
      title: "`node --eval 0`, the whole process",
      unit: "ms",
      better: "lower",
      ofRound: value("node", "process")
    }
  ]
}
