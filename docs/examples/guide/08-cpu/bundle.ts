/**
 * Bundles main.ts and program.ts with esbuild, the program's module as an entry point of its own.
 *
 * `node docs/examples/guide/08-cpu/bundle.ts out` and then `node out/main.js`
 */
import { build } from "esbuild"
import process from "node:process"
import { fileURLToPath } from "node:url"

const at = (file: string): string => fileURLToPath(new URL(file, import.meta.url))

await build({
  // Threads import the program's module, so it must be there as a file, and without main.ts in it.
  entryPoints: [at("main.ts"), at("program.ts")],
  // main.js then imports the same file of the program, and has no copy of its own.
  splitting: true,
  format: "esm",
  // effect-converge, effect and all other packages stay in node_modules.
  packages: "external",
  bundle: true,
  platform: "node",
  target: "node22.19",
  outdir: process.argv[2] ?? "out",
  logLevel: "warning"
})
