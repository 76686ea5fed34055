/** The cost of a durable cycle, which is on the disk before the next one begins: one job at a time. */
import { type Benchmark, ratio, value } from "../framework/definition.ts"
import { durableContenders, durableMetrics, expected } from "../support/durableContenders.ts"

const shape = (isTiny: boolean) => ({ jobs: 1, cycles: isTiny ? 3 : 100 })
const full = shape(false)

export const benchmark: Benchmark = {
  name: "durable-1",
  title: "Durable cycles of one job",
  measures: [
    `A job of ${full.cycles} cycles, each of which adds one small fact, from its start to its result. The time is that of the whole job, divided by ${full.cycles}. Every cycle is on the disk before the next one begins.`,
    "- LangGraph keeps the same chain as the state of a graph of one node: the last value only.",
    "- DBOS keeps it as a workflow with a step for each value, on a PostgreSQL cluster of its own. PostgreSQL has to be on the machine (`apt-get install -y postgresql`).",
    "All contenders write to the same file system. The time of an fsync differs from minute to minute by more than the differences that are compared here. Therefore rounds are paired, and bare SQLite stands beside them to show the state of the disk."
  ],
  notMeasured:
    "Agents that do anything; a PostgreSQL on another machine; replaying (durable-resume); the size on the disk afterwards (durable-size).",
  rounds: 9,
  warmups: 1,
  metrics: durableMetrics,
  contenders: durableContenders(shape),
  expected: (isTiny) => expected(shape(isTiny)),
  figures: [
    {
      name: "durable-1/langgraph-over-ours",
      title: "LangGraph with SQLite / ours, both synced",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("langgraph", "ours", "step")
    },
    {
      name: "durable-1/dbos-over-ours",
      title: "DBOS on PostgreSQL / ours",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("dbos", "ours", "step")
    },
    {
      name: "durable-1/langgraph-normal-over-ours-normal",
      title: "LangGraph with SQLite / ours, neither synced",
      unit: "ratio",
      better: "higher",
      ofRound: ratio("langgraph-normal", "ours-normal", "step")
    },
    {
      name: "durable-1/ours-over-sqlite",
      title: "ours / bare SQLite, a commit for each row",
      unit: "ratio",
      better: "lower",
      ofRound: ratio("ours", "sqlite", "step")
    },
    {
      name: "durable-1/ours",
      title: "durable cycles in a second",
      unit: "/s",
      better: "higher",
      ofRound: value("ours", "rate")
    }
  ]
}
