/**
 * `npm run simulate`: many seeds, each against the reference, in as many processes as there are cores.
 *
 *     npm run simulate                        10,000 seeds
 *     npm run simulate -- --from 1 --seeds 500
 *     npm run simulate -- --seed 42           one seed: its case, made as small as possible, and where it differs
 *     npm run simulate -- --case case.json    a case from a file
 *
 * A seed that differs prints itself, and the exit code is 1.
 */
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { type Case, caseOf } from "./generate.ts"
import { differencesOf, smallestOf } from "./smallest.ts"

const options = {
  from: { type: "string", default: "1" },
  seeds: { type: "string", default: "10000" },
  seed: { type: "string" },
  case: { type: "string" },
  part: { type: "boolean", default: false }
} as const

const { values } = parseArgs({ options })

const print = (text: string): void => void process.stdout.write(`${text}\n`)

// A reader such as `head` has read enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit()
})

/** Shows a case that differs, and the smallest one that differs in the same way. */
const show = (whole: Case): number => {
  const differences = differencesOf(whole)
  if (differences.length === 0) {
    print("The case agrees with the reference.")
    return 0
  }
  for (const difference of differences) print(difference)
  const smallest = smallestOf(whole)
  print(`The smallest case that differs in the same way:\n${JSON.stringify(smallest, undefined, 2)}`)
  for (const difference of differencesOf(smallest)) print(difference)
  return 1
}

/** Runs some seeds in this process. Returns the number of those that differ. */
const runSeeds = (from: number, count: number): number => {
  let differing = 0
  for (let seed = from; seed < from + count; seed++) {
    const [first] = differencesOf(caseOf(seed))
    if (first === undefined) continue
    differing++
    print(`seed ${seed}: ${first}`)
  }
  return differing
}

/** Runs a part of the seeds in a process of its own. Returns its exit code. */
const runPart = (from: number, count: number): Promise<number> =>
  new Promise((resolve, reject) => {
    const args = [fileURLToPath(import.meta.url), "--part", "--from", String(from), "--seeds", String(count)]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] })
    child.on("error", reject)
    child.on("exit", (code) => resolve(code ?? 1))
  })

const runAll = async (from: number, count: number): Promise<number> => {
  const began = performance.now()
  const processes = Math.min(availableParallelism(), count)
  const size = Math.ceil(count / processes)
  const parts = Array.from({ length: processes }, (_, part) => from + part * size)
  const codes = await Promise.all(parts.map((first) => runPart(first, Math.min(size, from + count - first))))
  const isFine = codes.every((code) => code === 0)
  const seconds = ((performance.now() - began) / 1_000).toFixed(0)
  print(
    `${count} seeds in ${seconds} s: ${isFine ? "all agree with the reference" : "some differ; npm run simulate -- --seed N shows one"}`
  )
  return isFine ? 0 : 1
}

const [from, count] = [Number(values.from), Number(values.seeds)]
if (values.case !== undefined) process.exitCode = show(JSON.parse(readFileSync(values.case, "utf8")) as Case)
else if (values.seed !== undefined) process.exitCode = show(caseOf(Number(values.seed)))
else if (values.part) process.exitCode = runSeeds(from, count) === 0 ? 0 : 1
else process.exitCode = await runAll(from, count)
