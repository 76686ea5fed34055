/**
 * A mark that tells the threads of a pool from other threads.
 *
 * Every worker imports a program's module. If the module also ran jobs at its top level, each worker would start an engine
 * and workers of its own, and so on without end. So an engine looks for the mark first, and refuses to start.
 *
 * Boundary: one mark on the global object, which all copies of this package on a thread share.
 */
const key = Symbol.for("effect-converge/isWorker")

/** Called by a worker before it imports anything of a program. */
export const markAsWorker = (): void => {
  Object.defineProperty(globalThis, key, { value: true })
}

/** Whether this thread is a worker of a pool. */
export const isWorker = (): boolean => key in globalThis

/** The right way to bundle a program that has CPU agents. */
export const bundledRight =
  "In a bundle, make the program's module an entry point of its own, and let the bundler split code"

/** An engine was started on a worker thread. */
export class EngineInWorker extends Error {
  override readonly name = "EngineInWorker"
  constructor() {
    super(
      "an engine was started on a worker thread: a module that defines CPU agents is imported by every worker, so it must " +
        "not run jobs, or do anything else, at its top level; move that to a module of its own. " +
        bundledRight
    )
  }
}
