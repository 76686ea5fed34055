/**
 * A queue for each name: effects of one name run one after the other, in the order of their calls.
 *
 * An effect that fails or is interrupted passes the turn on. An effect that is interrupted while it waits leaves the queue, and
 * later effects still wait for the effect under way. Boundary: order alone.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"

interface Turn {
  /** Succeeds when this turn and all before it are over. */
  readonly done: Deferred.Deferred<void>
  before: Turn | undefined
  isOver: boolean
}

/** The turn itself if it is not over, or the nearest one before it that is not. */
const openTurn = (from: Turn | undefined): Turn | undefined => {
  let turn = from
  while (turn?.isOver === true) turn = turn.before
  return turn
}

export class Turns {
  /** The last in the queue, by name. */
  readonly #last = new Map<string, Turn>()

  /** Whether an effect of a name is under way, or waits. */
  has(name: string): boolean {
    return this.#last.has(name)
  }

  /** Runs an effect after all earlier effects of the same name. */
  take<A, E, R>(name: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return Effect.suspend(() => {
      const before = this.#last.get(name)
      const own: Turn = { done: Deferred.makeUnsafe<void>(), before, isOver: false }
      this.#last.set(name, own)
      const inTurn = before === undefined ? effect : Effect.andThen(Deferred.await(before.done), effect)
      return Effect.onExit(inTurn, () => Effect.sync(() => this.#leave(name, own)))
    })
  }

  #leave(name: string, own: Turn): void {
    own.isOver = true
    const ahead = openTurn(own)
    own.before = ahead
    if (this.#last.get(name) === own) {
      if (ahead === undefined) this.#last.delete(name)
      else this.#last.set(name, ahead)
    }
    Deferred.doneUnsafe(own.done, ahead === undefined ? Effect.void : Deferred.await(ahead.done))
  }
}
