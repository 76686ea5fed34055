/** Diagnoses as the API shows them, whatever the values of the facts that change. */
import { describe, expect, it } from "vitest"
import { Limits } from "../../src/index.ts"
import { Examination } from "../../src/outcome/diagnosis.ts"
import type { JobEvent } from "../../src/outcome/JobEvent.ts"
import { diagnosisJson } from "../../src/server/examinations.ts"
import { seedProvenance } from "../support/core/ledger.ts"

const most = Limits.diagnosedTextLength

/** The values of a fact that changes, as the API shows them. */
const shown = (values: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  const examination = new Examination()
  for (const [index, value] of values.entries()) {
    const cycle = index + 1
    const facts = [{ kind: "K", id: "one", value, provenance: { ...seedProvenance, version: cycle } }]
    const event: JobEvent = {
      _tag: "FactsCommitted",
      seq: cycle,
      cycle,
      agent: "a",

      facts
    }
    examination.add(event)
  }
  return diagnosisJson(examination.result).changing.flatMap(({ values: all }) => all.map(({ value }) => value))
}

describe("the values of a fact that changes", () => {
  it.each([
    ["a text that fits", "x".repeat(most - 2), "x".repeat(most - 2)],
    ["a text of one character more", "x".repeat(most - 1), `"${"x".repeat(most - 1)}…`],
    ["a text of ten million characters", "y".repeat(10_000_000), `"${"y".repeat(most - 1)}…`],
    ["a text with quotes", `"`.repeat(most), `"${`\\"`.repeat(most).slice(0, most - 1)}…`],
    ["an object that fits", { a: [1, "b"] }, { a: [1, "b"] }],
    ["a long object", { a: "z".repeat(most) }, `{"a":"${"z".repeat(most - 6)}…`]
  ])("are shown whole, or as the beginning of their text: %s", (_, value, expected) => {
    expect(shown([1, value])).toEqual([1, expected])
    expect(shown([1, value])).toEqual([1, expected])
  })

  it("are written once, however often they are asked for", () => {
    let written = 0
    const value = { toJSON: () => `${++written} ${"x".repeat(most)}` }
    const texts = [shown([1, value]), shown([1, value]), shown([1, value])]
    expect(texts[1]).toEqual(texts[0])
    expect(texts[2]).toEqual(texts[0])
    expect(written).toBe(1)
  })
})

describe("an event of many facts", () => {
  it("is read in steps, with the diagnosis of an event that is read at once", () => {
    const length = 3 * Limits.diagnosedFacts
    const facts = Array.from({ length }, (_, n) => ({
      kind: "K",
      id: String(n % (length - 5)),
      value: n,
      provenance: { ...seedProvenance, version: n + 1 }
    }))
    const event: JobEvent = { _tag: "FactsCommitted", seq: 1, cycle: 1, agent: "a", facts }
    const [atOnce, inSteps] = [new Examination(), new Examination()]
    atOnce.add(event)
    let steps = 0
    for (const _ of inSteps.adding(event)) steps++
    expect(steps).toBeGreaterThan(length / 100)
    expect(inSteps.result).toEqual(atOnce.result)
    expect(inSteps.result.growth).toEqual([{ kind: "K", facts: length, perCycle: [length] }])
  })
})
