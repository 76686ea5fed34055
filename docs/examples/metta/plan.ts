/** Where the next batch of a program begins and ends. */
import type { Batch, Step } from "./facts.ts"
import { parseAtom } from "./parse.ts"
import { assembled, type Whole } from "./parts.ts"
import { emptyDigest, extendedDigest, type Known, worldOf } from "./worlds.ts"

/** A batch has at most this many evaluations. */
const batchEvaluations = 4_096

/** The outcome of a whole evaluation of a batch. */
export const wholeOf = (known: Known, batch: number, number: number): Whole => {
  const step = known.step(number)
  return assembled(batch, number, (part) => known.outcome(batch, number, part), step?.text ?? "", known.maxSteps)
}

/** The first step that a batch did not get done: the one after it, or the first that has to be a batch of its own. */
export const endOf = (batch: Batch, known: Known): { readonly step: number; readonly changes: boolean } => {
  for (let step = batch.from; step < batch.until; step++)
    if (wholeOf(known, batch.number, step).says === "changes") return { step, changes: true }
  return { step: batch.until, changes: false }
}

/** The next batch after those that there are, or undefined if no evaluation is left. */
export const nextBatch = (known: Known, batches: number): Batch | undefined => {
  const last = known.batch(batches - 1)
  const end = last === undefined ? { step: 0, changes: false } : endOf(last, known)
  let from = end.step
  let first = known.step(from)
  while (first !== undefined && first.does !== "evaluate") first = known.step(++from)
  if (first === undefined) return undefined
  const stretch = { batch: batches - 1, from: last?.from ?? 0, until: from }
  const digest = extendedDigest(last?.digest ?? emptyDigest, known, stretch)
  const batch: Batch = { number: batches, from, until: from + 1, mayChange: true, digest }
  if (end.changes) return batch
  const world = worldOf(batch, known)
  const mayChange = (step: Step): boolean => world.reach.mayChange(parseAtom(step.text, world.meaning))
  if (mayChange(first)) return batch
  let until = from + 1
  for (
    let next = known.step(until);
    isQuiet(next, mayChange) && until - from < batchEvaluations;
    next = known.step(until)
  )
    until += 1
  return { ...batch, until, mayChange: false }
}

const isQuiet = (step: Step | undefined, mayChange: (step: Step) => boolean): boolean =>
  step !== undefined && step.does === "evaluate" && !mayChange(step)
