/**
 * One program for kinds of either form: a join, a fold, an index, a signal, an intent with an answer, invariants, and an agent on
 * workers. The modules beside this one call it, with kinds and with classes; workers load those.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Fold, Intent, Invariant, Program } from "../../../../src/index.ts"

const OrderId = Schema.String.pipe(Schema.brand("OrderId"))
type OrderId = typeof OrderId.Type

export const orderOptions = {
  schema: Schema.Struct({ id: OrderId, customer: Schema.String, amount: Schema.Finite }),
  id: ({ id }: { readonly id: OrderId }) => id,
  conflict: "keepLast" as const,
  indexes: { customer: ({ customer }: { readonly customer: string }) => customer }
}

export const customerOptions = {
  schema: Schema.Struct({ name: Schema.String, region: Schema.String }),
  id: ({ name }: { readonly name: string }) => name
}

export const placedOptions = {
  schema: Schema.Struct({ order: Schema.String, region: Schema.String, others: Schema.Finite }),
  id: ({ order, region }: { readonly order: string; readonly region: string }) => `${order}/${region}`,
  conflict: "keepLast" as const,
  retention: { latest: 50 }
}

export const totalOptions = {
  schema: Schema.Struct({ customer: Schema.String, amount: Schema.Finite }),
  id: ({ customer }: { readonly customer: string }) => customer,
  conflict: "keepLast" as const
}

export const paidOptions = {
  schema: Schema.Struct({ order: Schema.String, text: Schema.String }),
  id: ({ order }: { readonly order: string }) => order
}

/** The kinds of the program. A class of a kind fits here, too. */
export interface Kinds {
  readonly Order: Fact.Kind<"Order", (typeof orderOptions)["schema"]["Type"], { readonly customer: string }, OrderId>
  readonly Customer: Fact.Kind<"Customer", (typeof customerOptions)["schema"]["Type"]>
  readonly Placed: Fact.Kind<"Placed", (typeof placedOptions)["schema"]["Type"]>
  readonly Total: Fact.Kind<"Total", (typeof totalOptions)["schema"]["Type"]>
  readonly Paid: Fact.Kind<"Paid", (typeof paidOptions)["schema"]["Type"]>
}

export const order = ({ Order }: Pick<Kinds, "Order">, id: string, customer: string, amount: number) =>
  Order.of({ id: OrderId.make(id), customer, amount })

const asks = (input: unknown): boolean => (input as { readonly asks: boolean }).asks

/** Makes the program, and the kind of the intents that it gives. */
export const programOf = (kinds: Kinds, module: string) => {
  const { Customer, Order, Paid, Placed, Total } = kinds
  const Pay = Intent.kind("Pay", { payload: Schema.Struct({ order: Schema.String }), answers: [Paid] })
  const place = Agent.join("place", {
    left: [Order, (value) => value.customer],
    right: [Customer, (value) => value.name],
    writes: [Placed],
    placement: "worker",
    execute: (left, right, view) => ({
      facts: [
        Placed.of({
          order: left.id,
          region: right.value.region,
          others: view.by(Order, "customer", left.value.customer).length
        })
      ],
      evaluations: [{ fact: Order.ref(left.id), score: 0.5, reason: "it is placed" }]
    })
  })
  const pay = Agent.cpu("pay", {
    each: Placed,
    reads: [Order, Intent.Decision],
    intents: [Pay],
    // Where the job asks, nothing is paid before the decision: then a test knows when the job waits for it alone.
    accepts: (view) => !asks(view.input) || view.size(Intent.Decision) > 0,
    execute: ({ id, value }, view) => ({
      intents: [Pay.of({ order: id })],
      trace: view.evaluations({ kind: "Order", id: OrderId.make(value.order) }).length
    })
  })
  const total = Agent.fold("total", {
    over: Order,
    by: (value) => value.customer,
    into: Total,
    aggregate: Fold.sum(Order, (value) => value.amount),
    as: (customer, amount) => ({ customer, amount })
  })
  const ask = Agent.make("ask", {
    accepts: (view) => view.cycle === 1 && asks(view.input),
    execute: () => Effect.succeed({ intents: [Intent.approval({ id: "go" })] })
  })
  const program = Program.make("kind-forms", {
    module,
    input: Schema.Struct({ orders: Schema.Finite, asks: Schema.Boolean }),
    agents: [place, pay, total, ask],
    signals: [Order],
    seed: ({ orders }) => [
      ...Array.from({ length: orders }, (_, n) => order(kinds, `o${n}`, `c${n % 3}`, n / 7)),
      Customer.of({ name: "c0", region: "north" }),
      Customer.of({ name: "c1", region: "south" })
    ],
    invariants: [
      Invariant.structural("orders are few", (view) => view.size(Order) < 100, { reads: [Order] }),
      Invariant.semantic("what is placed is paid", (view) => view.size(Placed) === view.size(Paid) || "unpaid"),
      Invariant.acceptance("all are paid", (view) => view.size(Paid) > 0 || "nobody paid")
    ],
    output: (view) => ({
      totals: view.all(Total).map(({ value }) => value),
      first: view.get(Order, OrderId.make("o0")),
      paid: view.size(Paid)
    })
  })
  return { program, Pay, kinds }
}
