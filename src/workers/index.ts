/**
 * Where CPU agents run: the `WorkerPool` service, and its layers.
 *
 * Boundary: composition. It reads the configuration and the machine's parallelism; the root exports this as `WorkerPool`.
 */
import * as NodeWorker from "@effect/platform-node/NodeWorker"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { availableParallelism } from "node:os"
import { inline } from "./inline.ts"
import { type Options, resolve } from "./options.ts"
import { makePool } from "./pool.ts"
import { WorkerPool } from "./WorkerPool.ts"

export { layerInline } from "./inline.ts"
export type { Options, Profile } from "./options.ts"
export { WorkerPool } from "./WorkerPool.ts"

const profileConfig = Config.Literals(["cpu", "memory", "throughput"], "CONVERGE_PROFILE").pipe(
  Config.withDefault("cpu" as const)
)

/**
 * A pool of worker threads.
 *
 * Threads are started when there is something for them to do, and ended when the layer's scope closes, whatever they do
 * then. An idle thread does not keep the process alive. Options that cannot work, and a `CONVERGE_PROFILE` that names no
 * profile, are defects: they are found when the layer is built. With `size: 0` it is `layerInline`.
 */
export const layer = (options: Options = {}): Layer.Layer<WorkerPool> =>
  Layer.effect(WorkerPool)(
    Effect.gen(function* () {
      const profile = options.profile ?? (yield* Effect.orDie(profileConfig))
      const resolved = yield* Effect.sync(() => resolve(options, profile, availableParallelism()))
      return resolved.size === 0 ? inline : yield* makePool(resolved)
    })
  ).pipe(Layer.provide(NodeWorker.layerPlatform))
