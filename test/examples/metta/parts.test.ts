/** Parts of an evaluation: together they have the results of the whole, in its order. */
import { describe, expect, it } from "vitest"
import { beginWork, LimitReached } from "../../../docs/examples/metta/budget.ts"
import { Open } from "../../../docs/examples/metta/facts.ts"
import { evaluateIn, type Part } from "../../../docs/examples/metta/machine.ts"
import { parseAtom, parseProgram } from "../../../docs/examples/metta/parse.ts"
import { partOf, partText } from "../../../docs/examples/metta/parts.ts"
import { print } from "../../../docs/examples/metta/print.ts"
import { World } from "../../../docs/examples/metta/world.ts"
import { generated } from "./generated.ts"
import { linesOf, withEngine } from "./jobs.ts"
import { run } from "./support.ts"

const limits = { steps: 4_000, depth: 2_000 }

/** The results of an atom by its parts, each of which is split again; and how many parts there were. */
const byParts = (
  world: World,
  text: string,
  splitAfter: number
): { readonly results: Array<string>; parts: number } => {
  const results: Array<string> = []
  let parts = 0
  const open: Array<Part | undefined> = [undefined]
  while (open.length > 0) {
    const part = open.pop()
    parts += 1
    beginWork(Number.POSITIVE_INFINITY)
    const running = { limits: { ...limits, steps: 100_000 }, origin: { line: 1, column: 1 }, splitAfter }
    const sent = part === undefined ? undefined : partOf(partText(part, 1))
    const evaluated = evaluateIn(world, parseAtom(text), sent === undefined ? running : { ...running, part: sent })
    results.push(...evaluated.found.map(({ atom }) => print(atom)))
    open.push(...evaluated.parts.toReversed())
  }
  return { results, parts }
}

/** The evaluations of a program that end within the limits and change nothing, with their results; and their world. */
const evaluations = (
  text: string
): { readonly world: World; readonly all: ReadonlyArray<readonly [string, Array<string>]> } => {
  const world = new World()
  const { statements } = parseProgram(text)
  const texts: Array<string> = []
  for (const { start, end, isEvaluated, ...origin } of statements) {
    beginWork(Number.POSITIVE_INFINITY)
    if (isEvaluated) texts.push(text.slice(start, end))
    else world.define(parseAtom(text.slice(start, end)), origin)
  }
  const all = texts.flatMap((of) => {
    try {
      const { found } = evaluateIn(world, parseAtom(of), { limits, origin: { line: 1, column: 1 } })
      return [[of, found.map(({ atom }) => print(atom))] as const]
    } catch (error) {
      if (error instanceof LimitReached || String(error) === "Error") return []
      throw error
    }
  })
  return { world, all }
}

describe("parts", () => {
  it("have the results of the whole, wherever it is split", () => {
    let parts = 0
    for (let seed = 1; seed <= 60; seed++) {
      const { world, all } = evaluations(generated(seed).replaceAll("count", "(superpose (1 2 3))"))
      for (const [text, expected] of all)
        for (const splitAfter of [3, 10, 40]) {
          const got = byParts(world, text, splitAfter)
          expect(got.results, `${text} of program ${seed}, split after ${splitAfter}`).toEqual(expected)
          parts += got.parts - 1
        }
    }
    expect(parts).toBeGreaterThan(200)
  })

  const digits = "(= (digit) (superpose (0 1 2 3 4 5 6 7 8 9 10 11)))"
  const square = `(= (square $n) (let* (($a (digit)) ($b (digit)) ($c (digit)) ($d (digit)))
    (if (== $n (+ (* 1000 $a) (+ (* 100 $b) (+ (* 10 $c) $d)))) ($a $b $c $d $x) (empty))))`

  it("are the tasks of a later cycle where an evaluation is long", () =>
    withEngine({ size: 2 }, (two) =>
      withEngine({ size: 0 }, async (none) => {
        const text = `${digits} ${square} !(square 4711) !(collapse (square (superpose (1234 987))))`
        const results = [await two({ text }), await none({ text })]
        for (const result of results) expect(linesOf(result)).toEqual(run(text))
        expect(linesOf(results[0]!)).toEqual([
          ["(4 6 10 11 $x)", "(4 6 11 1 $x)", "(4 7 0 11 $x)", "(4 7 1 1 $x)"],
          ["((1 2 3 4 $x) (0 9 8 7 $x#1))"]
        ])
        expect(new Set(results.map(({ hash }) => hash)).size).toBe(1)
        const parts = results[0]!.context.all(Open).map(({ value: { step, part } }) => [step, part])
        expect(parts.filter(([step]) => step === 1).length).toBeGreaterThan(5)
        expect(parts.filter(([step]) => step === 2).length).toBeGreaterThan(5)
      })
    ))

  it("reach the limit together", () =>
    withEngine({ size: 2 }, async (runProgram) => {
      const text = `${digits} ${square} (= (spin) (spin)) !(square 4711) !(let $d (digit) (if (== $d 7) (spin) (square $d))) !(+ 1 1)`
      const result = await runProgram({ text, maxSteps: 300_000 })
      expect(linesOf(result)).toEqual([
        ["(Error (square 4711) (StepLimit 300000))"],
        ["(Error (let $d (digit) (if (== $d 7) (spin) (square $d))) (StepLimit 300000))"],
        ["2"]
      ])
    }))
})
