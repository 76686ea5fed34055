/**
 * Owed ends: jobs that were cancelled for good, but whose ends the store refused. Their journals are still unfinished.
 *
 * Until the store has taken the end, this engine ends such a job before it would resume it. Bounded: no job starts while the
 * store fails, so there are at most as many owed ends as there were live jobs then. They are lost with the process; `cancel`
 * therefore reports the failure.
 *
 * Boundary: remembers; endStored.ts writes the end to the store.
 */
import * as Effect from "effect/Effect"
import type { JobSession } from "../job/session.ts"

export class OwedCancellations<E> {
  readonly #sessions = new Map<string, JobSession>()
  readonly #end: (jobId: string) => Effect.Effect<void, E>

  /** `end` ends a job in the store, or asks the holding engine to end it. */
  constructor(end: (jobId: string) => Effect.Effect<void, E>) {
    this.#end = end
  }

  /** Notes an ended session, if its end is owed. */
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

  /** Ends all jobs with owed ends, up to the first end that the store refuses. */
  get settleAll(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.ignore(Effect.forEach([...this.#sessions.keys()], (jobId) => this.settle(jobId), { discard: true }))
    )
  }
}
