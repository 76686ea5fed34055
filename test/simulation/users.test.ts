/**
 * Programs at random under `Testing.simulate`: whatever happens to them, they give what their plain run gives. So a difference that
 * the check reports is one of the program, and not one that a fault may make.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import { simulationFaults } from "../../src/testing/simulation/faultNames.ts"
import { Testing } from "../../src/testing/index.ts"
import { build } from "./build.ts"
import { type Case, caseOf } from "./generate.ts"

/** Load is left out: the timeouts of these programs have no room for it. */
const faults = simulationFaults.filter((fault) => fault !== "load")

/**
 * Programs that give the same whatever happens. The main thread can neither stop a task nor survive its crash. Of two agents that
 * pay, the order decides which one finds room. A clock decides whether an approval runs out of time. Child jobs of one program
 * share the counts of attempts by which their agents fail, unless these fail always.
 */
const isSteady = ({ children, program }: Case): boolean =>
  [program, ...children].every(({ agents }) =>
    agents.every(
      ({ approvalMs, faults, pays, type }) =>
        approvalMs === undefined &&
        pays === undefined &&
        (type === "fiber" || faults.every(({ how }) => how !== "crash" && how !== "slow"))
    )
  ) && children.every(({ agents }) => agents.every(({ faults }) => faults.every(({ times }) => times === always)))

/** The number of attempts in which an agent fails that never comes to an end. */
const always = 99

const check = (whole: Case, seeds: ReadonlyArray<number>) => {
  const { children, handlers, host, kinds, program } = build(whole)
  let life = 0
  // Agents and handlers fail in the first attempts of a life.
  const layer = Layer.effectDiscard(Effect.sync(() => host.begin(++life, undefined, false)))
  const signals = whole.program.isConfluent === true ? whole.signals.flat() : []
  return Testing.simulate(program, {
    ...{ input: null, children, handlers, layer, seeds, faults },
    signals: signals.map(({ kind, value }) => kinds.get(kind)!.of(value))
  })
}

describe("a program at random", () => {
  it.effect("gives the same where its process dies while a cancel ends its children (program 221)", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(check(caseOf(221), [221]))
      expect(String(exit)).toContain("Success")
    })
  )

  it.effect.each([0, 1, 2])("gives the same through every fault: programs of part %i", (part) =>
    Effect.gen(function* () {
      const differing: Array<string> = []
      let lives = 0
      for (let number = part * 48 + 1; number <= part * 48 + 48; number++) {
        const whole = caseOf(number)
        if (!isSteady(whole)) continue
        const exit = yield* Effect.exit(check(whole, [number, 1_000 + number, 2_000 + number, 3_000 + number]))
        if (Exit.isSuccess(exit)) lives += exit.value.lives
        else differing.push(`program ${number}: ${String(exit.cause)}`)
      }
      expect(differing).toEqual([])
      expect(lives).toBeGreaterThan(80)
    })
  )
})
