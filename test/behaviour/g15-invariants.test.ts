/**
 * G15, nothing goes wrong in silence: an invariant over a kind that its program does not have is an error (I5). That it does
 * not compile either is in test/types/programs.ts.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Agent, Fact, Invariant, Program } from "../../src/index.ts"
import { noInput, num, Num } from "../support/behaviour/harness.ts"
import { runInline } from "../support/core/run.ts"

const Old = Fact.kind("OldIssue", { schema: Num.schema, id: ({ n }) => String(n) })

const loose = (value: unknown): any => value

const of = (more: object) =>
  Program.make("audit", {
    input: noInput,
    seed: () => [num(1)],
    agents: [Agent.make("a", { each: Num, execute: () => Effect.succeed({}) })],
    ...more
  })

const classes = [
  ["structural", Invariant.structural],
  ["semantic", Invariant.semantic],
  ["acceptance", Invariant.acceptance]
] as const

describe("an invariant over a kind that the program does not have", () => {
  it.effect.each(classes)("%s: ends the job, and says which kind, and what to do", ([, make]) =>
    Effect.gen(function* () {
      const none = make(
        "no issues",
        loose((view: any) => view.size(Old) === 0)
      )
      const { error } = yield* runInline(of({ invariants: [none] }), {})
      expect(error).toMatchObject({ _tag: "ProgramPanicked", phase: "invariant" })
      expect(error?.message).toBe(
        'the check of invariant "no issues" looked at "OldIssue", which the program "audit" does not have: ' +
          "correct the kind, or add it to `kinds`"
      )
    })
  )

  it("is refused by Program.make if it says what it reads", () => {
    const none = Invariant.acceptance("no issues", (view) => view.size(Old) === 0, { reads: [Old] })
    expect(() => of({ invariants: [none] })).toThrow(
      'the invariant "no issues" reads "OldIssue", which the program does not have: ' +
        "correct the kind, or add it to the program's `kinds`"
    )
    const another = Fact.kind("OldIssue", { schema: Num.schema, id: ({ n }) => String(n) })
    expect(() => of({ kinds: [another], invariants: [none] })).toThrow('reads "OldIssue"')
    expect(of({ kinds: [Old], invariants: [none] }).name).toBe("audit")
  })

  it.effect("is one that holds, once the program has the kind", () =>
    Effect.gen(function* () {
      const none = Invariant.acceptance("no issues", (view) => view.size(Old) === 0, { reads: [Old] })
      expect((yield* runInline(of({ kinds: [Old], invariants: [none] }), {})).error).toBeUndefined()
    })
  )
})

describe("an output over a kind that the program does not have", () => {
  it.effect("is the program's panic, too", () =>
    Effect.gen(function* () {
      const { error } = yield* runInline(of({ output: (view: any) => view.size(Old) }), {})
      expect(error).toMatchObject({ _tag: "ProgramPanicked", phase: "output" })
      expect(error?.message).toContain('output looked at "OldIssue", which the program "audit" does not have')
    })
  )
})
