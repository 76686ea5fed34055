/** Programs for `converge simulate`: one that gives the same, and others whose agents do not, or ask the world. */
import { readFile } from "node:fs/promises"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

class Rates extends Context.Service<Rates, { readonly of: (id: string) => Effect.Effect<number> }>()("Rates") {}

export const layer = Layer.effect(
  Rates,
  Effect.promise(() => Promise.resolve({ of: (id: string) => Effect.promise(() => Promise.resolve(id.length)) }))
)

const Item = Fact.kind("Item", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const Rated = Fact.kind("Rated", {
  schema: Schema.Struct({ id: Schema.String, rate: Schema.Number }),
  id: ({ id }) => id
})

const rating = (name: string, rate: (id: string) => Effect.Effect<number, never, Rates>, timeout?: "1 second") =>
  Program.make(name, {
    input: Schema.Struct({ ids: Schema.optionalKey(Schema.Array(Schema.String)) }),
    seed: ({ ids = ["a", "bb"] }) => ids.map((id) => Item.of({ id })),
    agents: [
      Agent.make("rate", {
        each: Item,
        writes: [Rated],
        timeout,
        execute: ({ value: { id } }) => Effect.map(rate(id), (found) => ({ facts: [Rated.of({ id, rate: found })] }))
      })
    ]
  })

export const steady = rating("steady", (id) => Effect.flatMap(Rates, (rates) => rates.of(id)))
export const dice = rating("dice", () => Effect.promise(() => Promise.resolve(Math.random())))
export const hurried = rating("hurried", () => Effect.as(Effect.sleep(400), 1), "1 second")
export const reading = rating("reading", () =>
  Effect.promise(async () => (await readFile(import.meta.filename)).length)
)
export const failing = rating("failing", () => Effect.die(new Error("no rate")))
