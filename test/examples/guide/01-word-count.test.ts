/** The example of chapter 1 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { wordsOf } from "../../../docs/examples/guide/01-word-count.ts"

describe("the words of some lines", () => {
  it.effect("are facts, each once, with the line that each comes from", () =>
    Effect.gen(function* () {
      const { context, cycles, output, status } = yield* wordsOf(["To be, or", "not to be"])
      expect({ status, cycles, output }).toEqual({ status: "converged", cycles: 2, output: ["to", "be", "or", "not"] })
      expect(context.counts()).toEqual({ Line: 2, Word: 4 })
      expect(context.find("Word", "not")).toMatchObject({
        value: { text: "not" },
        provenance: { cycle: 1, agent: "split", each: { kind: "Line", id: "2" } }
      })
    })
  )

  it.effect("have the same hash in every run", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* wordsOf(["to be"]), yield* wordsOf(["to be"])]
      expect(second.hash).toBe(first.hash)
      expect((yield* wordsOf(["to bee"])).hash).not.toBe(first.hash)
    })
  )
})
