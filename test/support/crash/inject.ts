/** Loaded with `--import` into a process that is to die within SQLite, and into its thread that writes. */
import { DatabaseSync, type SQLInputValue, StatementSync } from "node:sqlite"
import { syncBuiltinESMExports } from "node:module"
import * as threads from "node:worker_threads"
import { comeTo, ordered, type SqlPoint, sqlPoints } from "./points.ts"

const { isMainThread } = threads

/** The store starts its thread without the flags of the process: it gets this one back. */
if (isMainThread) {
  const { default: mutable } = threads as unknown as { readonly default: { Worker: typeof threads.Worker } }
  const Original = mutable.Worker
  mutable.Worker = class extends Original {
    constructor(file: string | URL, options?: threads.WorkerOptions) {
      const isStore = options?.name === "converge-store"
      super(file, isStore ? { ...options, execArgv: ["--import", import.meta.url] } : options)
    }
  }
  syncBuiltinESMExports()
}

const isSqlPoint = (point: string): point is keyof typeof sqlPoints => point in sqlPoints

if (ordered !== undefined && isSqlPoint(ordered)) {
  const point = ordered
  const { isMain, sql, when }: SqlPoint = sqlPoints[point]

  /** Does something with a statement. */
  const around = <A>(statement: string, execute: () => A): A => {
    const isIt = sql.test(statement)
    if (isIt && when === "before") comeTo(point)
    const done = execute()
    if (isIt && when === "after") comeTo(point)
    return done
  }

  if (isMain === isMainThread) {
    const { exec } = DatabaseSync.prototype
    DatabaseSync.prototype.exec = function (statement) {
      return around(statement, () => exec.call(this, statement))
    }
    // The types know of two ways to bind, of which the store uses one.
    const { prototype } = StatementSync as unknown as {
      prototype: { sourceSQL: string } & Record<"all" | "run", (...inputs: ReadonlyArray<SQLInputValue>) => unknown>
    }
    for (const method of ["all", "run"] as const) {
      const original = prototype[method]
      prototype[method] = function (this: StatementSync, ...inputs) {
        return around(this.sourceSQL, () => original.call(this, ...inputs))
      }
    }
  }
}
