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

/** The twin of a store, without faults. Fibers of its world go on as they came, so calls are in the order of a test. */
const inWorld = (
  use: (store: Store) => Effect.Effect<void, JobStore.StoreError>
): Effect.Effect<void, JobStore.StoreError> =>
  Effect.flatMap(JobStore.JobStore, (disk) => {
    const world = new World({ seed: 1, order: "fifo", mostSteps: Infinity })
    const ran = world.run(use(new SimulatedStore(world, disk, { store: [], damages: [], delayMs: 0 }).open()))
    return ran._tag === "Ended" ? ran.exit : Effect.die(new Error(`the store of the world is ${ran._tag}`))
  }).pipe(Effect.provide(Layer.fresh(JobStore.layerMemoryJournal)))

const simulated = "in a simulated world"

const stores: Readonly<Record<string, (filename: string) => Layer.Layer<JobStore.JobStore, JobStore.StoreError>>> = {
  "in memory": () => JobStore.layerMemoryJournal,
  "in SQLite": (filename) => JobStore.layerSqlite({ filename }),
  "in SQLite, durability normal": (filename) => JobStore.layerSqlite({ filename, durability: "normal" }),
  "in SQLite, durability exit": (filename) => JobStore.layerSqlite({ filename, durability: "exit" })
}

export const storeNames = [...Object.keys(stores), simulated]

/** A test of the store with that name. */
export const checkOf =
  (name: string) => (title: string, use: (store: Store) => Effect.Effect<void, JobStore.StoreError>) =>
    it.live(title, () =>
      withFile((filename) =>
        Effect.gen(function* () {
          if (name === simulated) return yield* inWorld(use)
          const context = yield* Layer.build(Layer.fresh(stores[name]!(filename)))
          return yield* use(Context.get(context, JobStore.JobStore))
        })
      )
    )
