/**
 * The error of a reservation that was refused. Boundary: data.
 */
import * as Data from "effect/Data"
import type { BudgetName } from "./Budget.ts"

/**
 * A reservation was refused: what is asked for does not fit under the limit, whatever the calls that are under way turn out to
 * cost. An agent may catch it, and do without the call. If it does not, its job ends with `BudgetExhausted`.
 */
export class NoRoom extends Data.TaggedError("NoRoom")<{
  readonly budget: Extract<BudgetName, "tokens" | "cost">
  /** The amount that was asked for. */
  readonly asked: number
  /** The amount that was paid by then. */
  readonly used: number
  readonly limit: number
}> {
  override get message(): string {
    return `no room for ${this.asked} more under the budget of ${this.budget}: ${this.used} of ${this.limit} are spent`
  }
}
