/** The text of a program: atoms, places, comments, faults. */
import { describe, expect, it } from "vitest"
import { parseAtom, parseAtoms, parseProgram } from "../../../docs/examples/metta/parse.ts"
import { print } from "../../../docs/examples/metta/print.ts"
import { stepsOf } from "../../../docs/examples/metta/steps.ts"

describe("the text of a program", () => {
  it("reads back as it is printed", () => {
    for (const text of [
      "a",
      "$x",
      "5",
      "-3",
      "5.0",
      "0.25",
      "1e+300",
      "True",
      '"a \\"quoted\\" \\\\ text\\n"',
      "()",
      "(a ($x $y) ($x 1.5) (()))",
      "&self",
      "-",
      "=:=>"
    ])
      expect(print(parseAtom(text))).toBe(text)
  })

  it("names the place of each statement, and whether a ! asks for its evaluation", () => {
    const { statements, fault } = parseProgram("; a comment ) (\n(= (f) 1) ; another\n  !(f) !g (a\n b)")
    expect(fault).toBeUndefined()
    expect(statements.map(({ line, column, isEvaluated }) => [line, column, isEvaluated])).toEqual([
      [2, 1, false],
      [3, 3, true],
      [3, 8, true],
      [3, 11, false]
    ])
  })

  it("has a ; in a text, and a ! in a symbol", () => {
    const { statements, fault } = parseProgram('(say "a ; b") (bind! x y) !')
    expect([statements.length, fault]).toEqual([3, undefined])
  })

  it("gives the statements before a fault, and what to do about it", () => {
    const messages = ["(a", "a)", '(a "b', "(a))"].map((text) => parseProgram(`b\n${text}`).fault)
    expect(messages).toEqual([
      { line: 2, column: 1, message: "this bracket is never closed: add a )" },
      { line: 2, column: 2, message: "this ) closes no bracket: remove it" },
      { line: 2, column: 4, message: 'this text is never closed: add a "' },
      { line: 2, column: 4, message: "this ) closes no bracket: remove it" }
    ])
    expect(parseProgram("a b (c").statements.length).toBe(2)
  })

  it("takes a time that grows with it", () => {
    const atoms = parseAtoms("(edge a b)\n".repeat(200_000))
    expect([atoms.length, atoms.at(-1)?.line]).toEqual([200_000, 200_000])
  })

  it("nests 100,000 brackets", () => {
    const text = `${"(".repeat(100_000)}${")".repeat(100_000)}`
    expect(print(parseAtom(text))).toBe(text)
  })

  it("gives a number to the second of two variables with one name", () => {
    expect(print(parseAtom("($_ $_ $x $x)"))).toBe("($_ $_#1 $x $x)")
  })
})

describe("steps", () => {
  it("hold consecutive definitions together, and each evaluation for itself", () => {
    const steps = [...stepsOf("a b\n!c !d e (f")]
    expect(steps.map(({ does, text, evaluation, line }) => [does, text, evaluation, line])).toEqual([
      ["define", "a b", 0, 1],
      ["evaluate", "c", 1, 2],
      ["evaluate", "d", 2, 2],
      ["define", "e", 0, 2],
      ["fault", "this bracket is never closed: add a )", 3, 2]
    ])
  })

  it("go on with the numbers of an earlier text", () => {
    expect([...stepsOf("!a", { step: 7, evaluation: 3 })]).toMatchObject([{ number: 7, evaluation: 3 }])
  })

  it("hold definitions in parts of a bounded size", () => {
    const steps = [...stepsOf("(fact with some words)\n".repeat(10_000))]
    expect(steps.length).toBeGreaterThan(5)
    expect(Math.max(...steps.map(({ text }) => text.length))).toBeLessThan(40_000)
    expect(steps.map(({ text }) => text.split("\n").length).reduce((a, b) => a + b)).toBe(10_000)
    expect(steps[1]?.line).toBe((steps[0]?.text.split("\n").length ?? 0) + 1)
  })
})
