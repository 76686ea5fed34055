/**
 * A process with an engine, whose parent says which jobs it is to take from whoever has them. Argument: the file.
 *
 * It tells of each row that its store acknowledged, and of each job that ended here.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, JobStore, WorkerPool } from "../../../src/index.ts"
import { pace, walking } from "./walking.ts"

export type Order =
  | { readonly kind: "start"; readonly jobId: string }
  | { readonly kind: "take"; readonly jobId: string }
  | { readonly kind: "hurry" }
  | { readonly kind: "end" }

export type News =
  | { readonly kind: "ready" }
  | {
      readonly kind: "committed"
      readonly jobId: string
      readonly fence: number
      readonly cycle: number
      readonly hash: string
    }
  /** It runs the job from now on. */
  | { readonly kind: "runs"; readonly jobId: string }
  | { readonly kind: "ended"; readonly jobId: string; readonly how: string; readonly hash: string }

const [filename = ""] = process.argv.slice(2)
const tell = (news: News): void => void process.send?.(news)

/** Engines do not take jobs by force: here each lease of theirs is one. */
const forceful = (store: JobStore.JobStore["Service"]): JobStore.JobStore["Service"] => ({
  ...store,
  lease: (jobId) => store.lease(jobId, { force: true }),
  append: (jobId, fence, row) =>
    Effect.tap(store.append(jobId, fence, row), () =>
      Effect.sync(() => tell({ kind: "committed", jobId, fence, cycle: row.cycle, hash: row.hash }))
    )
})

const engine = Engine.layer().pipe(
  Layer.provide([
    Layer.effect(JobStore.JobStore, Effect.map(JobStore.JobStore, forceful)).pipe(
      Layer.provide(JobStore.layerSqlite({ filename }))
    ),
    WorkerPool.layer({ size: 1, execArgv: [] })
  ])
)

const obey = (order: Extract<Order, { readonly jobId: string }>) =>
  Effect.gen(function* () {
    const { jobId, kind } = order
    const job = yield* kind === "start" ? Engine.start(walking, {}, { id: jobId }) : Engine.resume(walking, jobId)
    tell({ kind: "runs", jobId })
    const [how, hash] = yield* Effect.match(job.result, {
      onSuccess: ({ hash, status }) => [status, hash] as const,
      onFailure: (error) =>
        [error._tag === "StoreFailed" ? `StoreFailed: ${error.reason}` : error._tag, error.partial.hash] as const
    })
    tell({ kind: "ended", jobId, how, hash })
  })

const serve = Effect.gen(function* () {
  const context = yield* Effect.context<Engine.Engine>()
  yield* Effect.callback<void>((resume) => {
    process.on("message", (order: Order) => {
      if (order.kind === "hurry") pace.ms = 0
      else if (order.kind === "end") {
        process.disconnect()
        resume(Effect.void)
      } else void Effect.runPromiseWith(context)(obey(order))
    })
    tell({ kind: "ready" })
  })
})

await Effect.runPromise(Effect.provide(serve, engine))
