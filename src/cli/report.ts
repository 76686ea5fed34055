/**
 * The result of a job for people: how it ended, what it found, and what went wrong.
 *
 * Boundary: a result, or the error of a job with its partial result, in; text out.
 */
import { type CommittedIntent, type Diagnostic, isDiscarded, type JobResult } from "../outcome/JobResult.ts"
import { approvalOf } from "./waitingIntents.ts"
import {
  bytes,
  duration,
  flow,
  indent,
  inlineJson,
  oneLine,
  plural,
  pretty,
  printable,
  type Style,
  table,
  thousands,
  toPlain
} from "./text.ts"
import type { Usage } from "../program/Budget.ts"
import type { FactRef } from "../program/Fact.ts"
import type { Status } from "../outcome/Cause.ts"
import type { Standing } from "./standing.ts"
import { fromCause } from "../outcome/fromCause.ts"
import { intentKey } from "../program/keys.ts"
import { errorToJson, factJson, type FactJson } from "../outcome/resultJson.ts"
import { stackOf } from "../outcome/errorDescription.ts"

const diagnosticsShown = 10
const unansweredShown = 20
const framesShown = 8

/** The end of a job: its result, or its error with the partial result. */
export type End = JobResult | JobFailure

export interface JobFailure {
  readonly _tag: string
  readonly message: string
  readonly partial: JobResult.Partial
}

export const isFailure = (end: End): end is JobFailure => "partial" in end

export const resultOf = (end: End): JobResult => (isFailure(end) ? end.partial : end)

export interface ReportOptions {
  readonly style: Style
  /** Characters that a line should not exceed. */
  readonly width: number
  /** Show every fact instead of counts. */
  readonly facts: boolean
  /** The result's output as JSON would hold it. */
  readonly output: unknown
  /** The characters of a value that are shown. Default: all. */
  readonly most?: number | undefined
}

/** The characters of one value in a page that looks at a job. */
export const mostShown = 8_000

/** The characters of one text in a row of a page that looks at a job. */
const rowTextShown = 300

type Cut = Pick<ReportOptions, "most" | "style">

/** A text of a row on one line, or its beginning. `most`: undefined shows all of it. */
const inRow = (text: string, { most }: Pick<ReportOptions, "most">): string => {
  const line = oneLine(text)
  const left = line.length - rowTextShown
  return most === undefined || left <= 0 ? line : `${line.slice(0, rowTextShown)}… ${plural(left, "more character")}`
}

/** A value's text, or its beginning. */
const beginningOf = (text: string, most = Infinity): string => {
  const { length } = text
  const more = `\n… ${thousands(Math.max(length - most, 0))} more characters: --json has all`
  return length <= most ? text : text.slice(0, most) + more
}

/** The whole report: sections with an empty line between them, and a line break at the end. */
export const report = (end: End, options: ReportOptions): string => {
  const result = resultOf(end)
  const sections = [
    headline(result, options),
    isFailure(end) ? failure(end, options) : "",
    facts(result, options),
    output(options),
    intents(result, options.style),
    diagnostics(result, options)
  ]
  return `${sections.filter((section) => section !== "").join("\n\n")}\n`
}

const looks: Readonly<Record<Status, { readonly mark: string; readonly format: "cyan" | "green" | "red" | "yellow" }>> =
  {
    converged: { mark: "✔", format: "green" },
    "budget-exhausted": { mark: "■", format: "yellow" },
    failed: { mark: "✖", format: "red" },
    cancelled: { mark: "■", format: "yellow" }
  }

/** The line that shows the standing of a stored job, with its name. */
export const statusLine = (standing: Standing, name: string, style: Style): string => {
  switch (standing) {
    case "running":
    case "unfinished":
      return style("cyan", `▶ ${name} is ${standing}`)
    case "quarantined":
      return style("yellow", `⚠ ${name} is quarantined`)
    case "paused":
      return style("yellow", `⏸ ${name} is paused`)
    case "awaiting":
      return style("yellow", `⏸ ${name} is awaiting answers`)
    default: {
      const { format, mark } = looks[standing]
      return style(format, `${mark} ${name} ${howOf(standing)}`)
    }
  }
}

const howOf = (status: Status): string => {
  if (status === "budget-exhausted") return "exhausted its budget"
  return status === "cancelled" ? "was cancelled" : status
}

/** The addition to the first line for a job that converged with diagnostics. */
const doubtsOf = ({ diagnostics, status }: Pick<Reported, "diagnostics" | "status">): string => {
  if (status !== "converged" || diagnostics.length === 0) return ""
  const discarded = diagnostics.filter(({ cause }) => isDiscarded(cause)).length
  const others = diagnostics.length - discarded
  const parts = [
    ...(discarded > 0 ? [plural(discarded, "discarded effect")] : []),
    ...(others > 0 ? [plural(others, discarded > 0 ? "other diagnostic" : "diagnostic")] : [])
  ]
  return ` with ${parts.join(" and ")}`
}

/** The fields of a result that a report needs, and a server gives, too. */
export type Reported = Pick<JobResult, "cycles" | "hash" | "jobId" | "program" | "status" | "usage"> & {
  readonly diagnostics: ReadonlyArray<{ readonly cause: { readonly _tag: string } }>
}

/** The first line of a report: how the job ended, and what it spent. */
export const headline = (result: Reported, { style, width }: ReportOptions): string => {
  const { cycles, hash, jobId, program, status, usage } = result
  const doubts = doubtsOf(result)
  const { format, mark } = doubts === "" ? looks[status] : { ...looks[status], format: "yellow" as const }
  const how = `${howOf(status)}${doubts}`
  const spent = [plural(cycles, "cycle"), plural(usage.facts, "fact"), plural(usage.agents, "task")]
  const first = `${style(format, `${mark} ${oneLine(program)} ${how}`)}  ${spent.join(", ")} in ${duration(usage.durationMs)}`
  const more = [`job ${oneLine(jobId)}`, `hash ${hash.slice(0, 16)}`, bytes(usage.contextBytes)]
  if (usage.cpuMs >= 1) more.push(`cpu ${duration(usage.cpuMs)}`)
  if (usage.tokens > 0) more.push(plural(usage.tokens, "token"))
  if (usage.cost > 0) more.push(`cost ${usage.cost}`)
  const lines = flow(more, width - 2).map((line) => style("dim", `  ${line}`))
  return [first, ...lines].join("\n")
}

/** The row of what a job has used. */
export const used = (usage: Usage | undefined): string | undefined =>
  usage === undefined
    ? undefined
    : [
        ...[plural(usage.facts, "fact"), plural(usage.agents, "task"), bytes(usage.contextBytes)],
        duration(usage.durationMs),
        ...(usage.cpuMs >= 1 ? [`cpu ${duration(usage.cpuMs)}`] : []),
        ...(usage.tokens > 0 ? [plural(usage.tokens, "token")] : []),
        ...(usage.cost > 0 ? [`cost ${usage.cost}`] : [])
      ].join("  ")

/** Fields that the message or the headline says already. */
const said = new Set(["_tag", "message", "jobId", "stack"])

export const failure = (end: JobFailure, { most, style, width }: ReportOptions): string => {
  return failureOf(end._tag, end.message, errorToJson(end), { most, style, width })
}

/** The same for an error as JSON. */
export const failureOf = (
  tag: string,
  message: string,
  fields: Readonly<Record<string, unknown>>,
  { most, style, width }: Pick<ReportOptions, "most" | "style" | "width">
): string => {
  // The user who cancelled a job knows it.
  if (tag === "JobCancelled") return ""
  const lines = [style("red", `${tag}: ${printable(beginningOf(message, most))}`)]
  const shown = Object.entries(fields).filter(([key, value]) => !said.has(key) && value !== undefined)
  const names = table(shown.map(([key]) => [key, ""]))
  shown.forEach(([, value], index) => {
    const name = names[index] ?? ""
    const shown = typeof value === "string" ? value : pretty(toPlain(value), width - name.length, "  ")
    lines.push(`  ${style("dim", name)}${printable(beginningOf(shown, most))}`)
  })
  return [...lines, ...missingHint(message)].join("\n")
}

/** The advice where a service is missing; nothing for another message. */
export const missingHint = (message: string): ReadonlyArray<string> =>
  message.startsWith("Service not found: ")
    ? [
        `  The module provides it by exporting a Layer as "layer": export const layer = Layer.succeed(..., ...).`,
        `  ${servicesThere} are there anyway.`
      ]
    : []

/** The services of `NodeServices`, which the command provides. */
const servicesThere = "FileSystem, Path, Stdio, Terminal and ChildProcessSpawner of Effect"

/** The places where an error and its causes were thrown, as some frames of each; "" if there is no frame. */
export const whereOf = (end: JobFailure): string => framesOf(stackOf(end))

/** The stacks of an error and its causes for people: some frames of each, or "" if there is no frame. */
export const framesOf = (stacks: string): string => {
  const isFrame = (line: string): boolean => /^\s+at /.test(line)
  let frames = 0
  const lines = stacks.split("\n").filter((line) => {
    if (!isFrame(line)) frames = 0
    else if (line.includes("(node:internal/") || ++frames > framesShown) return false
    return true
  })
  return lines.some(isFrame) ? printable(lines.join("\n")) : ""
}

export const facts = ({ context }: Pick<JobResult, "context">, options: ReportOptions): string =>
  factsOf(context.counts(), options.facts ? context.encoded().map(factJson) : undefined, options)

/** The parts of a fact that a report shows. */
export type ReportedFact = Omit<FactJson, "provenance"> & {
  readonly provenance: Pick<FactJson["provenance"], "agent" | "cycle" | "origin">
}

/** The same for facts as JSON. `all`: undefined shows their number by kind. */
export const factsOf = (
  counts: Readonly<Record<string, number>>,
  all: ReadonlyArray<ReportedFact> | undefined,
  { style, width }: Pick<ReportOptions, "style" | "width">
): string => {
  const rows = Object.entries(counts).map(([kind, count]) => [oneLine(kind), thousands(count)])
  if (rows.length === 0) return ""
  if (all === undefined) return section("facts", table(rows, [1]).join("\n"), style)
  const lines = all.map((fact) => {
    const { agent, cycle, origin } = fact.provenance
    const name = `${oneLine(fact.kind)}/${oneLine(fact.id)}`
    const value = printable(pretty(fact.value, width - 4, ""))
    return `${name}  ${style("dim", `${origin === "agent" ? oneLine(agent) : origin}, cycle ${cycle}`)}\n${indent(value, "  ")}`
  })
  return section("facts", lines.join("\n"), style)
}

export const output = ({ most, output, style, width }: ReportOptions): string => {
  if (output === undefined) return ""
  const text = typeof output === "string" ? output : pretty(output, width - 2)
  return section("output", printable(beginningOf(text, most)), style)
}

export const intents = (
  { intents }: { readonly intents: ReadonlyArray<{ readonly kind: string }> },
  style: Style
): string => {
  if (intents.length === 0) return ""
  const counts = new Map<string, number>()
  for (const { kind } of intents) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const rows = [...counts].map(([kind, count]) => [oneLine(kind), thousands(count)])
  return section("intents", table(rows, [1]).join("\n"), style)
}

/** The intents that an unfinished job awaits. */
export const unanswered = (intents: ReadonlyArray<CommittedIntent>, style: Style): string => {
  if (intents.length === 0) return ""
  const rows = intents.slice(0, unansweredShown).map((intent) => {
    const approval = approvalOf(intent)
    const asked = approval === undefined ? "" : `${approval.id}: ${approval.question ?? ""}`
    return [oneLine(intent.kind), oneLine(intentKey(intent)), oneLine(asked)]
  })
  const names = table(rows).map((line) => line.trimEnd())
  const more = intents.length - rows.length
  const lines = more > 0 ? [...names, style("dim", `... and ${thousands(more)} more`)] : names
  return section(`unanswered intents (${thousands(intents.length)})`, lines.join("\n"), style)
}

/** The pause of a job that somebody has asked for. */
export const pauseToCome = "was asked for: it comes after the cycle under way"

/** The job that a fork was made of, and the cycle after which it begins. */
export const forkedFrom = (
  forkOf: { readonly jobId: string; readonly cycle: number } | undefined
): string | undefined =>
  forkOf === undefined ? undefined : `${oneLine(forkOf.jobId)}  after its cycle ${thousands(forkOf.cycle)}`

/** The newest decisions of a job, and the number of those before them. */
interface Decided {
  readonly decisions: ReadonlyArray<{
    readonly approval: string
    readonly approved: boolean
    readonly by: string
    readonly reason: string
    readonly cycle: number
  }>
  readonly olderDecisions: number
}

/** The newest decisions about approvals, oldest first: who decided which, in which cycle, and why. */
export const decisions = ({ decisions: list, olderDecisions: older }: Decided, { most, style }: Cut): string => {
  if (list.length === 0) return ""
  const rows = list.map(({ approval, approved, by, cycle, reason }) => [
    inRow(approval, { most }),
    approved ? "approved" : "rejected",
    `by ${inRow(by, { most }) || "somebody without a name"}`,
    `cycle ${thousands(cycle)}`,
    inRow(reason, { most })
  ])
  const some = ` (the newest ${thousands(list.length)} of ${thousands(list.length + older)})`
  const title = `decisions${older === 0 ? "" : some}`
  return section(
    title,
    table(rows)
      .map((line) => line.trimEnd())
      .join("\n"),
    style
  )
}

export const diagnostics = (result: JobResult, page: Cut): string =>
  diagnosticsOf(result.diagnostics, (cause) => describe(cause, result), page)

/** The same for diagnostics of any form. `tell`: describes a cause. */
export const diagnosticsOf = <C extends { readonly _tag: string }>(
  diagnostics: ReadonlyArray<{
    readonly agent: string
    readonly cause: C
    readonly cycle: number
    readonly each?: FactRef | null | undefined
  }>,
  tell: (cause: C) => string,
  { most, style }: Cut
): string => {
  if (diagnostics.length === 0) return ""
  const rows = diagnostics.slice(0, diagnosticsShown).map(({ agent, cause, cycle, each }) => {
    const about = each === undefined || each === null ? "" : ` on ${each.kind}/${each.id}`
    const who = inRow(`${agent === "" ? "signal" : agent}${about}`, { most })
    return [`cycle ${thousands(cycle)}`, who, inRow(`${cause._tag}: ${tell(cause)}`, { most })]
  })
  const more = diagnostics.length - rows.length
  const lines = more > 0 ? [...table(rows), style("dim", `... and ${thousands(more)} more`)] : table(rows)
  return section(`diagnostics (${thousands(diagnostics.length)})`, lines.join("\n"), style)
}

/** A cause, without the agent and the cycle that stand beside it. */
const describe = (cause: Diagnostic["cause"], result: JobResult): string => {
  switch (cause._tag) {
    case "Oscillation":
      return `the context is what it was after cycle ${thousands(cause.since)}`
    case "NotPerformed":
      return (
        `nobody performs the ${thousands(cause.count)} intent${cause.count === 1 ? "" : "s"} of the kind ` +
        `${JSON.stringify(cause.kind)}: export a handler of it from the module, ` +
        `Engine.handler(${JSON.stringify(cause.kind)}, ...)`
      )
    case "NotCommutative":
      return (
        `${cause.kind}/${cause.id} depends on which of two values comes first: ` +
        `${inlineJson(cause.existing)} or ${inlineJson(cause.proposed)}`
      )
    case "AgentFailed":
      return describeError(errorToJson(cause)["error"])
    case "AgentPanicked":
    case "InvalidEffect":
      return cause.message
    case "AgentTimedOut":
      return `it took longer than ${duration(cause.timeoutMs)}`
    case "AgentOutOfMemory":
      return `it went over ${thousands(cause.limitMb)} MB of heap`
    case "WorkerCrashed":
      return `its worker exited with code ${cause.exitCode}`
    case "MergeConflict":
      return `${cause.kind}/${cause.id} has another value, by ${JSON.stringify(cause.agents[0])}`
    default:
      return fromCause(cause, result.jobId, { ...result, output: undefined }).message
  }
}

/** An agent's own error: its tag and its other fields. */
export const describeError = (error: unknown): string => {
  if (typeof error === "string") return error
  if (typeof error !== "object" || error === null || !("_tag" in error)) return inlineJson(error)
  const { _tag, ...fields } = error
  const said = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ""))
  return Object.keys(said).length === 0 ? String(_tag) : `${String(_tag)} ${inlineJson(said)}`
}

const section = (title: string, body: string, style: Style): string => `${style("bold", title)}\n${indent(body, "  ")}`
