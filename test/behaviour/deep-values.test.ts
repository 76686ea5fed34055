/** Values and schemas that are nested deeper than the stack of any thread can follow: errors that say so, or a bounded print. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, JobError, Program } from "../../src/index.ts"
import { resultJson } from "../../src/server/json.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { engineWith } from "../support/behaviour/intents.ts"
import { ended, failure, noInput } from "../support/behaviour/harness.ts"
import { depths, levelsOf, nested } from "../support/nested.ts"

const Tree: Schema.Codec<unknown> = Schema.Union([
  Schema.Number,
  Schema.Array(Schema.suspend(() => Tree)),
  Schema.Record(
    Schema.String,
    Schema.suspend(() => Tree)
  )
])
const schemas: ReadonlyArray<Schema.Codec<unknown>> = [Schema.Unknown, Schema.Json, Tree]

const says = /nested deeper than 256 levels/

const giving = (effect: object) =>
  Program.make("giving", { input: noInput, agents: [Agent.make("gives", { execute: () => Effect.succeed(effect) })] })

describe("a value that is nested too deep", () => {
  it.effect("is refused as input, seed, fact and signal, by any schema", () =>
    Effect.gen(function* () {
      for (const depth of depths) {
        for (const schema of schemas) {
          const Box = Fact.kind("Box", { schema: Schema.Struct({ value: schema }), id: () => "box" })
          const deep = Box.of({ value: nested(depth) })
          const takes = Program.make("takes", { input: schema, agents: [] })
          const input = yield* failure(Engine.run(takes, nested(depth)))
          expect(input).toMatchObject({ _tag: "InvalidInput", message: expect.stringMatching(says) as string })
          const seeded = Program.make("seeded", { input: noInput, agents: [], kinds: [Box], seed: () => [deep] })
          expect((yield* failure(Engine.run(seeded, {}))).message).toMatch(says)
          const waits = Program.make("waits", {
            input: noInput,
            kinds: [Box],
            signals: [Box],
            agents: [Agent.make("waits", { execute: () => Effect.never })]
          })
          const job = yield* Engine.start(waits, {})
          const signal = yield* failure(job.signal([deep]))
          expect(signal).toMatchObject({ _tag: "InvalidInput", message: expect.stringMatching(says) as string })
          yield* job.cancel
          const adds = Program.make("adds", {
            input: noInput,
            agents: [Agent.make("adds", { writes: [Box], execute: () => Effect.succeed({ facts: [deep] }) })]
          })
          const fact = yield* ended(Engine.run(adds, {}))
          expect(fact).toMatchObject({ _tag: "InvalidEffect", message: expect.stringMatching(says) as string })
        }
      }
    }).pipe(Effect.provide(engineWith({})))
  )

  it.effect("is refused in an intent and in a trace", () =>
    Effect.gen(function* () {
      for (const depth of depths) {
        for (const effect of [{ intents: [{ kind: "Mail", payload: nested(depth) }] }, { trace: nested(depth) }]) {
          const error = yield* ended(Engine.run(giving(effect), {}))
          expect(error).toMatchObject({ _tag: "InvalidEffect", message: expect.stringMatching(says) as string })
        }
        const child = Program.make("child", { input: Schema.Json, agents: [] })
        expect(() => Intent.child(child, nested(depth) as Schema.Json)).toThrow(says)
      }
    }).pipe(Effect.provide(engineWith({})))
  )

  it.effect("is cut in the description of an error, and so is a long chain of causes", () =>
    Effect.gen(function* () {
      for (const depth of depths.slice(0, 2)) {
        let cause = new Error("first")
        for (let level = 0; level < depth; level++) cause = new Error("next", { cause })
        for (const error of [{ _tag: "Deep", value: nested(depth) }, cause]) {
          const program = Program.make("fails", {
            input: noInput,
            agents: [Agent.make("fails", { execute: () => Effect.fail(error) })]
          })
          const json = JobError.toJson(yield* ended(Engine.run(program, {})))
          expect(JSON.stringify(json).length).toBeLessThan(5_000)
        }
      }
    }).pipe(Effect.provide(engineWith({})))
  )
})

describe("an output that is nested too deep", () => {
  const program = (depth: number) =>
    Program.make("nests", { input: noInput, agents: [], output: () => ({ deep: nested(depth), flat: 1 }) })

  it.effect("is what the program returned for the caller, and a bounded print in the journal and over HTTP", () =>
    Effect.gen(function* () {
      for (const depth of depths) {
        const store = yield* journalStore
        const run = Engine.run(program(depth), {}, { id: "job" })
        const result = yield* Effect.provide(run, engineOnStore(store))
        expect(levelsOf(result.output)).toBe(depth + 1)
        const { end } = yield* store.load("job")
        const stored = (JSON.parse(end ?? "") as { readonly output: unknown }).output
        expect(levelsOf(stored)).toBe(256)
        expect(stored).toMatchObject({ flat: 1 })
        expect(resultJson(result, "counts").output).toEqual(stored)
      }
    })
  )

  it.effect("ends the parent of a child job with an error that says so", () =>
    Effect.gen(function* () {
      for (const depth of depths) {
        const child = program(depth)
        const error = yield* ended(
          Effect.provide(
            Engine.run(giving({ intents: [Intent.child(child, {})] }), {}),
            engineWith({ children: [child] })
          )
        )
        expect(error).toMatchObject({
          _tag: "IntentFailed",
          error: { _tag: "InvalidAnswer", message: expect.stringMatching(says) as string }
        })
      }
    })
  )
})

describe("a schema that is nested too deep", () => {
  const within = (depth: number, around: (schema: Schema.Codec<unknown>) => Schema.Codec<unknown>) => {
    let schema: Schema.Codec<unknown> = Schema.String
    for (let level = 0; level < depth; level++) schema = around(schema)
    return schema
  }
  const arounds: ReadonlyArray<(schema: Schema.Codec<unknown>) => Schema.Codec<unknown>> = [
    (schema) => Schema.Struct({ a: Schema.optional(schema) }) as Schema.Codec<unknown>,
    (schema) => Schema.Array(schema) as Schema.Codec<unknown>,
    (schema) => Schema.Union([Schema.Number, schema]) as Schema.Codec<unknown>
  ]

  it("is refused where it is defined", () => {
    for (const depth of [300, 5_000]) {
      for (const around of arounds.slice(0, depth === 300 ? 2 : 3)) {
        const schema = within(depth, around)
        expect(() => Fact.kind("Deep", { schema, id: () => "x" })).toThrow(
          expect.objectContaining({ _tag: "InvalidProgram", message: expect.stringMatching(says) as string }) as Error
        )
        expect(() => Program.make("deep", { input: schema, agents: [] })).toThrow(says)
      }
    }
  })

  it.effect("is no less a schema of a durable job if it has as many levels as a value may have", () =>
    Effect.gen(function* () {
      for (const around of arounds.slice(0, 2)) {
        const Deep = Fact.kind("Deep", { schema: Schema.Struct({ value: within(250, around) }), id: () => "x" })
        const value = around === arounds[0] ? { a: { a: {} } } : [[[]]]
        const deep = Program.make("deep", {
          input: noInput,
          agents: [],
          kinds: [Deep],
          seed: () => [Deep.of({ value })]
        })
        const store = yield* journalStore
        const first = yield* Effect.provide(Engine.run(deep, {}, { id: "job" }), engineOnStore(store))
        const again = yield* Effect.provide(Engine.run(deep, {}, { id: "job" }), engineOnStore(store))
        expect(again.hash).toBe(first.hash)
      }
    })
  )
})
