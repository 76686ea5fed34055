/**
 * G12, provenance: a fact names the task that added it and what made that task eligible, and its derivation tree leads down
 * to seeds and signals.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import { Agent, Engine, Invariant, type JobContext, Limits, Program, Provenance } from "../../src/index.ts"
import { emptyLedger, numbered, put } from "../support/core/ledger.ts"
import { engineInline, runInline } from "../support/core/run.ts"
import { Ledger } from "../../src/context/Ledger.ts"

const empty = Schema.Struct({})
const A = numbered("A")
const B = numbered("B")
const C = numbered("C")
const Last = numbered("Last", { conflict: "keepLast" })

/** A tree as nested arrays: [kind/id=n, ...causes]. */
type Tree = readonly [string, ...ReadonlyArray<unknown>]
const treeOf = ({ causes, fact, omitted }: Provenance.Explanation): Tree => [
  `${fact.kind}/${fact.id}=${(fact.value as { readonly n?: number }).n}`,
  ...causes.map(treeOf),
  ...(omitted > 0 ? [`+${omitted}`] : [])
]
const explain = (context: JobContext.JobContext, kind: string, id: string) => Provenance.explain(context, { kind, id })!
const tree = (context: JobContext.JobContext, kind: string, id: string) => treeOf(explain(context, kind, id))

describe("a fact of an agent with each", () => {
  it.effect("was derived from the one fact that its task was about", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("double", {
          each: A,
          reads: [C],
          writes: [B],
          execute: ({ id, value: { n } }) => Effect.succeed({ facts: [B.of({ id, n: n * 2 })], trace: { doubled: n } })
        })
      ],
      seed: () => [A.of({ id: "x", n: 1 }), A.of({ id: "y", n: 2 }), C.of({ id: "c", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "B", "y")).toEqual(["B/y=4", ["A/y=2"]])
      const { causes, fact, trace } = explain(context, "B", "y")
      expect(trace).toEqual({ doubled: 2 })
      expect(fact.provenance).toEqual({
        version: 5,
        cycle: 1,
        origin: "agent",
        agent: "double",
        each: { kind: "A", id: "y" },
        since: 0,
        until: 3
      })
      expect(causes[0]!.fact.provenance).toMatchObject({ origin: "seed", agent: "", cycle: 0, version: 2 })
      expect(causes[0]!.trace).toBeUndefined()
    })
  })

  it.effect("is followed down through every generation", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("next", {
          each: A,
          writes: [A],
          execute: ({ value: { n } }) => Effect.succeed({ facts: n < 4 ? [A.of({ id: `a${n + 1}`, n: n + 1 })] : [] })
        })
      ],
      seed: () => [A.of({ id: "a1", n: 1 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "A", "a4")).toEqual(["A/a4=4", ["A/a3=3", ["A/a2=2", ["A/a1=1"]]]])
      expect(Provenance.format(explain(context, "A", "a3"))).toBe(
        ["A/a3  (next, cycle 2)", "└─ A/a2  (next, cycle 1)", "   └─ A/a1  (seed, cycle 0)"].join("\n")
      )
    })
  })
})

describe("a fact of an agent that reads", () => {
  it.effect("was derived from all that was new to that agent, of the kinds that it reads", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("tick", {
          accepts: (view) => view.cycle < 4,
          writes: [A, C],
          execute: ({ cycle }) =>
            Effect.succeed({ facts: [A.of({ id: `a${cycle}`, n: cycle }), C.of({ id: `c${cycle}`, n: 0 })] })
        }),
        Agent.make("sum", {
          reads: [A, Last],
          writes: [B],
          accepts: (view) => view.delta(A).length >= 2,
          execute: (view) => Effect.succeed({ facts: [B.of({ id: `b${view.cycle}`, n: view.size(A) })] })
        })
      ],
      seed: () => [A.of({ id: "a0", n: 0 }), Last.of({ id: "l", n: 9 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "B", "b2")).toEqual(["B/b2=2", ["A/a0=0"], ["Last/l=9"], ["A/a1=1"]])
      expect(tree(context, "B", "b4")).toEqual(["B/b4=4", ["A/a2=2"], ["A/a3=3"]])
      // An agent that reads nothing is derived from nothing.
      expect(explain(context, "A", "a1").fact.provenance).toMatchObject({ agent: "tick", since: 0, until: 0 })
      expect(tree(context, "A", "a1")).toEqual(["A/a1=1"])
    })
  })

  it.effect("does not count what the same cycle added, nor its own later facts", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("early", {
          reads: [A],
          writes: [C],
          execute: () => Effect.succeed({ facts: [C.of({ id: "c", n: 0 })] })
        }),
        Agent.make("late", {
          reads: [A, C],
          writes: [B],
          execute: (view) => Effect.succeed({ facts: [B.of({ id: `b${view.cycle}`, n: 0 })] })
        })
      ],
      seed: () => [A.of({ id: "a", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "B", "b1")).toEqual(["B/b1=0", ["A/a=0"]])
      expect(tree(context, "B", "b2")).toEqual(["B/b2=0", ["C/c=0", ["A/a=0"]]])
    })
  })
})

describe("a revision", () => {
  it.effect("names the task that revised, and what was derived from the earlier value keeps it", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("revise", {
          each: Last,
          writes: [Last],
          execute: ({ value: { n } }) =>
            Effect.succeed({ facts: n < 3 ? [Last.of({ id: "l", n: n + 1 })] : [], trace: { was: n } })
        }),
        Agent.make("note", {
          each: Last,
          writes: [B],
          execute: ({ value: { n } }) => Effect.succeed({ facts: [B.of({ id: `saw ${n}`, n })] })
        })
      ],
      seed: () => [Last.of({ id: "l", n: 1 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "Last", "l")).toEqual(["Last/l=3", ["Last/l=2", ["Last/l=1"]]])
      expect(tree(context, "B", "saw 1")).toEqual(["B/saw 1=1", ["Last/l=1"]])
      expect(tree(context, "B", "saw 2")).toEqual(["B/saw 2=2", ["Last/l=2", ["Last/l=1"]]])
      expect(explain(context, "Last", "l").trace).toEqual({ was: 2 })
      expect(explain(context, "B", "saw 2").causes[0]!.trace).toEqual({ was: 1 })
    })
  })

  it.effect("that came after another one hides it from who had not looked meanwhile", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("revise", {
          accepts: (view) => view.cycle <= 3,
          writes: [Last],
          execute: ({ cycle }) => Effect.succeed({ facts: [Last.of({ id: "l", n: cycle })] })
        }),
        Agent.make("whole", {
          reads: [Last],
          writes: [B],
          accepts: (view) => view.cycle === 4,
          execute: (view) => Effect.succeed({ facts: [B.of({ id: "whole", n: view.delta(Last).length })] })
        }),
        Agent.make("each", {
          each: Last,
          writes: [B],
          accepts: (view) => view.cycle === 4,
          execute: (fact) => Effect.succeed({ facts: [B.of({ id: `each ${fact.value.n}`, n: 0 })] })
        })
      ],
      seed: () => [Last.of({ id: "l", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "B", "whole")).toEqual(["B/whole=1", ["Last/l=3"]])
      expect(tree(context, "B", "each 3")).toEqual(["B/each 3=0", ["Last/l=3"]])
    })
  })
})

describe("where a derivation begins", () => {
  it.effect("is a seed, a signal, or an agent that reads nothing", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      const release = yield* Deferred.make<void>()
      const program = Program.make("p", {
        signals: [A],
        input: empty,
        agents: [
          Agent.make("copy", {
            each: A,
            writes: [B],
            execute: ({ id, value: { n } }) => Effect.succeed({ facts: [B.of({ id, n })] })
          }),
          Agent.make("wait", {
            writes: [A],
            execute: () =>
              Effect.as(Effect.andThen(Deferred.succeed(begun, undefined), Deferred.await(release)), {
                facts: [A.of({ id: "from-nothing", n: 3 })],
                trace: "out of thin air"
              })
          })
        ],
        seed: () => [A.of({ id: "seed", n: 1 })]
      })
      const job = yield* Engine.start(program, {})
      yield* Deferred.await(begun)
      const signalled = yield* Effect.forkChild(job.signal([A.of({ id: "signal", n: 2 })]))
      yield* Effect.yieldNow
      yield* Deferred.succeed(release, undefined)
      yield* Fiber.join(signalled)
      const { context } = yield* job.result
      const origins = ["seed", "signal", "from-nothing"].map((id) => {
        const [cause] = explain(context, "B", id).causes
        return [cause!.fact.provenance.origin, cause!.fact.provenance.agent, cause!.causes, cause!.trace]
      })
      expect(origins).toEqual([
        ["seed", "", [], undefined],
        ["signal", "", [], undefined],
        ["agent", "wait", [], "out of thin air"]
      ])
      expect(Provenance.format(explain(context, "B", "signal"))).toBe(
        "B/signal  (copy, cycle 2)\n└─ A/signal  (signal, cycle 2)"
      )
      expect(Provenance.format(explain(context, "B", "from-nothing"))).toBe(
        'B/from-nothing  (copy, cycle 2)\n└─ A/from-nothing  (wait, cycle 1)\n     trace: "out of thin air"'
      )
    }).pipe(Effect.provide(engineInline))
  )

  it.effect("is the invariant, for a violation", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("repair", {
          reads: [Invariant.Violation],
          writes: [A],
          execute: () => Effect.succeed({ facts: [A.of({ id: "fix", n: 0 })] })
        })
      ],
      invariants: [Invariant.semantic("some a", (view) => view.size(A) > 0 || "no a")],
      kinds: [B],
      seed: () => [B.of({ id: "b", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ error, result: { context } }) => {
      expect(error).toBeUndefined()
      const { causes, fact } = explain(context, "A", "fix")
      expect(fact.provenance.agent).toBe("repair")
      expect(causes[0]!.fact).toMatchObject({ kind: "Violation", id: "some a", value: { repaired: false } })
      expect(causes[0]!.fact.provenance).toMatchObject({ origin: "invariant", agent: "some a", cycle: 0 })
      expect(Provenance.format(explain(context, "A", "fix"))).toBe(
        "A/fix  (repair, cycle 1)\n└─ Violation/some a  (invariant some a, cycle 0)"
      )
    })
  })
})

describe("a derivation tree", () => {
  it.effect("spells out a fact once, where it is met first, and says what it left out", () => {
    const program = Program.make("p", {
      input: empty,
      agents: [
        Agent.make("left", {
          each: A,
          writes: [B],
          execute: ({ id }) =>
            Effect.succeed({ facts: [B.of({ id: `${id}-left`, n: 0 }), B.of({ id: `${id}-right`, n: 0 })] })
        }),
        Agent.make("join", {
          reads: [B],
          writes: [C],
          execute: () => Effect.succeed({ facts: [C.of({ id: "c", n: 0 })] })
        })
      ],
      seed: () => [A.of({ id: "a", n: 0 })]
    })
    return Effect.map(runInline(program, {}), ({ result: { context } }) => {
      expect(tree(context, "C", "c")).toEqual(["C/c=0", ["B/a-left=0", ["A/a=0"]], ["B/a-right=0", "+1"]])
      expect(Provenance.format(explain(context, "C", "c"))).toBe(
        [
          "C/c  (join, cycle 2)",
          "├─ B/a-left  (left, cycle 1)",
          "│  └─ A/a  (seed, cycle 0)",
          "└─ B/a-right  (left, cycle 1)",
          "   └─ … 1 more, explained above or left out"
        ].join("\n")
      )
    })
  })

  it.effect("of a fact that is not there is undefined", () =>
    Effect.map(
      runInline(Program.make("p", { input: empty, agents: [], kinds: [A] }), {}),
      ({ result: { context } }) => {
        expect(Provenance.explain(context, { kind: "A", id: "a" })).toBeUndefined()
        expect(Provenance.explain(context, { kind: "Nobody", id: "a" })).toBeUndefined()
      }
    )
  )

  it("is cut off where it becomes too large, and says how much is missing", () => {
    const count = Limits.explainNodes + 5
    const ledger = Ledger.make("test", new Map([["sum", ["A"]]]))
    for (let n = 0; n < count; n++) put(ledger, A, { id: `a${n}`, n })
    put(ledger, B, { id: "b", n: 0 }, { origin: "agent", agent: "sum", cycle: 1, since: 0, until: count })
    const { causes, omitted } = Provenance.explain(ledger, { kind: "B", id: "b" })!
    expect([causes.length, omitted]).toEqual([Limits.explainNodes - 1, 6])
  })

  it("of a fact in a large context is soon done", () => {
    // Every one of many facts was derived from one seed of its own.
    const count = Limits.explainNodes * 2
    const ledger = emptyLedger()
    const by = (agent: string) => ({ origin: "agent" as const, agent, cycle: 1 })
    for (let n = 0; n < count; n++) put(ledger, A, { id: `a${n}`, n })
    for (let n = 0; n < count; n++) {
      put(ledger, B, { id: `b${n}`, n }, { ...by("each"), each: { kind: "A", id: `a${n}` }, since: 0, until: count })
    }
    const began = performance.now()
    let node = Provenance.explain(ledger, { kind: "B", id: "b7" })!
    expect(treeOf(node)).toEqual(["B/b7=7", ["A/a7=7"]])
    for (let n = 0; n < 500; n++) node = Provenance.explain(ledger, { kind: "B", id: `b${n}` })!
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})

/* ---------------------------------------------------------------- over several jobs */

const chainOf = (triggers: "A" | "B") =>
  Program.make("chain", {
    input: Schema.Finite,
    agents: [
      Agent.make("next", {
        reads: [triggers === "A" ? A : B],
        writes: [A, B],
        execute: (view) => {
          const value = { id: `v${view.version}`, n: 0 }
          return Effect.succeed({ facts: [triggers === "A" ? B.of(value) : A.of(value)], trace: { at: view.version } })
        }
      })
    ],
    kinds: [C],
    seed: (n) => (n === 0 ? [A.of({ id: "seed", n: 0 })] : [])
  })

describe("across jobs that go on from each other", () => {
  it.effect("a derivation leads down through all of them, each trace and trigger that of its own job", () =>
    Effect.gen(function* () {
      // The agent is called the same in all jobs and reads another kind in every second one; cycles begin at 1 in each.
      let context: JobContext.JobContext | undefined
      const jobs = Limits.contextLayers * 2 + 3
      for (let job = 0; job < jobs; job++) {
        const program = chainOf(job % 2 === 0 ? "A" : "B")
        const { error, result } = yield* runInline(program, job, context === undefined ? {} : { context })
        expect(error).toBeUndefined()
        context = result.context
        expect(context.version).toBe(job + 2)
      }
      const last = jobs % 2 === 0 ? "A" : "B"
      let node = explain(context!, last, `v${jobs}`)
      for (let version = jobs; version > 0; version--) {
        expect([version, node.trace]).toEqual([version, { at: version }])
        expect(node.fact.provenance).toMatchObject({ version: version + 1, agent: "next", cycle: 1 })
        expect(node.causes).toHaveLength(1)
        node = node.causes[0]!
      }
      expect(node.fact).toMatchObject({ kind: "A", id: "seed" })
    })
  )
})
