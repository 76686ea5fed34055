// Bundles files into one, and builds constants in.
//
// The code of a worker thread goes into one file, in the place of the compiled one. A thread then starts sooner, because Node need
// not find and link a hundred files. The file contains the thread's dependencies; the programs that it imports bring their own.
// The version of the package goes into the module that reads it, so that it reads no file where the package is published.
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"

const runner = fileURLToPath(new URL("../dist/src/workers/runner.js", import.meta.url))

await build({
  entryPoints: [runner],
  outfile: runner,
  allowOverwrite: true,
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node22.19",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning"
})

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
const versionModule = new URL("../dist/src/platform/packageVersion.js", import.meta.url)
writeFileSync(versionModule, `export const packageVersion = ${JSON.stringify(version)}\n`)
rmSync(new URL("packageVersion.js.map", versionModule))
