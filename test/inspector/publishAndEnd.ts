/**
 * A program that watches one actor, runs it to its end, and has nothing else to do: it must end by itself. Arguments:
 * the relay's address, and whether its scope is closed ("close") or left open for ever ("leave").
 */
import * as Effect from "effect/Effect"
import * as Scope from "effect/Scope"
import { createActor, createMachine } from "xstate"
import { Stately } from "../../src/inspector/index.ts"

const [, , url = "", ending = ""] = process.argv

const run = Effect.gen(function* () {
  const publisher = yield* Stately.connect({ url })
  const states = { a: { on: { GO: "b" } }, b: { type: "final" as const } }
  const actor = createActor(createMachine({ id: "short", initial: "a", states }), { inspect: publisher })
  actor.start().send({ type: "GO" })
  console.log(actor.getSnapshot().status)
})

const scope = Scope.makeUnsafe()
await Effect.runPromise(ending === "close" ? Effect.scoped(run) : Scope.provide(run, scope))
