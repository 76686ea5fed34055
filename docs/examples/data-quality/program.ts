/**
 * The quality of a file of orders: its lines are checked on worker threads, duplicates are joined, totals are folded, and the job
 * only converges if the totals add up.
 */
import { Agent, Fact, Fold, Invariant, Program } from "effect-converge"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Schema from "effect/Schema"
import { byValue, check, type Report } from "./rules.ts"

const Input = Schema.Struct({
  path: Schema.String,
  /** Lines that one task checks. */
  batch: Schema.Int.check(Schema.isGreaterThan(0))
})

/** Lines that are to be checked. Their texts leave memory when they have been. */
export const Batch = Fact.kind("Batch", {
  schema: Schema.Struct({ first: Schema.Int, lines: Schema.Array(Schema.String) }),
  id: ({ first }) => String(first),
  retention: { latest: 1 }
})

/** How many lines of a batch were orders, and how many broke a rule. */
export const Checked = Fact.kind("Checked", {
  schema: Schema.Struct({ first: Schema.Int, lines: Schema.Int, orders: Schema.Int, flaws: Schema.Int }),
  id: ({ first }) => String(first)
})

// The line is its identity, not the number of the order: a second line of an order is what is looked for, and no conflict.
export const Order = Fact.kind("Order", {
  schema: Schema.Struct({
    line: Schema.Int,
    order: Schema.String,
    customer: Schema.String,
    quantity: Schema.Int,
    price: Schema.Int,
    day: Schema.String
  }),
  id: ({ line }) => String(line)
})

export const Flaw = Fact.kind("Flaw", {
  schema: Schema.Struct({ line: Schema.Int, rule: Schema.String, text: Schema.String }),
  id: ({ line }) => String(line)
})

// If an order has three lines, the third meets both others. The first of them counts, whichever pair comes first.
export const Duplicate = Fact.kind("Duplicate", {
  schema: Schema.Struct({ line: Schema.Int, of: Schema.Int, isDifferent: Schema.Boolean, value: Schema.Int }),
  id: ({ line }) => String(line),
  conflict: Fact.min(({ of }) => of)
})

/** A number about a group: the sum of a customer, the least price of all. */
const Figure = Fact.kind("Figure", {
  schema: Schema.Struct({ name: Schema.String, group: Schema.String, value: Schema.Int }),
  id: ({ group, name }) => `${name}/${group}`,
  conflict: "keepLast",
  indexes: { name: ({ name }) => name }
})

export const read = Agent.make("read", {
  writes: [Batch],
  execute: (view) =>
    Effect.gen(function* () {
      const { batch, path } = view.input as typeof Input.Type
      const fileSystem = yield* FileSystem.FileSystem
      const lines = (yield* fileSystem.readFileString(path)).trimEnd().split("\n")
      const count = Math.ceil((lines.length - 1) / batch)
      const facts = Array.from({ length: count }, (_, at) => {
        const begin = 1 + at * batch
        return Batch.of({ first: begin + 1, lines: lines.slice(begin, begin + batch) })
      })
      return { facts }
    })
})

export const parse = Agent.cpu("parse", {
  each: Batch,
  writes: [Order, Flaw, Checked],
  timeout: "30 seconds",
  execute: ({ value: { first, lines } }) => {
    const checked = lines.map((text, at) => ({ text, line: first + at, ...check(text, first + at) }))
    const orders = checked.flatMap((result) => ("order" in result ? [Order.of(result.order)] : []))
    const flaws = checked.flatMap(({ line, text, ...result }) =>
      "rule" in result ? [Flaw.of({ line, text, rule: result.rule })] : []
    )
    const counts = { first, lines: lines.length, orders: orders.length, flaws: flaws.length }
    return { facts: [...orders, ...flaws, Checked.of(counts)] }
  }
})

/** One function for both sides, so that they share an index. */
const orderOf = ({ order }: typeof Order.schema.Type): string => order

export const duplicates = Agent.join("duplicates", {
  left: [Order, orderOf],
  right: [Order, orderOf],
  writes: [Duplicate],
  // Workers would need a copy of every order, which costs more than these few comparisons.
  placement: "inline",
  // Each order also meets itself, and each pair is met from both sides.
  execute: ({ value: earlier }, { value: later }) => {
    if (earlier.line >= later.line) return {}
    const isDifferent = (["customer", "quantity", "price", "day"] as const).some(
      (name) => earlier[name] !== later[name]
    )
    return {
      facts: [Duplicate.of({ line: later.line, of: earlier.line, isDifferent, value: later.quantity * later.price })]
    }
  }
})

/** A fold of the orders into figures of one name. */
const figure = <const Name extends string>(
  name: Name,
  by: (order: typeof Order.schema.Type) => string,
  aggregate: Fold.Aggregate<typeof Order.schema.Type, number | undefined>
) =>
  Agent.fold(name, {
    over: Order,
    by,
    into: Figure,
    aggregate,
    as: (group, value) => ({ name, group, value: value ?? 0 })
  })

const valueOf = ({ price, quantity }: typeof Order.schema.Type): number => price * quantity

const flaws = Agent.fold("flaws", {
  over: Flaw,
  by: ({ rule }) => rule,
  into: Figure,
  aggregate: Fold.count(),
  as: (group, value) => ({ name: "flaws", group, value })
})

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, number) => total + number, 0)

export const quality = Program.make("quality", {
  module: import.meta.url,
  input: Input,
  agents: [
    read,
    parse,
    duplicates,
    flaws,
    figure("value", () => "all", Fold.sum(Order, valueOf)),
    figure("customerValue", ({ customer }) => customer, Fold.sum(Order, valueOf)),
    figure("customerOrders", ({ customer }) => customer, Fold.count()),
    figure(
      "leastQuantity",
      () => "all",
      Fold.min(Order, ({ quantity }) => quantity)
    ),
    figure(
      "mostQuantity",
      () => "all",
      Fold.max(Order, ({ quantity }) => quantity)
    ),
    figure(
      "leastPrice",
      () => "all",
      Fold.min(Order, ({ price }) => price)
    ),
    figure(
      "mostPrice",
      () => "all",
      Fold.max(Order, ({ price }) => price)
    )
  ],
  invariants: [
    Invariant.acceptance("every line is an order or a flaw", (view) => {
      const batches = view.all(Checked).map(({ value }) => value)
      const lines = sum(batches.map(({ lines }) => lines))
      const found = view.size(Order) + view.size(Flaw)
      return lines === found || `${lines} lines, but ${found} orders and flaws`
    }),
    Invariant.acceptance("the customers make up the total", (view) => {
      const customers = sum(view.by(Figure, "name", "customerValue").map(({ value }) => value.value))
      const total = sum(view.by(Figure, "name", "value").map(({ value }) => value.value))
      return customers === total || `the customers make up ${customers}, but the total is ${total}`
    })
  ],
  output: (view): Report => {
    const figures = (name: string) => view.by(Figure, "name", name).map(({ value }) => value)
    const one = (name: string) => figures(name)[0]?.value ?? 0
    const copies = view.all(Duplicate).map(({ value }) => value)
    const orders = new Map(figures("customerOrders").map(({ group, value }) => [group, value]))
    const customers = figures("customerValue").map(({ group, value }) => ({
      customer: group,
      orders: orders.get(group) ?? 0,
      value
    }))
    return {
      lines: view.size(Order) + view.size(Flaw),
      orders: view.size(Order),
      flaws: Object.fromEntries(figures("flaws").map(({ group, value }) => [group, value])),
      duplicates: {
        lines: copies.length,
        differing: copies.filter(({ isDifferent }) => isDifferent).length,
        value: sum(copies.map(({ value }) => value))
      },
      value: one("value"),
      quantity: { least: one("leastQuantity"), most: one("mostQuantity") },
      price: { least: one("leastPrice"), most: one("mostPrice") },
      customers: customers.length,
      best: customers.toSorted(byValue).slice(0, 5)
    }
  }
})
