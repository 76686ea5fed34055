/**
 * Definitions that cannot work are refused where they are made, with `InvalidProgram`: the message names what is wrong and
 * where. What TypeScript would refuse as well is tried too, since definitions also come from JavaScript.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Invariant, JobError, Program } from "../../src/index.ts"
import { Cell, engine, Entry, failure, noInput, Num } from "../support/behaviour/harness.ts"

const loose = (value: unknown): any => value
const schema = Schema.Struct({ id: Schema.String })
const id = (value: { readonly id: string }) => value.id
const execute = () => Effect.succeed({})

/** A schema of objects in objects, to a depth. */
const nested = (depth: number): Schema.Constraint => {
  let nest: Schema.Constraint = Schema.String
  for (let level = 0; level < depth; level++) nest = Schema.Struct({ a: nest })
  return nest
}

type Refusal = readonly [what: string, define: () => unknown, message: RegExp]

const refused = (program: string, refusals: ReadonlyArray<Refusal>): void => {
  for (const [what, define, message] of refusals) {
    it(what, () => {
      let thrown: unknown
      try {
        define()
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(JobError.InvalidProgram)
      expect((thrown as JobError.InvalidProgram).message).toMatch(message)
      expect((thrown as JobError.InvalidProgram).program).toBe(program)
    })
  }
}

describe("Fact.kind refuses", () => {
  const make = (name: unknown, options: unknown) => () => Fact.kind(loose(name), loose(options))
  refused("", [
    ["an empty name", make("", { schema, id }), /a kind needs a name/],
    ["a name that is no text", make(5, { schema, id }), /a kind needs a name/],
    ["a name that no file can hold", make("k\ud800", { schema, id }), /a kind's name must be well-formed Unicode/],
    [
      "a schema that nests too deep",
      make("k", { schema: nested(3_000), id }),
      /the schema is nested deeper than 256 levels/
    ],
    ["no options", make("K", undefined), /kind "K": options are missing/],
    ["no schema", make("K", { id }), /kind "K": schema must be an Effect Schema/],
    ["a schema that is none", make("K", { schema: { id: "string" }, id }), /kind "K": schema must be an Effect Schema/],
    ["a schema of what cannot be frozen", make("K", { schema: Schema.Date, id }), /kind "K": value holds Date/],
    ["no id", make("K", { schema }), /kind "K": id must be a function/],
    ["a rule that does not exist", make("K", { schema, id, conflict: "merge" }), /kind "K": conflict must be.*"merge"/],
    ["a retention of nothing", make("K", { schema, id, retention: { latest: 0 } }), /kind "K": retention.*not 0/],
    ["a retention in parts", make("K", { schema, id, retention: { latest: 1.5 } }), /kind "K": retention.*not 1\.5/],
    ["a retention that is none", make("K", { schema, id, retention: 3 }), /kind "K": retention/],
    ["an option that does not exist", make("K", { schema, id, conflicts: "keepLast" }), /kind "K": .*"conflicts"/]
  ])
})

for (const type of ["make", "cpu"] as const) {
  describe(`Agent.${type} refuses`, () => {
    const make = (name: unknown, options: unknown) => () => loose(Agent)[type](name, options)
    refused("", [
      ["an empty name", make("", { execute }), /agent "": an agent needs a name/],
      ["a name that is no text", make(undefined, { execute }), /an agent needs a name/],
      ["no options", make("a", undefined), /agent "a": options are missing/],
      ["null as options", make("a", null), /agent "a": options are missing/],
      ["an option that does not exist", make("a", { execute, read: [Num] }), /agent "a": there is no option "read"/],
      ["no execute", make("a", { reads: [Num] }), /agent "a": execute must be a function/],
      ["an execute that is an Effect", make("a", { execute: Effect.succeed({}) }), /agent "a": execute must be a/],
      ["an accepts that is no function", make("a", { execute, accepts: true }), /agent "a": accepts must be a/],
      ["reads that are no array", make("a", { execute, reads: Num }), /agent "a": reads must be an array of kinds/],
      ["a read that is no kind", make("a", { execute, reads: [Num, "Num"] }), /agent "a": reads\[1\] is not a kind/],
      ["a write that is no kind", make("a", { execute, writes: [undefined] }), /agent "a": writes\[0\] is not a kind/],
      ["a proposal for a kind", make("a", { execute, writes: [Num.of({ n: 1 })] }), /agent "a": writes\[0\]/],
      ["an each that is no kind", make("a", { execute, each: "Num" }), /agent "a": each.* is not a kind/],
      ["an each of two kinds", make("a", { execute, each: [Num, Cell] }), /agent "a": each.* is not a kind/],
      [
        "a timeout of 0",
        make("a", { execute, timeout: 0 }),
        /agent "a": timeout must be a duration longer than 0,.* not 0/
      ],
      [
        "a timeout that is none",
        make("a", { execute, timeout: "soon" }),
        /agent "a": timeout must be a duration.*"soon"/
      ],
      ["an onFailure that is none", make("a", { execute, onFailure: "retry" }), /agent "a": onFailure.*"retry"/]
    ])
  })
}

describe("an agent refuses what is for the other type", () => {
  refused("", [
    ["a placement of a fiber agent", () => Agent.make("a", loose({ execute, placement: "worker" })), /"a": placement/],
    ["a retry of a CPU agent", () => Agent.cpu("a", loose({ execute, retry: {} })), /"a": retry is for fiber agents/],
    ["a placement that is none", () => Agent.cpu("a", loose({ execute, placement: "gpu" })), /"a": placement.*"gpu"/],
    ["a retry that is no schedule", () => Agent.make("a", loose({ execute, retry: 3 })), /"a": retry must be a Sch/]
  ])
})

describe("an invariant refuses", () => {
  refused("", [
    ["an empty name", () => Invariant.semantic("", () => true), /an invariant needs a name/],
    ["a check that is no function", () => Invariant.acceptance("i", loose(true)), /invariant "i": check must be/],
    [
      "an onViolation that is none",
      () => Invariant.structural("i", () => true, loose({ onViolation: "ignore" })),
      /invariant "i": onViolation.*"ignore"/
    ]
  ])
})

describe("Program.make refuses", () => {
  const a = Agent.make("a", { reads: [Num], execute })
  const b = Agent.make("b", { writes: [Cell], execute })
  const valid = { input: noInput, agents: [a, b] }
  const make =
    (options: unknown, name: unknown = "p") =>
    () =>
      Program.make(loose(name), loose(options))
  const but = (options: object) => make({ ...valid, ...options })
  const twin = (name: string) => Fact.kind(name, { schema, id })
  const first = (options: object) => Agent.make("first", { execute, ...options })
  const second = Agent.make("second", { writes: [Num], execute })
  const tiers = [["first"], ["second"]]

  refused("", [
    ["an empty name", make(valid, ""), /a program needs a name/],
    ["a name that is no text", make(valid, 7), /a program needs a name/]
  ])
  refused("p", [
    ["no options", make(null), /options are missing/],
    ["an option that does not exist", but({ agent: [] }), /there is no option "agent"/],
    ["no input", make({ agents: [] }), /input: schema must be an Effect Schema/],
    [
      "an input of what cannot be written",
      but({ input: Schema.Struct({ at: Schema.Date }) }),
      /input: input\.at holds/
    ],
    ["agents that are no array", make({ input: noInput, agents: a }), /agents must be an array/],
    ["an agent that is none", but({ agents: [a, { name: "c" }] }), /agents\[1\] is not an agent/],
    ["two agents of one name", but({ agents: [a, b, Agent.make("a", { execute })] }), /two agents are called "a"/],
    ["a seed that is no function", but({ seed: [] }), /seed must be a function/],
    ["an output that is no function", but({ output: 5 }), /output must be a function/],
    ["kinds that are no array", but({ kinds: Num }), /kinds must be an array/],
    ["a kind that is none", but({ kinds: [Num, { name: "K" }] }), /kinds\[1\] is not a kind/],
    ["two kinds of one name, among its kinds", but({ kinds: [twin("K"), twin("K")] }), /two kinds are called "K"/],
    ["two kinds of one name, of two agents", but({ agents: [a, first({ writes: [twin("Num")] })] }), /called "Num"/],
    ["a kind with the name of a built-in one", but({ kinds: [twin("Violation")] }), /two kinds are called "Violation"/],
    [
      "a CPU agent without module",
      but({ agents: [a, Agent.cpu("hot", { execute: () => ({}) })] }),
      /the CPU agent "hot" needs the program's module/
    ],
    ["a module that is no URL", but({ module: "./audit.ts" }), /module must be a URL.*"\.\/audit\.ts"/],
    ["a module that is no text", but({ module: 5 }), /module must be a URL/]
  ])
  refused("p", [
    ["tiers that are no array", but({ tiers: "ab" }), /tiers must be an array of arrays/],
    ["a tier that is no array", but({ tiers: [["a", "b"], "c"] }), /tiers must be an array of arrays/],
    ["a tier that is nothing", but({ tiers: [["a", "b"], null] }), /tiers must be an array of arrays/],
    ["a tier with an unknown agent", but({ tiers: [["a"], ["b", "c"]] }), /tier 1 names "c", which is no agent/],
    ["an agent in no tier", but({ tiers: [["a"]] }), /the agent "b" is in no tier/],
    ["an agent in two tiers", but({ tiers: [["a"], ["b", "a"]] }), /the agent "a" is in tiers 0 and 1/],
    ["an agent twice in one tier", but({ tiers: [["a", "b", "a"]] }), /the agent "a" is twice in tier 0/],
    [
      "a later tier that writes what an earlier one reads",
      but({ agents: [first({ reads: [Cell, Num] }), second], tiers }),
      /"second" of tier 1 writes "Num", which "first" of the earlier tier 0 reads/
    ],
    [
      "a later tier that writes what an earlier one has tasks for",
      but({ agents: [second, first({ each: Num })], tiers }),
      /"second" of tier 1 writes "Num", which "first" of the earlier tier 0 reads/
    ],
    [
      "a later tier that writes what an earlier one sees beside its each",
      but({ agents: [first({ each: Cell, reads: [Num] }), second], tiers }),
      /writes "Num"/
    ]
  ])
  refused("p", [
    ["invariants that are no array", but({ invariants: Invariant.semantic("i", () => true) }), /invariants must be an/],
    ["an invariant that is none", but({ invariants: [() => true] }), /invariants\[0\] is not an invariant/],
    [
      "two invariants of one name",
      but({ invariants: [Invariant.semantic("i", () => true), Invariant.acceptance("i", () => true)] }),
      /two invariants are called "i"/
    ],
    ["an unknown budget", but({ budget: { maxCycle: 5 } }), /there is no budget "maxCycle"/],
    ["a budget that is no object", but({ budget: 5 }), /budget must be an object/],
    ["a budget in parts", but({ budget: { maxCycles: 1.5 } }), /budget\.maxCycles must be a whole number.*1\.5/],
    ["a budget below 0", but({ budget: { maxFacts: -1 } }), /budget\.maxFacts must be a whole number.*-1/],
    ["a budget that is no number", but({ budget: { maxTokens: "many" } }), /budget\.maxTokens must be.*many/],
    ["a budget of NaN", but({ budget: { maxContextBytes: Number.NaN } }), /budget\.maxContextBytes must be.*NaN/],
    ["a duration that is none", but({ budget: { maxDuration: "long" } }), /budget\.maxDuration must be a dur.*"long"/],
    ["a duration of NaN", but({ budget: { maxDuration: Number.NaN } }), /budget\.maxDuration must be a duration.*NaN/],
    ["a duration below 0", but({ budget: { maxCpuTime: -1 } }), /budget\.maxCpuTime must be a duration.*-1/]
  ])
})

describe("what looks odd and works", () => {
  const a = Agent.make("a", { each: Num, reads: [Num, Num], writes: [Num, Num], execute })
  const programs: Readonly<Record<string, () => unknown>> = {
    "the same kind everywhere": () => Program.make("p", { input: noInput, agents: [a], kinds: [Num, Num, Entry] }),
    "an empty tier": () => Program.make("p", { input: noInput, agents: [a], tiers: [[], ["a"]] }),
    "a later tier that writes what only its own tier reads": () =>
      Program.make("p", { input: noInput, agents: [a, Agent.make("b", { execute })], tiers: [["b"], ["a"]] }),
    "budgets of 0 and without end": () =>
      Program.make("p", { input: noInput, agents: [], budget: { maxCycles: 0, maxFacts: Infinity, maxDuration: 0 } }),
    "options that are undefined": () =>
      Program.make("p", {
        input: noInput,
        agents: [],
        tiers: undefined,
        seed: undefined,
        budget: { maxFacts: undefined }
      })
  }
  for (const [what, make] of Object.entries(programs)) it(what, () => expect(make()).toMatchObject({ name: "p" }))
})

describe("at run time", () => {
  it.effect("what Program.make did not make fails with InvalidProgram, typed", () =>
    Effect.gen(function* () {
      for (const value of [undefined, {}, { name: "p" }, Num]) {
        expect(yield* failure(Engine.run(loose(value), {}))).toBeInstanceOf(JobError.InvalidProgram)
      }
      expect(yield* Effect.flatMap(Engine.Engine, ({ live }) => live)).toEqual([])
    }).pipe(Effect.provide(engine()))
  )
})
