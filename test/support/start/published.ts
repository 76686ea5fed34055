/** A program by the package's own name, that is, as published: its worker runs bundled code. Run as a script, it prints. */
import { Agent, Engine, Fact, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { pathToFileURL } from "node:url"

const Odd = Fact.kind("Odd", {
  schema: Schema.Struct({ n: Schema.Finite.check(Schema.makeFilter((n) => n % 2 === 1)) }),
  id: ({ n }) => String(n)
})

const count = Agent.cpu("count", { writes: [Odd], execute: () => ({ facts: [Odd.of({ n: 1 }), Odd.of({ n: 3 })] }) })
const slip = Agent.cpu("slip", {
  writes: [Odd],
  onFailure: { invalid: "discard" },
  execute: () => ({ facts: [Odd.of({ n: 2 })] })
})
const peek = Agent.cpu("peek", {
  reads: [Odd],
  writes: [Odd],
  execute: (view) => ({ facts: view.get(Odd, "3")._tag === "Some" ? [Odd.of({ n: 5 })] : [] })
})

export const published = Program.make("published", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents: [count, slip, peek],
  output: (view) => view.all(Odd).map(({ id }) => id)
})

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const { diagnostics, output } = await Effect.runPromise(Effect.provide(Engine.run(published, {}), Engine.layerMemory))
  console.log(JSON.stringify({ output, causes: diagnostics.map(({ cause }) => cause) }))
}
