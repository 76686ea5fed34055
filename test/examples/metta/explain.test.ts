/** By which rules a result came. */
import { expect, it } from "vitest"
import { defaultLimits } from "../../../docs/examples/metta/budget.ts"
import { explain, formatExplained } from "../../../docs/examples/metta/explain.ts"
import { knownTo } from "../../../docs/examples/metta/worlds.ts"
import { withEngine } from "./jobs.ts"

const explained = (text: string, evaluation: number): Promise<string> =>
  withEngine({ size: 0 }, async (run) => {
    const result = await run({ text })
    const line = result.output.find((each) => each.evaluation === evaluation)
    const found = explain(knownTo(result.context, defaultLimits.steps), line?.step ?? -1, defaultLimits)
    return typeof found === "string" ? found : formatExplained(found)
  })

it("each result has its rules, with their places, in the order of their application", async () => {
  const text = "(= (pet) (bird))\n(= (pet) cat)\n(= (bird) parrot)\n!(pet)"
  expect(await explained(text, 1)).toBe(`  parrot
    (pet)
      by (= (pet) (bird))   line 1, column 1
    (bird)
      by (= (bird) parrot)   line 3, column 1
  cat
    (pet)
      by (= (pet) cat)   line 2, column 1
`)
})

it("rules inside of a collapse, and rules that an evaluation added, are named", async () => {
  const text = "(= (a) 1) (= (a) 2)\n!(add-atom &self (= (a) 3))\n!(collapse (a))"
  const shown = await explained(text, 2)
  expect(shown.match(/by .*/g)).toEqual([
    "by (= (a) 1)   line 1, column 1",
    "by (= (a) 2)   line 1, column 11",
    "by (= (a) 3)   added by evaluation 1 at line 2, column 1"
  ])
})

it("an evaluation is explained in the world of its batch", async () => {
  expect(await explained("!(f) (= (f) 1) !(f)", 1)).toBe("  (f)\n    no rule was applied\n")
  expect(await explained("(= (f) 1) !(empty)", 1)).toBe("no result\n")
  expect(await explained("(= (f $n) (+ 1 (f $n))) !(f 1)", 1)).toBe("it reached its limit: DepthLimit 250000")
  expect(await explained("(a", 1)).toBe("this step was not evaluated")
})
