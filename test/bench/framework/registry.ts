/** Finds the benchmarks: each file of benchmarks/ is one, and bears its name. Boundary: reads the folder, loads the files. */
import { readdirSync } from "node:fs"
import type { Benchmark } from "./definition.ts"

const folder = new URL("../benchmarks/", import.meta.url)

/** The names of all benchmarks. */
export const names: ReadonlyArray<string> = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -".ts".length))
  .sort()

export const load = async (name: string): Promise<Benchmark> => {
  const { benchmark } = (await import(new URL(`${name}.ts`, folder).href)) as { readonly benchmark: Benchmark }
  if (benchmark.name !== name) throw new Error(`benchmarks/${name}.ts defines ${benchmark.name}`)
  return benchmark
}
