/**
 * Texts that go on with one another: each is a job that stands on the context of the one before, so it costs what is new.
 *
 * Boundary: an engine is asked for; nothing here knows of a process.
 */
import * as Effect from "effect/Effect"
import { Engine, type Job } from "effect-converge"
import { withCauses } from "./causes.ts"
import { Step } from "./facts.ts"
import type { Line } from "./lines.ts"
import { metta } from "./program.ts"
import { type Known, knownTo } from "./worlds.ts"
import { defaultLimits, type Limits } from "./budget.ts"

type Finished = Job.JobResult<typeof metta>

/** The outcome of a text: the lines that are new, and the facts that explain them. */
export interface Ran {
  readonly lines: ReadonlyArray<Line>
  readonly known: Known
  readonly result: Finished
}

/** Runs texts one after the other, each in the world that those before it have made. */
export const makeSession = (limits: Limits = defaultLimits) => {
  let last: Finished | undefined
  let evaluations = 0
  return Effect.fnUntraced(function* (text: string) {
    const first = { step: last?.context.size(Step) ?? 0, evaluation: evaluations + 1 }
    const input = { text, maxSteps: limits.steps, maxDepth: limits.depth, first }
    const job = yield* Engine.start(metta, input, last === undefined ? {} : { context: last.context })
    const result = yield* Effect.onInterrupt(job.result, () => job.cancel)
    last = result
    const lines = withCauses(result.output, result.diagnostics).slice(evaluations)
    evaluations += lines.length
    return { lines, known: knownTo(result.context, limits.steps), result } satisfies Ran
  })
}
