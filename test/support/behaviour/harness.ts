/**
 * The shared tools of the behaviour tests: an engine without threads, a few kinds and programs, and ways to wait for a moment
 * of a job without a clock.
 *
 * Boundary: no assertion; real turns of the event loop, never a sleep.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Agent, Engine, Fact, type Job, type JobEvent, JobStore, Program, WorkerPool } from "../../../src/index.ts"
import { viewOf } from "../../../src/job/jobHandle.ts"

/** The engine under test: no threads, nothing durable. */
export const engine = (options?: Engine.EngineOptions): Layer.Layer<Engine.Engine> =>
  Engine.layer(options).pipe(Layer.provide(JobStore.layerMemory), Layer.provide(WorkerPool.layerInline))

/** An engine over a store and a pool whose operations are replaced. */
export const engineOver = (
  replaced: {
    readonly store?: Partial<JobStore.JobStore["Service"]>
    readonly pool?: Partial<WorkerPool.WorkerPool["Service"]>
  },
  options?: Engine.EngineOptions
): Layer.Layer<Engine.Engine> =>
  Engine.layer(options).pipe(
    Layer.provide(
      Layer.effect(
        JobStore.JobStore,
        Effect.map(JobStore.JobStore, (store) => ({ ...store, ...replaced.store }))
      ).pipe(Layer.provide(JobStore.layerMemory))
    ),
    Layer.provide(
      Layer.effect(
        WorkerPool.WorkerPool,
        Effect.map(WorkerPool.WorkerPool, (pool) => ({ ...pool, ...replaced.pool }))
      ).pipe(Layer.provide(WorkerPool.layerInline))
    )
  )

/** An engine in a scope of its own: run effects with it, and close it when the test says so. */
export const openEngine = (layer: Layer.Layer<Engine.Engine>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(layer, scope)
    return {
      service: Context.get(context, Engine.Engine),
      use: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, context),
      close: Scope.close(scope, Exit.void)
    }
  })

/* ---------------------------------------------------------------- kinds */

/** A whole number, one fact for each. */
export const Num = Fact.kind("Num", {
  schema: Schema.Struct({ n: Schema.Int }),
  id: ({ n }) => String(n)
})

/** A text under a key; two texts for one key are a conflict. */
export const Entry = Fact.kind("Entry", {
  schema: Schema.Struct({ key: Schema.String, text: Schema.String }),
  id: ({ key }) => key
})

/** A text under a key; the later one wins. */
export const Cell = Fact.kind("Cell", {
  schema: Schema.Struct({ key: Schema.String, text: Schema.String }),
  id: ({ key }) => key,
  conflict: "keepLast"
})

export const num = (n: number) => Num.of({ n })
export const nums = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => num(from + i))
export const entry = (key: string, text = key) => Entry.of({ key, text })
export const cell = (key: string, text: string) => Cell.of({ key, text })

export const noInput = Schema.Struct({})

/* ---------------------------------------------------------------- programs */

/** Counts from 0 to `to`, one fact a cycle; `before` runs first in each task. */
export const counter = (
  to: number,
  options: {
    readonly before?: ((n: number) => Effect.Effect<void>) | undefined
    readonly budget?: Parameters<typeof Program.make>[1]["budget"]
  } = {}
) =>
  Program.make("counter", {
    input: noInput,
    signals: [Num],
    agents: [
      Agent.make("next", {
        each: Num,
        writes: [Num],
        execute: ({ value: { n } }) =>
          Effect.as(options.before?.(n) ?? Effect.void, { facts: n < to ? [num(n + 1)] : [] })
      })
    ],
    seed: () => [num(0)],
    budget: options.budget,
    output: (view) => view.size(Num)
  })

/** Nothing to do at all. */
export const idle = Program.make("idle", { input: noInput, agents: [], signals: [Num, Entry, Cell] })

/** One agent that waits for ever, and counts how often it began and let go. */
export const stuck = () => {
  const seen = { began: 0, released: 0 }
  const program = Program.make("stuck", {
    input: noInput,
    signals: [Num],
    agents: [
      Agent.make("waits", {
        execute: () =>
          Effect.acquireUseRelease(
            Effect.sync(() => seen.began++),
            () => Effect.never,
            () => Effect.sync(() => seen.released++)
          )
      })
    ],
    kinds: [Num]
  })
  return { program, seen }
}

/* ---------------------------------------------------------------- moments */

/** One real turn of the event loop: immediates, and what they wake, run before it ends. */
export const turn: Effect.Effect<void> = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

export const turns = (count: number): Effect.Effect<void> => Effect.repeat(turn, { times: count - 1 })

/** Lets turns pass until a condition holds. Dies when it never does. */
export const until = (
  condition: (() => boolean) | Effect.Effect<boolean>,
  what = "the condition",
  limit = 20_000
): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let i = 0; i < limit; i++) {
      if (typeof condition === "function" ? condition() : yield* condition) return
      yield* turn
    }
    return yield* Effect.die(new Error(`${what} did not come about in ${limit} turns`))
  })

/** The value of a job's machine as text: `idle`, `running.executing`, `paused` ... */
export const stateOf = (job: Pick<Job.Job<Program.Program.Any>, "actor">): string => {
  const { value } = job.actor.getSnapshot()
  return typeof value === "string" ? value : `running.${value.running}`
}

/** The states in which nothing begins later. `running.executing` is none of them: see `untilAtWork`. */
type Lasting = "awaiting" | "paused" | "converged" | "budgetExhausted" | "failed" | "cancelled"

export const untilState = (job: Pick<Job.Job<Program.Program.Any>, "actor">, state: Lasting): Effect.Effect<void> =>
  until(() => stateOf(job) === state, `the state ${state}`)

/**
 * Waits until so many tasks of a job have begun and have not ended. The state `running.executing` does not say that: at the end
 * of a slice its tasks begin a turn later, and a job that is cancelled in that turn begins none.
 */
export const untilAtWork = (job: object, tasks = 1): Effect.Effect<void> =>
  until(
    Effect.map(presentOf(job), ({ running }) => running.length >= tasks),
    `the beginning of ${tasks} tasks`
  )

/** Waits until so many tasks of a job wait for a permit. */
export const untilWaiting = (job: object, tasks: number): Effect.Effect<void> =>
  until(
    Effect.map(presentOf(job), ({ waiting }) => waiting.filter((task) => task.for === "concurrency").length >= tasks),
    `the wait of ${tasks} tasks for a permit`
  )

/** The tasks of a job at this moment. */
export const presentOf = (job: object) =>
  Effect.suspend(() => viewOf(job)?.present ?? Effect.die(new Error("it is not the handle of a job")))

/** A gate that tasks pass: `arrive` waits in it until it is opened, `arrived` waits for the first to come. */
export const makeGate = () => {
  const opened = Deferred.makeUnsafe<void>()
  const came = Deferred.makeUnsafe<void>()
  return {
    arrive: Effect.andThen(Deferred.succeed(came, undefined), Deferred.await(opened)),
    arrived: Deferred.await(came),
    open: Effect.asVoid(Deferred.succeed(opened, undefined))
  }
}

/** All events of a job, to its end. */
export const eventsOf = (job: {
  readonly events: Stream.Stream<JobEvent.JobEvent>
}): Effect.Effect<ReadonlyArray<JobEvent.JobEvent>> => Stream.runCollect(job.events)

export const tagsOf = (events: ReadonlyArray<{ readonly _tag: string }>): ReadonlyArray<string> =>
  events.map(({ _tag }) => _tag)

/** Exits with the failure as a value; a defect or an interrupt stays one. */
export const failure = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.flatMap(Effect.result(effect), (result) =>
    result._tag === "Failure" ? Effect.succeed(result.failure) : Effect.die(new Error("it succeeded"))
  )

/** As `failure`, of an effect whose job began: the error carries what the job came to. */
export const ended = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<Extract<E, { readonly partial: object }>, never, R> =>
  Effect.flatMap(failure(effect), (error) =>
    typeof error === "object" && error !== null && "partial" in error && error.partial !== undefined
      ? Effect.succeed(error as Extract<E, { readonly partial: object }>)
      : Effect.die(error)
  )

/** A program of which only its input is still known: none. For tables of programs. */
export const anyProgram = (program: unknown) => program as typeof idle
