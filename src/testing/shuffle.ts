/**
 * A program and a pool whose tasks end in another order, for the runs of `converge verify` and `Testing.deterministic`.
 *
 * Fiber agents wait for a while before or after their work; CPU tasks are handed out in another order. A seed decides the
 * order, so that a run can be repeated. Nothing else of the program is changed. Boundary: wraps; runs nothing.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Program } from "../program/Program.ts"
import { type CpuOutcome, WorkerPool } from "../workers/WorkerPool.ts"
import { ProgramTypeId } from "../program/typeIds.ts"
import { type Random, randomOf, shuffle } from "../values/random.ts"
import { type ErasedAgent, compiledOf } from "../program/erased.ts"

type Sleep = (ms: number) => Effect.Effect<void>

/** Makes two of ten tasks wait for a time, and others for some turns of other fibers. */
const dawdle = (random: Random, sleep: Sleep): Effect.Effect<void> =>
  Effect.suspend(() => {
    const turns = random(10)
    if (turns > 7) return sleep(random(4))
    return turns < 3 ? Effect.void : Effect.asVoid(Effect.replicateEffect(Effect.yieldNow, turns))
  })

const shuffledAgent = (agent: ErasedAgent, random: Random, sleep: Sleep): ErasedAgent => {
  const { executeFiber } = agent
  if (executeFiber === undefined) return agent
  return {
    ...agent,
    executeFiber: (fact, view) => {
      const work = Effect.suspend(() => executeFiber(fact, view))
      return random(2) === 0
        ? Effect.andThen(dawdle(random, sleep), work)
        : Effect.flatten(Effect.tap(Effect.exit(work), dawdle(random, sleep)))
    }
  }
}

/** The program with fiber agents that end in another order. `sleep` is how they wait for so many milliseconds. */
export const shuffled = (program: Program.Any, seed: number, sleep: Sleep = Effect.sleep): Program.Any => {
  const random = randomOf(seed)
  return withAgents(program, (agent) => shuffledAgent(agent, random, sleep))
}

/** The program with other agents in the place of its own. Nothing else of it is changed. */
export const withAgents = (program: Program.Any, change: (agent: ErasedAgent) => ErasedAgent): Program.Any => {
  const compiled = compiledOf(program)
  const agents = compiled.agents.map(change)
  const other = { [ProgramTypeId]: program[ProgramTypeId], name: program.name, compiled: { ...compiled, agents } }
  return Object.freeze(other)
}

/** A pool that hands out the tasks of each batch in another order. It returns their outcomes in the batch's own order. */
export const shuffledPool = <E>(pool: Layer.Layer<WorkerPool, E>, seed: number): Layer.Layer<WorkerPool, E> =>
  Layer.effect(
    WorkerPool,
    Effect.map(WorkerPool, (pool) => {
      const random = randomOf(seed)
      return {
        ...pool,
        execute: (batch) =>
          Effect.suspend(() => {
            const places = shuffle(
              batch.tasks.map((_, place) => place),
              random
            )
            const { onProgress } = batch
            const tasks = places.map((place) => batch.tasks[place]!)
            const other = {
              ...batch,
              tasks,
              onProgress:
                onProgress === undefined
                  ? undefined
                  : (progress: Parameters<typeof onProgress>[0]) =>
                      onProgress({ ...progress, task: places[progress.task]! })
            }
            return Effect.map(pool.execute(other), (outcomes) => {
              const ordered: Array<CpuOutcome> = new Array(outcomes.length)
              outcomes.forEach((outcome, index) => (ordered[places[index]!] = outcome))
              return ordered
            })
          })
      }
    })
  ).pipe(Layer.provide(pool))
