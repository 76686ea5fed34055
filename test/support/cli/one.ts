/** One program, whose agents need services: one of Node's, and one that the module's `layer` makes. */
import { Agent, Fact, Program } from "../../../src/index.ts"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"

const Greeting = Fact.kind("Greeting", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

class Greeter extends Context.Service<Greeter, { readonly greet: (name: string) => string }>()("test/Greeter") {}

/** Made with a service of the platform, as a real one would be. */
export const layer = Layer.effect(
  Greeter,
  Effect.gen(function* () {
    const files = yield* FileSystem.FileSystem
    const exists = yield* Effect.orDie(files.exists("package.json"))
    return { greet: (name) => `${exists ? "hello" : "where am I"}, ${name}` }
  })
)

const greet = Agent.make("greet", {
  writes: [Greeting],
  execute: () =>
    Effect.gen(function* () {
      console.log("written to standard output by an agent")
      const greeter = yield* Greeter
      const files = yield* FileSystem.FileSystem
      const self = yield* Effect.orDie(files.exists(import.meta.filename))
      return { facts: [Greeting.of({ text: greeter.greet(self ? "file" : "nobody") })] }
    })
})

export default Program.make("greeting", {
  input: Schema.Struct({}),
  agents: [greet],
  output: (view) => view.all(Greeting).map(({ value }) => value.text)
})
