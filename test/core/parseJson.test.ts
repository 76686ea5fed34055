/**
 * Texts are read as what they say, whatever was read before: `JSON.parse` alone is not enough (values/parseJson.ts).
 */
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { Canonical, Fact } from "../../src/index.ts"
import { parseJson } from "../../src/values/parseJson.ts"
import { parseCanonical, parseCanonicals } from "../../src/values/frozen.ts"
import { eraseKind } from "../../src/program/erased.ts"

/** Keys that are written with an escape, and ones that are not. */
const keys = ["\ud890", "\u0000", "\n", '"', "\\", "\\\\", "\\x", "x\\", "", "a", "__proto__", "é"]

/** Every pair of keys at one place, in a shape of its own, so that each is met fresh. */
const pairs = keys.flatMap((before) => keys.map((after) => [before, after] as const))

const shaped = (place: string, key: string): string => JSON.stringify([{ [place]: {}, "": null, ...{ [key]: [1] } }])

const entries = (value: unknown): ReadonlyArray<string> => Object.keys((value as ReadonlyArray<object>)[0]!)

describe("a text", () => {
  it("is read as what it says after others of the same shape", () => {
    for (const [index, [before, after]] of pairs.entries()) {
      parseJson(shaped(`p${index}`, before))
      expect(JSON.stringify(parseJson(shaped(`p${index}`, after)))).toBe(shaped(`p${index}`, after))
    }
  })

  it("is not read so by JSON.parse alone, which is why there is a reader of our own", () => {
    const wrong = pairs.filter(([before, after], index) => {
      JSON.parse(shaped(`q${index}`, before))
      return !entries(JSON.parse(shaped(`q${index}`, after))).includes(after)
    })
    // When this fails, V8 reads keys as they are written, and parseJson can go.
    expect(wrong.length).toBeGreaterThan(0)
  })

  it.prop("of any value is read as JSON.parse reads it where that is right", [Schema.Json], ([value]) => {
    const spaced = JSON.stringify({ "a\n": value, b: [value, "\\"] }, null, 2)
    expect(JSON.stringify(parseJson(spaced), null, 2)).toBe(spaced)
  })

  it("is read however long its strings are", () => {
    const long = "x".repeat(40_000_000)
    expect(Object.values(parseJson(`{"a\\n":"${long}"}`) as object)[0]).toHaveLength(long.length)
  })

  it("that is no JSON is refused", () => {
    for (const text of ["", "{", '{"a\\n":}', '{"a\\n":1} x']) expect(() => parseJson(text)).toThrow(SyntaxError)
  })
})

describe("a committed value with keys that are written with escapes", () => {
  it("is what its text says, on a thread that has met others", () => {
    const Bag = Fact.kind("Bag", { schema: Schema.Record(Schema.String, Schema.Json), id: () => "id" })
    const { codec } = eraseKind(Bag)
    for (const [index, [before, after]] of pairs.entries()) {
      codec.decode(Canonical.canonical({ [`r${index}`]: {}, [before]: 1 }).text)
      const { text } = codec.encode({ [`r${index}`]: {}, [after]: 1 })
      for (const read of [codec.decode(text), parseCanonical(text), parseCanonicals(text)[0]]) {
        expect(codec.encode(read).text).toBe(text)
      }
    }
  })
})
