/** Durable jobs that are broken off: an engine over a store whose writes fail from some moment on, as after a crash. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, JobStore, type Program, WorkerPool } from "../../../src/index.ts"

/** A store that is kept, for engines that come and go. */
export const journalStore: Effect.Effect<JobStore.JobStore["Service"]> = Effect.provide(
  JobStore.JobStore,
  JobStore.layerMemoryJournal
)

/** An engine over a store that is kept. The agents of the programs it is given need no services. */
export const engineOnStore = (
  store: JobStore.JobStore["Service"],
  options?: {
    readonly programs?: ReadonlyArray<Program.Program.Any>
    readonly children?: ReadonlyArray<Program.Program.Any>
    readonly handlers?: ReadonlyArray<Engine.Handler>
    readonly maxRunningJobs?: number
    readonly maxDepth?: number
    readonly maxDescendants?: number
    readonly maxAttempts?: number
    readonly maxLiveContextBytes?: number
  }
): Layer.Layer<Engine.Engine> =>
  Engine.layer(options as Engine.EngineOptions).pipe(
    Layer.provide(Layer.succeed(JobStore.JobStore, store)),
    Layer.provide(WorkerPool.layerInline)
  )

/** The store, of which no more than `appends` rows, of one job or of any, are taken: what an engine sees that dies then. */
export const brokenOff = (
  store: JobStore.JobStore["Service"],
  appends: number,
  only?: string
): JobStore.JobStore["Service"] => {
  let left = appends
  return {
    ...store,
    append: (jobId, fence, row) =>
      Effect.suspend(() =>
        (only !== undefined && jobId !== only) || left-- > 0
          ? store.append(jobId, fence, row)
          : Effect.fail(new JobStore.StoreError({ reason: "closed", message: "the process died" }))
      )
  }
}

/** The store of a process that is killed when it has written `appends` rows: nothing is taken after that. */
export const killedAfter = (store: JobStore.JobStore["Service"], appends: number) => killedBy(store, appends, 0)

/** The store of a process that is killed at a write of any kind: it takes so many, and nothing after that. */
export const killedAtWrite = (store: JobStore.JobStore["Service"], writes: number) => killedBy(store, writes, 1)

/** A store that dies when all of `left` is used up: an append takes one of it, another write takes `perWrite`. */
const killedBy = (store: JobStore.JobStore["Service"], most: number, perWrite: 0 | 1) => {
  let left = most
  const seen = { isDead: false }
  const dead = Effect.fail(new JobStore.StoreError({ reason: "closed", message: "the process died" }))
  const taking =
    (price: 0 | 1) =>
    <A>(write: Effect.Effect<A, JobStore.StoreError>): Effect.Effect<A, JobStore.StoreError> =>
      Effect.suspend(() => {
        if (seen.isDead) return dead
        if (price === 0 || left-- > 0) return write
        seen.isDead = true
        return dead
      })
  const alive = taking(perWrite)
  const killed: JobStore.JobStore["Service"] = {
    ...store,
    create: (job) => alive(store.create(job)),
    append: (jobId, fence, row) => taking(1)(store.append(jobId, fence, row)),
    note: (jobId, fence, text) => alive(store.note(jobId, fence, text)),
    keep: (jobId, fence, kept) => alive(store.keep(jobId, fence, kept)),
    halt: (jobId, fence, end) => alive(store.halt(jobId, fence, end)),
    requestCancel: (jobId) => alive(store.requestCancel(jobId))
  }
  return { seen, killed }
}
