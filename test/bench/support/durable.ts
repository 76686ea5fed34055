/**
 * Engines over a durable store, and the folders of their files. Boundary: the only file of test/bench that makes such a
 * store.
 */
import { readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { JobStore } from "../converge.ts"
import { diskFolder } from "../framework/diskFolder.ts"
import { type LiveEngine, poolOf, startEngine } from "./engine.ts"

type Durability = "full" | "normal"

/** An engine over the store in a folder. It makes a store if there is none. */
export const openDurable = (folder: string, durability: Durability, pool = poolOf(0)): LiveEngine =>
  startEngine(pool, {}, JobStore.layerSqlite({ filename: join(folder, "jobs.db"), durability }))

/** An engine over a store in a new folder, which is removed when the engine stops. */
export const startDurable = (durability: Durability, pool = poolOf(0)): LiveEngine => {
  const folder = diskFolder("store")
  const engine = openDurable(folder, durability, pool)
  return {
    run: engine.run,
    stop: async () => {
      await engine.stop()
      rmSync(folder, { recursive: true })
    }
  }
}

/** The bytes of all files of a folder. */
export const bytesIn = (folder: string): number =>
  readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
