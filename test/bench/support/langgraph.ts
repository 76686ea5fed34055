/** Small types of the part of LangGraph that is used: the type check must not need it installed. */
import { load } from "../framework/peers.ts"

interface InvokeOptions {
  readonly recursionLimit?: number
  /** The time at which a checkpoint is written: with `sync`, before the next superstep begins. */
  readonly durability?: "sync" | "async" | "exit"
  readonly configurable?: { readonly thread_id: string }
}

export interface CompiledGraph<State> {
  readonly invoke: (input: Partial<State>, options?: InvokeOptions) => Promise<State>
}

/** The checkpointer that keeps its checkpoints in SQLite. */
export interface SqliteSaver {
  readonly db: { readonly pragma: (text: string) => unknown; readonly close: () => void }
}

interface GraphBuilder<State> {
  readonly addNode: (name: string, node: (state: State) => Partial<State>) => GraphBuilder<State>
  readonly addEdge: (from: string, to: string) => GraphBuilder<State>
  readonly addConditionalEdges: (
    from: string,
    route: (state: State) => ReadonlyArray<unknown>,
    targets: ReadonlyArray<string>
  ) => GraphBuilder<State>
  readonly compile: (options?: { readonly checkpointer?: SqliteSaver }) => CompiledGraph<State>
}

interface Annotation {
  <Value>(options: { readonly reducer: (left: Value, right: Value) => Value; readonly default: () => Value }): {
    readonly of: Value
  }
  readonly Root: (channels: Readonly<Record<string, unknown>>) => unknown
}

export interface LangGraph {
  readonly StateGraph: new <State>(state: unknown) => GraphBuilder<State>
  readonly Annotation: Annotation
  readonly Send: new (node: string, state: unknown) => unknown
  readonly START: string
  readonly END: string
  readonly GraphRecursionError: abstract new (...args: ReadonlyArray<never>) => Error
}

export const loadLangGraph = (): Promise<LangGraph> => load<LangGraph>("langgraph")

export const loadSqliteSaver = async (): Promise<{ readonly fromConnString: (path: string) => SqliteSaver }> => {
  const { SqliteSaver } = await load<{
    readonly SqliteSaver: { readonly fromConnString: (path: string) => SqliteSaver }
  }>("langgraph-sqlite")
  return SqliteSaver
}
