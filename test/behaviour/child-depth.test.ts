/** Child jobs that ask for child jobs (CH8, CH9): a limit of depth, ids that do not grow, and the ends of long branches. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { engineWith } from "../support/behaviour/intents.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { ended, num, Num, until, untilState } from "../support/behaviour/harness.ts"
import { named } from "../support/behaviour/named.ts"

type Branch = Program.Program<"branch", { readonly n: number }, unknown, unknown, never, Fact.Kind.Any>

/** A branch of jobs of one program: each asks for the one below it, down to 0, which does as `bottom` says. */
const branch = (bottom: () => Effect.Effect<object, unknown>, onFailure?: "report"): Branch => {
  const self: Program.Program.Any = Program.make("branch", {
    input: Schema.Struct({ n: Schema.Int }),
    agents: [
      Agent.make("asks", {
        each: Num,
        execute: ({ value: { n } }): Effect.Effect<object, unknown> =>
          n === 0 ? bottom() : Effect.succeed({ intents: [Intent.child(self as Branch, { n: n - 1 }, { onFailure })] })
      })
    ],
    seed: ({ n }) => [num(n)],
    output: (view) => view.all(Intent.ChildResult).map(({ value: { error } }) => error)
  })
  return self as Branch
}

const endless = branch(() => Effect.never)
const failing = branch(() => Effect.fail({ _tag: "Bottom" }))

const live = Effect.flatMap(Engine.Engine, (engine) => engine.live)

/** Waits until a branch has come to its lowest job. */
const untilDeep = (depth: number) =>
  Engine.Engine.use((engine) => until(Effect.map(engine.live, (jobs) => jobs.length > depth)))

/** More jobs than a call stack holds. */
const deep = 1_200
const patience = 120_000

describe("a branch of child jobs", () => {
  it.live(
    "is cancelled from its top, however deep it is, and its ids do not grow",
    () =>
      Effect.gen(function* () {
        const job = yield* Engine.start(endless, { n: deep }, { id: "top" })
        yield* untilDeep(deep)
        const ids = (yield* live).map(({ jobId }) => jobId)
        expect(new Set(ids).size).toBe(deep + 1)
        expect(Math.max(...ids.map((id) => id.length))).toBeLessThanOrEqual(200)
        yield* job.cancel
        expect(yield* live).toEqual([])
      }).pipe(Effect.provide(engineWith({ children: [endless], maxDepth: deep }))),
    patience
  )

  it.live(
    "fails from its lowest job, however deep it is, with an error that does not grow",
    () =>
      Effect.gen(function* () {
        const error = yield* ended(Engine.run(failing, { n: deep }))
        expect(error).toMatchObject({ _tag: "IntentFailed", error: { _tag: "IntentFailed", omitted: deep - 8 } })
        expect(error.message).toContain('agent "asks" failed in cycle 1: Bottom')
        expect(JSON.stringify(error).length).toBeLessThan(4_000)
      }).pipe(Effect.provide(engineWith({ children: [failing], maxDepth: deep }))),
    patience
  )

  it.live(
    "lets go when its engine shuts down, and is ended in the store, however deep it is",
    () =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const engine = engineOnStore(store, { children: [endless], maxDepth: deep })
        const begun = Effect.andThen(Engine.start(endless, { n: deep }, { id: "top" }), untilDeep(deep))
        yield* Effect.provide(begun, engine)
        const unfinished = store.list({ status: "unfinished", limit: 1_000 })
        expect((yield* unfinished).jobs).toHaveLength(1_000)
        yield* Effect.provide(
          Effect.gen(function* () {
            const job = yield* Engine.Engine.use(({ resume }) => resume(endless, "top"))
            yield* job.cancel
          }),
          engineOnStore(store)
        )
        expect((yield* unfinished).jobs).toEqual([])
      }),
    patience
  )
})

describe("the depth of a child job", () => {
  const tooDeep = {
    _tag: "IntentFailed",
    error: { _tag: "TooDeep", message: expect.stringMatching(/depth 4, and 3 is the most \(maxDepth/) as string }
  }

  it.effect("has a limit, at which an intent fails and says so", () =>
    Effect.gen(function* () {
      const error = yield* ended(Engine.run(endless, { n: 10 }))
      expect(error).toMatchObject({ error: { error: { error: tooDeep } } })
      expect(error.message).toMatch(/TooDeep: the child job would have depth 4/)
    }).pipe(Effect.provide(engineWith({ children: [endless], maxDepth: 3 })))
  )

  it.effect("is limited to 100 where nobody says otherwise, so that a program that starts itself ends", () =>
    Effect.gen(function* () {
      expect((yield* ended(Engine.run(endless, { n: 101 }))).message).toMatch(/depth 101, and 100 is the most/)
    }).pipe(Effect.provide(engineWith({ children: [endless] })))
  )

  it.effect("is reported like any other failure where the intent says so", () =>
    Effect.gen(function* () {
      const reporting = branch(() => Effect.never, "report")
      const result = yield* Effect.provide(
        Engine.run(reporting, { n: 2 }),
        engineWith({ children: [reporting], maxDepth: 1 })
      )
      expect(result.output).toMatchObject([{ _tag: "IntentFailed", error: { _tag: "TooDeep" } }])
    })
  )

  it.effect("is in the journal, so that it is known of a child that goes on without its parent", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const engine = engineOnStore(store, { children: [endless], maxDepth: 4 })
      yield* Effect.provide(Effect.andThen(Engine.start(endless, { n: 4 }, { id: "top" }), untilDeep(4)), engine)
      const { jobs } = yield* store.list({ status: "unfinished" })
      const ids = jobs.map(({ jobId }) => jobId).toSorted((a, b) => a.length - b.length)
      const goesOn = Engine.Engine.use(({ resume }) =>
        Effect.flatMap(resume(endless, ids[3] ?? ""), (job) => job.result)
      )
      const again = engineOnStore(store, { children: [endless], maxDepth: 3 })
      expect(yield* ended(Effect.provide(goesOn, again))).toMatchObject(tooDeep)
    })
  )
})

describe("the id of a child job", () => {
  const one = branch(() => Effect.succeed({}))

  /** A store in which headers are as the version wrote them that did not shorten ids. */
  const earlier = (store: JobStore.JobStore["Service"]): JobStore.JobStore["Service"] => ({
    ...store,
    create: (job) =>
      job.parent === undefined
        ? store.create({
            ...job,
            header: () => JSON.stringify({ ...(JSON.parse(job.header()) as object), depth: undefined })
          })
        : Effect.fail(new JobStore.StoreError({ reason: "busy", message: "not now" }))
  })

  it.effect("stays as it was, long or not, for a job of a version that did not shorten it", () =>
    Effect.gen(function* () {
      const id = "x".repeat(200)
      const child = `${id}/1/asks/"Num"/1/0`
      const store = yield* journalStore
      const begun = Effect.flatMap(Engine.start(one, { n: 1 }, { id }), (job) => untilState(job, "awaiting"))
      yield* Effect.provide(begun, engineOnStore(earlier(store), { children: [one] }))
      yield* Effect.provide(Engine.run(one, { n: 0 }, { id: "child" }), engineOnStore(named(store, child), {}))
      const result = yield* Effect.provide(
        Effect.gen(function* () {
          const job = yield* Engine.Engine.use(({ resume }) => resume(one, id))
          return yield* job.result
        }),
        engineOnStore(store, { children: [one] })
      )
      expect(result.status).toBe("converged")
      expect((yield* store.list()).jobs.map(({ jobId }) => jobId).toSorted()).toEqual([id, child])
    })
  )
})
