/**
 * A queue for each name: effects of one name run one after the other, in the order of their calls.
 *
 * Boundary: order alone. An effect that fails or is interrupted lets the next one run.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

export class Turns {
  /** The last effect in each queue, by name: done when that effect is. */
  readonly #last = new Map<string, Deferred.Deferred<void>>()

  /** Runs an effect when all earlier ones of the same name are done. */
  take<A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const before = this.#last.get(name)
      const own = Deferred.makeUnsafe<void>()
      this.#last.set(name, own)
      const inTurn = before === undefined ? effect : Effect.andThen(Deferred.await(before), effect)
      return Effect.onExit(inTurn, () =>
        Effect.sync(() => {
          if (this.#last.get(name) === own) this.#last.delete(name)
          Deferred.doneUnsafe(own, Effect.void)
        })
      )
    })
  }
}
