/**
 * A job's budget and its child jobs: shares are set aside when a cycle with intents of child jobs is written, and settled with
 * the answers (CH10).
 *
 * Invariant: what a row says of shares is what the session does when that row is stored, and what a replay does (G3, G11).
 * Boundary: between a session and the pure rules of cycle/sharedBudget.ts.
 */
import { childKind } from "../program/answerKinds.ts"
import { intentKey, partOf } from "../program/keys.ts"
import type { Amounts } from "../program/resolveBudget.ts"
import { type Ended, ownLimits, settlementOf, sharedOf, sharesOf } from "../cycle/sharedBudget.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import type { ChildrenExtra } from "../journal/records.ts"
import type { JobSession } from "./session.ts"
import type { UnderWay } from "./underWay.ts"

/** The spending of a job itself by its last committed cycle, and so much CPU time more. */
const ownSpending = ({ counters, cpuMs, cycle, durationMs, spent }: JobSession): Required<Amounts> => ({
  cycles: cycle,
  facts: counters.facts,
  agents: counters.agents,
  tokens: counters.tokens + spent.tokens,
  cost: spent.cost,
  cpuTime: cpuMs,
  duration: durationMs
})

/** The spending of a job and all jobs below it. Amounts that are set aside for children without an answer count as spent. */
export const spendingOf = (session: JobSession): Amounts => {
  const own = ownSpending(session)
  const held = session.allotments.held()
  return Object.fromEntries(
    Object.entries(own).map(([name, amount]) => [name, amount + (held[name as keyof Amounts] ?? 0)])
  )
}

/** Takes in the answers of children that had shares, before any answer of the cycle is applied. */
export const settleChildren = (session: JobSession, underWay: UnderWay): void => {
  const { allotments, budget, handed, outbox, spentBelow } = session
  const ended: Array<Ended> = []
  for (const { key } of outbox?.due ?? []) {
    if (allotments.get(key) !== undefined) ended.push({ key, spent: spentBelow.get(key) ?? {} })
  }
  if (ended.length === 0) return
  underWay.settlement = settlementOf(allotments, ended, budget, ownSpending(session))
  underWay.merge.limits = ownLimits(budget, handed, allotments.held(underWay.settlement))
}

/** Sets shares aside for the children that a merged cycle asks for. They are given out when the row is stored. */
export const setSharesAside = (session: JobSession, underWay: UnderWay, row: CommittedCycle): void => {
  const { merge, outcomes, performed } = underWay
  if (merge.halt !== undefined || !performed.includes(childKind)) return
  const names = sharedOf(session.budget, session.handed)
  if (names.length === 0) return
  const keys: Array<string> = []
  const payloads: Array<unknown> = []
  for (const { agent, cause, each, effect, part } of row.outcomes) {
    if (cause !== undefined || effect === undefined) continue
    effect.intents.forEach(({ kind, payload }, index) => {
      if (kind !== childKind) return
      keys.push(intentKey({ agent, cycle: row.cycle, each, index, ...partOf(part) }))
      payloads.push(payload)
    })
  }
  const own = { ...ownSpending(session), cycles: row.cycle }
  for (const { cpuMs } of outcomes) own.cpuTime += cpuMs
  const left = Object.fromEntries(names.map((name) => [name, merge.limits.budget[name] - own[name]]))
  const shares = sharesOf(left, payloads)
  underWay.shares = keys.map((key, place) => [key, shares[place] ?? {}])
}

/** The part of a row's extra about the budgets of children. Undefined for a row that changes none. */
export const childrenExtra = ({ settlement, shares }: UnderWay): ChildrenExtra | undefined =>
  settlement === undefined && shares.length === 0
    ? undefined
    : {
        ...(settlement === undefined ? {} : { spent: settlement.spent }),
        ...(shares.length === 0 ? {} : { shares: shares.map(([, share]) => share) })
      }

/** The row is stored: its settlement and its shares hold. */
export const commitShares = (session: JobSession, { settlement, shares }: UnderWay): void => {
  if (settlement === undefined && shares.length === 0) return
  const { allotments, spentBelow } = session
  if (settlement !== undefined) {
    allotments.settle(settlement)
    for (const key of settlement.keys) spentBelow.delete(key)
  }
  for (const [key, share] of shares) allotments.give(key, share)
  session.limitOwn()
}
