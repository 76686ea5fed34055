/** 64 trivial CPU tasks in a cycle, against the pools that people use. */
import { best, type Benchmark, ratio } from "../framework/definition.ts"
import { standingExpected, trivialExpected } from "../programs/chain.ts"
import { concurrent, threads, trivialContenders } from "../support/trivialLanes.ts"

const shape = (isTiny: boolean) => ({ lanes: 64, batches: isTiny ? 3 : 100 })
const full = shape(false)

const bounds = { unit: "ratio", better: "lower", bar: 0.35, aim: 0.2 } as const

export const benchmark: Benchmark = {
  name: "cpu-64",
  title: `${full.lanes} trivial CPU tasks in a cycle`,
  measures: [
    `One job of ${full.batches} cycles with ${full.lanes} CPU tasks each, on a warm pool of ${threads} threads. The time is that of the whole job, divided by its cycles.`,
    "A task takes a number and returns the next one of a linear congruential generator. Ours carries the number in a fact with three fields, which is validated, merged and hashed; the others carry a bare number.",
    "Every contender waits for all tasks of a cycle before it sends the next, as a cycle does. Those called stream keep as many tasks in flight without that barrier.",
    `Piscina is taken as it comes (one task a thread at a time), and at the better of that and ${concurrent.concurrentTasksPerWorker} at a time in each round.`
  ],
  notMeasured: [
    "- Tasks that take long (cpu-10ms).",
    "- The start of the pools (start).",
    "- Errors: the peers run no validation, keep no log, and cannot stop a task without losing its neighbours."
  ],
  missed: [
    "A whole cycle is more than a pool. The worker validates, encodes and freezes each answer, which is a fact. The main thread reads it, merges it with its provenance, hashes it, puts it into the context, and sends it to the workers again before the next cycle. The workers and the main thread work one after the other.",
    "A profile (a sample every 100 µs, 6,000 cycles, on a machine that was busy with other work) shows the main thread's share of the cycle, posting aside:",
    "- a third: the merge with its journal text and hash (merge 56 µs, text 30, SHA-256 24)",
    "- 58 µs: garbage collection",
    "- 44 µs: reading the results",
    "- 39 µs: the commit with its fingerprints",
    "- 37 µs: the update for the worker",
    "The worker's share is 231 µs: 92 of them validation and encoding, 46 taking up the update, and 42 posting.",
    "No part is large enough to close the distance to the better of Piscina's settings. It would take a merge of effects while others still run (in their order), and a worker that keeps the facts that it made itself."
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
