/**
 * The options of an agent that the runtime looks at while a job runs: what a failure does, and where a CPU agent runs.
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
