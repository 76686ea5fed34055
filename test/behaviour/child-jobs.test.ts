/** Child jobs (CH1 to CH6): an intent starts a job of another program, whose end comes back as a fact. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Engine, Intent, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { asksOnWorker, half } from "../support/modules/intentsOnWorkers.ts"
import { engineWith } from "../support/behaviour/intents.ts"
import {
  anyProgram,
  ended,
  eventsOf,
  noInput,
  num,
  Num,
  tagsOf,
  turns,
  until,
  untilState
} from "../support/behaviour/harness.ts"

/** Doubles a number, or fails. */
const double = Program.make("double", {
  input: Schema.Struct({ n: Schema.Int }),
  agents: [
    Agent.make("doubles", {
      each: Num,
      writes: [Num],
      execute: ({ value: { n } }) =>
        n < 0
          ? Effect.fail({ _tag: "Negative", n })
          : n >= 1000
            ? Effect.succeed({})
            : Effect.succeed({ facts: [num(n * 2 + 1000)] })
    })
  ],
  seed: ({ n }) => [num(n)],
  output: (view) => ({ sum: view.all(Num).reduce((sum, { value }) => sum + value.n, 0) })
})

const parent = (intents: ReadonlyArray<{ readonly kind: string; readonly payload: unknown }>) =>
  Program.make("parent", {
    input: noInput,
    agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents }) })],
    output: (view) => view.all(Intent.ChildResult).map(({ value }) => value)
  })

const world = engineWith({ children: [double] })

describe("a child job", () => {
  it.effect("is started by an intent, and its end is a fact", () =>
    Effect.gen(function* () {
      const program = parent([Intent.child(double, { n: 1 }, { id: "one" }), Intent.child(double, { n: 2 })])
      const job = yield* Engine.start(program, {}, { id: "job" })
      const result = yield* job.result
      const alone = yield* Engine.run(double, { n: 1 })
      expect(result.output).toEqual([
        {
          child: "one",
          key: "1/asks//0",
          program: "double",
          status: "converged",
          hash: alone.hash,
          output: { sum: 1003 },
          error: null
        },
        expect.objectContaining({ child: "1/asks//1", key: "1/asks//1", output: { sum: 1006 } })
      ])
      expect(tagsOf(yield* eventsOf(job))).toEqual([
        ...[
          "JobStarted",
          "CycleStarted",
          "TaskSucceeded",
          "IntentCommitted",
          "IntentCommitted",
          "JobAwaiting",
          "JobResumed"
        ],
        ...["CycleStarted", "SignalAdmitted", "IntentAnswered", "FactsCommitted"],
        ...["SignalAdmitted", "IntentAnswered", "FactsCommitted", "TierConverged", "JobHalted"]
      ])
      const other = yield* Engine.run(program, {}, { id: "other" })
      expect(other.hash).toBe(result.hash)
    }).pipe(Effect.provide(world))
  )

  it.effect("that fails ends its parent, or is reported", () =>
    Effect.gen(function* () {
      const error = { _tag: "AgentFailed", agent: "doubles", cycle: 1, error: { _tag: "Negative", n: -1 } }
      const halts = yield* ended(Engine.run(parent([Intent.child(double, { n: -1 })]), {}, { id: "job" }))
      expect(halts).toMatchObject({ _tag: "IntentFailed", kind: "ChildJob", key: "job/1/asks//0", error })
      const intents = [Intent.child(double, { n: -1 }, { onFailure: "report", id: "x" })]
      const reports = yield* Engine.run(parent(intents), {}, { id: "job 2" })
      expect(reports.output).toMatchObject([{ child: "x", status: "failed", output: null, error }])
      expect(JSON.stringify(reports.output)).not.toContain("jobId")
      const budget = [Intent.child(double, { n: 1 }, { onFailure: "report", budget: { maxFacts: 1 } })]
      const exhausted = yield* Engine.run(parent(budget), {})
      expect(exhausted.output).toMatchObject([{ status: "budget-exhausted", error: { _tag: "BudgetExhausted" } }])
    }).pipe(Effect.provide(world))
  )

  it.effect("of a program that the engine does not have, or that was not made by Intent.child, ends its parent", () =>
    Effect.gen(function* () {
      const unknown = Program.make("unknown", { input: noInput, agents: [] })
      const intents = [
        [
          Intent.child(unknown, {}),
          { _tag: "UnknownProgram", message: expect.stringContaining('"unknown"') as string }
        ],
        [{ kind: "ChildJob", payload: { name: "double" } }, { _tag: "InvalidIntent" }],
        [{ kind: "ChildJob", payload: { program: "double", input: { n: "1" } } }, { _tag: "InvalidInput" }],
        [
          { kind: "ChildJob", payload: { program: "double", input: { n: 1 }, budget: { maxFacts: -1 } } },
          { _tag: "InvalidInput" }
        ]
      ] as const
      for (const [intent, error] of intents) {
        expect(yield* ended(Engine.run(parent([intent]), {}))).toMatchObject({ _tag: "IntentFailed", error })
      }
    }).pipe(Effect.provide(world))
  )

  it("is refused where it is asked for with what cannot work", () => {
    expect(() => Intent.child(double, { n: 0.5 })).toThrow(/input/)
    expect(() => Intent.child(anyProgram({}), {})).toThrow(/Program.make/)
    expect(() => Intent.child(double, { n: 1 }, { id: "" })).toThrow(/id must/)
    expect(() => Intent.child(double, { n: 1 }, { onFailure: "ignore" as "halt" })).toThrow(/onFailure/)
    expect(() => Intent.child(double, { n: 1 }, { onFailur: "halt" } as object)).toThrow(/did you mean "onFailure"/)
    expect(() => Intent.child(double, { n: 1 }, { budget: { maxFacts: NaN } })).toThrow(/budget\.maxFacts.*not NaN/)
    expect(() => Intent.child(double, { n: 1 }, { budget: { maxFact: 1 } as object })).toThrow(/"maxFacts"/)
  })

  const failing = Program.make("failing", {
    input: noInput,
    agents: [Agent.make("asks", { execute: () => Effect.succeed({ intents: [Intent.child(double, { n: -1 })] }) })]
  })
  const seen = { began: 0, released: 0 }
  const stuck = Program.make("stuck", {
    input: noInput,
    agents: [
      Agent.make("waits", {
        execute: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => seen.began++),
            () => Effect.never,
            () =>
              Effect.andThen(
                turns(2),
                Effect.sync(() => seen.released++)
              )
          )
      })
    ]
  })

  it.effect("is cancelled with its parent, which waits for it", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(parent([Intent.child(stuck, {})]), {}, { id: "job" })
      yield* untilState(job, "awaiting")
      yield* until(() => seen.began === 1)
      const { live } = yield* Engine.Engine
      expect(yield* live).toEqual([
        { jobId: "job", program: "parent" },
        { jobId: "job/1/asks//0", program: "stuck" }
      ])
      yield* job.cancel
      expect(seen.released).toBe(1)
      expect(yield* live).toEqual([])
    }).pipe(Effect.provide(engineWith({ programs: [stuck] })))
  )

  it.effect("leaves no job's id in what its parent hashes and tells, however deep it fails", () =>
    Effect.gen(function* () {
      const program = parent([Intent.child(failing, {}, { onFailure: "report" }), Intent.child(double, { n: 1 })])
      const [one, two] = yield* Effect.forEach(["one", "another"], (id) =>
        Effect.gen(function* () {
          const job = yield* Engine.start(program, {}, { id })
          const result = yield* job.result
          return { hash: result.hash, output: result.output, events: JSON.stringify(yield* eventsOf(job)) }
        })
      )
      expect(two).toEqual(one)
      expect(one?.output[0]).toMatchObject({
        error: { _tag: "IntentFailed", key: "1/asks//0", error: { _tag: "AgentFailed", error: { _tag: "Negative" } } }
      })
    }).pipe(Effect.provide(engineWith({ children: [failing, double] })))
  )

  it.live("may be asked for by a CPU agent on a worker, as may an approval", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(asksOnWorker, {})
      expect(result.output).toEqual({ halves: [4], decided: [["timeout", true]] })
    }).pipe(
      Effect.provide(
        Engine.layer({ children: [half] }).pipe(
          Layer.provide(WorkerPool.layer({ size: 1 })),
          Layer.provide(JobStore.layerMemory)
        )
      )
    )
  )

  it.effect("that is cancelled by itself is a failure like others", () =>
    Effect.gen(function* () {
      const job = yield* Engine.start(parent([Intent.child(stuck, {}, { onFailure: "report" })]), {}, { id: "job" })
      yield* until(() => seen.began === 2)
      const child = yield* Engine.Engine.use((engine) => engine.resume(stuck, "job/1/asks//0"))
      yield* child.cancel
      expect((yield* job.result).output).toMatchObject([
        { status: "cancelled", error: { _tag: "JobCancelled", cycle: 0 } }
      ])
    }).pipe(Effect.provide(engineWith({ children: [stuck] })))
  )

  it.effect("needs no place of its own, however deep", () =>
    Effect.gen(function* () {
      const nested: Program.Program.Any = Program.make("nested", {
        input: Schema.Struct({ n: Schema.Int }),
        agents: [
          Agent.make("asks", {
            each: Num,
            execute: ({ value: { n } }) =>
              Effect.succeed({ intents: n > 0 ? [Intent.child(nested as typeof double, { n: n - 1 })] : [] })
          })
        ],
        seed: ({ n }) => [num(n)],
        output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.output)
      })
      const result = yield* Effect.provide(
        Engine.run(nested as typeof double, { n: 3 }),
        engineWith({ children: [nested], maxRunningJobs: 1 })
      )
      expect(result.output).toEqual([[[[]]]])
    })
  )

  it.effect("is started however many jobs run and wait, so that its parent can end", () =>
    Effect.gen(function* () {
      const holder = yield* Engine.start(stuck, {}, { id: "holder" })
      const asks = parent([Intent.child(double, { n: 1 })])
      const jobs = yield* Effect.forEach(["a", "b"], (id) => Engine.start(asks, {}, { id }))
      expect((yield* jobs[1]!.status).state).toBe("queued")
      expect((yield* jobs[0]!.result).output).toHaveLength(1)
      expect((yield* jobs[1]!.result).output).toHaveLength(1)
      yield* holder.cancel
    }).pipe(Effect.provide(engineWith({ children: [double], maxRunningJobs: 2, maxQueuedJobs: 1 })))
  )

  it.effect("is started however large the contexts of live jobs are", () =>
    Effect.gen(function* () {
      const asks = Program.make("asks", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            each: Num,
            execute: () => Effect.succeed({ intents: [Intent.child(double, { n: 1 })] })
          })
        ],
        seed: () => [num(0)],
        output: (view) => view.size(Intent.ChildResult)
      })
      expect((yield* Engine.run(asks, {})).output).toBe(1)
    }).pipe(Effect.provide(engineWith({ children: [double], maxLiveContextBytes: 1 })))
  )

  it.effect("waits where as many children are under way as may be", () =>
    Effect.gen(function* () {
      const before = seen.began
      const first = yield* Engine.start(parent([Intent.child(stuck, {})]), {}, { id: "first" })
      yield* until(() => seen.began > before)
      const second = yield* Engine.start(parent([Intent.child(double, { n: 1 })]), {}, { id: "second" })
      yield* untilState(second, "awaiting")
      yield* turns(20)
      const { live } = yield* Engine.Engine
      expect((yield* live).map(({ jobId }) => jobId)).toEqual(["first", "first/1/asks//0", "second"])
      yield* first.cancel
      expect((yield* second.result).output).toHaveLength(1)
    }).pipe(Effect.provide(engineWith({ children: [stuck, double], maxChildJobs: 1 })))
  )

  it.effect("does not wait for what its own children need", () =>
    Effect.gen(function* () {
      const middle = parent([Intent.child(double, { n: 1 })])
      const top = Program.make("top", {
        input: noInput,
        agents: [
          Agent.make("asks", {
            execute: () => Effect.succeed({ intents: [Intent.child(middle, {}), Intent.child(middle, {})] })
          })
        ],
        output: (view) => view.all(Intent.ChildResult).map(({ value }) => value.status)
      })
      const result = yield* Effect.provide(
        Engine.run(top, {}),
        engineWith({ children: [middle, double], maxChildJobs: 1 })
      )
      expect(result.output).toEqual(["converged", "converged"])
    })
  )
})
