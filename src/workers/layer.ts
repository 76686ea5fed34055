/**
 * What `WorkerPool.layer` builds: the pool of threads, from the options, the configuration and the machine.
 *
 * Boundary: composition. Loaded when the layer is built, and with it everything that owns threads.
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

const profileConfig = Config.Literals(["cpu", "memory", "throughput"], "CONVERGE_PROFILE").pipe(
  Config.withDefault("cpu" as const)
)

/** See `layer` of index.ts. */
export const layer = (options: Options): Layer.Layer<WorkerPool> =>
  Layer.effect(WorkerPool)(
    Effect.gen(function* () {
      const profile = options.profile ?? (yield* Effect.orDie(profileConfig))
      const resolved = yield* Effect.sync(() => resolve(options, profile, availableParallelism()))
      return resolved.size === 0 ? inline : yield* makePool(resolved)
    })
  ).pipe(Layer.provide(NodeWorker.layerPlatform))
