/**
 * Two options of agents at which the runtime looks while a job runs: the effect of a failure, and the place of a CPU agent.
 *
 * Boundary: types.
 */

/** What a failed task does to its job: end it (`"halt"`, the default), or leave a diagnostic and go on. */
export type OnFailure = "halt" | "discard"

/**
 * Where a CPU agent runs.
 *
 * - `"worker"` (default): on a worker thread, where it can be stopped
 * - `"inline"`: on the main thread, where nothing can stop it
 * - `"auto"`: on the main thread while that is cheaper than the way to a worker, as the pool learns from what it measures.
 *   What runs there cannot be stopped either, and no timeout is enforced; an agent that is not known yet runs on a worker
 */
export type Placement = "worker" | "inline" | "auto"
