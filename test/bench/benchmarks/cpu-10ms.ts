/** How much of two cores long tasks get. */
import { type Benchmark, type Contender, ratio } from "../framework/definition.ts"
import { spins } from "../programs/chain.ts"
import { sharedEngine, timed } from "../support/engine.ts"
import { runCycles, startPort } from "../support/lanes.ts"
import { startRaw, stepsPerMicrosecond } from "../support/raw.ts"
import { threads } from "../support/trivialLanes.ts"

const lanesOf = (isTiny: boolean) => (isTiny ? 4 : 64)
const taskMs = 10

/** The same number of steps for all contenders of a run; in a tiny run a number that plain code can repeat at once. */
let calibrated: Promise<number> | undefined
const stepsOf = (isTiny: boolean): Promise<number> =>
  isTiny
    ? Promise.resolve(1_000)
    : (calibrated ??= stepsPerMicrosecond().then((rate) => Math.round(rate * 1_000 * taskMs)))

const liveEngine = sharedEngine(threads)

const contenders: ReadonlyArray<Contender> = [
  {
    name: "cycle",
    about: "effect-converge, a whole job of one cycle on a warm pool of two threads",
    start: async (isTiny) => {
      const engine = liveEngine()
      const input = { lanes: lanesOf(isTiny), steps: await stepsOf(isTiny) }
      return {
        round: async () => {
          const [ms, result] = await timed(() => runCycles(engine, spins, input, 1))
          return { values: { all: ms }, result }
        },
        stop: engine.stop
      }
    }
  },
  {
    name: "port",
    about: "effect-converge, the pool's port alone",
    start: async (isTiny) => {
      const engine = liveEngine()
      const port = await startPort(engine, spins, { lanes: lanesOf(isTiny), steps: await stepsOf(isTiny) })
      return {
        round: async () => {
          const [ms, result] = await timed(() => port.run(1))
          return { values: { all: ms }, result }
        },
        stop: engine.stop
      }
    }
  },
  {
    name: "ideal",
    about: "two bare threads, half of the tasks each in one message: no pool at all",
    start: async (isTiny) => {
      const raw = startRaw(threads)
      const lanes = lanesOf(isTiny)
      const steps = await stepsOf(isTiny)
      const half = lanes / threads
      const parts = Array.from({ length: threads }, (_, part) =>
        Array.from({ length: half }, (_, i) => part * half + i)
      )
      return {
        round: async () => {
          const body = () => Promise.all(parts.map((values) => raw.send<ReadonlyArray<number>>({ steps, values })))
          const [ms, answers] = await timed(body)
          return { values: { all: ms }, result: answers.flat() }
        },
        stop: raw.stop
      }
    }
  }
]

export const benchmark: Benchmark = {
  name: "cpu-10ms",
  title: `${lanesOf(false)} CPU tasks of ${taskMs} ms`,
  measures: [
    `Each task does a number of steps of arithmetic that took ${taskMs} ms on a bare thread when the run began. The number is the same for every contender.`,
    `The ideal is the time that ${threads} bare threads need for the same steps in the same round. Each gets its share in one message. So it is the sum over the cores, in the state in which the machine is at that moment.`,
    "A pool that hands out tasks one by one can beat the ideal when something disturbs a core."
  ],
  notMeasured: "Tasks of different lengths, where claiming them one by one gains most.",
  rounds: 15,
  warmups: 2,
  metrics: { all: { title: `${lanesOf(false)} tasks`, unit: "ms" } },
  contenders,
  figures: [
    {
      name: "cpu-10ms/ideal-over-cycle",
      title: "ideal / whole cycle",
      unit: "ratio",
      better: "higher",
      bar: 0.93,
      aim: 0.97,
      ofRound: ratio("ideal", "cycle", "all")
    },
    {
      name: "cpu-10ms/ideal-over-port",
      title: "ideal / the pool's port alone",
      unit: "ratio",
      better: "higher",
      bar: 0.93,
      aim: 0.97,
      ofRound: ratio("ideal", "port", "all")
    }
  ]
}
