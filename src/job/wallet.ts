/**
 * The wallet of a task: the calls of an agent reach the account of its job through it.
 *
 * Boundary: a Reference, so that a call needs no service. tasks.ts gives each task its wallet.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { NoRoom } from "../program/Budget.ts"
import type { Fork } from "./fiberGroup.ts"

/** Room under a job's limits, which its task holds until it pays or ends. */
export interface Reservation {
  /** Names it within its job. */
  readonly id: string
  readonly tokens: number
  readonly cost: number
}

/** An amount. A part that is undefined is as it was reserved. */
export interface Paid {
  readonly tokens: number | undefined
  readonly cost: number | undefined
}

export interface Wallet {
  readonly reserve: (asked: { readonly tokens: number; readonly cost: number }) => Effect.Effect<Reservation, NoRoom>
  readonly spend: (paid: Paid, reservation: Reservation | undefined) => Effect.Effect<void>
}

/** The services of an agent that has one task at a time. */
export interface AgentServices {
  readonly fork: Fork<Scope.Scope>
  /** The next task begins. */
  readonly take: (task: Wallet & { readonly cycle: number }) => void
}

/** The wallet of the running task. Undefined outside of agents. */
export const CurrentWallet = Context.Reference<Wallet | undefined>("effect-converge/job/CurrentWallet", {
  defaultValue: () => undefined
})
