/** G16: programs with half a join are told of, and others are not. */
import { describe, expect, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, type Fact, Intent, Program } from "../../src/index.ts"
import { Cell, Entry, Num } from "../support/behaviour/harness.ts"
import { numbered } from "../support/core/ledger.ts"

const nothing = () => Effect.succeed({})
const writes = (name: string, kind: Fact.Kind.Any, each: Fact.Kind.Any = Cell) =>
  Agent.make(name, { each, writes: [kind], execute: nothing })
const reads = (name: string, each: Fact.Kind.Any, kind: Fact.Kind.Any, written: ReadonlyArray<Fact.Kind.Any> = []) =>
  Agent.make(name, { each, reads: [kind], writes: written, execute: nothing })

const warningsOf = (
  agents: ReadonlyArray<Agent.Agent.Any>,
  tiers?: ReadonlyArray<ReadonlyArray<string>>,
  signals: ReadonlyArray<Fact.Kind.Any> = []
) => Program.warnings(Program.make("p", { module: import.meta.url, input: Schema.Struct({}), agents, tiers, signals }))

describe("the warnings of a program", () => {
  it("tell of an agent with each whose other kind is written in its tier, and what to write instead", () => {
    expect(warningsOf([writes("fetch", Entry), reads("bill", Num, Entry)])).toEqual([
      'the agent "bill" runs for each new Num and reads Entry, which "fetch" of the same tier writes: what comes of Entry after ' +
        "that is not seen for it. If facts of the two belong together, write " +
        'Agent.join("bill", { left: [Num, key], right: [Entry, key], ... }), which gives each pair once. ' +
        'Or let "fetch" run in an earlier tier'
    ])
  })

  it("tell of a kind that signals may bring, whatever the tier of its writer", () => {
    const bill = reads("bill", Num, Entry)
    expect(warningsOf([bill], undefined, [Entry])).toEqual([
      'the agent "bill" runs for each new Num and reads Entry, which signals may bring: what comes of Entry after ' +
        "that is not seen for it. If facts of the two belong together, write " +
        'Agent.join("bill", { left: [Num, key], right: [Entry, key], ... }), which gives each pair once.'
    ])
    expect(warningsOf([writes("fetch", Entry), bill], [["fetch"], ["bill"]], [Entry])).toHaveLength(1)
    expect(warningsOf([bill, reads("other half", Entry, Num)], undefined, [Entry])).toEqual([])
  })

  const joining = (name: string, kind: Fact.Kind.Any) =>
    Agent.join(name, { left: [Num, () => 1], right: [Cell, () => 1], reads: [kind], execute: () => ({}) })

  it("tell of a join whose further kind may come late, and of none that has its other half, or a complete kind", () => {
    expect(warningsOf([writes("fetch", Entry), joining("bill", Entry)])).toEqual([
      'the join "bill" runs for each pair of Num and Cell and reads Entry, which "fetch" of the same tier writes: what comes of ' +
        "Entry after that is not seen for it. If facts of the three belong together, let a join of two kinds write each pair " +
        'as a fact, and join that with the third kind. Or let "fetch" run in an earlier tier'
    ])
    expect(warningsOf([joining("bill", Entry)], undefined, [Entry])).toHaveLength(1)
    expect(warningsOf([joining("bill", Intent.Decision)])).toHaveLength(1)
    expect(warningsOf([joining("bill", Entry)])).toEqual([])
    expect(warningsOf([writes("fetch", Entry), joining("bill", Entry)], [["fetch"], ["bill"]])).toEqual([])
    const other = Agent.make("other half", { each: Entry, reads: [Num, Cell], execute: nothing })
    expect(warningsOf([joining("bill", Entry), other], undefined, [Entry]).join()).not.toContain('"bill"')
    const half = Agent.make("no half", { each: Entry, reads: [Num], execute: nothing })
    expect(warningsOf([joining("bill", Entry), half], undefined, [Entry]).join()).toContain('"bill"')
  })

  it("tell of kinds that always come late: answers to intents, decisions, and ends of child jobs", () => {
    const Fetch = Intent.kind("Fetch", { payload: Schema.Struct({}), answers: [Entry] })
    const fetch = Agent.make("fetch", { each: Cell, intents: [Fetch], execute: nothing })
    const sourceOf = (agents: ReadonlyArray<Agent.Agent.Any>, tiers?: ReadonlyArray<ReadonlyArray<string>>) =>
      warningsOf(agents, tiers).map((warning) => /which (.*?): what comes/.exec(warning)?.[1])
    expect(sourceOf([fetch, reads("bill", Num, Entry)])).toEqual(['answers to "Fetch" bring'])
    expect(sourceOf([fetch, reads("bill", Num, Entry)], [["fetch"], ["bill"]])).toEqual(['answers to "Fetch" bring'])
    expect(sourceOf([reads("bill", Num, Intent.Decision)])).toEqual(["decisions on approvals bring"])
    expect(sourceOf([reads("bill", Num, Intent.ChildResult)])).toEqual(["child jobs bring"])
    expect(sourceOf([fetch, reads("bill", Num, Entry), reads("other half", Entry, Num)])).toEqual([])
  })

  it("tell of a kind with retention that is a side of a join, or read for each, and what is missed", () => {
    const Kept = numbered("Kept", { retention: { latest: 3 } })
    const pairs = Agent.join("pairs", { left: [Kept, () => 1], right: [Num, () => 1], execute: () => ({}) })
    const advice = ". If all of them count, leave `retention` out for the kind"
    const kept = "Kept, of which retention keeps the newest 3"
    expect(warningsOf([pairs])).toEqual([
      `the join "pairs" pairs ${kept}: a fact that is pruned does not meet one of Num that comes later${advice}`
    ])
    expect(warningsOf([reads("bill", Num, Kept)])).toEqual([
      `the agent "bill" runs for each new Num and reads ${kept}: a fact that is pruned is not seen for what comes of Num after ` +
        `that${advice}`
    ])
    expect(warningsOf([joining("bill", Kept)])).toEqual([
      `the join "bill" reads ${kept}: a fact that is pruned is not seen for pairs of Num and Cell that meet after that${advice}`
    ])
    const itself = Agent.join("itself", { left: [Kept, () => 1], right: [Kept, () => 1], execute: () => ({}) })
    expect(warningsOf([itself])).toHaveLength(1)
    expect(warningsOf([itself]).join()).toContain("does not meet one of Kept that comes later")
  })

  it("do not tell of retention where the kind triggers the agent", () => {
    const Kept = numbered("Kept", { retention: { latest: 3 } })
    expect(warningsOf([reads("each", Kept, Num), Agent.make("all", { reads: [Kept, Num], execute: nothing })])).toEqual(
      []
    )
  })

  it("do not tell of kinds that are complete, of both halves of a join, of what an agent notes for itself, or of joins", () => {
    expect(warningsOf([writes("fetch", Entry), reads("bill", Num, Entry)], [["fetch"], ["bill"]])).toEqual([])
    expect(warningsOf([reads("bill", Num, Entry)])).toEqual([])
    expect(warningsOf([writes("fetch", Entry), reads("bill", Num, Entry), reads("other half", Entry, Num)])).toEqual([])
    expect(warningsOf([reads("once", Num, Entry, [Entry])])).toEqual([])
    expect(
      warningsOf([
        writes("fetch", Entry),
        Agent.join("joins", { left: [Num, () => 1], right: [Entry, () => 1], execute: () => ({}) }),
        Agent.make("all", { reads: [Num, Entry], execute: nothing })
      ])
    ).toEqual([])
  })
})
