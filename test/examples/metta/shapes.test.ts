/** Eight programs of common shapes, with results that were worked out by hand; in sequence, and as jobs. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { linesOf, withEngine } from "./jobs.ts"
import { run } from "./support.ts"

const folder = new URL("../../../docs/examples/metta/programs/", import.meta.url)

const done = ["()"]

const expected: Readonly<Record<string, ReadonlyArray<ReadonlyArray<string>>>> = {
  fib: [["55"], ["55"]],
  "backward-chaining": [
    ["cat-outside"],
    ["(wet rain-today cat-outside)"],
    ["(cold (wet rain-today cat-outside) rain-today)"],
    ["(because cat (cold (wet rain-today cat-outside) rain-today))"],
    []
  ],
  "concurrent-spaces": [
    ...[done, done, done, done, done],
    ["1", "2", "3"],
    [],
    done,
    ["1", "3"],
    ["2"],
    ["()", "()"],
    [],
    ["(2 1 3)"]
  ],
  // The land in the south has the colour of the north: the only one that is left.
  "constraint-search": [
    ["red green blue", "red blue green", "green red blue", "green blue red", "blue red green", "blue green red"].map(
      (three) => `(${three} ${three.split(" ")[0]})`
    ),
    ["((3 4 5) (6 8 10) (5 12 13))"]
  ],
  "knowledge-graph": [["Ada", "Alan"], ["America"], ["(Ada Alan London)"], ["(Ada notes)"], ["Alan", "Grace"], []],
  "meta-programming": [["(quote (* 2 $x))"], ["double", "square"], ["18"], done, ["64"], ["8"], ["a"], ["0"]],
  "multi-space": [
    ...[done, done, done, done, done, done, done],
    ["forest"],
    ["otter", "bear"],
    ["(meet-at river)"],
    [],
    []
  ],
  "pattern-matching": [
    ["(pair 1 2)"],
    ["(pair a b)"],
    ["yes"],
    ["3"],
    ["(twins couple tree something)"],
    ["(radius of circle is 2)", "(side of square is 3)"],
    ["(3 2 1)"]
  ]
}

describe("a program of the shape", () => {
  for (const [name, lines] of Object.entries(expected)) {
    const text = readFileSync(new URL(`${name}.metta`, folder), "utf8")

    it(`${name} has its results in sequence`, () => {
      expect(run(text)).toEqual(lines)
    })

    it(`${name} has its results as a job`, () =>
      withEngine({ size: 2 }, async (runProgram) => {
        const result = await runProgram({ text })
        expect(linesOf(result)).toEqual(lines)
        expect(result.output.some(({ failed }) => failed)).toBe(false)
      }))
  }
})
