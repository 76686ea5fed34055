/** One evaluation of a program: its step and world in, its outcome out. */
import { type Atom, expressionKind, symbol } from "./atoms.ts"
import { beginWork, LimitReached, type Limits, work } from "./budget.ts"
import type { Batch, Outcome, Step } from "./facts.ts"
import { ChangeRefused, evaluateIn } from "./machine.ts"
import { parseAtom } from "./parse.ts"
import { collapsedText, levelOf, partOf, partText } from "./parts.ts"
import { errorText, print } from "./print.ts"
import type { World } from "./world.ts"

/** An evaluation came to the end of the steps that it was given for a first look. */
export const unfinished = "unfinished"

/** A split happens where an evaluation, or a part of one, has taken this many steps, four times as many at each level. */
const splitSteps = 200_000
const deepestLevel = 2

/** The part of a step that is evaluated, and how far. */
interface Asked {
  readonly limits: Limits
  /** The part of the evaluation. Default: all of it. */
  readonly part?: string
  /** The steps of a first look: an evaluation that needs more is `unfinished`. Default: none. */
  readonly look?: number
}

/** The atom whose results are collected by the atom, if it does nothing else. Its results can come in parts, the list cannot. */
export const collapsed = (atom: Atom): Atom | undefined =>
  atom.kind === expressionKind && atom.items.length === 2 && atom.items[0] === collapseSymbol
    ? atom.items[1]
    : undefined

const collapseSymbol = symbol("collapse")

/** Evaluates a step in the world of its batch, which is left as it was. */
export const evaluateStep = (
  step: Step,
  batch: Batch,
  world: World,
  { limits, part = "", look }: Asked
): Outcome | typeof unfinished => {
  const outcome = (says: Outcome["says"], more: Partial<Outcome>): Outcome => {
    const { number } = step
    const of = { batch: batch.number, step: number, part, says, steps: work.steps }
    return { results: [], changes: [], parts: [], ...of, ...more }
  }
  const { evaluation, line, column } = step
  beginWork(Number.POSITIVE_INFINITY)
  const whole = parseAtom(step.text, world.meaning)
  // A first look, and a change, is of the whole.
  const isWhole = look !== undefined || batch.mayChange
  const atom = isWhole ? whole : (collapsed(whole) ?? whole)
  const level = levelOf(part)
  const way = partOf(part)
  try {
    const { found, parts } = evaluateIn(world, atom, {
      limits: { ...limits, steps: look ?? limits.steps },
      origin: { line, column, evaluation },
      mayChange: batch.mayChange,
      ...(way === undefined ? {} : { part: way }),
      ...(isWhole || level >= deepestLevel ? {} : { splitAfter: splitSteps * 4 ** level })
    })
    const results = found.map((each) => print(each.atom))
    return outcome("results", {
      results:
        isWhole || atom === whole || part !== "" || parts.length > 0
          ? results
          : [collapsedText(results, world.meaning)],
      changes: world.changes(),
      parts: parts.map((each) => partText(each, level + 1))
    })
  } catch (error) {
    if (error instanceof ChangeRefused) return outcome("changes", {})
    if (!(error instanceof LimitReached)) throw error
    if (error.limit === "StepLimit" && look !== undefined && look < limits.steps) return unfinished
    return outcome("limit", { results: [errorText(step.text, `(${error.limit} ${error.most})`)] })
  } finally {
    world.undo()
  }
}
