/** A program whose CPU agent tells what its thread has asked Node's resolver for (asked.ts). Imports the root, as users do. */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Asked = Schema.Struct({ specifier: Schema.String, parent: Schema.String, url: Schema.String })

const Seen = Fact.kind("Seen", { schema: Schema.Struct({ asked: Schema.Array(Asked) }), id: () => "" })

const look = Agent.cpu("look", {
  writes: [Seen],
  execute: () => {
    const asked: unknown = Reflect.get(globalThis, Symbol.for("test/asked"))
    return { facts: [Seen.of({ asked: Schema.decodeUnknownSync(Schema.Array(Asked))(asked ?? []) })] }
  }
})

export const start = Program.make("start", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [look],
  output: (view) => view.all(Seen).flatMap(({ value }) => value.asked)
})
