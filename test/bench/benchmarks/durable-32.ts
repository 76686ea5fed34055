/** Durable cycles of many jobs at a time: whether jobs that wait for a commit share one. */
import { type Benchmark, ratio, value } from "../framework/definition.ts"
import { durableContenders, durableMetrics, expected } from "../support/durableContenders.ts"

const shape = (isTiny: boolean) => ({ jobs: isTiny ? 4 : 32, cycles: isTiny ? 3 : 100 })
const full = shape(false)

export const benchmark: Benchmark = {
  name: "durable-32",
  title: `Durable cycles of ${full.jobs} jobs at a time`,
  measures: `${full.jobs} jobs at once, of ${full.cycles} cycles each, as in durable-1. The time is that from the start of the first job to the result of the last, divided by the cycles of all jobs.`,
  notMeasured:
    "Several processes on one store; a PostgreSQL on another machine, or one that was tuned. DBOS has its own ten connections.",
  rounds: 7,
  warmups: 1,
  metrics: durableMetrics,
  contenders: durableContenders(shape),
  expected: (isTiny) => expected(shape(isTiny)),
  figures: [
    {
      name: "durable-32/langgraph-over-ours",
      title: "LangGraph with SQLite / ours, both synced",
      unit: "ratio",
      better: "higher",
      bar: 5,
      aim: 10,
      ofRound: ratio("langgraph", "ours", "step")
    },
    {
      name: "durable-32/dbos-over-ours",
      title: "DBOS on PostgreSQL / ours",
      unit: "ratio",
      better: "higher",
      bar: 3,
      aim: 5,
      ofRound: ratio("dbos", "ours", "step")
    },
    {
      name: "durable-32/langgraph-normal-over-ours-normal",
      title: "LangGraph with SQLite / ours, neither synced",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("langgraph-normal", "ours-normal", "step")
    },
    {
      name: "durable-32/ours-over-sqlite",
      title: "ours / bare SQLite, a commit for each row",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("ours", "sqlite", "step")
    },
    {
      name: "durable-32/ours",
      title: "durable cycles in a second",
      unit: "/s",
      better: "higher",
      ofRound: value("ours", "rate")
    }
  ]
}
