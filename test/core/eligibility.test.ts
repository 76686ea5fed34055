/**
 * Eligibility as pure functions (E1, E4, T1): what `select` returns for a state of the marks, and that only `advance` moves
 * them. What that means for a job is in test/behaviour/g05-semi-naive.test.ts.
 */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Agent } from "../../src/index.ts"
import {
  advance,
  type AgentProgress,
  Candidates,
  noProgress,
  select,
  type Selection
} from "../../src/cycle/eligibility.ts"
import { ContextView } from "../../src/context/contextView.ts"
import { compile, emptyLedger, numbered, put } from "../support/core/ledger.ts"
import type { Ledger } from "../../src/context/Ledger.ts"
import type { CompiledProgram } from "../../src/program/erased.ts"
import { runSteps } from "../../src/values/steps.ts"

const A = numbered("A", { conflict: "keepLast" })
const B = numbered("B")
const execute = () => Effect.succeed({})

const progressOf = (program: CompiledProgram): ReadonlyArray<AgentProgress> => program.agents.map(noProgress)

const selectIn = (program: CompiledProgram, progress: ReadonlyArray<AgentProgress>, ledger: Ledger): Selection =>
  runSteps(
    select(
      program,
      progress,
      ledger,
      (agent, since) => ContextView.forAgent(agent, since, 1, ledger, { open: true }, undefined),
      new Candidates(program)
    )
  )

const shape = ({ agents, tasks, tier }: Selection) => [
  tier,
  tasks,
  ...agents.map(({ agent, each, since }) => [agent.name, since, each?.map(({ id }) => id)])
]

describe("select", () => {
  const whole = Agent.make("whole", { reads: [A, B], execute })
  const each = Agent.make("each", { each: A, reads: [B], execute })
  const late = Agent.make("late", { each: B, execute })

  it("gives the agents of the lowest tier with news, in the order of the program, and counts their tasks", () => {
    const program = compile([late, each, whole], { tiers: [["whole", "each"], ["late"]] })
    const progress = progressOf(program)
    const ledger = emptyLedger()
    expect(shape(selectIn(program, progress, ledger))).toEqual([-1, 0])
    for (const id of ["x", "y"]) put(ledger, A, { id, n: 0 })
    put(ledger, B, { id: "b", n: 0 })
    const first = selectIn(program, progress, ledger)
    expect(shape(first)).toEqual([0, 3, ["each", 0, ["x", "y"]], ["whole", 0, undefined]])
    // Nothing has moved: it may be asked again.
    expect(shape(selectIn(program, progress, ledger))).toEqual(shape(first))
    advance(progress, first, ledger.version)
    expect(progress.map(({ mark }) => mark)).toEqual([0, 3, 3])
    expect(shape(selectIn(program, progress, ledger))).toEqual([1, 1, ["late", 0, ["b"]]])
    put(ledger, A, { id: "x", n: 1 })
    expect(shape(selectIn(program, progress, ledger))).toEqual([0, 2, ["each", 3, ["x"]], ["whole", 3, undefined]])
  })

  it("leaves what was committed while a cycle ran for the next one", () => {
    const program = compile([whole])
    const progress = progressOf(program)
    const ledger = emptyLedger()
    put(ledger, A, { id: "x", n: 0 })
    const begin = ledger.version
    const selection = selectIn(program, progress, ledger)
    put(ledger, A, { id: "y", n: 0 })
    advance(progress, selection, begin)
    expect(shape(selectIn(program, progress, ledger))).toEqual([0, 1, ["whole", 1, undefined]])
  })

  it("gives an agent whose accepts throws, as a task without facts, with what it threw", () => {
    const error = new Error("no")
    const throws = (thrown: unknown) =>
      compile([
        Agent.make("throws", {
          each: A,
          accepts: () => {
            throw thrown
          },
          execute
        })
      ])
    const ledger = emptyLedger()
    for (const id of ["x", "y"]) put(ledger, A, { id, n: 0 })
    const program = throws(error)
    const selection = selectIn(program, progressOf(program), ledger)
    expect(shape(selection)).toEqual([0, 1, ["throws", 0, undefined]])
    expect(selection.agents[0]!.panic).toBe(error)
    // Whatever it throws, it is told from having thrown nothing.
    const nothing = throws(undefined)
    expect(selectIn(nothing, progressOf(nothing), ledger).agents[0]!.panic).toBeInstanceOf(Error)
  })
})
