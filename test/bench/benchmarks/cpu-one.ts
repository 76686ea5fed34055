/** The latency of one CPU task on an idle, warm pool. */
import { type Benchmark, type Contender, ratio } from "../framework/definition.ts"
import { standingExpected, trivial, trivialExpected } from "../programs/chain.ts"
import { sharedEngine, timed } from "../support/engine.ts"
import { runCycles, startPort, startStanding } from "../support/lanes.ts"
import { startRaw } from "../support/raw.ts"
import { threads } from "../support/trivialLanes.ts"

const tasksOf = (isTiny: boolean) => (isTiny ? 5 : 500)
const input = { lanes: 1, steps: 1 }

const measured = async (isTiny: boolean, body: () => Promise<ReadonlyArray<number>>) => {
  const [ms, result] = await timed(body)
  return { values: { task: (ms * 1_000) / tasksOf(isTiny) }, result }
}

const liveEngine = sharedEngine(threads)

const contenders: ReadonlyArray<Contender> = [
  {
    name: "standing",
    about:
      "effect-converge, the pool's port alone: `execute` of one task after the other, on a context that the worker has; the answer is a number",
    computes: "standing",
    start: async (isTiny) => {
      const engine = liveEngine()
      const port = await startStanding(engine, input)
      return { round: () => measured(isTiny, () => port.run(tasksOf(isTiny))), stop: engine.stop }
    }
  },
  {
    name: "port",
    about:
      "effect-converge, the pool's port alone, with the new value put into the ledger as a fact and sent along with the next task",
    start: async (isTiny) => {
      const engine = liveEngine()
      const port = await startPort(engine, trivial, input)
      return { round: () => measured(isTiny, () => port.run(tasksOf(isTiny))), stop: engine.stop }
    }
  },
  {
    name: "cycle",
    about: "effect-converge, a job of cycles with one task each",
    start: async (isTiny) => {
      const engine = liveEngine()
      const round = () => measured(isTiny, () => runCycles(engine, trivial, input, tasksOf(isTiny)))
      return { round, stop: engine.stop }
    }
  },
  {
    name: "raw",
    about: "one bare thread, `postMessage` and its answer, one after the other",
    start: async (isTiny) => {
      const raw = startRaw(1)
      const body = async () => {
        let value = 0
        for (let i = 0; i < tasksOf(isTiny); i++) value = await raw.send<number>(value)
        return [value]
      }
      return { round: () => measured(isTiny, body), stop: raw.stop }
    }
  }
]

export const benchmark: Benchmark = {
  name: "cpu-one",
  title: "One CPU task on an idle, warm pool",
  measures: [
    "Trivial tasks run one after the other; each is sent when the answer of the one before is there. The time is that of a round trip to a thread and back, with nothing else under way.",
    "The bar is for the pool's port with a context that the worker has. Beside it stand the cost of a new fact with every task, and of a whole cycle, which also selects, merges, hashes and commits."
  ],
  notMeasured: "Threads that have slept for long; the start of a cold pool (start).",
  missed: [
    "The rest is the work of two threads. Time stamps in one call show its parts:",
    "- The main thread takes 6 µs until it posts, and 11 to 13 µs to post, which includes the kernel's waking of the worker.",
    "- The worker takes 4 to 5 µs to run the task.",
    "- The main thread takes 9 µs from hearing the answer to the next call.",
    "- Waking the sleeping thread took another 20 µs there and 30 µs back. A thread that stays awake for the message saves this, if each thread has a processor to itself.",
    "If both threads are on one processor, a bare round trip is two context switches (18 to 25 µs, against 60 to 80 µs on two processors). A thread that stays awake then only takes the processor from the other one. That gave 170 to 215 µs a task, before a thread stayed awake less often each time that it did so in vain."
  ],
  rounds: 15,
  warmups: 3,
  metrics: { task: { title: "one task", unit: "us" } },
  contenders,
  expected: (isTiny) => ({
    "": trivialExpected(1, tasksOf(isTiny)),
    standing: standingExpected(1, tasksOf(isTiny))
  }),
  figures: [
    {
      name: "cpu-one/standing-over-raw",
      title: "the pool's port, standing context / a bare round trip",
      unit: "ratio",
      better: "lower",
      bar: 2,
      aim: 1.3,
      ofRound: ratio("standing", "raw", "task")
    },
    {
      name: "cpu-one/port-over-raw",
      title: "the pool's port, a new fact with every task / a bare round trip",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("port", "raw", "task")
    },
    {
      name: "cpu-one/cycle-over-raw",
      title: "a whole cycle / a bare round trip",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("cycle", "raw", "task")
    }
  ]
}
