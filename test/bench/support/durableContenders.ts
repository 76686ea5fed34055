/** The contenders of the benchmarks of durable cycles: each engine runs the same chains, a number of them at a time. */
import type { Contender, Ready } from "../framework/definition.ts"
import { postgresMissing } from "../framework/postgres.ts"
import { Engine } from "../converge.ts"
import { durable, durableExpected } from "../programs/durable.ts"
import { startDbos } from "./dbos.ts"
import { startDurable } from "./durable.ts"
import { startEngine, timed } from "./engine.ts"
import { startChain } from "./langgraphChain.ts"
import { startSqlite } from "./sqlite.ts"

/** The size of it: jobs at a time, and cycles of each. */
export interface Shape {
  readonly jobs: number
  readonly cycles: number
}

/** The expected results: the last value of each job; for bare SQLite, the number of rows. */
export const expected = ({ cycles, jobs }: Shape) => ({
  "": Array.from({ length: jobs }, (_, value) => durableExpected(value, cycles)),
  rows: jobs * cycles
})

/** Runs all jobs at once and waits for them. */
const measured = async ({ cycles, jobs }: Shape, run: (value: number, cycles: number) => Promise<number>) => {
  const [ms, result] = await timed(() => Promise.all(Array.from({ length: jobs }, (_, value) => run(value, cycles))))
  return { values: ratesOf(ms, jobs * cycles), result }
}

const ratesOf = (ms: number, steps: number) => ({ step: (ms * 1_000) / steps, rate: (steps * 1_000) / ms })

const ours = (shape: Shape, engine: ReturnType<typeof startEngine>): Ready => ({
  round: () =>
    measured(shape, async (value, cycles) => {
      const { output } = await engine.run(Engine.run(durable, { value, cycles, items: 0 }))
      return output
    }),
  stop: engine.stop
})

const langgraph = async (shape: Shape, synchronous: "FULL" | "NORMAL"): Promise<Ready> => {
  const chain = await startChain(synchronous)
  return {
    round: () => measured(shape, chain.run),
    stop: async () => {
      await chain.stop()
    }
  }
}

const dbos = async (shape: Shape): Promise<Ready> => {
  const live = await startDbos()
  return { round: () => measured(shape, live.run), stop: live.stop }
}

const sqlite = ({ cycles, jobs }: Shape, rows: number): Ready => {
  const bare = startSqlite()
  const transactions = (cycles * jobs) / rows
  return {
    round: async () => {
      const [ms] = await timed(async () => bare.commit(transactions, rows))
      return { values: ratesOf(ms, transactions * rows), result: transactions * rows }
    },
    stop: bare.stop
  }
}

export const durableContenders = (shapeOf: (isTiny: boolean) => Shape): ReadonlyArray<Contender> => {
  const { jobs } = shapeOf(false)
  const floors: ReadonlyArray<Contender> = [
    {
      name: "sqlite",
      about:
        "bare node:sqlite, synchronous=FULL, on the main thread: a row of 120 bytes for each cycle, a commit for each row",
      computes: "rows",
      start: async (isTiny) => sqlite(shapeOf(isTiny), 1)
    },
    {
      name: "sqlite-grouped",
      about: "the same, a commit for the rows of one cycle of all jobs",
      computes: "rows",
      start: async (isTiny) => sqlite(shapeOf(isTiny), shapeOf(isTiny).jobs)
    }
  ]
  return [
    {
      name: "ours",
      about: "effect-converge on SQLite, durability `full`: a cycle is synced to the disk before the next one begins",
      start: async (isTiny) => ours(shapeOf(isTiny), startDurable("full"))
    },
    {
      name: "ours-normal",
      about: "the same with durability `normal`: a loss of power may take the last cycles, the end of the process none",
      start: async (isTiny) => ours(shapeOf(isTiny), startDurable("normal"))
    },
    {
      name: "memory",
      about: "effect-converge with nothing durable: a cycle without its store",
      start: async (isTiny) => ours(shapeOf(isTiny), startEngine())
    },
    {
      name: "langgraph",
      about:
        'LangGraph with its SQLite checkpointer, `durability: "sync"`, WAL, synchronous set to FULL: a node that gives the next value, an edge to itself',
      peer: "langgraph-sqlite",
      start: (isTiny) => langgraph(shapeOf(isTiny), "FULL")
    },
    {
      name: "langgraph-normal",
      about:
        "the same with synchronous=NORMAL, as it comes: better-sqlite3 is built so; a loss of power may take the last steps",
      peer: "langgraph-sqlite",
      start: (isTiny) => langgraph(shapeOf(isTiny), "NORMAL")
    },
    {
      name: "dbos",
      about:
        "DBOS on a PostgreSQL of its own, reached by a Unix socket, fsync and synchronous_commit on, everything else as it comes: a workflow for each job, a step for each cycle",
      peer: "dbos",
      missing: postgresMissing,
      start: (isTiny) => dbos(shapeOf(isTiny))
    },
    ...floors.slice(0, jobs === 1 ? 1 : 2)
  ]
}

export const durableMetrics = {
  step: { title: "one durable cycle", unit: "us" },
  rate: { title: "cycles in a second, of all jobs", unit: "/s" }
} as const
