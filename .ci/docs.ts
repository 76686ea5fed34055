// Writes the generated parts of the documentation anew, between their markers. With --check it writes nothing and fails if
// a part is out of date.
import { readFileSync, writeFileSync } from "node:fs"
import { jobMachine } from "../machines/job.machine.ts"
import { workerMachine } from "../machines/worker.machine.ts"
import { toMermaid } from "../src/inspector/Statechart.ts"
import { latest } from "../test/bench/framework/record.ts"
import { digits, withUnit } from "../test/bench/framework/table.ts"

/** The benchmark figures that a reader of the README may want to know, as they were measured last. */
const headlines = [
  "cycle-empty/langgraph-over-ours",
  "cycle-empty/ours-over-effect",
  "fanout/langgraph-over-ours",
  "cpu-64/cycle-over-piscina",
  "cpu-10ms/ideal-over-cycle",
  "delta/large-over-small",
  "deadline/p99",
  "start/import"
]

const figures = (): string => {
  const lines = latest()
  const rows = headlines.flatMap((name) => {
    const line = lines.get(name)
    if (line === undefined || line.value === null) return []
    const spread = line.spread == null ? "" : line.spread.map(digits).join(" – ")
    return [`| ${line.title} | **${withUnit(line.value, line.unit)}** | ${spread} |`]
  })
  return ["| figure | median | spread |", "|---|---|---|", ...rows].join("\n")
}

const parts: Readonly<Record<string, () => string>> = {
  figures,
  "machine job": () => "```mermaid\n" + toMermaid(jobMachine) + "\n```",
  "machine worker": () => "```mermaid\n" + toMermaid(workerMachine) + "\n```"
}

/** The source of an example, without its header comment, as users would write it. */
const example = (path: string): string => {
  const source = readFileSync(new URL(`../${path}`, import.meta.url), "utf8").replace(/^\/\*\*[\s\S]*?\*\/\n/, "")
  return "```ts\n" + source.trimEnd() + "\n```"
}

const files = ["docs/architecture.md", "README.md"]
const isCheck = process.argv.includes("--check")
let stale = 0

for (const file of files) {
  const path = new URL(`../${file}`, import.meta.url)
  const before = readFileSync(path, "utf8")
  const after = before.replace(/<!-- generated: (.*?) -->[\s\S]*?<!-- end -->/g, (_, name: string) => {
    const part = name.startsWith("example ") ? () => example(name.slice("example ".length)) : parts[name]
    if (part === undefined) throw new Error(`${file} names a part that nobody generates: ${name}`)
    return `<!-- generated: ${name} -->\n${part().trimEnd()}\n<!-- end -->`
  })
  if (after === before) continue
  stale++
  if (isCheck) console.error(`${file} is out of date: run npm run docs`)
  else writeFileSync(path, after)
}

process.exitCode = isCheck && stale > 0 ? 1 : 0
