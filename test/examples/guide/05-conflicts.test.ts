/** The example of chapter 5 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine } from "effect-converge"
import * as Effect from "effect/Effect"
import { offers, summing } from "../../../docs/examples/guide/05-conflicts.ts"
import { node } from "../../support/node.ts"

const [north, south, attic] = [
  { shop: "North", item: "lamp", cents: 900 },
  { shop: "South", item: "lamp", cents: 700 },
  { shop: "Attic", item: "lamp", cents: 800 }
] as const

const run = (input: ReadonlyArray<typeof north | typeof south | typeof attic>) =>
  Effect.provide(Engine.run(offers, input), Engine.layerMemory)

describe("offers that differ", () => {
  it.effect("are settled by the rule of their kind, in any order", () =>
    Effect.gen(function* () {
      const { diagnostics, output } = yield* run([north, south, attic])
      expect(output).toEqual({
        best: [{ item: "lamp", shop: "South", cents: 700 }],
        sellers: [{ item: "lamp", shops: ["Attic", "North", "South"] }],
        counts: [{ item: "lamp", offers: 3 }]
      })
      expect(diagnostics).toMatchObject([
        {
          agent: "makers",
          each: { id: "Attic/lamp" },
          cause: { _tag: "MergeConflict", existing: { name: "Acme" }, proposed: { name: "unknown" } }
        }
      ])
      expect((yield* run([attic, south, north])).output).toEqual(output)
    })
  )

  it("end with exit code 3 where a shell asks to be strict about what was discarded", async () => {
    const run = ["dist/src/cli/main.js", "run", "docs/examples/guide/05-conflicts.ts", "-p", "offers", "--strict"]
    const strict = (offers: ReadonlyArray<object>) => node([...run, "--input", JSON.stringify(offers)])
    const [one, none] = [await strict([north, attic]), await strict([north, south])]
    expect([one.code, none.code]).toEqual([3, 0])
    expect(one.stdout).toMatch(/^✔ offers converged with 1 discarded effect/)
  })

  it.effect("are not summed by a rule: the engine refuses it and says what to write", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Engine.run(summing, [north, south]))
      expect(error).toMatchObject({ _tag: "InvalidEffect", agent: "sum" })
      expect(error.message).toMatch(/^the combining function of Sum is not idempotent: .* such as a fold$/)
    }).pipe(Effect.provide(Engine.layerMemory))
  )
})
