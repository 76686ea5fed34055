/**
 * The note about a server that has not answered for some seconds: without it, a command that waits looks like one that hangs.
 *
 * Boundary: an address in, one line for people out; serverClient.ts measures the time.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Host } from "./hostProcess.ts"
import { printable } from "./text.ts"

/** Tells the user that a server has not answered yet. */
export const SlowServer = Context.Reference<(url: string) => Effect.Effect<void>>("effect-converge/cli/SlowServer", {
  defaultValue: () => () => Effect.void
})

/** Says it once. */
export const noteOn = (host: Pick<Host, "warn">): ((url: string) => Effect.Effect<void>) => {
  let isSaid = false
  return (url) =>
    Effect.suspend(() => {
      if (isSaid) return Effect.void
      isSaid = true
      return host.warn(`converge: the server ${printable(url)} has not answered yet: Ctrl-C gives up`, "WARN")
    })
}
