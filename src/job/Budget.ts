/**
 * Budgets, and what agents do with them: reserve room before a call of a model, and pay for it.
 *
 * The account that a call needs belongs to the job, as its `Scope` does, so it does not show in the requirements of `Engine.run`.
 * Boundary: the calls of agents; account.ts decides them.
 */
import * as Effect from "effect/Effect"
import type { Amount, ModelUsage, NoRoom } from "../program/Budget.ts"
import { InvalidOptions } from "../values/InvalidOptions.ts"
import { anything, complaintOf, number, type Rules } from "../values/options.ts"
import { CurrentWallet, type Paid, type Reservation, type Wallet } from "./wallet.ts"

export type { AgentUsage, Amount, Budget, BudgetName, ModelUsage, Usage } from "../program/Budget.ts"
export { NoRoom } from "../program/Budget.ts"
export type { Reservation } from "./wallet.ts"

const rules: Rules<Amount> = { tokens: number(0), cost: number(0) }

/** `wallet.spend` judges a reservation. */
const spendRules: Rules<NonNullable<Parameters<typeof spend>[1]>> = { reservation: anything, cost: number(0) }

const refuse = (of: string, { message, option }: { readonly message: string; readonly option: string }) =>
  Effect.die(new InvalidOptions({ of, option, message: `${of}: ${message}` }))

const walletFor = (of: string): Effect.Effect<Wallet> =>
  Effect.flatMap(CurrentWallet, (wallet) =>
    wallet === undefined
      ? refuse(of, {
          option: "",
          message: "it is called outside of an agent's task. Run it with Budget.unlimited where there is no job"
        })
      : Effect.succeed(wallet)
  )

/**
 * Reserves room under `maxTokens` and `maxCost` before a call, for the most that the call may cost. Call it in a fiber agent.
 *
 * It waits while the room may come: other calls may turn out to cost less than was reserved for them. Those that wait are served
 * in merge order. It fails with `NoRoom` as soon as the amount cannot fit any more. An agent that does not catch `NoRoom` ends
 * its job with `BudgetExhausted`: tasks that run go on to their end, no further task of the cycle starts, and all outcomes are
 * committed.
 *
 * Settle the reservation with `spend`. If the task ends before, it counts as paid, since nobody knows what became of the call.
 * With a durable store, the reservation is written down before this succeeds, so a call that a crash breaks off counts as paid,
 * too. An interrupt while it waits reserves nothing.
 *
 * Dies with `InvalidOptions` for an amount that is no number of at least 0, and outside of an agent's task, to which the
 * time after the end of its job counts.
 */
export const reserve = (amount: Amount): Effect.Effect<Reservation, NoRoom> => {
  const complaint = complaintOf(amount, rules)
  if (complaint !== undefined) return refuse("Budget.reserve", complaint)
  const { cost = 0, tokens = 0 } = amount
  return Effect.flatMap(walletFor("Budget.reserve"), (wallet) => wallet.reserve({ tokens, cost }))
}

/**
 * Pays for a call: tokens and cost, or the `Usage` that a model of effect/ai reports. It counts at once and for good, whatever
 * becomes of the attempt, the effect and the cycle. With a durable store it succeeds when the payment is written down.
 *
 * It settles a reservation of its task: `reservation`, or else the newest that the same fiber made, or else the smallest. A part
 * that the amount leaves out is as it was reserved, and 0 without a reservation. Say `{ tokens: 0, cost: 0 }` for a call that
 * cost nothing. A call that cost more than was reserved can take the job over its limit; the job then ends with
 * `BudgetExhausted` after the cycle.
 *
 * Dies with `InvalidOptions` for an amount that is no number of at least 0, and outside of an agent's task, to which the
 * time after the end of its job counts.
 */
export const spend = (
  usage: Amount | ModelUsage,
  options?: {
    /** The reservation that it settles. Default: the newest of the same fiber, or else the smallest of the task. */
    readonly reservation?: Reservation | undefined
    /** The cost of a model's usage, in the unit of `maxCost`. Default: as it was reserved. */
    readonly cost?: number | undefined
  }
): Effect.Effect<void> => {
  const isOfModel = typeof usage === "object" && usage !== null && "inputTokens" in usage
  const amount = isOfModel ? { tokens: tokensOf(usage), cost: options?.cost } : usage
  const complaint = complaintOf(amount, rules) ?? (options === undefined ? undefined : complaintOf(options, spendRules))
  if (complaint !== undefined) return refuse("Budget.spend", complaint)
  const paid: Paid = { tokens: amount.tokens, cost: amount.cost ?? options?.cost }
  return Effect.flatMap(walletFor("Budget.spend"), (wallet) => wallet.spend(paid, options?.reservation))
}

/** The tokens of a model's usage, in and out. Undefined if the model reports none. */
const tokensOf = ({ inputTokens, outputTokens }: ModelUsage): number | undefined =>
  inputTokens.total === undefined && outputTokens.total === undefined
    ? undefined
    : (inputTokens.total ?? 0) + (outputTokens.total ?? 0)

const free: Wallet = {
  reserve: ({ cost, tokens }) => Effect.succeed({ id: "", tokens, cost }),
  spend: () => Effect.void
}

/** Runs an effect where there is no job, as in a test of a part of an agent: there is always room, and nothing counts. */
export const unlimited = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, CurrentWallet, free)
