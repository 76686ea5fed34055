/** LangGraph with its SQLite checkpointer: a graph of one node whose supersteps are a chain's. */
import { rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { diskFolder } from "../framework/diskFolder.ts"
import { step } from "../work.ts"
import { loadLangGraph, loadSqliteSaver } from "./langgraph.ts"

interface State {
  readonly n: number
  readonly value: number
  readonly length: number
}

export interface LiveChain {
  readonly run: (value: number, steps: number) => Promise<number>
  /** Ends it, and says how large its file is then, in bytes. */
  readonly stop: () => Promise<number>
}

/** Each job is a thread of its own; the checkpoint of every superstep is written before the next one begins. */
export const startChain = async (synchronous: "FULL" | "NORMAL"): Promise<LiveChain> => {
  const { Annotation, END, START, StateGraph } = await loadLangGraph()
  const SqliteSaver = await loadSqliteSaver()
  const folder = diskFolder("langgraph")
  const path = join(folder, "checkpoints.db")
  const saver = SqliteSaver.fromConnString(path)
  saver.db.pragma(`synchronous = ${synchronous}`)
  const last = () => Annotation<number>({ reducer: (_, right) => right, default: () => 0 })
  const graph = new StateGraph<State>(Annotation.Root({ n: last(), value: last(), length: last() }))
    .addNode("next", ({ n, value }) => ({ n: n + 1, value: step(value) }))
    .addEdge(START, "next")
    .addConditionalEdges("next", ({ length, n }) => [n < length ? "next" : END], ["next", END])
    .compile({ checkpointer: saver })
  let threads = 0
  return {
    run: async (value, steps) => {
      const configurable = { thread_id: String(threads++) }
      const input = { n: 0, value, length: steps }
      const state = await graph.invoke(input, { configurable, durability: "sync", recursionLimit: steps + 2 })
      return state.value
    },
    stop: async () => {
      saver.db.close()
      const { size } = statSync(path)
      rmSync(folder, { recursive: true })
      return size
    }
  }
}
