/**
 * G3, deterministic, across versions of this package: what a hash covers and how it is written does not change by accident.
 *
 * Hashes, events and results of a few programs, as they were before the cycle was made faster. If one changes on purpose,
 * the format in journalText.ts has a new number.
 */
import { describe, expect, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Agent, Engine, Fact, Invariant, Program } from "../../src/index.ts"
import { sha256 } from "../../src/values/sha256.ts"
import { comparable, engineInline, runToEnd } from "../support/core/run.ts"
import { withoutSums } from "../support/core/withoutSums.ts"
import { numbered } from "../support/core/ledger.ts"
import { discardAll } from "../support/core/lenient.ts"

/** Every shape of value that has a way of its own to its canonical text. */
const Odd = Fact.kind("Odd \u00fc\ud83d\ude00", {
  schema: Schema.Struct({
    z: Schema.Finite,
    id: Schema.String,
    at: Schema.DateTimeUtc,
    maybe: Schema.optionalKey(Schema.String),
    table: Schema.Record(Schema.String, Schema.NullOr(Schema.Finite)),
    any: Schema.Number,
    choice: Schema.Union([Schema.Literal("a"), Schema.Struct({ y: Schema.Boolean, x: Schema.Array(Schema.Int) })])
  }),
  id: ({ id }) => id
})

/** Plain, with its keys out of order, and a record whose keys look like numbers. */
const Plain = Fact.kind("Plain", {
  schema: Schema.Struct({
    tags: Schema.Array(Schema.String),
    id: Schema.String,
    by: Schema.Record(Schema.String, Schema.Finite),
    extra: Schema.optional(Schema.String)
  }),
  id: ({ id }) => id
})

const Thing = numbered("Thing")
const Last = numbered("Last", { conflict: "keepLast", retention: { latest: 3 } })
const Max = numbered("Max", { conflict: (a, b) => (a.n >= b.n ? a : b) })

const values = Program.make("values", {
  input: Schema.Struct({ count: Schema.Int }),
  seed: ({ count }) => Array.from({ length: count }, (_, n) => Thing.of({ id: `t${n}`, n: n / 7 })),
  agents: [
    Agent.make("odd", {
      each: Thing,
      writes: [Odd, Plain],
      execute: ({ id, value: { n } }) =>
        Effect.succeed({
          facts: [
            Odd.of({
              z: n === 0 ? -0 : n,
              id,
              at: DateTime.makeUnsafe(Math.round(n * 1e12)),
              table: { b: 1, a: null, 10: 3, 9: 2 },
              any: n > 1 ? Number.POSITIVE_INFINITY : n,
              choice: n > 1 ? "a" : { y: true, x: [3, 1, 2] }
            })
          ],
          trace: { id }
        }),
      onFailure: discardAll
    }),
    Agent.make("plain", {
      reads: [Thing],
      writes: [Plain],
      execute: (view) =>
        Effect.succeed({
          facts: view.delta(Thing).map(({ id, value: { n } }) =>
            Plain.of({
              tags: ["\u2028", '"\\', `\ud83d\ude00${n}`, "\ud800"],
              id: `p${id}`,
              by: { z: 1, 2: n, 1: -n, __proto__x: 0 },
              extra: n > 1 ? undefined : "e"
            })
          ),
          intents: [{ kind: "tell", payload: { b: [1, { d: 1, c: -0 }], a: null } }],
          evaluations: view
            .delta(Thing)
            .map(({ id }) => ({ fact: { kind: "Thing", id }, score: 1 / 3, reason: `"${id}"` })),
          usage: { tokens: 3 }
        })
    })
  ]
})

/** Revisions, retention, conflicts, panics, tiers and invariants over several cycles. */
const rules = Program.make("rules", {
  signals: [Thing],
  input: Schema.Struct({ to: Schema.Int }),
  seed: () => [Thing.of({ id: "t0", n: 0 })],
  agents: [
    Agent.make("count", {
      accepts: (view) => view.cycle <= 12,
      writes: [Last, Max],
      execute: (view) =>
        Effect.succeed({
          facts: [
            Last.of({ id: `l${view.cycle % 5}`, n: view.cycle }),
            Max.of({ id: "max", n: (view.cycle * 7) % 11 }),
            Max.of({ id: `max${view.cycle % 2}`, n: 1 })
          ]
        })
    }),
    Agent.make("clash", {
      reads: [Max],
      writes: [Thing],
      onFailure: discardAll,
      execute: (view) =>
        view.cycle % 4 === 3
          ? Effect.die(new Error("unlucky"))
          : Effect.succeed({
              facts: [Thing.of({ id: `t${view.cycle % 3}`, n: 0 }), Thing.of({ id: "x", n: view.cycle % 2 })]
            })
    }),
    Agent.make("late", {
      reads: [Last, Thing],
      writes: [Odd],
      onFailure: discardAll,
      execute: () => Effect.succeed({ facts: [], surplus: true })
    })
  ],
  tiers: [["count", "clash"], ["late"]],
  invariants: [
    Invariant.structural("no t2", (_, { facts }) => facts.every(({ id }) => id !== "t2"), { onViolation: "discard" }),
    Invariant.semantic("odd max", (view) => view.all(Max).every(({ value: { n } }) => n % 2 === 1 || n > 6) || "even")
  ]
})

/** More than fits into one step, one slice or one piece of a row. */
const large = Program.make("large", {
  input: Schema.Struct({}),
  seed: () => Array.from({ length: 3_000 }, (_, n) => Thing.of({ id: `t${n}`, n })),
  agents: [
    Agent.make("copy", {
      reads: [Thing],
      writes: [Last],
      execute: (view) =>
        Effect.succeed({ facts: view.delta(Thing).map(({ value: { n } }) => Last.of({ id: `${n}`, n: n + 0.5 })) })
    }),
    Agent.make("each", {
      each: Thing,
      writes: [Max],
      execute: ({ value: { n } }) => Effect.succeed(n % 3 === 0 ? {} : { facts: [Max.of({ id: `m${n % 100}`, n })] })
    })
  ]
})

const pins = {
  values: "571b363af33e4875b8f648e3f8c67bbd 276302b29392f093 db19bb6ca7cb980d",
  rules: "74ec2d7a09a1d653107f49ac556ffb76 1a377c77ae598640 e9a5fd74d4426da5",
  large: "7a061d0cf7d0e0cc01edfbfd3eb4b628 a34d59914e74d3a5 58741bf6c7336c4d",
  again: "4880872b499007b24ff020741f3a299b a27c5ed1671f286c 2fc1ebf190eca494"
}

const pinOf = (end: Parameters<typeof comparable>[0]): string => {
  const { events, hash, result: whole } = comparable(end)
  const result = withoutSums(whole)
  return [hash, events, result]
    .map((text, index) => (index === 0 ? text.slice(0, 32) : sha256(text).slice(0, 16)))
    .join(" ")
}

describe("the hash, the events and the result are what they were", () => {
  it.live("of values of every shape", () =>
    Effect.gen(function* () {
      expect(pinOf(yield* runToEnd(values, { count: 40 }, { id: "job" }))).toBe(pins.values)
    }).pipe(Effect.provide(engineInline))
  )

  it.live("of a job with conflicts, revisions, retention, tiers and invariants", () =>
    Effect.gen(function* () {
      expect(pinOf(yield* runToEnd(rules, { to: 9 }, { id: "job" }))).toBe(pins.rules)
    }).pipe(Effect.provide(engineInline))
  )

  it.live("of a cycle of thousands of facts and tasks", () =>
    Effect.gen(function* () {
      expect(pinOf(yield* runToEnd(large, {}, { id: "job" }))).toBe(pins.large)
    }).pipe(Effect.provide(engineInline))
  )

  it.live("of a job that goes on from an earlier one and is signalled", () =>
    Effect.gen(function* () {
      const first = yield* runToEnd(rules, { to: 9 }, { id: "job" })
      const job = yield* Engine.start(rules, { to: 1 }, { id: "job", context: first.result.context })
      yield* job.pause
      const signal = yield* Effect.forkChild(job.signal([Thing.of({ id: "signalled", n: 1 })]), {
        startImmediately: true
      })
      yield* job.resume
      yield* Fiber.join(signal)
      const result = yield* Effect.result(job.result)
      const events = yield* Stream.runCollect(job.events)
      const end =
        result._tag === "Success"
          ? { result: result.success, error: undefined, events }
          : { result: result.failure.partial, error: result.failure, events }
      expect(pinOf(end)).toBe(pins.again)
    }).pipe(Effect.provide(engineInline))
  )
})
