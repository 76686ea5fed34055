/**
 * A job of a server without journals, for people and as JSON: the sections and the fields that a stored job has.
 *
 * Boundary: the answers of the server in, text or JSON out.
 */
import type { ResultJson } from "../outcome/resultJson.ts"
import type * as Shapes from "../server/shapes.ts"
import { type HeldJob, standingIn, storedOfJob } from "./heldJob.ts"
import { jobJson } from "./jobs.ts"
import * as Report from "./report.ts"
import { cyclesOf } from "../store/cycles.ts"
import { moment, type Page, properties } from "./storedJobs.ts"
import { indent, inlineJson, oneLine, thousands, wrap } from "./text.ts"

type Result = typeof Shapes.Result.Type
type ErrorJson = typeof Shapes.ErrorJson.Type

/** The JSON of `converge show`. `unanswered` is not known: only the journal tells which intents somebody awaits. */
export const heldJson = ({ decisions, facts, headline, input, job, kinds }: HeldJob) => {
  const { result, tier, usage, version } = job
  return {
    ...jobJson(storedOfJob(job), standingIn(job)),
    headline,
    programVersion: null,
    tier,
    version,
    input,
    usage: result?.usage ?? usage,
    facts: facts ?? kinds,
    output: result?.output ?? null,
    intents: result?.intents ?? null,
    unanswered: result === null ? null : [],
    decisions,
    diagnostics: result?.diagnostics ?? [],
    error: result?.error ?? null,
    corrupt: null
  }
}

const messageOf = ({ message }: ErrorJson): string => (typeof message === "string" ? message : "")

const causeText = (cause: ErrorJson): string => {
  const { _tag, message, ...fields } = cause
  return typeof message === "string" && message !== "" ? message : inlineJson(fields)
}

/** A page that may cut long values. */
type CutPage = Page & Pick<Report.ReportOptions, "most">

const errorText = (error: ErrorJson | null, page: CutPage): string =>
  error === null ? "" : Report.failureOf(error._tag, messageOf(error), error, page)

/** The sections about the result of a job. */
const sectionsOf = (
  { diagnostics, intents, output }: Pick<Result, "diagnostics" | "intents" | "output">,
  page: CutPage
): ReadonlyArray<string> => [
  Report.output({ ...page, facts: false, output: output ?? undefined }),
  Report.intents({ intents }, page.style),
  Report.diagnosticsOf(diagnostics, causeText, page.style)
]

const joined = (sections: ReadonlyArray<string>): string => sections.filter((section) => section !== "").join("\n\n")

/** The page of `converge show`. */
export const heldPage = ({ decisions, facts, headline, job, kinds }: HeldJob, given: Page): string => {
  const { style, width } = given
  const page = { ...given, most: facts === undefined ? Report.mostShown : undefined }
  const { createdAt, haltedAt, hash, jobId, parent, program, result } = job
  const head =
    `${Report.statusLine(standingIn(job), oneLine(jobId), style)}\n` + indent(wrap(oneLine(headline), width - 2), "  ")
  const rows = properties(
    [
      ["program", oneLine(program)],
      ["parent", parent === undefined ? undefined : oneLine(parent)],
      ["cycles used", thousands(cyclesOf(storedOfJob(job)))],
      ["created", moment(createdAt)],
      ["ended", haltedAt === null ? undefined : moment(haltedAt)],
      ["hash", hash]
    ],
    style
  )
  return joined([
    `${head}\n${rows}`,
    errorText(result?.error ?? null, page),
    Report.factsOf(kinds, facts, page),
    ...(result === null ? [] : sectionsOf(result, page)),
    Report.decisions(decisions, style)
  ])
}

/** Whether the facts of a result are whole, and not their numbers. */
const areWhole = (facts: ResultJson["facts"] | Result["facts"]): facts is ReadonlyArray<typeof Shapes.Fact.Type> =>
  Array.isArray(facts)

/** The page of `converge run`. */
export const endPage = (result: Result, page: Page): string => {
  const { facts } = result
  const counts: Record<string, number> = {}
  if (areWhole(facts)) for (const { kind } of facts) counts[kind] = (counts[kind] ?? 0) + 1
  else Object.assign(counts, facts)
  return `${joined([
    Report.headline(result, { ...page, facts: false, output: undefined }),
    errorText(result.error, page),
    Report.factsOf(counts, areWhole(facts) ? facts : undefined, page),
    ...sectionsOf(result, page)
  ])}\n`
}
