/**
 * A program whose CPU agents do what no agent should: one task for each `Deed`, beside tasks that only compute. Workers
 * import this module, so it does nothing at its top level.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"
import { discardAll } from "../core/lenient.ts"

export const deeds = [
  "loop",
  "exit",
  "throw",
  "timer",
  "rejection",
  "function",
  "cycle",
  "promise",
  "unknown",
  "heap"
] as const
export type Deed = (typeof deeds)[number]

/** The deed that one hostile task is to do. */
export const Order = Fact.kind("Order", {
  schema: Schema.Struct({ deed: Schema.String }),
  id: ({ deed }) => deed
})

/** As `Order`, for the agent without a deadline. */
export const Slow = Fact.kind("Slow", { schema: Order.schema, id: ({ deed }) => deed })

/** The subject of one good task, and its result. */
export const Part = Fact.kind("Part", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
export const Sum = Fact.kind("Sum", {
  schema: Schema.Struct({ n: Schema.Int, sum: Schema.Int }),
  id: ({ n }) => String(n)
})

/** The fact that a hostile task added nevertheless. */
export const Left = Fact.kind("Left", { schema: Schema.Struct({ deed: Schema.String }), id: ({ deed }) => deed })

const hoard = (): number => {
  const kept: Array<ReadonlyArray<number>> = []
  // Some 200 MB of numbers that are in use to the end.
  for (let i = 0; i < 200; i++) kept.push(new Array<number>(131_072).fill(i + 0.5))
  return kept.reduce((sum, { length }) => sum + length, 0)
}

const act = (deed: string): object => {
  switch (deed as Deed) {
    case "loop":
      for (;;);
    case "exit":
      return process.exit(1)
    case "throw":
      throw new Error("on purpose")
    case "timer":
      setTimeout(() => {
        throw new Error("left behind")
      }, 1)
      return { facts: [Left.of({ deed })] }
    case "rejection":
      void Promise.reject(new Error("left behind"))
      return { facts: [Left.of({ deed })] }
    case "heap":
      return { facts: [Left.of({ deed: `${deed} ${hoard()}` })] }
    case "function":
      return { facts: [], trace: () => 1 }
    case "cycle": {
      const trace: { self?: unknown } = {}
      trace.self = trace
      return { facts: [], trace }
    }
    case "promise":
      return Promise.resolve({ facts: [] })
    case "unknown":
      return { facts: [Part.of({ n: 99 })] }
  }
}

const hostile = Agent.cpu("hostile", {
  each: Order,
  writes: [Left],
  timeout: "400 millis",
  onFailure: discardAll,
  execute: ({ value: { deed } }) => act(deed)
})

/** As `hostile`, for what takes as long as the machine takes: it has no deadline. */
const greedy = Agent.cpu("greedy", {
  each: Slow,
  writes: [Left],
  onFailure: discardAll,
  execute: ({ value: { deed } }) => act(deed)
})

const sums = Agent.cpu("sums", {
  each: Part,
  writes: [Sum],
  execute: ({ value: { n } }) => {
    let sum = 0
    for (let i = 0; i <= 1_000 * n; i++) sum = (sum + i) % 1_000_003
    return { facts: [Sum.of({ n, sum })] }
  }
})

const beside = Agent.make("beside", { each: Part, execute: () => Effect.succeed({}) })

/** Commits its orders and six parts, does all of it in one cycle. */
export const hostileProgram = Program.make("hostile", {
  module: import.meta.url,
  input: Schema.Struct({ deeds: Schema.Array(Schema.String) }),
  agents: [hostile, greedy, sums, beside],
  seed: ({ deeds }) => [
    ...deeds.map((deed) => (deed === "heap" ? Slow.of({ deed }) : Order.of({ deed }))),
    ...[1, 2, 3, 4, 5, 6].map((n) => Part.of({ n }))
  ],
  output: (view) => view.all(Sum).map(({ value }) => value.sum)
})
