/** Jobs that wait for a place may be many or large, not both: what they begin with is limited, too. */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, vi } from "vitest"
import { Engine, Program } from "../../src/index.ts"
import { Cell, cell, engine, failure, stuck } from "../support/behaviour/harness.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/index.ts")>()
  return { Limits: { ...Limits, queuedLength: 10_000 } }
})

const Text = Schema.Struct({ text: Schema.String })

describe("a queue that is full of", () => {
  const takes = Program.make("takes", { input: Text, agents: [] })
  const plants = Program.make("plants", {
    input: Text,
    kinds: [Cell],
    agents: [],
    seed: (it) => [cell("one", it.text)]
  })
  const cases = [
    { what: "inputs", program: takes, text: "x".repeat(6_000) },
    { what: "seeds", program: plants, text: "x".repeat(3_000) }
  ]

  it.effect.each(cases)(
    "large $what refuses the next job, until one of them runs or is cancelled",
    ({ program, text }) =>
      Effect.gen(function* () {
        const holder = yield* Engine.start(stuck().program, {})
        const first = yield* Engine.start(program, { text })
        const second = yield* Engine.start(program, { text })
        const refused = { _tag: "AdmissionRejected", reason: "queue-full" }
        expect(yield* failure(Engine.start(program, { text: "" }))).toMatchObject(refused)
        yield* first.cancel
        const third = yield* Engine.start(program, { text })
        expect(yield* failure(Engine.start(program, { text: "" }))).toMatchObject(refused)
        yield* holder.cancel
        expect((yield* second.result).status).toBe("converged")
        expect((yield* third.result).status).toBe("converged")
        expect((yield* Engine.run(program, { text })).status).toBe("converged")
      }).pipe(Effect.provide(engine({ maxRunningJobs: 1 })))
  )
})
