/** The same report without a runtime: one pass over the lines, and a few maps. What the example is compared with. */
import { byValue, check, type Order, type Report } from "./rules.ts"

export const plainReport = (text: string): Report => {
  const lines = text.trimEnd().split("\n").slice(1)
  const flaws: Record<string, number> = {}
  const firsts = new Map<string, Order>()
  const customers = new Map<string, { customer: string; orders: number; value: number }>()
  const duplicates = { lines: 0, differing: 0, value: 0 }
  const quantity = { least: Infinity, most: 0 }
  const price = { least: Infinity, most: 0 }
  let orders = 0
  let value = 0
  for (const [at, line] of lines.entries()) {
    const checked = check(line, at + 2)
    if ("rule" in checked) {
      flaws[checked.rule] = (flaws[checked.rule] ?? 0) + 1
      continue
    }
    const { order } = checked
    const worth = order.quantity * order.price
    orders++
    value += worth
    quantity.least = Math.min(quantity.least, order.quantity)
    quantity.most = Math.max(quantity.most, order.quantity)
    price.least = Math.min(price.least, order.price)
    price.most = Math.max(price.most, order.price)
    const customer = customers.get(order.customer) ?? { customer: order.customer, orders: 0, value: 0 }
    customer.orders++
    customer.value += worth
    customers.set(order.customer, customer)
    const first = firsts.get(order.order)
    if (first === undefined) firsts.set(order.order, order)
    else {
      duplicates.lines++
      duplicates.value += worth
      if ((["customer", "quantity", "price", "day"] as const).some((name) => first[name] !== order[name]))
        duplicates.differing++
    }
  }
  const best = [...customers.values()].toSorted(byValue).slice(0, 5)
  return { lines: lines.length, orders, flaws, duplicates, value, quantity, price, customers: customers.size, best }
}
