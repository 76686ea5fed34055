/** Agents that try to change what they were shown. Loaded by workers too. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program, type View } from "../../../src/index.ts"
import { discardAll } from "./lenient.ts"

export const Act = Fact.kind("Act", { schema: Schema.Struct({ name: Schema.String }), id: () => "act" })

export const Item = Fact.kind("Item", {
  schema: Schema.Struct({
    id: Schema.String,
    tags: Schema.Array(Schema.String),
    deep: Schema.Struct({ list: Schema.Array(Schema.Struct({ n: Schema.Finite })) })
  }),
  id: (item) => item.id
})

/** Goes through a codec, unlike `Item`. */
export const Coded = Fact.kind("Coded", {
  schema: Schema.Struct({
    id: Schema.String,
    at: Schema.DateTimeUtc,
    maybe: Schema.Option(Schema.Array(Schema.Finite))
  }),
  id: (coded) => coded.id
})

export const Secret = Fact.kind("Secret", { schema: Schema.Struct({ id: Schema.String }), id: (it) => it.id })

export const Seen = Fact.kind("Seen", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: (seen) => seen.id
})

type VandalView = View.View<typeof Act | typeof Item | typeof Coded>
type Deed = (view: VandalView) => unknown

/** Untyped JavaScript, as far as the compiler is concerned. */
const loose = (value: unknown): any => value
const item = (view: VandalView) => view.all(Item)[0]!
const coded = (view: VandalView) => view.all(Coded)[0]!
const secret: any = Secret

export const writes: Readonly<Record<string, Deed>> = {
  "push into a value's array": (view) => loose(item(view).value.tags).push("x"),
  "assign a value's field": (view) => (loose(item(view).value).id = "x"),
  "add a field to a value": (view) => (loose(item(view).value).extra = 1),
  "delete a value's field": (view) => delete loose(item(view).value).id,
  "change what is nested deep": (view) => (loose(item(view).value.deep.list[0]).n = 5),
  "sort a value's array": (view) => loose(item(view).value.tags).sort(),
  "assign a fact's value": (view) => (loose(item(view)).value = {}),
  "assign a fact's provenance": (view) => (loose(item(view)).provenance.cycle = 7),
  "push into all": (view) => loose(view.all(Item)).push(item(view)),
  "empty the delta": (view) => (loose(view.delta(Item)).length = 0),
  "push into the evaluations": (view) => loose(view.evaluations(item(view))).push(1),
  "change what get gives": (view) => loose(Option.getOrThrow(view.get(Item, "a")).value.tags).pop(),
  "change an option's content": (view) => loose(Option.getOrThrow(coded(view).value.maybe)).push(1),
  "move a point in time": (view) => (loose(coded(view).value.at).epochMilliseconds = 0),
  "replace the view's methods": (view) => (loose(view).all = () => []),
  "assign the view's version": (view) => (loose(view).version = 7),
  "give the view a field": (view) => (loose(view).extra = 1)
}

export const undeclaredReads: Readonly<Record<string, Deed>> = {
  all: (view) => view.all(secret),
  delta: (view) => view.delta(secret),
  get: (view) => view.get(secret, "a"),
  size: (view) => view.size(secret),
  evaluations: (view) => view.evaluations({ kind: loose("Secret"), id: "a" })
}

const deeds: Readonly<Record<string, Deed>> = { ...writes, ...undeclaredReads }

const done = (view: VandalView) => {
  const { name } = view.all(Act)[0]!.value
  deeds[name]!(view)
  return { facts: [Seen.of({ id: "done", text: name })] }
}

/** Stands for all the agents that did nothing wrong: says what the item is like in the same cycle and in the next. */
const witness = Agent.make("witness", {
  reads: [Item, Act],
  writes: [Seen],
  execute: (view) =>
    Effect.delay(
      Effect.sync(() => ({
        facts: [Seen.of({ id: `at ${view.cycle}`, text: JSON.stringify(item(loose(view)).value) })]
      })),
      0
    )
})

const later = Agent.make("later", {
  each: Seen,
  reads: [Item],
  writes: [Seen],
  execute: (seen, view) =>
    Effect.succeed({
      facts: seen.id.startsWith("later")
        ? []
        : [Seen.of({ id: `later ${seen.id}`, text: JSON.stringify(view.all(Item)[0]!.value) })]
    })
})

const options = {
  module: import.meta.url,
  input: Schema.String,
  seed: (name: string) => [
    Act.of({ name }),
    Item.of({ id: "a", tags: ["y", "x"], deep: { list: [{ n: 1 }] } }),
    Coded.of({ id: "a", at: DateTime.makeUnsafe(1_000), maybe: Option.some([1]) }),
    Secret.of({ id: "a" })
  ],
  kinds: [Secret]
}
const sees = { reads: [Act, Item, Coded], writes: [Seen], onFailure: discardAll } as const

export const cpuVandal = Program.make("cpu-vandal", {
  ...options,
  agents: [Agent.cpu("vandal", { ...sees, execute: done }), witness, later]
})

export const fiberVandal = Program.make("fiber-vandal", {
  ...options,
  agents: [Agent.make("vandal", { ...sees, execute: (view) => Effect.sync(() => done(view)) }), witness, later]
})

/** Does it when it is asked whether it accepts. */
export const askedVandal = Program.make("asked-vandal", {
  ...options,
  agents: [
    Agent.make("vandal", {
      ...sees,
      accepts: (view) => done(view).facts.length > 0,
      execute: () => Effect.succeed({ facts: [] })
    }),
    witness,
    later
  ]
})
