// Bundles what a worker thread runs into one file, in the place of the compiled one: a thread is ready sooner when Node need
// not find and link a hundred files. Its dependencies are in it; the programs that it imports bring their own.
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
  target: "node24",
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning"
})
