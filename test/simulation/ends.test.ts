/**
 * Jobs that are cancelled while they have children, in a simulated world whose process dies at each step of that: the job ends as it
 * was about to, or goes on as the reference does (CH13). The seeds of simulate.test.ts rarely kill at such a step.
 */
import { describe, expect, it } from "@effect/vitest"
import type { Simulated } from "../../src/testing/simulation/simulate.ts"
import { type Case, caseOf } from "./generate.ts"
import { rounds } from "../support/rounds.ts"
import { runCase } from "./run.ts"

const seeds = rounds(45, 70)

/** A case that is cancelled at a step, and whose process dies at another one. Nothing else happens to it. */
const endedAt = (whole: Case, cancel: number, kills: ReadonlyArray<number>): Case => {
  const { schedule } = whole
  const acts = schedule.acts.filter((act) => act.do !== "cancel" && act.at < cancel)
  return {
    ...{ ...whole, versions: [], sequel: undefined },
    schedule: {
      ...schedule,
      scans: false,
      store: [],
      damages: [],
      pool: [],
      kills,
      acts: [...acts, { at: cancel, do: "cancel" }]
    }
  }
}

const cancelledIn = ({ journals }: Simulated): number => journals.filter(({ status }) => status === "cancelled").length

/** The first steps at which a cancel of a job also cancels a child. */
const stepsOf = (whole: Case, most: number): ReadonlyArray<number> => {
  const found: Array<number> = []
  for (let step = 5; step < 200 && found.length < most; step += 5) {
    const { simulated } = runCase(endedAt(whole, step, []))
    if (simulated.end?.error?._tag !== "JobCancelled") break
    if (cancelledIn(simulated) > 1) found.push(step)
  }
  return found
}

describe("a simulated job with children", () => {
  it("ends in one way when its process dies at any step of its cancel", () => {
    const differing: Array<string> = []
    const ends = { cancelled: 0, other: 0 }
    for (let seed = 1; seed <= seeds; seed++) {
      const whole = caseOf(seed)
      if (whole.children.length === 0) continue
      for (const step of stepsOf(whole, 1)) {
        const last = runCase(endedAt(whole, step, [])).simulated.steps
        for (let kill = step + 1; kill <= last; kill++) {
          const { differences, simulated } = runCase(endedAt(whole, step, [kill]))
          if (simulated.end?.error?._tag === "JobCancelled" && simulated.lives === 2) ends.cancelled++
          else ends.other++
          if (differences.length > 0) differing.push(`seed ${seed}, ${step}, ${kill}: ${differences.join("\n")}`)
        }
      }
    }
    expect(differing).toEqual([])
    expect(ends.cancelled).toBeGreaterThan(50)
    expect(ends.other).toBeGreaterThan(30)
  })
})
