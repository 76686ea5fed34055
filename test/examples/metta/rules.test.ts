/** Rules: which apply, in which order, and what they bind. */
import { describe, expect, it } from "vitest"
import { results, run } from "./support.ts"

describe("rules", () => {
  it("all apply, in the order of their definition", () => {
    expect(results("(= (color) green) (= (color) red) (= (color) blue) !(color)")).toEqual(["green", "red", "blue"])
  })

  it("leave an expression as it is that none matches", () => {
    expect(results("(= (f a) 1) !(f b)")).toEqual(["(f b)"])
  })

  it("evaluate the parts of an expression that none matches", () => {
    expect(results("(= (f) 1) !(box (f) (box (f)))")).toEqual(["(box 1 (box 1))"])
  })

  it("match the first argument before others are looked at", () => {
    expect(results("(= (len Nil) 0) (= (len (Cons $h $t)) (+ 1 (len $t))) !(len (Cons a (Cons b Nil)))")).toEqual(["2"])
  })

  it("want equal parts where a variable stands twice", () => {
    expect(run("(= (same $x $x) yes) !(same a a) !(same a b) !(same (p 1) (p 1))")).toEqual([
      ["yes"],
      ["(same a b)"],
      ["yes"]
    ])
  })

  it("give values to variables of the call", () => {
    expect(results("(= (likes Ann) tea) (= (likes Bob) milk) !((likes $who) $who)")).toEqual([
      "(tea Ann)",
      "(milk Bob)"
    ])
  })

  it("combine the results of all parts, the last one changing first", () => {
    expect(results("(= (bit) 0) (= (bit) 1) !(pair (bit) (bit))")).toEqual([
      "(pair 0 0)",
      "(pair 0 1)",
      "(pair 1 0)",
      "(pair 1 1)"
    ])
  })

  it("have variables of their own each time they apply", () => {
    expect(results("(= (twice $f $x) ($f ($f $x))) (= (inc $x) (+ $x 1)) !(twice inc (twice inc 0))")).toEqual(["4"])
  })

  it("may have an expression as their head", () => {
    expect(results("(= ((add $x) $y) (+ $x $y)) !((add 2) 3)")).toEqual(["5"])
  })

  it("may have a variable as their head", () => {
    expect(results("(= ($op nothing) none) !(anything nothing)")).toEqual(["none"])
  })

  it("do not apply to an expression whose head is an unknown variable", () => {
    expect(results("(= (f a) 1) !($f a)")).toEqual(["($f a)"])
  })

  it("are found among a thousand by their first argument", () => {
    const many = Array.from({ length: 1_000 }, (_, i) => `(= (square ${i}) ${i * i})`).join("\n")
    expect(results(`${many} (= (square $x) other) !(square 999)`)).toEqual(["998001", "other"])
    expect(results(`${many} !(collapse (square $x))`)[0]?.split(" ").length).toBe(1_000)
  })

  it("tell numbers, texts, truth values and symbols apart", () => {
    expect(
      run(
        '(= (f 1) number) (= (f "1") text) (= (f True) truth) (= (f one) symbol) !(f 1) !(f "1") !(f True) !(f one) !(f 1.0)'
      )
    ).toEqual([["number"], ["text"], ["truth"], ["symbol"], ["number"]])
  })

  it("end a branch whose value is Empty", () => {
    expect(results("(= (f 1) Empty) (= (f 2) two) !(f (superpose (1 2)))")).toEqual(["two"])
  })
})
