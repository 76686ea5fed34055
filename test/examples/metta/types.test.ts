/** Types: what is known of an atom, and what an application is checked for. */
import { expect, it } from "vitest"
import { results, run } from "./support.ts"

const nat =
  "(: Z Nat) (: S (-> Nat Nat)) (: Add (-> Nat Nat Nat)) (= (Add $x Z) $x) (= (Add $x (S $y)) (Add (S $x) $y))"

it("atoms have types and metatypes", () => {
  expect(
    run(`${nat} !(get-type 5) !(get-type "a") !(get-type True) !(get-type Z) !(get-type (S Z)) !(get-type (+ 1 2)) !(get-type unknown)
      !(get-type ()) !(get-type +) !(get-type &self)`)
  ).toEqual([
    ["Number"],
    ["String"],
    ["Bool"],
    ["Nat"],
    ["Nat"],
    ["Number"],
    ["%Undefined%"],
    ["(->)"],
    ["(-> Number Number Number)"],
    ["SpaceType"]
  ])
  expect(run("!(get-metatype 5) !(get-metatype a) !(get-metatype $x) !(get-metatype (a)) !(get-metatype +)")).toEqual([
    ["Grounded"],
    ["Symbol"],
    ["Variable"],
    ["Expression"],
    ["Grounded"]
  ])
})

it("an atom may have several types, and an ill-typed one has none", () => {
  expect(run(`${nat} (: Ten Nat) (: Ten Int) !(get-type Ten) !(get-type (S S)) !(Add Z Ten)`)).toEqual([
    ["Nat", "Int"],
    [],
    ["(Add Z Ten)"]
  ])
})

it("an application of an argument of another type is an error", () => {
  expect(run(`${nat} !(Add S Z) !(Add Z) !(Add (S Z) Z) !(Add Something Z)`)).toEqual([
    ["(Error (Add S Z) (BadArgType 1 Nat (-> Nat Nat)))"],
    ["(Error (Add Z) IncorrectNumberOfArguments)"],
    ["(S Z)"],
    ["Something"]
  ])
})

it("type variables stand for one type", () => {
  const list = "(: Nil (List $t)) (: Cons (-> $t (List $t) (List $t)))"
  expect(run(`${nat} ${list} !(Cons (S Z) (Cons Z Nil)) !(get-type (Cons Z Nil)) !(Cons S (Cons Z Nil))`)).toEqual([
    ["(Cons (S Z) (Cons Z Nil))"],
    ["(List Nat)"],
    ["(Error (Cons S (Cons Z Nil)) (BadArgType 2 (List (-> Nat Nat)) (List Nat)))"]
  ])
})

it("an argument of type Atom is not evaluated, nor is a result of it", () => {
  const rules = "(: keep (-> Atom Atom)) (= (keep $x) $x) (: run (-> Atom %Undefined%)) (= (run $x) $x)"
  expect(run(`${rules} !(keep (+ 1 2)) !(run (+ 1 2)) !(f (keep (+ 1 2)))`)).toEqual([
    ["(+ 1 2)"],
    ["3"],
    ["(f (+ 1 2))"]
  ])
})

it("functions are values with types", () => {
  const curry = "(: curry (-> (-> $a $b $c) (-> $a (-> $b $c)))) (= (((curry $f) $x) $y) ($f $x $y))"
  expect(run(`${curry} !(get-type (curry +)) !(get-type ((curry +) 2)) !((curry +) 2) !(((curry +) 2) 3)`)).toEqual([
    ["(-> Number (-> Number Number))"],
    ["(-> Number Number)"],
    ["((curry +) 2)"],
    ["5"]
  ])
})

it("types may depend on values", () => {
  const proof = `(: Socrates Entity) (: Human (-> Entity Type)) (: Mortal (-> Entity Type))
    (: HumansAreMortal (-> (Human $t) (Mortal $t))) (: SocratesIsHuman (Human Socrates))`
  expect(results(`${proof} !(get-type (HumansAreMortal SocratesIsHuman))`)).toEqual(["(Mortal Socrates)"])
  expect(results(`${proof} !(get-type (HumansAreMortal (Human Socrates)))`)).toEqual([])
})
