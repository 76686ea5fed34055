/**
 * `converge lineage`: the facts of a job that follow from a fact, or would go without it, with the direct causes of each.
 *
 * Boundary: a replayed context in, or the answers of a server; a page or JSON out. journal/lineage.ts finds the facts.
 */
import * as Effect from "effect/Effect"
import { relatedTo } from "../journal/lineage.ts"
import * as Journal from "../journal/Journal.ts"
import { inSlices } from "../platform/slices.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import * as Explanation from "./explanation.ts"
import type { Followed } from "./heldFact.ts"
import type { Host } from "./hostProcess.ts"
import type { Place } from "./place.ts"
import { refIn } from "./replay.ts"
import { isWithoutJournals } from "./serverError.ts"
import { byWhom, factJson, type JobOptions, type Page, showAt } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { nameOf, oneLine, plural, thousands } from "./text.ts"

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
    return yield* showAt(host, options, (place) => followed(place, { ...options, jobId, text }), {
      json: ({ cycle, facts, ref }) => ({ jobId, cycle, fact: ref, relation, facts }),
      page: (found, page) => pageOf(found, jobId, options.without, page)
    })
  })

interface Asked extends Pick<LineageOptions, "at" | "without"> {
  readonly jobId: string
  readonly text: string
}

/** The facts that follow from one, from a journal. A server that keeps none is asked for what it holds. */
const followed = (place: Place, asked: Asked) => {
  const { at, jobId, text, without } = asked
  const stored = Effect.gen(function* () {
    const { context, cycle } = yield* Journal.replay(jobId, { at })
    const ref = yield* refIn(context, text)
    const related = yield* inSlices(relatedTo(context, ref, without ? "needs" : "follows"))
    if (related === undefined) return yield* new UsageError({ message: Explanation.notFound(context, ref) })
    const causes = yield* inSlices(related.causesOf(related.facts))
    const facts = related.facts.map(({ fact }, index) => ({ ...factJson(fact), ...(causes[index] ?? noCauses) }))
    return { cycle, ref, facts } satisfies Followed
  })
  if (place._tag === "File") return stored
  return Effect.catchIf(stored, isWithoutJournals, (error) =>
    Effect.flatMap(
      Effect.promise(() => import("./heldFact.ts")),
      ({ heldLineage }) => heldLineage(place, asked, error)
    )
  )
}

const noCauses = { causes: [], indirect: [], omitted: 0 }

/** Tuning: causes that a line names. */
const causesNamed = 3

const pageOf = ({ cycle, facts, ref }: Followed, jobId: string, isWithout: boolean, { style }: Page): string => {
  const what = isWithout ? "would go without" : facts.length === 1 ? "follows from" : "follow from"
  const names = new Map<number, string>([[0, nameOf(ref)]])
  for (const fact of facts) names.set(fact.provenance.version, nameOf(fact))
  const listed = (versions: ReadonlyArray<number>, omitted: number): string => {
    const named = versions.slice(0, causesNamed).map((version) => names.get(version) ?? "?")
    const more = versions.length - named.length + omitted
    return named.join(", ") + (more > 0 ? ` and ${thousands(more)} more` : "")
  }
  const from = ({ causes, indirect, omitted }: Followed["facts"][number]): string =>
    causes.length > 0
      ? `from ${listed(causes, omitted)}`
      : `by way of values that are gone, from ${listed(indirect, 0)}`
  const lines = facts.map((fact) => `  ${nameOf(fact)}  ${style("dim", `${byWhom(fact)}, ${from(fact)}`)}`)
  const where = style("dim", `  ${oneLine(jobId)} after cycle ${thousands(cycle)}`)
  return [style("bold", `${plural(facts.length, "fact")} ${what} ${nameOf(ref)}`) + where, ...lines].join("\n")
}
