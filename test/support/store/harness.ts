/** The shared tools of the tests of stores: folders for files, jobs and rows, and ways to look at outcomes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { JobStore } from "../../../src/index.ts"

/** Runs with a folder that is removed after everything in the scope has been closed. */
export const withFolder = <A, E, R>(use: (folder: string) => Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "converge-store-"))),
    (folder) => Effect.scoped(use(folder)),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )

/** Runs with the name of a file that is not there yet, in a folder of its own. */
export const withFile = <A, E, R>(use: (filename: string) => Effect.Effect<A, E, R | Scope.Scope>) =>
  withFolder((folder) => use(join(folder, "jobs.db")))

/** Opens a store, until the scope is closed or `close` is run. */
export const openStore = (options: JobStore.SqliteOptions) =>
  Effect.gen(function* () {
    const outer = yield* Effect.scope
    const scope = yield* Scope.fork(outer)
    const context = yield* Layer.buildWithScope(Layer.fresh(JobStore.layerSqlite(options)), scope)
    return {
      store: Context.get(context, JobStore.JobStore),
      file: Context.get(context, JobStore.StoreFile),
      close: Scope.close(scope, Exit.void)
    }
  })

export const newJob = (jobId: string, more: Partial<JobStore.NewJob> = {}): JobStore.NewJob => ({
  jobId,
  program: "program",
  createdAt: 1_000,
  text: () => `genesis of ${jobId}`,
  hash: `hash of ${jobId}`,
  header: () => `{"header":"${jobId}"}`,
  base: undefined,
  ...more
})

export const row = (cycle: number, more: Partial<JobStore.JournalRow> = {}): JobStore.JournalRow => ({
  cycle,
  text: () => `text ${cycle}`,
  hash: `hash ${cycle}`,
  extra: () => `{"extra":${cycle}}`,
  ...more
})

export const end = (more: Partial<JobStore.JournalEnd> = {}): JobStore.JournalEnd => ({
  status: "converged",
  haltedAt: 2_000,
  text: () => `{"end":true}`,
  ...more
})

/** The reason of a failure, or undefined. Anything but a StoreError is shown as it is. */
export const reasonOf = <A, R>(
  effect: Effect.Effect<A, JobStore.StoreError, R>
): Effect.Effect<string | undefined, never, R> =>
  Effect.match(effect, { onFailure: ({ reason }) => reason, onSuccess: () => undefined })

/** The error of an effect that must fail. */
export const errorOf = <A, R>(
  effect: Effect.Effect<A, JobStore.StoreError, R>
): Effect.Effect<JobStore.StoreError, A, R> => Effect.flip(effect)
