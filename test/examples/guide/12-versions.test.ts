/** The example of chapter 12 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Intent, JobStore, Program, WorkerPool } from "effect-converge"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { version1 } from "../../../docs/examples/guide/12-versions/version1.ts"
import { options, version2 } from "../../../docs/examples/guide/12-versions/version2.ts"

const engine = Engine.layer().pipe(Layer.provide(WorkerPool.layerInline))
const input = { names: ["Ada Lovelace", "Charles Babbage"] }

/** A job of version 1 that has greeted and waits for an answer: it is left in the store by an engine that shuts down. */
const begun = Effect.gen(function* () {
  const job = yield* Engine.start(version1, input, { id: "greetings-1" })
  yield* job.until("awaiting")
}).pipe(Effect.provide(engine))

describe("a job that another version of its program goes on with", () => {
  it.effect("is refused where kinds differ, and is brought over by migrate; new agents have everything unread", () =>
    Effect.gen(function* () {
      yield* begun
      const unaware = Program.make("greetings", options)
      const refused = yield* Effect.flip(Engine.resume(unaware, "greetings-1")).pipe(Effect.provide(engine))
      expect(refused).toMatchObject({ _tag: "ProgramChanged", kinds: ["Person"], from: "1", to: "2" })
      const { context, output } = yield* Effect.gen(function* () {
        const job = yield* Engine.resume(version2, "greetings-1")
        yield* job.until("awaiting")
        yield* job.signal([Intent.Decision.of({ approval: "send", approved: true, by: "Ada", reason: "" })])
        return yield* job.result
      }).pipe(Effect.provide(engine))
      expect(output).toEqual(["Ada Lovelace: Dear Lovelace", "Charles Babbage: Dear Babbage"])
      expect(context.counts()).toEqual({ Card: 2, Decision: 1, Greeting: 2, Person: 2 })
    }).pipe(Effect.provide(JobStore.layerMemoryJournal))
  )
})
