/**
 * The canonical encoding: vectors, refusals, and what makes it an equality test (VA2, H1).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Arbitrary from "effect/Arbitrary"
import * as Schema from "effect/Schema"
import { Canonical, Limits } from "../../src/index.ts"
import { randomOf } from "../support/core/random.ts"
import { deepFreeze, parseCanonical } from "../../src/values/frozen.ts"

const own = (entries: ReadonlyArray<readonly [string, unknown]>): object => {
  const object = {}
  for (const [key, value] of entries) {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true })
  }
  return object
}

const nested = (depth: number): unknown => {
  let value: unknown = "bottom"
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { in: value }
  return value
}

/** Reads JSON, with `__proto__` as a key like any other, and gives the keys of all objects in a new order. */
const reordered = (value: unknown, seed: number): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map((item) => reordered(item, seed + 1))
  const entries = Object.entries(value).map(([key, item]) => [key, reordered(item, seed + 1)] as const)
  return own(randomOf(seed).shuffle(entries))
}

/** Any JSON value: what plain kinds hold. */
const anyJson = Arbitrary.schema(Schema.Json)

describe("canonical text", () => {
  const vectors: ReadonlyArray<readonly [string, unknown, string]> = [
    ["null", null, "null"],
    ["booleans", [true, false], "[true,false]"],
    ["whole numbers", [0, 1, -1, 4294967296, Number.MAX_SAFE_INTEGER], "[0,1,-1,4294967296,9007199254740991]"],
    ["fractions", [0.1, -0.5, 1 / 3, 1e9 / 3], "[0.1,-0.5,0.3333333333333333,333333333.3333333]"],
    [
      "exponents",
      [1e21, 1e20, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, 1e30],
      "[1e+21,100000000000000000000,0.000001,1e-7,5e-324,1.7976931348623157e+308,1e+30]"
    ],
    ["minus zero as zero", [-0, { z: -0 }], '[0,{"z":0}]'],
    ["an empty object and array", [{}, []], "[{},[]]"],
    [
      "keys in the order of UTF-16 code units",
      own([
        ["b", 1],
        ["a", 2],
        ["A", 3],
        ["", 4],
        ["é", 5],
        ["_", 6]
      ]),
      '{"":4,"A":3,"_":6,"a":2,"b":1,"é":5}'
    ],
    ["a key beyond the BMP before one at its end", { "\u{fb33}": 1, "\u{1f600}": 2 }, '{"\u{1f600}":2,"\u{fb33}":1}'],
    [
      "the keys of RFC 8785",
      own([
        ["\u20ac", "Euro Sign"],
        ["\r", "Carriage Return"],
        ["\ufb33", "Hebrew Letter Dalet With Dagesh"],
        ["1", "One"],
        ["\u{1f600}", "Emoji"],
        ["\u0080", "Control"],
        ["\u00f6", "o"]
      ]),
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","\u00f6":"o","\u20ac":"Euro Sign","\u{1f600}":"Emoji","\ufb33":"Hebrew Letter Dalet With Dagesh"}'
    ],
    ["integer-like keys as strings, not as numbers", { 9: 1, 10: 2, 1: 3 }, '{"1":3,"10":2,"9":1}'],
    [
      "integer-like keys among others",
      { b: 1, 9: 2, "": 3, 10: 4, "1a": 5, "-1": 6, "01": 7 },
      '{"":3,"-1":6,"01":7,"10":4,"1a":5,"9":2,"b":1}'
    ],
    [
      "keys at the limit of array indexes",
      { 4294967295: 1, 4294967294: 2, 4294967296: 3, 42949672950: 4 },
      '{"4294967294":2,"4294967295":1,"42949672950":4,"4294967296":3}'
    ],
    [
      "integer-like keys that are deep",
      { a: [{ 2: 1, 10: 2 }], 3: { b: 1, a: 2 } },
      '{"3":{"a":2,"b":1},"a":[{"10":2,"2":1}]}'
    ],
    [
      "__proto__ as a key like any other",
      own([
        ["__proto__", { x: 1 }],
        ["a", 1],
        ["constructor", 2]
      ]),
      '{"__proto__":{"x":1},"a":1,"constructor":2}'
    ],
    [
      "__proto__ beside integer-like keys",
      own([
        ["__proto__", 1],
        ["10", 2],
        ["9", 3]
      ]),
      '{"10":2,"9":3,"__proto__":1}'
    ],
    ["an object without a prototype", Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    ["no key for undefined", { a: undefined, b: 1, c: { d: undefined } }, '{"b":1,"c":{}}'],
    [
      "escapes as JSON has them",
      '"\\/\b\f\n\r\t\u0000\u001f\u007f\u2028\u2029',
      '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\u007f\u2028\u2029"'
    ],
    ["text of several planes as it is", "aé€😀", '"aé€😀"'],
    ["lone surrogates as escapes", ["\ud800", "\udc00x", "\udfff\ud83d"], '["\\ud800","\\udc00x","\\udfff\\ud83d"]'],
    ["lone surrogates in keys", { "\ud800": 1, "\udc00": 2, "\ud7ff": 3 }, '{"\ud7ff":3,"\\ud800":1,"\\udc00":2}'],
    ["no normalisation of unicode", ["\u00e9", "e\u0301"], '["\u00e9","e\u0301"]'],
    ["what a getter gives", Object.defineProperty({}, "a", { get: () => 7, enumerable: true }), '{"a":7}']
  ]
  for (const [what, value, text] of vectors) {
    it(`writes ${what}`, () => {
      expect(Canonical.canonicalText(value)).toBe(text)
      expect(JSON.stringify(JSON.parse(text)).length).toBe(text.length)
    })
  }

  it("leaves out what is no enumerable own string key", () => {
    const value = Object.defineProperty({ a: 1, [Symbol("s")]: 2 }, "hidden", { value: 3, enumerable: false })
    expect(Canonical.canonicalText(value)).toBe('{"a":1}')
  })

  it("writes the same text after a value that was refused halfway", () => {
    expect(() => Canonical.canonicalText({ 10: 1, 9: 2, a: [{ 1: 1, 2: new Date(0) }] })).toThrow(
      Canonical.NotCanonical
    )
    expect(Canonical.canonicalText({ b: 1, a: 2 })).toBe('{"a":2,"b":1}')
    expect(() =>
      Canonical.canonicalText({
        10: 1,
        9: 2,
        get a() {
          throw new Error("no")
        }
      })
    ).toThrow("no")
    expect(Canonical.canonicalText({ b: 1, a: 2, 10: 3, 9: 4 })).toBe('{"10":3,"9":4,"a":2,"b":1}')
  })

  it("takes values as deep as the limit, and no deeper", () => {
    const deepest = nested(Limits.valueDepth)
    expect(parseCanonical(Canonical.canonicalText(deepest))).toEqual(deepest)
    expect(() => Canonical.canonicalText(nested(Limits.valueDepth + 1))).toThrow(/nested deeper than 256 levels/)
  })
})

describe("what has no canonical text", () => {
  class Point {
    readonly x = 1
  }
  const circular: Record<string, unknown> = { a: 1 }
  circular["self"] = { again: circular }
  const values: ReadonlyArray<readonly [string, unknown, RegExp]> = [
    ["NaN", Number.NaN, /the number NaN has no JSON form/],
    ["an infinity", { a: [1, -Infinity] }, /the number -Infinity has no JSON form at \["a"\]\[1\]/],
    ["undefined", undefined, /a undefined is not plain data/],
    ["undefined in an array", { list: [1, undefined] }, /at \["list"\]\[1\]/],
    ["a hole in an array", [1, , 3], /at \[1\]/], // eslint-disable-line no-sparse-arrays
    ["a function", { f: () => 1 }, /a function is not plain data at \["f"\]/],
    ["a toJSON method", { toJSON: () => 1 }, /a function is not plain data/],
    ["a symbol", [Symbol("s")], /a symbol is not plain data/],
    ["a bigint", { n: 1n }, /a bigint is not plain data/],
    ["a Date", { at: new Date(0) }, /an instance of Date is not plain data at \["at"\]/],
    ["a Map", new Map(), /an instance of Map/],
    ["a Set", new Set(), /an instance of Set/],
    ["bytes", new Uint8Array(2), /an instance of Uint8Array/],
    ["an instance of a class", [new Point()], /an instance of Point/],
    ["an object with a made prototype", Object.create({ a: 1 }), /is not plain data/],
    ["a promise", Promise.resolve(1), /an instance of Promise/],
    ["a boxed string", new String("a"), /an instance of String/], // eslint-disable-line no-new-wrappers
    ["a circular value", circular, /nested deeper than 256 levels, or circular/]
  ]
  for (const [what, value, message] of values) {
    it(`refuses ${what}, and says where it is`, () => {
      expect(() => Canonical.canonicalText(value)).toThrow(Canonical.NotCanonical)
      expect(() => Canonical.canonicalText(value)).toThrow(message)
    })
  }
})

describe("the canonical value", () => {
  it("is a frozen copy, deeply", () => {
    const inner = { list: [1, { a: 1 }] }
    const { value } = Canonical.canonical({ inner })
    inner.list.push(2)
    expect(value).toEqual({ inner: { list: [1, { a: 1 }] } })
    const frozen = value as { inner: { list: Array<unknown> } }
    expect(() => frozen.inner.list.push(3)).toThrow(TypeError)
    expect(() => Object.assign(frozen.inner.list[1] as object, { a: 2 })).toThrow(TypeError)
    expect(() => Object.assign(frozen, { b: 1 })).toThrow(TypeError)
  })

  it("of a parsed text is frozen, deeply", () => {
    const value = parseCanonical('{"a":[{"b":[]}]}') as { a: [{ b: Array<unknown> }] }
    expect(() => value.a[0].b.push(1)).toThrow(TypeError)
  })

  it("is frozen under a part that was frozen before", () => {
    const value = deepFreeze({ list: [{ a: 1 }] })
    expect(Object.isFrozen(value.list[0])).toBe(true)
    const { value: copy } = Canonical.canonical({ part: Object.freeze({ open: [1] }) })
    expect(Object.isFrozen((copy as { part: { open: unknown } }).part.open)).toBe(true)
  })

  it.prop(
    "is what reading its text gives",
    [anyJson],
    ([value]) => {
      const { text, value: copy } = Canonical.canonical(value)
      expect(parseCanonical(text)).toStrictEqual(copy)
      expect(Canonical.canonicalText(copy)).toBe(text)
      expect(Canonical.canonicalText(parseCanonical(text))).toBe(text)
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "has one text whatever the order of keys",
    [anyJson, Schema.Int],
    ([value, seed]) => {
      expect(Canonical.canonicalText(reordered(value, seed))).toBe(Canonical.canonicalText(value))
    },
    { arbitrary: { runs: 500 } }
  )

  it.prop(
    "has the same text as another one exactly if both are equal",
    [anyJson, anyJson],
    ([a, b]) => {
      const normal = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
      const areEqual = (() => {
        try {
          expect(normal(a)).toStrictEqual(normal(b))
          return true
        } catch {
          return false
        }
      })()
      expect(Canonical.canonicalText(a) === Canonical.canonicalText(b)).toBe(areEqual)
    },
    { arbitrary: { runs: 500, size: 3 } }
  )

  const records = Schema.Record(Schema.String, Schema.Int)
  it.prop(
    "orders the keys of any record by code units",
    [records],
    ([record]) => {
      const text = Canonical.canonicalText(record)
      const keys = [...text.matchAll(/"((?:[^"\\]|\\.)*)":/g)].map((match) => JSON.parse(`"${match[1]}"`) as string)
      expect(keys).toEqual(Object.keys(record).sort())
    },
    { arbitrary: { runs: 300 } }
  )
})
