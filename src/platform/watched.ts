/**
 * Tells an observer of actors, and shows it actors of other systems as their parents.
 *
 * A child job and a worker thread are actors without a parent: their ends are no events of the actor that they belong to. An
 * inspector is shown the parent nevertheless. It gets a stand-in of the actor that has everything of it, and a parent.
 *
 * Invariant: an observer never throws into an actor. Boundary: values.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { ActorRefLike, AnyActorRef, InspectionEvent } from "xstate"
import { hear } from "../values/plainResult.ts"
import { runDetached } from "./detached.ts"
import type { InspectionObserver } from "./inspection.ts"

/** The `inspect` option of an actor. */
export type Inspect = (event: InspectionEvent) => void

/** An actor as inspectors are shown it: the stand-in, and the id of the topmost actor above it. */
interface Shown {
  readonly ref: ActorRefLike
  readonly rootId: string
}

const shown = new WeakMap<object, Shown>()

const shownOf = (actor: ActorRefLike): Shown => shown.get(actor) ?? { ref: actor, rootId: actor.sessionId }

/** The stand-in of an actor. Its own children are below it. */
const standIn = (actor: ActorRefLike, { ref: parent, rootId }: Shown): ActorRefLike => {
  const known = shown.get(actor)
  if (known !== undefined) return known.ref
  const ref = Object.create(actor, { _parent: { value: parent, enumerable: true } }) as ActorRefLike
  shown.set(actor, { ref, rootId })
  return ref
}

/** Shows the actors of a system below an actor of another one. `top` is the id of the system's own root. */
const below = (event: InspectionEvent, parent: Shown): InspectionEvent => {
  const { actorRef, rootId: top } = event
  const own = (actorRef as Partial<AnyActorRef>)._parent
  const above = actorRef.sessionId === top || own === undefined ? parent : shownOf(own)
  return { ...event, rootId: parent.rootId, actorRef: standIn(actorRef, above) }
}

/**
 * The `inspect` option of an actor that an observer watches. `parent`: the actor to which it belongs.
 *
 * An observer that throws would leave the actor in the middle of a step. So it gets no further events, and the actor goes on.
 */
export const watched = <R>(
  observer: InspectionObserver,
  services: Context.Context<R>,
  parent?: AnyActorRef
): Inspect => {
  const above = parent === undefined ? undefined : shownOf(parent)
  let isDropped = false
  const drop = (error: unknown): void => {
    if (isDropped) return
    isDropped = true
    runDetached(services, Effect.logWarning("an inspection observer threw, and is told no more", error))
  }
  return (event) => {
    if (isDropped) return
    const told = above === undefined ? event : below(event, above)
    try {
      hear(typeof observer === "function" ? observer(told) : observer.next?.(told), drop)
    } catch (error) {
      drop(error)
    }
  }
}
