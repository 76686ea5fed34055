/**
 * The bridge from an Effect to XState: an Effect as actor logic.
 *
 * The actor's fiber starts when the actor does, and is interrupted when the actor is stopped. The caller makes a typed event from
 * the fiber's `Exit`, and that event goes to the parent, never an untyped error. Events that the parent sends go to listeners
 * that the effect registers.
 *
 * Invariants: the embedder's runtime is the only one, and the effect runs with the services that are given here; after a stop
 * nothing is sent back. Boundary: actor logic. Only this file and fiberGroup.ts start fibers from outside of Effect.
 */
import * as Effect from "effect/Effect"
import type * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import { type AnyActorRef, type EventObject, fromCallback } from "xstate"

/** The input of an actor's effect, and its access to the parent's events. */
export interface EffectActorScope<Input, Received extends EventObject> {
  readonly input: Input
  readonly self: AnyActorRef
  /** Registers a listener for the events that the parent sends. Listeners must not throw. */
  readonly receive: (listener: (event: Received) => void) => void
}

/** An effect with the services that it runs with. */
export interface EffectActor<A, E, R> {
  readonly effect: Effect.Effect<A, E, R>
  readonly services: Context.Context<R>
}

/**
 * Actor logic that runs an Effect.
 *
 * `onExit` makes the event that reports the fiber's end to the parent; undefined sends no event. The fiber begins synchronously,
 * while the parent is still in its transition, so an effect that sends to the parent should let a turn pass first.
 */
export const fromEffect = <Input, Received extends EventObject, Sent extends EventObject, A, E, R>(
  make: (scope: EffectActorScope<Input, Received>) => EffectActor<A, E, R>,
  onExit: (exit: Exit.Exit<A, E>) => Sent | undefined
) =>
  fromCallback<Received, Input>(({ input, receive, self, sendBack }) => {
    let stopped = false
    const { effect, services } = make({ input, self: self as AnyActorRef, receive })
    const fiber = Effect.runForkWith(services)(effect)
    fiber.addObserver((exit) => {
      if (stopped) return
      const event = onExit(exit)
      if (event !== undefined) sendBack(event)
    })
    return () => {
      stopped = true
      fiber.interruptUnsafe()
    }
  })
