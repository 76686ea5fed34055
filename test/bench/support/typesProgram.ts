/**
 * A generated program with many agents, for measuring what the type check of a program costs.
 *
 * Agents form a chain of kinds. An agent has a typed error of its own, and every third one is a join. Boundary: text; types.ts
 * hands it to the compiler.
 */

/**
 * The constructs that a program is written with.
 *
 * - `agents`: no joins. Fiber agents stand in their places, which every version of the package can check
 * - `joins`: every third agent is a join
 * - `classes`: the same, with kinds that are classes and ids that have brands
 */
export type Variant = "agents" | "joins" | "classes"

export const variants: ReadonlyArray<Variant> = ["agents", "joins", "classes"]

const kindText = (n: number, variant: Variant): string => {
  if (variant !== "classes") {
    return `
const Kind${n} = Fact.kind("Kind${n}", {
  schema: Schema.Struct({ key: Schema.String, group: Schema.String, n: Schema.Finite, tags: Schema.Array(Schema.String) }),
  id: (value) => value.key
})`
  }
  return `
const Key${n} = Schema.String.pipe(Schema.brand("Key${n}"))
class Kind${n} extends Fact.Kind("Kind${n}", {
  schema: Schema.Struct({ key: Key${n}, group: Schema.String, n: Schema.Finite, tags: Schema.Array(Schema.String) }),
  id: (value) => value.key
}) {}`
}

const keyOf = (n: number, text: string, variant: Variant): string =>
  variant === "classes" ? `Key${n}.make(${text})` : text

const joinText = (n: number, variant: Variant): string => `
const agent${n} = Agent.join("agent${n}", {
  left: [Kind${n}, (value) => value.group],
  right: [Kind${n + 1}, (value) => value.group],
  writes: [Kind${n + 2}],
  execute: (left, right) => ({
    facts: [
      Kind${n + 2}.of({
        key: ${keyOf(n + 2, "`${left.id}/${right.id}`", variant)},
        group: left.value.group,
        n: left.value.n + right.value.n,
        tags: [...left.value.tags, ...right.value.tags]
      })
    ]
  })
})`

const fiberText = (n: number, variant: Variant): string => `
class Error${n} extends Data.TaggedError("Error${n}")<{ readonly key: string; readonly n: number }> {}
const agent${n} = Agent.make("agent${n}", {
  each: Kind${n},
  reads: [Kind${n + 1}],
  writes: [Kind${n + 1}, Kind${n + 2}],
  execute: ({ id, value }, view) =>
    Effect.gen(function* () {
      if (value.n < 0) return yield* new Error${n}({ key: id, n: value.n })
      const size = view.all(Kind${n + 1}).filter((other) => other.value.group === value.group).length
      return {
        facts: [
          Kind${n + 1}.of({ ...value, key: ${keyOf(n + 1, "`${id}/1`", variant)}, n: size }),
          Kind${n + 2}.of({ ...value, key: ${keyOf(n + 2, "`${id}/2`", variant)}, tags: [...value.tags, "seen"] })
        ]
      }
    })
})`

/** The text of a module with a program of `count` agents, which are used in a job. */
export const programText = (count: number, variant: Variant): string => {
  const numbers = Array.from({ length: count }, (_, n) => n)
  const kinds = [...numbers, count, count + 1]
  const agents = numbers.map((n) =>
    n % 3 === 2 && variant !== "agents" ? joinText(n, variant) : fiberText(n, variant)
  )
  return `
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Program } from "effect-converge"
${kinds.map((n) => kindText(n, variant)).join("\n")}
${agents.join("\n")}

export const program = Program.make("generated", {
  module: "file:///generated.js",
  input: Schema.Struct({ keys: Schema.Array(Schema.String) }),
  agents: [${numbers.map((n) => `agent${n}`).join(", ")}],
  seed: ({ keys }) => keys.map((key) => Kind0.of({ key: ${keyOf(0, "key", variant)}, group: key, n: 1, tags: [] })),
  output: (view) => view.all(Kind${count + 1}).map((fact) => fact.value.n)
})

export const run = Engine.run(program, { keys: ["a"] }).pipe(
  Effect.map((result) => result.output),
  Effect.catchTag("AgentFailed", ({ error }) => Effect.succeed([error.n])),
  Effect.provide(Engine.layerMemory)
)
`
}
