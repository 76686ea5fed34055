/** The price of the smallest things: a fact, a task, a cycle, a cycle on the disk. */
import type { CostsInput, CostsResult } from "../children/costs.ts"
import { Engine } from "../converge.ts"
import { runChild } from "../framework/child.ts"
import { type Benchmark, type Contender, count, value } from "../framework/definition.ts"
import { batchSize, cpuTasks, cycles, facts, lookers, tasks } from "../programs/costs.ts"
import { startDurable } from "../support/durable.ts"
import { contextAfter, type LiveEngine, poolOf, startEngine, timed } from "../support/engine.ts"

const sizeOf = (isTiny: boolean) =>
  isTiny
    ? { batches: 2, items: 10, cycles: 5, durableCycles: 2, jobs: 1 }
    : { batches: 20, items: 1_000, cycles: 1_000, durableCycles: 100, jobs: 5 }

const full = sizeOf(false)

type Size = typeof full

/** A contender that runs some jobs one after the other: the microseconds of one of `parts`. */
const contender = (
  name: string,
  about: string,
  open: () => LiveEngine,
  run: (engine: LiveEngine, size: Size) => Promise<unknown>,
  partsOf: (size: Size) => number,
  jobsOf: (size: Size) => number = ({ jobs }) => jobs
): Contender => ({
  name,
  about,
  computes: name,
  start: async (isTiny) => {
    const engine = open()
    const size = sizeOf(isTiny)
    return {
      round: async () => {
        let result: unknown
        const [ms] = await timed(async () => {
          for (let job = 0; job < jobsOf(size); job++) result = await run(engine, size)
        })
        return { values: { time: (ms * 1_000) / (jobsOf(size) * partsOf(size)) }, result }
      },
      stop: engine.stop
    }
  }
})

const inMemory = () => startEngine()

const items = ({ items }: Size) => ({ items })

const memory: Contender = {
  name: "memory",
  about: "the heap in a process of its own, after full collections",
  computes: "memory",
  start: async (isTiny) => ({
    round: async () => {
      const input: CostsInput = { batches: sizeOf(isTiny).batches }
      const { facts, heapBytes, textBytes } = await runChild<CostsResult>("costs.ts", input, ["--expose-gc"])
      return { values: { heap: heapBytes, text: textBytes }, result: facts }
    }
  })
}

export const benchmark: Benchmark = {
  name: "costs",
  title: "What a fact, a task and a cycle cost",
  measures: [
    "Jobs that do one thing many times and nothing else, in memory but for the last two. The time of a job is divided by the number of these things.",
    `- A fact: one agent adds ${count(batchSize)} facts of some 100 bytes in each of ${full.batches} cycles: validated, encoded, merged, hashed, with provenance and events. Its memory is the growth of the heap when the job has ended and its result is held.`,
    `- A task: ${count(full.items)} facts and ${lookers} agents with a task for each of them, ${count(lookers * full.items)} tasks in one cycle, which add nothing; the seeds are counted with them. CPU tasks are handed to two threads.`,
    `- A cycle: ${count(full.cycles)} cycles in which one agent runs and adds nothing.`,
    `- A durable cycle: ${full.durableCycles} such cycles of one job on a SQLite store, each acknowledged before the next begins.`
  ],
  notMeasured:
    "The agents' own work; large values; joins and folds; several jobs that share a commit of the store (durable-32); the start of a thread (start).",
  rounds: 9,
  warmups: 2,
  metrics: {
    time: { title: "time of one", unit: "us" },
    heap: { title: "heap of a fact", unit: "bytes" },
    text: { title: "canonical text of a fact", unit: "bytes" }
  },
  contenders: [
    contender(
      "facts",
      "facts, in batches",
      inMemory,
      async (engine, { batches }) => (await engine.run(Engine.run(facts, { batches }))).output,
      ({ batches }) => batches * batchSize,
      () => 1
    ),
    memory,
    contender(
      "tasks",
      "fiber tasks",
      inMemory,
      async (engine, size) => (await engine.run(Engine.run(tasks, items(size)))).output,
      ({ items }) => lookers * items
    ),
    contender(
      "cpu-tasks",
      "tasks on one of two threads",
      () => startEngine(poolOf(2)),
      async (engine, size) => (await engine.run(Engine.run(cpuTasks, items(size)))).output,
      ({ items }) => lookers * items
    ),
    contender(
      "cycles",
      "empty cycles of one agent",
      inMemory,
      async (engine, { cycles: maxCycles }) =>
        (await engine.run(contextAfter(cycles, {}, { budget: { maxCycles } }))).version,
      ({ cycles }) => cycles,
      () => 1
    ),
    ...(["full", "normal"] as const).map((durability) =>
      contender(
        `durable-${durability}`,
        `empty cycles of one agent, with a SQLite store, durability "${durability}"`,
        () => startDurable(durability),
        async (engine, { durableCycles: maxCycles }) =>
          (await engine.run(contextAfter(cycles, {}, { budget: { maxCycles } }))).version,
        ({ durableCycles }) => durableCycles,
        () => 1
      )
    )
  ],
  figures: [
    {
      name: "costs/fact",
      title: "a fact of some 100 bytes, added in a batch",
      unit: "us",
      better: "lower",
      ofRound: value("facts", "time")
    },
    {
      name: "costs/fact-memory",
      title: "its memory, while the context is held",
      unit: "bytes",
      better: "lower",
      ofRound: value("memory", "heap")
    },
    {
      name: "costs/fact-text",
      title: "its canonical text",
      unit: "bytes",
      better: "lower",
      ofRound: value("memory", "text")
    },
    {
      name: "costs/task",
      title: "a fiber task that adds nothing",
      unit: "us",
      better: "lower",
      ofRound: value("tasks", "time")
    },
    {
      name: "costs/cpu-task",
      title: "a task on a thread that adds nothing, in a batch",
      unit: "us",
      better: "lower",
      ofRound: value("cpu-tasks", "time")
    },
    {
      name: "costs/cycle",
      title: "a cycle of one agent that adds nothing",
      unit: "us",
      better: "lower",
      ofRound: value("cycles", "time")
    },
    {
      name: "costs/durable-cycle",
      title: 'the same on a disk, with durability "full"',
      unit: "us",
      better: "lower",
      ofRound: value("durable-full", "time")
    },
    {
      name: "costs/durable-cycle-normal",
      title: 'the same with durability "normal"',
      unit: "us",
      better: "lower",
      ofRound: value("durable-normal", "time")
    }
  ]
}
