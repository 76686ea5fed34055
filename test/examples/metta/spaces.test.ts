/** Spaces: what is in them, how they are asked, how they change. */
import { expect, it } from "vitest"
import { results, run } from "./support.ts"

const color = "(isa red color) (isa green color) (isa oak tree)"

it("a pattern finds the atoms that match, in their order", () => {
  expect(results(`${color} !(match &self (isa $x color) $x)`)).toEqual(["red", "green"])
  expect(results(`${color} !(match &self (isa oak $of) (oak is $of))`)).toEqual(["(oak is tree)"])
  expect(results(`${color} !(match &self (isa oak color) found)`)).toEqual([])
})

it("a conjunction shares its variables", () => {
  expect(
    results(
      "(parent Tom Bob) (parent Bob Ann) (parent Bob Pat) !(match &self (, (parent $a $b) (parent $b $c)) ($a $c))"
    )
  ).toEqual(["(Tom Ann)", "(Tom Pat)"])
})

it("atoms of a space may have variables", () => {
  expect(results("(implies (Frog $x) (Green $x)) !(match &self (implies (Frog Sam) $what) $what)")).toEqual([
    "(Green Sam)"
  ])
  expect(results("(implies ($p $x) (Green $x)) !(match &self (implies (Frog Sam) $what) $what)")).toEqual([
    "(Green Sam)"
  ])
})

it("what a match gives is evaluated", () => {
  expect(results("(age Ann 30) !(match &self (age Ann $n) (+ $n 1))")).toEqual(["31"])
})

it("rules are atoms, too", () => {
  expect(results("(= (f) 1) (= (f) 2) !(match &self (= (f) $x) $x)")).toEqual(["1", "2"])
})

it("atoms are added and removed, one at a time", () => {
  expect(
    run(`!(add-atom &self (p 1)) !(add-atom &self (p (+ 1 1))) !(add-reduct &self (p (+ 1 2)))
      !(collapse (match &self (p $x) (quote $x))) !(add-atom &self (p 1)) !(remove-atom &self (p 1)) !(match &self (p 1) one)
      !(remove-atom &self (p 1)) !(match &self (p 1) one) !(remove-atom &self (p 1)) !(get-atoms &self)`)
  ).toEqual([
    ["()"],
    ["()"],
    ["()"],
    ["((quote 1) (quote (+ 1 1)) (quote 3))"],
    ["()"],
    ["()"],
    ["one"],
    ["()"],
    [],
    ["()"],
    ["(p (+ 1 1))", "(p 3)"]
  ])
})

it("a rule can be added, and removed again", () => {
  expect(
    run("!(f 1) !(add-atom &self (= (f $x) (* 2 $x))) !(f 1) !(remove-atom &self (= (f $y) (* 2 $y))) !(f 1)")
  ).toEqual([["(f 1)"], ["()"], ["2"], ["()"], ["(f 1)"]])
})

it("an evaluation sees its own changes, and a match those of before it", () => {
  expect(run("!(let () (add-atom &self (p 1)) (match &self (p $x) $x))")).toEqual([["1"]])
  expect(
    run("(p 1) (p 2) !(match &self (p $x) (add-atom &self (p (s $x)))) !(collapse (match &self (p $x) $x))")
  ).toEqual([["()", "()"], ["(1 2 (s 1) (s 2))"]])
})

it("each result of a branch changes the space", () => {
  expect(run("!(add-atom &self (p (superpose (1 2)))) !(get-atoms &self)")).toEqual([["()"], ["(p (superpose (1 2)))"]])
  expect(run("!(add-reduct &self (p (superpose (1 2)))) !(get-atoms &self)")).toEqual([
    ["()", "()"],
    ["(p 1)", "(p 2)"]
  ])
})

it("other spaces have names, and keep to themselves", () => {
  expect(
    run(`!(bind! &kb (new-space)) !(add-atom &kb (p 1)) !(match &kb (p $x) $x) !(match &self (p $x) $x)
      (q 1) !(match &kb (p $x) (match &self (q $x) both)) !(get-atoms &kb)`)
  ).toEqual([["()"], ["()"], ["1"], [], ["both"], ["(p 1)"]])
})

it("a token may stand for any atom", () => {
  expect(run("!(bind! limit (+ 1 2)) !(+ limit 1) !(bind! 5 x)")).toEqual([
    ["()"],
    ["4"],
    ['(Error (bind! 5 x) "bind! gives a meaning to a symbol that has none yet")']
  ])
})

it("something that is no space has no atoms", () => {
  expect(results("!(match 5 $x $x)")).toEqual(["(Error (match 5 $x $x) (BadArgType 1 SpaceType Number))"])
})

it("atoms are found by head and first argument among 20,000", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `(edge ${i} ${i + 1})`).join("\n")
  expect(run(`${many} (edge $x any) !(match &self (edge 19999 $y) $y) !(match &self (edge 5 $y) $y)`)).toEqual([
    ["20000", "any"],
    ["6", "any"]
  ])
})
