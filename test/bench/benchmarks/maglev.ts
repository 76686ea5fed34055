/** Whether a task gets slower as messages go by: a trap of Node 24's optimising compiler. */
import { Worker } from "node:worker_threads"
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { median } from "../framework/statistics.ts"
import { helperLoop, ownLoop } from "../programs/chain.ts"
import { poolOf, startEngine } from "../support/engine.ts"
import { startPort } from "../support/lanes.ts"
import { stepsPerMicrosecond } from "../support/raw.ts"
import { spin } from "../work.ts"

const taskUs = 100
const tinySteps = 100
const messagesOf = (isTiny: boolean) => (isTiny ? 25 : 5_200)
/** Messages that are looked at together; as many come before the first of these, to warm the thread up. */
const countedOf = (isTiny: boolean) => (isTiny ? 5 : 100)
const counted = countedOf(false)
/** The messages between the first that are counted and the end of the last, for titles. */
const later = count(messagesOf(false) - 2 * counted)

let calibrated: Promise<number> | undefined
const stepsOf = (isTiny: boolean): Promise<number> =>
  isTiny ? Promise.resolve(tinySteps) : (calibrated ??= stepsPerMicrosecond().then((rate) => Math.round(rate * taskUs)))

/** Microseconds between one answer and the next, early and late. */
const describe = (isTiny: boolean, times: ReadonlyArray<number>) => {
  const each = times.slice(1).map((time, index) => (time - times[index]!) * 1_000)
  const counted = countedOf(isTiny)
  const early = median(each.slice(counted, 2 * counted))
  const late = median(each.slice(-counted))
  const hundreds = Array.from({ length: Math.floor(each.length / counted) }, (_, block) =>
    median(each.slice(block * counted, (block + 1) * counted))
  )
  return { early, late, growth: late / early, overBest: late / Math.min(...hundreds) }
}

const port = (name: string, about: string, program: typeof ownLoop | typeof helperLoop): Contender => ({
  name,
  about,
  start: async (isTiny) => {
    const steps = await stepsOf(isTiny)
    return {
      round: async () => {
        const engine = startEngine(poolOf(1))
        const driven = await startPort(engine, program, { lanes: 1, steps })
        const times: Array<number> = []
        const result = await driven.run(messagesOf(isTiny), () => times.push(performance.now()))
        await engine.stop()
        return { values: describe(isTiny, times), result }
      }
    }
  }
})

const naive: Contender = {
  name: "naive",
  about: "a bare thread whose message handler calls the loop: the trap itself",
  start: async (isTiny) => {
    const steps = await stepsOf(isTiny)
    return {
      round: async () => {
        const worker = new Worker(new URL("../peers/naiveWorker.ts", import.meta.url), { execArgv: [] })
        const times: Array<number> = []
        let value = 0
        for (let i = 0; i < messagesOf(isTiny); i++) {
          value = await new Promise<number>((resolve) => {
            worker.once("message", resolve)
            worker.postMessage({ steps, value })
          })
          times.push(performance.now())
        }
        await worker.terminate()
        return { values: describe(isTiny, times), result: [value] }
      }
    }
  }
}

export const benchmark: Benchmark = {
  name: "maglev",
  title: `A task of ${taskUs / 1_000} ms after ${later} messages`,
  measures: [
    `In each round, a new pool of one thread gets ${count(messagesOf(false))} tasks of ${taskUs / 1_000} ms, one a message, each when the one before has ended. The figure is the median time from one outcome to the next over the last ${counted}, divided by that over the first ${counted} after ${counted} that warm the thread up.`,
    "The bar is for an agent that holds the hot loop itself, since the code around the agent is the pool's. For an agent that calls a function with the loop, the same can happen between the two, in any program.",
    "A message handler that calls the loop is measured beside it, to show that the trap exists.",
    `The code around the agent may still be getting faster after ${counted} messages, which would hide a trap. So the last hundred are also compared with the fastest hundred of all.`
  ],
  notMeasured: "Other versions of Node.",
  rounds: 5,
  warmups: 0,
  warmupMs: 0,
  metrics: {
    early: { title: `messages ${counted + 1} to ${2 * counted}, median`, unit: "us" },
    late: { title: `the last ${counted} messages, median`, unit: "us" },
    growth: { title: "last / first", unit: "ratio" },
    overBest: { title: "last / the fastest hundred", unit: "ratio" }
  },
  contenders: [
    port("own-loop", "effect-converge, the pool's port with one thread; the agent holds the loop", ownLoop),
    port(
      "helper-loop",
      "effect-converge, the pool's port with one thread; the agent calls a function with the loop",
      helperLoop
    ),
    naive
  ],
  expected: (isTiny): Readonly<Record<string, unknown>> =>
    isTiny ? { "": [spin(tinySteps * messagesOf(isTiny), 0)] } : {},
  figures: [
    {
      name: "maglev/growth",
      title: `after ${later} messages / the first ${counted}`,
      unit: "ratio",
      better: "lower",
      bar: 1.3,
      aim: 1,
      ofRound: value("own-loop", "growth")
    },
    {
      name: "maglev/over-best",
      title: `after ${later} messages / the fastest hundred`,
      unit: "ratio",
      better: "lower",
      ofRound: value("own-loop", "overBest")
    },
    {
      name: "maglev/helper-growth",
      title: "the same of an agent that calls a function with the loop",
      unit: "ratio",
      better: "lower",
      ofRound: value("helper-loop", "growth")
    },
    {
      name: "maglev/naive-growth",
      title: "the same of a message handler that calls the loop",
      unit: "ratio",
      better: "lower",
      ofRound: value("naive", "growth")
    }
  ]
}
