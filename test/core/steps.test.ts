/**
 * Long work in steps (SL1): what is validated, merged, written or pruned comes to the same, be it done at once or a step at a
 * time, and whatever part of it the last step ends with.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Agent, Canonical } from "../../src/index.ts"
import { encodeEffect, type OutputFault } from "../../src/cycle/encodeEffect.ts"
import { CycleMerge } from "../../src/cycle/merge.ts"
import { ownLimits } from "../../src/cycle/sharedBudget.ts"
import { genesisText, rowText } from "../../src/journal/rowText.ts"
import { emptyEffect, type EncodedEffect } from "../../src/program/encoded.ts"
import { eraseKind } from "../../src/program/erased.ts"
import { resolveBudget } from "../../src/program/resolveBudget.ts"
import { type InSteps, isUnderWay, lightStepSize, runSteps, stepSize } from "../../src/values/steps.ts"
import { compile, emptyLedger, numbered, prune, put } from "../support/core/ledger.ts"

const A = numbered("A")
const Recent = numbered("Recent", { retention: { latest: 3 } })
const program = compile([Agent.make("a", { writes: [A], execute: () => Effect.succeed({}) })], { kinds: [Recent] })
const agent = program.agents[0]!

const finished = <A extends object>(work: InSteps<A>): A => (isUnderWay(work) ? runSteps(work) : work)

const some = <A>(count: number, make: (n: number) => A): ReadonlyArray<A> =>
  Array.from({ length: count }, (_, n) => make(n))

const output = (facts: number, intents: number, evaluations: number) => ({
  facts: some(facts, (n) => A.of({ id: `i${n}`, n })),
  intents: some(intents, (n) => ({ kind: "ask", payload: { n } })),
  evaluations: some(evaluations, (n) => ({ fact: { kind: "A", id: `i${n % facts}` }, score: 0.5, reason: `r${n}` }))
})

const encoded = (given: unknown): EncodedEffect => {
  const effect = finished(encodeEffect(agent, given, emptyLedger()))
  if ("_tag" in effect) throw new Error(effect.message)
  return effect
}

const faultOf = (given: unknown): OutputFault => {
  const fault = finished(encodeEffect(agent, given, emptyLedger()))
  if (!("_tag" in fault)) throw new Error("it is valid")
  return fault
}

const merged = (effects: ReadonlyArray<EncodedEffect>) => {
  const ledger = emptyLedger()
  const counters = { facts: 0, agents: 0, tokens: 0 }
  const merge = new CycleMerge(1, program, ledger, ownLimits(resolveBudget("test")), counters)
  const each = { kind: "A", id: "about" }
  for (const result of effects) finished(merge.merge({ agent, each, since: 0, cpuMs: 0, result }, 0))
  return { counters, ledger, row: runSteps(merge.finish(0, ["a"])) }
}

const sizes = [1, stepSize / 2, stepSize - 1, stepSize, stepSize + 1, lightStepSize, lightStepSize + 1, 1_000]

describe("an effect of any size", () => {
  for (const size of sizes) {
    it(`is validated, merged and written: ${size} facts, intents and evaluations`, () => {
      const given = output(size, size, size)
      const effect = encoded(given)
      expect(effect.facts.map(({ value }) => value)).toEqual(given.facts.map(({ value }) => value))
      const { counters, ledger, row } = merged([effect, emptyEffect, effect])
      expect(ledger.all(A).map(({ id }) => id)).toEqual(given.facts.map(({ value }) => value.id))
      expect(ledger.evaluationCount).toBe(2 * size)
      expect(counters).toEqual({ facts: size, agents: 3, tokens: 0 })
      const text = { agent: "a", each: ["A", "about"], ...given }
      const expected = Canonical.canonicalText({
        cycle: 1,
        outcomes: [text, { ...text, facts: [], intents: [], evaluations: [] }, text],
        signals: [],
        tier: 0,
        violations: []
      })
      expect(finished(rowText(row)).join("")).toBe(expected)
    })
  }

  it("is written as a beginning's seeds", () => {
    for (const size of sizes) {
      const { facts } = encoded(output(size, 0, 0))
      const seeds = facts.map(({ kind, value }) => ({ kind: kind.name, value }))
      const expected = Canonical.canonicalText({ context: null, format: 1, input: 1, program: "p", seeds })
      expect(runSteps(genesisText("p", "1", facts, undefined)).join("")).toBe(expected)
    }
  })

  it("is one step if it is small, and several if it is large", () => {
    expect(isUnderWay(encodeEffect(agent, output(stepSize, 0, 0), emptyLedger()))).toBe(false)
    expect(isUnderWay(encodeEffect(agent, output(stepSize + 1, 0, 0), emptyLedger()))).toBe(true)
    expect(isUnderWay(rowText(merged([encoded(output(stepSize, 0, 0))]).row))).toBe(false)
    expect(isUnderWay(rowText(merged([encoded(output(1_000, 0, 0))]).row))).toBe(true)
  })

  it("leaves nothing if it is refused for its last part", () => {
    for (const size of sizes) {
      const effect = encoded(output(size, 0, size))
      const last = { fact: { kind: "A", id: "nowhere" }, score: 1, reason: "" }
      const { counters, ledger, row } = merged([{ ...effect, evaluations: [...effect.evaluations, last] }])
      expect(row.outcomes.map(({ cause, facts }) => [cause?._tag, facts.length])).toEqual([["InvalidEffect", 0]])
      expect(ledger.version).toBe(0)
      expect(counters.facts).toBe(0)
    }
  })
})

describe("an output", () => {
  it("is refused for what is wrong with its last part, whatever its size", () => {
    for (const size of sizes) {
      const { facts, intents } = output(size, size, 0)
      expect(faultOf({ facts: [...facts, A.of({ id: "i0", n: 1 })] }).message).toMatch(/a second time/)
      expect(faultOf({ facts, intents: [...intents, {}] }).message).toBe(`intents[${size}] needs a kind`)
      expect(faultOf({ facts, intents, evaluations: 1 }).message).toMatch(/evaluations must be an array/)
    }
  })

  it("is refused for a hole in one of its lists, whatever its size", () => {
    for (const size of sizes) {
      const { evaluations, facts, intents } = output(size, size, size)
      const holed = <A>(list: ReadonlyArray<A>) => Object.assign([...list], { length: size + 1 })
      expect(faultOf({ facts: holed(facts) }).message).toMatch(/is undefined, which is no proposal/)
      expect(faultOf({ intents: holed(intents) }).message).toMatch(/needs a kind/)
      expect(faultOf({ evaluations: holed(evaluations) }).message).toMatch(/is undefined/)
    }
  })

  it("is refused for the first of several faults", () => {
    expect(faultOf({ facts: [1], intents: 1 }).message).toMatch(/facts\[0\]/)
    expect(faultOf({ facts: [], intents: 1, evaluations: 1 }).message).toMatch(/intents must be/)
    expect(faultOf({ trace: () => 1, usage: 1 }).message).toMatch(/^trace/)
  })
})

describe("retention", () => {
  it("prunes the oldest facts, in as many steps as they need", () => {
    for (const size of sizes) {
      const ledger = emptyLedger()
      for (let n = 0; n < size; n++) put(ledger, Recent, { id: `r${n}`, n })
      const pruned = prune(ledger, [eraseKind(Recent)])
      expect(pruned.map(({ position }) => position)).toEqual(some(Math.max(0, size - 3), (n) => n + 1))
      expect(ledger.size(Recent)).toBe(Math.min(size, 3))
    }
  })
})
