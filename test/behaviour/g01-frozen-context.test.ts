/**
 * G1, frozen context: agents see a read-only view of the context as it was when the cycle began; a write throws in the
 * agent's own thread; what an agent adds is visible from the next cycle on, to everybody at once.
 */
import { describe, expect, it, layer } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { Agent, Fact, Invariant, Program, type View, WorkerPool } from "../../src/index.ts"
import { engineInline, engineOn, idsOf, runInline, runToEnd, valuesOf } from "../support/core/run.ts"
import { numbered } from "../support/core/ledger.ts"
import { askedVandal, cpuVandal, fiberVandal, Seen, undeclaredReads, writes } from "../support/core/vandals.ts"

const original = JSON.stringify({ deep: { list: [{ n: 1 }] }, id: "a", tags: ["y", "x"] })

type Vandal = typeof askedVandal | typeof cpuVandal | typeof fiberVandal

const vandalise = (program: Vandal, name: string, message: RegExp) =>
  Effect.gen(function* () {
    const { error, result } = yield* runToEnd(program, name)
    expect(error).toBeUndefined()
    expect(result.diagnostics.map(({ agent, cause }) => [agent, cause._tag])).toEqual([["vandal", "AgentPanicked"]])
    expect((result.diagnostics[0]!.cause as { readonly message: string }).message).toMatch(message)
    // The agents beside it, and after it, saw what was there before.
    expect(valuesOf(result, Seen)).toEqual([
      { id: "at 1", text: original },
      { id: "later at 1", text: original }
    ])
  })

const allDeeds = (program: Vandal) => {
  for (const name of Object.keys(writes)) {
    it.effect(`an attempt to ${name} throws, and nobody else sees a change`, () =>
      Effect.provide(
        vandalise(program, name, /read only|not extensible|Cannot (assign|set|delete|add|redefine)/),
        engineInline
      )
    )
  }
  for (const name of Object.keys(undeclaredReads)) {
    it.effect(`reading an undeclared kind with ${name} throws`, () =>
      Effect.provide(
        vandalise(program, name, /agent "vandal" looked at "Secret", which is not among the kinds it reads/),
        engineInline
      )
    )
  }
}

describe("in a fiber agent", () => allDeeds(fiberVandal))
describe("in a fiber agent's accepts", () => allDeeds(askedVandal))
describe("in a CPU agent on the main thread", () => allDeeds(cpuVandal))

layer(engineOn(WorkerPool.layer({ size: 1, execArgv: [] })), { excludeTestServices: true })(
  "in a CPU agent on a worker",
  (it) => {
    it.effect("a write throws, and so does an undeclared read", () =>
      Effect.gen(function* () {
        for (const name of Object.keys(writes)) {
          yield* vandalise(cpuVandal, name, /read only|not extensible|Cannot (assign|set|delete|add|redefine)/)
        }
        for (const name of Object.keys(undeclaredReads))
          yield* vandalise(cpuVandal, name, /not among the kinds it reads/)
      })
    )
  }
)

const Thing = numbered("Thing")
const empty = Schema.Struct({})

describe("what an agent adds", () => {
  it.effect("is visible from the next cycle on, to everybody at once", () => {
    const log: Array<string> = []
    const look = (name: string, view: View.View<typeof Thing>) =>
      log.push(
        `${view.cycle} ${name}: ${view
          .all(Thing)
          .map(({ id }) => id)
          .join()} (${view.size(Thing)}, ${view.version})`
      )
    const adds = (name: string, first: number, yields: number) =>
      Agent.make(name, {
        reads: [Thing],
        writes: [Thing],
        execute: (view) =>
          Effect.gen(function* () {
            look(`${name} begins`, view)
            for (let n = 0; n < yields; n++) yield* Effect.yieldNow
            look(`${name} ends`, view)
            return { facts: view.cycle === 1 ? [Thing.of({ id: `of ${name}`, n: first })] : [] }
          })
      })
    const program = Program.make("p", {
      input: empty,
      agents: [adds("quick", 1, 0), adds("slow", 2, 20)],
      seed: () => [Thing.of({ id: "seed", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ result }) => {
      expect(log.filter((line) => line.startsWith("1 "))).toEqual([
        "1 quick begins: seed (1, 1)",
        "1 quick ends: seed (1, 1)",
        "1 slow begins: seed (1, 1)",
        "1 slow ends: seed (1, 1)"
      ])
      expect(
        log.filter((line) => line.startsWith("2 ")).every((line) => line.endsWith("seed,of quick,of slow (3, 3)"))
      ).toBe(true)
      expect(log.filter((line) => line.startsWith("2 "))).toHaveLength(4)
      expect(idsOf(result, Thing)).toEqual(["seed", "of quick", "of slow"])
    })
  })

  it.effect("is not changed by what it goes on to do with the value", () => {
    const kept: Array<string> = ["one"]
    const List = Fact.kind("List", { schema: Schema.Struct({ list: Schema.Array(Schema.String) }), id: () => "id" })
    const mine = { list: kept }
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("adds", { writes: [List], execute: () => Effect.succeed({ facts: [List.of(mine)] }) }),
        Agent.make("changes", { reads: [List], execute: () => Effect.sync(() => (kept.push("two"), {})) })
      ],
      output: (view) => view.all(List)[0]!.value.list
    })
    return Effect.map(runInline(program, {}), ({ result }) => expect(result.output).toEqual(["one"]))
  })
})

describe("a view that is kept", () => {
  it.effect("throws once its cycle has ended, and again in the program's own functions", () => {
    const kept: Array<View.View<typeof Thing>> = []
    const errors: Array<string> = []
    const attempt = (what: string, body: () => unknown) => {
      try {
        body()
        errors.push(`${what} worked`)
      } catch (error) {
        errors.push(`${what}: ${(error as Error).message}`)
      }
    }
    const keeper = Agent.make("keeper", {
      reads: [Thing],
      writes: [Thing],
      execute: (view) =>
        Effect.sync(() => {
          const old = kept[0]
          if (old === undefined) kept.push(view)
          else {
            attempt("all", () => old.all(Thing))
            attempt("delta", () => old.delta(Thing))
            attempt("get", () => Option.isSome(old.get(Thing, "a")))
            attempt("size", () => old.size(Thing))
            attempt("evaluations", () => old.evaluations({ kind: "Thing", id: "a" }))
          }
          return { facts: view.cycle === 1 ? [Thing.of({ id: "next", n: 1 })] : [] }
        })
    })
    let ofOutput: View.View<any> | undefined
    const program = Program.make("p", {
      input: empty,
      agents: [keeper],
      seed: () => [Thing.of({ id: "a", n: 0 })],
      output: (view) => {
        ofOutput = view
        return view.size(Thing)
      }
    })
    return Effect.map(runInline(program, {}), ({ result }) => {
      const message = 'agent "keeper" used its view after its cycle ended (cycle 1)'
      expect(errors).toEqual(["all", "delta", "get", "size", "evaluations"].map((what) => `${what}: ${message}`))
      expect(result.output).toBe(2)
      expect(() => ofOutput!.all(Thing)).toThrow(/output used its view after its cycle ended/)
      expect(() => kept[0]!.all(Thing)).toThrow(message)
    })
  })

  it.effect("of accepts is the view of that cycle", () => {
    const views: Array<View.View<typeof Thing>> = []
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("a", { reads: [Thing], accepts: (view) => views.push(view) > 0, execute: () => Effect.succeed({}) })
      ],
      seed: () => [Thing.of({ id: "a", n: 0 })]
    })
    return Effect.map(runInline(program, {}), () => {
      expect(views).toHaveLength(1)
      expect(() => views[0]!.size(Thing)).toThrow(/after its cycle ended/)
    })
  })
})

describe("the program's own views", () => {
  it.effect("are as frozen as the agents', and show all kinds", () => {
    const thrown: Array<string> = []
    const attack = (view: View.View<any>): true => {
      const facts = view.all(Thing) as unknown as Array<{ value: { n: number } }>
      for (const deed of [() => facts.push(facts[0]!), () => (facts[0]!.value.n = 9)]) {
        try {
          deed()
        } catch (error) {
          thrown.push((error as Error).name)
        }
      }
      return true
    }
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("a", { writes: [Thing], execute: () => Effect.succeed({ facts: [Thing.of({ id: "b", n: 1 })] }) })
      ],
      kinds: [Seen],
      seed: () => [Thing.of({ id: "a", n: 0 }), Seen.of({ id: "s", text: "" })],
      invariants: [
        Invariant.structural("structural", attack),
        Invariant.semantic("semantic", attack),
        Invariant.acceptance("acceptance", attack)
      ],
      output: (view) => {
        attack(view)
        return [view.all(Thing).map(({ value }) => value.n), view.size(Seen)]
      }
    })
    return Effect.map(runInline(program, {}), ({ error, result }) => {
      expect(error).toBeUndefined()
      expect(result.output).toEqual([[0, 1], 1])
      // Seeds and the agent's effect, twice a cycle, then at convergence.
      expect(thrown).toEqual(Array.from({ length: 2 * (2 + 2 + 1 + 1) }, () => "TypeError"))
    })
  })

  it.effect("a structural check sees the effect, frozen too", () => {
    const seen: Array<unknown> = []
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("a", { writes: [Thing], execute: () => Effect.succeed({ facts: [Thing.of({ id: "b", n: 1 })] }) })
      ],
      invariants: [
        Invariant.structural("s", (_, effect) => {
          seen.push([effect.agent, effect.facts.map(({ id, kind, value }) => ({ id, kind, value }))])
          expect(() => (effect.facts as Array<unknown>).push(1)).toThrow(TypeError)
          for (const fact of effect.facts)
            expect(() => Object.assign(fact.value as object, { n: 2 })).toThrow(TypeError)
          return true
        })
      ]
    })
    return Effect.map(runInline(program, {}), ({ error }) => {
      expect(error).toBeUndefined()
      expect(seen).toEqual([
        ["", []],
        ["a", [{ id: "b", kind: "Thing", value: { id: "b", n: 1 } }]]
      ])
    })
  })
})

describe("a result's context", () => {
  it.effect("is frozen, and stays as it was while others go on from it", () =>
    Effect.gen(function* () {
      const program = Program.make("p", {
        input: Schema.Struct({ id: Schema.String }),
        agents: [],
        kinds: [Thing],
        seed: ({ id }) => [Thing.of({ id, n: 0 })]
      })
      const first = yield* runInline(program, { id: "a" })
      const second = yield* runInline(program, { id: "b" }, { context: first.result.context })
      expect(idsOf(first.result, Thing)).toEqual(["a"])
      expect(idsOf(second.result, Thing)).toEqual(["a", "b"])
      expect(() => (first.result.context.all(Thing) as Array<unknown>).push(1)).toThrow(TypeError)
      expect(() => Object.assign(first.result, { hash: "x" })).toThrow(TypeError)
    })
  )
})
