/**
 * A job that somebody holds open: at its fixed point it waits, as for an answer, and does not converge.
 *
 * `Testing.simulate` holds a job open until all its signals have come. Boundary: a reference in the services of a start.
 */
import * as Context from "effect/Context"

/** The hold of one job. */
export interface Held {
  readonly jobId: string
  isOn: boolean
}

/** The hold of the jobs that are started with these services; undefined: there is none. */
export const HeldOpen = Context.Reference<Held | undefined>("effect-converge/job/HeldOpen", {
  defaultValue: () => undefined
})

/** Whether somebody holds the job of a session open. */
export const isHeldOpen = (session: {
  readonly jobId: string
  readonly options: { readonly services: Context.Context<never> }
}): boolean => {
  const held = Context.get(session.options.services, HeldOpen)
  return held?.isOn === true && held.jobId === session.jobId
}
