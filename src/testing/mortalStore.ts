/**
 * A store as a process sees it that is killed: from some write on, nothing is written any more.
 *
 * The store below stays, for the process that comes after. A lease is given back all the same, as it is when another process
 * finds the holder dead. Boundary: wraps the port of a store.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { type JobStore, StoreError } from "../store/index.ts"

/** A store with an end. */
export interface MortalStore {
  readonly store: JobStore["Service"]
  /** The number of writes so far, the one that was lost included. */
  readonly writes: () => number
  readonly isDead: () => boolean
  /** Waits for its end. */
  readonly death: Effect.Effect<void>
  /** Ends it now. */
  readonly die: () => void
}

const dead = Effect.fail(new StoreError({ reason: "closed", message: "the process was killed" }))

/** The store takes `most` writes; the next one is lost, and so is everything after it. */
export const mortal = (store: JobStore["Service"], most = Infinity): MortalStore => {
  let writes = 0
  let isDead = false
  const death = Deferred.makeUnsafe<void>()
  const die = (): void => {
    isDead = true
    Deferred.doneUnsafe(death, Effect.void)
  }
  const write = <A>(effect: Effect.Effect<A, StoreError>): Effect.Effect<A, StoreError> =>
    Effect.suspend(() => {
      if (isDead) return dead
      writes++
      if (writes <= most) return effect
      die()
      return dead
    })
  return {
    writes: () => writes,
    isDead: () => isDead,
    death: Deferred.await(death),
    die,
    store: {
      ...store,
      create: (job) => write(store.create(job)),
      append: (jobId, fence, row) => write(store.append(jobId, fence, row)),
      note: (jobId, fence, text, options) => write(store.note(jobId, fence, text, options)),
      keep: (jobId, fence, kept) => write(store.keep(jobId, fence, kept)),
      rebase: (jobId, fence, base) => write(store.rebase(jobId, fence, base)),
      halt: (jobId, fence, end) => write(store.halt(jobId, fence, end)),
      lease: (jobId, options) => Effect.suspend(() => (isDead ? dead : store.lease(jobId, options))),
      requestCancel: (jobId) => write(store.requestCancel(jobId)),
      quarantine: (jobId, fence, reason) => write(store.quarantine(jobId, fence, reason)),
      prune: (options) => write(store.prune(options)),
      remove: (jobId) => write(store.remove(jobId))
    }
  }
}
