/**
 * The record of figures: one JSON line each, appended to results.ndjson, never changed. The page is made from it, so no
 * number is typed by hand. Boundary: the file, and the machine and the commit of a figure.
 */
import { execFileSync } from "node:child_process"
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { availableParallelism, cpus } from "node:os"
import { fileURLToPath } from "node:url"
import { projectRoot } from "./child.ts"
import type { FigureOutcome, Outcome } from "./measure.ts"
import { versions } from "./peers.ts"
import type { Summary } from "./statistics.ts"

const file = fileURLToPath(new URL("../results.ndjson", import.meta.url))

/** Files that a run itself writes: their changes are no changes of the code. */
const ownFiles = ["test/bench/results.ndjson", "docs/benchmarks.md", "README.md"]

export interface Line extends FigureOutcome {
  readonly date: string
  readonly commit: string
  readonly dirty: boolean
  readonly machine: { readonly cpu: string; readonly cores: number; readonly node: string; readonly platform: string }
  readonly versions: Readonly<Record<string, string>>
  readonly benchmark: string
  readonly rounds: number
  readonly hashes: Readonly<Record<string, string>>
  /** The measurements of each contender, by contender and metric. */
  readonly measured: Readonly<Record<string, Readonly<Record<string, Summary>>>>
}

const git = (...args: ReadonlyArray<string>): string => {
  try {
    return execFileSync("git", [...args], { cwd: projectRoot, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  } catch {
    return ""
  }
}

const effectVersion = (): string => {
  const manifest = readFileSync(`${projectRoot}node_modules/effect/package.json`, "utf8")
  return (JSON.parse(manifest) as { readonly version: string }).version
}

/** The part that all lines of a run have in common. */
export const circumstances = () => ({
  date: new Date().toISOString().slice(0, 16) + "Z",
  commit: git("rev-parse", "--short=10", "HEAD").trim(),
  dirty: git("status", "--porcelain")
    .split("\n")
    .some((line) => line !== "" && !ownFiles.includes(line.slice(3))),
  machine: {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`
  },
  versions: { effect: effectVersion(), ...versions() }
})

/** Seven digits say more than any machine can repeat. */
const brief = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(7)) : value

export const append = (outcome: Outcome, common: ReturnType<typeof circumstances>): void => {
  const present = outcome.contenders.filter(({ missing }) => missing === null)
  const hashes = Object.fromEntries(present.map(({ hash, name }) => [name, hash?.slice(0, 12) ?? ""]))
  const measured = Object.fromEntries(present.map(({ metrics, name }) => [name, metrics]))
  for (const figure of outcome.figures) {
    if (figure.value === null) continue
    const line: Line = {
      ...common,
      benchmark: outcome.name,
      rounds: outcome.rounds,
      ...figure,
      hashes,
      measured
    }
    appendFileSync(file, `${JSON.stringify(line, brief)}\n`)
  }
}

/** The latest line of each figure, by its name. */
export const latest = (): ReadonlyMap<string, Line> => {
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n") : []
  const parsed = lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Line)
  return new Map(parsed.map((line) => [line.name, line]))
}
