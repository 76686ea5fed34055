/** Whether the cost of a cycle follows from its new facts, or from all facts of the context. */
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { added, began, delta, Found } from "../programs/delta.ts"
import { contextAfter, sharedEngine } from "../support/engine.ts"
import { median } from "../framework/statistics.ts"
import { threads } from "../support/trivialLanes.ts"

const sizes = { small: 1_000, large: 100_000 }
const cyclesOf = (isTiny: boolean) => (isTiny ? 4 : 200)
/** Cycles before the first that is timed. */
const skippedOf = (isTiny: boolean) => (isTiny ? 1 : 20)

const liveEngine = sharedEngine(threads)

const contender = (name: "small" | "large"): Contender => ({
  name,
  about: `a context of ${count(sizes[name])} facts of 200 bytes, ${2 * added} more each cycle, from two CPU agents that read them all`,
  computes: name,
  start: async (isTiny) => {
    const engine = liveEngine()
    const facts = isTiny ? sizes[name] / 100 : sizes[name]
    const cycles = cyclesOf(isTiny)
    const skipped = skippedOf(isTiny)
    return {
      round: async () => {
        began.length = 0
        const context = await engine.run(contextAfter(delta, { facts }, { budget: { maxCycles: cycles } }))
        const times = began.slice(skipped)
        const each = times.slice(1).map((time, index) => (time - times[index]!) * 1_000)
        const mean = ((times.at(-1)! - times[0]!) * 1_000) / (times.length - 1)
        return { values: { cycle: mean, median: median(each) }, result: context.all(Found).map((fact) => fact.value) }
      },
      stop: engine.stop
    }
  }
})

export const benchmark: Benchmark = {
  name: "delta",
  title: `A cycle that adds ${2 * added} facts, in a small and in a large context`,
  measures: [
    `Jobs of ${cyclesOf(false)} cycles whose context holds ${count(sizes.small)} or ${count(sizes.large)} seeds before the first cycle. In each cycle two CPU agents add ${added} facts each, from the new facts and from one fact that they look up. Each is on a worker with a replica of the whole context.`,
    `A cycle is timed from its start to that of the next, after the first ${skippedOf(false)}. The figure is made of the mean, so that the cost of garbage collection counts too.`
  ],
  notMeasured:
    "Planting the seeds, which is in loop-delay, and shipping them to the workers; agents that walk through the whole context themselves.",
  rounds: 9,
  warmups: 1,
  metrics: {
    cycle: { title: "one cycle, mean", unit: "us" },
    median: { title: "one cycle, median", unit: "us" }
  },
  contenders: [contender("small"), contender("large")],
  figures: [
    {
      name: "delta/large-over-small",
      title: `cost at ${count(sizes.large)} facts / at ${count(sizes.small)}`,
      unit: "ratio",
      better: "lower",
      bar: 1.3,
      aim: 1.1,
      ofRound: (round) => value("large", "cycle")(round) / value("small", "cycle")(round)
    },
    {
      name: "delta/large-over-small-median",
      title: "the same of the median cycle",
      unit: "ratio",
      better: "lower",
      ofRound: (round) => value("large", "median")(round) / value("small", "median")(round)
    }
  ]
}
