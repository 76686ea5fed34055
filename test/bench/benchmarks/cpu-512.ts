/** 512 trivial CPU tasks in a cycle, against one message a task. */
import { type Benchmark, ratio } from "../framework/definition.ts"
import { standingExpected, trivialExpected } from "../programs/chain.ts"
import { trivialContenders } from "../support/trivialLanes.ts"

const shape = (isTiny: boolean) => ({ lanes: 512, batches: isTiny ? 1 : 25 })
const full = shape(false)

const bounds = { unit: "ratio", better: "lower", bar: 0.25, aim: 0.12 } as const

export const benchmark: Benchmark = {
  name: "cpu-512",
  title: `${full.lanes} trivial CPU tasks in a cycle`,
  measures: [
    `As cpu-64, with ${full.lanes} tasks a cycle and ${full.batches} cycles a job.`,
    "The bar is against bare worker threads, which get one message a task and answer with one. The ratio shows how much batching saves, less the cost of validation, merge, hash and events."
  ],
  notMeasured: "Tasks that take long (cpu-10ms); the start of the pools (start).",
  missed: [
    "Bare threads are fast when hundreds of messages are sent at once. V8 serialises a number in almost no time, and Node wakes a thread once for many messages.",
    "A profile of the standing contender (2,000 batches, on a machine that was busy with other work) shows the time of a worker: 471 µs a batch, or 0.92 µs a task.",
    "- 154 µs: posting results, which includes the kernel's waking of the main thread",
    "- 83 µs: calling the agents (33 of them validation, 29 finding the facts)",
    "- 61 µs: writing results as JSON",
    "- 38 µs: the loop",
    "- 38 µs: reading the clock for each task",
    "- 35 µs: reading the round's tasks",
    "- 21 µs: collecting outcomes",
    "- 19 µs: asking for the CPU time",
    "- 9 µs: claiming",
    "The main thread's part is 324 µs a batch, or 0.63 µs a task: 114 µs posting, 84 reading results, 36 opening the round, and the rest settling outcomes.",
    "Both parts together cost more than the whole of a bare message, and most of the cost is per task. A lower figure would need answers that are not validated, timed and settled one by one, but as one array of numbers."
  ],
  rounds: 15,
  warmups: 3,
  metrics: { batch: { title: `${full.lanes} tasks`, unit: "us" } },
  contenders: trivialContenders(shape),
  expected: (isTiny) => {
    const { batches, lanes } = shape(isTiny)
    return { "": trivialExpected(lanes, batches), standing: standingExpected(lanes, batches) }
  },
  figures: [
    {
      ...bounds,
      name: "cpu-512/cycle-over-raw",
      title: "whole cycle / bare threads, one message a task",
      ofRound: ratio("cycle", "raw", "batch")
    },
    {
      name: "cpu-512/port-over-raw",
      unit: "ratio",
      better: "lower",
      title: "the pool's port, new facts in every batch / bare threads, one message a task",
      ofRound: ratio("port", "raw", "batch")
    },
    {
      ...bounds,
      name: "cpu-512/standing-over-raw",
      title: "the pool's port, standing context / bare threads, one message a task",
      ofRound: ratio("standing", "raw", "batch")
    },
    {
      name: "cpu-512/standing-over-raw-stream",
      unit: "ratio",
      better: "lower",
      title: "the pool's port, standing context / bare threads, each lane's next message when its last is answered",
      ofRound: ratio("standing", "raw-stream", "batch")
    },
    {
      name: "cpu-512/cycle-over-raw-stream",
      title: "whole cycle / bare threads, one message a task, without a barrier",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("cycle", "raw-stream", "batch")
    },
    {
      name: "cpu-512/port-over-floor",
      title: "the pool's port alone / bare threads, one message a thread",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("port", "raw-batched", "batch")
    }
  ]
}
