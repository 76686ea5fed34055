/**
 * Jobs that were cancelled for good and whose store did not take that: their journals say that they go on.
 *
 * Until the store has taken it, whoever would go on with such a job ends it first. There are as many as were live when the
 * store failed, as no job begins without it; they are forgotten with the process, so whoever cancelled one was told.
 *
 * Boundary: remembers; how a job is ended in the store is endStored.ts.
 */
import * as Effect from "effect/Effect"
import type { JobSession } from "../job/session.ts"

export class OwedEnds<E> {
  readonly #sessions = new Map<string, JobSession>()
  readonly #end: (jobId: string) => Effect.Effect<void, E>

  /** `end`: ends a job in the store, or asks whoever holds it to. */
  constructor(end: (jobId: string) => Effect.Effect<void, E>) {
    this.#end = end
  }

  /** A session that has ended. */
  note(session: JobSession): void {
    if (session.isCancelOwed) this.#sessions.set(session.jobId, session)
  }

  /** Ends a job in the store, if that is owed. */
  settle(jobId: string): Effect.Effect<void, E> {
    return Effect.suspend(() => {
      const session = this.#sessions.get(jobId)
      if (session === undefined) return Effect.void
      return Effect.map(this.#end(jobId), () => {
        session.isEndStored = true
        this.#sessions.delete(jobId)
      })
    })
  }

  /** Ends all of them, up to the first that the store does not take. */
  get settleAll(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.ignore(Effect.forEach([...this.#sessions.keys()], (jobId) => this.settle(jobId), { discard: true }))
    )
  }
}
