/** Errors as atoms, and assertions. */
import { expect, it } from "vitest"
import { results, run } from "./support.ts"

it("an error of a part is the value of the whole", () => {
  expect(results("!(f 1 (g (+ 1 True)))")).toEqual(["(Error (+ 1 True) (BadArgType 2 Number Bool))"])
  expect(results("!(+ 1 (if (/ 1 0) 1 2))")).toEqual(["(Error (/ 1 0) DivisionByZero)"])
})

it("an error that is written down is an atom like others", () => {
  expect(results("(= (f (Error $a $m)) (caught $m)) !(f (Error here why))")).toEqual(["(caught why)"])
})

it("case looks at an error", () => {
  expect(results("!(case (+ 1 a b) (((Error $a $why) (no $why)) ($x $x)))")).toEqual([
    "(no IncorrectNumberOfArguments)"
  ])
})

it("the other results of an evaluation stay beside an error", () => {
  expect(results("!(/ 6 (superpose (1 0 2)))")).toEqual(["6", "(Error (/ 6 0) DivisionByZero)", "3"])
})

it("assertions compare all results, in any order", () => {
  expect(
    run(`!(assertEqual (superpose (1 2)) (superpose (2 1))) !(assertEqualToResult (superpose (1 (+ 1 1))) (2 1))
      !(assertEqual (f $a) (f $b)) !(assertEqualToResult (empty) ()) !(assert (< 1 2)) !(assertIncludes (superpose (1 2 3)) (3 1))`)
  ).toEqual(Array.from({ length: 6 }, () => ["()"]))
})

it("an assertion that fails says what was expected", () => {
  expect(
    run(`!(assertEqual (superpose (1 1)) 1) !(assertEqualToResult (+ 1 2) ((+ 1 2))) !(assertEqualMsg 1 2 "never")
      !(assert (superpose (True False))) !(assertIncludes 1 (2))`)
  ).toEqual([
    ['(Error (assertEqual (superpose (1 1)) 1) "expected [1], got [1, 1]")'],
    ['(Error (assertEqualToResult (+ 1 2) ((+ 1 2))) "expected [(+ 1 2)], got [3]")'],
    ['(Error (assertEqualMsg 1 2) "never")'],
    ['(Error (assert (superpose (True False))) "expected [True], got [True, False]")'],
    ['(Error (assertIncludes 1 (2)) "[2] not in [1]")']
  ])
})

it("an operation without enough arguments is an error", () => {
  for (const text of [
    "(if)",
    "(let $x 1)",
    "(case 1)",
    "(match &self)",
    "(superpose)",
    "(map-atom (1))",
    "(foldl-atom (1) 0)"
  ])
    expect(results(`!${text}`)).toEqual([`(Error ${text} IncorrectNumberOfArguments)`])
})
