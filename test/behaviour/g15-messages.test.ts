/** G15, nothing goes wrong in silence: messages say what was wrong, where, and what to do. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Agent, Engine, JobStore, Program } from "../../src/index.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { Entry, entry, noInput, num, Num } from "../support/behaviour/harness.ts"
import { runInline, runToEnd } from "../support/core/run.ts"

const loose = (value: unknown): any => value

const fiber = (name: string, execute: () => unknown) =>
  Program.make("p", {
    input: noInput,
    agents: [Agent.make(name, { writes: [Entry], execute: loose(execute) })]
  })

const cpu = (execute: () => unknown) =>
  Program.make("p", {
    module: import.meta.url,
    input: noInput,
    agents: [Agent.cpu("computes", { placement: "inline", execute: loose(execute) })]
  })

const messages: ReadonlyArray<readonly [string, Program.Program.Any, string]> = [
  [
    "a CPU agent that returns an Effect",
    cpu(() => Effect.succeed({ facts: [] })),
    'execute returned an Effect, but agent "computes" is a CPU agent: return {facts: [...]}, or use Agent.make'
  ],
  [
    "a fiber agent whose Effect gives an Effect",
    fiber("nests", () => Effect.succeed(Effect.succeed({}))),
    "the Effect of execute gave an Effect, not an effect such as {facts: [...]}: yield it, or use Effect.flatMap"
  ],
  [
    "a fiber agent whose Effect gives a promise",
    fiber("waits", () => Effect.succeed(loose(Promise.resolve({})))),
    "the Effect of execute gave a promise, not an effect such as {facts: [...]}: use Effect.promise or Effect.tryPromise"
  ],
  [
    "an undeclared kind",
    fiber("adds", () => Effect.succeed({ facts: [entry("a"), num(1)] })),
    'facts[1] is of kind "Num", which agent "adds" does not declare: add it to its kinds, `writes: [Entry, Num]`'
  ],
  [
    "the same id twice in one effect",
    fiber("repeats", () => Effect.succeed({ facts: [entry("a"), entry("b"), entry("a", "other")] })),
    'facts[2] proposes "Entry"/a a second time in the same effect: facts[0] does, too. ' +
      "If they are two facts, the `id` of Entry has to tell them apart"
  ],
  [
    "a thrown undefined",
    fiber("throws", () => {
      throw undefined
    }),
    "it threw undefined"
  ],
  [
    "a thrown null, on a CPU agent",
    cpu(() => {
      throw null
    }),
    "it threw null"
  ],
  [
    "a thrown plain object",
    fiber("throws", () => {
      throw { code: "E_QUOTA", left: 0 }
    }),
    'an object that is no Error was thrown: {"code":"E_QUOTA","left":0}'
  ]
]

describe("the message about", () => {
  it.effect.each(messages)("%s says what was wrong and what to do", ([, program, message]) =>
    Effect.gen(function* () {
      const { error } = yield* runInline(program as Program.Program<"p", {}, undefined, never, never, never>, {})
      expect(error?.message).toBe(message)
    })
  )

  it.effect("a seed of a kind that the program does not have says where it belongs", () =>
    Effect.gen(function* () {
      const program = Program.make("p", { input: noInput, agents: [], seed: loose(() => [num(1)]) })
      const error = yield* Effect.flip(Effect.provide(Engine.run(program, {}), engineOnStore(yield* journalStore)))
      expect(error.message).toBe(
        'seed: facts[0] is of kind "Num", which the program "p" does not have: add it to `kinds`'
      )
    })
  )

  it.effect("cycles that are used up names the agents that were busy in the last ten, and what they added", () =>
    Effect.gen(function* () {
      const program = Program.make("endless", {
        input: noInput,
        seed: () => [num(0)],
        agents: [
          Agent.make("looks", { each: Num, execute: () => Effect.succeed({}) }),
          Agent.make("counts", {
            each: Num,
            writes: [Num, Entry],
            execute: ({ value: { n } }) =>
              Effect.succeed({ facts: [num(n + 1), ...(n % 2 === 0 ? [entry(`e${n}`)] : [])] })
          })
        ],
        budget: { maxCycles: 25 }
      })
      const { error, events } = yield* runInline(program, {})
      const busy = [
        { agent: "counts", tasks: 10, facts: { Num: 10, Entry: 5 } },
        { agent: "looks", tasks: 10, facts: {} }
      ]
      expect(error).toMatchObject({ _tag: "BudgetExhausted", budget: "cycles", used: 25, limit: 25, busy })
      expect(error?.message).toBe(
        "the budget of cycles is exhausted: 25 of 25. Its last cycles: " +
          '"counts" added 10 Num, 5 Entry in 10 tasks; "looks" added nothing in 10 tasks'
      )
      expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", error: { busy } })
      // A job that is read back says the same.
      const store = yield* journalStore
      yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
      const again = yield* Effect.provide(runToEnd(program, {}, { id: "job" }), engineOnStore(store))
      expect(again.error?.message).toBe(error?.message)
    })
  )

  it("a store's error has a `partial` to ask for, as every other error of a run has", () => {
    const error: { readonly partial?: undefined } = new JobStore.StoreError({ reason: "full", message: "no space" })
    expect(error.partial).toBeUndefined()
  })
})
