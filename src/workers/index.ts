/**
 * The `WorkerPool` service, which runs CPU agents, and its layers.
 *
 * Boundary: the public names, which the root exports as `WorkerPool`. Code that runs tasks loads when a pool is built.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { loadOnce } from "../platform/loadOnce.ts"
import type { Options } from "./options.ts"
import { WorkerPool } from "./WorkerPool.ts"

export type { Options, Profile, Quarantine } from "./options.ts"
export type { PoolStats, WorkerStats } from "./stats.ts"
export { WorkerPool } from "./WorkerPool.ts"

const loadThreads = loadOnce(() => import("./layer.ts"))
const loadInline = loadOnce(() => import("./inline.ts"))

/**
 * A pool of worker threads.
 *
 * A thread that was ended inside a native call, which nothing interrupts, keeps its place until the call returns. When such
 * calls hold all places, or no thread can be started, jobs end with `WorkersUnavailable`.
 *
 * A thread starts when there is work for it, and ends when the layer's scope closes, even in the middle of a task. An idle
 * thread does not keep the process alive. With `size: 0` the layer is `layerInline`.
 *
 * Dies with `InvalidOptions`, which names the option, if an option is invalid, or if `CONVERGE_PROFILE` names no profile. The
 * layer dies when it is built.
 */
export const layer = (options: Options = {}): Layer.Layer<WorkerPool> =>
  Layer.unwrap(Effect.map(loadThreads, ({ layer }) => layer(options)))

/** The pool without threads. */
export const layerInline: Layer.Layer<WorkerPool> = Layer.effect(WorkerPool)(
  Effect.map(loadInline, ({ inline }) => inline)
)
