/** The pure rules by which a job shares its budget with its child jobs (CH10). */
import { describe, expect, it } from "vitest"
import { Allotments, exhausted, ownLimits, settlementOf, sharedOf, sharesOf } from "../../src/cycle/sharedBudget.ts"
import { handDown, resolveBudget } from "../../src/program/resolveBudget.ts"
import { randomOf } from "../support/core/random.ts"

const child = (budget?: object) => ({ program: "p", input: null, ...(budget === undefined ? {} : { budget }) })

describe("the shares of child jobs", () => {
  it("are equal parts of the rest, of which the job itself keeps one", () => {
    expect(sharesOf({ tokens: 100 }, [child(), child(), child()])).toEqual([
      { tokens: 25 },
      { tokens: 25 },
      { tokens: 25 }
    ])
    expect(sharesOf({ facts: 7 }, [child()])).toEqual([{ facts: 3 }])
    expect(sharesOf({ facts: 1, agents: -3 }, [child()])).toEqual([{ facts: 0, agents: 0 }])
  })

  it("are first what intents name, in commit order, as far as it goes", () => {
    const payloads = [child(), child({ maxTokens: 70 }), child({ maxTokens: 40 }), child({ maxTokens: "many" })]
    expect(sharesOf({ tokens: 100, agents: 8 }, payloads)).toEqual([
      { tokens: 0, agents: 1 },
      { tokens: 70, agents: 1 },
      { tokens: 30, agents: 1 },
      { tokens: 0, agents: 1 }
    ])
    expect(sharesOf({ cpuTime: 90 }, [child({ maxCpuTime: "10 millis" }), child()])).toEqual([
      { cpuTime: 10 },
      { cpuTime: 40 }
    ])
    expect(sharesOf({ tokens: 9 }, ["no payload", null])).toEqual([{ tokens: 3 }, { tokens: 3 }])
  })

  it("are parts of a cost that may be fractions, and never more than the cost together", () => {
    expect(sharesOf({ cost: 0.75 }, [child(), child()])).toEqual([{ cost: 0.25 }, { cost: 0.25 }])
    expect(sharesOf({ cost: 9, tokens: 9 }, [child({ maxCost: 0.5 })])).toEqual([{ cost: 0.5, tokens: 4 }])
    const thirds = sharesOf({ cost: 0.1 }, [child(), child()])
    const [first] = thirds
    expect(first?.cost).toBeGreaterThan(0.033_332)
    expect(3 * (first?.cost ?? 1)).toBeLessThanOrEqual(0.1)
  })

  it("are all that is left of lengths, for which children need not wait for each other", () => {
    expect(sharesOf({ cycles: 8, duration: 50 }, [child(), child()])).toEqual([
      { cycles: 7, duration: 50 },
      { cycles: 7, duration: 50 }
    ])
    expect(sharesOf({ cycles: 0, duration: -5 }, [child()])).toEqual([{ cycles: 0, duration: 0 }])
  })

  it("are of the budgets that somebody set, or that a parent handed down, and of no default", () => {
    expect(sharedOf(resolveBudget("p"), {})).toEqual([])
    expect(sharedOf(resolveBudget("p", { maxCycles: Infinity, maxContextBytes: 9 }), {})).toEqual([])
    expect(sharedOf(resolveBudget("p", { maxCycles: 9, maxTokens: 0 }), {})).toEqual(["tokens", "cycles"])
    expect(sharedOf(resolveBudget("p", { maxCost: 3 }), {})).toEqual(["cost"])
    expect(sharedOf(resolveBudget("p"), { cycles: 1_000 })).toEqual(["cycles"])
  })

  it("bound the child's own limits, and stand in place of defaults", () => {
    const budget = handDown("p", { tokens: 50, facts: 5_000_000, cycles: 9 }, { maxTokens: 80 }, { maxCycles: 4 })
    expect(budget).toEqual({ ...resolveBudget("p"), tokens: 50, facts: 5_000_000, cycles: 4 })
  })
})

describe("what children hold", () => {
  it("is what they were given, and what they have spent when they have answered", () => {
    const allotments = new Allotments()
    allotments.give("a", { tokens: 30 })
    allotments.give("b", { tokens: 30 })
    expect(allotments.held()).toEqual({ tokens: 60 })
    const budget = resolveBudget("p", { maxTokens: 100 })
    const settlement = settlementOf(allotments, [{ key: "a", spent: { tokens: 12 } }], budget, {})
    expect(allotments.held(settlement)).toEqual({ tokens: 42 })
    expect(allotments.held()).toEqual({ tokens: 60 })
    allotments.settle(settlement)
    expect(allotments.held()).toEqual({ tokens: 42 })
    expect(ownLimits(budget, {}, allotments.held()).budget.tokens).toBe(58)
  })

  it("moves a parent on to where the last child ended, if the parent is not there yet", () => {
    const budget = resolveBudget("p", { maxCycles: 20, maxDuration: 100 })
    const allotments = new Allotments()
    allotments.give("a", { cycles: 17, duration: 60 })
    allotments.give("b", { cycles: 15, duration: 30 })
    // They began after cycle 2 and 40 ms, and after cycle 4 and 70 ms.
    const ended = [
      { key: "a", spent: { cycles: 3, duration: 50 } },
      { key: "b", spent: { cycles: 9, duration: 10 } }
    ]
    const settlement = settlementOf(allotments, ended, budget, { cycles: 5, duration: 95 })
    expect(settlement.spent).toEqual({ cycles: 8 })
    allotments.settle(settlement)
    expect(ownLimits(budget, {}, allotments.held()).budget).toMatchObject({ cycles: 12, duration: 100 })
  })

  it("is told where a budget is exhausted", () => {
    const budget = resolveBudget("p", { maxTokens: 100 })
    const limits = ownLimits(budget, { tokens: 100 }, { tokens: 60 })
    expect(exhausted(limits, { cycle: 2, budget: "tokens", used: 40, spender: "a" })).toEqual({
      _tag: "BudgetExhausted",
      cycle: 2,
      budget: "tokens",
      used: 100,
      limit: 100,
      spender: "a",
      children: 60,
      isHandedDown: true
    })
    expect(exhausted(limits, { cycle: 2, budget: "contextBytes", used: 40 })).toEqual({
      _tag: "BudgetExhausted",
      cycle: 2,
      budget: "contextBytes",
      used: 40,
      limit: Infinity
    })
  })

  it("never exceeds the limit together with the job, whatever the jobs of a tree do", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const { below: draw } = randomOf(seed)
      const below = (most: number): number => draw(most + 1)
      /** Runs a job with a limit and returns what it and all jobs below it have spent. */
      const run = (limit: number, depth: number): number => {
        const budget = resolveBudget("p", { maxTokens: limit })
        const allotments = new Allotments()
        let own = 0
        for (let cycle = 1; cycle <= 4; cycle++) {
          const { tokens } = ownLimits(budget, {}, allotments.held()).budget
          own += below(Math.max(tokens - own, 0))
          expect(own + (allotments.held().tokens ?? 0)).toBeLessThanOrEqual(limit)
          const payloads = Array.from({ length: depth > 0 ? below(3) : 0 }, () =>
            child(draw(2) === 0 ? { maxTokens: below(limit) } : undefined)
          )
          const left = ownLimits(budget, {}, allotments.held()).budget.tokens - own
          const shares = sharesOf({ tokens: left }, payloads)
          shares.forEach((share, index) => allotments.give(`${cycle}/${index}`, share))
          if (draw(2) === 0) continue
          const ended = shares.map((share, index) => ({
            key: `${cycle}/${index}`,
            spent: { tokens: run(share.tokens ?? 0, depth - 1) }
          }))
          allotments.settle(settlementOf(allotments, ended, budget, {}))
        }
        return own + (allotments.held().tokens ?? 0)
      }
      const limit = below(200)
      expect(run(limit, 3), `seed ${seed}`).toBeLessThanOrEqual(limit)
    }
  })
})
