/** Whether the main thread stays responsive. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Program } from "../converge.ts"
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { spins } from "../programs/chain.ts"
import { contextAfter, poolOf, startEngine } from "../support/engine.ts"
import { runCycles } from "../support/lanes.ts"
import { delayDuring, idlePeriod } from "../support/loopDelay.ts"
import { stepsPerMicrosecond } from "../support/raw.ts"
import { threads } from "../support/trivialLanes.ts"

const idleMs = (isTiny: boolean) => (isTiny ? 20 : 300)

const cyclesOf = (isTiny: boolean) => (isTiny ? 50 : 20_000)
const seedsOf = (isTiny: boolean) => (isTiny ? 500 : 100_000)
const agents = 8

let executed = 0

/** Agents that never wait: only the engine gives the event loop a turn. */
const synchronous = Program.make("synchronous", {
  input: Schema.Struct({}),
  agents: Array.from({ length: agents }, (_, index) =>
    Agent.make(`agent-${index}`, {
      accepts: () => true,
      execute: () =>
        Effect.sync(() => {
          executed++
          return {}
        })
    })
  )
})

const Seed = Fact.kind("Seed", {
  schema: Schema.Struct({ n: Schema.Int, name: Schema.String, text: Schema.String }),
  id: ({ n }) => String(n)
})

const seedOf = (n: number) =>
  Seed.of({ n, name: `seed number ${n}`, text: "a text that is as long as the texts of facts tend to be" })

type Seeds = Iterable<ReturnType<typeof seedOf>>

const seededBy = (seed: (input: { readonly seeds: number }) => Seeds) =>
  Program.make("seeded", {
    input: Schema.Struct({ seeds: Schema.Int }),
    kinds: [Seed],
    seed,
    agents: [],
    output: (view) => view.size(Seed)
  })

const oneByOne = function* ({ seeds }: { readonly seeds: number }) {
  for (let n = 0; n < seeds; n++) yield seedOf(n)
}

const atOnce = ({ seeds }: { readonly seeds: number }) => Array.from({ length: seeds }, (_, n) => seedOf(n))

const seedsContender = (name: string, about: string, seed: typeof oneByOne | typeof atOnce): Contender => ({
  name,
  about: `a job of ${count(seedsOf(false))} seeds and nothing else; its \`seed\` ${about}`,
  computes: "seeds",
  start: async (isTiny) => {
    const engine = startEngine()
    const program = seededBy(seed)
    const seeds = seedsOf(isTiny)
    return {
      round: async () => {
        let result: unknown
        const period = await idlePeriod(idleMs(isTiny))
        const job = async () => (result = (await engine.run(Engine.run(program, { seeds }))).output)
        const delay = await delayDuring(period, job)
        return { values: { ...delay, period }, result: { committed: result === seeds } }
      },
      stop: engine.stop
    }
  }
})

const contenders: ReadonlyArray<Contender> = [
  {
    name: "workers",
    about: "a job of tasks of 1 ms on a warm pool with a thread for each core, 64 in each cycle",
    computes: "workers",
    start: async (isTiny) => {
      const engine = startEngine(poolOf(threads))
      const steps = isTiny ? 10 : Math.round((await stepsPerMicrosecond()) * 1_000)
      const job = () => runCycles(engine, spins, { lanes: isTiny ? 4 : 64, steps }, isTiny ? 2 : 40)
      await job()
      return {
        round: async () => {
          let result: unknown
          const period = await idlePeriod(idleMs(isTiny))
          const delay = await delayDuring(period, async () => (result = await job()))
          return { values: { ...delay, period }, result }
        },
        stop: engine.stop
      }
    }
  },
  {
    name: "cycles",
    about: `a job of ${count(cyclesOf(false))} cycles of ${agents} synchronous fiber agents`,
    computes: "cycles",
    start: async (isTiny) => {
      const engine = startEngine()
      const cycles = cyclesOf(isTiny)
      return {
        round: async () => {
          executed = 0
          const period = await idlePeriod(idleMs(isTiny))
          const job = () => engine.run(contextAfter(synchronous, {}, { budget: { maxCycles: cycles } }))
          const delay = await delayDuring(period, job)
          return { values: { ...delay, period }, result: executed / cycles }
        },
        stop: engine.stop
      }
    }
  },
  seedsContender("seeds", "is a generator", oneByOne),
  seedsContender("seeds-array", "returns an array of them", atOnce)
]

const bounds = { unit: "ms", better: "lower", bar: 20, aim: 5 } as const

export const benchmark: Benchmark = {
  name: "loop-delay",
  title: "The delay of the main thread's event loop",
  measures: [
    "`monitorEventLoopDelay` with a resolution of 1 ms runs around a whole job, in three situations.",
    "The monitor records the time between two turns of its own timer. Its period on an idle loop, taken in the same round, is no delay and is subtracted.",
    "A percentile counts turns, not time, so one long block is one turn. Therefore the longest turn of each round stands beside it."
  ],
  notMeasured: `The engine without the program's code. If \`seed\` returns an array, it makes its ${count(seedsOf(false))} proposals in one call, which no engine can interrupt, and the figure includes that call. A generator is suspended between two proposals.`,
  missed: [
    `A job of ${count(seedsOf(false))} seeds lasts some 80 turns of the loop, so its p99 is the second or third longest turn. A trace of the collector shows what those turns are: collections of the young generation (10 to 60 ms each, two to four in a job), in which by then everything is alive.`,
    "With a smaller young generation (`--max-semi-space-size`) the pauses are shorter. That is for the embedding process to decide."
  ],
  rounds: 7,
  warmups: 1,
  warmupMs: 0,
  metrics: {
    p99: { title: "p99", unit: "ms", isQuantile: true },
    max: { title: "the longest", unit: "ms" },
    period: { title: "the monitor's period when idle", unit: "ms" }
  },
  contenders,
  expected: () => ({ cycles: agents, seeds: { committed: true } }),
  figures: [
    {
      ...bounds,
      name: "loop-delay/workers",
      title: "p99 while all workers are busy",
      isQuantile: true,
      ofRound: value("workers", "p99")
    },
    {
      ...bounds,
      name: "loop-delay/cycles",
      title: `p99 while synchronous agents run ${count(cyclesOf(false))} cycles`,
      isQuantile: true,
      ofRound: value("cycles", "p99")
    },
    {
      ...bounds,
      name: "loop-delay/seeds",
      title: `p99 while ${count(seedsOf(false))} seeds are committed`,
      isQuantile: true,
      ofRound: value("seeds", "p99")
    },
    {
      name: "loop-delay/seeds-array",
      title: "the same, where `seed` returns an array",
      unit: "ms",
      better: "lower",
      isQuantile: true,
      ofRound: value("seeds-array", "p99")
    },
    {
      name: "loop-delay/seeds-longest",
      title: `the longest while ${count(seedsOf(false))} seeds are committed`,
      unit: "ms",
      better: "lower",
      ofRound: value("seeds", "max")
    }
  ]
}
