/** The rules of a line. Plain functions: the agents use them, and so does the plain script. */

export interface Order {
  /** The number of the line in the file, from 1, the header included. */
  readonly line: number
  readonly order: string
  readonly customer: string
  readonly quantity: number
  /** In cents, since sums of whole numbers are exact. */
  readonly price: number
  readonly day: string
}

/** The first rule that a line breaks, or the order that it is. */
export type Checked = { readonly order: Order } | { readonly rule: string }

const isDay = (text: string): boolean => {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** Checks one line. No field of these files has a comma or a quote. */
export const check = (text: string, line: number): Checked => {
  const fields = text.split(",")
  if (fields.length !== 5) return { rule: "has five fields" }
  const [order = "", customer = "", quantity = "", price = "", day = ""] = fields
  if (!/^A\d+$/.test(order)) return { rule: "names its order" }
  if (customer === "") return { rule: "names its customer" }
  if (!/^[1-9]\d{0,5}$/.test(quantity)) return { rule: "has a quantity" }
  if (!/^\d{1,9}\.\d\d$/.test(price)) return { rule: "has a price" }
  if (!isDay(day)) return { rule: "has a day" }
  return {
    order: { line, order, customer, quantity: Number(quantity), price: Number(price.replace(".", "")), day }
  }
}

/** The report on a file. Money is in cents. */
export interface Report {
  readonly lines: number
  readonly orders: number
  /** Lines that break a rule, by the rule. */
  readonly flaws: Readonly<Record<string, number>>
  /** Lines whose order an earlier line has, how many of them differ from it, and their value. */
  readonly duplicates: { readonly lines: number; readonly differing: number; readonly value: number }
  /** The value of all orders. */
  readonly value: number
  readonly quantity: { readonly least: number; readonly most: number }
  readonly price: { readonly least: number; readonly most: number }
  /** The number of customers, and the five with the largest orders. */
  readonly customers: number
  readonly best: ReadonlyArray<{ readonly customer: string; readonly orders: number; readonly value: number }>
}

/** More value first, and then by name. */
export const byValue = (
  a: { readonly customer: string; readonly value: number },
  b: { readonly customer: string; readonly value: number }
): number => b.value - a.value || (a.customer < b.customer ? -1 : 1)
