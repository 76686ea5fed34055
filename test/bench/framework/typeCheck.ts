/**
 * Measures what the type check of a module costs, in a process of the compiler.
 *
 * The module lies in the folder of a package, so it finds the package by its name, as it is published: from its declarations.
 * Boundary: the compiler, and a folder that is removed.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { plainEnvironment } from "./child.ts"

/** The cost of one check. */
export interface TypeCheck {
  /** The time that the compiler spent on checking, without reading and parsing. */
  readonly ms: number
  /** The number of types that generic ones were instantiated to. It is the same in each run. */
  readonly instantiations: number
}

const options = {
  target: "ES2024",
  lib: ["ES2024", "ESNext.Iterator"],
  types: [],
  module: "NodeNext",
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: true,
  noEmit: true
}

const figure = (report: string, name: string): number => {
  const found = new RegExp(`^${name}:\\s*([\\d.]+)`, "m").exec(report)
  if (found === null) throw new Error(`the compiler reported no ${name}:\n${report}`)
  return Number(found[1])
}

/** Checks a module with the package of a folder. Throws if it does not compile. */
export const checkTypes = (folder: string, text: string): TypeCheck => {
  const place = join(folder, ".tmp")
  mkdirSync(place, { recursive: true })
  const work = mkdtempSync(join(place, "types-"))
  try {
    writeFileSync(join(work, "module.ts"), text)
    writeFileSync(join(work, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["module.ts"] }))
    const tsc = join(folder, "node_modules", "typescript", "bin", "tsc")
    // One thread: the time does not depend on how many cores are free.
    const args = [tsc, "-p", work, "--extendedDiagnostics", "--singleThreaded"]
    const { status, stdout } = spawnSync(process.execPath, args, { env: plainEnvironment(), encoding: "utf8" })
    if (status !== 0) throw new Error(`the module does not compile with the package of ${folder}:\n${stdout}`)
    return { ms: figure(stdout, "Check time") * 1_000, instantiations: figure(stdout, "Instantiations") }
  } finally {
    rmSync(work, { recursive: true })
  }
}
