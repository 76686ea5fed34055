/** Long texts are parsed and hashed in steps, with the results that one step would have. */
import { describe, expect, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { parseJson } from "../../src/values/parseJson.ts"
import { parseLong } from "../../src/values/parseLong.ts"
import { sha256, sha256Pieces } from "../../src/values/sha256.ts"
import { runSteps } from "../../src/values/steps.ts"

/** The result of steps, and their number. */
const counted = <A>(steps: Generator<void, A>): readonly [value: A, steps: number] => {
  for (let count = 1; ; count++) {
    const step = steps.next()
    if (step.done === true) return [step.value, count]
  }
}

const hardTexts = [
  '{"a":1,"b":2,"a":3,"10":4,"9":5}',
  '{"__proto__":{"x":1},"a":[{"__proto__":[1,2,3,4,5,6,7,8]}]}',
  '["\\"","\\\\","\\\\\\"]","\\u005d",",","[","}{"]',
  '{"a\\"b":{"c\\\\":"d\\n"},"\\\\":[[],{},[[]],[{}],""]}',
  ' [ 1 , -2.5e+10 , true , false , null , { } , [ ] , { "a" : [ ] } ] ',
  '["\ud83d\ude00","\\ud83d","\u2028"]',
  '"x"',
  "-12.5e3"
]

const faultyTexts = [
  "",
  " ",
  "[1,]",
  "[1 2]",
  "[1}",
  '{"a":1]',
  '{"a" 1}',
  "{1:2}",
  '{"a":1,}',
  '["a',
  "[1] x",
  "[",
  "{"
]
const moreFaults = ['"a\\', "[nul]", '{"a":1 "b":2}', '["a\\x"]', "[01]", "[[[[1,2,3]]]"]

describe("a long text", () => {
  it.prop("is parsed in stretches as it is at once", [Schema.Json], ([value]) => {
    for (const text of [JSON.stringify(value), JSON.stringify([value, { "a\n": value, b: [value] }], null, 2)]) {
      for (const stretch of [1, 3, 7, 20]) {
        const parsed = runSteps(parseLong(text, stretch))
        expect(parsed).toEqual(parseJson(text))
        expect(JSON.stringify(parsed)).toBe(JSON.stringify(parseJson(text)))
      }
    }
  })

  it.each(hardTexts)("is what it says: %s", (text) => {
    for (let stretch = 0; stretch < text.length; stretch++) {
      const parsed = runSteps(parseLong(text, stretch))
      expect(parsed).toEqual(JSON.parse(text))
      expect(JSON.stringify(parsed)).toBe(JSON.stringify(JSON.parse(text)))
    }
  })

  it.each([...faultyTexts, ...moreFaults])("that is no JSON is refused: %s", (text) => {
    expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError)
    for (let stretch = 0; stretch < text.length; stretch++) {
      expect(() => runSteps(parseLong(text, stretch)), `stretch ${stretch}`).toThrow(SyntaxError)
    }
  })

  it("has a step for each stretch, whether it is long by its lists, its objects or a string", () => {
    const list = Array.from({ length: 50_000 }, (_, n) => ({ n, text: "some text" }))
    const record = Object.fromEntries(list.map(({ n }) => [`key ${n}`, [n, "some text"]]))
    for (const value of [{ a: { b: [list] } }, { record }, { text: '"'.repeat(1_000_000) }]) {
      const text = JSON.stringify(value)
      const [parsed, steps] = counted(parseLong(text))
      expect(parsed).toEqual(value)
      expect(steps).toBeGreaterThan(text.length / 70_000)
    }
  })
})

describe("the hash of a long text", () => {
  it("is that of the text, wherever it is divided, and is made in steps", () => {
    for (const before of ["", "x"]) {
      // Pairs at each place, whole and halved, and characters of one byte and of more.
      const text = before + "\ud83d\ude00".repeat(300_000) + "\ud83d" + "é".repeat(300_000) + "\ude00x"
      const [hash, steps] = counted(sha256Pieces("prefix", [text]))
      expect(hash).toBe(sha256(`prefix${text}`))
      expect(steps).toBeGreaterThan(3)
      expect(runSteps(sha256Pieces("prefix", ["a", text, "b"]))).toBe(sha256(`prefixa${text}b`))
    }
    expect(runSteps(sha256Pieces("prefix", []))).toBe(sha256("prefix"))
  })
})
