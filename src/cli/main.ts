#!/usr/bin/env node
/**
 * The `converge` command: the file that Node starts.
 *
 * It imports only a few of Node's own modules, so that `--version` answers at once. It loads the rest, first quickStart.ts,
 * when there is something to do. Boundary: starts command.ts; knows no command.
 */
import { readFileSync } from "node:fs"
import * as modules from "node:module"
import process from "node:process"

const { findPackageJSON } = modules
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
// Effect needs at least this version of Node.
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`converge needs Node 22.19 or later; this is ${process.version}\n`)
  process.exit(64)
}

const packageFile = findPackageJSON("..", import.meta.url)
const manifest = JSON.parse(packageFile === undefined ? "{}" : readFileSync(packageFile, "utf8")) as {
  readonly version?: string
}
const version = manifest.version ?? "0.0.0"
const [first, ...rest] = process.argv.slice(2)

if (rest.length === 0 && (first === "--version" || first === "-v")) process.stdout.write(`converge v${version}\n`)
else {
  void import("../platform/quickStart.ts").then(({ quickStart }) => {
    quickStart()
    return import("./command.ts").then(({ main }) => main(version))
  })
}
