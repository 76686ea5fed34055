/** The results of a program in the order of its text. */
import { errorText } from "./evaluation.ts"
import type { Step } from "./facts.ts"
import { endOf } from "./plan.ts"
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

const stepLine = (step: Step, batch: number, known: Known): Line => {
  const { number, evaluation, line, column, text } = step
  const outcome = known.outcome(batch, number)
  const results = outcome?.results ?? [errorText(text, "Stopped")]
  const failed = results.some(isErrorText)
  return { evaluation, step: number, line, column, text, results, failed, task: outcome === undefined ? `${batch}/${number}` : "" }
}

/** The lines of all steps that are evaluations or faults. */
export const linesOf = (known: Known, steps: number, batches: number): ReadonlyArray<Line> => {
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
