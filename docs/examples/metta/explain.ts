/** By which rules each result of an evaluation came: the evaluation once more, in the same world, with its rules noted. */
import { beginWork, LimitReached, type Limits } from "./budget.ts"
import type { Trace } from "./frames.ts"
import { evaluateIn } from "./machine.ts"
import { parseAtom } from "./parse.ts"
import { endOf } from "./plan.ts"
import { print } from "./print.ts"
import type { Origin } from "./space.ts"
import { type Known, worldOf } from "./worlds.ts"

/** A rule that was applied: its text, its place, and the expression that it was applied to. */
export interface Applied {
  readonly rule: string
  readonly place: string
  readonly to: string
}

/** A result, and the rules that led to it in the order in which they were applied. */
export interface Explained {
  readonly result: string
  readonly rules: ReadonlyArray<Applied>
}

const placeOf = ({ line, column, evaluation }: Origin): string =>
  evaluation === undefined
    ? `line ${line}, column ${column}`
    : `added by evaluation ${evaluation} at line ${line}, column ${column}`

const appliedIn = (trace: Trace | undefined): ReadonlyArray<Applied> => {
  const rules: Array<Applied> = []
  for (let each = trace; each !== undefined; each = each.earlier)
    rules.push({ rule: print(each.entry.atom), place: placeOf(each.entry.origin), to: print(each.goal) })
  return rules.reverse()
}

/** The batch that gave a step its outcome. */
const batchOf = (known: Known, step: number): ReturnType<Known["batch"]> => {
  for (let number = 0; ; number++) {
    const batch = known.batch(number)
    if (batch === undefined || (batch.from <= step && step < endOf(batch, known).step)) return batch
  }
}

/** Explains the results of a step, or says why it has none. */
export const explain = (known: Known, number: number, limits: Limits): ReadonlyArray<Explained> | string => {
  const step = known.step(number)
  const batch = batchOf(known, number)
  if (step === undefined || batch === undefined) return "this step was not evaluated"
  const world = worldOf(batch, known)
  beginWork(Number.POSITIVE_INFINITY)
  const atom = parseAtom(step.text, world.meaning)
  const { line, column, evaluation } = step
  try {
    const origin = { line, column, evaluation }
    const { found } = evaluateIn(world, atom, { limits, origin, mayChange: batch.mayChange, traces: true })
    beginWork(Number.POSITIVE_INFINITY)
    return found.map(({ atom: result, trace }) => ({ result: print(result), rules: appliedIn(trace) }))
  } catch (error) {
    if (error instanceof LimitReached) return `it reached its limit: ${error.limit} ${error.most}`
    throw error
  } finally {
    world.undo()
  }
}

const shownRules = 50

/** An explanation as lines of text. */
export const formatExplained = (results: ReadonlyArray<Explained>): string =>
  results.length === 0
    ? "no result\n"
    : results
        .map(({ result, rules }) => {
          const shown = rules
            .slice(0, shownRules)
            .map(({ rule, place, to }) => `    ${to}\n      by ${rule}   ${place}\n`)
          const omitted = rules.length > shownRules ? `    and ${rules.length - shownRules} more\n` : ""
          const none = rules.length === 0 ? "    no rule was applied\n" : ""
          return `  ${result}\n${none}${shown.join("")}${omitted}`
        })
        .join("")
