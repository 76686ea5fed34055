/**
 * The account of a job: what its agents reserved and paid, and who waits for room under a limit (B6, B7).
 *
 *     reserve ── fits ─────────────────────────────> open ── spend ──> paid
 *        │                                            │
 *        ├── may fit when open ones are settled: waits │ its task ends: paid as it was reserved
 *        └── fits in no case: refused
 *
 * Invariants:
 * 1. Paid and open reservations together never exceed a limit, unless a call costs more than what was reserved for it.
 * 2. Those that wait are served in merge order: nobody gets room before a task that waits and comes first.
 * 3. With a durable store, a reservation is written before its call begins, and a payment before `spend` succeeds (G11).
 *
 * Boundary: one job. The session writes to the store; driver and tasks decide what an exhausted account means for the cycle.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { exhausted, type OwnLimits } from "../cycle/sharedBudget.ts"
import type { Payment } from "../journal/payments.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { AgentSum, Spent } from "../outcome/Spent.ts"
import { NoRoom } from "../program/Budget.ts"
import { PlaceQueue } from "./placeQueue.ts"
import type { Paid, Reservation } from "./wallet.ts"

/** Tokens and cost. */
export interface Sum {
  readonly tokens: number
  readonly cost: number
}

/** The budgets that are paid from. */
export type MoneyBudget = NoRoom["budget"]

/** A budget that is used up, and the agent that did it. */
export interface Exhausted {
  readonly agent: string
  readonly budget: MoneyBudget
}

/** The task that reserves or pays. */
export interface Payer {
  readonly agent: string
  /** Its place in merge order. */
  readonly place: number
  /** Its open reservations. Undefined while it never had any. */
  open: Set<OpenReservation> | undefined
  /** It begins to wait, or ends to. */
  readonly waits: (reason: "budget" | undefined) => void
}

export interface AccountHost {
  /** The limits of the job's own agents: its budget without the part that child jobs hold. */
  readonly limits: () => OwnLimits
  readonly spent: Spent
  /** Tokens that committed effects reported: they count against the same limit. */
  readonly reported: () => number
  /** Writes a payment down. Undefined without a durable store. Gives false if the store refuses it: the job then ends. */
  readonly write: ((payment: Payment) => Effect.Effect<boolean>) | undefined
  /** No further task of the cycle may start. Called once. */
  readonly onExhausted: () => void
  /** Names the lease under which the job runs: reservations of two leases have different names. */
  readonly lease: () => string
}

/** Room that a task holds until it pays. */
export class OpenReservation implements Reservation {
  readonly id: string
  readonly payer: Payer
  readonly tokens: number
  readonly cost: number
  /** The fiber that asked for it. */
  readonly owner: Fiber.Fiber<unknown, unknown>
  /** Whether the task has it: from then on its call may have begun. */
  isHeld = false

  constructor(id: string, payer: Payer, { cost, tokens }: Sum, owner: Fiber.Fiber<unknown, unknown>) {
    this.id = id
    this.payer = payer
    this.tokens = tokens
    this.cost = cost
    this.owner = owner
  }
}

interface Waiter {
  readonly place: number
  readonly payer: Payer
  readonly asked: Sum
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly resume: (granted: Effect.Effect<OpenReservation, NoRoom>) => void
  granted: OpenReservation | undefined
  isWaiting: boolean
}

export class Account {
  readonly #host: AccountHost
  readonly #open = new Set<OpenReservation>()
  readonly #waiting = new PlaceQueue<Waiter>()
  /** The fibers that wait, and their tasks. */
  readonly #waits = new Map<Fiber.Fiber<unknown, unknown>, Payer>()
  #reserved: { tokens: number; cost: number } = { tokens: 0, cost: 0 }
  #names = 0
  /** The agent whose payment went over a limit, and the budget. */
  #overspent: Exhausted | undefined
  /** The agent that ended for want of room, and the budget. */
  #refused: Exhausted | undefined

  constructor(host: AccountHost) {
    this.#host = host
  }

  /** The budget that is used up, and its spender. Undefined while tasks may start. */
  get exhausted(): Exhausted | undefined {
    return this.#refused ?? this.#overspent
  }

  /** The budget that was overspent, and its spender. */
  get overspent(): Exhausted | undefined {
    return this.#overspent
  }

  /** An agent has ended for want of room: no further task of the cycle starts. */
  refuse(refused: Exhausted): void {
    const isFirst = this.exhausted === undefined
    this.#refused ??= refused
    if (isFirst) this.#host.onExhausted()
  }

  /** The cause that ends the job for want of a budget. */
  cause({ agent, budget }: Exhausted, cycle: number): Cause {
    return exhausted(this.#host.limits(), { cycle, budget, used: this.used(budget), spender: agent })
  }

  /** The tokens, or the cost, that were paid. */
  used(budget: MoneyBudget): number {
    const { reported, spent } = this.#host
    return budget === "tokens" ? spent.tokens + reported() : spent.cost
  }

  limit(budget: MoneyBudget): number {
    return this.#host.limits().budget[budget]
  }

  /** Finds the first of the last payments that went over a limit, among payments that the sums have already. */
  recall(paid: ReadonlyArray<AgentSum>): void {
    const used = { tokens: this.used("tokens"), cost: this.used("cost") }
    for (const [, tokens, cost] of paid) {
      used.tokens -= tokens
      used.cost -= cost
    }
    for (const [agent, tokens, cost] of paid) {
      used.tokens += tokens
      used.cost += cost
      const budget = budgets.findLast((name) => used[name] > this.limit(name))
      if (budget !== undefined) this.#overspent ??= { agent, budget }
    }
  }

  /** Waits for room, or fails if there will be none. */
  reserve(payer: Payer, asked: Sum): Effect.Effect<OpenReservation, NoRoom> {
    const granted = Effect.withFiber<OpenReservation, NoRoom>((fiber) => {
      const first = this.#waiting.first
      if (first === undefined || first.place > payer.place) {
        const refusal = this.#refusal(asked)
        if (refusal !== undefined) return Effect.fail(refusal)
        if (this.#short(asked) === undefined) return Effect.succeed(this.#grant(payer, asked, fiber))
      }
      return this.#wait(payer, asked, fiber)
    })
    return Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(restore(granted), (reservation) => {
        reservation.isHeld = true
        const { agent } = payer
        const { cost, id, tokens } = reservation
        const written = this.#host.write?.({ id, isPaid: false, agent, tokens, cost })
        if (written === undefined) return Effect.succeed(reservation)
        // The job ends without the call, which nobody would know of.
        return Effect.flatMap(written, (isWritten) => (isWritten ? Effect.succeed(reservation) : restore(Effect.never)))
      })
    )
  }

  #wait(payer: Payer, asked: Sum, fiber: Fiber.Fiber<unknown, unknown>): Effect.Effect<OpenReservation, NoRoom> {
    return Effect.callback((resume) => {
      const waiter: Waiter = { place: payer.place, payer, asked, fiber, resume, granted: undefined, isWaiting: true }
      this.#waiting.add(waiter)
      this.#waits.set(fiber, payer)
      this.#serve()
      if (waiter.isWaiting) payer.waits("budget")
      return Effect.sync(() => {
        if (this.#waiting.remove(waiter)) this.#leave(waiter)
        // The fiber was interrupted before it learned that it has room.
        else if (waiter.granted !== undefined) this.#close(waiter.granted)
        this.#serve()
      })
    })
  }

  /**
   * Pays, and settles a reservation. Without a reservation it settles the newest of this fiber, or else the smallest of the task,
   * which gives the least room away. A part that the amount leaves out is as it was reserved.
   */
  spend(payer: Payer, paid: Paid, given: Reservation | undefined): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.withFiber<void>((fiber) => {
        if (given !== undefined && !(given instanceof OpenReservation)) return Effect.die(new Error(foreign))
        const reservation = given ?? reservationOf(payer, fiber)
        const tokens = paid.tokens ?? reservation?.tokens ?? 0
        const cost = paid.cost ?? reservation?.cost ?? 0
        const isOpen = reservation !== undefined && this.#open.has(reservation)
        // From here on the end of the task does not settle it.
        if (isOpen) payer.open?.delete(reservation)
        const pay = (): void => {
          if (isOpen) this.#close(reservation)
          this.#pay(payer.agent, tokens, cost)
          this.#serve()
        }
        const id = isOpen ? { id: reservation.id } : {}
        const written = this.#host.write?.({ ...id, isPaid: true, agent: payer.agent, tokens, cost })
        if (written === undefined || !isOpen) pay()
        if (written === undefined) return Effect.void
        // A crash before the payment is written counts the whole reservation, so nobody gets the rest of it before.
        return Effect.map(written, () => (isOpen ? pay() : undefined))
      })
    )
  }

  /** A task has ended. Its open reservations are paid as they were reserved: nobody knows what became of their calls. */
  end(payer: Payer): void {
    if (payer.open === undefined || payer.open.size === 0) return
    for (const reservation of payer.open) {
      this.#close(reservation)
      if (reservation.isHeld) this.#pay(payer.agent, reservation.tokens, reservation.cost)
    }
    this.#serve()
  }

  #pay(agent: string, tokens: number, cost: number): void {
    this.#host.spent.add(agent, tokens, cost)
    if (this.#overspent !== undefined) return
    const isOver = (name: MoneyBudget): boolean => this.used(name) > this.limit(name)
    const budget = isOver("cost") ? "cost" : isOver("tokens") ? "tokens" : undefined
    if (budget === undefined) return
    const isFirst = this.exhausted === undefined
    this.#overspent = { agent, budget }
    if (isFirst) this.#host.onExhausted()
  }

  #grant(payer: Payer, asked: Sum, owner: Fiber.Fiber<unknown, unknown>): OpenReservation {
    const reservation = new OpenReservation(`${this.#host.lease()}.${++this.#names}`, payer, asked, owner)
    this.#open.add(reservation)
    payer.open ??= new Set()
    payer.open.add(reservation)
    this.#reserved.tokens += asked.tokens
    this.#reserved.cost += asked.cost
    return reservation
  }

  #close(reservation: OpenReservation): boolean {
    if (!this.#open.delete(reservation)) return false
    reservation.payer.open?.delete(reservation)
    // Sums of fractions are not exact: without open reservations, nothing is reserved.
    if (this.#open.size === 0) this.#reserved = { tokens: 0, cost: 0 }
    else {
      this.#reserved.tokens -= reservation.tokens
      this.#reserved.cost -= reservation.cost
    }
    return true
  }

  /** The budget under which an amount does not fit beside the open reservations. Undefined if it fits. */
  #short(asked: Sum): MoneyBudget | undefined {
    return budgets.find(
      (budget) => asked[budget] > 0 && this.used(budget) + this.#reserved[budget] + asked[budget] > this.limit(budget)
    )
  }

  /** Why an amount fits in no case, also if all open reservations turn out to cost nothing. */
  #refusal(asked: Sum): NoRoom | undefined {
    const budget = budgets.find((name) => asked[name] > 0 && this.used(name) + asked[name] > this.limit(name))
    return budget === undefined ? undefined : this.#noRoom(budget, asked)
  }

  #noRoom(budget: MoneyBudget, asked: Sum): NoRoom {
    return new NoRoom({ budget, asked: asked[budget], used: this.used(budget), limit: this.limit(budget) })
  }

  /** Serves those that wait, the first in merge order first. */
  #serve(): void {
    for (;;) {
      const first = this.#waiting.first
      if (first === undefined) return
      const refusal = this.#refusal(first.asked)
      if (refusal === undefined && this.#short(first.asked) !== undefined) {
        if (!this.#isStuck()) return
        this.#refuseLast()
        continue
      }
      this.#waiting.shift()
      this.#leave(first)
      if (refusal !== undefined) first.resume(Effect.fail(refusal))
      else {
        first.granted = this.#grant(first.payer, first.asked, first.fiber)
        first.resume(Effect.succeed(first.granted))
      }
    }
  }

  /** Whether nothing will be settled any more: each open reservation is of a fiber that waits for another one. */
  #isStuck(): boolean {
    for (const { owner, payer } of this.#open) {
      if (this.#waits.has(owner)) continue
      // A child fiber asked for it and has ended: now its task waits for another one.
      const isOfWaitingTask = owner.pollUnsafe() !== undefined && [...this.#waits.values()].includes(payer)
      if (!isOfWaitingTask) return false
    }
    return true
  }

  /** Refuses the last in merge order, so that those before it can go on. */
  #refuseLast(): void {
    const { last } = this.#waiting
    if (last === undefined) return
    this.#waiting.remove(last)
    this.#leave(last)
    last.resume(Effect.fail(this.#noRoom(this.#short(last.asked) ?? "tokens", last.asked)))
  }

  #leave(waiter: Waiter): void {
    const { fiber, payer } = waiter
    this.#waits.delete(fiber)
    waiter.isWaiting = false
    payer.waits(undefined)
  }
}

const budgets: ReadonlyArray<MoneyBudget> = ["tokens", "cost"]

const foreign = "Budget.spend: the reservation was not made by Budget.reserve of a job"

const reservationOf = ({ open }: Payer, fiber: Fiber.Fiber<unknown, unknown>): OpenReservation | undefined => {
  let found: OpenReservation | undefined
  for (const reservation of open ?? []) {
    const isOwn = reservation.owner === fiber
    if (found === undefined || isOwn || (found.owner !== fiber && isLess(reservation, found))) found = reservation
  }
  return found
}

const isLess = (one: Sum, other: Sum): boolean =>
  one.cost < other.cost || (one.cost === other.cost && one.tokens < other.tokens)
