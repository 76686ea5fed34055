/** Gives a simulation the turns that it asks for. Boundary: the bridge from its steps to an Effect of the caller. */
import * as Effect from "effect/Effect"
import { realTurn, settledPromises } from "../../platform/ambient.ts"
import type { Wait } from "./World.ts"

/** Runs the steps to their end. */
export const inTurns = <A>(steps: Generator<Wait, A>): Effect.Effect<A> =>
  Effect.suspend(() => {
    const step = steps.next()
    if (step.done === true) return Effect.succeed(step.value)
    return Effect.flatMap(step.value === "promises" ? settledPromises : realTurn, () => inTurns(steps))
  })
