/**
 * Definitions that cannot work are refused where they are made, with `InvalidProgram` and a message that says what is wrong.
 * (What a kind's schema may hold is in test/core/kinds.test.ts, what is no budget in test/core/budget.test.ts.)
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Intent, Invariant, JobError, Program } from "../../src/index.ts"
import { numbered } from "../support/core/ledger.ts"
import { engineInline, failureOf, runInline } from "../support/core/run.ts"

const loose = (value: unknown): any => value
const input = Schema.Struct({})
const execute = () => Effect.succeed({})
const A = numbered("A")
const B = numbered("B")
const C = numbered("C")
const agent = (name: string) => Agent.make(name, { execute })
const cpu = Agent.cpu("cpu", { execute: () => ({}) })
const writes = (name: string, ...kinds: ReadonlyArray<Fact.Kind.Any>) => Agent.make(name, { writes: kinds, execute })
const reads = (name: string, ...kinds: ReadonlyArray<Fact.Kind.Any>) => Agent.make(name, { reads: kinds, execute })

type Refusals = Readonly<Record<string, readonly [() => unknown, RegExp]>>

const refused = (refusals: Refusals) => {
  for (const [what, [define, message]] of Object.entries(refusals)) {
    it(`is refused: ${what}`, () => {
      expect(define).toThrow(JobError.InvalidProgram)
      expect(define).toThrow(message)
    })
  }
}

const make = (options: object) => () => Program.make("p", loose({ input, agents: [], ...options }))

describe("a program", () => {
  refused({
    "no name": [() => Program.make("", { input, agents: [] }), /a program needs a name/],
    "a name that no file can hold": [() => Program.make("p\ud800", { input, agents: [] }), /well-formed Unicode/],
    "no options": [() => Program.make("p", loose(undefined)), /options are missing/],
    "an option that does not exist": [make({ agent: [] }), /there is no option "agent"/],
    "no agents": [() => Program.make("p", loose({ input })), /agents must be an array/],
    "what is no agent": [make({ agents: [agent("a"), { name: "b" }] }), /agents\[1\] is not an agent/],
    "two agents of one name": [make({ agents: [agent("a"), agent("b"), agent("a")] }), /two agents are called "a"/],
    "two kinds of one name": [make({ agents: [writes("a", A)], kinds: [numbered("A")] }), /two kinds are called "A"/],
    "two kinds of one name, in one agent": [
      make({ agents: [writes("a", A, numbered("A"))] }),
      /two kinds are called "A"/
    ],
    "a kind by the name of the built-in one": [
      make({ kinds: [numbered("Violation")] }),
      /two kinds are called "Violation"/
    ],
    "an agent that writes the results of child jobs": [
      make({ agents: [writes("forges", Intent.ChildResult)] }),
      /agent "forges" writes "ChildResult", which only the engine writes: take it out of `writes`/
    ],
    "an agent that writes violations": [
      make({ agents: [writes("forges", A, Invariant.Violation)] }),
      /agent "forges" writes "Violation", which only the engine writes/
    ],
    "what is no kind": [make({ kinds: ["A"] }), /kinds\[0\] is not a kind/],
    "kinds that are no array": [make({ kinds: A }), /kinds/],
    "an input that is no schema": [make({ input: { from: "number" } }), /input: schema must be an Effect Schema/],
    "no input": [make({ input: undefined }), /input: schema must be an Effect Schema/],
    "an input that cannot be written": [
      make({ input: Schema.Struct({ at: Schema.Date }) }),
      /input: input\.at holds Date/
    ],
    "a seed that is no function": [make({ seed: [] }), /seed must be a function/],
    "an output that is no function": [make({ output: 7 }), /output must be a function, or \{schema, from\}/],
    "an output without a function": [make({ output: {} }), /output\.from must be a function/],
    "a CPU agent without a module": [
      make({ agents: [agent("a"), cpu] }),
      /the CPU agent "cpu" needs the program's module/
    ],
    "a module that is no URL": [
      make({ agents: [cpu], module: "./here.ts" }),
      /module must be a URL such as import\.meta\.url, not "\.\/here\.ts"/
    ],
    "a tier with an agent that there is not": [
      make({ agents: [agent("a")], tiers: [["a"], ["b"]] }),
      /tier 1 names "b", which is no agent/
    ],
    "an agent in no tier": [make({ agents: [agent("a"), agent("b")], tiers: [["b"]] }), /the agent "a" is in no tier/],
    "agents and no tiers at all": [make({ agents: [agent("a")], tiers: [] }), /the agent "a" is in no tier/],
    "an agent in two tiers": [
      make({ agents: [agent("a"), agent("b")], tiers: [["a", "b"], ["a"]] }),
      /the agent "a" is in tiers 0 and 1/
    ],
    "an agent twice in a tier": [
      make({ agents: [agent("a")], tiers: [["a", "a"]] }),
      /the agent "a" is twice in tier 0/
    ],
    "tiers that are no array": [make({ agents: [agent("a")], tiers: "a" }), /tiers/],
    "a tier that is no array": [make({ agents: [agent("a")], tiers: ["a"] }), /tier/],
    "a tier that writes what an earlier one reads": [
      make({ agents: [writes("w", B, A), reads("r", C, A)], tiers: [["r"], ["w"]] }),
      /the agent "w" of tier 1 writes "A", which "r" of the earlier tier 0 reads/
    ],
    "a tier that writes the each of an earlier one": [
      make({ agents: [Agent.make("r", { each: A, execute }), writes("w", A)], tiers: [["r"], [], ["w"]] }),
      /the agent "w" of tier 2 writes "A", which "r" of the earlier tier 0 reads/
    ],
    "a tier that writes what merely widens the view of an earlier one": [
      make({ agents: [Agent.make("r", { each: A, reads: [B], execute }), writes("w", B)], tiers: [["r"], ["w"]] }),
      /writes "B", which "r"/
    ],
    "two invariants of one name": [
      make({ invariants: [Invariant.semantic("same", () => true), Invariant.acceptance("same", () => true)] }),
      /two invariants are called "same"/
    ],
    "what is no invariant": [make({ invariants: [() => true] }), /invariants\[0\] is not an invariant/],
    "invariants that are no array": [
      make({ invariants: Invariant.semantic("s", () => true) }),
      /invariants must be an array/
    ],
    "a budget that is none": [make({ budget: { maxCycles: -1 } }), /budget\.maxCycles must be a whole number/],
    "a budget that there is not": [make({ budget: { maxMinutes: 1 } }), /there is no budget "maxMinutes"/]
  })

  it("names itself in the refusal", () => {
    try {
      Program.make("mine", { input, agents: [agent("a"), agent("a")] })
    } catch (error) {
      expect(error).toMatchObject({ _tag: "InvalidProgram", program: "mine", message: 'two agents are called "a"' })
      return
    }
    expect.unreachable()
  })

  it("may write in a later tier what the same or a later one reads", () => {
    const agents = [writes("one", A), Agent.make("two", { reads: [A], writes: [A, B], execute }), reads("three", A, B)]
    const define = () => Program.make("p", { input, agents, tiers: [["one"], ["two"], ["three"]] })
    expect(define).not.toThrow()
    expect(() => Program.make("p", { input, agents: [], tiers: [] })).not.toThrow()
    expect(() => Program.make("p", { input, agents, tiers: [[], ["one", "two", "three"], []] })).not.toThrow()
  })

  it("is frozen, and does not change with the arrays that it was made of", () => {
    const agents = [agent("a")]
    const tiers = [["a"]]
    const program = Program.make("p", { input, agents, tiers })
    agents.push(agent("b"))
    tiers[0]!.push("b")
    expect(() => Object.assign(program, { name: "q" })).toThrow(TypeError)
    return Effect.runPromise(runInline(program, {})).then(({ result }) => expect(result.usage.agents).toBe(1))
  })
})

describe("an agent", () => {
  const define =
    (options: object, name = "a") =>
    () =>
      Agent.make(loose(name), loose({ execute, ...options }))
  const defineCpu = (options: object) => () => Agent.cpu("a", loose({ execute: () => ({}), ...options }))
  refused({
    "no name": [define({}, ""), /an agent needs a name/],
    "a name that is no text": [define({}, loose(5)), /an agent needs a name/],
    "a name that no file can hold": [define({}, "a\udfff"), /an agent's name must be well-formed Unicode/],
    "no options": [() => Agent.make("a", loose(undefined)), /options are missing/],
    "nothing to execute": [define({ execute: undefined }), /agent "a": execute must be a function/],
    "an option that does not exist": [define({ read: [A] }), /there is no option "read"/],
    "reads that are no array": [define({ reads: A }), /reads must be an array of kinds/],
    "reads of what is no kind": [define({ reads: [A, "B"] }), /reads\[1\] is not a kind/],
    "writes of what is no kind": [define({ writes: [{ name: "A" }] }), /writes\[0\] is not a kind/],
    "an each that is no kind": [define({ each: "A" }), /"a": each is not a kind/],
    "accepts that is no function": [define({ accepts: true }), /accepts must be a function/],
    "a timeout that is no duration": [
      define({ timeout: "soon" }),
      /timeout must be a duration longer than 0, such as "5 seconds", not "soon"/
    ],
    "a timeout of nothing": [
      define({ timeout: 0 }),
      /timeout must be a duration longer than 0, such as "5 seconds", not 0/
    ],
    "another answer to a panic": [
      define({ onFailure: { panic: "ignore" } }),
      /onFailure\.panic must be "halt" or "discard", not "ignore"/
    ],
    "an answer to a failure that does not exist": [
      define({ onFailure: { panics: "discard" } }),
      /did you mean "onFailure\.panic"/
    ],
    "another answer to failure": [
      define({ onFailure: "ignore" }),
      /onFailure must be "halt", "discard" or an object such as \{error: "discard"\}, not "ignore"/
    ],
    "a placement of a fiber agent": [define({ placement: "inline" }), /placement is for CPU agents/],
    "another placement": [defineCpu({ placement: "gpu" }), /placement must be "worker", "inline" or "auto", not "gpu"/],
    "retry of a CPU agent": [defineCpu({ retry: Schedule.recurs(1) }), /retry is for fiber agents/]
  })

  it("may have a timeout without end", () => {
    expect(define({ timeout: Infinity })).not.toThrow()
    expect(define({ timeout: "1 nanos" })).not.toThrow()
  })

  it("is frozen", () => {
    expect(() => Object.assign(agent("a"), { name: "b" })).toThrow(TypeError)
  })
})

describe("an invariant", () => {
  refused({
    "no name": [() => Invariant.semantic("", () => true), /an invariant needs a name/],
    "a name that no file can hold": [
      () => Invariant.semantic("\ud800", () => true),
      /an invariant's name must be well/
    ],
    "no check": [() => Invariant.acceptance("a", loose("true")), /invariant "a": check must be a function/],
    "another answer to a violation": [
      () => Invariant.structural("a", () => true, { onViolation: loose("ignore") }),
      /onViolation must be "halt" or "discard", not "ignore"/
    ]
  })
})

describe("what reaches the engine untyped", () => {
  const withEngine = <A, E>(effect: Effect.Effect<A, E, Engine.Engine>) =>
    failureOf(Effect.provide(effect, engineInline))

  it.effect("is refused with a typed error: what is no program", () =>
    Effect.gen(function* () {
      for (const program of [undefined, null, {}, "p", { name: "p", agents: [] }]) {
        expect(yield* withEngine(Engine.run(loose(program), {}))).toMatchObject({ _tag: "InvalidProgram" })
      }
    })
  )

  const program = Program.make("p", {
    input: Schema.Struct({ n: Schema.Int }),
    agents: [],
    kinds: [A],
    seed: ({ n }) => {
      if (n === 1) throw new RangeError("seed one")
      if (n === 2) return [A.of({ id: "a", n: loose("two") })]
      if (n === 3) return [loose(B.of({ id: "a", n: 3 }))]
      if (n === 4) return [A.of({ id: "a", n: 4 }), A.of({ id: "a", n: 4 })]
      if (n === 5) return loose("seeds")
      return []
    }
  })
  const inputs: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    ["an input that does not fit", { n: "1" }, /^input: Expected number.* at \["n"\]$/],
    ["an input of another number", { n: 1.5 }, /^input: Expected an integer/],
    ["no input", undefined, /^input: Expected object/],
    ["a seed that throws", { n: 1 }, /^seed: seed one$/],
    ["a seed that does not fit", { n: 2 }, /^seed: facts\[0\] \(A\): Expected number/],
    [
      "a seed of a kind that is not declared",
      { n: 3 },
      /^seed: facts\[0\] is of kind "B", which the program "\w+" does not have/
    ],
    ["the same seed twice", { n: 4 }, /^seed: facts\[1\] proposes "A"\/a a second time/],
    ["seeds that are no array", { n: 5 }, /^seed: it must return an array of proposals/]
  ]
  for (const [what, given, message] of inputs) {
    it.effect(`is refused with InvalidInput: ${what}`, () =>
      Effect.gen(function* () {
        const error = yield* withEngine(Engine.run(program, loose(given)))
        expect(error).toMatchObject({ _tag: "InvalidInput", program: "p" })
        expect((error as { message: string }).message).toMatch(message)
      })
    )
  }

  it.effect("is refused with InvalidInput: an id that is none, or that of a live job, and a budget that is none", () =>
    Effect.gen(function* () {
      const waits = Program.make("waits", { input, agents: [Agent.make("waits", { execute: () => Effect.never })] })
      const job = yield* Engine.start(waits, {}, { id: "taken" })
      const errors = yield* Effect.forEach(
        [
          { id: "" },
          { id: loose(5) },
          { id: "taken" },
          { budget: { maxCycles: -1 } },
          { budget: loose({ maxMinutes: 1 }) }
        ],
        (options) => failureOf(Engine.run(waits, {}, options))
      )
      expect(errors.map(({ _tag }) => _tag)).toEqual(Array.from({ length: 5 }, () => "InvalidInput"))
      yield* job.cancel
      // Once it has ended, its id is free again.
      const again = yield* Engine.start(waits, {}, { id: "taken" })
      yield* again.cancel
    }).pipe(Effect.provide(engineInline))
  )

  it.effect(
    "the input that a seed is given is what decoding its canonical text gives: frozen, without what the schema does not know",
    () =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const looks = Program.make("looks", {
          input: Schema.Struct({ list: Schema.Array(Schema.Finite), more: Schema.optional(Schema.String) }),
          agents: [],
          seed: (given) => {
            seen.push(given)
            expect(() => (given.list as Array<number>).push(2)).toThrow(TypeError)
            return []
          }
        })
        yield* runInline(looks, loose({ list: [-0], more: undefined, extra: 1 }))
        expect(seen).toStrictEqual([{ list: [0] }])
      })
  )
})
