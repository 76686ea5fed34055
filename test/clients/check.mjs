/**
 * Whether others can use the OpenAPI document: a linter finds nothing in it, and the clients that two generators make of it
 * compile under `--strict` and work: each calls every operation on a live server.
 *
 * `npm run clients`, after a change of the API; no part of `npm test`, since the tools are large. Boundary: runs tools, and ends
 * with the exit code of the first that fails.
 */
import { build } from "esbuild"
import { execFileSync, spawn } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { heyApi } from "./heyApi.mjs"
import { openapiFetch } from "./openapiFetch.mjs"

const here = dirname(fileURLToPath(import.meta.url))
const folder = join(here, ".tmp")
const run = (tool, ...args) =>
  execFileSync(process.execPath, [join(here, "node_modules", ...tool.split("/")), ...args], {
    cwd: folder,
    stdio: "inherit"
  })

/** What both uses share. */
const checks = `
/** Fails unless a result is what the operation should give. */
export const check = (operation: string, isRight: boolean, seen: unknown): void => {
  if (!isRight) throw new Error(operation + " gave " + JSON.stringify(seen))
}

/** Looks until something holds. */
export const until = async (holds: () => Promise<boolean>): Promise<void> => {
  const end = Date.now() + 20_000
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("it did not come to hold in time")
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
`

const uses = { heyApi, openapiFetch }

/** Makes the clients, and compiles their uses. */
const make = async (document) => {
  if (!existsSync(join(here, "node_modules"))) {
    execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" })
  }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, "openapi.json"), JSON.stringify(document, null, 2))
  writeFileSync(join(folder, "checks.ts"), checks)
  for (const [name, text] of Object.entries(uses)) writeFileSync(join(folder, `${name}.ts`), text)
  run("@redocly/cli/bin/cli.js", "lint", "openapi.json")
  run("openapi-typescript/bin/cli.js", "openapi.json", "-o", "types.ts")
  run("@hey-api/openapi-ts/bin/run.js", "-i", "openapi.json", "-o", "client")
  const strict = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022"]
  const files = Object.keys(uses).map((name) => `${name}.ts`)
  run("typescript/bin/tsc", ...strict, "--module", "esnext", "--moduleResolution", "bundler", ...files)
  const entryPoints = files.map((name) => join(folder, name))
  await build({ entryPoints, outdir: join(folder, "out"), bundle: true, format: "esm", platform: "node" })
}

/** Starts a server, and gives its address when it listens. */
const serve = async (store) => {
  const main = join(here, "../../dist/src/cli/main.js")
  const args = [main, "serve", join(here, "../support/modules/clientPrograms.ts"), "--store", store, "--port", "0"]
  const server = spawn(process.execPath, args, { stdio: ["ignore", "ignore", "pipe"] })
  const url = await new Promise((resolve, reject) => {
    let said = ""
    server.stderr.setEncoding("utf8").on("data", (text) => {
      said += text
      const found = /listening on (http:\/\/[\w.:]+\d)/.exec(said)
      if (found !== null) resolve(found[1])
    })
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)))
  })
  return { url, stop: () => server.kill("SIGTERM") }
}

/** The operations of the document, each with a pattern of its paths. */
const operationsOf = ({ paths }) =>
  Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`)
    }))
  )

/** Notes the operations that are called while something runs. */
const called = async (operations, use) => {
  const seen = new Set()
  const { fetch } = globalThis
  globalThis.fetch = (input, init) => {
    const [method, url] = input instanceof Request ? [input.method, input.url] : [init?.method ?? "GET", String(input)]
    const { pathname } = new URL(url)
    const found = operations.filter((one) => one.method === method && one.pattern.test(pathname))
    for (const { name } of found) seen.add(name)
    return fetch(input, init)
  }
  try {
    await use()
  } finally {
    globalThis.fetch = fetch
  }
  return seen
}

const { documentOf } = await import("../../dist/src/server/document.js")
const document = documentOf("", "0.0.0")
await make(document)
const operations = operationsOf(document)
const stores = mkdtempSync(join(tmpdir(), "converge-clients-"))
const server = await serve(join(stores, "jobs.db"))
try {
  for (const name of Object.keys(uses)) {
    const { use } = await import(join(folder, "out", `${name}.js`))
    const seen = await called(operations, () => use(server.url))
    const missing = operations.filter((operation) => !seen.has(operation.name)).map((operation) => operation.name)
    if (missing.length > 0) throw new Error(`${name} does not call ${missing.join(", ")}`)
    console.log(`${name}: ${seen.size} operations work`)
  }
} finally {
  server.stop()
  rmSync(stores, { recursive: true, force: true })
}
