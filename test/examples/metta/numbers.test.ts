/** Numbers, comparison, logic and equality. */
import { expect, it } from "vitest"
import { results } from "./support.ts"

const of = (...atoms: ReadonlyArray<string>): ReadonlyArray<string> =>
  atoms.map((atom) => results(`!${atom}`).join(" | "))

it("whole numbers stay whole, and a float makes a float", () => {
  expect(
    of("(+ 2 (* 3 5.5))", "(- 8 3)", "(* 4 0.5)", "(/ 7 2)", "(/ -7 2)", "(/ 7 2.0)", "(% 21 17)", "(% -7 3)")
  ).toEqual(["18.5", "5", "2.0", "3", "-3", "3.5", "4", "-1"])
})

it("a whole number is divided by zero in vain", () => {
  expect(of("(/ 5 0)", "(% 5 0)", "(/ 5 0.0)")).toEqual([
    "(Error (/ 5 0) DivisionByZero)",
    "(Error (% 5 0) DivisionByZero)",
    "inf"
  ])
})

it("a whole number that a double does not hold becomes a float", () => {
  expect(of("(+ 9007199254740991 1)", "(* 9007199254740991 9007199254740991)", "9007199254740993")).toEqual([
    "9007199254740992.0",
    "8.112963841460666e+31",
    "9007199254740992.0"
  ])
})

it("numbers are compared, truth values combined", () => {
  expect(
    of("(< 1 2)", "(>= 1 2)", "(and (> 4 2) (< 4 3))", "(or False True)", "(xor True True)", "(not False)")
  ).toEqual(["True", "False", "False", "True", "False", "True"])
})

it("everything is compared by ==", () => {
  expect(
    of(
      "(== 4 (+ 2 2))",
      "(== 1 1.0)",
      "(== (A B) (A B))",
      "(== (A B) (A (B C)))",
      "(!= a b)",
      "(== $x $x)",
      "(== $x $y)"
    )
  ).toEqual(["True", "True", "True", "False", "True", "True", "False"])
})

it("the mathematical functions of the standard library compute", () => {
  expect(
    of(
      "(abs-math -5)",
      "(sqrt-math 9)",
      "(pow-math 2 10)",
      "(floor-math 2.7)",
      "(ceil-math 2.1)",
      "(round-math -2.5)",
      "(trunc-math -2.7)",
      "(log-math 2 8)",
      "(sin-math 0)",
      "(cos-math 0)",
      "(tan-math 0)",
      "(isnan-math NaN)",
      "(isinf-math 1)"
    )
  ).toEqual(["5", "3.0", "1024", "2.0", "3.0", "-3.0", "-2.0", "3.0", "0.0", "1.0", "0.0", "True", "False"])
})

it("an operation waits for arguments that are not known yet", () => {
  expect(of("(> 4 (+ ln 2))", "(> 4 (+ $x 2))", "(ln (+ 2 2))")).toEqual(["(> 4 (+ ln 2))", "(> 4 (+ $x 2))", "(ln 4)"])
})

it("an operation refuses arguments of other types", () => {
  expect(of('(+ 2 "text")', "(not 5)", "(+ 1)", '(== 5 "text")', '(f (+ 5 "text"))')).toEqual([
    '(Error (+ 2 "text") (BadArgType 2 Number String))',
    "(Error (not 5) (BadArgType 1 Bool Number))",
    "(Error (+ 1) IncorrectNumberOfArguments)",
    '(Error (== 5 "text") (BadArgType 2 Number String))',
    '(Error (+ 5 "text") (BadArgType 2 Number String))'
  ])
})
