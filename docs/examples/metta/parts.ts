/**
 * Parts of an evaluation as text, and their outcomes as one.
 *
 * A long evaluation with choices that are open hands its rest out in parts, which are tasks of the next cycle. A part is the way
 * to it: the alternative that is taken at each choice. Its task goes that way from the beginning, so nothing but the way is sent.
 */
import { Expression } from "./atoms.ts"
import { type Outcome, taskId } from "./facts.ts"
import type { Part } from "./machine.ts"
import { parseAtom, type Tokens } from "./parse.ts"
import { errorText, print } from "./print.ts"

/** How many times an evaluation was split on the way to a part. */
export const levelOf = (part: string): number => (part === "" ? 0 : Number(part.slice(0, part.indexOf(":"))))

/** A part as text: its level, its way, and a `+` if the rest of its last choice belongs to it. */
export const partText = ({ path, andRest }: Part, level: number): string =>
  `${level}:${path.join(".")}${andRest ? "+" : ""}`

export const partOf = (text: string): Part | undefined =>
  text === ""
    ? undefined
    : {
        path: text
          .slice(text.indexOf(":") + 1)
          .replace("+", "")
          .split(".")
          .map(Number),
        andRest: text.endsWith("+")
      }

/** The outcome of a whole evaluation, and the tasks among its parts that left none. */
export interface Whole {
  readonly says: Outcome["says"]
  readonly results: ReadonlyArray<string>
  readonly steps: number
  readonly lost: ReadonlyArray<string>
}

/** The outcomes of all parts as one, in order. `text` is the atom's, for its error if the parts together reach the limit. */
export const assembled = (
  batch: number,
  step: number,
  outcomeOf: (part: string) => Outcome | undefined,
  text: string,
  maxSteps: number
): Whole => {
  const results: Array<string> = []
  const lost: Array<string> = []
  let steps = 0
  const open = [""]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    const outcome = outcomeOf(part)
    if (outcome === undefined) {
      lost.push(taskId(batch, step, part))
      continue
    }
    if (outcome.says !== "results")
      return { says: outcome.says, results: outcome.results, steps: outcome.steps, lost: [] }
    steps += outcome.steps
    for (const result of outcome.results) results.push(result)
    open.push(...outcome.parts.toReversed())
  }
  if (steps > maxSteps) return { says: "limit", results: [errorText(text, `(StepLimit ${maxSteps})`)], steps, lost: [] }
  return { says: "results", results, steps, lost }
}

/** Results as the one result of their `collapse`. */
export const collapsedText = (results: ReadonlyArray<string>, meaning?: Tokens): string =>
  results.some((result) => result.includes("$"))
    ? print(new Expression(results.map((result) => parseAtom(result, meaning))))
    : `(${results.join(" ")})`
