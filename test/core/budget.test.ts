/**
 * Budgets as data: defaults, overrides, and what is no budget. That they do not overshoot is shown in merge.test.ts and in
 * test/behaviour.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { Budget, JobError } from "../../src/index.ts"
import { resolveBudget } from "../../src/program/resolveBudget.ts"

describe("a budget", () => {
  it("has 1,000 cycles and 1,000,000 facts by default, and no other limit", () => {
    const all = Infinity
    expect(resolveBudget("p")).toEqual({
      cycles: 1_000,
      facts: 1_000_000,
      agents: all,
      duration: all,
      cpuTime: all,
      contextBytes: all,
      tokens: all,
      cost: all
    })
    expect(resolveBudget("p", undefined, {})).toEqual(resolveBudget("p"))
  })

  it("is overridden field by field, by the last that says something", () => {
    const resolved = resolveBudget(
      "p",
      { maxCycles: 5, maxFacts: 6, maxDuration: "2 seconds" },
      { maxFacts: 7, maxCycles: undefined },
      { maxTokens: 0 }
    )
    expect(resolved).toMatchObject({ cycles: 5, facts: 7, tokens: 0, duration: 2_000 })
  })

  it("takes durations in any form, and Infinity for no limit", () => {
    expect(resolveBudget("p", { maxDuration: Duration.minutes(1), maxCpuTime: 250 })).toMatchObject({
      duration: 60_000,
      cpuTime: 250
    })
    expect(resolveBudget("p", { maxCycles: Infinity, maxDuration: Duration.infinity })).toMatchObject({
      cycles: Infinity,
      duration: Infinity
    })
  })

  const refused: ReadonlyArray<readonly [Budget.Budget, RegExp]> = [
    [{ maxCycles: -1 }, /budget\.maxCycles must be a whole number of at least 0, or Infinity, not -1/],
    [{ maxFacts: 1.5 }, /budget\.maxFacts must be a whole number/],
    [{ maxAgents: Number.NaN }, /budget\.maxAgents must be a whole number/],
    [{ maxTokens: "5" as never }, /budget\.maxTokens must be a whole number/],
    [{ maxContextBytes: null as never }, /budget\.maxContextBytes must be a whole number/],
    [{ maxDuration: "soon" as never }, /budget\.maxDuration must be a duration .*, not "soon"/],
    [{ maxCpuTime: -5 }, /budget\.maxCpuTime must be a duration .*, not -5/],
    [{ maxMinutes: 5 } as Budget.Budget, /there is no budget "maxMinutes"/]
  ]
  for (const [budget, message] of refused) {
    it(`is refused: ${JSON.stringify(budget)}`, () => {
      expect(() => resolveBudget("p", budget)).toThrow(JobError.InvalidProgram)
      expect(() => resolveBudget("p", budget)).toThrow(message)
    })
  }
})
