/**
 * How a program goes on: the next batches, and a first look at each of their evaluations, until one needs a task of its own or
 * enough was done.
 *
 * Steps are counted, not time: what is done here, and what becomes a task, is the same on every machine.
 */
import { type Limits, work } from "./budget.ts"
import { evaluateStep, unfinished } from "./evaluation.ts"
import { type Batch, type Open, type Outcome, taskId } from "./facts.ts"
import { nextBatch } from "./plan.ts"
import { type Known, worldOf } from "./worlds.ts"

/**
 * The steps that an evaluation gets at its first look, if there are others beside it and if it is alone, so that no thread could
 * help; and those that are spent at a time on looks in vain, and on all.
 */
const firstLook = { each: 5_000, alone: 20_000, inVain: 10_000, all: 25_000 }

/** The new facts. */
export interface Advance {
  readonly batches: ReadonlyArray<Batch>
  readonly outcomes: ReadonlyArray<Outcome>
  readonly opens: ReadonlyArray<Open>
}

/** An evaluation that throws fails in a task of its own, not in that of all. */
const look = (evaluateIt: () => ReturnType<typeof evaluateStep>): ReturnType<typeof evaluateStep> => {
  try {
    return evaluateIt()
  } catch {
    return unfinished
  }
}

/** Goes on with a program that has so many batches, the last of which has all of its outcomes. */
export const advance = (known: Known, before: number, limits: Limits): Advance => {
  const batches: Array<Batch> = []
  const outcomes = new Map<string, Outcome>()
  const opens: Array<Open> = []
  const all: Known = {
    ...known,
    batch: (number) => batches[number - before] ?? known.batch(number),
    outcome: (batch, step, part = "") => outcomes.get(taskId(batch, step, part)) ?? known.outcome(batch, step, part)
  }
  const spent = { all: 0, inVain: 0 }
  while (opens.length === 0 && spent.all < firstLook.all) {
    const batch = nextBatch(all, before + batches.length)
    if (batch === undefined) break
    batches.push(batch)
    const world = worldOf(batch, all)
    const isAlone = batch.until - batch.from === 1
    for (let number = batch.from; number < batch.until; number++) {
      const step = known.step(number)
      if (step === undefined) continue
      const most = Math.min(isAlone ? firstLook.alone : firstLook.each, limits.steps)
      const mayLook = spent.all < firstLook.all && spent.inVain < firstLook.inVain
      const outcome = mayLook ? look(() => evaluateStep(step, batch, world, { limits, look: most })) : unfinished
      if (mayLook) spent.all += work.steps
      if (outcome === unfinished) {
        if (mayLook) spent.inVain += most
        opens.push({ batch: batch.number, step: number, part: "" })
        continue
      }
      outcomes.set(taskId(batch.number, number, ""), outcome)
      // The evaluations after it belong to another world.
      if (outcome.says === "changes") break
    }
  }
  return { batches, outcomes: [...outcomes.values()], opens }
}
