// Writes what is generated of the documentation anew: parts of pages, between their markers, and docs/api.md whole. With
// --check it writes nothing and fails if something is out of date.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { jobMachine } from "../machines/job.machine.ts"
import { workerMachine } from "../machines/worker.machine.ts"
import { toMermaid } from "../src/inspector/Statechart.ts"
import { roomsPicture } from "./rooms.ts"
import { settingsTable } from "../src/server/settings.ts"
import { latest } from "../test/bench/framework/record.ts"
import { load } from "../test/bench/framework/registry.ts"
import { figureSpread, withUnit } from "../test/bench/framework/table.ts"
import { readEntries } from "./api/exports.ts"
import { apiPage } from "./api/page.ts"

/** The benchmark figures that a reader of the README may want to know, as they were measured last. */
const headlines = [
  ["cycle-empty/langgraph-over-ours", "an empty cycle of 8 agents: LangGraph's time / ours"],
  ["cycle-empty/ours-over-effect", "the same: ours / plain Effect's, without an engine"],
  ["fanout/langgraph-over-ours", "1,000 tasks in one cycle: LangGraph's time / ours"],
  ["cpu-64/cycle-over-piscina", "64 trivial CPU tasks: our whole cycle / Piscina's calls"],
  ["cpu-10ms/ideal-over-cycle", "64 CPU tasks of 10 ms: bare threads' time / ours"],
  ["delta/large-over-small", "a cycle that adds 10 facts: to 100,000 facts / to 1,000"],
  ["deadline/p99", "a stuck agent: from its deadline to the typed error, 99th percentile"],
  ["start/import", "import of the package"]
] as const

/** The prices that the page about the use of this package shows, as they were measured last. */
const prices = [
  ["costs/fact", "a fact of some 100 bytes, added in a batch: validated, merged, hashed"],
  ["costs/fact-memory", "its memory, while its context is held"],
  ["costs/fact-text", "its canonical text, which the journal keeps"],
  ["costs/task", "a fiber task that adds nothing"],
  ["costs/cpu-task", "a task on a thread that adds nothing, in a batch"],
  ["costs/cycle", "a cycle of one agent that adds nothing"],
  ["costs/durable-cycle", 'the same on a disk, with durability `"full"`, one job alone'],
  ["costs/durable-cycle-normal", 'the same with durability `"normal"`'],
  ["idle-jobs/heap", "the memory of a job that waits, without its facts"],
  ["start/first-task", "the first CPU task of a process, with the start of its thread"],
  ["start/import", "import of the package"]
] as const

/** Loads the definitions of the figures, which need `dist`. */
const tableOf = async (shown: ReadonlyArray<readonly [name: string, title: string]>): Promise<string> => {
  const lines = latest()
  const rows = shown.map(async ([name, title]) => {
    const { figures } = await load(name.slice(0, name.indexOf("/")))
    const figure = figures.find((it) => it.name === name)
    if (figure === undefined) throw new Error(`a page shows a figure that no benchmark has: ${name}`)
    const line = lines.get(name)
    if (line === undefined || line.value === null) return []
    return [`| ${title} | **${withUnit(line.value, line.unit)}** | ${figureSpread(figure, line.spread)} |`]
  })
  return ["| figure | value | 10 – 90 % |", "|---|---|---|", ...(await Promise.all(rows)).flat()].join("\n")
}

const figureTable = await tableOf(headlines)
const priceTable = await tableOf(prices)

const parts: Readonly<Record<string, () => string>> = {
  rooms: roomsPicture,
  figures: () => figureTable,
  costs: () => priceTable,
  settings: settingsTable,
  "machine job": () => "```mermaid\n" + toMermaid(jobMachine) + "\n```",
  "machine worker": () => "```mermaid\n" + toMermaid(workerMachine) + "\n```"
}

/** The source of an example, without its header comment, as users would write it. */
const example = (path: string): string => {
  const source = readFileSync(new URL(`../${path}`, import.meta.url), "utf8").replace(/^\/\*\*[\s\S]*?\*\/\n/, "")
  return "```ts\n" + source.trimEnd() + "\n```"
}

/** A page with its parts as they should be. */
const withParts = (file: string, text: string): string =>
  text.replace(/<!-- generated: (.*?) -->[\s\S]*?<!-- end -->/g, (_, name: string) => {
    const part = name.startsWith("example ") ? () => example(name.slice("example ".length)) : parts[name]
    if (part === undefined) throw new Error(`${file} names a part that nobody generates: ${name}`)
    return `<!-- generated: ${name} -->\n${part().trimEnd()}\n<!-- end -->`
  })

const textOf = (path: URL): string => (existsSync(path) ? readFileSync(path, "utf8") : "")

const chapters = readdirSync(new URL("../docs/guide", import.meta.url)).map((name) => `docs/guide/${name}`)
const pages = ["architecture", "http", "money", "when-to-use"].map((name) => `docs/${name}.md`)
const files = [...pages, ...chapters, "README.md"]
const isCheck = process.argv.includes("--check")
let stale = 0

const update = (file: string, write: (before: string) => string): void => {
  const path = new URL(`../${file}`, import.meta.url)
  const before = textOf(path)
  const after = write(before)
  if (after === before) return
  stale++
  if (isCheck) console.error(`${file} is out of date: run npm run docs`)
  else writeFileSync(path, after)
}

for (const file of files) update(file, (text) => withParts(file, text))
const api = await apiPage(readEntries())
update("docs/api.md", () => api)

process.exitCode = isCheck && stale > 0 ? 1 : 0
