/**
 * Contexts of past cycles, replayed from the journals of a durable store.
 *
 * A page of facts, and the next one, need the same context. So the server keeps the last few, up to so many bytes. One journal is
 * replayed at a time: replays take memory, and they are for people who look at something.
 *
 * A context that is larger than all may be together stays alone, while it is asked for.
 *
 * Invariants: `Limits` bounds the contexts that are kept, by number and bytes (G14). A context is that of a committed cycle,
 * which never changes; a job that was deleted and begun anew has another beginning, and so another key. Boundary: no HTTP.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import type * as Journal from "../journal/Journal.ts"
import { replayedWithAnswers } from "../journal/views.ts"
import { Limits } from "../Limits.ts"
import type { CommittedAnswer } from "../outcome/CommittedCycle.ts"
import type { JobStore } from "../store/JobStore.ts"
import { ofStart, ofStore, unknownCycle } from "./failures.ts"
import { LargeStay } from "./largeStay.ts"
import * as Problems from "./problems.ts"

/** A job after a cycle, with the answers to its intents, by their keys within the job. */
export interface Replayed extends Journal.Replayed {
  readonly answers: ReadonlyMap<string, CommittedAnswer>
}

export class Replays {
  readonly #store: JobStore["Service"]
  /** The least recently used first. */
  readonly #kept = new Map<string, Replayed>()
  #bytes = 0
  readonly #turn = Semaphore.makeUnsafe(1)
  /** The one that is larger than all may be together. */
  #large: { readonly key: string; readonly replayed: Replayed } | undefined
  readonly #stay: LargeStay

  constructor(store: JobStore["Service"], scope: Scope.Scope, services: Context.Context<never>) {
    this.#store = store
    this.#stay = new LargeStay({ scope, services, forget: () => (this.#large = undefined) })
  }

  /** A job after a cycle. Default: the last that is committed. */
  at(jobId: string, cycle: number | undefined) {
    return Effect.gen({ self: this }, function* () {
      const store = this.#store
      if (!store.isDurable) return yield* noJournal(jobId)
      const journal = yield* Effect.mapError(store.load(jobId), (error) => ofStore(jobId, error))
      const at = cycle ?? journal.cycle
      if (at > journal.cycle) {
        return yield* unknownCycle(jobId, at, journal.cycle)
      }
      const key = JSON.stringify([jobId, journal.genesisHash, journal.createdAt, at, journal.bases])
      return yield* this.#turn.withPermit(this.#replay(key, jobId, at))
    })
  }

  #replay(key: string, jobId: string, at: number) {
    return Effect.gen({ self: this }, function* () {
      const present = this.#kept.get(key)
      if (present !== undefined) {
        this.#kept.delete(key)
        this.#kept.set(key, present)
        return present
      }
      if (this.#large?.key === key) {
        this.#stay.ask(key)
        return this.#large.replayed
      }
      // The memory of a large one is free again before another is made.
      this.#stay.leave()
      const { answers, replayed: found } = yield* Effect.mapError(
        replayedWithAnswers(this.#store, jobId, undefined, at),
        (error) => ofStart(jobId, error)
      )
      const replayed = { ...found, answers }
      if (bytesOf(replayed) > Limits.serverReplayBytes) {
        yield* this.#stay.take(key)
        this.#large = { key, replayed }
      } else this.#keep(key, replayed)
      return replayed
    })
  }

  #keep(key: string, replayed: Replayed): void {
    this.#kept.set(key, replayed)
    this.#bytes += bytesOf(replayed)
    for (const [oldest, kept] of this.#kept) {
      if (this.#kept.size <= Limits.serverReplays && this.#bytes <= Limits.serverReplayBytes) break
      this.#kept.delete(oldest)
      this.#bytes -= bytesOf(kept)
    }
  }
}

const bytesOf = ({ context }: Replayed): number => 2 * context.historyBytes + context.version * Limits.serverThingBytes

/** The problem of a question about the past that only a journal answers. */
export const noJournal = (jobId: string): Problems.NoJournal =>
  new Problems.NoJournal({ jobId, detail: "the server keeps no journals: start it with a durable store" })
