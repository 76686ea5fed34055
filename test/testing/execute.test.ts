/**
 * `Testing.execute` and `Testing.view`: one agent of each type, its effect, and each way to have none.
 */
import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { Agent, Budget, Fact, Fold, Intent, type JobError, type View } from "../../src/index.ts"
import { Testing } from "../../src/testing/index.ts"

const Order = Fact.kind("Order", {
  schema: Schema.Struct({ id: Schema.String, customer: Schema.String, cents: Schema.Number }),
  id: ({ id }) => id
})
const Customer = Fact.kind("Customer", { schema: Schema.Struct({ name: Schema.String }), id: ({ name }) => name })
const Total = Fact.kind("Total", {
  schema: Schema.Struct({ customer: Schema.String, cents: Schema.Number }),
  id: ({ customer }) => customer,
  conflict: "keepLast"
})
const Receipt = Fact.kind("Receipt", { schema: Schema.Struct({ order: Schema.String }), id: ({ order }) => order })
const Pay = Intent.kind("Pay", { payload: Schema.Struct({ cents: Schema.Number }), answers: [Receipt] })

class Bank extends Context.Service<Bank, { readonly name: string }>()("test/Bank") {}
class Closed extends Data.TaggedError("Closed")<{ readonly on: string }> {}

const ada = Customer.of({ name: "ada" })
const order = (id: string, cents: number) => Order.of({ id, customer: "ada", cents })

const pay = Agent.make("pay", {
  each: Order,
  reads: [Customer],
  intents: [Pay],
  writes: [Total],
  timeout: "1 second",
  execute: ({ value }, view) =>
    Effect.gen(function* () {
      const { name } = yield* Bank
      if (value.cents < 0) return yield* new Closed({ on: name })
      if (value.cents === 13) return yield* Effect.never
      yield* Budget.reserve({ tokens: 5 })
      yield* Budget.spend({ tokens: 3 })
      return {
        facts: [Total.of({ customer: value.customer, cents: value.cents + view.size(Customer) })],
        intents: [Pay.of({ cents: value.cents })],
        evaluations: [{ fact: { kind: "Order", id: value.id }, score: 1, reason: "paid" }],
        trace: { input: view.input, cycle: view.cycle },
        usage: { tokens: 2 }
      }
    })
})

const bank = Effect.provideService(Bank, { name: "north" })

describe("Testing.execute", () => {
  it.effect("gives the validated effect of a fiber agent, with what it paid", () =>
    Effect.gen(function* () {
      const effect = Testing.execute(pay, { each: order("o1", 700), facts: [ada], input: { day: 1 }, cycle: 4 })
      expectTypeOf<Effect.Error<typeof effect>>().toEqualTypeOf<Closed | Testing.NotExecuted | JobError.InvalidInput>()
      expectTypeOf<Effect.Services<typeof effect>>().toEqualTypeOf<Bank>()
      expectTypeOf<Effect.Success<typeof effect>["facts"][number]["kind"]>().toEqualTypeOf<"Total" | "Receipt">()
      const { evaluations, facts, intents, trace, usage } = yield* bank(effect)
      expect(facts).toEqual([{ kind: "Total", id: "ada", value: { customer: "ada", cents: 701 }, because: [] }])
      expect(Object.isFrozen(facts[0]?.value)).toBe(true)
      expect(intents).toEqual([{ kind: "Pay", payload: { cents: 700 } }])
      expect(evaluations).toEqual([{ fact: { kind: "Order", id: "o1" }, score: 1, reason: "paid" }])
      expect({ trace, usage }).toEqual({ trace: { input: { day: 1 }, cycle: 4 }, usage: { tokens: 5, cost: 0 } })
    })
  )

  it.effect("fails with the agent's own error, and with NotExecuted after its timeout", () =>
    Effect.gen(function* () {
      const closed = yield* Effect.flip(bank(Testing.execute(pay, { each: order("o1", -1) })))
      expect(closed).toEqual(new Closed({ on: "north" }))
      const late = yield* Effect.forkChild(
        Effect.flip(bank(Testing.execute(pay, { each: order("o13", 13), cycle: 2 })))
      )
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(late)).toMatchObject({
        _tag: "NotExecuted",
        agent: "pay",
        cycle: 2,
        fact: { kind: "Order", id: "o13" },
        reason: "AgentTimedOut"
      })
    })
  )

  it.effect("runs a CPU agent here, and names what is wrong with its output", () =>
    Effect.gen(function* () {
      const count = (value: unknown) =>
        Agent.cpu("count", {
          reads: [Order],
          writes: [Total],
          accepts: (view) => view.size(Order) > 0,
          execute: (view) => {
            if (value === "throw") throw new Error("no cents")
            const cents = value === "wrong" ? "many" : view.delta(Order).length
            return { facts: [Total.of({ customer: "all", cents: cents as number })] }
          }
        })
      const { facts } = yield* Testing.execute(count("right"), { facts: [order("o1", 1), order("o2", 2)] })
      expect(facts).toMatchObject([{ id: "all", value: { cents: 2 } }])
      const wrong = yield* Effect.flip(Testing.execute(count("wrong"), { facts: [order("o1", 1)] }))
      expect(wrong).toMatchObject({ reason: "InvalidEffect", agent: "count", fact: undefined })
      expect(wrong.message).toContain("facts[0] (Total)")
      const thrown = yield* Effect.flip(Testing.execute(count("throw"), { facts: [order("o1", 1)] }))
      expect(thrown).toMatchObject({ reason: "AgentPanicked", error: { message: "no cents" } })
      expect(yield* Effect.flip(Testing.execute(count("right")))).toMatchObject({ reason: "NotAccepted" })
    })
  )

  it.effect("gives a join all pairs of the facts of both sides, and names a conflict of two pairs", () =>
    Effect.gen(function* () {
      const join = (conflict: "reject" | "keepLast") => {
        const Owed = Fact.kind("Owed", {
          schema: Schema.Struct({ name: Schema.String, cents: Schema.Number }),
          id: ({ name }) => name,
          conflict
        })
        return Agent.join("owe", {
          left: [Order, ({ customer }) => customer],
          right: [Customer, ({ name }) => name],
          writes: [Owed],
          execute: (left, right) => ({ facts: [Owed.of({ name: right.value.name, cents: left.value.cents })] })
        })
      }
      const facts = [ada, order("o1", 1), order("o2", 2)]
      const effect = yield* Testing.execute(join("keepLast"), { facts })
      expect(effect.facts).toEqual([
        {
          kind: "Owed",
          id: "ada",
          value: { name: "ada", cents: 2 },
          because: [
            { kind: "Order", id: "o2" },
            { kind: "Customer", id: "ada" }
          ]
        }
      ])
      const conflict = yield* Effect.flip(Testing.execute(join("reject"), { facts }))
      expect(conflict).toMatchObject({
        reason: "MergeConflict",
        error: { existing: { cents: 1 }, proposed: { cents: 2 } }
      })
    })
  )

  it.effect("gives a fold all facts as new", () =>
    Effect.gen(function* () {
      const totals = Agent.fold("totals", {
        over: Order,
        by: ({ customer }) => customer,
        into: Total,
        aggregate: Fold.sum(Order, ({ cents }) => cents),
        as: (customer, cents) => ({ customer, cents })
      })
      const { facts } = yield* Testing.execute(totals, { facts: [order("o1", 1), order("o2", 41)] })
      expect(facts).toMatchObject([{ kind: "Total", id: "ada", value: { cents: 42 } }])
    })
  )

  it.effect("refuses facts that do not fit, and an `each` that is missing", () =>
    Effect.gen(function* () {
      const wrong = { kind: "Order" as const, value: { id: "o1", customer: "ada", cents: "x" as unknown as number } }
      const failed = yield* Effect.flip(bank(Testing.execute(pay, { each: wrong })))
      expect(failed).toMatchObject({ _tag: "InvalidInput" })
      expect(yield* Effect.flip(bank(Testing.execute(pay, { facts: [ada] })))).toMatchObject({ reason: "NotAccepted" })
    })
  )
})

describe("Testing.view", () => {
  const richest = (view: View.View<typeof Order | typeof Customer>) =>
    view.all(Order).toSorted((a, b) => b.value.cents - a.value.cents)[0]?.id

  it.effect("shows the given facts of the given kinds", () =>
    Effect.gen(function* () {
      const view = yield* Testing.view({ kinds: [Order, Customer], facts: [order("o1", 1), order("o2", 2), ada] })
      expect(richest(view)).toBe("o2")
      expect(view.delta(Customer).map(({ value }) => value.name)).toEqual(["ada"])
    })
  )

  it.effect("refuses a fact of another kind", () =>
    Effect.gen(function* () {
      const facts = [ada] as unknown as ReadonlyArray<ReturnType<typeof Order.of>>
      const error = yield* Effect.flip(Testing.view({ kinds: [Order], facts }))
      expect(error.message).toBe(`facts[0] is of kind "Customer", which the view does not see: it sees Order`)
    })
  )
})
