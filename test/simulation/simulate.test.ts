/**
 * Jobs in a simulated world, against the reference: the first 200 seeds of `npm run simulate`; and the simulator itself.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { caseOf } from "./generate.ts"
import { runCase } from "./run.ts"

/** The faults that the jobs of the first test have met. */
const met = new Set<string>()

describe("a simulated job", () => {
  it.each([0, 1, 2, 3])("agrees with the reference, whatever happens to it: seeds of part %i", (part) => {
    const differing: Array<string> = []
    for (let seed = part * 50 + 1; seed <= part * 50 + 50; seed++) {
      const { differences, simulated } = runCase(caseOf(seed))
      for (const fault of simulated.met) met.add(fault)
      if (differences.length > 0) differing.push(`seed ${seed}: ${differences.join("\n")}`)
    }
    expect(differing).toEqual([])
  })

  it("takes the same steps for the same seed", () => {
    for (const seed of [3, 5, 8]) {
      const [first, second] = [runCase(caseOf(seed)), runCase(caseOf(seed))]
      expect(second.simulated.steps).toBe(first.simulated.steps)
      expect(second.simulated.events).toEqual(first.simulated.events)
    }
  })

  it("meets each kind of fault and kill in the seeds of the test, and each kind of caller", () => {
    for (const fault of ["again", "damage", "fenced", "kill", "late", "lost", "slow", "unsent"])
      expect(met).toContain(fault)
    const acts = Array.from({ length: 200 }, (_, seed) => caseOf(seed + 1).schedule.acts.map((act) => act.do)).flat()
    expect([...new Set(acts)].sort()).toEqual(["cancel", "decide", "pause", "signal"])
  })
})

/** Runs plant.ts in a process of its own, since it changes the engine as it is loaded. */
const plant = (name: string, seeds: number): Promise<string> =>
  new Promise((resolve) => {
    const args = [fileURLToPath(new URL("plant.ts", import.meta.url)), "--name", name, "--seeds", String(seeds)]
    execFile(process.execPath, args, (_, output) => resolve(output))
  })

describe("a fault in the engine", () => {
  it.each([
    "outcomes are merged in the order in which tasks ended",
    "a fence is not checked",
    "retention prunes a fact that an agent has not read"
  ])("is found by the first seeds: %s", async (name) => {
    expect(await plant(name, 100)).toMatch(/^found /)
  })
})
