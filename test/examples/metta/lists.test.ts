/** Operations on expressions. */
import { expect, it } from "vitest"
import { results } from "./support.ts"

const of = (...programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.map((text) => results(text).join(" | "))

it("expressions are taken apart and put together", () => {
  expect(
    of(
      "!(car-atom (a b c))",
      "!(car-atom ((+ 1 2) b))",
      "!(cdr-atom (a b c))",
      "!(cons-atom a (b c))",
      "!(decons-atom (a b c))",
      "!(size-atom (a b c))",
      "!(index-atom (a b c) 1)",
      "!(min-atom (3 1 2))",
      "!(max-atom (3 1 2.5))"
    )
  ).toEqual(["a", "3", "(b c)", "(a b c)", "(a (b c))", "3", "b", "1", "3.0"])
})

it("an expression without parts cannot be taken apart", () => {
  expect(of("!(car-atom ())", "!(cdr-atom ())", "!(decons-atom ())")).toEqual([
    '(Error (car-atom ()) "car-atom expects a non-empty expression as an argument")',
    '(Error (cdr-atom ()) "cdr-atom expects a non-empty expression as an argument")',
    '(Error (decons-atom ()) "decons-atom expects a non-empty expression as an argument")'
  ])
  expect(of("!(index-atom (a) 5)")).toEqual(['(Error (index-atom (a) 5) "the index is out of bounds")'])
})

it("an argument that has to be an expression is not evaluated", () => {
  expect(of("!(size-atom (superpose (1 2)))", "!(let $list (collapse (superpose (1 2))) (size-atom $list))")).toEqual([
    "2",
    "2"
  ])
})

it("templates are evaluated for each item", () => {
  expect(
    of(
      "!(map-atom (1 2 3) $x (+ $x 1))",
      "!(map-atom () $x (+ $x 1))",
      "!(filter-atom (1 2 3 4) $x (> $x 2))",
      "!(foldl-atom (1 2 3 4) 0 $sum $x (+ $sum $x))",
      "!(map-atom ((p 1) (p 2)) $pair (let (p $x) $pair (* 2 $x)))"
    )
  ).toEqual(["(2 3 4)", "()", "(3 4)", "10", "(2 4)"])
})

it("templates have every combination of their values", () => {
  expect(of("(= (pm $x) $x) (= (pm $x) (- 0 $x)) !(map-atom (1 2) $x (pm $x))")).toEqual([
    "(1 2) | (1 -2) | (-1 2) | (-1 -2)"
  ])
})

it("templates of 20,000 items are evaluated", () => {
  const items = Array.from({ length: 20_000 }, (_, i) => i).join(" ")
  expect(of(`!(foldl-atom (${items}) 0 $sum $x (+ $sum $x))`)).toEqual([String((20_000 * 19_999) / 2)])
})

it("expressions are bags", () => {
  expect(
    of(
      "!(unique-atom (a b a (p $x) (p $y)))",
      "!(union-atom (a b) (b c))",
      "!(intersection-atom (a b b c) (b b b c))",
      "!(subtraction-atom (a b b c) (b c))"
    )
  ).toEqual(["(a b (p $x))", "(a b b c)", "(b b c)", "(a b)"])
})
