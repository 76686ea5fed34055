/** Whether the main thread stays responsive while jobs are written to the disk. */
import { Engine } from "../converge.ts"
import { type Benchmark, type Contender, value } from "../framework/definition.ts"
import { durable, durableExpected, paced, pauseMs } from "../programs/durable.ts"
import { startDurable } from "../support/durable.ts"
import { type LiveEngine, startEngine } from "../support/engine.ts"
import { delayDuring, idlePeriod } from "../support/loopDelay.ts"

const jobsOf = (isTiny: boolean) => (isTiny ? 4 : 32)

const cyclesOf = (program: typeof durable, isTiny: boolean) => (isTiny ? 5 : program === paced ? 100 : 500)

const contender = (name: string, about: string, program: typeof durable, start: () => LiveEngine): Contender => ({
  name,
  about,
  computes: program === paced ? "paced" : "",
  start: async (isTiny) => {
    const engine = start()
    const cycles = cyclesOf(program, isTiny)
    const run = async (value: number): Promise<number> => {
      const { output } = await engine.run(Engine.run(program, { value, cycles, items: 0 }))
      return output
    }
    return {
      round: async () => {
        let result: ReadonlyArray<number> = []
        const period = await idlePeriod(isTiny ? 20 : 300)
        const delay = await delayDuring(period, async () => {
          result = await Promise.all(Array.from({ length: jobsOf(isTiny) }, (_, job) => run(job)))
        })
        return { values: { ...delay, period }, result }
      },
      stop: engine.stop
    }
  }
})

const expectedOf = (program: typeof durable, isTiny: boolean) =>
  Array.from({ length: jobsOf(isTiny) }, (_, job) => durableExpected(job, cyclesOf(program, isTiny)))

const bounds = { unit: "ms", better: "lower" } as const

export const benchmark: Benchmark = {
  name: "durable-loop",
  title: "The delay of the main thread's event loop while jobs are written",
  measures: [
    `${jobsOf(false)} jobs at once add one small fact in each cycle, with a journal that is synced after every cycle, and in memory. The delay is measured as in loop-delay: the time between two turns of the event loop, less the period of an idle loop.`,
    `The store's part in it is seen where the loop has little else to do: with agents that wait ${pauseMs} ms before each of ${cyclesOf(paced, false)} steps. Beside it stand jobs of ${cyclesOf(durable, false)} cycles whose agents never wait. Those keep the loop busy by themselves, in memory as well.`
  ],
  notMeasured: "Agents that compute on the main thread; large facts.",
  rounds: 9,
  warmups: 1,
  metrics: {
    p99: { title: "p99", unit: "ms", isQuantile: true },
    max: { title: "the longest", unit: "ms" },
    period: { title: "the monitor's period when idle", unit: "ms" }
  },
  contenders: [
    contender("durable", "agents that wait, durability `full`", paced, () => startDurable("full")),
    contender("memory", "agents that wait, in memory", paced, () => startEngine()),
    contender("durable-busy", "agents that never wait, durability `full`", durable, () => startDurable("full")),
    contender("memory-busy", "agents that never wait, in memory", durable, () => startEngine())
  ],
  expected: (isTiny) => ({ "": expectedOf(durable, isTiny), paced: expectedOf(paced, isTiny) }),
  figures: [
    {
      ...bounds,
      name: "durable-loop/added",
      title: `p99 of ${jobsOf(false)} durable jobs, less that of the same in memory`,
      bar: 5,
      ofRound: (round) => round("durable", "p99") - round("memory", "p99")
    },
    {
      ...bounds,
      name: "durable-loop/durable",
      title: `p99 while ${jobsOf(false)} durable jobs run`,
      isQuantile: true,
      ofRound: value("durable", "p99")
    },
    {
      ...bounds,
      name: "durable-loop/durable-busy",
      title: `p99 while ${jobsOf(false)} durable jobs run whose agents never wait`,
      isQuantile: true,
      ofRound: value("durable-busy", "p99")
    }
  ]
}
