/**
 * The ends that are owed: jobs were cancelled for good, but the store did not take their ends, so their journals say that they
 * go on.
 *
 * Until the store has taken the end, an engine that would go on with such a job ends it first. Bounded: no job starts while the
 * store fails, so there are at most as many as were live then. They are lost with the process; `cancel` therefore reports the
 * failure.
 *
 * Boundary: remembers; the end in the store is endStored.ts.
 */
import * as Effect from "effect/Effect"
import type { JobSession } from "../job/session.ts"

export class OwedCancellations<E> {
  readonly #sessions = new Map<string, JobSession>()
  readonly #end: (jobId: string) => Effect.Effect<void, E>

  /** `end` ends a job in the store, or asks the engine that holds it to. */
  constructor(end: (jobId: string) => Effect.Effect<void, E>) {
    this.#end = end
  }

  /** Notes a session that has ended, if its end is owed. */
  note(session: JobSession): void {
    if (session.isCancelOwed) this.#sessions.set(session.jobId, session)
  }

  /** Ends a job in the store, if its end is owed. */
  settle(jobId: string): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      const session = this.#sessions.get(jobId)
      if (session === undefined) return Effect.void
      return Effect.map(this.#end(jobId), () => {
        session.move({ _tag: "EndStored" })
        this.#sessions.delete(jobId)
      })
    })
  }

  /** Ends all jobs whose ends are owed, up to the first that the store does not take. */
  get settleAll(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.ignore(Effect.forEach([...this.#sessions.keys()], (jobId) => this.settle(jobId), { discard: true }))
    )
  }
}
