/**
 * The samples of the documentation, and a folder where they run as they stand: with the modules that they name, and `npx`,
 * `converge` and `node` that run this package from its sources.
 *
 * Boundary: reads pages and makes files; no assertion.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { projectRoot } from "../node.ts"

/** The blocks of a language on a page, without the fences. */
export const blocksOf = (page: string, language: string): ReadonlyArray<string> => {
  const text = readFileSync(join(projectRoot, page), "utf8")
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, "gm"))].map(([, block = ""]) => block)
}

/** The lines of a page's shell blocks that are commands. */
export const commandsOf = (page: string): ReadonlyArray<string> =>
  blocksOf(page, "sh")
    .flatMap((block) => block.split("\n"))
    .filter((line) => line !== "" && !line.startsWith("#"))

/** The file that the package's command is, and the one that it is built from. */
export const built = "node_modules/effect-converge/dist/src/cli/main.js"
const source = join(projectRoot, "src/cli/main.ts")

/** Nine cycles of imports, each of which follows from the one before, and what a page says that it finds. */
const audit = `import { Agent, Fact, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Import = Fact.kind("Import", {
  schema: Schema.Struct({ from: Schema.String, to: Schema.String }),
  id: ({ from, to }) => from + " > " + to
})
const Cycle = Fact.kind("Cycle", { schema: Schema.Struct({ file: Schema.String }), id: ({ file }) => file })
const follow = Agent.make("follow", {
  each: Import,
  writes: [Import, Cycle],
  execute: ({ value: { from, to } }) => {
    const next = Number(/\\d+$/.exec(to)?.[0] ?? 9) + 1
    return Effect.succeed({
      facts: next > 9 ? [] : [Import.of({ from: to, to: "f" + next }), ...(from === "a.ts" ? [Cycle.of({ file: from })] : [])]
    })
  }
})
export const audit = Program.make("audit", {
  input: Schema.Struct({}),
  seed: () => [Import.of({ from: "a.ts", to: "f1" })],
  agents: [follow]
})
`

export interface Folder {
  readonly path: string
  readonly environment: NodeJS.ProcessEnv
  readonly remove: () => void
}

/** A folder for samples. */
export const makeFolder = (): Folder => {
  const path = mkdtempSync(join(tmpdir(), "converge-samples-"))
  const bin = join(path, "bin")
  for (const folder of ["bin", "src", "node_modules"]) mkdirSync(join(path, folder))
  symlinkSync(join(projectRoot, "docs"), join(path, "docs"))
  symlinkSync(projectRoot, join(path, "node_modules/effect-converge"))
  symlinkSync(join(projectRoot, "node_modules/effect"), join(path, "node_modules/effect"))
  for (const name of ["audit.ts", "programs.js"]) writeFileSync(join(path, name), audit)
  writeFileSync(join(path, "package.json"), '{"name": "samples", "type": "module"}')
  writeFileSync(join(path, "ancestors.ts"), 'export * from "./docs/examples/ancestors/program.ts"\n')
  writeFileSync(join(path, "src/index.ts"), 'import { b } from "./b.ts"\nexport const a = b\n')
  writeFileSync(join(path, "src/b.ts"), "export const b = 1\n")
  const script = (name: string, text: string): void => {
    writeFileSync(join(bin, name), `#!/bin/bash\n${text}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  script("converge", `exec "${process.execPath}" "${source}" "$@"`)
  script("npx", '[ "$1" = converge ] && shift && exec converge "$@"\nexit 1')
  script(
    "node",
    `exec "${process.execPath}" "\${@/#*${built.replaceAll("/", "\\/")}/${source.replaceAll("/", "\\/")}}"`
  )
  const environment = { ...process.env, NODE_OPTIONS: "", PATH: `${bin}${delimiter}${process.env["PATH"] ?? ""}` }
  return { path, environment, remove: () => rmSync(path, { recursive: true, force: true }) }
}
