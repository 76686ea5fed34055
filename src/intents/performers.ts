/**
 * From a handler, as it was defined, to what performs intents: with its attempts, its timeout and its services.
 *
 * Boundary: effects; when they run is outbox.ts.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { compiledHandler, type Handler, type HandledIntent } from "./IntentHandler.ts"
import type { IntentFault, Performer } from "./outbox.ts"
import { typeOf } from "../values/panic.ts"

/** What performs intents as a handler says, with services that have what it needs. */
export const performerOf = <R>(handler: Handler<R>, services: Context.Context<R>): Performer => {
  const { onFailure, perform, retry, timeoutMs } = compiledHandler(handler)
  // The services are those of whoever gave the handler, whose type says that they are enough.
  const provided = services as Context.Context<unknown>
  const timedOut: IntentFault = { _tag: "HandlerTimedOut", message: `the handler took longer than ${timeoutMs} ms` }
  const attempt = (intent: HandledIntent): Effect.Effect<unknown, unknown, unknown> => {
    const once = Effect.suspend(() => {
      const effect: unknown = perform(intent)
      return Effect.isEffect(effect)
        ? effect
        : Effect.die(new TypeError(`the handler returned ${typeOf(effect)}, not an Effect`))
    })
    return timeoutMs === undefined
      ? once
      : Effect.timeoutOrElse(once, { duration: Duration.millis(timeoutMs), orElse: () => Effect.fail(timedOut) })
  }
  return {
    perform: (intent) => Effect.provideContext(Effect.retry(attempt(intent), retry), provided),
    services: Context.empty(),
    onFailure,
    isBuiltIn: false
  }
}

/** An approval is a wait, which the outbox does itself. */
export const approvalPerformer: Performer = {
  perform: () => Effect.void,
  services: Context.empty(),
  onFailure: "halt",
  isBuiltIn: true
}
