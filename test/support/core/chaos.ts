/**
 * Disorder on the main thread, decided by a seed: fibers that wait for a while and sometimes for a moment of real time, a
 * pool without threads that runs its tasks in any order. `null` is order: everything at once, in the order of tasks.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { WorkerPool } from "../../../src/index.ts"
import { inline } from "../../../src/workers/inline.ts"
import { type CpuOutcome } from "../../../src/workers/WorkerPool.ts"
import { type Random, randomOf } from "./random.ts"

let random: Random | undefined
let completions: Array<string> = []

/** Begins a run. */
export const disturbWith = (seed: number | null): void => {
  random = seed === null ? undefined : randomOf(seed)
  completions = []
}

/** The tasks that fiber agents completed since then, in that order. */
export const completed = (): string => completions.join(" ")

/** Waits for a while, or not. */
export const disturb: Effect.Effect<void> = Effect.suspend(() => {
  const turns = random?.below(10) ?? 0
  if (turns === 9) return Effect.sleep(1)
  return turns < 4 ? Effect.void : Effect.asVoid(Effect.replicateEffect(Effect.yieldNow, turns))
})

/** An agent's work, which ends sooner or later. */
export const sometime = <A, E>(what: string, work: () => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    // The work is done first or last: it must not matter when an agent looks at its view.
    const looksFirst = random !== undefined && random.below(2) === 0
    const body = looksFirst
      ? Effect.suspend(work).pipe(Effect.exit, Effect.tap(disturb), Effect.flatten)
      : Effect.andThen(disturb, Effect.suspend(work))
    return Effect.ensuring(
      body,
      Effect.sync(() => completions.push(what))
    )
  })

/** No threads; tasks run one after the other, in any order. */
export const disorderlyPool: Layer.Layer<WorkerPool.WorkerPool> = Layer.succeed(WorkerPool.WorkerPool)({
  size: 0,
  release: inline.release,
  stats: inline.stats,
  execute: (batch) =>
    Effect.gen(function* () {
      const places = batch.tasks.map((_, place) => place)
      const outcomes: Array<CpuOutcome> = new Array(places.length)
      for (const place of random?.shuffle(places) ?? places) {
        yield* disturb
        const task = batch.tasks[place]!
        const [outcome] = yield* inline.execute({
          ...batch,
          tasks: [task],
          onProgress: (progress) => batch.onProgress?.({ ...progress, task: place })
        })
        outcomes[place] = outcome!
      }
      return outcomes
    })
})
