/**
 * Plants faults into the engine, one at a time, and looks for the first seed that finds each.
 *
 *     node test/simulation/plant.ts                 all faults, each in a process of its own
 *     node test/simulation/plant.ts --name "..."    one of them
 *
 * A seed finds a fault if it differs from the reference with the fault, and agrees without it. The exit code is 1 if a fault is not
 * found within 2,000 seeds.
 */
import { spawn, spawnSync } from "node:child_process"
import { registerHooks } from "node:module"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { findingSeed } from "./finding.ts"
import { type Plant, plants } from "./plants.ts"

const { values } = parseArgs({ options: { name: { type: "string" }, seeds: { type: "string", default: "2000" } } })

const print = (text: string): void => void process.stdout.write(`${text}\n`)

/** Changes the source files of a fault when they are loaded. */
const load = ({ edits, name }: Plant): void => {
  registerHooks({
    load: (url, context, nextLoad) => {
      const loaded = nextLoad(url, context)
      const own = edits.filter(({ file }) => url.endsWith(`/${file}`))
      if (own.length === 0 || loaded.source === undefined || loaded.source === null) return loaded
      let source = typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source)
      for (const { file, find, replace } of own) {
        if (source.split(find).length !== 2) throw new Error(`${name}: ${file} does not have once: ${find}`)
        source = source.replace(find, () => replace)
      }
      return { ...loaded, source }
    }
  })
}

/** Whether a seed agrees with the reference without the fault: in a process of its own, which loads the engine as it is. */
const agreesWithout = (seed: number): boolean => {
  const main = fileURLToPath(new URL("main.ts", import.meta.url))
  const args = [main, "--part", "--from", String(seed), "--seeds", "1"]
  return spawnSync(process.execPath, args, { stdio: "ignore" }).status === 0
}

/** The first seed that finds a fault, and the difference that it finds. */
const findIn = async (plant: Plant, seeds: number): Promise<string | undefined> => {
  load(plant)
  const { caseOf } = await import("./generate.ts")
  const { differencesOf } = await import("./smallest.ts")
  const found = findingSeed(seeds, (seed) => differencesOf(caseOf(seed))[0], agreesWithout)
  return found && `seed ${found.seed}: ${found.difference.slice(0, 160)}`
}

const runOne = (name: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const args = [fileURLToPath(import.meta.url), "--name", name, "--seeds", values.seeds]
    const child = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] })
    child.on("error", reject)
    child.on("exit", (code) => resolve(code ?? 1))
  })

if (values.name === undefined) {
  for (const { name } of plants) if ((await runOne(name)) !== 0) process.exitCode = 1
} else {
  const plant = plants.find(({ name }) => name === values.name)
  if (plant === undefined) throw new Error(`no fault is called ${JSON.stringify(values.name)}`)
  const found = await findIn(plant, Number(values.seeds))
  print(`${found === undefined ? "NOT FOUND" : "found"}  ${plant.name}  ${found ?? ""}`)
  if (found === undefined) process.exitCode = 1
}
