/** The example of chapter 11 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, JobStore, Program, WorkerPool } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { letters, post, publish } from "../../../docs/examples/guide/11-letters.ts"

describe("a letter", () => {
  it.live("is sent when an editor has agreed, to each reader once, with a key that stays", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const deliver = (key: string, mail: string) => Effect.sync(() => void sent.push(`${key} ${mail}`))
      const engine = Engine.layer({ handlers: [post(deliver)] }).pipe(
        Layer.provide([WorkerPool.layer(), JobStore.layerMemory])
      )
      expect(yield* Effect.provide(publish, engine)).toEqual(["may to ada@example.org", "may to bob@example.org"])
      expect(sent.toSorted()).toEqual(["letter-1/4/send//0 ada@example.org", "letter-1/4/send//1 bob@example.org"])
    })
  )

  it.live("refuses what is not among its signals", () =>
    Effect.gen(function* () {
      const engine = Engine.layer({ handlers: [post(() => Effect.void)] }).pipe(
        Layer.provide([WorkerPool.layer(), JobStore.layerMemory])
      )
      const error = yield* Effect.gen(function* () {
        const job = yield* Engine.start(letters, { id: "may", text: "Spring is here" })
        // The type refuses it, too.
        const sent = { kind: "Sent", value: { draft: "may", mail: "eve@example.org" } } as never
        return yield* Effect.flip(job.signal([sent]))
      }).pipe(Effect.provide(engine))
      expect(error).toMatchObject({ _tag: "SignalRefused", kind: "Sent", reason: "kind" })
      expect(Program.warnings(letters)).toEqual([])
    })
  )
})
