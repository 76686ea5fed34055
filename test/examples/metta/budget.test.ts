/** The budget of an evaluation: steps, depth, size of a result. */
import { expect, it } from "vitest"
import { results, run, steps } from "./support.ts"

const count = "(= (count $n) (if (== $n 0) 0 (+ 1 (count (- $n 1)))))"

it("an evaluation 100,000 deep has its result", () => {
  expect(results(`${count} !(count 100000)`)).toEqual(["100000"])
})

const build = "(= (build $n $x) (if (== $n 0) $x (build (- $n 1) (S $x)))) (= (same $x $x) True)"
const deep = { steps: 20_000_000, depth: 250_000 }

it("atoms 100,000 deep are built, compared, matched and printed", () => {
  const [same, one, printed] = run(
    `${build} !(let* (($x (build 100000 Z)) ($y (build 100000 Z))) ((== $x $y) (same $x $y) (unify $x (S $z) yes no)))
    !(let $x (build 100000 $y) (unify $x $x yes no)) !(build 100000 Z)`,
    deep
  )
  expect([same, one]).toEqual([["(True True yes)"], ["yes"]])
  expect(printed?.[0]?.length).toBe(400_001)
})

it("atoms 100,000 deep are typed, added and found", () => {
  expect(
    run(
      `${build} (: S (-> Nat Nat)) (: Z Nat) !(let $x (build 100000 Z) (let $type (get-type $x) $type))
      !(let $x (build 100000 Z) (let () (add-atom &self (deep $x $y)) (match &self (deep $x $found) found)))`,
      deep
    )
  ).toEqual([["Nat"], ["found"]])
})

it("an evaluation that does not end stops at its steps", () => {
  expect(run("(= (spin $x) (spin $x)) !(spin 1) !(+ 1 1)", { steps: 10_000, depth: 100 })).toEqual([
    ["(Error (spin 1) (StepLimit 10000))"],
    ["2"]
  ])
  expect(steps()).toBeLessThan(10)
})

it("an evaluation that goes too deep stops at its depth", () => {
  expect(run(`${count} !(count 1000)`, { steps: 1_000_000, depth: 500 })).toEqual([
    ["(Error (count 1000) (DepthLimit 500))"]
  ])
  const fork = "(= (fork) (fork)) (= (fork) a)"
  expect(run(`${fork} !(fork)`, { steps: 1_000_000, depth: 500 })).toEqual([["(Error (fork) (DepthLimit 500))"]])
})

it("an atom that shares its parts does not escape the budget", () => {
  const twice = "(= (twice $n $x) (if (== $n 0) $x (twice (- $n 1) ($x $x))))"
  const limits = { steps: 1_000_000, depth: 1_000 }
  expect(run(`${twice} !(== (twice 60 a) (twice 60 a))`, limits)).toEqual([
    ["(Error (== (twice 60 a) (twice 60 a)) (StepLimit 1000000))"]
  ])
  expect(run(`${twice} !(twice 60 a)`, { steps: 100_000_000, depth: 1_000 })).toEqual([
    ["(Error (twice 60 a) (SizeLimit 4000000))"]
  ])
  expect(run(`${twice} !(add-atom &self (twice 60 $x)) !(size-atom (1 2))`, limits)[1]).toEqual(["2"])
}, 60_000)

it("an evaluation that stops has changed nothing", () => {
  expect(
    run("(= (spin) (spin)) !(let () (add-atom &self (p 1)) (spin)) !(match &self (p $x) $x)", {
      steps: 10_000,
      depth: 100
    })
  ).toEqual([["(Error (let () (add-atom &self (p 1)) (spin)) (StepLimit 10000))"], []])
})

it("the steps of an evaluation are the same each time", () => {
  const text = `${count} (p $x) !(count 50) !(match &self (p (q 1)) (count 10))`
  const first = [run(text), steps()]
  expect([run(text), steps()]).toEqual(first)
})
