/**
 * Failure: temperatures of cities, from a service that is down at times.
 */
import { Agent, Engine, Fact, Program } from "effect-converge"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"

const City = Fact.kind("City", { schema: Schema.Struct({ name: Schema.String }), id: ({ name }) => name })

const Reading = Fact.kind("Reading", {
  schema: Schema.Struct({ city: Schema.String, celsius: Schema.Number }),
  id: ({ city }) => city
})

export class Down extends Schema.TaggedError<Down>()("Down", { city: Schema.String }) {}

export class Weather extends Context.Service<Weather, { readonly of: (city: string) => Effect.Effect<number, Down> }>()(
  "guide/Weather"
) {}

const Input = Schema.Array(Schema.String)

const ask = Effect.fnUntraced(function* (city: string) {
  const weather = yield* Weather
  const celsius = yield* weather.of(city)
  return { facts: [Reading.of({ city, celsius })] }
})

const output = {
  schema: Schema.Record(Schema.String, Schema.Number),
  from: (view: { readonly all: (kind: typeof Reading) => ReadonlyArray<Fact.FactOf<typeof Reading>> }) =>
    Object.fromEntries(view.all(Reading).map(({ value }) => [value.city, value.celsius]))
}

/** Needs every city: the first that fails ends the job, with its error in the type of `Engine.run`. */
export const all = Program.make("all", {
  input: Input,
  seed: (cities) => cities.map((name) => City.of({ name })),
  agents: [
    Agent.make("ask", {
      each: City,
      writes: [Reading],
      // The limit of each attempt. There are three attempts in all.
      timeout: "200 millis",
      retry: Schedule.exponential("10 millis").pipe(Schedule.upTo({ times: 2 })),
      execute: ({ value: { name } }) => ask(name)
    })
  ],
  output
})

/** Takes what it can get: a city that fails is a diagnostic. A bug still ends the job. */
export const some = Program.make("some", {
  input: Input,
  seed: (cities) => cities.map((name) => City.of({ name })),
  agents: [
    Agent.make("ask", {
      each: City,
      writes: [Reading],
      timeout: "200 millis",
      onFailure: { error: "discard", timeout: "discard" },
      execute: ({ value: { name } }) => ask(name)
    })
  ],
  output
})

/** All readings, or those that there are. `Down` need not be caught for `some`: its agent never ends the job with it. */
export const readings = (cities: ReadonlyArray<string>) =>
  Engine.run(all, cities).pipe(
    Effect.map(({ output }) => ({ output, missing: "" })),
    Effect.catchTag("AgentFailed", ({ error, partial }) =>
      Effect.succeed({ output: Program.output(all, partial.context), missing: error.city })
    )
  )
