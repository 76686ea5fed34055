/** 64 trivial CPU tasks in a cycle, against the pools that people use. */
import { best, type Benchmark, ratio } from "../framework/definition.ts"
import { standingExpected, trivialExpected } from "../programs/chain.ts"
import { trivialContenders } from "../support/trivialLanes.ts"

const shape = (isTiny: boolean) => ({ lanes: 64, batches: isTiny ? 3 : 100 })

const bounds = { unit: "ratio", better: "lower", bar: 0.35, aim: 0.2 } as const

export const benchmark: Benchmark = {
  name: "cpu-64",
  title: "64 trivial CPU tasks in a cycle",
  measures:
    "One job of 100 cycles with 64 CPU tasks each, on a warm pool of two threads; the time is that of the whole job, divided by its cycles. A task takes a number and returns the next one of a linear congruential generator; here it is a fact with three fields, validated, merged and hashed, for the others a bare number. Every contender waits for all tasks of a cycle before it sends the next, as a cycle does, but for those called stream, which keep as many in flight without that barrier. Piscina is taken as it comes (one task a thread at a time), and at the better of that and 32 at a time in each round.",
  notMeasured:
    "Tasks that take long (cpu-10ms), the start of the pools (start), and errors: the peers run no validation, keep no log and cannot stop a task without losing its neighbours.",
  missed:
    "A whole cycle is more than a pool: each answer is a fact that is validated, encoded and frozen on the worker, read, merged with its provenance, hashed and put into the context on the main thread, and sent to the workers again before the next cycle; the workers and the main thread work one after the other. By a profile (100 µs, 6,000 cycles, on a machine that was busy with other work) the main thread's share of the cycle, posting aside, is for a third the merge with its journal text and hash (merge 56 µs, text 30, SHA-256 24), 44 µs reading the results, 39 the commit with its fingerprints, 37 the update for the worker, 58 collecting garbage; the worker's 231 µs are 92 of validation and encoding, 46 for taking up the update and 42 for posting. No part is large enough to close the distance to the better of Piscina's settings: effects would have to be merged while others still run (in their order), and a worker would have to keep the facts that it made itself.",
  rounds: 15,
  warmups: 3,
  metrics: { batch: { title: "64 tasks", unit: "us" } },
  contenders: trivialContenders(shape),
  expected: (isTiny) => {
    const { batches, lanes } = shape(isTiny)
    return { "": trivialExpected(lanes, batches), standing: standingExpected(lanes, batches) }
  },
  figures: [
    {
      ...bounds,
      name: "cpu-64/cycle-over-piscina",
      title: "whole cycle / Piscina as it comes",
      ofRound: ratio("cycle", "piscina", "batch")
    },
    {
      ...bounds,
      name: "cpu-64/standing-over-piscina",
      title: "the pool's port, standing context / Piscina as it comes",
      ofRound: ratio("standing", "piscina", "batch")
    },
    {
      ...bounds,
      name: "cpu-64/cycle-over-piscina-best",
      title: "whole cycle / the better of Piscina's settings",
      ofRound: (round) => round("cycle", "batch") / best(round, "batch", "piscina", "piscina-concurrent")
    },
    {
      ...bounds,
      name: "cpu-64/standing-over-piscina-best",
      title: "the pool's port, standing context / the better of Piscina's settings",
      ofRound: (round) => round("standing", "batch") / best(round, "batch", "piscina", "piscina-concurrent")
    },
    {
      name: "cpu-64/port-over-piscina",
      unit: "ratio",
      better: "lower",
      title: "the pool's port, new facts in every batch / the better of Piscina's settings",
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
