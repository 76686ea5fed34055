/** Compiles a module for tests of the compiler, and of types as people see them. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { projectRoot } from "./node.ts"

export interface Compiled {
  readonly status: number | null
  /** The output of the compiler. */
  readonly stdout: string
  /** The declarations of the module. */
  readonly declarations: string
}

/** Compiles one module with the project's options, in a folder of the project, so that it finds `effect`. */
export const compile = (text: string): Compiled => {
  mkdirSync(join(projectRoot, ".tmp"), { recursive: true })
  const folder = mkdtempSync(join(projectRoot, ".tmp", "compiler-"))
  try {
    writeFileSync(join(folder, "example.ts"), text)
    const config = {
      extends: "../../tsconfig.json",
      compilerOptions: { noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: "../..", outDir: "out" },
      include: ["example.ts"]
    }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    const tsc = join(projectRoot, "node_modules", "typescript", "bin", "tsc")
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" })
    const written = join(folder, "out", folder.slice(projectRoot.length), "example.d.ts")
    return { status, stdout, declarations: readFileSync(written, "utf8") }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
