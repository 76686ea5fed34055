/**
 * The actor of a job: its machine, with the driver that works for it.
 *
 * The machine is made once and serves all engines: a driver finds its session by the actor that invoked it. An actor that is
 * inspected takes its steps by XState's procedure, so that an inspector sees all of them. Other actors take short steps
 * (quickSteps.ts). Boundary: XState actors; driver.ts has the driver.
 */
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import { type AnyActorRef, createActor } from "xstate"
import { type DriverEvent, jobMachine, type JobMachineEvent } from "../../machines/job.machine.ts"
import { drive, follow } from "./driver.ts"
import { fromEffect } from "./fromEffect.ts"
import { withQuickSteps } from "../../machines/quickSteps.ts"
import type { JobActor, JobSession } from "./session.ts"
import type { Status } from "../outcome/Cause.ts"
import type { InspectionObserver } from "../platform/inspection.ts"
import { watched } from "../platform/watched.ts"

const sessions = new WeakMap<AnyActorRef, JobSession>()

/** The session of the actor that invoked a driver. */
const sessionOfParent = ({ _parent: parent }: AnyActorRef): JobSession => {
  const session = parent === undefined ? undefined : sessions.get(parent)
  if (session === undefined) throw new Error("a driver was invoked by an actor without a session")
  return session
}

const driver = fromEffect<{ readonly jobId: string }, DriverEvent, JobMachineEvent, void, never, unknown>(
  ({ receive, self }) => {
    const session = sessionOfParent(self)
    receive(() => {
      session.underWay?.stopTasks?.({ _tag: "JobCancelled", cycle: session.cycle })
    })
    return { effect: drive(session), services: session.options.services }
  },
  (exit) => ({ type: "DRIVER_EXITED", defect: Exit.isFailure(exit) ? Cause.pretty(exit.cause) : null })
)

const inspectedMachine = jobMachine.provide({ actors: { driver } })
const machine = withQuickSteps(inspectedMachine)

/** The observer of a job's actor, and the actor of the job that it is a child of. */
export interface Watching {
  readonly observer: InspectionObserver | undefined
  readonly parent: AnyActorRef | undefined
}

/** Makes the actor of a session. `onEnd` is called when the actor has ended, also if it was stopped from outside. */
export const makeActor = (session: JobSession, { observer, parent }: Watching, onEnd: () => void): JobActor => {
  const { jobId, ledger, program } = session
  const input = {
    jobId,
    program: program.name,
    version: ledger.version,
    hash: ledger.hash,
    cycle: session.cycle,
    tier: session.tier
  }
  const actor =
    observer === undefined
      ? createActor(machine, { input })
      : createActor(inspectedMachine, {
          id: jobId,
          input,
          inspect: watched(observer, session.options.services, parent)
        })
  sessions.set(actor, session)
  actor.subscribe({ next: () => follow(session), complete: onEnd })
  return actor
}

const finalStates = {
  converged: "converged",
  "budget-exhausted": "budgetExhausted",
  failed: "failed",
  cancelled: "cancelled"
} as const

/** Makes the actor of a job that has ended. Its machine is in the final state. */
export const makeEndedActor = (session: JobSession, status: Status, error: string | null): JobActor => {
  const { cycle, jobId, ledger, program, tier } = session
  const { hash, version } = ledger
  const input = { jobId, program: program.name, version, hash }
  const snapshot = machine.resolveState({
    value: finalStates[status],
    status: "done",
    context: {
      ...input,
      tier,
      cycle,
      agents: [],
      tasks: 0,
      pausing: false,
      halt: { status, error }
    }
  })
  return createActor(machine, { input, snapshot }).start()
}
