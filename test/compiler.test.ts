/**
 * The compiler that `npm run check` runs is the patched one: an Effect that nobody runs is an error. The plain compiler
 * accepts it, so without this test a lost patch would go unnoticed.
 */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"

const root = fileURLToPath(new URL("..", import.meta.url))

/** Compiles one file with the project's options, in a folder of the project, so that it finds `effect`. */
const compile = (text: string) => {
  mkdirSync(join(root, ".tmp"), { recursive: true })
  const folder = mkdtempSync(join(root, ".tmp", "compiler-"))
  try {
    writeFileSync(join(folder, "example.ts"), text)
    const config = { extends: "../../tsconfig.json", include: ["example.ts"] }
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config))
    const tsc = join(root, "node_modules", "typescript", "bin", "tsc")
    const { status, stdout } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" })
    return { status, stdout }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const example = (statement: string) => `
  import * as Effect from "effect/Effect"
  export const program = Effect.gen(function* () {
    ${statement}
  })
`

it("a floating Effect fails the check", () => {
  const { status, stdout } = compile(example('Effect.log("lost")'))
  expect(stdout).toContain("floatingEffect")
  expect(stdout).toContain("example.ts(4,5)")
  expect(status).not.toBe(0)
})

it("the same Effect passes when it is yielded", () => {
  expect(compile(example('yield* Effect.log("run")'))).toEqual({ status: 0, stdout: "" })
})
