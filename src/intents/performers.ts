/**
 * Performers of intents, made from handlers as they were defined: with attempts, timeout and services.
 *
 * Boundary: effects; outbox.ts decides when they run.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { compiledHandler, type Handler, type HandledIntent } from "./IntentHandler.ts"
import type { IntentFault, Performer } from "./outbox.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import { describeError, typeOf } from "../values/panic.ts"
import { hear } from "../values/plainResult.ts"

/** A performer that does as a handler says, with the services that the handler needs. */
export const performerOf = <R>(handler: Handler<R>, services: Context.Context<R>): Performer => {
  const { isBuiltIn, onFailure, perform, retry, timeoutMs, typed } = compiledHandler(handler)
  // The caller that gave the handler gave these services, and the type of that call says that they are enough: hence the cast.
  const provided = services as Context.Context<unknown>
  const timedOut: IntentFault = { _tag: "HandlerTimedOut", message: `the handler took longer than ${timeoutMs} ms` }
  const attempt = (intent: HandledIntent): Effect.Effect<unknown, unknown, unknown> => {
    const once = Effect.suspend(() => {
      const effect: unknown = perform(intent)
      if (Effect.isEffect(effect)) return effect
      hear(effect)
      return Effect.die(new TypeError(`the handler returned ${typeOf(effect)}, not an Effect`))
    })
    return timeoutMs === undefined
      ? once
      : Effect.timeoutOrElse(once, { duration: Duration.millis(timeoutMs), orElse: () => Effect.fail(timedOut) })
  }
  return {
    perform: (intent) =>
      Effect.suspend(() => {
        const given = typed === undefined ? intent : withPayload(intent, typed)
        return "_tag" in given
          ? Effect.fail(given)
          : Effect.provideContext(Effect.retry(attempt(given), retry), provided)
      }),
    // Its fiber is started with them, too: their scheduler and clock are the engine's.
    services: provided,
    onFailure,
    isBuiltIn
  }
}

/** The intent with its payload in the type of its kind, or the fault of a payload that does not fit. No attempt helps there. */
const withPayload = (intent: HandledIntent, typed: (payload: unknown) => unknown): HandledIntent | IntentFault => {
  try {
    return Object.freeze({ ...intent, payload: typed(intent.payload) })
  } catch (error) {
    const why = isInvalidValue(error) ? error.message : describeError(error)
    const message =
      `the payload does not fit the kind ${JSON.stringify(intent.kind)} of its handler: ${why}. Let agent ` +
      `${JSON.stringify(intent.agent)} declare the kind in its \`intents\`, so that its effects are checked`
    return { _tag: "InvalidIntent", message }
  }
}

/** The performer of approvals. It does nothing: the outbox itself waits for the decision. */
export const approvalPerformer: Performer = {
  perform: () => Effect.void,
  services: Context.empty(),
  onFailure: "halt",
  isBuiltIn: true
}
