/**
 * A small program with everything that could depend on the order in which tasks end: fiber and CPU agents, with `each` and
 * whole, tiers, every conflict rule, failures of all kinds, revisions, retention, invariants, evaluations, intents and
 * traces. Loaded by workers too.
 */
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { isMainThread } from "node:worker_threads"
import { Agent, Fact, Invariant, Program } from "../../../src/index.ts"
import { sometime } from "./chaos.ts"
import { discardAll } from "./lenient.ts"

const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: (item) => `n${item.n}` })

/** Joined: the union of what was proposed. */
const Bag = Fact.kind("Bag", {
  schema: Schema.Struct({ name: Schema.String, members: Schema.Array(Schema.Int) }),
  id: (bag) => bag.name,
  conflict: (a, b) => ({ name: a.name, members: [...new Set([...a.members, ...b.members])].sort((x, y) => x - y) })
})

const Last = Fact.kind("Last", {
  schema: Schema.Struct({ slot: Schema.String, by: Schema.String, at: Schema.DateTimeUtc }),
  id: (last) => last.slot,
  conflict: "keepLast"
})

const First = Fact.kind("First", {
  schema: Schema.Struct({ slot: Schema.String, by: Schema.String }),
  id: (first) => first.slot,
  conflict: "keepFirst"
})

const Claim = Fact.kind("Claim", {
  schema: Schema.Struct({ slot: Schema.Int, by: Schema.String }),
  id: (claim) => String(claim.slot)
})

const Recent = Fact.kind("Recent", {
  schema: Schema.Struct({ n: Schema.Int, ratio: Schema.Number }),
  id: (recent) => String(recent.n),
  conflict: "keepLast",
  retention: { latest: 4 }
})

const Repair = Fact.kind("Repair", { schema: Schema.Struct({ of: Schema.String }), id: (repair) => repair.of })

const Report = Fact.kind("Report", {
  schema: Schema.Struct({ about: Schema.String, text: Schema.String }),
  id: (report) => report.about
})

class Unlucky extends Data.TaggedError("Unlucky")<{ readonly n: number }> {}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** On a thread of its own, an agent may take a moment; which one is nobody's choice. */
const dawdle = (): void => {
  if (!isMainThread && Math.random() < 0.25) Atomics.wait(sleeper, 0, 0, Math.random() * 3)
}

const grow = Agent.make("grow", {
  each: Item,
  writes: [Item, Claim, First],
  onFailure: discardAll,
  execute: ({ id, value: { n } }, view) =>
    sometime(`grow ${id}`, () =>
      Effect.succeed({
        facts: [
          ...(n < 8 ? [Item.of({ n: n * 2 }), Item.of({ n: n * 2 + 1 })] : []),
          Claim.of({ slot: n % 4, by: n < 5 ? "anybody" : "grow" }),
          First.of({ slot: String(n % 3), by: id })
        ],
        trace: { grew: n, sees: view.size(Item), version: view.version }
      })
    )
})

const collect = Agent.cpu("collect", {
  each: Item,
  writes: [Bag, Recent, First],
  execute: ({ id, value: { n } }, view) => {
    dawdle()
    return {
      facts: [
        Bag.of({ name: `bag ${n % 2}`, members: [n] }),
        Recent.of({ n: n % 6, ratio: n === 1 ? Number.NaN : n / 3 }),
        First.of({ slot: String(n % 3), by: `collect ${id}` })
      ],
      evaluations: [{ fact: { kind: "Item", id }, score: n / 100, reason: `of ${view.size(Item)}` }],
      intents: n % 5 === 0 ? [{ kind: "tell", payload: { n, seen: view.delta(Item).length } }] : [],
      usage: { tokens: n }
    }
  }
})

const label = (by: string, ids: ReadonlyArray<string>, slot: string) =>
  Last.of({ slot, by: `${by} ${ids.join()}`, at: DateTime.makeUnsafe(ids.length) })

const labelFiber = Agent.make("label-fiber", {
  reads: [Item],
  writes: [Last],
  accepts: (view) => view.delta(Item).length > 1,
  execute: (view) =>
    sometime("label", () =>
      Effect.succeed({
        facts: [
          label(
            "fiber",
            view.delta(Item).map(({ id }) => id),
            "a"
          ),
          label("fiber", [], "b")
        ]
      })
    )
})

const labelCpu = Agent.cpu("label-cpu", {
  reads: [Item, Bag, Recent],
  writes: [Last, Bag],
  execute: (view) => {
    dawdle()
    const ids = [...view.delta(Item), ...view.all(Recent)].map(({ id }) => id)
    return { facts: [label("cpu", ids, "a"), Bag.of({ name: "bag 0", members: [-ids.length] })] }
  }
})

const claimCpu = Agent.cpu("claim-cpu", {
  each: Item,
  writes: [Claim],
  onFailure: discardAll,
  execute: ({ value: { n } }) => {
    dawdle()
    return { facts: [Claim.of({ slot: n % 4, by: "claim-cpu" })], intents: [{ kind: "claim", payload: n }] }
  }
})

const unlucky = (onFailure: Agent.OnFailure) =>
  Agent.make("unlucky", {
    each: Item,
    writes: [Report],
    onFailure,
    execute: ({ id, value: { n } }) =>
      sometime(`unlucky ${id}`, () => {
        if (n % 5 === 1) return Effect.fail(new Unlucky({ n }))
        if (n % 5 === 2) return Effect.die(new Error(`unlucky ${n}`))
        if (n % 5 === 3) return Effect.succeed({ facts: [Report.of({ about: "bad", text: n as never })] })
        return Effect.succeed({ facts: [Report.of({ about: `luck ${n}`, text: "good" })] })
      })
  })

const unluckyCpu = (onFailure: Agent.OnFailure) =>
  Agent.cpu("unlucky-cpu", {
    each: Item,
    reads: [Last],
    onFailure,
    execute: ({ value: { n } }, view) => {
      dawdle()
      if (n % 3 === 0)
        throw new RangeError(
          `${n} after ${view
            .all(Last)
            .map(({ value }) => value.by)
            .join(" | ")}`
        )
      return {}
    }
  })

const repair = Agent.make("repair", {
  reads: [Invariant.Violation],
  writes: [Repair],
  execute: (view) =>
    sometime("repair", () =>
      Effect.succeed({ facts: view.all(Invariant.Violation).map(({ value }) => Repair.of({ of: value.invariant })) })
    )
})

const rate = Agent.cpu("rate", {
  reads: [Bag, Last, Recent, Item],
  writes: [Report],
  execute: (view) => {
    dawdle()
    const bags = view.all(Bag).map(({ value }) => `${value.name}: ${value.members.join()}`)
    const scores = view
      .all(Item)
      .flatMap((item) => view.evaluations(item).map(({ agent, reason, score }) => `${agent} ${score} ${reason}`))
    return {
      facts: [
        Report.of({ about: "bags", text: bags.join("; ") }),
        Report.of({ about: "origins", text: JSON.stringify(view.all(Item).map(({ provenance }) => provenance)) }),
        Report.of({
          about: "sizes",
          text: `${view.version} ${view.cycle} ${view.size(Recent)} ${view.delta(Last).length}`
        }),
        Report.of({ about: "scores", text: scores.join("; ") }),
        Report.of({
          about: "recent",
          text: view
            .all(Recent)
            .map(({ id, value }) => `${id}=${value.ratio}`)
            .join()
        })
      ]
    }
  }
})

const summarise = Agent.make("summarise", {
  reads: [Report],
  writes: [First],
  execute: (view) =>
    sometime("summarise", () => {
      const about = view.all(Report).map(({ id }) => id)
      return Effect.succeed({ facts: [First.of({ slot: `end ${view.cycle}`, by: about.join() })] })
    })
})

const programOf = (name: string, onFailure: Agent.OnFailure) =>
  Program.make(name, {
    module: import.meta.url,
    input: Schema.Struct({ from: Schema.Int }),
    seed: ({ from }) => [Item.of({ n: from }), Bag.of({ name: "bag 0", members: [0] })],
    agents: [
      summarise,
      labelCpu,
      grow,
      claimCpu,
      labelFiber,
      collect,
      unluckyCpu(onFailure),
      unlucky(onFailure),
      repair,
      rate
    ],
    tiers: [
      ["grow", "collect", "label-fiber", "label-cpu", "claim-cpu", "unlucky", "unlucky-cpu", "repair"],
      ["rate"],
      ["summarise"]
    ],
    invariants: [
      Invariant.structural(
        "no luck for 9",
        (view, { facts }) =>
          facts.every(({ id }) => id !== "luck 9") || { reason: `${view.size(Item)} items`, facts: [] },
        { onViolation: "discard" }
      ),
      Invariant.semantic(
        "few items",
        (view) => view.size(Item) < 4 || view.size(Repair) > 0 || `${view.size(Item)} items`
      ),
      Invariant.acceptance("some items", (view) => view.size(Item) > 3 || "too few")
    ],
    budget: { maxTokens: 1_000_000 },
    output: (view) => view.all(Report).map(({ value }) => value)
  })

/** Converges, with much that is discarded on the way. */
export const synthetic = programOf("synthetic", discardAll)

/** Ends with the first failure of its second cycle, which has several. */
export const fatal = programOf("fatal", "halt")
