/** `Testing.withAgents`: a program with a changed agent, for a rehearsal before the module has the change. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Engine } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"
import { double, doubling, otherwise, unknown } from "./doubling.ts"

describe("Testing.withAgents", () => {
  it.effect("replaces an agent by its name, and leaves the program as it is", () =>
    Effect.gen(function* () {
      yield* Engine.run(doubling, 2, { id: "two" })
      const changed = Testing.withAgents(doubling, [double(3)])
      expect((yield* Engine.run(changed, 2)).output).toEqual([3, 6])
      expect((yield* Engine.run(doubling, 2)).output).toEqual([2, 4])
      const { jobs } = yield* Testing.rehearse(changed, [yield* Testing.recording("two")])
      expect(jobs[0]?.facts.map(({ after, before }) => [before, after])).toEqual([
        [
          { of: 1, n: 2 },
          { of: 1, n: 3 }
        ],
        [
          { of: 2, n: 4 },
          { of: 2, n: 6 }
        ]
      ])
    }).pipe(Effect.provide(Testing.layer()))
  )

  it("refuses a name that the program does not have, and another structure", () => {
    expect(() => Testing.withAgents(doubling, [unknown])).toThrow(/there is no .*"triple" to replace/)
    expect(() => Testing.withAgents(doubling, [otherwise])).toThrow(/"double" reads or writes other kinds/)
  })
})
