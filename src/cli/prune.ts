/**
 * `converge prune`: deletes the journals of jobs that ended some time ago. Boundary: the store; needs no program.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { JobStore } from "../store/index.ts"
import type { Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { change } from "./storedJobs.ts"
import { plural } from "./text.ts"

export interface PruneOptions {
  readonly store: string
  readonly olderThanMs: number
  readonly json: boolean
}

export const prune = (host: Host, options: PruneOptions): Effect.Effect<number, Failed> =>
  change(
    host,
    options,
    Effect.gen(function* () {
      const store = yield* JobStore
      return yield* store.prune({ haltedSince: (yield* Clock.currentTimeMillis) - options.olderThanMs })
    }),
    (count) => ({ deleted: count }),
    (count, { style }) => style(count === 0 ? "dim" : "green", `deleted ${plural(count, "job")}`)
  )
