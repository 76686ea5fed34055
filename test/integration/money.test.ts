/** A process that is killed between its calls and the commit of their cycle: the bill outlives it. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { Engine, Journal, JobStore } from "../../src/index.ts"
import { engineOnStore } from "../support/behaviour/durable.ts"
import { paying } from "../support/crash/paying.ts"
import { openStore, withFile } from "../support/store/harness.ts"
import { kill, lines } from "../support/store/processes.ts"

const entry = fileURLToPath(new URL("../support/crash/payer.ts", import.meta.url))

describe("kill -9 between call and commit", () => {
  it.live("loses no account: two calls as they were paid, the one under way as it was reserved", () =>
    withFile((filename) =>
      Effect.gen(function* () {
        yield* Effect.promise(async () => {
          const child = fork(entry, [filename], { stdio: ["ignore", "pipe", "inherit", "ipc"] })
          const said = await lines(child, 3)
          await kill(child)
          expect([...said].sort()).toEqual(["paid 1", "paid 2", "reserved 3"])
        })
        const { store } = yield* openStore({ filename })
        const before = yield* Journal.replay("payer").pipe(Effect.provideService(JobStore.JobStore, store))
        expect(before).toMatchObject({ cycle: 0, usage: { tokens: 30 + 30 + 50 } })
        const program = paying(() => Effect.void)
        const result = yield* Effect.provide(Engine.run(program, {}, { id: "payer" }), engineOnStore(store))
        expect(result.usage).toMatchObject({ tokens: 110 + 90, byAgent: { pays: { tokens: 200 } } })
        expect(yield* store.kept("payer")).toEqual([])
      })
    )
  )
})
