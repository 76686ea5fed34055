/**
 * The stay of a thing that is larger than the room for its like: it stays while somebody asks for it.
 *
 * A job of a million facts takes more memory than all ended jobs together may. Without a stay, each page of its facts would
 * replay its journal anew.
 *
 * Invariants: one thing stays at a time; it goes when another comes, or when nobody has asked for it for
 * `Limits.serverLargeStayMs` (G14). Boundary: names and times; the owner keeps the thing.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Limits } from "../Limits.ts"

interface Guest {
  readonly name: string
  wasAsked: boolean
}

export interface LargeStayOptions {
  /** The scope of the fiber that ends a stay. */
  readonly scope: Scope.Scope
  /** The services that it runs with, so that it keeps no request. */
  readonly services: Context.Context<never>
  /** Lets go of the thing of a name. */
  readonly forget: (name: string) => void
}

export class LargeStay {
  readonly #options: LargeStayOptions
  #guest: Guest | undefined

  constructor(options: LargeStayOptions) {
    this.#options = options
  }

  /** Lets a thing stay, in place of the one before. */
  take(name: string): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.#guest?.name === name) return Effect.void
      this.leave()
      const guest: Guest = { name, wasAsked: false }
      this.#guest = guest
      const { scope, services } = this.#options
      const forked = Effect.forkIn(this.#watch(guest), scope, { startImmediately: true })
      return Effect.asVoid(Effect.updateContext(forked, () => services))
    })
  }

  /** Notes that a thing was asked for. */
  ask(name: string): void {
    if (this.#guest?.name === name) this.#guest.wasAsked = true
  }

  /** Ends the stay. */
  leave(): void {
    const guest = this.#guest
    this.#guest = undefined
    if (guest !== undefined) this.#options.forget(guest.name)
  }

  #watch(guest: Guest): Effect.Effect<void> {
    return Effect.suspend(() => {
      guest.wasAsked = false
      return Effect.andThen(
        Effect.sleep(Limits.serverLargeStayMs),
        Effect.suspend(() => {
          if (this.#guest !== guest) return Effect.void
          if (guest.wasAsked) return this.#watch(guest)
          this.leave()
          return Effect.void
        })
      )
    })
  }
}
