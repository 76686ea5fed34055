/**
 * Kinds: what a schema may hold (VA1), and that a committed value is the one that decoding its canonical text gives (VA2), for
 * kinds of plain data and for kinds that go through a codec.
 */
import { describe, expect, it } from "@effect/vitest"
import * as BigDecimal from "effect/BigDecimal"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Hash from "effect/Hash"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { isDeepStrictEqual } from "node:util"
import { Fact, JobError } from "../../src/index.ts"
import { InvalidValue } from "../../src/values/InvalidValue.ts"
import { eraseKind } from "../../src/program/erased.ts"

const codecOf = <S extends Schema.Constraint>(schema: S & Schema.ConstraintCodec<S["Type"], unknown>) =>
  eraseKind(Fact.kind("K", { schema, id: () => "id" })).codec

/** A value after validation, its text, and what another thread reads from that. */
const through = <S extends Schema.Constraint>(
  schema: S & Schema.ConstraintCodec<S["Type"], unknown>,
  value: S["Type"]
) => {
  const codec = codecOf(schema)
  const { text, value: committed } = codec.encode(value)
  return { text, committed, read: codec.decode(text) }
}

describe("a kind of plain data", () => {
  const Plain = Schema.Struct({
    name: Schema.String,
    size: Schema.Finite,
    tags: Schema.Array(Schema.String),
    more: Schema.optional(Schema.NullOr(Schema.Struct({ deep: Schema.Boolean }))),
    kind: Schema.Literals(["a", "b"]),
    meta: Schema.Record(Schema.String, Schema.Json)
  })

  it.prop(
    "holds what decoding its text gives",
    [Plain],
    ([value]) => {
      const { committed, read, text } = through(Plain, value)
      // Not toStrictEqual, which takes a key called "constructor" for the type of its object.
      expect(isDeepStrictEqual(read, committed), JSON.stringify(value)).toBe(true)
      expect(codecOf(Plain).encode(committed).text).toBe(text)
    },
    { arbitrary: { runs: 200 } }
  )

  it("holds a copy without what the schema does not know, and without undefined", () => {
    const given = { name: "n", size: -0, tags: ["t"], kind: "a", meta: {}, more: undefined, extra: 1 } as const
    const { committed, text } = through(Plain, given)
    expect(text).toBe('{"kind":"a","meta":{},"name":"n","size":0,"tags":["t"]}')
    expect(committed).toStrictEqual({ kind: "a", meta: {}, name: "n", size: 0, tags: ["t"] })
    expect(committed).not.toBe(given)
    expect(Object.is((committed as { size: number }).size, 0)).toBe(true)
  })

  it("freezes the copy and leaves the original alone", () => {
    const tags = ["t"]
    const { committed } = through(Plain, { name: "n", size: 1, tags, kind: "a", meta: { a: [1] } })
    tags.push("u")
    const frozen = committed as { tags: Array<string>; meta: { a: Array<number> } }
    expect(frozen.tags).toEqual(["t"])
    expect(() => frozen.tags.push("u")).toThrow(TypeError)
    expect(() => frozen.meta.a.push(2)).toThrow(TypeError)
  })

  it("refuses a value that does not fit", () => {
    const codec = codecOf(Plain)
    expect(() => codec.encode({ name: 1 })).toThrow(InvalidValue)
    expect(() => codec.encode({ name: "n", size: Number.NaN, tags: [], kind: "a", meta: {} })).toThrow(InvalidValue)
    expect(() => codec.encode({ name: "n", size: 1, tags: [], kind: "c", meta: {} })).toThrow(
      /Expected "a" \| "b" at \["kind"\]/
    )
  })

  it("refuses what only looks plain to its schema", () => {
    class Box {
      readonly a = 1
    }
    const codec = codecOf(Schema.Struct({ any: Schema.Unknown }))
    for (const any of [new Date(0), new Map(), () => 1, Symbol("s"), 1n, Number.NaN, new Box()]) {
      expect(() => codec.encode({ any })).toThrow(InvalidValue)
    }
    expect(codec.encode({ any: { a: [1, null] } }).text).toBe('{"any":{"a":[1,null]}}')
  })

  it("of a recursive schema works to the depth that values may have", () => {
    interface Tree {
      readonly children: ReadonlyArray<Tree>
    }
    const Tree: Schema.Codec<Tree> = Schema.Struct({ children: Schema.Array(Schema.suspend(() => Tree)) })
    expect(through(Tree, { children: [{ children: [] }, { children: [{ children: [] }] }] }).text).toBe(
      '{"children":[{"children":[]},{"children":[{"children":[]}]}]}'
    )
    const circular: { children: Array<unknown> } = { children: [] }
    circular.children.push(circular)
    expect(() => codecOf(Tree).encode(circular)).toThrow(InvalidValue)
  })
})

describe("a kind with numbers that may be infinite", () => {
  const Open = Schema.Struct({ n: Schema.Number, note: Schema.String })

  it("writes NaN and the infinities as strings, and reads them back", () => {
    for (const [n, text] of [
      [Number.NaN, '"NaN"'],
      [Infinity, '"Infinity"'],
      [-Infinity, '"-Infinity"'],
      [-0, "0"],
      [1.5, "1.5"]
    ] as const) {
      const { committed, read, text: written } = through(Open, { n, note: "x" })
      expect(written).toBe(`{"n":${text},"note":"x"}`)
      expect(committed).toStrictEqual({ n: n === 0 ? 0 : n, note: "x" })
      expect(read).toStrictEqual(committed)
      expect(Object.isFrozen(committed)).toBe(true)
      expect(Object.isFrozen(read)).toBe(true)
    }
  })

  it("does not confuse a number with a text that says the same", () => {
    for (const note of ["NaN", "Infinity", '"NaN"', "-Infinity"]) {
      for (const n of [1, Number.NaN]) {
        const { committed, read } = through(Open, { n, note })
        expect(committed).toStrictEqual({ n, note })
        expect(read).toStrictEqual(committed)
      }
    }
  })

  it("reads on every thread what was committed, also where a text and a number have one encoding", () => {
    for (const Either of [Schema.Union([Schema.Number, Schema.String]), Schema.Union([Schema.String, Schema.Number])]) {
      const Holder = Schema.Struct({ v: Either })
      for (const v of ["NaN", Number.NaN, "Infinity", -Infinity, "x", 1]) {
        const { committed, read, text } = through(Holder, { v })
        expect(read).toStrictEqual(committed)
        expect(codecOf(Holder).encode(committed).text).toBe(text)
      }
    }
  })

  it.prop(
    "holds what decoding its text gives",
    [Open],
    ([value]) => {
      const { committed, read, text } = through(Open, value)
      expect(read).toStrictEqual(committed)
      expect(codecOf(Open).encode(committed).text).toBe(text)
    },
    { arbitrary: { runs: 200 } }
  )
})

describe("a kind of immutable types with a JSON codec", () => {
  const at = DateTime.makeUnsafe("2026-11-21T10:00:00.250Z")
  class Person extends Schema.Class<Person>("Person")({ name: Schema.String, tags: Schema.Array(Schema.String) }) {
    get greeting(): string {
      return `hello ${this.name}`
    }
  }
  const samples: ReadonlyArray<readonly [string, Schema.Codec<any, unknown>, unknown, string]> = [
    ["a point in time", Schema.DateTimeUtc, at, '"2026-11-21T10:00:00.250Z"'],
    [
      "a zoned time",
      Schema.DateTimeZoned,
      DateTime.makeZonedUnsafe(at, { timeZone: "Europe/Rome" }),
      '"2026-11-21T11:00:00.250+01:00[Europe/Rome]"'
    ],
    [
      "a value that is there",
      Schema.Option(Schema.Struct({ a: Schema.Int })),
      Option.some({ a: 1 }),
      '{"_tag":"Some","value":{"a":1}}'
    ],
    ["a value that is not there", Schema.Option(Schema.Int), Option.none(), '{"_tag":"None"}'],
    ["bytes", Schema.Uint8Array, new Uint8Array([0, 255, 16]), '"AP8Q"'],
    ["a big integer", Schema.BigInt, 12345678901234567890n, '"12345678901234567890"'],
    ["a big decimal", Schema.BigDecimal, BigDecimal.fromStringUnsafe("1.5"), '"1.5"'],
    ["undefined", Schema.Struct({ a: Schema.UndefinedOr(Schema.Int) }), { a: undefined }, '{"a":null}'],
    ["a transformed number", Schema.NumberFromString, 5, '"5"'],
    ["an instance of a schema's class", Person, new Person({ name: "Ada", tags: ["x"] }), '{"name":"Ada","tags":["x"]}']
  ]
  for (const [what, schema, value, text] of samples) {
    it(`holds ${what} and writes it as JSON`, () => {
      const { committed, read, text: written } = through(Schema.Struct({ it: schema }), { it: value })
      expect(written).toBe(`{"it":${text}}`)
      expect(Equal.equals((committed as { it: unknown }).it, value)).toBe(true)
      expect(Equal.equals(read, committed)).toBe(true)
      expect(codecOf(Schema.Struct({ it: schema })).encode(committed).text).toBe(written)
    })
  }

  it("holds a duration of any length", () => {
    for (const duration of [Duration.millis(1500), Duration.nanos(5n), Duration.infinity, Duration.zero]) {
      const { committed, read } = through(Schema.Struct({ it: Schema.Duration }), { it: duration })
      expect(Equal.equals((committed as { it: Duration.Duration }).it, duration)).toBe(true)
      expect(read).toStrictEqual(committed)
    }
  })

  it("freezes what can be frozen, and what it holds still works", () => {
    const Mixed = Schema.Struct({
      at: Schema.DateTimeUtc,
      list: Schema.Array(Schema.Option(Schema.Struct({ a: Schema.Array(Schema.Int) }))),
      person: Person,
      zoned: Schema.DateTimeZoned,
      span: Schema.Duration,
      price: Schema.BigDecimal
    })
    const { committed } = through(Mixed, {
      at,
      list: [Option.some({ a: [1] })],
      person: new Person({ name: "Ada", tags: ["x"] }),
      zoned: DateTime.makeZonedUnsafe(at, { timeZone: "Europe/Rome" }),
      span: Duration.minutes(2),
      price: BigDecimal.fromStringUnsafe("1.50")
    })
    const value = committed as typeof Mixed.Type
    expect(() => (value.list as Array<unknown>).push(1)).toThrow(TypeError)
    expect(() => (Option.getOrThrow(value.list[0]!).a as Array<unknown>).push(1)).toThrow(TypeError)
    expect(() => Object.assign(value.person, { name: "Bob" })).toThrow(TypeError)
    for (const part of [value.at, value.zoned, value.zoned.zone, value.span, value.span.value, value.price]) {
      for (const key of Object.keys(part)) expect(() => Object.assign(part, { [key]: 1 })).toThrow(TypeError)
    }
    expect(() => (value.person.tags as Array<unknown>).push("y")).toThrow(TypeError)
    expect(value.person.greeting).toBe("hello Ada")
    expect(DateTime.formatIso(DateTime.add(value.at, { hours: 1 }))).toBe("2026-11-21T11:00:00.250Z")
    expect(DateTime.toPartsUtc(value.at).year).toBe(2026)
    expect(DateTime.toParts(value.zoned).hour).toBe(11)
    expect(Duration.toMillis(value.span)).toBe(120_000)
    expect(BigDecimal.format(BigDecimal.normalize(value.price))).toBe("1.5")
    expect(Equal.equals(value.list[0], Option.some({ a: [1] }))).toBe(true)
    expect(Hash.hash(value.list[0])).toBe(Hash.hash(Option.some({ a: [1] })))
    expect(Hash.hash(value.at)).toBe(Hash.hash(at))
  })

  it("copies bytes, so that what an agent keeps is not the fact's", () => {
    const bytes = new Uint8Array([1, 2])
    const { committed } = through(Schema.Struct({ bytes: Schema.Uint8Array }), { bytes })
    bytes[0] = 9
    expect(committed).toEqual({ bytes: new Uint8Array([1, 2]) })
  })

  it("equal values have equal texts, whatever made them", () => {
    const codec = codecOf(Schema.Struct({ at: Schema.DateTimeUtc, n: Schema.Option(Schema.Number) }))
    const a = codec.encode({ at: DateTime.makeUnsafe(1_000), n: Option.some(-0) })
    const b = codec.encode({ n: Option.some(0), at: DateTime.makeUnsafe("1970-01-01T00:00:01Z") })
    expect(a.text).toBe(b.text)
  })

  const Coded = Schema.Struct({
    at: Schema.DateTimeUtc,
    n: Schema.Option(Schema.Number),
    big: Schema.BigInt,
    list: Schema.Array(Schema.UndefinedOr(Schema.String))
  })
  it.prop(
    "holds what decoding its text gives",
    [Coded],
    ([value]) => {
      const { committed, read, text } = through(Coded, value)
      expect(read).toStrictEqual(committed)
      expect(codecOf(Coded).encode(read).text).toBe(text)
    },
    { arbitrary: { runs: 200 } }
  )

  describe("beside a field of any JSON", () => {
    const json = { a: [1, { b: null }], z: "x" }
    interface Tree {
      readonly note: Option.Option<string>
      readonly json: Schema.Json
      readonly kids: ReadonlyArray<Tree>
    }
    const Tree = Schema.Struct({
      note: Schema.Option(Schema.String),
      json: Schema.Json,
      kids: Schema.Array(Schema.suspend((): Schema.Codec<Tree, unknown> => Tree as never))
    })
    const nested: ReadonlyArray<readonly [string, Schema.Codec<any, unknown>, unknown, string]> = [
      ["a span of time", Schema.Duration, Duration.seconds(3), '{"_tag":"Millis","value":3000}'],
      ["a result", Schema.Result(Schema.String, Schema.Json), Result.fail(json), ""],
      ["an error", Schema.Defect(), new Error("no"), '{"message":"no","name":"Error"}'],
      [
        "options in options",
        Schema.Option(Schema.Array(Schema.Option(Schema.Json))),
        Option.some([Option.some(json)]),
        ""
      ],
      ["a record of options", Schema.Record(Schema.String, Schema.Option(Schema.Json)), { k: Option.some(json) }, ""],
      ["a tuple", Schema.Tuple([Schema.Option(Schema.String), Schema.Json]), [Option.none(), json], ""],
      [
        "a member of a tagged union",
        Schema.Union([
          Schema.TaggedStruct("A", { a: Schema.Option(Schema.Number) }),
          Schema.TaggedStruct("B", { json: Schema.Json })
        ]),
        { _tag: "A", a: Option.some(Number.NaN) },
        '{"_tag":"A","a":{"_tag":"Some","value":"NaN"}}'
      ],
      [
        "a recursive value",
        Tree,
        { note: Option.some("x"), json, kids: [{ note: Option.none(), json: 1, kids: [] }] },
        ""
      ],
      ["an option that may be missing", Schema.OptionFromOptionalKey(Schema.String), undefined, ""]
    ]
    for (const [what, schema, value, text] of [
      ...samples.filter(([name]) => name !== "a transformed number"),
      ...nested
    ]) {
      it(`holds ${what}, whichever stands first`, () => {
        const first = Schema.Struct({
          it: Schema.optionalKey(schema),
          json: Schema.Json,
          last: Schema.optionalKey(schema)
        })
        const given = value === undefined ? { json } : { it: value, json, last: value }
        const { committed, read, text: written } = through(first, given)
        if (text !== "") expect(written).toBe(`{"it":${text},"json":{"a":[1,{"b":null}],"z":"x"},"last":${text}}`)
        expect(codecOf(first).encode(committed).text).toBe(written)
        expect(codecOf(first).encode(read).text).toBe(written)
      })
    }

    it("writes a transformed value that stands before it as journals have it, which is decoded", () => {
      const { text } = through(Schema.Struct({ n: Schema.FiniteFromString, json: Schema.Json }), { n: 3, json })
      expect(text).toBe('{"json":{"a":[1,{"b":null}],"z":"x"},"n":3}')
    })
  })

  it("refuses a value that does not fit", () => {
    expect(() => codecOf(Schema.Struct({ at: Schema.DateTimeUtc })).encode({ at: new Date(0) })).toThrow(InvalidValue)
    expect(() => codecOf(Schema.Struct({ at: Schema.DateTimeUtc })).encode({ at: "1970-01-01T00:00:00Z" })).toThrow(
      InvalidValue
    )
    expect(() => codecOf(Schema.NumberFromString).encode("5")).toThrow(InvalidValue)
  })
})

describe("a kind whose values cannot be frozen or written", () => {
  class Plain {
    readonly x = 1
  }
  const schemas: ReadonlyArray<readonly [string, Schema.Constraint, RegExp]> = [
    ["Date", Schema.Struct({ at: Schema.Date }), /value\.at holds Date.*use Schema\.DateTimeUtc or a string/],
    ["Date from text", Schema.Struct({ at: Schema.DateFromString }), /value\.at holds Date/],
    ["Map", Schema.ReadonlyMap(Schema.String, Schema.Int), /ReadonlyMap.*use Schema\.Record/],
    ["Set", Schema.Array(Schema.ReadonlySet(Schema.Int)), /value\[\] holds ReadonlySet.*use an array/],
    ["Map inside an option", Schema.Option(Schema.ReadonlyMap(Schema.String, Schema.Int)), /ReadonlyMap/],
    [
      "Date in one case of a union",
      Schema.Union([Schema.String, Schema.Struct({ d: Schema.Date })]),
      /value\.d holds Date/
    ],
    ["Date behind an optional key", Schema.Struct({ d: Schema.optional(Schema.Date) }), /value\.d holds Date/],
    ["Date in a tuple", Schema.Tuple([Schema.Int, Schema.Date]), /value\[1\] holds Date/],
    ["Date in a record", Schema.Record(Schema.String, Schema.Date), /value\[key\] holds Date/],
    ["Date in a class", class A extends Schema.Class<A>("A")({ d: Schema.Date }) {}, /holds Date/],
    ["Date in a recursive schema", Schema.Array(Schema.suspend(() => Schema.Struct({ d: Schema.Date }))), /holds Date/],
    ["functions", Schema.declare((value): value is () => void => typeof value === "function"), /a declared type/],
    ["instances of a class", Schema.instanceOf(Plain), /a declared type/],
    ["symbols", Schema.Struct({ s: Schema.Symbol }), /value\.s holds Symbol, which has no JSON form/],
    ["keys that are symbols", Schema.Struct({ [Symbol.for("s")]: Schema.Int }), /keyed by a symbol/],
    ["any object", Schema.Struct({ o: Schema.ObjectKeyword }), /value\.o holds ObjectKeyword/],
    ["URL", Schema.URL, /URL.*use a string/],
    ["RegExp", Schema.RegExp, /RegExp.*use a string/],
    ["HashMap", Schema.HashMap(Schema.String, Schema.Int), /HashMap/],
    ["Chunk", Schema.Chunk(Schema.Int), /Chunk/],
    ["Redacted", Schema.Struct({ key: Schema.Redacted(Schema.String) }), /Redacted.*hold the secret's name/],
    ["MutableJson", Schema.MutableJson, /MutableJson.*use Schema\.Json/],
    ["Exit", Schema.Exit(Schema.Int, Schema.Int, Schema.Int), /Exit.*use Schema\.Result/]
  ]
  for (const [what, schema, message] of schemas) {
    it(`is refused: ${what}`, () => {
      const define = () => Fact.kind("K", { schema: schema as Schema.Codec<unknown, unknown>, id: () => "id" })
      expect(define).toThrow(JobError.InvalidProgram)
      expect(define).toThrow(message)
      expect(define).toThrow(/kind "K"/)
    })
  }

  it("is refused: what is no schema, no name, no id, no rule and no retention", () => {
    const schema = Schema.Struct({})
    const id = () => "id"
    const refusals: ReadonlyArray<readonly [() => unknown, RegExp]> = [
      [() => Fact.kind("", { schema, id }), /a kind needs a name/],
      [() => Fact.kind("K", { schema: {} as typeof schema, id }), /schema must be an Effect Schema/],
      [() => Fact.kind("K", { schema, id: "id" as never }), /id must be a function/],
      [() => Fact.kind("K", { schema, id, conflict: "keepBest" as never }), /conflict must be .* not "keepBest"/],
      [() => Fact.kind("K", { schema, id, retention: { latest: 0 } }), /retention\.latest must be a whole number/],
      [() => Fact.kind("K", { schema, id, retention: { latest: 1.5 } }), /retention\.latest must be a whole number/]
    ]
    for (const [define, message] of refusals) {
      expect(define).toThrow(JobError.InvalidProgram)
      expect(define).toThrow(message)
    }
  })

  it("is accepted once it says how it is written as JSON", () => {
    const Money = Schema.declare((value): value is Plain => value instanceof Plain)
    const WithCodec = Money.pipe(Schema.annotate({ toCodecJson: () => undefined as never }))
    expect(() => Fact.kind("K", { schema: Money as never, id: () => "id" })).toThrow(/give it a toCodecJson annotation/)
    expect(() => Fact.kind("K", { schema: WithCodec as never, id: () => "id" })).not.toThrow(JobError.InvalidProgram)
  })
})

describe("a kind", () => {
  it("is frozen", () => {
    const kind = Fact.kind("K", { schema: Schema.Struct({}), id: () => "id" })
    expect(() => Object.assign(kind, { conflict: "keepLast" })).toThrow(TypeError)
  })
})

describe("Kind.of", () => {
  it("never validates: a value that does not fit is found with its effect", () => {
    const kind = Fact.kind("K", { schema: Schema.Struct({ n: Schema.Int }), id: (value) => String(value.n) })
    expect(kind.of({ n: "no" as never })).toEqual({ kind: "K", value: { n: "no" } })
    expect(() => kind.of(undefined as never)).not.toThrow()
  })
})

describe("the error of a value that does not fit", () => {
  const fields = { a: Schema.String, b: Schema.Finite, c: Schema.Struct({ d: Schema.Boolean }) }
  const messageOf = (encode: () => unknown): string => {
    try {
      encode()
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
    return ""
  }

  it.each([
    ["of plain data", Schema.Struct(fields)],
    ["with a codec", Schema.Struct({ ...fields, at: Schema.optional(Schema.DateTimeUtc) })],
    ["with open numbers", Schema.Struct({ ...fields, n: Schema.optional(Schema.Number) })]
  ])("names all of its faults at once, in the order of the schema: a kind %s", (_, schema) => {
    const codec = codecOf(schema as Schema.Codec<unknown, unknown>)
    expect(messageOf(() => codec.encode({ c: {} }))).toBe(
      'Missing key at ["a"]; Missing key at ["b"]; Missing key at ["c"]["d"]'
    )
    expect(messageOf(() => codec.encode({ a: "", b: "1", c: { d: true } }))).toMatch(/^Expected .* at \["b"\]$/)
  })

  it("names sixteen of many, and counts the others; of a large value it names the first", () => {
    const list = codecOf(Schema.Array(Schema.Finite) as Schema.Codec<unknown, unknown>)
    const message = messageOf(() => list.encode(Array.from({ length: 20 }, () => "x")))
    expect(message.split("; ")).toHaveLength(17)
    expect(message).toMatch(/; and 4 more$/)
    expect(messageOf(() => list.encode(Array.from({ length: 2_000 }, () => "x")))).toMatch(/at \[0\]$/)
  })
})

describe("a value that a schema runs out of stack on", () => {
  interface Tree {
    readonly below: Tree | null
  }
  const Tree: Schema.Codec<Tree> = Schema.Struct({ below: Schema.NullOr(Schema.suspend(() => Tree)) })

  it("is refused for its depth", () => {
    let tree: Tree = { below: null }
    for (let depth = 0; depth < 100_000; depth++) tree = { below: tree }
    const { codec } = eraseKind(Fact.kind("K", { schema: Tree, id: () => "id" }))
    expect(() => codec.encode(tree)).toThrow(/^a value is nested deeper than 256 levels, or circular$/)
  })
})
