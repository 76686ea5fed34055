/**
 * Runs a job whose facts arrive in parts, in a process that is killed as often as a plan says: part 0 as its seeds, the others as
 * signals, each at the fixed point of those before. A killed process is followed by the next one, which sends again what was not
 * committed.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { Engine, type Job, type JobContext, JobStore, type Program, WorkerPool } from "../../../src/index.ts"
import { brokenOff, journalStore } from "./durable.ts"

type Store = JobStore.JobStore["Service"]
export type Pool = WorkerPool.WorkerPool["Service"]

export const engineOver = (store: Store, pool: Pool) =>
  Layer.fresh(
    Engine.layer().pipe(
      Layer.provide(Layer.succeed(JobStore.JobStore, store)),
      Layer.provide(Layer.succeed(WorkerPool.WorkerPool, pool))
    )
  )

/** The handle of a job that awaits the approval "end" at each fixed point. */
interface Arriving<Part> extends Pick<Job.Job<Program.Program.Any>, "events" | "status" | "until"> {
  readonly result: Effect.Effect<Job.JobResult<Program.Program.Any>, unknown>
  /** Sends a part, or the decision that ends the job. */
  readonly send: (part: Part | undefined) => Effect.Effect<void, unknown>
}

/** A way to begin and to take up a job. */
export interface Arriver<Part> {
  readonly start: (part: Part) => Effect.Effect<Arriving<Part>, unknown, Engine.Engine>
  readonly resume: Effect.Effect<Arriving<Part>, unknown, Engine.Engine>
}

export interface Plan<Part> {
  readonly parts: ReadonlyArray<Part>
  /** The rows of each process that is killed; the process after the last one is not. */
  readonly lives?: ReadonlyArray<number>
}

export interface Run {
  readonly hash: string
  readonly events: string
  readonly context: JobContext.JobContext
  /** The last cycle of each part. */
  readonly cycles: ReadonlyArray<number>
}

/** Runs a job to its end. `arriverOf` gives the arriver of each process, by its number. */
export const runArrivals = <Part>(
  store: Store,
  pool: Pool,
  arriverOf: (life: number) => Arriver<Part>,
  { lives = [], parts }: Plan<Part>
) =>
  Effect.gen(function* () {
    const cycles: Array<number> = []
    let next = 1
    /** One process. Gives nothing if it was killed. */
    const live = (life: number) =>
      Effect.gen(function* () {
        const rows = lives[life]
        const engine = yield* Layer.build(engineOver(rows === undefined ? store : brokenOff(store, rows), pool))
        const { resume, start } = arriverOf(life)
        const job = yield* Effect.provide(life === 0 ? start(parts[0]!) : resume, engine)
        for (let isSent = false; !isSent;) {
          if (Exit.isFailure(yield* Effect.exit(job.until("awaiting")))) return undefined
          cycles[next - 1] = (yield* job.status).cycle
          if (Exit.isFailure(yield* Effect.exit(job.send(parts[next])))) return undefined
          isSent = next++ === parts.length
        }
        next = parts.length
        const exit = yield* Effect.exit(job.result)
        if (Exit.isFailure(exit)) return undefined
        const { context, hash } = exit.value
        const events = JSON.stringify(yield* Stream.runCollect(job.events))
        return { hash, events, context, cycles } satisfies Run
      }).pipe(Effect.scoped)
    for (let life = 0; life <= lives.length; life++) {
      const found: Run | undefined = yield* live(life)
      if (found !== undefined) return found
    }
    return yield* Effect.die(new Error("a process that was not killed did not end its job"))
  })

/** The pools: without threads, with one thread and with two. */
export class Pools extends Context.Service<Pools, ReadonlyArray<Pool>>()("test/support/Pools") {
  static readonly layer = Layer.effect(
    Pools,
    Effect.forEach([0, 1, 2], (size) => {
      const pool = size === 0 ? WorkerPool.layerInline : WorkerPool.layer({ size, execArgv: [] })
      return Effect.map(Layer.build(Layer.fresh(pool)), (built) => Context.get(built, WorkerPool.WorkerPool))
    })
  )
}

/** Runs a plan on a store of its own for each pool. */
export const runEach = <Part>(arriverOf: (life: number) => Arriver<Part>, plan: Plan<Part>) =>
  Effect.flatMap(Pools, (pools) =>
    Effect.forEach(pools, (pool) =>
      Effect.gen(function* () {
        const store = yield* journalStore
        const found = yield* runArrivals(store, pool, arriverOf, plan)
        return { found, pool, store }
      })
    )
  )
