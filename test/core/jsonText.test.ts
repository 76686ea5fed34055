/** JSON of any value, to a bounded depth (values/jsonText.ts). */
import { describe, expect, it } from "vitest"
import { Limits } from "../../src/Limits.ts"
import { jsonText } from "../../src/values/jsonText.ts"
import { parseJson } from "../../src/values/parseJson.ts"
import { depths, levelsOf, nested, nestedText } from "../support/nested.ts"

const deeper = "(nested deeper than 256 levels)"

describe("the JSON of a value", () => {
  it("is that of JSON.stringify up to the depth of a committed value", () => {
    for (const value of [nested(Limits.valueDepth), { a: [1, { b: null }], c: "x", d: undefined }, "x", 1, null, []]) {
      expect(jsonText(value)).toBe(JSON.stringify(value))
    }
    expect(jsonText(undefined)).toBe(undefined)
    expect(jsonText(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"')
  })

  it("says where a value is nested deeper, whatever the depth", () => {
    for (const depth of depths) {
      const text = jsonText(nested(depth)) ?? ""
      expect(text).toContain(deeper)
      expect(levelsOf(JSON.parse(text))).toBe(Limits.valueDepth)
    }
    const text = jsonText({ deep: nested(10_000), flat: [1, { b: 2 }] }) ?? ""
    expect(JSON.parse(text)).toMatchObject({ flat: [1, { b: 2 }] })
  })

  it("counts the depth of each part by itself", () => {
    const one = nested(200)
    expect(jsonText([one, one, { one }, one])).toBe(JSON.stringify([one, one, { one }, one]))
    const toJSON = { toJSON: () => one }
    expect(jsonText([toJSON, toJSON, [[toJSON]]])).toBe(JSON.stringify([one, one, [[one]]]))
  })

  it("has the digits of a bigint, or what the caller makes of it", () => {
    expect(jsonText({ n: 12n })).toBe('{"n":"12"}')
    expect(() => jsonText({ n: 12n }, (value) => value)).toThrow(TypeError)
  })

  it("is refused for a circular value", () => {
    const self: Record<string, unknown> = {}
    self["self"] = { self }
    expect(() => jsonText(self)).toThrow(/circular/)
  })
})

describe("a text that is nested very deep", () => {
  it("is read with the keys that it has", () => {
    for (const depth of depths) {
      const value = parseJson(nestedText(depth))
      expect(levelsOf(value)).toBe(depth)
      expect(jsonText(value)).toBe(jsonText(nested(depth)))
    }
  })
})
