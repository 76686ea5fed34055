/**
 * The performers of an engine's intents by kind: its own performers, and those of registered handlers.
 *
 * Invariants: a kind has one performer for as long as the engine lives; a new performer wakes the live jobs whose intents wait
 * for it. Boundary: the registry; performers.ts runs the handlers.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Handler } from "../intents/IntentHandler.ts"
import type { Performer, Performers } from "../intents/outbox.ts"
import { performerOf } from "../intents/performers.ts"
import { HandlerRejected } from "../outcome/JobError.ts"
import type { LiveJobs } from "./liveJobs.ts"

export class Handlers implements Performers {
  readonly #performers = new Map<string, Performer>()
  readonly #live: LiveJobs

  constructor(live: LiveJobs) {
    this.#live = live
  }

  get(kind: string): Performer | undefined {
    return this.#performers.get(kind)
  }

  /** Sets the engine's own performer of a kind. */
  setBuiltIn(kind: string, performer: Performer): void {
    this.#performers.set(kind, performer)
  }

  /** Registers a handler that runs with given services. */
  register(handler: Handler<unknown>, services: Context.Context<unknown>): void {
    this.#performers.set(handler.kind, performerOf(handler, services))
    for (const session of this.#live.all) session.outbox?.begin()
  }

  /** Registers a handler that runs with the services of the caller. */
  add(handler: Handler<unknown>): Effect.Effect<void, HandlerRejected, unknown> {
    return Effect.flatMap(Effect.context<unknown>(), (services) => {
      if (!this.#performers.has(handler.kind)) return Effect.sync(() => this.register(handler, services))
      const message = `the kind ${JSON.stringify(handler.kind)} already has a handler`
      return Effect.fail(new HandlerRejected({ kind: handler.kind, message }))
    })
  }
}
