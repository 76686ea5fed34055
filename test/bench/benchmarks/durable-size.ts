/** The size of a job's journal on the disk when the job has halted. */
import { rmSync } from "node:fs"
import { Engine } from "../converge.ts"
import { type Benchmark, type Contender, count, ratio, value } from "../framework/definition.ts"
import { diskFolder } from "../framework/diskFolder.ts"
import { durable, durableExpected } from "../programs/durable.ts"
import { bytesIn, openDurable } from "../support/durable.ts"
import { startChain } from "../support/langgraphChain.ts"

interface Shape {
  readonly cycles: number
  /** Facts that each cycle adds besides its step. */
  readonly items: number
}

const smallShape = (isTiny: boolean): Shape => ({ cycles: isTiny ? 20 : 10_000, items: 0 })
const largeShape = (isTiny: boolean): Shape => ({ cycles: isTiny ? 2 : 100, items: isTiny ? 10 : 999 })
const stepsOf = (isTiny: boolean) => (isTiny ? 20 : 1_000)
const seed = 7

const large = largeShape(false)
const factsACycle = 1 + large.items

const contender = (name: string, about: string, shapeOf: (isTiny: boolean) => Shape): Contender => ({
  name,
  about,
  computes: name,
  start: async (isTiny) => {
    const { cycles, items } = shapeOf(isTiny)
    const facts = cycles * (1 + items)
    return {
      round: async () => {
        const folder = diskFolder("size")
        const engine = openDurable(folder, "normal")
        const { context, output } = await engine.run(Engine.run(durable, { value: seed, cycles, items }))
        await engine.stop()
        const file = bytesIn(folder) / facts
        const text = context.contextBytes / facts
        rmSync(folder, { recursive: true })
        return { values: { file, text, ratio: file / text }, result: output }
      }
    }
  }
})

export const benchmark: Benchmark = {
  name: "durable-size",
  title: "The size of a journal",
  measures: [
    "A job runs on a new store, and the store is closed. The bytes of all of its files are divided by the number of facts. Beside them stand the bytes of the facts' canonical texts, as `contextBytes` counts them.",
    "The journal also has the origin and the time of each fact, the hashes and the events.",
    "LangGraph's file, with every checkpoint of one thread, is divided by its supersteps."
  ],
  notMeasured: "Compression; the free space in a store from which many jobs were pruned.",
  rounds: 3,
  warmups: 0,
  warmupMs: 0,
  metrics: {
    file: { title: "on the disk, for each fact or superstep", unit: "bytes" },
    text: { title: "a fact's canonical text", unit: "bytes" },
    ratio: { title: "one over the other", unit: "ratio" }
  },
  contenders: [
    contender("small", `${count(smallShape(false).cycles)} cycles of one small fact each`, smallShape),
    contender(
      "large",
      `${count(large.cycles)} cycles of ${count(factsACycle)} facts of some 200 bytes each`,
      largeShape
    ),
    {
      name: "langgraph",
      about: `LangGraph with its SQLite checkpointer: ${count(stepsOf(false))} supersteps of a state of three numbers`,
      peer: "langgraph-sqlite",
      computes: "langgraph",
      start: async (isTiny) => ({
        round: async () => {
          const chain = await startChain("NORMAL")
          const result = await chain.run(seed, stepsOf(isTiny))
          return { values: { file: (await chain.stop()) / stepsOf(isTiny) }, result }
        }
      })
    }
  ],
  expected: (isTiny) => ({
    small: durableExpected(seed, smallShape(isTiny).cycles),
    large: durableExpected(seed, largeShape(isTiny).cycles),
    langgraph: durableExpected(seed, stepsOf(isTiny))
  }),
  figures: [
    {
      name: "durable-size/small",
      title: "journal / canonical texts, one small fact a cycle",
      unit: "ratio",
      better: "lower",
      ofRound: value("small", "ratio")
    },
    {
      name: "durable-size/large",
      title: `journal / canonical texts, ${count(factsACycle)} facts a cycle`,
      unit: "ratio",
      better: "lower",
      ofRound: value("large", "ratio")
    },
    {
      name: "durable-size/langgraph-over-ours",
      title: "LangGraph's file for a superstep / ours for a cycle of one small fact",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("langgraph", "small", "file")
    }
  ]
}
