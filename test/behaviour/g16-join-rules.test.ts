/** G16: what a join's tasks are, and what becomes of their effects. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, JobStore, Program, Provenance, WorkerPool } from "../../src/index.ts"
import { batchFacts } from "../../src/cycle/joining.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { Cell, Entry, entry, noInput, Num, num, nums } from "../support/behaviour/harness.ts"
import { conflicting, manyParts } from "../support/behaviour/joinedParts.ts"
import { comparable, engineOn, runInline, runToEnd } from "../support/core/run.ts"

const causesOf = (context: Parameters<typeof Provenance.explain>[0], kind: string, id: string) =>
  Provenance.explain(context, { kind, id })!.causes.map(({ fact }) => `${fact.kind}/${fact.id}`)

/** Joins numbers with entries whose text names them. */
const joining = (
  options: Partial<Parameters<typeof Agent.join>[1]>,
  seed: Parameters<typeof Program.make>[1]["seed"] = () => [...nums(1, 2), entry("a", "1")]
) =>
  Program.make("p", {
    module: import.meta.url,
    input: noInput,
    seed: seed as () => ReadonlyArray<Fact.ProposalOf<typeof Num | typeof Entry>>,
    kinds: [Num, Entry, Cell],
    agents: [
      Agent.join("joins", {
        left: [Num, ({ n }) => String(n)],
        right: [Entry, ({ text }) => text],
        writes: [Cell],
        execute: (left: Fact.FactOf<typeof Num>, right: Fact.FactOf<typeof Entry>) => ({
          facts: [Cell.of({ key: right.id, text: left.id })]
        }),
        ...options
      } as Parameters<typeof Agent.join>[1])
    ]
  })

describe("the facts of a join", () => {
  it.effect("have both facts of their pair as reasons, unless the agent gives others", () =>
    Effect.gen(function* () {
      const { context } = (yield* runInline(joining({}), {})).result
      expect(causesOf(context, "Cell", "a")).toEqual(["Num/1", "Entry/a"])
      const own = joining({
        execute: (_, right) => ({ facts: [Cell.of({ key: "own", text: "" }, { because: [right] })] })
      })
      expect(causesOf((yield* runInline(own, {})).result.context, "Cell", "own")).toEqual(["Entry/a"])
    })
  )

  it.effect("name a fact that meets itself once", () =>
    Effect.gen(function* () {
      const self = joining({
        left: [Num, () => 1],
        right: [Num, () => 1],
        execute: (left, right) => ({ facts: [Cell.of({ key: `${left.id}+${right.id}`, text: "" })] })
      })
      const { context } = (yield* runInline(self, {})).result
      expect(context.all(Cell).map(({ id }) => id)).toEqual(["1+1", "1+2", "2+1", "2+2"])
      expect(causesOf(context, "Cell", "1+1")).toEqual(["Num/1"])
      expect(causesOf(context, "Cell", "2+1")).toEqual(["Num/2", "Num/1"])
    })
  )
})

describe("pairs of a task that propose the same fact", () => {
  const proposing = (conflict: Fact.ConflictRule<{ readonly id: string; readonly n: number }>) => {
    const Same = Fact.kind("Same", {
      schema: Schema.Struct({ id: Schema.String, n: Schema.Int }),
      id: ({ id }) => id,
      conflict
    })
    return Program.make("p", {
      module: import.meta.url,
      input: noInput,
      seed: () => [num(3), num(9), num(5), entry("e")],
      agents: [
        Agent.join("joins", {
          left: [Num, () => 1],
          right: [Entry, () => 1],
          writes: [Same],
          execute: ({ value: { n } }) => ({ facts: [Same.of({ id: "s", n })] })
        })
      ],
      output: (view) => view.all(Same).map(({ provenance: { because }, value }) => [value.n, because])
    })
  }

  it.effect("are resolved by the rule of its kind, as if they were merged one after the other", () =>
    Effect.gen(function* () {
      const outputOf = (program: ReturnType<typeof proposing>) =>
        Effect.map(runInline(program, {}), ({ result }) => result.output)
      expect(yield* outputOf(proposing("keepFirst"))).toEqual([[3, [1, 4]]])
      expect(yield* outputOf(proposing("keepLast"))).toEqual([[5, [3, 4]]])
      expect(yield* outputOf(proposing((a, b) => (a.n >= b.n ? a : b)))).toEqual([[9, [2, 4]]])
    })
  )

  it.effect("are a conflict that names both values if the rule is to reject", () =>
    Effect.gen(function* () {
      expect((yield* runInline(proposing("reject"), {})).error).toMatchObject({
        _tag: "MergeConflict",
        kind: "Same",
        id: "s",
        existing: { id: "s", n: 3 },
        proposed: { id: "s", n: 9 },
        agents: ["joins", "joins"]
      })
    })
  )

  it.live("are the same conflict if the task ran on a worker", () =>
    Effect.gen(function* () {
      const inline = yield* runInline(conflicting, {}, { id: "job" })
      expect(inline.error?._tag).toBe("MergeConflict")
      const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size: 1, execArgv: [] })))
      expect(comparable(yield* Effect.provide(runToEnd(conflicting, {}, { id: "job" }), engine))).toEqual(
        comparable(inline)
      )
    }).pipe(Effect.scoped)
  )
})

describe("a join with more new facts than a batch", () => {
  const input = { count: batchFacts + 50 }

  it.effect("has a task for each batch, with a name of its own in provenance, traces, events and keys of intents", () =>
    Effect.gen(function* () {
      const { events, result } = yield* runInline(manyParts, input, { id: "job" })
      expect(result.status).toBe("converged")
      const tasks = events.flatMap((event) => (event._tag === "TaskSucceeded" ? [event] : []))
      expect(tasks.slice(0, 2)).toMatchObject([{ agent: "joins" }, { agent: "joins", part: 1 }])
      expect(tasks[0]).not.toHaveProperty("part")
      const { context } = result
      const fact = (n: number) => context.find("Doubled", String(n))!
      expect(fact(1).provenance).not.toHaveProperty("part")
      expect(fact(batchFacts + 40).provenance.part).toBe(1)
      expect(Provenance.explain(context, fact(1))!.trace).toEqual(["first"])
      expect(Provenance.explain(context, fact(batchFacts + 40))!.trace).toEqual([`trace of ${batchFacts + 9}`])
      expect(result.intents.map(({ idempotencyKey, part }) => [idempotencyKey, part])).toEqual([
        ["job/1/joins//0", undefined],
        ["job/1/joins/1/0", 1]
      ])
      expect(result.diagnostics).toMatchObject([{ cause: { _tag: "NotPerformed", kind: "tell", count: 2 } }])
    })
  )

  it.live("is the same on workers, after a resume, and in its journal", () =>
    Effect.gen(function* () {
      const inline = yield* runInline(manyParts, input, { id: "job" })
      const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size: 2, execArgv: [] })))
      expect(comparable(yield* Effect.provide(runToEnd(manyParts, input, { id: "job" }), engine))).toEqual(
        comparable(inline)
      )
      const store = yield* journalStore
      yield* Effect.provide(runToEnd(manyParts, input, { id: "job" }), engineOnStore(store))
      const again = yield* Effect.provide(Engine.resume(manyParts, "job"), yield* Layer.build(engineOnStore(store)))
      const result = yield* again.result
      expect(result.hash).toBe(inline.result.hash)
      expect(result.intents).toEqual(inline.result.intents)
      expect(Provenance.explain(result.context, { kind: "Doubled", id: String(batchFacts + 40) })!.trace).toEqual([
        `trace of ${batchFacts + 9}`
      ])
      const forked = yield* Effect.provide(
        Engine.fork(manyParts, "job", { id: "fork", at: 1 }),
        yield* Layer.build(engineOnStore(store))
      )
      expect((yield* forked.result).context.find("Doubled", String(batchFacts + 40))?.provenance.part).toBe(1)
    }).pipe(Effect.scoped, Effect.provide(JobStore.layerMemory))
  )

  it.effect("names the task of which an effect was discarded", () =>
    Effect.gen(function* () {
      const { result } = yield* runInline(manyParts, { count: input.count, fails: batchFacts + 10 })
      expect(result.diagnostics).toMatchObject([
        { agent: "joins", part: 1, cause: { _tag: "AgentPanicked", message: "unlucky" } },
        { agent: "joins", cause: { _tag: "NotPerformed", kind: "tell" } }
      ])
      expect(result.context.find("Doubled", "1")).toBeDefined()
      expect(result.context.find("Doubled", String(batchFacts + 40))).toBeUndefined()
    })
  )
})

describe("a join that cannot be", () => {
  it.effect("fails as other agents do: a throw, what comes later, a key that is none, what is not declared", () =>
    Effect.gen(function* () {
      const errorOf = (options: Parameters<typeof joining>[0]) =>
        Effect.map(runInline(joining(options), {}), ({ error }) => error)
      const fails = (): never => {
        throw new Error("no")
      }
      expect(yield* errorOf({ execute: fails })).toMatchObject({ _tag: "AgentPanicked", agent: "joins", message: "no" })
      for (const [execute, what] of [
        [async () => ({}), "a promise"],
        [() => Effect.succeed({}), "an Effect"]
      ] as const) {
        expect(yield* errorOf({ execute: execute as never })).toMatchObject({
          _tag: "InvalidEffect",
          message: `execute returned ${what}; use a plain function`
        })
      }
      expect(yield* errorOf({ right: [Entry, () => ({})] as never })).toMatchObject({
        _tag: "AgentPanicked",
        message: expect.stringContaining('the right key of agent "joins" gave an object: a key is a text') as string
      })
      expect(yield* errorOf({ execute: () => ({ facts: [num(1)] }) })).toMatchObject({
        _tag: "InvalidEffect",
        message: expect.stringContaining('facts[0] is of kind "Num", which agent "joins" does not declare') as string
      })
    })
  )

  it("is refused when it is defined", () => {
    const define = (options: object) => () => Agent.join("j", options as never)
    const ok = { left: [Num, () => 1], right: [Entry, () => 1], execute: () => ({}) }
    expect(define(ok)).not.toThrow()
    const side = "must be a kind and a function that gives its key, as in [Order, (order) => order.customer]"
    expect(define({ ...ok, left: Num })).toThrow(`agent "j": left ${side}`)
    expect(define({ ...ok, right: [Entry] })).toThrow(`agent "j": right ${side}`)
    expect(define({ ...ok, execute: undefined })).toThrow('agent "j": execute must be a function')
    expect(define({ ...ok, each: Num })).toThrow(/agent "j": .*each/)
    expect(define({ ...ok, placement: "gpu" })).toThrow(/agent "j": placement must be/)
    expect(define({ ...ok, concurrency: 4 })).toThrow('agent "j": concurrency is for fiber agents')
    expect(() => Program.make("p", { input: noInput, agents: [Agent.join("j", ok as never)] })).toThrow(
      /needs the program's module/
    )
  })
})
