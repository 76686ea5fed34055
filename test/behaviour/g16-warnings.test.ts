/** G16: programs with half a join are told of, and others are not. */
import { describe, expect, it } from "vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { Agent, type Fact, Program } from "../../src/index.ts"
import { Cell, Entry, Num } from "../support/behaviour/harness.ts"

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
