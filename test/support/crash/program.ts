/**
 * The jobs that are killed: fiber and CPU agents, with `each` and whole, tiers, revisions, discards by agents and by an
 * invariant, evaluations, agents whose effects are kept, and intents whose answers make further ones. Loaded by workers too.
 *
 * Fiber agents tell `Told` when they begin, so that it can be counted what ran twice.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, Fact, Invariant, Program } from "../../../src/index.ts"
import { refKey } from "../../../src/program/keys.ts"
import { discardAll } from "../core/lenient.ts"

/** A task of a fiber agent that begins. `key` names it within its cycle, as the store does. */
export interface Begun {
  readonly job: number
  readonly cycle: number
  readonly key: string
  readonly isMemoized: boolean
}

/** The listener that is told of tasks that begin. */
export const Told = Context.Reference<(begun: Begun) => void>("effect-converge/test/crash/Told", {
  defaultValue: () => () => undefined
})

const keyOf = (agent: string, kind: string, id: string): string => `${agent}/${refKey({ kind, id })}`

const tell = (job: number, cycle: number, key: string, isMemoized = false) =>
  Effect.flatMap(Told, (told) => Effect.sync(() => told({ job, cycle, key, isMemoized })))

const Item = Fact.kind("Item", {
  schema: Schema.Struct({ job: Schema.Int, round: Schema.Int, n: Schema.Int }),
  id: ({ n, round }) => `${round}.${n}`
})

/** Revised by whoever finds more. */
const Sum = Fact.kind("Sum", {
  schema: Schema.Struct({ round: Schema.Int, members: Schema.Array(Schema.Int) }),
  id: ({ round }) => String(round),
  conflict: (a, b) => ({ ...a, members: [...new Set([...a.members, ...b.members])].sort((x, y) => x - y) })
})

const Latest = Fact.kind("Latest", {
  schema: Schema.Struct({ slot: Schema.Int, by: Schema.String }),
  id: ({ slot }) => String(slot),
  conflict: "keepLast",
  retention: { latest: 3 }
})

const Opinion = Fact.kind("Opinion", {
  schema: Schema.Struct({ about: Schema.String, text: Schema.String }),
  id: ({ about }) => about
})

const Report = Fact.kind("Report", {
  schema: Schema.Struct({ job: Schema.Int, round: Schema.Int, text: Schema.String }),
  id: ({ round }) => String(round)
})

const Verdict = Fact.kind("Verdict", {
  schema: Schema.Struct({ about: Schema.String, text: Schema.String }),
  id: ({ about }) => about
})

/** The answer to an intent. */
export const Receipt = Fact.kind("Receipt", {
  schema: Schema.Struct({ of: Schema.String, n: Schema.Int }),
  id: (receipt) => receipt.of
})

class Unlucky extends Data.TaggedError("Unlucky")<{ readonly n: number }> {}

const grow = Agent.make("grow", {
  each: Item,
  writes: [Item, Latest],
  execute: ({ id, value: { job, n, round } }, view) =>
    Effect.andThen(
      tell(job, view.cycle, keyOf("grow", "Item", id)),
      Effect.succeed({
        facts: [
          ...(n < 5
            ? [Item.of({ job, round, n: n * 2 }), Item.of({ job, round, n: n * 2 + 1 })]
            : round < 2
              ? [Item.of({ job, round: round + 1, n: 1 + (job % 3) })]
              : []),
          Latest.of({ slot: n % 4, by: id })
        ],
        trace: { sees: view.cycle }
      })
    )
})

const measure = Agent.cpu("measure", {
  each: Item,
  writes: [Sum],
  execute: ({ id, value: { n, round } }) => ({
    facts: [Sum.of({ round, members: [n] })],
    evaluations: [{ fact: { kind: "Item", id }, score: n / 100, reason: `of ${n}` }],
    intents: n % 4 === 0 ? [{ kind: "measured", payload: { n } }] : []
  })
})

const picky = Agent.cpu("picky", {
  each: Item,
  reads: [Sum],
  writes: [Opinion],
  onFailure: discardAll,
  execute: ({ id, value: { n } }, view) => {
    if (n % 3 === 0) throw new RangeError(`not ${n}`)
    return { facts: [Opinion.of({ about: `cpu ${id}`, text: `${n} beside ${view.size(Sum)}` })] }
  }
})

/** An agent whose answer is expensive to get. */
const dear = Agent.make("dear", {
  each: Item,
  writes: [Opinion],
  memoize: true,
  execute: ({ id, value: { job, n } }, view) =>
    tell(job, view.cycle, keyOf("dear", "Item", id), true).pipe(
      // Some are there long before their cycle is committed.
      Effect.andThen(n % 2 === 0 ? Effect.void : Effect.sleep(2)),
      Effect.as({
        facts: [Opinion.of({ about: `dear ${id}`, text: "x".repeat(n * 10) })],
        evaluations: [{ fact: { kind: "Item", id }, score: 0.5, reason: "dear" }],
        usage: { tokens: n }
      })
    )
})

const unlucky = Agent.make("unlucky", {
  each: Item,
  writes: [Opinion],
  onFailure: discardAll,
  execute: ({ id, value: { job, n } }, view) =>
    Effect.andThen(
      tell(job, view.cycle, keyOf("unlucky", "Item", id)),
      n % 4 === 1
        ? Effect.fail(new Unlucky({ n }))
        : Effect.succeed({ facts: [Opinion.of({ about: `luck ${id}`, text: "good" })] })
    )
})

const rate = Agent.cpu("rate", {
  reads: [Sum, Opinion, Item],
  writes: [Report],
  execute: (view) => {
    const items = view.all(Item)
    const round = Math.max(...items.map(({ value }) => value.round))
    const scores = items.flatMap((item) => view.evaluations(item).map(({ agent, score }) => `${agent} ${score}`))
    const text = [view.version, view.cycle, view.delta(Opinion).length, scores.join()].join("; ")
    return { facts: [Report.of({ job: items[0]?.value.job ?? 0, round, text })] }
  }
})

const conclude = Agent.make("conclude", {
  each: Report,
  writes: [Verdict],
  memoize: true,
  execute: ({ id, value: { job, round } }, view) =>
    Effect.as(tell(job, view.cycle, keyOf("conclude", "Report", id), true), {
      facts: [Verdict.of({ about: `round ${round}`, text: "done" })],
      usage: { tokens: 1_000 }
    })
})

/** Says what was answered, and wishes for more. */
const heed = Agent.make("heed", {
  each: Receipt,
  writes: [Verdict],
  execute: ({ id, value: { n } }) =>
    Effect.succeed({
      facts: [Verdict.of({ about: `receipt ${id}`, text: String(n) })],
      intents: n === 8 ? [{ kind: "measured", payload: { n: 80 } }] : []
    })
})

export const crashing = Program.make("crashing", {
  module: import.meta.url,
  input: Schema.Struct({ job: Schema.Int }),
  seed: ({ job }) => [Item.of({ job, round: 1, n: 1 + (job % 4) })],
  agents: [grow, measure, picky, dear, unlucky, rate, conclude, heed],
  tiers: [["grow", "measure", "picky", "dear", "unlucky", "heed"], ["rate"], ["conclude"]],
  invariants: [
    Invariant.structural(
      "nothing forbidden",
      (_, { facts }) => facts.every(({ id }) => !id.startsWith("luck") || !id.endsWith(".6")) || "forbidden",
      { onViolation: "discard" }
    ),
    Invariant.acceptance("a report", (view) => view.size(Report) > 0 || "none")
  ],
  budget: { maxTokens: 1_000_000 },
  output: (view) => view.all(Report).map(({ value }) => value.text)
})

export const jobs = 8
export const places: ReadonlyArray<number> = Array.from({ length: jobs }, (_, job) => job)
export const idOf = (job: number): string => `job ${job}`
