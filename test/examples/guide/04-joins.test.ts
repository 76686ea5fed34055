/** The example of chapter 4 of the guide. */
import { describe, expect, it } from "@effect/vitest"
import { Engine, Program } from "effect-converge"
import { Testing } from "effect-converge/testing"
import * as Effect from "effect/Effect"
import { half, Price, whole } from "../../../docs/examples/guide/04-joins.ts"
import { node } from "../../support/node.ts"

const file = "docs/examples/guide/04-joins.ts"

const input = {
  orders: [
    { id: "1", customer: "Ada", item: "tea", count: 2 },
    { id: "2", customer: "Ada", item: "cup", count: 1 }
  ],
  prices: [{ item: "tea", cents: 300 }]
}

/** A job, and then a further one on its context, to which the price of cups and a new price of tea come. */
const withLatePrices = Effect.gen(function* () {
  const late = [Price.of({ item: "cup", cents: 700 }), Price.of({ item: "tea", cents: 400 })]
  const prices = late.map(({ value }) => value)
  const first = { half: yield* Engine.run(half, input), whole: yield* Engine.run(whole, input) }
  const then = { orders: [], prices }
  return {
    half: (yield* Engine.run(half, then, { context: first.half.context })).output,
    whole: (yield* Engine.run(whole, then, { context: first.whole.context })).output
  }
})

describe("orders and prices that come late", () => {
  it.live("do not meet in half a join, and meet in a join; a fold follows the new price", () =>
    Effect.gen(function* () {
      expect(yield* withLatePrices).toEqual({
        // No bill for the cup, and the old price of tea.
        half: [["1", 600]],
        whole: [{ customer: "Ada", cents: 2 * 400 + 700, orders: ["1", "2"] }]
      })
    }).pipe(Effect.provide(Engine.layerMemory))
  )

  it("give half a join a warning that says what to write", () => {
    const [warning = "", ...more] = Program.warnings(half)
    expect(warning).toContain('the agent "bill" runs for each new Order and reads Price, which signals may bring')
    expect(warning).toContain('write Agent.join("bill", { left: [Order, key], right: [Price, key], ... })')
    expect([more, Program.warnings(whole)]).toEqual([[], []])
  })

  it("are found by the command, too", { timeout: 60_000 }, async () => {
    const verify = (program: string) =>
      node(["dist/src/cli/main.js", "verify", file, "-p", program, "--arrivals", "--input", JSON.stringify(input)])
    const [found, none] = [await verify("half"), await verify("whole")]
    expect([found.code, none.code]).toEqual([3, 0])
    expect(found.stdout).toContain("✖ half is not confluent")
    expect(found.stdout).toMatch(/Bill\/1, which "bill" adds, is missing. The agent is half a join: .* Agent.join/)
    expect(found.stderr).toContain('warning: the agent "bill" runs for each new Order and reads Price')
  })

  it.live("are found by the check of arrival, which names the order and the fact", () =>
    Effect.gen(function* () {
      const all = { ...input, prices: [...input.prices, { item: "cup", cents: 700 }] }
      const error = yield* Effect.flip(Testing.confluent(half, all))
      expect(error).toMatchObject({ _tag: "NotConfluent", what: "missing", fact: { kind: "Bill" }, agent: "bill" })
      expect(yield* Testing.confluent(whole, all)).toMatchObject({ facts: 7 })
    }).pipe(Effect.provide(Engine.layerMemory))
  )
})
