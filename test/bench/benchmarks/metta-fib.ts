/** The evaluator of MeTTa beside a simple recursive one. */
import { type Benchmark, ratio } from "../framework/definition.ts"
import { simpleEvaluator } from "../support/mettaSimple.ts"
import { evaluated, worldWith } from "../support/metta.ts"

const rule = "(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))"
const numberOf = (isTiny: boolean): number => (isTiny ? 8 : 24)

export const benchmark: Benchmark = {
  name: "metta-fib",
  title: "(fib 24) in MeTTa",
  measures:
    "The evaluator of docs/examples/metta evaluates (fib 24) by its rule: an explicit stack, with a budget of steps and depth. The simple one is a recursive function of 60 lines that matches the same rule, substitutes and goes on. It has nondeterminism and neither types, spaces, variables in calls, nor budgets.",
  notMeasured: "A job around the evaluation.",
  rounds: 9,
  warmups: 3,
  metrics: { evaluation: { title: "one evaluation", unit: "ms" } },
  contenders: [
    {
      name: "ours",
      about: "the evaluator of docs/examples/metta",
      start: async (isTiny) => {
        const world = worldWith(rule)
        return {
          round: async () => {
            const [ms, [result]] = evaluated(world, `(fib ${numberOf(isTiny)})`)
            return { values: { evaluation: ms }, result }
          }
        }
      }
    },
    {
      name: "simple",
      about: "a recursive function",
      start: async (isTiny) => {
        const evaluate = simpleEvaluator(rule)
        return {
          round: async () => {
            const began = performance.now()
            const [result] = evaluate(`(fib ${numberOf(isTiny)})`)
            return { values: { evaluation: performance.now() - began }, result }
          }
        }
      }
    }
  ],
  expected: (isTiny) => ({ "": isTiny ? "21" : "46368" }),
  figures: [
    {
      name: "metta-fib/over-simple",
      title: "ours / the simple evaluator",
      unit: "ratio",
      better: "lower",
      bar: 5,
      aim: 2,
      ofRound: ratio("ours", "simple", "evaluation")
    }
  ]
}
