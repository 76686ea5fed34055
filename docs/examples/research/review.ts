/** Runs an inquiry, and lets somebody decide about its drafts. */
import { Engine, Intent, type Job, JobStore, WorkerPool } from "effect-converge"
import { MeteredModel } from "effect-converge/ai"
import type { LanguageModel } from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { inquiry } from "./program.ts"

export interface Opinion {
  readonly approved: boolean
  readonly by: string
  readonly reason: string
}

/**
 * The inquiry of this id, begun or taken up. `decide` is asked about each draft. The log of a job that was taken up tells of
 * decisions that were made before, so the approvals that are open now count, and not the event.
 */
export const reviewed = <E, R>(
  id: string,
  topic: string,
  decide: (draft: Job.OpenApproval) => Effect.Effect<Opinion, E, R>
) =>
  Effect.gen(function* () {
    const job = yield* Engine.start(inquiry, { topic }, { id })
    yield* job.events.pipe(
      Stream.filter(({ _tag }) => _tag === "JobAwaiting"),
      Stream.runForEach(() =>
        Effect.gen(function* () {
          for (const draft of yield* job.approvals) {
            yield* job.signal([Intent.Decision.of({ approval: draft.id, ...(yield* decide(draft)) })])
          }
        })
      )
    )
    return yield* job.result
  })

/** A meter before a model: no call begins that could exceed the budget. Cost is in cents. */
export const metered = <E>(model: Layer.Layer<LanguageModel, E>) =>
  MeteredModel.layer({
    reserve: { tokens: 1_000, cost: 10 },
    price: ({ inputTokens, outputTokens }) =>
      Math.ceil(((inputTokens.total ?? 0) + 4 * (outputTokens.total ?? 0)) / 100)
  }).pipe(Layer.provide(model))

/** An engine over a file, and a metered model. */
export const engineOn = <E>(filename: string, model: Layer.Layer<LanguageModel, E>) => {
  const engine = Engine.layer().pipe(
    Layer.provide([WorkerPool.layerInline, JobStore.layerSqlite({ filename, durability: "normal" })])
  )
  return Layer.merge(engine, metered(model))
}
