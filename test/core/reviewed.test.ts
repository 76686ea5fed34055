/**
 * Values and views where a shortcut was tempting: points in time, undefined beside a codec, deltas that many tasks share,
 * retention, and wide derivations.
 */
import { describe, expect, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { Agent, Engine, Fact, JobStore, Program, Provenance, WorkerPool } from "../../src/index.ts"
import { eraseKind } from "../../src/program/erased.ts"

const engine = Engine.layer().pipe(Layer.provide(WorkerPool.layerInline), Layer.provide(JobStore.layerMemory))
const noInput = Schema.Struct({})

describe("a value of an immutable type", () => {
  const codecOf = (schema: Parameters<typeof Fact.kind>[1]["schema"]) =>
    eraseKind(Fact.kind("T", { schema, id: () => "" })).codec

  it.each([
    ["a point in time", Schema.DateTimeUtc, DateTime.makeUnsafe(1e12)],
    ["a zoned one", Schema.DateTimeZoned, DateTime.makeZonedUnsafe(1e12, { timeZone: "Europe/Vienna" })],
    ["a duration", Schema.Duration, Duration.seconds(3)],
    ["a decimal", Schema.BigDecimal, BigDecimal.fromStringUnsafe("1.500")]
  ] as const)("is frozen with its caches, and still works: %s", (_, schema, value) => {
    const frozen = codecOf(schema).encode(value).value as typeof value
    expect(Object.isFrozen(frozen)).toBe(true)
    expect(() => Object.assign(frozen, { partsUtc: { year: 1999 } })).toThrow(TypeError)
    expect(Equal.equals(frozen, value)).toBe(true)
    expect(String(frozen)).toBe(String(value))
    if (DateTime.isDateTime(frozen)) {
      expect(() => Object.assign(DateTime.toPartsUtc(frozen), { year: 1999 })).toThrow(TypeError)
      expect(DateTime.getPartUtc(frozen, "year")).toBe(2001)
      expect(DateTime.formatIso(DateTime.add(frozen, { days: 1 }))).toContain("2001-09-10")
    }
  })

  it("leaves out a key that holds undefined, whatever stands beside it", () => {
    const optional = { b: Schema.optional(Schema.NullOr(Schema.String)) }
    const beside = codecOf(Schema.Struct({ ...optional, at: Schema.DateTimeUtc }))
    const plain = codecOf(Schema.Struct(optional))
    expect(plain.encode({ b: undefined }).text).toBe("{}")
    expect(beside.encode({ b: undefined, at: DateTime.makeUnsafe(0) }).text).toBe('{"at":"1970-01-01T00:00:00.000Z"}')
    expect(beside.encode({ b: null, at: DateTime.makeUnsafe(0) }).text).toContain('"b":null')
  })
})

describe("what many share", () => {
  const Item = Fact.kind("Item", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
  const Sink = Fact.kind("Sink", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
  const items = (count: number) => Array.from({ length: count }, (_, n) => Item.of({ n }))

  it.effect("a delta is the same array for all tasks of a cycle", () =>
    Effect.gen(function* () {
      const seen = new Set<unknown>()
      const looks = Agent.cpu("looks", {
        each: Item,
        placement: "inline",
        execute: (_, view) => {
          seen.add(view.delta(Item))
          return {}
        }
      })
      const program = Program.make("looks", {
        module: import.meta.url,
        input: noInput,
        seed: () => items(50),
        agents: [looks]
      })
      yield* Engine.run(program, {})
      expect(seen.size).toBe(1)
    }).pipe(Effect.provide(engine))
  )

  it.effect("what waits for an agent is in its delta, whatever retention keeps", () =>
    Effect.gen(function* () {
      const Kept = Fact.kind("Kept", { schema: Item.schema, id: ({ n }) => String(n), retention: { latest: 2 } })
      const seen: Array<ReadonlyArray<string>> = []
      const adds = Agent.make("adds", {
        accepts: ({ cycle }) => cycle <= 3,
        writes: [Kept],
        execute: ({ cycle }) =>
          Effect.succeed({ facts: cycle <= 2 ? [Kept.of({ n: cycle * 10 }), Kept.of({ n: cycle })] : [] })
      })
      const waits = Agent.make("waits", {
        reads: [Kept],
        accepts: (view) => {
          seen.push(view.delta(Kept).map(({ id }) => id))
          return view.cycle > 3
        },
        execute: () => Effect.succeed({})
      })
      yield* Engine.run(Program.make("kept", { input: noInput, agents: [adds, waits] }), {})
      expect(seen).toEqual([
        ["10", "1"],
        ["10", "1", "20", "2"],
        ["10", "1", "20", "2"]
      ])
    }).pipe(Effect.provide(engine))
  )

  it.live("explaining a wide derivation costs its width, not the square of it", () =>
    Effect.gen(function* () {
      const copies = Agent.make("copies", {
        reads: [Item],
        writes: [Sink],
        execute: (view) => Effect.succeed({ facts: view.all(Item).map(({ value }) => Sink.of(value)) })
      })
      const Last = Fact.kind("Last", { schema: Item.schema, id: () => "last" })
      const ends = Agent.make("ends", {
        reads: [Sink],
        writes: [Last],
        execute: () => Effect.succeed({ facts: [Last.of({ n: 0 })] })
      })
      const program = Program.make("wide", { input: noInput, seed: () => items(4_000), agents: [copies, ends] })
      const { context } = yield* Engine.run(program, {})
      const began = performance.now()
      const tree = Provenance.explain(context, { kind: "Last", id: "last" })
      // Before causes were looked up once for each task, this took many seconds.
      expect(performance.now() - began).toBeLessThan(3_000)
      expect(tree?.causes).toHaveLength(4_000)
      expect(tree?.causes[0]?.causes).toHaveLength(4_000)
      expect(tree?.causes[1]).toMatchObject({ causes: [], omitted: 4_000 })
    }).pipe(Effect.provide(engine))
  )
})
