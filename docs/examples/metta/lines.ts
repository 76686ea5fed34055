/** The results of a program in the order of its text. */
import { beginWork } from "./budget.ts"
import { collapsed } from "./evaluation.ts"
import type { Outcome, Step } from "./facts.ts"
import { parseAtom } from "./parse.ts"
import { collapsedText, type Whole } from "./parts.ts"
import { endOf, wholeOf } from "./plan.ts"
import { errorText } from "./print.ts"
import type { Known } from "./worlds.ts"

/** The results of one evaluation, or of the fault at which a text ends. */
export interface Line {
  /** Its number among the evaluations, from 1. */
  readonly evaluation: number
  readonly step: number
  readonly line: number
  readonly column: number
  readonly text: string
  readonly results: ReadonlyArray<string>
  /** Whether it reached a limit, was stopped, is no program, or has an error among its results. */
  readonly failed: boolean
  /** The id of the task that left no outcome, if that is why it failed. */
  readonly task: string
}

const isErrorText = (result: string): boolean => result.startsWith("(Error ")

const faultLine = ({ number, evaluation, line, column, text }: Step): Line => {
  const message = errorText("Syntax", JSON.stringify(`line ${line}, column ${column}: ${text}`))
  return { evaluation, step: number, line, column, text: "", results: [message], failed: true, task: "" }
}

/** The results of a whole evaluation: of one that was split, the list of a `collapse` is made only here. */
const resultsOf = (text: string, { says, results }: Whole, first: Outcome | undefined): ReadonlyArray<string> =>
  says === "results" && first !== undefined && first.parts.length > 0 && collapsed(parseAtom(text)) !== undefined
    ? [collapsedText(results)]
    : results

const stepLine = (step: Step, batch: number, known: Known): Line => {
  const { number, evaluation, line, column, text } = step
  const whole = wholeOf(known, batch, number)
  const [task = ""] = whole.lost
  const results = task === "" ? resultsOf(text, whole, known.outcome(batch, number)) : [errorText(text, "Stopped")]
  return { evaluation, step: number, line, column, text, results, failed: results.some(isErrorText), task }
}

/** The lines of all steps that are evaluations or faults. */
export const linesOf = (known: Known, steps: number, batches: number): ReadonlyArray<Line> => {
  beginWork(Number.POSITIVE_INFINITY)
  const lines: Array<Line> = []
  let from = 0
  const faultsBefore = (until: number): void => {
    for (; from < until; from++) {
      const step = known.step(from)
      if (step?.does === "fault") lines.push(faultLine(step))
    }
  }
  for (let number = 0; number < batches; number++) {
    const batch = known.batch(number)
    if (batch === undefined) continue
    faultsBefore(batch.from)
    const end = endOf(batch, known).step
    for (; from < end; from++) {
      const step = known.step(from)
      if (step !== undefined) lines.push(stepLine(step, number, known))
    }
  }
  faultsBefore(steps)
  return lines
}
