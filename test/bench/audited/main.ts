/**
 * `npm run bench:audit`: compares the code audit with esbuild, knip and ESLint on packages of all shapes.
 *
 * Modules and imports are compared with esbuild's metafile, unused exports with knip, complexity with ESLint's rule. Every
 * difference is printed; the exit code is 1 if one is not listed with its reason in packages.ts. Installs the packages when
 * they are missing.
 *
 * Boundary: the command line, and the copies that peers need.
 */
import { spawnSync } from "node:child_process"
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { parseArgs } from "node:util"
import { byAudit, byEsbuild, ownerOf } from "../../examples/code-audit/reach.ts"
import { audited, type Audited, type Known, known } from "./packages.ts"
import { byEslint, byKnip, complexities, unusedOf } from "./peers.ts"

const usage = `npm run bench:audit -- [entry ...] [options]

  entry          compares these alone, as packages.ts names them
  --list         the names of the entries
  --all          prints all differences of an entry, not five
`

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    help: { type: "boolean", default: false }
  }
})

const here = fileURLToPath(new URL(".", import.meta.url))

const install = (): void => {
  if (existsSync(join(here, "node_modules/eslint"))) return
  console.log("installing the packages in test/bench/audited ...")
  const command = "npm install --ignore-scripts --legacy-peer-deps --no-audit --no-fund"
  const { status } = spawnSync(command, { cwd: here, shell: true, stdio: "inherit" })
  if (status !== 0) throw new Error("the packages could not be installed")
}

/** The file that an entry names: itself, or what an import or a require of the package leads to. */
const fileOf = (entry: string): string | undefined => {
  const file = join(here, "node_modules", entry)
  if (/\.[cm]?[jt]sx?$/.test(entry)) return existsSync(file) ? file : undefined
  const from = join(here, "main.ts")
  const lookups = [
    () => createRequire(from).resolve(entry),
    () => fileURLToPath(import.meta.resolve(entry, pathToFileURL(from).href))
  ]
  for (const lookUp of lookups) {
    try {
      const found = lookUp()
      if (found.startsWith(here)) return found
    } catch {
      // Not by this condition: by the other, or not at all.
    }
  }
  return undefined
}

/** The same file in a copy of its package outside of node_modules. */
const copyOf = (file: string, copies: string): string => {
  const home = ownerOf(dirname(file))
  const copy = mkdtempSync(join(copies, "package-"))
  cpSync(home, copy, { recursive: true, filter: (path) => !path.slice(home.length).includes("node_modules") })
  return join(copy, file.slice(home.length))
}

interface Compared {
  readonly peer: Known["peer"]
  readonly size: string
  readonly differences: ReadonlyArray<string>
}

const differ = (
  what: string,
  mine: ReadonlyArray<string>,
  theirs: ReadonlyArray<string>,
  peer: string
): ReadonlyArray<string> => {
  const [a, b] = [new Set(mine), new Set(theirs)]
  return [
    ...mine.filter((item) => !b.has(item)).map((item) => `${what} of the audit alone: ${item}`),
    ...theirs.filter((item) => !a.has(item)).map((item) => `${what} of ${peer} alone: ${item}`)
  ]
}

const compare = async (
  { entry, also = [], copied = false }: Audited,
  copies: string
): Promise<ReadonlyArray<Compared>> => {
  const original = fileOf(entry)
  if (original === undefined) return [{ peer: "esbuild", size: "", differences: ["there is no such file"] }]
  const file = copied ? copyOf(original, copies) : original
  const home = ownerOf(dirname(file))
  const { reached, result } = await byAudit(file, false)
  const compared: Array<Compared> = []
  try {
    const theirs = await byEsbuild(file, { deep: false, own: true })
    const differences = [
      ...differ("module", reached.modules, theirs.modules, "esbuild"),
      ...differ("import", reached.edges, theirs.edges, "esbuild")
    ]
    compared.push({
      peer: "esbuild",
      size: `${reached.modules.length} modules, ${reached.edges.length} imports`,
      differences
    })
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).replaceAll("\n", " ").slice(0, 300)
    compared.push({ peer: "esbuild", size: "", differences: [`esbuild fails: ${reason}`] })
  }
  if (also.includes("knip")) {
    const mine = unusedOf(result)
    const differences = differ("unused export", mine, byKnip(home, file, reached.modules), "knip")
    compared.push({ peer: "knip", size: `${mine.length} unused exports`, differences })
  }
  if (also.includes("eslint")) {
    const mine = complexities(result)
    const differences = differ("function", mine, await byEslint(here, home, result), "ESLint")
    compared.push({ peer: "eslint", size: `${mine.length} functions`, differences })
  }
  return compared
}

const main = async (): Promise<number> => {
  if (options.help) {
    console.log(usage)
    return 0
  }
  if (options.list) {
    console.log(audited.map(({ entry }) => entry).join("\n"))
    return 0
  }
  const strange = positionals.find((name) => !audited.some(({ entry }) => entry === name))
  if (strange !== undefined) {
    console.error(`there is no entry ${strange}\n\n${usage}`)
    return 64
  }
  const chosen = audited.filter(({ entry }) => positionals.length === 0 || positionals.includes(entry))
  install()
  mkdirSync(join(tmpdir(), "audited"), { recursive: true })
  const copies = mkdtempSync(join(tmpdir(), "audited", "run-"))
  const counts = { equal: 0, known: 0, different: 0 }
  for (const one of chosen) {
    for (const { peer, size, differences } of await compare(one, copies)) {
      const reasonOf = (difference: string): string | undefined =>
        known.find((item) => item.entry === one.entry && item.peer === peer && item.difference.test(difference))?.reason
      const unknown = differences.filter((difference) => reasonOf(difference) === undefined)
      const verdict = differences.length === 0 ? "equal" : unknown.length === 0 ? "known" : "different"
      counts[verdict]++
      console.log(
        `${verdict.padEnd(9)}  ${peer.padEnd(7)}  ${one.entry}${one.copied === true ? " (copy)" : ""}  ${size}`
      )
      for (const reason of new Set(differences.map(reasonOf)))
        if (reason !== undefined) console.log(`           ${reason}`)
      const shown = options.all ? unknown : unknown.slice(0, 5)
      for (const difference of shown) console.log(`           ${difference}`)
      if (unknown.length > shown.length) console.log(`           and ${unknown.length - shown.length} more differences`)
    }
  }
  rmSync(copies, { recursive: true })
  console.log(`\n${counts.equal} equal, ${counts.known} different for a known reason, ${counts.different} different`)
  return counts.different === 0 ? 0 : 1
}

process.exitCode = await main()
