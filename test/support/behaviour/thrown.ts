/**
 * Values that programs throw, by name, and a program whose agents throw them: as typed failures, as defects, or on a worker
 * thread. Workers import this module, so it does nothing at its top level.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../../../src/index.ts"
import { discardAll } from "../core/lenient.ts"

class Refused extends Data.TaggedError("Refused")<{
  readonly url: string
  readonly tries: bigint
  readonly cause?: unknown
}> {}

const refusal = () =>
  Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9"), { code: "ECONNREFUSED", port: 9, syscall: "connect" })

const fetchFailed = () => new TypeError("fetch failed", { cause: refusal() })

const circle = () => {
  const error: Error & { self?: unknown } = new Error("round")
  error.self = error
  error.cause = error
  return error
}

const chain = (length: number): Error => {
  let error = new Error("the last")
  for (let index = 0; index < length; index++) error = new Error(`error ${index}`, { cause: error })
  return error
}

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable(new Error("gone"), {})
  revoke()
  return proxy
}

/** Makes a value to throw. The names are those of the facts that the program begins with. */
export const thrown = {
  plain: () => new Error("simple"),
  caused: fetchFailed,
  tagged: () => new Refused({ url: "http://x", tries: 3n, cause: fetchFailed() }),
  many: () => new AggregateError([refusal(), new RangeError("no")], ""),
  object: () => ({ code: 5, why: { nested: [1, 2] } }),
  told: () => ({ message: "it told", code: "E1" }),
  text: () => "just text",
  nothing: () => undefined,
  digits: () => Object.assign(new Error("big"), { big: 10n, small: 1, list: [1n, "b"], f: () => 1, at: new Date(0) }),
  circle,
  getter: () =>
    Object.defineProperty(Object.assign(new Error("odd"), { kept: { deep: true } }), "bad", {
      enumerable: true,
      get: () => {
        throw new Error("no")
      }
    }),
  long: () => Object.assign(new Error("m".repeat(100_000)), { field: "f".repeat(100_000) }),
  wide: () =>
    Object.assign(new Error("wide"), Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, i]))),
  deep: () => chain(200),
  stacked: () => ({ message: "it was sent", stack: "Error: it was sent\n    at there (there.js:1:1)" }),
  marked: () => Object.assign(new Error("marked"), { "~effect/Some/TypeId": "~effect/Some/TypeId", shown: 1 }),
  listed: () => [new Error("in a list", { cause: refusal() }), { code: 1 }],
  short: () => new AggregateError([new Error("a"), new Error("man"), new Error("many")], "many"),
  revoked
} satisfies Readonly<Record<string, () => unknown>>

export const names = Object.keys(thrown) as ReadonlyArray<keyof typeof thrown>

const make = (name: string): unknown => thrown[name as keyof typeof thrown]()

export const Throw = Fact.kind("Throw", {
  schema: Schema.Struct({ name: Schema.String, how: Schema.Literals(["fail", "die", "thread"]) }),
  id: ({ how, name }) => `${how} ${name}`
})

const agents = [
  Agent.make("fails", {
    each: Throw,
    onFailure: discardAll,
    execute: ({ value: { how, name } }) => {
      if (how === "fail") return Effect.fail(make(name))
      return how === "die" ? Effect.die(make(name)) : Effect.succeed({})
    }
  }),
  Agent.cpu("throws", {
    each: Throw,
    onFailure: discardAll,
    execute: ({ value: { how, name } }) => {
      if (how === "thread") throw make(name)
      return {}
    }
  })
] as const

/** Throws every value in every way, and goes on. */
export const throwing = Program.make("throwing", {
  module: import.meta.url,
  input: Schema.Struct({}),
  agents,
  seed: () => names.flatMap((name) => (["fail", "die", "thread"] as const).map((how) => Throw.of({ name, how })))
})

/** Fails with one of them. */
export const failing = Program.make("failing", {
  module: import.meta.url,
  input: Schema.Struct({ name: Schema.String, how: Schema.Literals(["fail", "die", "thread"]) }),
  seed: ({ how, name }) => [Throw.of({ name, how })],
  agents: [
    Agent.make("fails", {
      each: Throw,
      execute: ({ value: { how, name } }): Effect.Effect<{}, unknown> => {
        if (how === "fail") return Effect.fail(make(name))
        return how === "die" ? Effect.die(make(name)) : Effect.succeed({})
      }
    }),
    Agent.cpu("throws", {
      each: Throw,
      execute: ({ value: { how, name } }) => {
        if (how === "thread") throw make(name)
        return {}
      }
    })
  ]
})
