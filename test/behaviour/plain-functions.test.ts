/** A callback that should be a plain function, and gives a promise, an Effect or a generator, is refused; nothing is left behind. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, Invariant, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { anyProgram, engine, Entry, failure, noInput, num, Num, turns } from "../support/behaviour/harness.ts"

const { acceptance, semantic, structural } = Invariant

/** A stand-in for a plain value: its name in messages, and a function that gives it. */
const later: Readonly<Record<string, readonly [name: string, make: () => unknown]>> = {
  "an async function": ["a promise", async () => true],
  "an async function that throws": [
    "a promise",
    async () => {
      await Promise.resolve()
      throw new Error("unheard")
    }
  ],
  "a function that gives an Effect": ["an Effect", () => Effect.succeed(true)],
  "a generator function": [
    "a generator",
    function* () {
      yield true
    }
  ],
  "an async generator function": [
    "a generator",
    async function* () {
      yield true
    }
  ]
}

const Odd = (options: object) =>
  Fact.kind("Odd", { schema: Schema.Struct({ key: Schema.String, n: Schema.Int }), id: ({ key }) => key, ...options })

const base = { input: noInput, agents: [], kinds: [Num], seed: () => [num(1)] }

/** A program with one callback that is not plain, and what its job ends with. */
const callbacks: Readonly<Record<string, (make: () => unknown) => readonly [options: object, error: object]>> = {
  output: (output) => [{ output }, { _tag: "ProgramPanicked", phase: "output" }],
  seed: (seed) => [{ seed }, { _tag: "InvalidInput" }],
  accepts: (accepts) => [
    { agents: [Agent.make("a", { each: Num, accepts: accepts as never, execute: () => Effect.succeed({}) })] },
    { _tag: "AgentPanicked", agent: "a" }
  ],
  id: (id) => {
    const kind = Odd({ id })
    const execute = () => Effect.succeed({ facts: [kind.of({ key: "k", n: 1 })] })
    return [
      { agents: [Agent.make("a", { each: Num, writes: [kind], execute })] },
      { _tag: "AgentPanicked", agent: "a" }
    ]
  },
  "a combining function": (conflict) => {
    const kind = Odd({ conflict })
    const give = (n: number) => () => Effect.succeed({ facts: [kind.of({ key: "k", n })] })
    const agents = ["a", "b"].map((name, n) => Agent.make(name, { each: Num, writes: [kind], execute: give(n) }))
    return [{ agents }, { _tag: "AgentPanicked", agent: "b" }]
  },
  "a CPU agent": (execute) => [
    {
      module: import.meta.url,
      agents: [Agent.cpu("a", { each: Num, execute: execute as never, placement: "inline" })]
    },
    { _tag: "InvalidEffect", agent: "a" }
  ],
  ...Object.fromEntries(
    Object.entries({ structural, semantic, acceptance }).map(([type, invariant]) => [
      `a ${type} invariant`,
      (check: () => unknown) => [
        {
          invariants: [invariant("holds", check as () => true)],
          agents: [
            Agent.make("a", {
              each: Num,
              writes: [Entry],
              execute: () => Effect.succeed({ facts: [Entry.of({ key: "k", text: "" })] })
            })
          ]
        },
        { _tag: "ProgramPanicked", phase: "invariant" }
      ]
    ])
  )
}

for (const [callback, programOf] of Object.entries(callbacks)) {
  describe(callback, () => {
    for (const [what, [name, make]] of Object.entries(later)) {
      // Seeds may come from a generator.
      if (callback === "seed" && what === "a generator function") continue
      it.effect(`that is ${what} is refused`, () =>
        Effect.gen(function* () {
          const [options, error] = programOf(make)
          const program = anyProgram(Program.make("p", { ...base, ...options }))
          const ended = yield* failure(Engine.run(program, {}))
          expect(ended).toMatchObject(error)
          // A CPU agent that returns an Effect was most likely meant to be a fiber agent.
          const advice = callback === "a CPU agent" && name === "an Effect" ? ", but agent" : "; use a plain function"
          expect((ended as Error).message).toContain(`returned ${name}${advice}`)
          // A rejection that nobody heard would fail this run.
          yield* turns(3)
        }).pipe(Effect.provide(engine()))
      )
    }
  })
}

describe("other callbacks", () => {
  const rejects = async (): Promise<never> => {
    await Promise.resolve()
    throw new Error("unheard")
  }

  it.effect("a fiber agent and a handler that are async functions are refused, and their rejections are heard", () =>
    Effect.gen(function* () {
      const execute = rejects as never
      const agent = anyProgram(Program.make("p", { ...base, agents: [Agent.make("a", { each: Num, execute })] }))
      expect(yield* failure(Engine.run(agent, {}))).toMatchObject({
        _tag: "InvalidEffect",
        message: "execute returned a promise, not an Effect"
      })
      yield* turns(3)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an output with promises, Effects or generators inside is refused, and their rejections are heard", () =>
    Effect.gen(function* () {
      const outputs: ReadonlyArray<readonly [() => unknown, string]> = [
        [() => ({ user: rejects() }), 'a promise at ["user"]'],
        [() => [1, 2].map(rejects), "a promise at [0]"],
        [() => ({ deep: [{ list: [Effect.succeed(1)] }] }), 'an Effect at ["deep"][0]["list"][0]'],
        [() => [(function* () {})()], "a generator at [0]"]
      ]
      for (const [output, what] of outputs) {
        const ended = yield* failure(Engine.run(anyProgram(Program.make("p", { ...base, output })), {}))
        expect(ended).toMatchObject({ _tag: "ProgramPanicked", phase: "output" })
        expect((ended as Error).message).toBe(`output returned ${what}; use a plain function`)
      }
      yield* turns(3)
      const circular: { self?: unknown } = {}
      circular.self = circular
      const result = yield* Engine.run(anyProgram(Program.make("p", { ...base, output: () => circular })), {})
      expect(result.output).toBe(circular)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("an inspection observer that rejects is told no more, and its job goes on", () =>
    Effect.gen(function* () {
      const program = anyProgram(Program.make("p", base))
      const result = yield* Effect.provideService(Engine.run(program, {}), Engine.inspect, rejects)
      expect(result.status).toBe("converged")
      yield* turns(3)
    }).pipe(Effect.provide(engine()))
  )

  it.effect("a migration that is an async function is refused", () =>
    Effect.gen(function* () {
      const store = yield* journalStore
      const before = Program.make("p", { ...base, version: "1" })
      yield* Effect.provide(Engine.run(before, {}, { id: "job" }), engineOnStore(store))
      const changed = Fact.kind("Num", { schema: Schema.Struct({ n: Schema.Int, more: Schema.String }), id: () => "n" })
      const after = anyProgram(
        Program.make("p", { input: noInput, agents: [], kinds: [changed], version: "2", migrate: rejects as never })
      )
      const refused = yield* Effect.scoped(failure(Engine.fork(after, "job", { id: "other" }))).pipe(
        Effect.provide(engineOnStore(store))
      )
      expect(refused).toMatchObject({ _tag: "ProgramChanged" })
      expect((refused as Error).message).toContain("migrate returned a promise; use a plain function")
      yield* turns(3)
    })
  )
})
