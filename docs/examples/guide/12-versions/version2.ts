/**
 * The second version: a name has two parts, and there is a new agent.
 */
import { Agent, Fact, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

const Input = Schema.Struct({ names: Schema.Array(Schema.String) })

const Names = Schema.Struct({ first: Schema.String, last: Schema.String })

const Person = Fact.kind("Person", { schema: Names, id: ({ first, last }) => `${first} ${last}`.trim() })

const partsOf = (name: string): typeof Names.Type => {
  const [first = "", ...rest] = name.split(" ")
  return { first, last: rest.join(" ") }
}

// As it was.
const Greeting = Fact.kind("Greeting", {
  schema: Schema.Struct({ name: Schema.String, text: Schema.String }),
  id: ({ name }) => name
})

const Card = Fact.kind("Card", {
  schema: Schema.Struct({ to: Schema.String, text: Schema.String }),
  id: ({ to }) => to
})

// New agents start with everything unread: this one also writes to those who were greeted by version 1.
const agents = [
  Agent.make("write", {
    each: Person,
    reads: [Greeting],
    writes: [Card],
    execute: ({ id, value: { last } }) => Effect.succeed({ facts: [Card.of({ to: id, text: `Dear ${last}` })] })
  })
] as const

/** All of it but `migrate`. */
export const options = {
  version: "2",
  input: Input,
  seed: ({ names }: typeof Input.Type) => names.map((name) => Person.of(partsOf(name))),
  agents
} as const

export const version2 = Program.make("greetings", {
  ...options,
  // Called once for each fact of a job that version 1 began, with its value as JSON.
  migrate: (fact, from) =>
    fact.kind === "Person" && from.version === "1"
      ? { kind: "Person", value: partsOf((fact.value as { readonly name: string }).name) }
      : fact,
  output: (view) => view.all(Card).map(({ value }) => `${value.to}: ${value.text}`)
})
