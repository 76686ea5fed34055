/** A program that fails because of a cause, and one that throws on a worker. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"

const Url = Fact.kind("Url", { schema: Schema.Struct({ url: Schema.String }), id: ({ url }) => url })
const input = Schema.Struct({})
const seed = () => [Url.of({ url: "http://127.0.0.1:1/" })]

const connect = async (): Promise<never> => {
  const cause = Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:1"), { code: "ECONNREFUSED" })
  throw new TypeError("fetch failed", { cause })
}

export const crawl = Program.make("crawl", {
  input,
  seed,
  agents: [Agent.make("get", { each: Url, execute: () => Effect.as(Effect.tryPromise(connect), {}) })]
})

const plant = (): never => {
  throw new Error("no seeds", { cause: new Error("an empty shelf") })
}

export const barren = Program.make("barren", { input, agents: [], seed: () => plant() })

const lengthOf = (text: string | undefined): number => (text as string).length

export const measure = Program.make("measure", {
  module: import.meta.url,
  input,
  seed,
  agents: [Agent.cpu("measures", { each: Url, execute: () => ({ trace: lengthOf(undefined) }) })]
})
