/** The program of program.ts with kinds that are classes. A minifier would give them such names. Workers load it. */
import { Fact } from "../../../../src/index.ts"
import { customerOptions, orderOptions, paidOptions, placedOptions, programOf, totalOptions } from "./program.ts"

class a extends Fact.Kind("Order", orderOptions) {
  static readonly about = "a class may have static members of its own"
}
class b extends Fact.Kind("Customer", customerOptions) {}
class c extends Fact.Kind("Placed", placedOptions) {}
class d extends Fact.Kind("Total", totalOptions) {}
class Paid extends Fact.Kind("Paid", paidOptions) {}

export const { kinds, Pay, program } = programOf({ Order: a, Customer: b, Placed: c, Total: d, Paid }, import.meta.url)
