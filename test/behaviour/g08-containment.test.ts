/**
 * G8: containment. What an agent does wrong is its own task's end, never that of another agent, another job or the
 * process. First CPU agents on worker threads, then fiber agents.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { Agent, Engine, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { counter, engine, failure, noInput, num, Num, turns } from "../support/behaviour/harness.ts"
import { deeds, hostileProgram, Left, Sum } from "../support/behaviour/hostile.ts"
import { discardAll } from "../support/core/lenient.ts"

/** An engine with two threads. */
const threads = Engine.layer().pipe(
  Layer.provide(JobStore.layerMemory),
  Layer.provide(WorkerPool.layer({ size: 2, heapLimitMb: 96 }))
)

const sums = [1, 2, 3, 4, 5, 6].map((n) => {
  let sum = 0
  for (let i = 0; i <= 1_000 * n; i++) sum = (sum + i) % 1_000_003
  return sum
})

const causes: Readonly<Record<string, object | undefined>> = {
  loop: { _tag: "AgentTimedOut", agent: "hostile", cycle: 1, timeoutMs: 400 },
  exit: { _tag: "WorkerCrashed", agent: "hostile", cycle: 1, exitCode: 1 },
  throw: { _tag: "AgentPanicked", agent: "hostile", cycle: 1, message: "on purpose" },
  heap: { _tag: "AgentOutOfMemory", agent: "greedy", cycle: 1, limitMb: 96 },
  function: { _tag: "InvalidEffect", agent: "hostile", cycle: 1 },
  cycle: { _tag: "InvalidEffect", agent: "hostile", cycle: 1 },
  promise: { _tag: "InvalidEffect", agent: "hostile", cycle: 1, message: expect.stringContaining("promise") },
  unknown: { _tag: "InvalidEffect", agent: "hostile", cycle: 1, message: expect.stringContaining('"Part"') },
  // These two had returned before what they left behind went wrong: that is the thread's end, not theirs.
  timer: undefined,
  rejection: undefined
}

describe("a CPU agent on a worker thread", () => {
  it.live(
    "each of its deeds ends its own task alone, and the six beside it are unharmed",
    () =>
      Effect.gen(function* () {
        for (const deed of deeds) {
          const result = yield* Engine.run(hostileProgram, { deeds: [deed] })
          expect(result.status, deed).toBe("converged")
          expect(result.output, deed).toEqual(sums)
          const cause = causes[deed]
          expect(result.diagnostics, deed).toMatchObject(cause === undefined ? [] : [{ each: { id: deed }, cause }])
          expect(result.context.size(Left), deed).toBe(cause === undefined ? 1 : 0)
        }
      }).pipe(Effect.provide(threads)),
    60_000
  )

  it.live(
    "an endless loop is stopped at its deadline",
    () =>
      Effect.gen(function* () {
        // The threads are there already when the deadline counts.
        yield* Engine.run(hostileProgram, { deeds: [] })
        const began = performance.now()
        const result = yield* Engine.run(hostileProgram, { deeds: ["loop"] })
        expect(result).toMatchObject({ output: sums, diagnostics: [{ cause: causes["loop"] }] })
        expect(performance.now() - began).toBeGreaterThan(400)
        // The margin of a noisy machine; what is claimed is a benchmark's.
        expect(performance.now() - began - 400).toBeLessThan(2_000)
      }).pipe(Effect.provide(threads)),
    { timeout: 60_000, retry: 3 }
  )

  it.live(
    "all deeds in one cycle, beside each other, each get their own cause",
    () =>
      Effect.gen(function* () {
        const result = yield* Engine.run(hostileProgram, { deeds: [...deeds] })
        expect(result.output).toEqual(sums)
        const expected = deeds.flatMap((deed) =>
          causes[deed] === undefined ? [] : [{ each: { id: deed }, cause: causes[deed] }]
        )
        expect(result.diagnostics).toMatchObject(expected)
        expect(result.context.all(Left).map(({ id }) => id)).toEqual(["timer", "rejection"])
        expect(result.context.size(Sum)).toBe(6)
      }).pipe(Effect.provide(threads)),
    60_000
  )

  it.live(
    "other jobs on the same pool do not notice",
    () =>
      Effect.gen(function* () {
        const bad = yield* Engine.start(hostileProgram, { deeds: ["loop", "exit", "heap", "timer"] })
        const good = yield* Effect.forEach([1, 2, 3], () => Engine.start(hostileProgram, { deeds: [] }))
        for (const job of good) expect((yield* job.result).output).toEqual(sums)
        expect((yield* bad.result).output).toEqual(sums)
      }).pipe(Effect.provide(threads)),
    60_000
  )

  it.live(
    "a cancelled job lets go of a thread that loops, and the next one has it",
    () =>
      Effect.gen(function* () {
        const job = yield* Engine.start(hostileProgram, { deeds: ["loop"] })
        const claimed = Deferred.makeUnsafe<void>()
        job.actor.subscribe(({ value }) => {
          if (typeof value === "object" && value.running === "executing") Deferred.doneUnsafe(claimed, Effect.void)
        })
        yield* Deferred.await(claimed)
        yield* turns(20)
        yield* job.cancel
        expect(yield* failure(job.result)).toMatchObject({ _tag: "JobCancelled", partial: { version: 7 } })
        expect((yield* Engine.run(hostileProgram, { deeds: [] })).output).toEqual(sums)
      }).pipe(Effect.provide(threads)),
    60_000
  )
})

describe("a fiber agent", () => {
  /** Does its worst beside a counter that takes some turns for each step. */
  const beside = (execute: () => unknown) =>
    Program.make("beside", {
      input: noInput,
      agents: [
        Agent.make("good", {
          each: Num,
          writes: [Num],
          execute: ({ value: { n } }) => Effect.as(turns(3), { facts: n < 3 ? [num(n + 1)] : [] })
        }),
        Agent.make("bad", { onFailure: discardAll, execute: execute as () => Effect.Effect<{}> })
      ],
      seed: () => [num(0)],
      output: (view) => view.size(Num)
    })

  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error("not mine")
      }
    }
  )

  const worst: ReadonlyArray<readonly [string, () => unknown, object]> = [
    ["fails", () => Effect.fail("no"), { _tag: "AgentFailed", error: "no" }],
    ["dies", () => Effect.die(new Error("boom")), { _tag: "AgentPanicked", message: "boom" }],
    [
      "throws before there is an effect",
      () => {
        throw new Error("boom")
      },
      { _tag: "AgentPanicked", message: "boom" }
    ],
    [
      "throws inside a promise",
      () => Effect.promise(() => Promise.reject(new Error("boom"))),
      { _tag: "AgentPanicked", message: "boom" }
    ],
    ["interrupts itself", () => Effect.interrupt, { _tag: "AgentPanicked", message: "the agent interrupted itself" }],
    [
      "interrupts its own fiber",
      () =>
        Effect.andThen(
          Effect.withFiber((fiber) => Effect.sync(() => fiber.interruptUnsafe())),
          turns(2)
        ),
      { _tag: "AgentPanicked", message: "the agent interrupted itself" }
    ],
    [
      "returns nothing",
      () => undefined,
      { _tag: "InvalidEffect", message: "execute returned undefined, not an Effect" }
    ],
    [
      "returns a promise",
      async () => ({}),
      { _tag: "InvalidEffect", message: "execute returned a promise, not an Effect" }
    ],
    ["returns an effect's data, not an effect", () => ({ facts: [] }), { _tag: "InvalidEffect" }],
    [
      "goes on with what is no effect",
      () => Effect.flatMap(Effect.void, () => undefined as never),
      { _tag: "AgentPanicked" }
    ],
    ["succeeds with nothing", () => Effect.succeed(undefined), { _tag: "InvalidEffect" }],
    ["succeeds with null", () => Effect.succeed(null), { _tag: "InvalidEffect" }],
    ["succeeds with a list", () => Effect.succeed([num(1)]), { _tag: "InvalidEffect" }],
    ["succeeds with a promise", () => Effect.succeed(Promise.resolve({}) as object), { _tag: "InvalidEffect" }],
    [
      "has a key too many",
      () => Effect.succeed({ facts: [], fact: 1 }),
      { _tag: "InvalidEffect", message: expect.stringContaining('"fact"') }
    ],
    [
      "proposes an undeclared kind",
      () => Effect.succeed({ facts: [num(9)] }),
      { _tag: "InvalidEffect", message: expect.stringContaining('"Num"') }
    ],
    ["gives facts that are no list", () => Effect.succeed({ facts: "many" }), { _tag: "InvalidEffect" }],
    [
      "evaluates what does not exist",
      () => Effect.succeed({ evaluations: [{ fact: { kind: "Num", id: "x" }, score: 1, reason: "" }] }),
      { _tag: "InvalidEffect" }
    ],
    [
      "scores out of range",
      () => Effect.succeed({ evaluations: [{ fact: { kind: "Num", id: "0" }, score: 2, reason: "" }] }),
      { _tag: "InvalidEffect" }
    ],
    [
      "wishes for what is no data",
      () => Effect.succeed({ intents: [{ kind: "x", payload: () => 1 }] }),
      { _tag: "InvalidEffect" }
    ],
    ["gives an object that resists", () => Effect.succeed(proxy), { _tag: "AgentPanicked", message: "not mine" }],
    [
      "gives a getter that throws",
      () =>
        Effect.succeed({
          get facts() {
            throw new Error("not mine")
          }
        }),
      { _tag: "AgentPanicked", message: "not mine" }
    ]
  ]

  it.effect.each(worst)("that %s ends its own task alone", ([, execute, cause]) =>
    Effect.gen(function* () {
      const result = yield* Engine.run(beside(execute), {})
      expect(result).toMatchObject({ status: "converged", output: 4 })
      expect(result.diagnostics).toMatchObject([
        { agent: "bad", cycle: 1, cause: { agent: "bad", cycle: 1, ...cause } }
      ])
    }).pipe(Effect.provide(engine()))
  )

  it.effect.each(worst)("that %s leaves another job alone", ([, execute]) =>
    Effect.gen(function* () {
      const other = yield* Engine.start(counter(8, { before: () => turns(1) }), {})
      const bad = yield* Effect.forkChild(Effect.exit(Engine.run(beside(execute), {})), { startImmediately: true })
      expect((yield* other.result).output).toBe(9)
      yield* Fiber.join(bad)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a defect in a fiber that an agent left in the job's scope is nobody's end", () =>
    Effect.gen(function* () {
      const program = beside(() => Effect.as(Effect.forkScoped(Effect.andThen(turns(2), Effect.die("late"))), {}))
      const result = yield* Engine.run(program, {})
      expect(result).toMatchObject({ status: "converged", output: 4, diagnostics: [] })
    }).pipe(Effect.provide(engine()))
  )
})
