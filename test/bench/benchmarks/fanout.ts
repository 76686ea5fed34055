/** One cycle with many fiber tasks, against LangGraph's Send. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Program } from "../converge.ts"
import { type Benchmark, count, ratio, type Ready } from "../framework/definition.ts"
import { startEngine, timed } from "../support/engine.ts"
import { loadLangGraph } from "../support/langgraph.ts"

const tasksOf = (isTiny: boolean) => (isTiny ? 20 : 1_000)
const jobsOf = (isTiny: boolean) => (isTiny ? 1 : 5)

/** Runs some jobs one after the other: the time of one, and the result of the last. */
const several = async (isTiny: boolean, job: () => Promise<number>) => {
  const jobs = jobsOf(isTiny)
  let result = 0
  const [ms] = await timed(async () => {
    for (let i = 0; i < jobs; i++) result = await job()
  })
  return { values: { job: ms / jobs }, result }
}

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Square = Fact.kind("Square", {
  schema: Schema.Struct({ n: Schema.Int, square: Schema.Int }),
  id: ({ n }) => String(n)
})

const program = Program.make("fanout", {
  input: Schema.Struct({ tasks: Schema.Int }),
  seed: ({ tasks }) => Array.from({ length: tasks }, (_, n) => Item.of({ n })),
  agents: [
    Agent.make("square", {
      each: Item,
      writes: [Square],
      execute: ({ value: { n } }) => Effect.succeed({ facts: [Square.of({ n, square: n * n })] })
    })
  ],
  output: (view) => view.all(Square).reduce((sum, { value }) => sum + value.square, 0)
})

const ours = (isTiny: boolean): Ready => {
  const engine = startEngine()
  return {
    round: () =>
      several(isTiny, async () => (await engine.run(Engine.run(program, { tasks: tasksOf(isTiny) }))).output),
    stop: engine.stop
  }
}

interface State {
  readonly sum: number
}

const langgraph = async (isTiny: boolean): Promise<Ready> => {
  const { Annotation, END, Send, START, StateGraph } = await loadLangGraph()
  const tasks = tasksOf(isTiny)
  const graph = new StateGraph<State>(
    Annotation.Root({ sum: Annotation<number>({ reducer: (left, right) => left + right, default: () => 0 }) })
  )
    .addNode("square", (state) => {
      const { n } = state as unknown as { readonly n: number }
      return { sum: n * n }
    })
    .addConditionalEdges(START, () => Array.from({ length: tasks }, (_, n) => new Send("square", { n })), ["square"])
    .addEdge("square", END)
    .compile()
  return {
    round: () => several(isTiny, async () => (await graph.invoke({})).sum)
  }
}

export const benchmark: Benchmark = {
  name: "fanout",
  title: `One cycle with ${count(tasksOf(false))} fiber tasks`,
  measures: [
    `A job has ${count(tasksOf(false))} seeds, and an agent with one task for each, which adds one fact: seeds, one cycle, convergence. The result is the sum of the squares. A round has ${jobsOf(false)} such jobs, one after the other.`,
    `LangGraph sends ${count(tasksOf(false))} times to one node, whose results a reducer sums: no checkpointer, no tracing, one superstep.`
  ],
  notMeasured:
    "Tasks that wait; the value of the facts. LangGraph keeps one number, while ours keeps every fact with its provenance.",
  missed: [
    "The figure stands at the bar: runs of this suite on the same machine gave 85 to 107, with the noise of that machine.",
    "A profile of 750 jobs shows the shares of a job:",
    "- 22 %: validation and encoding of its 2,000 facts",
    "- 15 %: garbage collection",
    "- 13 %: the thousand fibers and their results",
    "- 11 %: the journal's text and its hash",
    "- 8 %: the merge",
    "- 7 %: putting facts into the context",
    "- 5 %: the machine",
    "- 3 %: the search for oscillation",
    "No part is large. A figure of twice as much would need facts that are neither validated nor hashed one by one."
  ],
  rounds: 11,
  warmups: 3,
  metrics: { job: { title: "the whole job", unit: "ms" } },
  contenders: [
    { name: "ours", about: "effect-converge, an agent with `each`", start: async (isTiny) => ours(isTiny) },
    { name: "langgraph", about: "LangGraph, `Send`", peer: "langgraph", start: langgraph }
  ],
  expected: (isTiny) => ({ "": Array.from({ length: tasksOf(isTiny) }, (_, n) => n * n).reduce((a, b) => a + b) }),
  figures: [
    {
      name: "fanout/langgraph-over-ours",
      title: "LangGraph Send / ours",
      unit: "ratio",
      better: "higher",
      bar: 100,
      aim: 200,
      ofRound: ratio("langgraph", "ours", "job")
    }
  ]
}
