/** Every store that keeps journals, for the tests of what all of them do. */
import { it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { JobStore } from "../../../src/index.ts"
import { SimulatedStore } from "../../../src/testing/simulation/SimulatedStore.ts"
import { World } from "../../../src/testing/simulation/World.ts"
import { withFile } from "./harness.ts"

export type Store = JobStore.JobStore["Service"]

/** The twin of a store, with delays and without faults. */
const simulatedStore = Layer.effect(
  JobStore.JobStore,
  Effect.map(JobStore.JobStore, (disk) =>
    new SimulatedStore(new World({ seed: 1 }), disk, { store: [], damages: [], delayMs: 2 }).open()
  )
).pipe(Layer.provide(JobStore.layerMemoryJournal))

const stores: Readonly<Record<string, (filename: string) => Layer.Layer<JobStore.JobStore, JobStore.StoreError>>> = {
  "in memory": () => JobStore.layerMemoryJournal,
  "in a simulated world": () => simulatedStore,
  "in SQLite": (filename) => JobStore.layerSqlite({ filename }),
  "in SQLite, durability normal": (filename) => JobStore.layerSqlite({ filename, durability: "normal" }),
  "in SQLite, durability exit": (filename) => JobStore.layerSqlite({ filename, durability: "exit" })
}

export const storeNames = Object.keys(stores)

/** A test of the store with that name. */
export const checkOf =
  (name: string) => (title: string, use: (store: Store) => Effect.Effect<void, JobStore.StoreError>) =>
    it.live(title, () =>
      withFile((filename) =>
        Effect.gen(function* () {
          const context = yield* Layer.build(Layer.fresh(stores[name]!(filename)))
          yield* use(Context.get(context, JobStore.JobStore))
        })
      )
    )
