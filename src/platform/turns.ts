/**
 * Turns: effects of one name that wait for each other, each for the one before.
 *
 * Boundary: order alone. An effect that fails or is interrupted passes the turn on.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

export class Turns {
  /** The last in line, by name. */
  readonly #last = new Map<string, Deferred.Deferred<void>>()

  /** Runs an effect when those of the same name that came before are done. */
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
