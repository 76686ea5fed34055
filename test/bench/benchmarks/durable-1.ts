/** What a cycle costs whose end is on the disk before the next one begins: one job at a time. */
import { type Benchmark, ratio, value } from "../framework/definition.ts"
import { durableContenders, durableMetrics, expected } from "../support/durableContenders.ts"

const shape = (isTiny: boolean) => ({ jobs: 1, cycles: isTiny ? 3 : 100 })

export const benchmark: Benchmark = {
  name: "durable-1",
  title: "Durable cycles of one job",
  measures:
    "A job of 100 cycles, each of which adds one small fact, from its start to its result; the time is that of the whole job divided by 100. Every cycle is on the disk before the next one begins. LangGraph keeps the same chain as the state of a graph of one node, only the last value of it; DBOS as a workflow with a step for each value, on a PostgreSQL cluster of its own, for which PostgreSQL has to be on the machine (`apt-get install -y postgresql`). All write to the same file system. What an fsync takes differs from minute to minute by more than what is compared here, which is what the pairing of rounds is for; bare SQLite beside them shows what the disk was like.",
  notMeasured:
    "Agents that do anything. A PostgreSQL on another machine. Replaying (durable-resume), and what lies on the disk afterwards (durable-size).",
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
