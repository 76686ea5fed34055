/** Whether a new fact costs the same in a small and in a large context, for a join, an index and a fold. */
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { median } from "../framework/statistics.ts"
import { added, began, expectedTotal, growth, Total } from "../programs/growth.ts"
import { contextAfter, startEngine } from "../support/engine.ts"

const sizes = { small: 10_000, middle: 100_000, large: 1_000_000 }
type Size = keyof typeof sizes

const cyclesOf = (isTiny: boolean) => (isTiny ? 4 : 14)
/** Cycles before the first that is timed. The first one of the join also indexes the whole context. */
const skippedOf = (isTiny: boolean) => (isTiny ? 1 : 5)

const contender = (name: Size): Contender => ({
  name,
  about: `a context of ${count(sizes[name])} facts, ${count(added)} new ones each cycle, a join, look-ups by an index, and a fold; inline`,
  start: (isTiny) => {
    const engine = startEngine()
    const sizeOf = (size: Size) => (isTiny ? sizes[size] / 100 : sizes[size])
    const input = { facts: sizeOf(name), met: sizeOf("small") }
    const cycles = cyclesOf(isTiny)
    return Promise.resolve({
      round: async () => {
        began.length = 0
        const context = await engine.run(contextAfter(growth, input, { budget: { maxCycles: cycles } }))
        const times = began.slice(skippedOf(isTiny))
        const each = times.slice(1).map((time, index) => ((time - times[index]!) * 1_000) / added)
        const mean = ((times.at(-1)! - times[0]!) * 1_000) / ((times.length - 1) * added)
        const total = context.all(Total).reduce((sum, fact) => sum + fact.value.neighbours, 0)
        return { values: { fact: mean, median: median(each) }, result: total }
      },
      stop: engine.stop
    })
  }
})

const overSmall = (name: Size, bar: number | undefined) => ({
  name: `growth/${name}-over-small`,
  title: `cost at ${count(sizes[name])} facts / at ${count(sizes.small)}`,
  unit: "ratio",
  better: "lower" as const,
  ...(bar === undefined ? {} : { bar }),
  ofRound: (round: Parameters<ReturnType<typeof value>>[0]) =>
    value(name, "median")(round) / value("small", "median")(round)
})

export const benchmark: Benchmark = {
  name: "growth",
  title: "A new fact in a small and in a large context: join, index and fold",
  measures: [
    `Jobs of ${cyclesOf(false)} cycles whose context holds ${count(sizes.small)}, ${count(sizes.middle)} or ${count(sizes.large)} seeds before the first cycle. In each cycle an agent adds ${count(added)} facts. A join finds the one seed of each, the same ${count(sizes.small)} in turn, which are spread over the context. It looks up its neighbours by an index, and adds a fact. A fold keeps their totals.`,
    `A cycle is timed from its start to that of the next, after the first ${skippedOf(false)}, and divided by ${count(added)}. The figure is made of the median cycle of a job; the table also has the mean, with the collection of garbage in a heap that is a hundred times as large.`
  ],
  notMeasured:
    "Planting the seeds, and indexing them, which the first cycle of the join does; a join on workers; a store.",
  rounds: 5,
  warmups: 1,
  warmupMs: 0,
  metrics: {
    fact: { title: "a new fact, mean", unit: "us" },
    median: { title: "a new fact, median cycle", unit: "us" }
  },
  contenders: [contender("small"), contender("middle"), contender("large")],
  expected: (isTiny) => ({ "": expectedTotal(cyclesOf(isTiny)) }),
  figures: [overSmall("middle", undefined), overSmall("large", 1.5)]
}
