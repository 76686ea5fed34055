/**
 * A job of a server without journals, for people and as JSON: the sections and the fields that a stored job has.
 *
 * Boundary: the answers of the server in, text or JSON out.
 */
import type { ResultJson } from "../outcome/resultJson.ts"
import type * as Shapes from "../server/shapes.ts"
import { attributesLine } from "./attributes.ts"
import { type HeldJob, standingIn, storedOfJob } from "./heldJob.ts"
import { jobJson } from "./jobs.ts"
import * as Report from "./report.ts"
import { cyclesOf } from "../store/cycles.ts"
import { moment, type Page, properties } from "./storedJobs.ts"
import { indent, inlineJson, oneLine, thousands, wrap } from "./text.ts"

type Result = typeof Shapes.Result.Type
type ErrorJson = typeof Shapes.ErrorJson.Type

/** The JSON of `converge show`. Of a job that has not ended, `output` and `diagnostics` are not known yet. */
export const heldJson = (held: HeldJob) => {
  const { decisions, facts, headline, input, intents, job, kinds, olderDecisions, unanswered } = held
  const { result, tier, usage, version } = job
  return {
    ...jobJson(storedOfJob(job), standingIn(job)),
    ...(job.forkOf === undefined ? {} : { forkOf: job.forkOf }),
    ...(job.pausing === undefined ? {} : { pausing: job.pausing }),
    headline,
    programVersion: null,
    tier,
    version,
    input,
    usage: result?.usage ?? usage,
    facts: facts ?? kinds,
    output: result?.output ?? null,
    intents,
    unanswered,
    decisions,
    olderDecisions,
    diagnostics: result?.diagnostics ?? [],
    error: result?.error ?? null,
    corrupt: null
  }
}

const messageOf = ({ message }: ErrorJson): string => (typeof message === "string" ? message : "")

/** A cause, without the agent and the cycle that stand beside it. */
const causeText = (cause: ErrorJson): string => {
  const { _tag, agent: _agent, cycle: _cycle, message, ...fields } = cause
  if (typeof message === "string" && message !== "") return message
  return _tag === "AgentFailed" ? Report.describeError(fields["error"]) : inlineJson(fields)
}

/** A page that may cut long values. */
type CutPage = Page & Pick<Report.ReportOptions, "most">

const errorText = (error: ErrorJson | null, page: CutPage): string =>
  error === null ? "" : Report.failureOf(error._tag, messageOf(error), error, page)

const outputText = ({ output }: Pick<Result, "output">, page: CutPage): string =>
  Report.output({ ...page, facts: false, output: output ?? undefined })

const diagnosticsText = ({ diagnostics }: Pick<Result, "diagnostics">, page: CutPage): string =>
  Report.diagnosticsOf(diagnostics, causeText, page)

const joined = (sections: ReadonlyArray<string>): string => sections.filter((section) => section !== "").join("\n\n")

/** The page of `converge show`. */
export const heldPage = (held: HeldJob, given: Page): string => {
  const { facts, headline, job, kinds } = held
  const { style, width } = given
  const page = { ...given, most: facts === undefined ? Report.mostShown : undefined }
  const { createdAt, haltedAt, hash, jobId, parent, program, result, usage } = job
  const head =
    `${Report.statusLine(standingIn(job), oneLine(jobId), style)}\n` + indent(wrap(oneLine(headline), width - 2), "  ")
  const rows = properties(
    [
      ["program", oneLine(program)],
      ["attributes", attributesLine(storedOfJob(job))],
      ["parent", parent === undefined ? undefined : oneLine(parent)],
      ["fork of", Report.forkedFrom(job.forkOf)],
      ["pause", job.pausing === undefined ? undefined : Report.pauseToCome],
      ["cycles used", thousands(cyclesOf(storedOfJob(job)))],
      ["used", Report.used(result?.usage ?? usage ?? undefined)],
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
    result === null ? "" : outputText(result, page),
    Report.intents(held, style),
    Report.unanswered(held.unanswered, style),
    Report.decisions(held, page),
    result === null ? "" : diagnosticsText(result, page)
  ])
}

/** Whether the facts of a result are whole, and not their numbers. */
const areWhole = (facts: ResultJson["facts"] | Result["facts"]): facts is ReadonlyArray<typeof Shapes.Fact.Type> =>
  Array.isArray(facts)

/** The page of `converge run`. */
export const endPage = (result: Result, page: Page): string => {
  const { facts } = result
  const counts = areWhole(facts)
    ? Object.fromEntries([...Map.groupBy(facts, ({ kind }) => kind)].map(([kind, { length }]) => [kind, length]))
    : facts
  return `${joined([
    Report.headline(result, { ...page, facts: false, output: undefined }),
    errorText(result.error, page),
    Report.factsOf(counts, areWhole(facts) ? facts : undefined, page),
    outputText(result, page),
    Report.intents(result, page.style),
    diagnosticsText(result, page)
  ])}\n`
}
