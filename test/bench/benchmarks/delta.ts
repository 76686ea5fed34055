/** Whether a cycle costs what is new, or what is there. */
import { type Benchmark, type Contender, value } from "../framework/definition.ts"
import { began, delta, Found } from "../programs/delta.ts"
import { contextAfter, sharedEngine } from "../support/engine.ts"
import { median } from "../framework/statistics.ts"
import { threads } from "../support/trivialLanes.ts"

const sizes = { small: 1_000, large: 100_000 }

const liveEngine = sharedEngine(threads)

const contender = (name: "small" | "large"): Contender => ({
  name,
  about: `a context of ${sizes[name].toLocaleString("en-US")} facts of 200 bytes, ten more each cycle, from two CPU agents that read them all`,
  computes: name,
  start: async (isTiny) => {
    const engine = liveEngine()
    const facts = isTiny ? sizes[name] / 100 : sizes[name]
    const cycles = isTiny ? 4 : 200
    const skipped = isTiny ? 1 : 20
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
  title: "A cycle that adds 10 facts, in a small and in a large context",
  measures:
    "Jobs of 200 cycles whose context holds 1,000 or 100,000 seeds before the first. In each cycle two CPU agents, each on a worker with a replica of the whole context, add five facts each from what is new and from one fact that they look up. Timed from the start of one cycle to that of the next, after the first 20: the mean, so that what the collector costs counts too.",
  notMeasured:
    "Planting the seeds and shipping them to the workers (loop-delay has the former), and agents that walk through the whole context themselves.",
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
      title: "cost at 100,000 facts / at 1,000",
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
