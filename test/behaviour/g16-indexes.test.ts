/** G16: a kind's indexes, by which views look facts up, on every thread that has the facts. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, type Engine, Fact, Invariant, Program, WorkerPool } from "../../src/index.ts"
import { noInput } from "../support/behaviour/harness.ts"
import { indexed } from "../support/behaviour/indexed.ts"
import { comparable, engineOn, runInline, runToEnd } from "../support/core/run.ts"

describe("a view of a kind with indexes", () => {
  it.effect("gives the facts with a key in commit order, as they are now", () =>
    Effect.gen(function* () {
      const { output } = (yield* runInline(indexed, { cycles: 6 })).result
      const of = (by: string) => output!.seen.filter((seen) => seen.by === by).map(({ paths }) => paths)
      expect(of("folder").slice(0, 3)).toEqual([["a/1 1"], ["a/1 3"], ["a/1 3", "a/2 6"]])
      expect(of("links").slice(0, 3)).toEqual([["a/1 1"], ["a/1 3"], ["a/1 3", "a/2 6"]])
      expect(of("large").slice(0, 3)).toEqual([["b/1 20"], [], []])
      // Retention has pruned all but the latest six.
      expect(of("links").at(-1)).toEqual(["a/1 12", "a/2 15", "a/0 18"])
      expect(output!.links).toEqual(["a/1", "a/2", "a/0"])
    })
  )

  it.live("gives the same on workers as here", () =>
    Effect.gen(function* () {
      const inline = comparable(yield* runInline(indexed, { cycles: 6 }, { id: "job" }))
      for (const size of [1, 2]) {
        const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size, execArgv: [] })))
        expect(comparable(yield* Effect.provide(runToEnd(indexed, { cycles: 6 }, { id: "job" }), engine))).toEqual(
          inline
        )
      }
    }).pipe(Effect.scoped)
  )

  it.effect("goes on from an earlier context", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(indexed, { cycles: 6 })).result
      const again = (yield* runInline(indexed, { cycles: 6 }, { context })).result
      expect(again.output!.links).toEqual(["a/1", "a/2", "a/0"])
    })
  )
})

describe("a key that cannot be", () => {
  const kindWith = (key: (n: number) => unknown) =>
    Fact.kind("K", {
      schema: Schema.Struct({ n: Schema.Int }),
      id: ({ n }) => String(n),
      indexes: { key: ({ n }) => key(n) as string }
    })
  const asks = (key: (n: number) => unknown, options: { readonly place?: "agent" | "output" | "invariant" } = {}) => {
    const K = kindWith(key)
    const { place = "agent" } = options
    return Program.make("p", {
      module: import.meta.url,
      input: noInput,
      kinds: [K],
      seed: () => [K.of({ n: 1 })],
      agents:
        place === "agent"
          ? [Agent.cpu("asks", { reads: [K], placement: "inline", execute: (view) => (view.by(K, "key", "x"), {}) })]
          : [],
      invariants:
        place === "invariant" ? [Invariant.acceptance("asks", (view) => view.by(K, "key", "x").length === 0)] : [],
      output: (view) => (place === "output" ? view.by(K, "key", "x").length : 0)
    })
  }
  const errorOf = (program: ReturnType<typeof asks>, options?: Engine.StartOptions) =>
    Effect.map(runInline(program, {}, options), ({ error }) => error)

  it.effect("is the panic of the agent that asked: a throw, and what is no key", () =>
    Effect.gen(function* () {
      const fails = (n: number): never => {
        throw new Error(`no key of ${n}`)
      }
      expect(yield* errorOf(asks(fails))).toMatchObject({
        _tag: "AgentPanicked",
        agent: "asks",
        message: "no key of 1"
      })
      const saying =
        'the index "key" of K gave an object: a key is a text, a number or a boolean. Several keys are an array; none, []'
      expect(yield* errorOf(asks(() => ({})))).toMatchObject({ _tag: "AgentPanicked", message: saying })
      expect(yield* errorOf(asks(() => ["a", undefined]))).toMatchObject({
        _tag: "AgentPanicked",
        message: saying.replace("an object", "undefined")
      })
      expect(yield* errorOf(asks(async () => "a"))).toMatchObject({
        _tag: "AgentPanicked",
        message: 'the index "key" of K returned a promise; use a plain function'
      })
    })
  )

  it.effect("is the program's panic in an invariant and in output", () =>
    Effect.gen(function* () {
      for (const place of ["output", "invariant"] as const) {
        expect(yield* errorOf(asks(() => ({}), { place }))).toMatchObject({ _tag: "ProgramPanicked", phase: place })
      }
    })
  )

  it.effect(
    "is told from an index that does not exist, from what can be no key, and from a kind that is not read",
    () =>
      Effect.gen(function* () {
        const K = kindWith(() => "x")
        const Other = Fact.kind("Other", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
        const asking = (use: (view: never) => unknown) =>
          Program.make("p", {
            input: noInput,
            seed: () => [K.of({ n: 1 })],
            agents: [Agent.make("asks", { reads: [K], execute: (view) => Effect.sync(() => (use(view as never), {})) })]
          })
        const message = (use: (view: { by: (...args: ReadonlyArray<unknown>) => unknown }) => unknown) =>
          Effect.map(runInline(asking(use as (view: never) => unknown), {}), ({ error }) => error)
        expect(yield* message((view) => view.by(K, "kye", "x"))).toMatchObject({
          _tag: "AgentPanicked",
          message: 'the kind "K" has no index "kye": it has "key"'
        })
        expect(yield* message((view) => view.by(K, "toString", "x"))).toMatchObject({
          message: 'the kind "K" has no index "toString": it has "key"'
        })
        for (const [key, type] of [
          [undefined, "undefined"],
          [null, "null"],
          [{}, "an object"],
          [[1], "an array"],
          [1n, "bigint"]
        ] as const) {
          expect(yield* message((view) => view.by(K, "key", key))).toMatchObject({
            _tag: "AgentPanicked",
            message: `the index "key" of K was asked for ${type}: a key is a text, a number or a boolean`
          })
        }
        expect(yield* message((view) => view.by(Other, "key", "x"))).toMatchObject({
          message: expect.stringContaining('looked at "Other", which is not among the kinds it reads') as string
        })
      })
  )
})

describe("the option indexes", () => {
  const define = (indexes: unknown) => () =>
    Fact.kind("K", { schema: Schema.Struct({ n: Schema.Int }), id: () => "", indexes: indexes as object })

  it("is refused if it is no object of functions", () => {
    for (const wrong of [1, [1], { key: "n" }, null]) {
      expect(define(wrong)).toThrow(/kind "K": indexes must be an object of functions that give keys/)
    }
    expect(define({ key: () => "" })).not.toThrow()
  })
})
