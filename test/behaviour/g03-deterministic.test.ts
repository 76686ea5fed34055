/**
 * G3, deterministic: context, hash, event log and result (times aside) are the same for any number of workers and any order
 * in which tasks end. That this property can fail is shown by g03-mutation.test.ts.
 */
import { describe, expect, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { Agent, Canonical, Engine, Fact, type JobEvent, Program, WorkerPool } from "../../src/index.ts"
import { completed, disorderlyPool, disturbWith } from "../support/core/chaos.ts"
import { comparable, discarded, engineInline, engineOn, runInline, runToEnd } from "../support/core/run.ts"
import { numbered } from "../support/core/ledger.ts"
import { fatal, synthetic } from "../support/core/synthetic.ts"
import { eraseKind } from "../../src/program/erased.ts"
import { discardAll } from "../support/core/lenient.ts"

const seeds = 200
const workers = [1, 2, 4] as const

/** One run of a program whose tasks end in the order that a seed decides; `null`: in the order in which they begin. */
const runWith = (program: typeof synthetic, seed: number | null) =>
  Effect.gen(function* () {
    disturbWith(seed)
    const end = yield* runToEnd(program, { from: program === fatal ? 4 : 1 }, { id: "job" })
    return { ...comparable(end), order: completed(), end }
  })

/** The run that all others have to equal: an undisturbed one. */
const expected = (program: typeof synthetic) => Effect.provide(runWith(program, null), engineInline)

const check = (program: typeof synthetic, seed: number, as: Effect.Success<ReturnType<typeof expected>>) =>
  Effect.map(runWith(program, seed), ({ events, hash, order, result }) => {
    const label = `seed ${seed}`
    expect(`${label}: ${hash}`).toBe(`${label}: ${as.hash}`)
    expect(`${label}: ${events}`).toBe(`${label}: ${as.events}`)
    expect(`${label}: ${result}`).toBe(`${label}: ${as.result}`)
    return order
  })

describe("the job that is run", () => {
  it.live("has in it what could depend on order", () =>
    Effect.gen(function* () {
      const { end } = yield* expected(synthetic)
      expect(end.error).toBeUndefined()
      const causes = new Set(end.result.diagnostics.map(({ cause }) => cause._tag))
      expect([...causes].sort()).toEqual([
        "AgentFailed",
        "AgentPanicked",
        "InvalidEffect",
        "InvariantViolated",
        "MergeConflict",
        "NotPerformed"
      ])
      const tags = new Set(end.events.map(({ _tag }) => _tag))
      for (const tag of ["EvaluationsCommitted", "IntentCommitted", "InvariantRepaired", "TierConverged"] as const) {
        expect(tags).toContain(tag)
      }
      const revised = end.result.context.facts().filter(({ provenance }) => provenance.cycle > 2)
      expect(revised.length).toBeGreaterThan(5)
      const ofFatal = yield* expected(fatal)
      expect(ofFatal.end.error).toMatchObject({ _tag: "AgentPanicked", agent: "unlucky-cpu", cycle: 2 })
      expect(discarded(ofFatal.end.result)).toContainEqual(["unlucky", "InvalidEffect"])
    })
  )
})

layer(Layer.empty, { excludeTestServices: true })("any order of completion", (it) => {
  it.effect(
    `gives the same hash, event log and result, for ${seeds} seeds without threads`,
    () =>
      Effect.gen(function* () {
        const as = yield* expected(synthetic)
        const orders = new Set([as.order])
        const engine = yield* Layer.build(engineOn(disorderlyPool))
        for (let seed = 1; seed <= seeds; seed++) orders.add(yield* Effect.provide(check(synthetic, seed, as), engine))
        // Or else nothing was shuffled.
        expect(orders.size).toBeGreaterThan(seeds * 0.9)
      }).pipe(Effect.scoped),
    60_000
  )

  it.effect(
    `gives the same hash, event log and result, for ${seeds} seeds on ${workers.join(", ")} workers`,
    () =>
      Effect.gen(function* () {
        const as = yield* expected(synthetic)
        const engines = yield* Effect.forEach(workers, (size) =>
          Layer.build(engineOn(WorkerPool.layer({ size, execArgv: [] })))
        )
        for (let seed = 1; seed <= seeds; seed++) {
          yield* Effect.provide(check(synthetic, seed, as), engines[seed % engines.length]!)
        }
      }).pipe(Effect.scoped),
    120_000
  )

  it.effect(
    "gives the same end to a job that fails, and the same rest",
    () =>
      Effect.gen(function* () {
        const as = yield* expected(fatal)
        const pools = [disorderlyPool, ...workers.map((size) => WorkerPool.layer({ size, execArgv: [] }))]
        const engines = yield* Effect.forEach(pools, (pool) => Layer.build(engineOn(pool)))
        for (let seed = 1; seed <= 20; seed++) {
          for (const engine of engines) yield* Effect.provide(check(fatal, seed, as), engine)
        }
      }).pipe(Effect.scoped),
    60_000
  )

  it.effect("gives the same to jobs that run at the same time on one engine", () =>
    Effect.gen(function* () {
      const as = yield* expected(synthetic)
      const engine = yield* Layer.build(engineOn(WorkerPool.layer({ size: 2, execArgv: [] })))
      disturbWith(1)
      const ends = yield* Effect.forEach(
        Array.from({ length: 12 }, (_, n) => `job-${n}`),
        (id) => Effect.provide(runToEnd(synthetic, { from: 1 }, { id }), engine),
        { concurrency: "unbounded" }
      )
      for (const end of ends) {
        const { events, hash, result } = comparable(end)
        expect(hash).toBe(as.hash)
        expect(events).toBe(as.events)
        expect(result.replaceAll(/job-\d+/g, "job")).toBe(as.result)
      }
    }).pipe(Effect.scoped)
  )
})

/* ---------------------------------------------------------------- what the hash covers */

const Thing = numbered("Thing")
const empty = Schema.Struct({})
const hashOf = <P extends Program.Program.Any>(
  program: P,
  input: Program.Program.Input<P>,
  options?: Engine.StartOptions
) => Effect.map(runInline(program, input, options), ({ result }) => result.hash) as Effect.Effect<string>

describe("the hash", () => {
  const Input = Schema.Struct({ a: Schema.Finite, b: Schema.optional(Schema.Finite) })
  const programOf = (change: {
    readonly name?: string
    readonly seed?: number
    readonly fact?: number
    readonly intent?: unknown
    readonly score?: number
    readonly trace?: unknown
    readonly budget?: number
    readonly tokens?: number
    readonly message?: string
    readonly fails?: boolean
    readonly agent?: string
  }) =>
    Program.make(change.name ?? "p", {
      input: Input,
      kinds: [Thing],
      budget: { maxCycles: change.budget ?? 50 },
      seed: () => [Thing.of({ id: "seed", n: change.seed ?? 0 })],
      agents: [
        Agent.make(change.agent ?? "one", {
          reads: [Thing],
          writes: [Thing],
          execute: () =>
            Effect.succeed({
              facts: [Thing.of({ id: "fact", n: change.fact ?? 0 })],
              intents: [{ kind: "tell", payload: change.intent ?? 0 }],
              evaluations: [{ fact: { kind: "Thing", id: "seed" }, score: change.score ?? 0, reason: "r" }],
              trace: change.trace ?? 0,
              usage: { tokens: change.tokens ?? 0 }
            })
        }),
        Agent.make("two", {
          onFailure: discardAll,
          execute: () => (change.fails ? Effect.succeed({}) : Effect.die(new Error(change.message ?? "m")))
        })
      ]
    })

  const same: ReadonlyArray<readonly [string, Parameters<typeof programOf>[0], Engine.StartOptions]> = [
    ["the job's id", {}, { id: "another" }],
    ["budgets", { budget: 60 }, { budget: { maxFacts: 99 } }],
    ["traces", { trace: { why: "other" } }, {}],
    ["messages and stacks", { message: "another" }, {}],
    ["usage", { tokens: 9 }, {}]
  ]
  for (const [what, change, options] of same) {
    it.effect(`does not depend on ${what}`, () =>
      Effect.gen(function* () {
        expect(yield* hashOf(programOf(change), { a: 1 }, options)).toBe(yield* hashOf(programOf({}), { a: 1 }))
      })
    )
  }

  const other: ReadonlyArray<readonly [string, Parameters<typeof programOf>[0]]> = [
    ["the program's name", { name: "q" }],
    ["the seeds", { seed: 1 }],
    ["the facts", { fact: 1 }],
    ["the intents", { intent: 1 }],
    ["the evaluations", { score: 1 }],
    ["who it was", { agent: "uno" }],
    ["what was discarded", { fails: true }]
  ]
  for (const [what, change] of other) {
    it.effect(`depends on ${what}`, () =>
      Effect.gen(function* () {
        expect(yield* hashOf(programOf(change), { a: 1 })).not.toBe(yield* hashOf(programOf({}), { a: 1 }))
      })
    )
  }

  it.effect("depends on the input's value, not on how it is written", () =>
    Effect.gen(function* () {
      const hash = yield* hashOf(programOf({}), { a: 1 })
      expect(yield* hashOf(programOf({}), { a: 2 })).not.toBe(hash)
      expect(yield* hashOf(programOf({}), { b: undefined, a: 1 })).toBe(hash)
      expect(yield* hashOf(programOf({}), { b: 1, a: 1 })).toBe(yield* hashOf(programOf({}), { a: 1, b: 1 }))
    })
  )

  it.effect("is a chain over canonical texts: from the beginning, row after row", () =>
    Effect.gen(function* () {
      const program = Program.make("chain", {
        input: Schema.Struct({ from: Schema.Finite }),
        agents: [
          Agent.make("next", {
            each: Thing,
            writes: [Thing],
            onFailure: discardAll,
            execute: ({ value: { n } }) =>
              n === 3
                ? Effect.die(new Error("three"))
                : Effect.succeed({ facts: [Thing.of({ id: `t${n + 1}`, n: n + 1 })] })
          })
        ],
        seed: ({ from }) => [Thing.of({ id: "t1", n: from })]
      })
      const { events, result } = yield* runInline(program, { from: 1 })
      const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")
      const h0 = sha256(
        Canonical.canonicalText({
          format: 1,
          program: "chain",
          context: null,
          input: { from: 1 },
          seeds: [{ kind: "Thing", value: { id: "t1", n: 1 } }]
        })
      )
      expect(events[0]).toMatchObject({ _tag: "JobStarted", hash: h0 })
      const row = (cycle: number, outcome: object) =>
        Canonical.canonicalText({ cycle, tier: 0, signals: [], violations: [], outcomes: [outcome] })
      const next = (n: number, rest: object) => ({ agent: "next", each: ["Thing", `t${n}`], ...rest })
      const added = (n: number) => ({
        facts: [{ kind: "Thing", value: { id: `t${n}`, n } }],
        intents: [],
        evaluations: []
      })
      const h1 = sha256(`${h0}\n${row(1, next(1, added(2)))}`)
      const h2 = sha256(`${h1}\n${row(2, next(2, added(3)))}`)
      const h3 = sha256(`${h2}\n${row(3, next(3, { discarded: "AgentPanicked" }))}`)
      expect(result.hash).toBe(h3)
      expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", hash: h3 })
    })
  )

  it.live("of the synthetic job is this one, on every machine and in every version of this format", () =>
    Effect.map(expected(synthetic), ({ hash }) => {
      expect(hash).toBe("106688aad92a30163ae6d281256c8853fa337dd9f1011f93b896c80c4dda4c18")
    })
  )
})

describe("the event log", () => {
  it.live("is numbered without gaps, and holds no time, stack or job id", () =>
    Effect.gen(function* () {
      const { end, events } = yield* expected(synthetic)
      expect(end.events.map(({ seq }) => seq)).toEqual(end.events.map((_, index) => index + 1))
      expect(events).not.toMatch(/"stack"|"jobId"|"at":\d{5}|"durationMs"|\.ts:\d/)
      const cycles = end.events.map(({ cycle }) => cycle)
      expect(cycles).toEqual([...cycles].sort((a, b) => a - b))
    })
  )

  it.live("is read the same by everybody, however late", () =>
    Effect.gen(function* () {
      const read = (events: ReadonlyArray<JobEvent.JobEvent>) => JSON.stringify(events)
      const job = yield* Engine.start(synthetic, { from: 1 }, { id: "job" })
      const live = yield* Stream.runCollect(job.events)
      const late = yield* Stream.runCollect(job.events)
      expect(read(late)).toBe(read(live))
    }).pipe(Effect.provide(engineInline))
  )
})

describe("what an agent proposes", () => {
  it.effect("is validated and given its id where it ran, and is the same value on every thread", () =>
    Effect.gen(function* () {
      const Odd = Fact.kind("Odd", {
        schema: Schema.Struct({ n: Schema.Number, note: Schema.Union([Schema.Number, Schema.String]) }),
        id: (odd) => `${odd.n} ${typeof odd.note}`
      })
      const program = Program.make("p", {
        input: empty,
        agents: [
          Agent.make("a", {
            writes: [Odd],
            execute: () =>
              Effect.succeed({ facts: [Odd.of({ n: -0, note: "NaN" }), Odd.of({ n: Number.NaN, note: 1 })] })
          })
        ]
      })
      const { result } = yield* runInline(program, {})
      const { codec } = eraseKind(Odd)
      for (const { fact, text } of result.context.encoded()) {
        expect(codec.decode(text)).toStrictEqual(fact.value)
        expect(Odd.id(codec.decode(text) as never)).toBe(fact.id)
      }
    })
  )
})
