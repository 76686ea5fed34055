/** The cost of a cycle whose agents do nothing: ours, LangGraph's superstep, and plain Effect as the floor. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Program } from "../converge.ts"
import { type Benchmark, ratio, type Ready } from "../framework/definition.ts"
import { contextAfter, startEngine, timed } from "../support/engine.ts"
import { loadLangGraph } from "../support/langgraph.ts"

const agents = 8
const cyclesOf = (isTiny: boolean) => (isTiny ? 5 : 100)
/** Jobs in a row in one round: one alone is over too soon for a clock. */
const jobsOf = (isTiny: boolean) => (isTiny ? 1 : 10)

let executed = 0
const nothing = {}

const programOf = (timeout: "10 seconds" | undefined) =>
  Program.make("empty", {
    input: Schema.Struct({}),
    agents: Array.from({ length: agents }, (_, index) =>
      Agent.make(`agent-${index}`, {
        accepts: () => true,
        timeout,
        execute: () =>
          Effect.sync(() => {
            executed++
            return nothing
          })
      })
    )
  })

/** Counts the executions of agents, and takes the time per cycle. */
const counted = async (cycles: number, jobs: number, job: () => Promise<unknown>) => {
  executed = 0
  const [ms] = await timed(async () => {
    for (let i = 0; i < jobs; i++) await job()
  })
  return { values: { cycle: (ms * 1_000) / (cycles * jobs) }, result: executed / jobs }
}

const ours = (isTiny: boolean, timeout: "10 seconds" | undefined): Ready => {
  const engine = startEngine()
  const program = programOf(timeout)
  const cycles = cyclesOf(isTiny)
  const job = () => engine.run(contextAfter(program, {}, { budget: { maxCycles: cycles } }))
  return { round: () => counted(cycles, jobsOf(isTiny), job), stop: engine.stop }
}

const plainEffect = (isTiny: boolean): Ready => {
  const cycles = cyclesOf(isTiny)
  const agent = Effect.sync(() => {
    executed++
    return nothing
  })
  const each = Array.from({ length: agents }, () => agent)
  const cycle = Effect.forEach(each, (it) => Effect.exit(Effect.timeout(it, "10 seconds")), {
    concurrency: "unbounded"
  })
  const job = Effect.gen(function* () {
    for (let i = 0; i < cycles; i++) yield* cycle
  })
  return { round: () => counted(cycles, jobsOf(isTiny), () => Effect.runPromise(job)) }
}

const langgraph = async (isTiny: boolean): Promise<Ready> => {
  const { Annotation, GraphRecursionError, START, StateGraph } = await loadLangGraph()
  const cycles = cyclesOf(isTiny)
  const graph = new StateGraph<{ readonly nothing: number }>(
    Annotation.Root({ nothing: Annotation<number>({ reducer: (left) => left, default: () => 0 }) })
  )
  for (let index = 0; index < agents; index++) {
    graph.addNode(`agent-${index}`, () => {
      executed++
      return nothing
    })
    graph.addEdge(START, `agent-${index}`)
    graph.addEdge(`agent-${index}`, `agent-${index}`)
  }
  const compiled = graph.compile()
  // Ended by its limit, as ours is by its budget.
  const job = () =>
    compiled.invoke({}, { recursionLimit: cycles }).catch((error: unknown) => {
      if (!(error instanceof GraphRecursionError)) throw error
    })
  return { round: () => counted(cycles, 1, job) }
}

export const benchmark: Benchmark = {
  name: "cycle-empty",
  title: `An empty cycle of ${agents} fiber agents`,
  measures: [
    `Jobs of ${cyclesOf(false)} cycles, in memory, in which each of ${agents} agents runs and returns nothing. The limit of cycles ends a job. The time is that of the whole job, divided by ${cyclesOf(false)}.`,
    "- Ours has a timeout on every agent.",
    "- Plain Effect has one too: `Effect.forEach` over the agents with unbounded concurrency, `Effect.exit` and `Effect.timeout` on each.",
    `- LangGraph has ${agents} nodes with an edge each to itself, no checkpointer and no tracing. It ends at its recursion limit.`,
    `Ours and plain Effect run ${jobsOf(false)} jobs a round, since one is too short for a clock.`
  ],
  notMeasured: [
    "- Agents that wait, facts (fanout, rust), and durable stores.",
    "- LangGraph's nodes have no timeout.",
    "- Plain Effect has no merge, no hash, no events and no machine."
  ],
  rounds: 15,
  warmups: 4,
  metrics: { cycle: { title: "one cycle", unit: "us" } },
  contenders: [
    {
      name: "ours",
      about: "effect-converge, timeouts on all agents",
      start: async (isTiny) => ours(isTiny, "10 seconds")
    },
    { name: "ours-untimed", about: "effect-converge, no timeouts", start: async (isTiny) => ours(isTiny, undefined) },
    { name: "langgraph", about: "LangGraph, no timeouts", peer: "langgraph", start: langgraph },
    { name: "effect", about: "plain Effect, the floor", start: async (isTiny) => plainEffect(isTiny) }
  ],
  expected: (isTiny) => ({ "": agents * cyclesOf(isTiny) }),
  figures: [
    {
      name: "cycle-empty/langgraph-over-ours",
      title: "LangGraph / ours",
      unit: "ratio",
      better: "higher",
      bar: 30,
      aim: 70,
      ofRound: ratio("langgraph", "ours", "cycle")
    },
    {
      name: "cycle-empty/ours-over-effect",
      title: "ours / plain Effect",
      unit: "ratio",
      better: "lower",
      bar: 4,
      aim: 2,
      ofRound: ratio("ours", "effect", "cycle")
    }
  ]
}
