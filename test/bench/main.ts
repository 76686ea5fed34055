/**
 * `npm run bench`: measures benchmarks, prints them, records their figures.
 *
 * With --tiny it measures as little as shows that all of it works, needs no peer and records nothing.
 * Boundary: the command line; how a benchmark is measured is in framework/measure.ts.
 */
import { writeFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { measureInChild } from "./framework/child.ts"
import type { Outcome } from "./framework/measure.ts"
import { writePage } from "./framework/page.ts"
import { install } from "./framework/peers.ts"
import { append, circumstances } from "./framework/record.ts"
import { load, names } from "./framework/registry.ts"
import { benchmarkTable, figureRows, leftOutRows } from "./framework/table.ts"

const usage = `npm run bench -- [name ...] [options]

  --list         the names of the benchmarks
  --rounds n     rounds of each benchmark, instead of its own number
  --tiny         one small round of each, to see that they work; records nothing, installs nothing
  --dry          records nothing
  --json file    writes the outcomes to a file
`

const fail = (message: string): never => {
  console.error(`${message}\n\n${usage}`)
  process.exit(64)
}

const parse = () => {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        list: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        rounds: { type: "string" },
        tiny: { type: "boolean", default: false },
        dry: { type: "boolean", default: false },
        json: { type: "string" }
      }
    })
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

const { positionals, values: options } = parse()
const rounds = options.rounds === undefined ? undefined : Number(options.rounds)
if (rounds !== undefined && !(Number.isSafeInteger(rounds) && rounds > 0)) fail("--rounds needs a number")
const unknown = positionals.find((name) => !names.includes(name))
if (unknown !== undefined) fail(`there is no benchmark ${unknown}`)
const chosen = positionals.length === 0 ? names : names.filter((name) => positionals.includes(name))

/** A line that shows how far a benchmark is, on a terminal. */
const showProgress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`)
}

const outcomes: Array<Outcome> = []
const failures: Array<string> = []

const measureOne = async (name: string): Promise<void> => {
  try {
    const order = { name, isTiny: options.tiny, rounds }
    const onRound = (round: number, all: number) =>
      showProgress(`${name}: ${round === 0 ? "warming up" : `round ${round} of ${all}`}`)
    const outcome = await measureInChild(order, onRound)
    showProgress("")
    outcomes.push(outcome)
    console.log(benchmarkTable(await load(name), outcome))
    if (!options.tiny && !options.dry) append(outcome, circumstances())
  } catch (error) {
    showProgress("")
    failures.push(name)
    console.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}

const measureAll = async (): Promise<void> => {
  for (const name of chosen) await measureOne(name)
}

if (options.help) console.log(usage)
else if (options.list) {
  const width = Math.max(...names.map((name) => name.length)) + 2
  for (const name of names) console.log(`${name.padEnd(width)}${(await load(name)).title}`)
} else {
  if (!options.tiny) install()
  await measureAll()
  const withBar = outcomes.flatMap(({ figures }) => figures).filter(({ bar }) => bar !== null)
  const missed = withBar.filter(({ met }) => met === false)
  if (outcomes.length > 1 && withBar.length > 0) console.log(`all figures with a bar\n${figureRows(withBar)}\n`)
  if (!options.tiny) for (const row of leftOutRows(outcomes)) console.log(row)
  if (!options.tiny) console.log(`${withBar.length - missed.length} of ${withBar.length} bars met`)
  if (options.json !== undefined) writeFileSync(options.json, JSON.stringify(outcomes))
  if (!options.tiny && !options.dry) await writePage(false)
  if (failures.length > 0) {
    console.error(`failed: ${failures.join(", ")}`)
    process.exitCode = 1
  }
}
