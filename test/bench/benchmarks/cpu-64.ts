/** 64 trivial CPU tasks in a cycle, against the pools that people use. */
import { best, type Benchmark, ratio } from "../framework/definition.ts"
import { trivialExpected } from "../programs/chain.ts"
import { trivialContenders } from "../support/trivialLanes.ts"

const shape = (isTiny: boolean) => ({ lanes: 64, batches: isTiny ? 3 : 100 })

const bounds = { unit: "ratio", better: "lower", bar: 0.35, aim: 0.2 } as const

export const benchmark: Benchmark = {
  name: "cpu-64",
  title: "64 trivial CPU tasks in a cycle",
  measures:
    "One job of 100 cycles with 64 CPU tasks each, on a warm pool of two threads; the time is that of the whole job, divided by its cycles. A task takes a number and returns the next one of a linear congruential generator; here it is a fact with three fields, validated, merged and hashed, for the others a bare number. Every contender waits for all tasks of a cycle before it sends the next, as a cycle does, but for those called stream, which keep as many in flight without that barrier. Piscina is taken at the better of two settings in each round.",
  notMeasured:
    "Tasks that take long (cpu-10ms), the start of the pools (start), and errors: the peers run no validation, keep no log and cannot stop a task without losing its neighbours.",
  rounds: 15,
  warmups: 3,
  metrics: { batch: { title: "64 tasks", unit: "us" } },
  contenders: trivialContenders(shape),
  expected: (isTiny) => ({ "": trivialExpected(shape(isTiny).lanes, shape(isTiny).batches) }),
  figures: [
    {
      ...bounds,
      name: "cpu-64/cycle-over-piscina",
      title: "whole cycle / Piscina",
      ofRound: (round) => round("cycle", "batch") / best(round, "batch", "piscina", "piscina-concurrent")
    },
    {
      ...bounds,
      name: "cpu-64/port-over-piscina",
      title: "the pool's port alone / Piscina",
      ofRound: (round) => round("port", "batch") / best(round, "batch", "piscina", "piscina-concurrent")
    },
    {
      name: "cpu-64/cycle-over-piscina-stream",
      title: "whole cycle / Piscina without a barrier",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("cycle", "piscina-stream", "batch")
    },
    {
      name: "cpu-64/cycle-over-tinypool",
      title: "whole cycle / Tinypool",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("cycle", "tinypool", "batch")
    },
    {
      name: "cpu-64/cycle-over-raw",
      title: "whole cycle / bare threads, one message a task",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("cycle", "raw", "batch")
    }
  ]
}
