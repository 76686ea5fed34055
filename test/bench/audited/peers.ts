/**
 * The unused exports that knip finds, and the complexity that ESLint counts, in the terms of the audit.
 *
 * Boundary: the peers; main.ts compares.
 */
import { spawnSync } from "node:child_process"
import { readFileSync, rmSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join, relative } from "node:path"
import type { Job } from "effect-converge"
import { FunctionMeasure, Module, Source, UnusedExport } from "../../../docs/examples/code-audit/facts.ts"
import type { audit } from "../../../docs/examples/code-audit/program.ts"
import { root } from "../../examples/code-audit/support.ts"

type Result = Job.JobResult<typeof audit>

/** Unused exports as "path name". */
export const unusedOf = ({ context }: Result): ReadonlyArray<string> =>
  context
    .all(UnusedExport)
    .map(({ value: { path, name } }) => `${path} ${name}`)
    .sort()

interface KnipReport {
  readonly issues: ReadonlyArray<{ readonly file: string; readonly exports?: ReadonlyArray<{ readonly name: string }> }>
}

/** The same, of knip: the project is what the audit reached, so both answer the same question. */
export const byKnip = (home: string, entry: string, modules: ReadonlyArray<string>): ReadonlyArray<string> => {
  const config = join(home, "knip-of-audit.json")
  writeFileSync(config, JSON.stringify({ entry: [relative(home, entry)], project: modules }))
  const knip = join(root, "node_modules/knip/bin/knip.js")
  const flags = ["--include", "exports", "--reporter", "json", "--no-exit-code", "--no-gitignore", "--config", config]
  const { stdout, stderr } = spawnSync(process.execPath, [knip, "--directory", home, ...flags], { encoding: "utf8" })
  rmSync(config)
  if (!stdout.startsWith("{")) throw new Error(`knip failed: ${stderr || stdout}`)
  const { issues } = JSON.parse(stdout) as KnipReport
  const reached = new Set(modules)
  return issues
    .filter(({ file }) => reached.has(file))
    .flatMap(({ file, exports = [] }) => exports.map(({ name }) => `${file} ${name}`))
    .sort()
}

/** The least complexity of a function that the audit always records. */
const complexityMin = 3

/** The functions of JavaScript modules as "path complexity n (the k-th of its file)". */
export const complexities = ({ context }: Result): ReadonlyArray<string> =>
  numbered(
    context
      .all(FunctionMeasure)
      .filter(({ value }) => value.complexity >= complexityMin)
      .map(({ value: { path, complexity } }) => `${path} complexity ${complexity}`)
  )

/** Equal texts, told apart by a number. */
const numbered = (texts: ReadonlyArray<string>): ReadonlyArray<string> => {
  const counts = new Map<string, number>()
  return texts
    .map((text) => {
      const count = (counts.get(text) ?? 0) + 1
      counts.set(text, count)
      return `${text}, number ${count}`
    })
    .sort()
}

interface LinterModule {
  readonly Linter: new () => {
    readonly verify: (
      text: string,
      config: unknown,
      options: { readonly filename: string }
    ) => ReadonlyArray<{ readonly message: string; readonly ruleId: string | null; readonly fatal?: boolean }>
  }
}

/** The same, of ESLint. Its notes on class fields and static blocks are left out: they are no functions. */
export const byEslint = async (
  installed: string,
  home: string,
  { context }: Result
): Promise<ReadonlyArray<string>> => {
  const { Linter } = createRequire(join(installed, "main.ts"))("eslint") as LinterModule
  const linter = new Linter()
  const read = new Set(context.all(Source).map(({ value }) => value.path))
  const modules = context.all(Module).filter(({ value }) => value.language === "js" && read.has(value.path))
  const found = modules.flatMap(({ value: { path, format } }) => {
    const config = {
      languageOptions: { ecmaVersion: "latest", sourceType: format === "esm" ? "module" : "commonjs" },
      linterOptions: { noInlineConfig: true, reportUnusedDisableDirectives: "off" },
      rules: { complexity: ["error", { max: 0 }] }
    }
    const messages = linter.verify(readFileSync(join(home, path), "utf8"), config, { filename: "file.js" })
    return messages.flatMap(({ message, ruleId, fatal }) => {
      const complexity = Number(/has a complexity of (\d+)/.exec(message)?.[1] ?? 0)
      if (ruleId !== "complexity") return fatal === true ? [`${path} ${message}`] : []
      return complexity < complexityMin || message.startsWith("Class ") ? [] : [`${path} complexity ${complexity}`]
    })
  })
  return numbered(found)
}
