/**
 * Single flight: while an effect of a name runs, callers that ask for the same name wait for its result.
 *
 * The first caller's fiber runs the effect. An interruption or a defect reaches only the first caller. The others get the exit
 * that they named for that case. Boundary: names and results; `Turns` is for effects that run one after the other.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

export class SingleFlight<A, E> {
  /** The results under way, by name. */
  readonly #underWay = new Map<string, Deferred.Deferred<A, E>>()

  /** Runs an effect, or waits for the one of that name. `lost` is the result of waiting callers if the effect has none. */
  run<R>(name: string, effect: Effect.Effect<A, E, R>, lost: () => Exit.Exit<A, E>): Effect.Effect<A, E, R> {
    return Effect.uninterruptibleMask((restore) => {
      const underWay = this.#underWay.get(name)
      if (underWay !== undefined) return restore(Deferred.await(underWay))
      const result = Deferred.makeUnsafe<A, E>()
      this.#underWay.set(name, result)
      return Effect.onExit(restore(effect), (exit) =>
        Effect.sync(() => {
          this.#underWay.delete(name)
          Deferred.doneUnsafe(result, Exit.isSuccess(exit) || Cause.hasFails(exit.cause) ? exit : lost())
        })
      )
    })
  }

  /** Waits for the end of the effect under way, whatever its result; returns at once if there is none. */
  settled(name: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      const underWay = this.#underWay.get(name)
      return underWay === undefined ? Effect.void : Effect.asVoid(Effect.exit(Deferred.await(underWay)))
    })
  }
}
