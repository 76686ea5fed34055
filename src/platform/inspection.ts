/**
 * The observer of actors that a context carries. Boundary: a value; Engine.ts has its public name, and watched.ts tells an
 * observer.
 */
import * as Context from "effect/Context"
import type { InspectionEvent, Observer } from "xstate"

/** An observer of all events and steps of an actor. */
export type InspectionObserver = Observer<InspectionEvent> | ((event: InspectionEvent) => void)

/** The observer of the actors that the holder of the context makes. `Engine.inspect` is its public name. */
export const inspection: Context.Reference<InspectionObserver | undefined> = Context.Reference<
  InspectionObserver | undefined
>("effect-converge/Engine/inspect", { defaultValue: () => undefined })
