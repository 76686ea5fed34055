/**
 * Whether others can use the OpenAPI document: a linter finds nothing in it, and the clients that two generators make of it
 * compile under `--strict`, with requests that use them.
 *
 * `npm run clients`, after a change of the API; no part of `npm test`, since the tools are large. Boundary: runs tools, and ends
 * with the exit code of the first that fails.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import process from "node:process"
import { fileURLToPath } from "node:url"

const here = dirname(fileURLToPath(import.meta.url))
const folder = join(here, ".tmp")
const run = (tool, ...args) =>
  execFileSync(process.execPath, [join(here, "node_modules", ...tool.split("/")), ...args], {
    cwd: folder,
    stdio: "inherit"
  })

const use = `
import { jobsExplainFact, jobsList, jobsStart } from "./client/index.js"
import type { paths } from "./types.js"

type Query = NonNullable<paths["/api/v1/jobs"]["get"]["parameters"]["query"]>
export const query: Query = { limit: 5, status: "unfinished" }

export const use = async () => {
  const budget = { maxCycles: 5, maxDuration: "5 seconds" }
  const started = await jobsStart({ body: { program: "count", input: { to: 3 }, budget } })
  const page = await jobsList({ query: { limit: 5 } })
  const why = await jobsExplainFact({ path: { id: "a" }, query: { kind: "Step", fact: "" } })
  return [started.data, page.data?.jobs[0]?.jobId, why.data?.nodes.length] as const
}
`

if (!existsSync(join(here, "node_modules"))) {
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: here, stdio: "inherit" })
}
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
const { documentOf } = await import("../../dist/src/server/document.js")
writeFileSync(join(folder, "openapi.json"), JSON.stringify(documentOf("", "0.0.0"), null, 2))
writeFileSync(join(folder, "use.ts"), use)
run("@redocly/cli/bin/cli.js", "lint", "openapi.json")
run("openapi-typescript/bin/cli.js", "openapi.json", "-o", "types.ts")
run("@hey-api/openapi-ts/bin/run.js", "-i", "openapi.json", "-o", "client")
const strict = ["--strict", "--noEmit", "--skipLibCheck", "--target", "es2022"]
run("typescript/bin/tsc", ...strict, "--module", "esnext", "--moduleResolution", "bundler", "use.ts")
