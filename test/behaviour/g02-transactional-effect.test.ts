/**
 * G2, transactional effect: an agent's effect is merged whole or not at all. Whatever is wrong with one part of it, no
 * fact, evaluation, intent or trace of it stays, and the other effects of the cycle do.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, type AgentEffect, Fact, Invariant, Program, Provenance } from "../../src/index.ts"
import { discarded, idsOf, runInline } from "../support/core/run.ts"
import { numbered, type Numbered } from "../support/core/ledger.ts"
import { discardAll } from "../support/core/lenient.ts"

const Thing = numbered("Thing")
const Other = numbered("Other")
const Combined = numbered("Combined", {
  conflict: () => {
    throw new RangeError("cannot combine")
  }
})
const Renamed = numbered("Renamed", { conflict: (a) => ({ id: `${a.id}!`, n: a.n }) })
const Broken = numbered("Broken", { conflict: () => ({ id: "seed", n: Number.NaN }) })
const BadId = Fact.kind("BadId", {
  schema: Schema.Struct({ id: Schema.Unknown }),
  id: (value) => {
    if (value.id === "throw") throw new RangeError("no id")
    return value.id as string
  }
})
type Kinds = typeof Thing | typeof Combined | typeof Renamed | typeof Broken | typeof BadId
const kinds = [Thing, Combined, Renamed, Broken, BadId] as const

const loose = (value: unknown): any => value
const thing = (id: string, n = 0) => Thing.of({ id, n })
const evaluations = [{ fact: { kind: "Thing", id: "seed" }, score: 1, reason: "good" }]
const intents = [{ kind: "tell", payload: { to: "you" } }]
const trap = (): never => {
  throw new RangeError("a trap")
}
const ofProxy = new Proxy({}, { ownKeys: trap })
const ofGetter = Object.defineProperty({}, "facts", { get: trap, enumerable: true })
const untouchable = new Set<unknown>([ofProxy, ofGetter])

/** An effect that is fine but for one part, the tag of why it is discarded, and what is said about it. */
const bad: Readonly<Record<string, readonly [AgentEffect.AgentEffect<Kinds>, string, RegExp]>> = {
  "a second proposal that does not fit its schema": [
    { facts: [thing("a"), thing("b", loose("two")), thing("c")] },
    "InvalidEffect",
    /^facts\[1\] \(Thing\): Expected number.* at \["n"\]/
  ],
  "a proposal of an undeclared kind": [
    { facts: [thing("a"), loose(Other.of({ id: "b", n: 0 }))] },
    "InvalidEffect",
    /^facts\[1\] is of kind "Other", which agent "bad" does not declare: add it to its kinds, `writes: \[.*, Other\]`/
  ],
  "a proposal of a kind that nobody knows": [
    { facts: [thing("a"), loose({ kind: "Nobody", value: 1 })] },
    "InvalidEffect",
    /"Nobody", which agent "bad" does not declare/
  ],
  "a proposal that is none": [
    { facts: [thing("a"), loose("b")] },
    "InvalidEffect",
    /^facts\[1\] is string, which is no proposal/
  ],
  "a proposal with an extra key": [
    { facts: [thing("a"), loose({ ...thing("b"), id: "b" })] },
    "InvalidEffect",
    /^facts\[1\] has a key that does not exist: "id"/
  ],
  "the same id twice": [
    { facts: [thing("a"), thing("b"), thing("a")] },
    "InvalidEffect",
    /^facts\[2\] proposes "Thing"\/a a second time/
  ],
  "a conflict on the third of five": [
    { facts: [thing("a"), thing("b"), thing("seed", 9), thing("c"), thing("d")] },
    "MergeConflict",
    /^$/
  ],
  "a combining function that throws": [
    { facts: [thing("a"), Combined.of({ id: "seed", n: 2 })] },
    "AgentPanicked",
    /^cannot combine$/
  ],
  "a combining function that changes the id": [
    { facts: [thing("a"), Renamed.of({ id: "seed", n: 2 })] },
    "InvalidEffect",
    /combining Renamed\/seed changed its id to "seed!"/
  ],
  "a combining function whose result does not fit": [
    { facts: [thing("a"), Broken.of({ id: "seed", n: 2 })] },
    "InvalidEffect",
    /the combined Broken\/seed/
  ],
  "an id function that throws": [{ facts: [thing("a"), BadId.of({ id: "throw" })] }, "AgentPanicked", /^no id$/],
  "an id that is no text": [
    { facts: [thing("a"), BadId.of({ id: 5 })] },
    "InvalidEffect",
    /^facts\[1\] \(BadId\): id gave number, not a string/
  ],
  "a structural invariant that it breaks": [{ facts: [thing("a"), thing("forbidden")] }, "InvariantViolated", /^$/],
  "an evaluation of a fact that does not exist": [
    { facts: [thing("a")], evaluations: [{ fact: { kind: "Thing", id: "nowhere" }, score: 1, reason: "" }] },
    "InvalidEffect",
    /^it evaluates Thing\/nowhere, which does not exist/
  ],
  "a score above 1": [
    { facts: [thing("a")], evaluations: [{ fact: { kind: "Thing", id: "a" }, score: 1.01, reason: "" }] },
    "InvalidEffect",
    /^evaluations\[0\]\.score must be a number in \[0, 1\], not 1\.01/
  ],
  "a score that is no number": [
    { facts: [thing("a")], evaluations: [{ fact: { kind: "Thing", id: "a" }, score: Number.NaN, reason: "" }] },
    "InvalidEffect",
    /score must be a number in \[0, 1\], not NaN/
  ],
  "an evaluation without a reason": [
    { facts: [thing("a")], evaluations: loose([{ fact: { kind: "Thing", id: "a" }, score: 1 }]) },
    "InvalidEffect",
    /^evaluations\[0\]\.reason must be a string/
  ],
  "an intent without a kind": [
    { facts: [thing("a")], intents: loose([{ payload: 1 }]) },
    "InvalidEffect",
    /^intents\[0\] needs a kind/
  ],
  "an intent whose payload is not plain": [
    { facts: [thing("a")], intents: [{ kind: "tell", payload: { at: new Date(0) } }] },
    "InvalidEffect",
    /^intents\[0\]: an instance of Date is not plain data at \["at"\]/
  ],
  "an intent with an extra key": [
    { facts: [thing("a")], intents: loose([{ kind: "tell", payload: 1, urgent: true }]) },
    "InvalidEffect",
    /^intents\[0\] has a key that does not exist: "urgent"/
  ],
  "a trace that is not plain": [
    { facts: [thing("a")], trace: { f: () => 1 } },
    "InvalidEffect",
    /^trace: a function is not plain data at \["f"\]/
  ],
  "tokens below 0": [
    { facts: [thing("a")], usage: { tokens: -1 } },
    "InvalidEffect",
    /^usage\.tokens must be a finite number/
  ],
  "tokens without end": [
    { facts: [thing("a")], usage: { tokens: Infinity } },
    "InvalidEffect",
    /^usage\.tokens must be a finite/
  ],
  "a key that the API does not know": [
    loose({ facts: [thing("a")], fact: [] }),
    "InvalidEffect",
    /^the effect has a key that does not exist: "fact"/
  ],
  "an unknown key in usage": [
    { facts: [thing("a")], usage: loose({ tokens: 1, dollars: 2 }) },
    "InvalidEffect",
    /^usage has a key that does not exist: "dollars"/
  ],
  "facts that are no array": [loose({ facts: thing("a") }), "InvalidEffect", /^facts must be an array, not an object/],
  "nothing at all": [loose(undefined), "InvalidEffect", /^execute returned undefined, not an effect/],
  null: [loose(null), "InvalidEffect", /^execute returned null, not an effect/],
  "a list of facts": [loose([thing("a")]), "InvalidEffect", /^execute returned an array, not an effect/],
  "a promise": [
    loose(Promise.resolve({})),
    "InvalidEffect",
    /^(execute returned a promise; use a plain function|the Effect of execute gave a promise, )/
  ],
  "an output that throws when it is looked at": [loose(ofProxy), "AgentPanicked", /^a trap$/],
  "a getter that throws": [loose(ofGetter), "AgentPanicked", /^a trap$/]
}

const noForbidden = Invariant.structural(
  "no forbidden thing",
  (_, effect) => effect.facts.every(({ id }) => id !== "forbidden") || "it is forbidden",
  { onViolation: "discard" }
)

/** With evaluations, intents and a trace beside whatever is wrong, unless that is what is wrong. */
const laden = (effect: AgentEffect.AgentEffect<Kinds>): AgentEffect.AgentEffect<Kinds> => {
  if (untouchable.has(effect) || !Array.isArray(loose(effect)?.facts)) return effect
  const scores = [...(effect.evaluations ?? []), ...evaluations]
  return { intents, trace: { why: "laden" }, usage: { tokens: 5 }, ...effect, evaluations: scores }
}

const programOf = (type: "fiber" | "cpu", effect: AgentEffect.AgentEffect<Kinds>) => {
  const common = { writes: kinds, onFailure: discardAll } as const
  const before = Agent.make("before", { writes: [Thing], execute: () => Effect.succeed({ facts: [thing("before")] }) })
  const after = Agent.make("after", {
    writes: [Thing],
    execute: () => Effect.succeed({ facts: [thing("after")], trace: { ok: true } })
  })
  const options = {
    module: import.meta.url,
    input: Schema.Struct({}),
    kinds: [Other],
    invariants: [noForbidden],
    seed: () => kinds.map((kind) => loose(kind).of({ id: "seed", n: 1 } satisfies Numbered))
  }
  return type === "fiber"
    ? Program.make("p", {
        ...options,
        agents: [before, Agent.make("bad", { ...common, execute: () => Effect.succeed(effect) }), after]
      })
    : Program.make("p", { ...options, agents: [before, Agent.cpu("bad", { ...common, execute: () => effect }), after] })
}

const seeds = kinds.map(({ name }) => `${name}/seed`)

for (const type of ["fiber", "cpu"] as const) {
  describe(`an effect of a ${type} agent leaves nothing if it has`, () => {
    for (const [what, [effect, tag, message]] of Object.entries(bad)) {
      it.effect(what, () =>
        Effect.map(runInline(programOf(type, laden(effect)), {}), ({ error, events, result }) => {
          expect(error).toBeUndefined()
          expect(discarded(result)).toEqual([["bad", tag]])
          const cause = result.diagnostics[0]!.cause
          expect("message" in cause ? cause.message : "").toMatch(message)
          const all = result.context.facts().map(({ id, kind }) => `${kind}/${id}`)
          expect(all).toEqual([...seeds, "Thing/before", "Thing/after"])
          expect(result.context.evaluations({ kind: "Thing", id: "seed" })).toEqual([])
          expect(result.intents).toEqual([])
          expect(result.usage).toMatchObject({ facts: seeds.length + 2, tokens: 0, agents: 3 })
          expect(result.version).toBe(seeds.length + 2)
          expect(result.context.contextBytes).toBe(
            result.context.encoded().reduce((sum, { text }) => sum + text.length, 0)
          )
          expect(events.filter((event) => "agent" in event && event.agent === "bad").map(({ _tag }) => _tag)).toEqual([
            "TaskDiscarded"
          ])
          expect(Provenance.explain(result.context, { kind: "Thing", id: "after" })?.trace).toEqual({ ok: true })
        })
      )
    }
  })
}

describe("an effect that is fine", () => {
  it.effect("leaves everything", () =>
    Effect.map(runInline(programOf("fiber", laden({ facts: [thing("a"), thing("b")] })), {}), ({ result }) => {
      expect(discarded(result)).toEqual([["bad", "NotPerformed"]])
      expect(idsOf(result, Thing)).toEqual(["seed", "before", "a", "b", "after"])
      expect(result.context.evaluations({ kind: "Thing", id: "seed" })).toHaveLength(1)
      expect(result.intents).toHaveLength(1)
      expect(result.usage.tokens).toBe(5)
      expect(Provenance.explain(result.context, { kind: "Thing", id: "b" })?.trace).toEqual({ why: "laden" })
    })
  )

  it.effect("may evaluate what it adds itself", () => {
    const effect = { facts: [thing("a")], evaluations: [{ fact: { kind: "Thing", id: "a" }, score: 0, reason: "new" }] }
    return Effect.map(runInline(programOf("cpu", effect), {}), ({ result }) => {
      expect(result.context.evaluations({ kind: "Thing", id: "a" })).toEqual([
        { fact: { kind: "Thing", id: "a" }, score: 0, reason: "new", agent: "bad", cycle: 1 }
      ])
    })
  })
})

describe("a large effect", () => {
  it.effect("is one too: of 2,000 facts, of which the last is not valid or conflicts, none stays", () =>
    Effect.gen(function* () {
      const many = Array.from({ length: 2_000 }, (_, n) => thing(`m${n}`, n))
      for (const last of [thing("z", loose("no")), thing("seed", 9)]) {
        const { result } = yield* runInline(programOf("fiber", { facts: [...many, last] }), {})
        expect(result.diagnostics).toHaveLength(1)
        expect(idsOf(result, Thing)).toEqual(["seed", "before", "after"])
      }
      const { result } = yield* runInline(programOf("cpu", { facts: many }), {})
      expect(result.context.size(Thing)).toBe(2_003)
    })
  )
})

describe("an effect that revised facts before it was refused", () => {
  it.effect("leaves the earlier values in place", () => {
    const Last = numbered("Last", { conflict: "keepLast" })
    const program = Program.make("p", {
      input: Schema.Struct({}),
      agents: [
        Agent.make("revises", {
          writes: [Last, Thing],
          onFailure: discardAll,
          execute: () =>
            Effect.succeed({
              facts: [Last.of({ id: "a", n: 22 }), Last.of({ id: "new", n: 1 })],
              evaluations: [{ fact: { kind: "Thing", id: "nowhere" }, score: 1, reason: "" }]
            })
        })
      ],
      seed: () => [Last.of({ id: "a", n: 1 }), Last.of({ id: "b", n: 1 })]
    })
    return Effect.map(runInline(program, {}), ({ result }) => {
      expect(result.context.all(Last).map(({ id, provenance, value }) => [id, value.n, provenance.version])).toEqual([
        ["a", 1, 1],
        ["b", 1, 2]
      ])
      expect(result.version).toBe(2)
    })
  })
})
