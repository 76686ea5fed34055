/**
 * Jobs in a simulated world, against the reference: the first 200 seeds of `npm run simulate`; and the simulator itself.
 */
import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import type { Simulated } from "../../src/testing/simulation/simulate.ts"
import { findingSeed } from "./finding.ts"
import { type Case, caseOf } from "./generate.ts"
import { rounds } from "../support/rounds.ts"
import { runCase } from "./run.ts"

/** The faults that the jobs of the first test have met. */
const met = new Set<string>()

/** The features that jobs of the first test have had beside agents and facts, and how often. */
const had = new Map<string, number>()

const note = (whole: Case, { end, journals, rebases, rows, sequel }: Simulated): void => {
  const text = rows.map((row) => row.text).join("\n")
  const children = journals.filter(({ jobId }) => jobId.startsWith("job/"))
  const counts = {
    "a child job": children.length,
    "a grandchild": children.filter(({ jobId }) => children.some((one) => jobId.startsWith(`${one.jobId}/`))).length,
    "an answer of a child": text.includes(`"kind":"ChildResult"`) ? 1 : 0,
    "a payment": (end?.result.usage.cost ?? 0) > 0 ? 1 : 0,
    "a budget that children hold": end?.error?.["children"] === undefined ? 0 : 1,
    "a budget of time": ["duration", "cpuTime"].includes(String(end?.error?.["budget"])) ? 1 : 0,
    "a budget of money": end?.error?.["budget"] === "cost" ? 1 : 0,
    "a fork": whole.sequel?.do === "fork" && sequel !== undefined ? 1 : 0,
    "a job on an earlier context": whole.sequel?.do === "go on" && sequel !== undefined ? 1 : 0,
    "another version": rebases.length,
    "a time that is over": text.includes(`"by":"timeout"`) ? 1 : 0
  }
  for (const [name, count] of Object.entries(counts)) had.set(name, (had.get(name) ?? 0) + count)
}

describe("a simulated job", () => {
  it.each([0, 1, 2, 3])("agrees with the reference, whatever happens to it: seeds of part %i", (part) => {
    const differing: Array<string> = []
    for (let seed = part * 50 + 1; seed <= part * 50 + 50; seed++) {
      const whole = caseOf(seed)
      const { differences, simulated } = runCase(whole)
      note(whole, simulated)
      for (const fault of simulated.met) met.add(fault)
      if (differences.length > 0) differing.push(`seed ${seed}: ${differences.join("\n")}`)
    }
    expect(differing).toEqual([])
  })

  it("counts no execution after its end, also if a cancel comes as it begins: seed 293", () => {
    expect(runCase(caseOf(293)).differences).toEqual([])
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

describe("the jobs of the first seeds", () => {
  it("have children, payments, times, forks, versions, and contexts of earlier jobs", () => {
    expect([...had].filter(([, count]) => count === 0)).toEqual([])
  })
})

/** Runs plant.ts in a process of its own, since it changes the engine as it is loaded. */
const plant = (name: string, seeds: number): Promise<string> =>
  new Promise((resolve) => {
    const args = [fileURLToPath(new URL("plant.ts", import.meta.url)), "--name", name, "--seeds", String(seeds)]
    execFile(process.execPath, args, (_, output) => resolve(output))
  })

/** A fault takes seconds to find: `npm test` looks for the first two. */
const all = (faults: ReadonlyArray<string>): ReadonlyArray<string> => faults.slice(0, rounds(2, faults.length))

describe("a fault in the engine", () => {
  it.each(
    all([
      "a reservation that a kill left open is forgotten",
      "a fence is not checked",
      "outcomes are merged in the order in which tasks ended",
      "retention prunes a fact that an agent has not read",
      "a parent that ends leaves its children",
      "a fork keeps the facts that it was to replace",
      "the effects that an earlier version has kept stay in the store"
    ])
  )("is found by the first seeds: %s", async (name) => {
    expect(await plant(name, 300)).toMatch(/^found /)
  })

  it("is not found by a seed that differs without it, too", () => {
    const differs = (seed: number) => (seed > 2 ? `row ${seed}` : undefined)
    expect(findingSeed(9, differs, (seed) => seed > 4)).toEqual({ seed: 5, difference: "row 5" })
    expect(findingSeed(9, differs, () => false)).toBe(undefined)
    expect(findingSeed(2, differs, () => true)).toBe(undefined)
  })
})
