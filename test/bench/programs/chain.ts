/**
 * A job of some lanes: in every cycle each lane has one CPU task, which computes the lane's next value from its last one.
 * The input of a task is one small fact, and so is its output. Workers load this module.
 */
import * as Schema from "effect/Schema"
import { Agent, Fact, Program } from "../converge.ts"
import { helper, spin, step } from "../work.ts"

/** Revised by every task: a revision is new again, so it triggers the next one. */
export const Lane = Fact.kind("Lane", {
  schema: Schema.Struct({ lane: Schema.Int, value: Schema.Int, steps: Schema.Int }),
  id: ({ lane }) => String(lane),
  conflict: "keepLast"
})

const input = Schema.Struct({ lanes: Schema.Int, steps: Schema.Int })
type Input = typeof input.Type

const seed = ({ lanes, steps }: Input) =>
  Array.from({ length: lanes }, (_, lane) => Lane.of({ lane, value: lane, steps }))

/** Trivial tasks. */
export const trivial = Program.make("trivial", {
  module: import.meta.url,
  input,
  seed,
  agents: [
    Agent.cpu("next", {
      each: Lane,
      writes: [Lane],
      execute: ({ value: { lane, steps, value } }) => ({ facts: [Lane.of({ lane, value: step(value), steps })] })
    })
  ],
  budget: { maxCycles: 1_000_000 }
})

/** Trivial tasks on a context that does not change: the workers have the number of a task in a fact, and return a number. */
export const standing = Program.make("standing", {
  module: import.meta.url,
  input,
  seed,
  agents: [
    Agent.cpu("next", {
      each: Lane,
      execute: ({ value: { value } }, view) => ({ usage: { tokens: step(value + view.cycle) } })
    })
  ]
})

/** The result of plain code for the last batch of those. */
export const standingExpected = (lanes: number, cycles: number): ReadonlyArray<number> =>
  Array.from({ length: lanes }, (_, lane) => step(lane + cycles))

const spinning = (name: string, placement: "worker" | "inline" | "auto") =>
  Program.make(name, {
    module: import.meta.url,
    input,
    seed,
    agents: [
      Agent.cpu("spin", {
        each: Lane,
        writes: [Lane],
        placement,
        execute: ({ value: { lane, steps, value } }) => ({
          facts: [Lane.of({ lane, value: spin(steps, value), steps })]
        })
      })
    ],
    budget: { maxCycles: 1_000_000 }
  })

/** Tasks of any length, on workers. */
export const spins = spinning("spins", "worker")

/** For the benchmark maglev: the hot loop is in the agent itself. */
export const ownLoop = Program.make("own-loop", {
  module: import.meta.url,
  input,
  seed,
  agents: [
    Agent.cpu("loop", {
      each: Lane,
      writes: [Lane],
      execute: ({ value: { lane, steps, value } }) => {
        let current = value
        for (let i = 0; i < steps; i++) current = (Math.imul(current, 1_664_525) + 1_013_904_223) >>> 0
        return { facts: [Lane.of({ lane, value: current, steps })] }
      }
    })
  ]
})

/** The same with the hot loop in a function that the agent calls. */
export const helperLoop = Program.make("helper-loop", {
  module: import.meta.url,
  input,
  seed,
  agents: [
    Agent.cpu("loop", {
      each: Lane,
      writes: [Lane],
      execute: ({ value: { lane, steps, value } }) => ({
        facts: [Lane.of({ lane, value: helper(steps, value), steps })]
      })
    })
  ]
})

/** The lengths of tasks in cpu-auto, in microseconds. */
const taskSizes = [1, 10, 100, 1_000, 10_000] as const

/** A program for each length and placement, so that `auto` learns of the agents of each length alone. */
export const placed = taskSizes.map((us) => ({
  us,
  worker: spinning(`spins-worker-${us}`, "worker"),
  inline: spinning(`spins-inline-${us}`, "inline"),
  auto: spinning(`spins-auto-${us}`, "auto")
}))

/** The same as workers look for them: they find programs in arrays. */
export const placedPrograms = placed.flatMap(({ auto, inline, worker }) => [auto, inline, worker])

/** The result of plain code for a job of trivial tasks. */
export const trivialExpected = (lanes: number, cycles: number): ReadonlyArray<number> =>
  Array.from({ length: lanes }, (_, lane) => {
    let value = lane
    for (let cycle = 0; cycle < cycles; cycle++) value = step(value)
    return value
  })
