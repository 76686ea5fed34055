/** A module that defines a CPU agent and also runs its job: every worker that imports it would start another engine. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Program } from "../../../src/index.ts"

export const program = Program.make("self-running", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [Agent.cpu("nothing", { execute: () => ({}) })]
})

const end = await Effect.runPromise(Effect.exit(Engine.run(program, {})).pipe(Effect.provide(Engine.layerMemory)))
process.stdout.write(JSON.stringify(end))
