/** One evaluation of a program: its step and world in, its outcome out. */
import { beginWork, LimitReached, type Limits, work } from "./budget.ts"
import type { Batch, Outcome, Step } from "./facts.ts"
import { ChangeRefused, evaluateIn } from "./machine.ts"
import { parseAtom } from "./parse.ts"
import { print } from "./print.ts"
import type { World } from "./world.ts"

/** An evaluation came to the end of the steps that it was given for a first look. */
export const unfinished = "unfinished"

/** The error atom of an evaluation, as text. */
export const errorText = (of: string, message: string): string => `(Error ${of} ${message})`

/** Evaluates a step in the world of its batch, which is left as it was. `most` is the number of steps that it gets at first. */
export const evaluateStep = (
  step: Step,
  batch: Batch,
  world: World,
  limits: Limits,
  most = limits.steps
): Outcome | typeof unfinished => {
  const outcome = (says: Outcome["says"], results: ReadonlyArray<string>, changes: Outcome["changes"] = []): Outcome => ({
    batch: batch.number,
    step: step.number,
    says,
    results,
    steps: work.steps,
    changes
  })
  const { evaluation, line, column } = step
  beginWork(Number.POSITIVE_INFINITY)
  const atom = parseAtom(step.text, world.meaning)
  try {
    const running = { limits: { ...limits, steps: most }, origin: { line, column, evaluation }, mayChange: batch.mayChange }
    const results = evaluateIn(world, atom, running).map((found) => print(found.atom))
    return outcome("results", results, world.changes())
  } catch (error) {
    if (error instanceof ChangeRefused) return outcome("changes", [])
    if (!(error instanceof LimitReached)) throw error
    if (error.limit === "StepLimit" && most < limits.steps) return unfinished
    return outcome("limit", [errorText(step.text, `(${error.limit} ${error.most})`)])
  } finally {
    world.undo()
  }
}
