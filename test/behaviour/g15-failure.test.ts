/**
 * G15, nothing goes wrong in silence: `onFailure: "discard"` covers what an agent can foresee. A bug ends the job (F1).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Agent, Program, WorkerPool } from "../../src/index.ts"
import { entry, Entry, engine, noInput, num, Num } from "../support/behaviour/harness.ts"
import { crashing } from "../support/behaviour/crashing.ts"
import { discarded, engineOn, runInline, runToEnd } from "../support/core/run.ts"

class Db extends Context.Service<Db, { readonly get: Effect.Effect<number> }>()("Db") {}

/** One agent that fails, beside one that does not. */
const failing = (onFailure: Agent.OnFailure, execute: () => Effect.Effect<object, unknown>, timeout?: "1 millis") =>
  Program.make("failing", {
    input: noInput,
    seed: () => [entry("a")],
    agents: [
      Agent.make("fails", { writes: [Entry], onFailure, timeout, execute }),
      Agent.make("works", { writes: [Num], execute: () => Effect.succeed({ facts: [num(1)] }) })
    ]
  })

const missingService = (): Effect.Effect<object, unknown> => {
  const needs: Effect.Effect<object, unknown, Db> = Effect.flatMap(Db, (db) => Effect.as(db.get, {}))
  // A caller without types forgets a service.
  return needs as Effect.Effect<object, unknown>
}

const foreseen: ReadonlyArray<readonly [string, () => Effect.Effect<object, unknown>, string]> = [
  ["a typed error", () => Effect.fail("no"), "AgentFailed"],
  ["a lost conflict", () => Effect.succeed({ facts: [entry("a", "other")] }), "MergeConflict"]
]

const bugs: ReadonlyArray<readonly [string, () => Effect.Effect<object, unknown>, string]> = [
  ["a missing service", missingService, "AgentPanicked"],
  [
    "a throw in the Effect",
    () => Effect.sync(() => (undefined as unknown as { readonly a: object }).a),
    "AgentPanicked"
  ],
  [
    "a throw before there is an Effect",
    () => {
      throw new TypeError("broken")
    },
    "AgentPanicked"
  ],
  ["an invalid effect", () => Effect.succeed({ facts: [num(1)] }), "InvalidEffect"]
]

describe('onFailure: "discard" of a fiber agent', () => {
  it.effect.each(foreseen)("discards %s, and the job converges with a diagnostic", ([, execute, tag]) =>
    Effect.gen(function* () {
      const { error, result } = yield* runInline(failing("discard", execute), {})
      expect(error).toBeUndefined()
      expect(discarded(result)).toEqual([["fails", tag]])
    })
  )

  it.live("discards a timeout", () =>
    Effect.gen(function* () {
      const { error, result } = yield* runInline(
        failing("discard", () => Effect.never, "1 millis"),
        {}
      )
      expect(error).toBeUndefined()
      expect(discarded(result)).toEqual([["fails", "AgentTimedOut"]])
    })
  )

  it.effect.each(bugs)("does not hide %s: the job ends with it", ([, execute, tag]) =>
    Effect.gen(function* () {
      const { error, result } = yield* runInline(failing("discard", execute), {})
      expect(error).toMatchObject({ _tag: tag, agent: "fails", cycle: 1 })
      expect(result.context.size(Num)).toBe(1)
    })
  )
})

describe("onFailure in its long form", () => {
  it.effect("discards a panic and an invalid effect where it says so", () =>
    Effect.gen(function* () {
      for (const [what, execute, tag] of bugs) {
        const { error, result } = yield* runInline(failing({ panic: "discard", invalid: "discard" }, execute), {})
        expect(error, what).toBeUndefined()
        expect(discarded(result), what).toEqual([["fails", tag]])
      }
    })
  )

  it.effect("halts for each way to fail that it leaves out", () =>
    Effect.gen(function* () {
      for (const [what, execute, tag] of [...foreseen, ...bugs]) {
        const { error } = yield* runInline(failing({ timeout: "discard", crash: "discard" }, execute), {})
        expect(error, what).toMatchObject({ _tag: tag })
      }
    })
  )

  it.effect("tells an error from a conflict", () =>
    Effect.gen(function* () {
      const conflict = yield* runInline(failing({ error: "discard" }, foreseen[1]![1]), {})
      expect(conflict.error).toMatchObject({ _tag: "MergeConflict" })
      const error = yield* runInline(failing({ conflict: "discard" }, foreseen[0]![1]), {})
      expect(error.error).toMatchObject({ _tag: "AgentFailed" })
    })
  )
})

describe('onFailure: "discard" of a CPU agent', () => {
  const threads = Layer.fresh(engineOn(WorkerPool.layer({ size: 1 })))

  it.live("discards a crash, a panic and a timeout, and not an effect that is invalid", () =>
    Effect.gen(function* () {
      const { error, result } = yield* runToEnd(crashing, [{ what: "exit" }, { what: "throw" }, { what: "loop" }])
      expect(error).toBeUndefined()
      expect(discarded(result)).toEqual([
        ["act", "WorkerCrashed"],
        ["act", "AgentPanicked"],
        ["act", "AgentTimedOut"]
      ])
      const invalid = yield* runToEnd(crashing, [{ what: "invalid" }])
      expect(invalid.error).toMatchObject({ _tag: "InvalidEffect", agent: "act" })
    }).pipe(Effect.provide(threads))
  )

  it.effect("is the same inline", () =>
    Effect.gen(function* () {
      const { error, result } = yield* runToEnd(crashing, [{ what: "throw" }])
      expect(error).toBeUndefined()
      expect(discarded(result)).toEqual([["act", "AgentPanicked"]])
    }).pipe(Effect.provide(engine()))
  )
})
