/** The same with 32 jobs at a time: whether a commit is shared by those that wait for one. */
import { type Benchmark, ratio } from "../framework/definition.ts"
import { durableContenders, durableMetrics, expected } from "../support/durableContenders.ts"

const shape = (isTiny: boolean) => ({ jobs: isTiny ? 4 : 32, cycles: isTiny ? 3 : 100 })

export const benchmark: Benchmark = {
  name: "durable-32",
  title: "Durable cycles of 32 jobs at a time",
  measures:
    "32 jobs at once of 100 cycles each, as in durable-1, from the start of the first to the result of the last; the time is divided by the cycles of all jobs.",
  notMeasured:
    "Several processes on one store. A PostgreSQL on another machine, and one that was tuned: DBOS has its own ten connections.",
  rounds: 7,
  warmups: 1,
  metrics: durableMetrics,
  contenders: durableContenders(shape),
  expected: (isTiny) => expected(shape(isTiny)),
  figures: [
    {
      name: "durable-32/langgraph-over-sqlite",
      title: "LangGraph / bare SQLite, a commit for each row",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("langgraph", "sqlite", "step")
    },
    {
      name: "durable-32/dbos-over-sqlite",
      title: "DBOS / bare SQLite, a commit for each row",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("dbos", "sqlite", "step")
    }
  ]
}
