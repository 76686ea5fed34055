/** Attributes of jobs: what a job can be given, who has them, and that they change nothing that a job computes. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { eventsOf, until } from "../support/behaviour/harness.ts"

const Num = Fact.kind("Num", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const counts = Program.make("counts", {
  input: Schema.Struct({ to: Schema.Int }),
  seed: () => [Num.of({ n: 0 })],
  agents: [
    Agent.make("next", {
      each: Num,
      writes: [Num],
      execute: ({ value: { n } }, view) =>
        Effect.succeed({ facts: n < (view.input as { readonly to: number }).to ? [Num.of({ n: n + 1 })] : [] })
    })
  ]
})

/** Asks for a child at once, and for another one after a decision. */
const asks = Program.make("asks", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("asks", {
      execute: () => Effect.succeed({ intents: [Intent.child(counts, { to: 1 }), Intent.approval({ id: "go on" })] })
    }),
    Agent.make("goesOn", {
      each: Intent.Decision,
      execute: () => Effect.succeed({ intents: [Intent.child(counts, { to: 2 })] })
    })
  ]
})

const attributes = { order: "17", customer: "Ada: & Söhne = 😀", empty: "" }

const onStore = <A, E>(use: (store: JobStore.JobStore["Service"]) => Effect.Effect<A, E, Engine.Engine>) =>
  Effect.flatMap(journalStore, (store) => Effect.provide(use(store), engineOnStore(store, { children: [counts] })))

describe("the attributes of a job", () => {
  it.effect("are in its journal, and change neither its hash, its events nor its result", () =>
    onStore((store) =>
      Effect.gen(function* () {
        const job = yield* Engine.start(counts, { to: 3 }, { id: "a", attributes })
        const plain = yield* Engine.start(counts, { to: 3 }, { id: "b" })
        const [one, other] = [yield* job.result, yield* plain.result]
        expect(one.hash).toBe(other.hash)
        expect(one.context.facts()).toEqual(other.context.facts())
        expect(yield* eventsOf(job)).toEqual(yield* eventsOf(plain))
        const [journal, without] = [yield* store.load("a"), yield* store.load("b")]
        expect(journal.attributes).toEqual(attributes)
        // In the order of their names, whatever the order in which they were given.
        expect(Object.keys(journal.attributes ?? {})).toEqual(["customer", "empty", "order"])
        expect([without.text, without.header]).toEqual([journal.text, journal.header])
        expect("attributes" in without).toBe(false)
      })
    )
  )

  it.effect("are those of the first start by an id", () =>
    onStore((store) =>
      Effect.gen(function* () {
        yield* Engine.run(counts, { to: 1 }, { id: "a", attributes })
        const again = yield* Engine.run(counts, { to: 1 }, { id: "a", attributes: { order: "18" } })
        expect(again.jobId).toBe("a")
        expect((yield* store.load("a")).attributes).toEqual(attributes)
      })
    )
  )

  it.effect("are had by its child jobs, and by its forks unless they are given others", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const engine = engineOnStore(store, { children: [counts] })
      const of = (id: string) => Effect.map(store.load(id), (journal) => journal.attributes)
      yield* Effect.gen(function* () {
        const job = yield* Engine.start(asks, {}, { id: "a", attributes })
        yield* job.until("awaiting")
        const stored = Effect.orDie(store.list({ attributes }))
        yield* until(Effect.map(stored, ({ jobs }) => jobs.length === 2))
        expect(yield* of("a/1/asks//0")).toEqual(attributes)
      }).pipe(Effect.provide(engine))
      // Another engine takes the job up, and starts a child of it.
      yield* Effect.gen(function* () {
        const job = yield* Engine.resume(asks, "a")
        yield* job.signal([Intent.Decision.of({ approval: "go on", approved: true, by: "Ada", reason: "" })])
        yield* job.result
        yield* Engine.fork(asks, "a", { id: "same", at: 0 })
        yield* Engine.fork(asks, "a", { id: "other", at: 0, attributes: { order: "18" } })
        yield* Engine.fork(asks, "a", { id: "none", at: 0, attributes: {} })
      }).pipe(Effect.provide(engine))
      expect(yield* of("same")).toEqual(attributes)
      expect(yield* of("other")).toEqual({ order: "18" })
      expect(yield* of("none")).toBe(undefined)
      const { jobs } = yield* store.list({ attributes: { order: "17" } })
      const first = jobs.map(({ jobId }) => jobId).filter((id) => !id.startsWith("same/"))
      expect(first.toSorted()).toEqual(["a", "a/1/asks//0", `a/2/goesOn/"Decision"/go on/0`, "same"])
    })
  )

  const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`name ${index}`, ""]))

  it.effect.each([
    [{ order: 17 }, /the attribute "order" must be a string of at most 256 characters/],
    [{ order: "x".repeat(257) }, /the attribute "order" must be a string of at most 256 characters/],
    [{ order: "a\nb" }, /without control characters/],
    [{ order: "\ud800" }, /the attribute "order" must be a string/],
    [{ "": "x" }, /the attribute name "" must have 1 to 64 characters/],
    [{ ["x".repeat(65)]: "x" }, /must have 1 to 64 characters/],
    [{ "a:b": "x" }, /none of : =/],
    [{ "a=b": "x" }, /none of : =/],
    [{ "\udc00": "x" }, /the attribute name "\\udc00" must have/],
    [many, /a job can have 16 attributes, and 17 are given/],
    [["order"], /attributes must be an object/],
    [null, /attributes must be an object/],
    ["order", /attributes must be an object/]
  ] as const)("are refused if they are %j", ([given, message]) =>
    onStore(() =>
      Effect.gen(function* () {
        const options = { attributes: given as never }
        const refused = yield* Effect.flip(Engine.start(counts, { to: 1 }, options))
        expect(refused).toMatchObject({ _tag: "InvalidInput", message: expect.stringMatching(message) })
        const forked = yield* Effect.flip(Engine.fork(counts, "none", options))
        expect(forked).toMatchObject({ _tag: "InvalidInput", message: expect.stringMatching(message) })
      })
    )
  )

  it.effect("can be as long and as many as the bounds say", () =>
    onStore((store) =>
      Effect.gen(function* () {
        const full = Object.fromEntries(
          Array.from({ length: 16 }, (_, n) => [`${n}`.padStart(64, "n"), "ü".repeat(256)])
        )
        yield* Engine.run(counts, { to: 1 }, { id: "full", attributes: full })
        expect((yield* store.load("full")).attributes).toEqual(full)
      })
    )
  )
})
