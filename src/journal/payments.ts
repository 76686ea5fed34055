/**
 * Payments of a cycle that is not committed: what a job's agents reserved and paid, written down at once.
 *
 * A store keeps them beside the effects of tasks (kept.ts), until the row of their cycle has their sum. A reservation is written
 * before its call, so a process that dies in between leaves it open; it then counts as paid.
 *
 * Boundary: records to and from the texts of a store. Money must not get lost, so a text that was changed is `JournalCorrupt`.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { JournalCorrupt } from "../outcome/JobError.ts"
import type { AgentSum } from "../outcome/Spent.ts"
import type { JobStore, Kept, StoreError } from "../store/JobStore.ts"
import { describeError } from "../values/panic.ts"
import { seal, unseal } from "./edges.ts"
import { Amount, type FieldsOf, parsePart, recordAs } from "./jsonRecord.ts"
import { keptOf } from "./kept.ts"
import type { Replay } from "./replay.ts"

/** An entry: a reservation, or a payment. */
export interface Payment {
  /** Names a reservation within its job, and the payment that settles it. Left out of a payment that settles none. */
  readonly id?: string
  readonly isPaid: boolean
  readonly agent: string
  readonly tokens: number
  readonly cost: number
}

/** The key of payments among kept results. The key of a task begins with the name of its agent, and never with a slash. */
const key = "/paid"

const fields = {
  id: Schema.optionalKey(Schema.String),
  isPaid: Schema.Boolean,
  agent: Schema.String,
  tokens: Amount,
  cost: Amount
} satisfies FieldsOf<Payment>

const paymentAs = recordAs<Payment>("kept", Schema.Struct(fields))

/** The record that a store keeps of a payment. `hash` is that of the context before the cycle. */
export const keptPayment = (cycle: number, hash: string, payment: Payment): Kept => ({
  cycle,
  key,
  text: seal(keptOf(hash, key), JSON.stringify(payment)),
  isProgress: false
})

/** The keys of kept records that outlive a change of the program: money is spent whatever becomes of an effect. */
export const lastingKeys: ReadonlyArray<string> = [key]

/** Whether a kept record is a payment. */
export const isPayment = (kept: Kept): boolean => kept.key === key

/** Adds the payments after the last row to the sums of a replay, and gives them in their order. */
export const addPayments = (
  { jobId, saved }: { readonly jobId: string; readonly saved: ReadonlyArray<Kept> },
  { cycle, ledger, spent }: Replay
): Effect.Effect<ReadonlyArray<AgentSum>, JournalCorrupt> =>
  Effect.suspend((): Effect.Effect<ReadonlyArray<AgentSum>, JournalCorrupt> => {
    const open = new Map<string, Payment>()
    const sums: Array<AgentSum> = []
    for (const kept of saved) {
      if (!isPayment(kept) || kept.cycle !== cycle + 1) continue
      const payment = paymentOf(kept, ledger.hash)
      if (typeof payment === "string") {
        const expected = "a payment that was written"
        return Effect.fail(new JournalCorrupt({ jobId, cycle: kept.cycle, part: "kept", expected, found: payment }))
      }
      const { agent, cost, id, isPaid, tokens } = payment
      if (!isPaid && id !== undefined) open.set(id, payment)
      else {
        if (id !== undefined) open.delete(id)
        sums.push([agent, tokens, cost])
      }
    }
    // Nobody knows what became of these calls.
    for (const { agent, cost, tokens } of open.values()) sums.push([agent, tokens, cost])
    for (const [agent, tokens, cost] of sums) spent.add(agent, tokens, cost)
    return Effect.succeed(sums)
  })

/** A payment, or what was found in its place. */
const paymentOf = ({ text: sealed }: Kept, hash: string): Payment | string => {
  const text = unseal(keptOf(hash, key), sealed)
  if (text === undefined) return sealed.slice(0, 64)
  try {
    return paymentAs(parsePart("kept", text))
  } catch (error) {
    return describeError(error)
  }
}

/** Does the same as `addPayments`, and reads the store. */
export const readPayments = (
  store: JobStore["Service"],
  jobId: string,
  replay: Replay
): Effect.Effect<void, StoreError | JournalCorrupt> =>
  Effect.flatMap(store.kept(jobId), (saved) => Effect.asVoid(addPayments({ jobId, saved }, replay)))
