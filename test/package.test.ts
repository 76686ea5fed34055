/**
 * The promises of package.json about the built package, and the cost of importing its root: no HTTP, SQL, cluster, command
 * line or inspector module is loaded by it. Reads dist, so `npm run build` comes first.
 */
import { existsSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { beforeAll, describe, expect, it } from "vitest"
import { node, projectRoot } from "./support/node.ts"

interface Manifest {
  readonly exports: Record<string, string | { readonly types: string; readonly default: string }>
  readonly bin?: Record<string, string>
}

const manifest = JSON.parse(readFileSync(`${projectRoot}package.json`, "utf8")) as Manifest
const has = (path: string) => existsSync(projectRoot + path)

describe("package.json", () => {
  it("names only files that the build makes", () => {
    const targets = Object.values(manifest.exports).flatMap((target) =>
      typeof target === "string" ? [target] : Object.values(target)
    )
    expect([...targets, ...Object.values(manifest.bin ?? {})].filter((target) => !has(target))).toEqual([])
  })

  it.each(["ai", "client", "testing", "inspector", "server"])("exports %s as soon as there is one", (folder) => {
    const entry = { types: `./dist/src/${folder}/index.d.ts`, default: `./dist/src/${folder}/index.js` }
    expect(manifest.exports[`./${folder}`]).toEqual(has(`src/${folder}/index.ts`) ? entry : undefined)
  })

  it("has the command as soon as there is one", () => {
    expect(manifest.bin).toEqual(has("src/cli/main.ts") ? { converge: "./dist/src/cli/main.js" } : undefined)
  })
})

/* ---------------------------------------------------------------- what the root loads */

/** Prints the address of every module that Node is asked for, `require` included, when the process ends. */
const listLoaded = `
  import { registerHooks } from "node:module"
  import { writeSync } from "node:fs"
  const loaded = new Set()
  registerHooks({
    resolve(specifier, context, next) {
      const result = next(specifier, context)
      loaded.add(result.url)
      return result
    }
  })
  process.on("exit", () => writeSync(1, JSON.stringify([...loaded])))
`

/** The modules that an import loads, together with a script that then uses its exports, `root`. */
const loadedBy = async (specifier: string, then = ""): Promise<ReadonlyArray<string>> => {
  const preload = `data:text/javascript,${encodeURIComponent(listLoaded)}`
  const { code, stdout, stderr } = await node([
    "--import",
    preload,
    "--input-type=module",
    "--eval",
    `const root = await import(${JSON.stringify(specifier)})\n${then}`
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" })
  return JSON.parse(stdout) as ReadonlyArray<string>
}

const buildEngine = `
  const Effect = await import("effect/Effect")
  const Layer = await import("effect/Layer")
  await Effect.runPromise(Effect.scoped(Layer.build(root.Engine.layerMemory)))
`

/** The modules that a program which only runs jobs must not load, but for the few that Effect's own core loads. */
const unwanted: ReadonlyArray<RegExp> = [
  /\/effect\/dist\/(?:http|http-api|sql|cluster|cli|socket|rpc|eventlog|ai|workflow|persistence|devtools|graphql)\//,
  /\/effect\/dist\/index\.js$/,
  /\/@effect\/platform-node\/dist\/(?:index|Node(?:Http|Cluster|Socket|Redis|WS|Services|Runtime)\w*|Undici)\.js$/,
  /\/node_modules\/(?:@statelyai|@effect\/sql-pg|ws|undici|redis|@redis)\//,
  /\/dist\/src\/(?:ai|client|server|cli|inspector|cluster|testing)\//,
  /\/dist\/src\/store\/\w*sqlite/i,
  /^node:(?:http|https|http2|sqlite|net|tls)$/
]

describe("importing the root", () => {
  let loaded: ReadonlyArray<string> = []
  let core: ReadonlyArray<string> = []
  beforeAll(async () => {
    expect(has("dist/src/index.js"), "dist is missing: npm run build").toBe(true)
    loaded = await loadedBy("effect-converge")
    core = [...(await loadedBy("effect/Effect")), ...(await loadedBy("effect/Schema"))]
  })

  const own = (urls: ReadonlyArray<string>): ReadonlyArray<string> =>
    urls.flatMap((url) => /\/dist\/((?:src|machines)\/.*)$/.exec(url)?.[1] ?? [])

  it("loads what programs are defined with, and of its dependencies only effect/Schema and effect/Effect", () => {
    const rest = loaded.filter((url) => !core.includes(url) && own([url]).length === 0)
    expect(rest).toEqual([])
    expect(own(loaded)).toEqual(
      expect.arrayContaining(["src/index.js", "src/engine/Engine.js", "src/program/Program.js"])
    )
    expect(own(loaded).length).toBeLessThanOrEqual(70)
  })

  it("leaves what runs jobs until an engine or a pool is built", async () => {
    const late = ["machines/job.machine.js", "src/job/driver.js", "src/workers/pool.js", "src/workers/thread.js"]
    expect(own(loaded).filter((path) => late.includes(path))).toEqual([])
    const built = await loadedBy("effect-converge", buildEngine)
    expect(own(built)).toEqual(expect.arrayContaining(late))
  })

  it.each(unwanted)("loads nothing that matches %s", (pattern) => {
    expect(loaded.filter((url) => pattern.test(url) && !core.includes(url))).toEqual([])
  })

  it("would show them if it did", async () => {
    const wanted = await loadedBy("@effect/platform-node/NodeHttpServer")
    const seen = unwanted.filter((pattern) => wanted.some((url) => pattern.test(url)))
    expect(seen.length).toBeGreaterThanOrEqual(3)
  })

  it("needs no file outside of node_modules and dist", () => {
    const outside = loaded.filter((url) => url.startsWith("file:") && !/\/(?:node_modules|dist)\//.test(url))
    expect(outside.map((url) => fileURLToPath(url))).toEqual([])
  })
})
