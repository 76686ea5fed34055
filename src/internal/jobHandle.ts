/**
 * A session's handle, `Job`: what an embedder asks of a job, and tells it.
 *
 * Boundary: reads the session, sends to its machine; decides nothing.
 */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { Violation } from "../Invariant.ts"
import type { Job, JobStatus } from "../Job.ts"
import { type AdmissionRejected, InvalidInput, type JobHalted } from "../JobError.ts"
import { Limits } from "../Limits.ts"
import type { Program } from "../Program.ts"
import { endOf } from "./driver.ts"
import { EffectFault, encodeFacts } from "./encodeEffect.ts"
import type { JobSession } from "./session.ts"
import { inSlices } from "./slices.ts"

const now = Clock.currentTimeMillis

/** The handle of a session. `P` is the program that the session was made from. */
export const fromSession = <P extends Program.Any>(session: JobSession): Job<P> => ({
  id: session.jobId,
  actor: session.actor,
  events: session.log.stream,
  telemetry: session.telemetry,
  result: Deferred.await(session.done) as unknown as Job<P>["result"],
  status: Effect.map(now, (at) => statusAt(session, at)),
  pause: pause(session),
  resume: Effect.suspend((): Effect.Effect<void, JobHalted> => {
    if (session.isClosed) return Effect.fail(session.halted())
    session.actor.send({ type: "RESUME" })
    return Effect.void
  }),
  cancel: cancel(session),
  signal: (proposals) => signal(session, proposals)
})

const statusAt = (session: JobSession, at: number): JobStatus => {
  const { context, value } = session.actor.getSnapshot()
  const live = typeof value === "object" ? "running" : value === "paused" ? "paused" : "queued"
  return {
    jobId: session.jobId,
    program: session.program.name,
    state: session.finished ?? (session.isClosed ? (context.halt?.status ?? "cancelled") : live),
    phase: typeof value === "object" ? value.running : undefined,
    cycle: session.cycle,
    tier: session.tier,
    version: session.version,
    hash: session.ledger.hash,
    usage: session.usage(at)
  }
}

const pause = (session: JobSession): Effect.Effect<void, JobHalted> =>
  Effect.suspend((): Effect.Effect<void, JobHalted> => {
    if (session.isClosed) return Effect.fail(session.halted())
    if (session.actor.getSnapshot().value === "paused") return Effect.void
    const waiter = Deferred.makeUnsafe<void, JobHalted>()
    session.pauseWaiters.push(waiter)
    session.actor.send({ type: "PAUSE" })
    return Effect.onInterrupt(Deferred.await(waiter), () =>
      Effect.sync(() => {
        const index = session.pauseWaiters.indexOf(waiter)
        if (index >= 0) session.pauseWaiters.splice(index, 1)
      })
    )
  })

/** Cancels a session's job and waits until it has let go. */
export const cancel = (session: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!session.isClosed) session.actor.send({ type: "CANCEL" })
    return Effect.asVoid(Effect.exit(Deferred.await(session.done)))
  })

/** Ends a session whose machine ended while no driver was there to see it: in `idle`, or stopped while paused. */
export const finishUndriven = (session: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => (session.driver !== undefined ? Effect.void : session.finish(...endOf(session), now)))

const signal = (
  session: JobSession,
  proposals: ReadonlyArray<unknown>
): Effect.Effect<void, InvalidInput | AdmissionRejected | JobHalted> =>
  Effect.suspend((): Effect.Effect<void, InvalidInput | AdmissionRejected | JobHalted> => {
    if (session.isClosed) return Effect.fail(session.halted())
    const program = session.program.name
    if (!Array.isArray(proposals) || proposals.length > Limits.signalProposals) {
      const message = `a signal is an array of at most ${Limits.signalProposals} proposals`
      return Effect.fail(new InvalidInput({ program, message }))
    }
    const kinds = session.program.kinds
    return Effect.flatMap(
      inSlices(settled(encodeFacts(proposals, (name) => (name === Violation.name ? undefined : kinds.get(name))))),
      (facts) =>
        facts instanceof EffectFault
          ? Effect.fail(new InvalidInput({ program, message: `signal: ${facts.message}` }))
          : session.offer({ facts, intents: [], evaluations: [], trace: undefined, tokens: 0 })
    )
  })

/** Steps whose fault is a value. */
export function* settled<A>(steps: Generator<void, A>): Generator<void, A | EffectFault> {
  try {
    return yield* steps
  } catch (error) {
    if (error instanceof EffectFault) return error
    throw error
  }
}
