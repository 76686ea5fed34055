/** The text of a program as steps: consecutive definitions together, each evaluation for itself. */
import type { Step } from "./facts.ts"
import { parseProgram, type Statement } from "./parse.ts"

/** A step that defines has at most this many characters: a fact is sent to the workers as a whole. */
const definedCharacters = 32_768

/** The number of the first step, and of the first evaluation, of a text that goes on with a program. */
export interface Numbers {
  readonly step: number
  readonly evaluation: number
}

/** The steps of a text. A text that faults ends with a step that says so. */
export function* stepsOf(text: string, first: Numbers = { step: 0, evaluation: 1 }): Generator<Step> {
  const { statements, fault } = parseProgram(text)
  let { step, evaluation } = first
  const made = (
    does: Step["does"],
    of: string,
    { line, column }: { readonly line: number; readonly column: number }
  ): Step => ({
    number: step++,
    does,
    evaluation: does === "define" ? 0 : evaluation++,
    text: of,
    line,
    column
  })
  let defined: { readonly from: Statement; end: number } | undefined
  for (const statement of statements) {
    const isFull = defined !== undefined && statement.end - defined.from.start > definedCharacters
    if (defined !== undefined && (statement.isEvaluated || isFull)) {
      yield made("define", text.slice(defined.from.start, defined.end), defined.from)
      defined = undefined
    }
    if (statement.isEvaluated) yield made("evaluate", text.slice(statement.start, statement.end), statement)
    else if (defined === undefined) defined = { from: statement, end: statement.end }
    else defined.end = statement.end
  }
  if (defined !== undefined) yield made("define", text.slice(defined.from.start, defined.end), defined.from)
  if (fault !== undefined) yield made("fault", fault.message, fault)
}
