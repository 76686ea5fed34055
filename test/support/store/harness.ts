/** What the tests of stores share: folders for files. Boundary: no assertion, no sleep. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Runs with a folder that is removed after everything in the scope has been closed. */
export const withFolder = <A, E, R>(use: (folder: string) => Effect.Effect<A, E, R | Scope.Scope>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "converge-store-"))),
    (folder) => Effect.scoped(use(folder)),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
