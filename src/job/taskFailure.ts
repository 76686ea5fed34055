/**
 * From the exit of a task to the cause that its outcome carries. Boundary: reads exits.
 */
import * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import * as Exit from "effect/Exit"
import { EffectFault } from "../cycle/encodeEffect.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import { NoRoom } from "../program/Budget.ts"
import { describePanic } from "../values/panic.ts"
import { isInstance } from "../values/thrown.ts"
import { accountOf } from "./accountOf.ts"
import type { Task } from "./task.ts"

/** An attempt that took longer than its agent's timeout. */
export class TimedOut extends Data.TaggedError("AgentTimedOut") {}

/** A task that was not started. */
class NotStarted extends Data.TaggedError("NotStarted") {}

/** The exit of a fiber that was interrupted at its deadline. */
export const timedOutExit = Exit.fail(new TimedOut())

/** The exit of a task that was not started, since its job has no room under a limit. */
export const notStartedExit = Exit.fail(new NotStarted())

/** Tuning: causes of an error that are searched. A chain of causes may be circular. */
const depth = 8

const refusalOf = (error: unknown): NoRoom | undefined => {
  let at = error
  for (let n = 0; n < depth && typeof at === "object" && at !== null; n++) {
    if (isInstance(at, NoRoom)) return at
    at = "cause" in at ? at.cause : undefined
  }
  return undefined
}

/** Whether an error is a refused reservation, or has one as its cause. */
export const isRefusal = (error: unknown): boolean => refusalOf(error) !== undefined

/** The refused reservation that a failure has in it: as the error of the agent, as its cause, or as a defect. */
const refusalIn = (cause: Cause.Cause<unknown>): NoRoom | undefined => {
  for (const reason of cause.reasons) {
    const found = Cause.isFailReason(reason)
      ? refusalOf(reason.error)
      : Cause.isDieReason(reason)
        ? refusalOf(reason.defect)
        : undefined
    if (found !== undefined) return found
  }
  return undefined
}

/** A task that ends for want of room ends its job: no further task of the cycle starts. */
export const noteRefusal = ({ agent, session: { account } }: Task, cause: Cause.Cause<unknown>): void => {
  if (account === undefined) return
  const refusal = refusalIn(cause)
  if (refusal !== undefined) account.refuse({ agent, budget: refusal.budget })
}

/** The cause of an agent that threw. */
export const panicOf = (agent: string, cycle: number, thrown: unknown): HaltCause => ({
  _tag: "AgentPanicked",
  agent,
  cycle,
  ...describePanic(thrown)
})

/** The cause of a task that failed. */
export const failureOf = ({ agent, cycle, selected, session }: Task, cause: Cause.Cause<unknown>): HaltCause => {
  const { account } = session
  const refusal = account === undefined ? undefined : refusalIn(cause)
  if (refusal !== undefined) return accountOf(session).cause({ agent, budget: refusal.budget }, cycle)
  const die = cause.reasons.find(Cause.isDieReason)
  if (isInstance(die?.defect, EffectFault)) return { _tag: "InvalidEffect", agent, cycle, message: die.defect.message }
  if (die !== undefined) return panicOf(agent, cycle, die.defect)
  const fail = cause.reasons.find(Cause.isFailReason)
  if (fail === undefined) return panicOf(agent, cycle, new Error("the agent interrupted itself"))
  if (isInstance(fail.error, NotStarted) && account?.exhausted !== undefined) {
    return account.cause(account.exhausted, cycle)
  }
  return isInstance(fail.error, TimedOut)
    ? { _tag: "AgentTimedOut", agent, cycle, timeoutMs: selected.agent.timeoutMs ?? 0 }
    : { _tag: "AgentFailed", agent, cycle, error: fail.error }
}
