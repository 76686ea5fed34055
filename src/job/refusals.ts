/**
 * Finds a refused reservation in the failure of a task. Boundary: reads errors.
 */
import * as Cause from "effect/Cause"
import { NoRoom } from "../program/NoRoom.ts"
import { isInstance } from "../values/thrown.ts"

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
export const refusalIn = (cause: Cause.Cause<unknown>): NoRoom | undefined => {
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
