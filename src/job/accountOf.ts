/**
 * The account of a session: its limits, its sums, and its store.
 *
 * Boundary: between a session and account.ts.
 */
import * as Effect from "effect/Effect"
import { keptPayment } from "../journal/payments.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { AgentSum } from "../outcome/Spent.ts"
import { Account, type AccountHost } from "./account.ts"
import { storeFailed } from "./journaling.ts"
import type { JobSession } from "./session.ts"

/** The account of a job. It is made for the first agent that reserves or pays. */
export const accountOf = (session: JobSession): Account => (session.account ??= new Account(hostOf(session)))

/**
 * Recalls the payments of a cycle that a crash broke off. If they went over a limit, no further task starts, and the job ends
 * with the cycle, as it would have ended without the crash (B7, B8).
 */
export const recallPayments = (session: JobSession, paid: ReadonlyArray<AgentSum>): void => {
  if (paid.length > 0) accountOf(session).recall(paid)
}

/** The cause of a task that is not started, since a budget is used up. */
export const exhaustedCause = (session: JobSession, cycle: number): Cause => {
  const account = accountOf(session)
  const { exhausted } = account
  if (exhausted === undefined) throw new Error("a task was withdrawn, and no budget is used up")
  return account.cause(exhausted, cycle)
}

const hostOf = (session: JobSession): AccountHost => {
  const { counters, jobId, ledger, options, spent } = session
  const { store } = options
  return {
    limits: () => session.underWay?.merge.limits ?? session.limits,
    spent,
    reported: () => counters.tokens,
    write: store.isDurable
      ? (payment) =>
          Effect.matchCause(
            store.keep(jobId, session.fence ?? 0, keptPayment(session.cycle + 1, ledger.hash, payment)),
            {
              onFailure: (cause) => {
                session.underWay?.stop(storeFailed(session, session.cycle + 1, cause))
                return false
              },
              onSuccess: () => true
            }
          )
      : undefined,
    onExhausted: () => session.underWay?.starts?.close((_, cycle) => exhaustedCause(session, cycle)),
    lease: () => String(session.fence ?? 0)
  }
}
