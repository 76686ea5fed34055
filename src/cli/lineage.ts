/**
 * `converge lineage`: the facts of a stored job that follow from a fact, or would go without it.
 *
 * Boundary: a replayed context in, a page or JSON out; journal/lineage.ts finds the facts.
 */
import * as Effect from "effect/Effect"
import { relatedTo } from "../journal/lineage.ts"
import * as Journal from "../journal/Journal.ts"
import { factJson } from "../outcome/resultJson.ts"
import { inSlices } from "../platform/slices.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import * as Explanation from "./explanation.ts"
import type { Host } from "./hostProcess.ts"
import { refIn } from "./replay.ts"
import { byWhom, type JobOptions, show } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { oneLine, plural, thousands } from "./text.ts"

export interface LineageOptions extends JobOptions {
  readonly at: number | undefined
  readonly without: boolean
}

export const lineage = (host: Host, options: LineageOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const text = options.args[options.args.length - 1]
    if (text === undefined || options.args.length < (options.id === undefined ? 2 : 1)) {
      const message = "lineage needs a job and a fact, as in: converge lineage audit File/src/a.ts --store jobs.db"
      return yield* new UsageError({ message })
    }
    const jobId = yield* jobIdOf(options.args.slice(0, -1), options.id)
    const relation = options.without ? "needs" : "follows"
    const read = Effect.gen(function* () {
      const { context, cycle } = yield* Journal.replay(jobId, { at: options.at })
      const ref = yield* refIn(context, text)
      const related = yield* inSlices(relatedTo(context, ref, relation))
      if (related === undefined) return yield* new UsageError({ message: Explanation.notFound(context, ref) })
      return { cycle, ref, related }
    })
    return yield* show(
      host,
      options,
      read,
      ({ cycle, ref, related }) => ({ jobId, cycle, fact: ref, relation, facts: related.map(factJson) }),
      ({ cycle, ref, related }, { style }) => {
        const what = options.without ? "would go without" : related.length === 1 ? "follows from" : "follow from"
        const head = `${plural(related.length, "fact")} ${what} ${oneLine(ref.kind)}/${oneLine(ref.id)}`
        const lines = related.map(
          ({ fact }) => `  ${oneLine(fact.kind)}/${oneLine(fact.id)}  ${style("dim", byWhom(fact))}`
        )
        const where = style("dim", `  ${oneLine(jobId)} after cycle ${thousands(cycle)}`)
        return [style("bold", head) + where, ...lines].join("\n")
      }
    )
  })
