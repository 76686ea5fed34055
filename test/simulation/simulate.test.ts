/**
 * Jobs in a simulated world, against the reference: the first 200 seeds of `npm run simulate`; and the simulator itself.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { caseOf } from "./generate.ts"
import { runCase } from "./run.ts"

describe("a simulated job", () => {
  it.each([0, 1, 2, 3])("agrees with the reference, whatever happens to it: seeds of part %i", (part) => {
    const differing: Array<string> = []
    for (let seed = part * 50 + 1; seed <= part * 50 + 50; seed++) {
      const { differences } = runCase(caseOf(seed))
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

  it("meets each kind of fault, kill and caller in the seeds of the test", () => {
    const met = new Set<string>()
    for (let seed = 1; seed <= 200; seed++) {
      const { schedule } = caseOf(seed)
      for (const { fault } of schedule.store) met.add(fault)
      for (const { fault } of schedule.pool) met.add(fault)
      for (const act of schedule.acts) met.add(act.do)
      if (schedule.kills.length > 0) met.add("kill")
      if (schedule.damages.length > 0) met.add("damage")
    }
    expect([...met].sort()).toEqual([
      "cancel",
      "claimed",
      "damage",
      "fenced",
      "full",
      "kill",
      "late",
      "lost",
      "pause",
      "running",
      "signal",
      "slow",
      "unsent"
    ])
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
