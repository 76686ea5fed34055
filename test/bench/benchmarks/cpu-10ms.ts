/** How much of two cores long tasks get. */
import { type Benchmark, type Contender, ratio } from "../framework/definition.ts"
import { spins } from "../programs/chain.ts"
import { sharedEngine, timed } from "../support/engine.ts"
import { runCycles, startPort } from "../support/lanes.ts"
import { startRaw, stepsPerMicrosecond } from "../support/raw.ts"
import { threads } from "../support/trivialLanes.ts"

const lanesOf = (isTiny: boolean) => (isTiny ? 4 : 64)

/** The same number of steps for all contenders of a run; in a tiny run a number that plain code can repeat at once. */
let calibrated: Promise<number> | undefined
const stepsOf = (isTiny: boolean): Promise<number> =>
  isTiny ? Promise.resolve(1_000) : (calibrated ??= stepsPerMicrosecond().then((rate) => Math.round(rate * 10_000)))

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
  title: "64 CPU tasks of 10 ms",
  measures:
    "Tasks of as many steps of arithmetic as took 10 ms on a bare thread when the run began, the same number for everybody. The ideal is what two bare threads need in the same round for the same steps, half of them each, one message a thread: the sum over the cores, in whatever state the machine is in at that moment. A pool that hands tasks out one by one can be ahead of it when a core is disturbed.",
  notMeasured: "Tasks of different lengths, where claiming one by one gains most.",
  rounds: 15,
  warmups: 2,
  metrics: { all: { title: "64 tasks", unit: "ms" } },
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
