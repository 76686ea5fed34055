/** A program as a job: barriers, batches, changes, failures, and how a text goes on. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import { describe, expect, it } from "vitest"
import { Batch, Open } from "../../../docs/examples/metta/facts.ts"
import { metta } from "../../../docs/examples/metta/program.ts"
import { linesOf, type Result, withEngine } from "./jobs.ts"

const batchesOf = ({ context }: Result): ReadonlyArray<readonly [from: number, until: number, mayChange: boolean]> =>
  context.all(Batch).map(({ value: { from, until, mayChange } }) => [from, until, mayChange])

const count = "(= (count $n) (if (== $n 0) 0 (+ 1 (count (- $n 1)))))"

describe("a program", () => {
  it("evaluates what stands between two barriers in one batch", () =>
    withEngine({ size: 0 }, async (run) => {
      const result = await run({ text: "(= (f) 1) !(f) !(+ 1 1) !(g) (= (g) 2) (= (g) 3) !(g) !(f)" })
      expect(linesOf(result)).toEqual([["1"], ["2"], ["(g)"], ["2", "3"], ["1"]])
      expect(batchesOf(result)).toEqual([
        [1, 4, false],
        [5, 7, false]
      ])
    }))

  it("has a batch of its own for each evaluation that may change a space", () =>
    withEngine({ size: 0 }, async (run) => {
      const text = "(= (note $x) (add-atom &self (noted $x))) !(note 1) !(note 2) !(match &self (noted $x) $x) !(+ 1 1)"
      const result = await run({ text })
      expect(linesOf(result)).toEqual([["()"], ["()"], ["1", "2"], ["2"]])
      expect(batchesOf(result)).toEqual([
        [1, 2, true],
        [2, 3, true],
        [3, 5, false]
      ])
    }))

  it("evaluates again what stands after an evaluation that turns out to change a space", () =>
    withEngine({ size: 2 }, async (run) => {
      const text = `(command (add-atom &self (p 1))) ${count}
        !(count 2000) !(match &self (command $do) $do) !(match &self (p $x) $x) !(match &self (command $do) done)`
      const result = await run({ text })
      expect(linesOf(result)).toEqual([["2000"], ["()"], ["1"], ["done"]])
      expect(batchesOf(result)).toEqual([
        [1, 5, false],
        [2, 3, true],
        [3, 5, false]
      ])
    }))

  it("gives long evaluations tasks of their own, and keeps short ones together", () =>
    withEngine({ size: 2 }, async (run) => {
      const result = await run({ text: `${count} !(count 1) !(count 3000) !(count 2) !(count 4000)` })
      expect(linesOf(result)).toEqual([["1"], ["3000"], ["2"], ["4000"]])
      expect(result.context.all(Open).map(({ value: { step } }) => step)).toEqual([2, 4])
    }))

  it("ends with its fault where its text faults", () =>
    withEngine({ size: 0 }, async (run) => {
      const { output } = await run({ text: "!(+ 1 1)\n(a b" })
      expect(output.map(({ evaluation, results, failed }) => [evaluation, results[0], failed])).toEqual([
        [1, "2", false],
        [2, '(Error Syntax "line 2, column 1: this bracket is never closed: add a )")', true]
      ])
    }))

  it("has nothing to say where nothing is evaluated", () =>
    withEngine({ size: 0 }, async (run) => {
      expect((await run({ text: "" })).output).toEqual([])
      expect((await run({ text: "(= (f) 1) ; no more" })).output).toEqual([])
    }))

  it("goes on from the context of an earlier job", async () => {
    const engine = Engine.layer().pipe(Layer.provide(WorkerPool.layerInline), Layer.provide(JobStore.layerMemory))
    const both = Effect.gen(function* () {
      const first = yield* Engine.run(metta, { text: "(= (f) 1) !(f) !(add-atom &self (p 1))" })
      const numbers = { step: 3, evaluation: 3 }
      const job = yield* Engine.start(
        metta,
        { text: "(= (f) 2) !(f) !(match &self (p $x) $x)", first: numbers },
        { context: first.context }
      )
      return yield* job.result
    })
    const result = await Effect.runPromise(Effect.provide(both, engine))
    expect(linesOf(result)).toEqual([["1"], ["()"], ["1", "2"], ["1"]])
  })
})

describe("an evaluation that fails", () => {
  it("has its own error in its own place, and the others stay", () =>
    withEngine({ size: 2 }, async (run) => {
      const text = `(= (spin $x) (spin $x)) ${count} !(count 10) !(spin 1) !(count 2000) !(+ 1 "a") !(count 100000)`
      const result = await run({ text, maxSteps: 1_000_000, maxDepth: 10_000 })
      expect(result.status).toBe("converged")
      expect(linesOf(result)).toEqual([
        ["10"],
        ["(Error (spin 1) (StepLimit 1000000))"],
        ["2000"],
        ['(Error (+ 1 "a") (BadArgType 2 Number String))'],
        ["(Error (count 100000) (DepthLimit 10000))"]
      ])
      expect(result.output.map(({ failed }) => failed)).toEqual([false, true, false, true, true])
      // The pool is as it was.
      expect(linesOf(await run({ text: `${count} !(count 3000)` }))).toEqual([["3000"]])
    }))

  it(
    "reaches nothing but its own line when it exhausts the memory of its thread",
    () =>
      withEngine({ size: 1, heapLimitMb: 64 }, async (run) => {
        const text = `(= (grow $n $list) (grow (+ $n 1) (cons $n $list))) ${count} !(count 2000) !(grow 0 nil) !(count 3000)
        (= (after) yes) !(after)`
        const result = await run({ text, maxSteps: 1_000_000_000 })
        expect(result.status).toBe("converged")
        expect(linesOf(result)).toEqual([["2000"], ["(Error (grow 0 nil) (OutOfMemory 64))"], ["3000"], ["yes"]])
      }),
    120_000
  )

  it("changes nothing", () =>
    withEngine({ size: 2 }, async (run) => {
      const text = "(= (spin) (spin)) !(let () (add-atom &self (p 1)) (spin)) !(match &self (p $x) $x)"
      expect(linesOf(await run({ text, maxSteps: 20_000 }))[1]).toEqual([])
    }))
})
