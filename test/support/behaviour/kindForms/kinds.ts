/** The program of program.ts with kinds that `Fact.kind` made. Workers load it. */
import { Fact } from "../../../../src/index.ts"
import { customerOptions, orderOptions, paidOptions, placedOptions, programOf, totalOptions } from "./program.ts"

export const { kinds, Pay, program } = programOf(
  {
    Order: Fact.kind("Order", orderOptions),
    Customer: Fact.kind("Customer", customerOptions),
    Placed: Fact.kind("Placed", placedOptions),
    Total: Fact.kind("Total", totalOptions),
    Paid: Fact.kind("Paid", paidOptions)
  },
  import.meta.url
)
