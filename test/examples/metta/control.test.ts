/** The operations that decide what is evaluated. */
import { describe, expect, it } from "vitest"
import { results, run } from "./support.ts"

const of = (...programs: ReadonlyArray<string>): ReadonlyArray<string> =>
  programs.map((text) => results(text).join(" | "))

describe("if", () => {
  it("evaluates one of its branches", () => {
    expect(of("!(if (< 1 2) (+ 1 1) (error))", "!(if False 1 (+ 2 3))", "!(if False 1)")).toEqual(["2", "5", ""])
  })

  it("has a result for each value of its condition", () => {
    expect(of("!(if (superpose (True False)) yes no)")).toEqual(["yes | no"])
  })

  it("is an error for a condition that is no truth value", () => {
    expect(of("!(if 5 yes no)")).toEqual(["(Error (if 5 yes no) (BadArgType 1 Bool Number))"])
  })
})

describe("let and let*", () => {
  it("match a pattern with a value", () => {
    expect(
      of("!(let $x (+ 1 2) (* $x $x))", "!(let (pair $a $b) (pair 1 2) ($b $a))", "!(let (pair $a) 5 $a)")
    ).toEqual(["9", "(2 1)", ""])
  })

  it("go on with each value", () => {
    expect(of("!(let $x (superpose (1 2 3)) (* 10 $x))")).toEqual(["10 | 20 | 30"])
  })

  it("bind one after the other", () => {
    expect(of("!(let* (($a 1) ($b (+ $a 1)) ($c (superpose ($a $b)))) ($a $b $c))", "!(let* () done)")).toEqual([
      "(1 2 1) | (1 2 2)",
      "done"
    ])
  })

  it("name a list that is none of pairs", () => {
    expect(of("!(let* (($a)) $a)")).toEqual([
      '(Error (let* (($a)) $a) "List of (<pattern> <atom>) pairs is expected as a second argument")'
    ])
  })
})

describe("case and switch", () => {
  it("choose the first pattern that matches", () => {
    const cases = "((1 one) ((pair $a $b) ($b $a)) ($_ other))"
    expect(of(`!(case (+ 0 1) ${cases})`, `!(case (pair 1 2) ${cases})`, `!(switch 7 ${cases})`)).toEqual([
      "one",
      "(2 1)",
      "other"
    ])
  })

  it("have no result where no pattern matches", () => {
    expect(of("!(case 5 ((1 one)))", "!(switch 5 ((1 one)))")).toEqual(["", ""])
  })

  it("choose for each value, and case for none", () => {
    expect(
      of(
        "!(case (superpose (1 2)) ((1 one) (2 two)))",
        "!(case (empty) ((1 one) (Empty none)))",
        "!(case (superpose (1 3)) ((1 one) (Empty none)))"
      )
    ).toEqual(["one | two", "none", "one"])
  })
})

describe("quote, eval and chain", () => {
  it("keep an atom from being evaluated", () => {
    expect(of("!(quote (+ 1 2))", "!(unquote (quote (+ 1 2)))", "!(noeval (+ 1 2))", "!(id (noeval (+ 1 2)))")).toEqual(
      ["(quote (+ 1 2))", "3", "(+ 1 2)", "3"]
    )
  })

  it("take one step", () => {
    const rules = "(= (a) (b)) (= (b) c)"
    expect(of(`${rules} !(eval (a))`, `${rules} !(eval (b))`, `${rules} !(eval (z))`, "!(eval (+ 1 2))")).toEqual([
      "(b)",
      "c",
      "(eval (z))",
      "3"
    ])
  })

  it("chain steps", () => {
    expect(
      of(
        "(= (a) (b)) (= (b) 3) !(chain (eval (a)) $x (quote $x))",
        "!(chain (cons-atom a (b)) $x ($x))",
        "!(chain (f) $x ($x $x))"
      )
    ).toEqual(["(quote (b))", "((a b))", "((f) (f))"])
  })
})

describe("superpose, collapse and unify", () => {
  it("turn a list into results and back", () => {
    expect(
      of("!(superpose (1 (+ 1 1) 3))", "!(superpose ())", "!(collapse (superpose (3 1 2)))", "!(collapse (empty))")
    ).toEqual(["1 | 2 | 3", "", "(3 1 2)", "()"])
  })

  it("leave what a collapse bound as it was", () => {
    expect(of("(= (f a) 1) (= (f b) 2) !((collapse (f $x)) $x)")).toEqual(["((1 2) $x)"])
  })

  it("unify, or take the other branch", () => {
    expect(
      of("!(unify (a $x) (a 1) (+ $x 1) no)", "!(unify (a $x) (b 1) $x ($x no))", "!(unify $x (f $x) loop none)")
    ).toEqual(["2", "($x no)", "none"])
  })

  it("unify with each atom of a space", () => {
    expect(of("(p 1) (p 2) !(unify &self (p $x) (got $x) none)", "!(unify &self (p $x) (got $x) none)")).toEqual([
      "(got 1) | (got 2)",
      "none"
    ])
  })

  it("have no result, or one that says nothing", () => {
    expect(run("!(empty) !(nop) !(nop (+ 1 2)) !(progn 1 (+ 1 1) (+ 1 2))")).toEqual([[], ["()"], ["()"], ["3"]])
  })
})
