/**
 * Stopping after n (docs/money.md): a job that has enough can converge by `accepts`, cycle by cycle, or end at a budget, exactly; its output is
 * there both ways.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, type Budget, Engine, Fact, Program, type View } from "../../src/index.ts"
import { ended, engine, noInput } from "../support/behaviour/harness.ts"

const Url = Fact.kind("Url", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Page = Fact.kind("Page", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

/** A crawl without an end: each page leads to two more. */
const crawl = (options: {
  readonly accepts?: (view: View.View<typeof Url | typeof Page>) => boolean
  readonly budget?: Budget.Budget
}) =>
  Program.make("crawl", {
    input: noInput,
    agents: [
      Agent.make("get", {
        each: Url,
        reads: [Page],
        writes: [Url, Page],
        accepts: options.accepts,
        execute: ({ value: { n } }) =>
          Effect.succeed({ facts: [Page.of({ n }), Url.of({ n: 2 * n + 1 }), Url.of({ n: 2 * n + 2 })] })
      })
    ],
    seed: () => [Url.of({ n: 0 })],
    budget: options.budget,
    output: (view) => ({ pages: view.size(Page) })
  })

describe("stopping after n", () => {
  it.effect("by accepts ends in convergence with the first cycle that has enough", () =>
    Effect.gen(function* () {
      const result = yield* Engine.run(crawl({ accepts: (view) => view.size(Page) < 20 }), {})
      // Cycles of 1, 2, 4, 8 and 16 pages: the last one begins with 15.
      expect(result).toMatchObject({ status: "converged", output: { pages: 31 } })
    }).pipe(Effect.provide(engine()))
  )

  it.effect("by a budget ends before it is crossed, and the output is made of what there is", () =>
    Effect.gen(function* () {
      const program = crawl({ budget: { maxAgents: 20 } })
      const error = yield* ended(Engine.run(program, {}))
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "agents", used: 15 })
      expect(Program.output(program, error.partial.context)).toEqual({ pages: 15 })
    }).pipe(Effect.provide(engine()))
  )
})
