/** Programs whose jobs start child jobs, wait for decisions, or end otherwise than by convergence. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Intent, Program } from "../../../src/index.ts"
import { entry, Entry, Num, nums } from "../behaviour/harness.ts"

const input = Schema.Struct({})
const seed = () => nums(1, 2)

const notes = Agent.make("notes", {
  each: Num,
  writes: [Entry],
  execute: ({ id }) => Effect.succeed({ facts: [entry(id)] })
})

const asks = Agent.make("asks", {
  execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go", timeout: "1 day" })] })
})

export const child = Program.make("child", { input, seed, agents: [notes] })

const starting = (of: Program.Program.Any) =>
  Agent.make("starts", { execute: () => Effect.succeed({ intents: [Intent.child(of as typeof child, {})] }) })

export const parent = Program.make("parent", { input, seed, agents: [starting(child), notes] })

export const asking = Program.make("asking", { input, seed, agents: [asks, notes] })

export const askingBelow = Program.make("asking-below", { input, seed, agents: [starting(asking), notes] })

const stranger = Program.make("stranger", { input, agents: [] })

/** Its module does not export the child. */
export const lost = Program.make("lost", { input, seed, agents: [starting(stranger), notes] })
