/**
 * `converge replay`, `diff`, `explain` and `events`: a stored job cycle by cycle, read without its program. Values are JSON.
 *
 * Boundary: values of `Journal` in, a page or JSON out.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Fact, FactRef } from "../program/Fact.ts"
import * as Journal from "../journal/Journal.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { explain as explanationOf, format } from "../context/Provenance.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import { explanationToJson } from "../outcome/explanationJson.ts"
import * as Explanation from "./explanation.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { asFailed, byWhom, factJson, factsJson, type JobOptions, type Page, properties, show } from "./storedJobs.ts"
import * as Report from "./report.ts"
import { jobIdOf, openForReading } from "./storeFile.ts"
import { indent, inlineJson, oneLine, plural, printable, thousands, toPlain, truncate } from "./text.ts"
import { errorToJson } from "../outcome/resultJson.ts"

const usage = (message: string) => Effect.fail(new UsageError({ message }))

/* ---------------------------------------------------------------- replay */

export interface ReplayOptions extends JobOptions {
  readonly at: number | undefined
  readonly facts: boolean
}

export const replay = (host: Host, options: ReplayOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(jobIdOf(options.args, options.id), (jobId) =>
    show(
      host,
      options,
      Journal.replay(jobId, { at: options.at }),
      ({ context, diagnostics, marks, ...rest }) => ({
        ...rest,
        facts: factsJson(context, options.facts),
        marks: Object.fromEntries(marks),
        diagnostics: diagnostics.map(({ cause, each, ...where }) => ({
          ...where,
          each: each ?? null,
          cause: errorToJson(cause)
        }))
      }),
      (replayed, page) => replayPage(replayed, options.facts, page)
    )
  )

const replayPage = (replayed: Journal.Replayed, isAll: boolean, { style, width }: Page): string => {
  const { context, cycle, hash, input, marks, program, programVersion, tier, version } = replayed
  const where = tier < 0 ? "the seeds" : `tier ${tier + 1}`
  const head = `${style("bold", `${oneLine(replayed.jobId)} after cycle ${thousands(cycle)}`)}${style("dim", `  ${where}`)}`
  const rows = properties(
    [
      ["program", `${oneLine(program)}${programVersion === "" ? "" : `  version ${oneLine(programVersion)}`}`],
      ["input", truncate(oneLine(inlineJson(input)), width)],
      ["version", thousands(version)],
      ["hash", hash],
      [
        "read to",
        marks.size === 0 ? undefined : [...marks].map(([agent, mark]) => `${oneLine(agent)} ${mark}`).join(", ")
      ]
    ],
    style
  )
  return `${head}\n${rows}\n\n${Report.facts({ context }, { style, width, facts: isAll, output: undefined })}`.trimEnd()
}

/* ---------------------------------------------------------------- diff */

export interface DiffOptions extends JobOptions {
  readonly from: number | undefined
  readonly to: number | undefined
}

export const diff = (host: Host, options: DiffOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const flags = [options.from, options.to].filter((cycle) => cycle !== undefined)
    const positional = flags.length === 2 ? 0 : 2
    const cycles = options.args.slice(options.args.length - positional).map(Number)
    const [from, to] = flags.length === 2 ? flags : cycles
    if (flags.length === 1 || from === undefined || to === undefined || ![from, to].every(Number.isSafeInteger)) {
      return yield* usage("diff needs a job and two cycles, as in: converge diff audit 3 4 --store jobs.db")
    }
    const jobId = yield* jobIdOf(options.args.slice(0, options.args.length - positional), options.id)
    const read = Journal.diff(jobId, from, to)
    return yield* show(
      host,
      options,
      read,
      ({ added, evaluations, removed, revised, ...rest }) => ({
        ...rest,
        added: added.map(factJson),
        revised: revised.map(({ after, before }) => ({ before: factJson(before), after: factJson(after) })),
        removed: removed.map(factJson),
        evaluations
      }),
      diffPage
    )
  })

const diffPage = (diff: Journal.Diff, { style, width }: Page): string => {
  const { added, evaluations, from, removed, revised, to } = diff
  const counts = [
    `${thousands(added.length)} added`,
    `${thousands(revised.length)} revised`,
    `${thousands(removed.length)} removed`,
    plural(evaluations.length, "evaluation")
  ]
  const cycles = `${oneLine(diff.jobId)}: cycle ${thousands(from.cycle)} → ${thousands(to.cycle)}`
  const head = `${style("bold", cycles)}${style("dim", `  ${counts.join(", ")}`)}`
  const valueOf = (fact: Fact): string => truncate(oneLine(inlineJson(toPlain(fact.value))), width - 4)
  const lines = [
    ...added.flatMap((fact) => [
      `${style("green", `+ ${nameOf(fact)}`)}  ${style("dim", byWhom(fact))}`,
      `    ${valueOf(fact)}`
    ]),
    ...revised.flatMap(({ after, before }) => [
      `${style("yellow", `~ ${nameOf(after)}`)}  ${style("dim", byWhom(after))}`,
      `  ${style("red", "-")} ${valueOf(before)}`,
      `  ${style("green", "+")} ${valueOf(after)}`
    ]),
    ...removed.flatMap((fact) => [
      `${style("red", `- ${nameOf(fact)}`)}  ${style("dim", byWhom(fact))}`,
      `    ${valueOf(fact)}`
    ]),
    ...evaluations.map(({ agent, cycle, fact, reason, score }) => {
      const about = `${oneLine(fact.kind)}/${oneLine(fact.id)}`
      return `${style("cyan", `* ${about}`)}  ${score}  ${oneLine(reason)}  ${style("dim", `${oneLine(agent)}, cycle ${cycle}`)}`
    })
  ]
  return [head, ...lines].join("\n")
}

/* ---------------------------------------------------------------- explain */

export interface ExplainOptions extends JobOptions {
  readonly at: number | undefined
}

export const explain = (host: Host, options: ExplainOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const text = options.args[options.args.length - 1]
    if (text === undefined || options.args.length < (options.id === undefined ? 2 : 1)) {
      return yield* usage(
        "explain needs a job and a fact, as in: converge explain audit Import/src/a.ts --store jobs.db"
      )
    }
    const jobId = yield* jobIdOf(options.args.slice(0, -1), options.id)
    const read = Effect.gen(function* () {
      const { context, cycle } = yield* Journal.replay(jobId, { at: options.at })
      const ref = yield* refIn(context, text)
      const explanation = explanationOf(context, ref)
      if (explanation === undefined) return yield* usage(Explanation.notFound(context, ref))
      return { context, cycle, ref, explanation }
    })
    return yield* show(
      host,
      options,
      read,
      ({ context, cycle, ref }) => ({ jobId, cycle, ...explanationToJson(context, ref) }),
      ({ cycle, explanation, ref }, { style }) =>
        style("bold", `where ${nameOf(ref)} comes from`) +
        `${style("dim", `  ${oneLine(jobId)} after cycle ${thousands(cycle)}`)}\n` +
        indent(printable(format(explanation)), "  ")
    )
  })

/** The fact that `kind/id` names. Kinds may have slashes: the shortest kind with such a fact counts, or else the first part. */
export const refIn = (context: JobContext, text: string): Effect.Effect<FactRef, UsageError> => {
  const ref = Explanation.jsonRef(text)
  if (ref !== undefined) return Effect.succeed(ref)
  const slash = text.indexOf("/", 1)
  if (slash === -1) return usage(`a fact needs kind/id, not ${JSON.stringify(text)}`)
  const refs = Object.keys(context.counts())
    .filter((kind) => text.startsWith(`${kind}/`))
    .sort((a, b) => a.length - b.length)
    .map((kind) => ({ kind, id: text.slice(kind.length + 1) }))
  const found = refs.find(({ id, kind }) => context.find(kind, id) !== undefined)
  return Effect.succeed(found ?? { kind: text.slice(0, slash), id: text.slice(slash + 1) })
}

/* ---------------------------------------------------------------- events */

export interface EventsOptions extends JobOptions {
  readonly after: number | undefined
}

/** Events go out as they are read: one line each, of JSON or for people. */
export const events = (host: Host, options: EventsOptions): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const jobId = yield* jobIdOf(options.args, options.id)
    const { style, width } = look()
    const lineOf = options.json ? JSON.stringify : (event: JobEvent) => eventLine(event, { style, width })
    yield* Stream.runForEachArray(Stream.unwrap(Journal.events(jobId, { after: options.after })), (page) =>
      host.write(page.map((event) => `${lineOf(event)}\n`).join(""))
    ).pipe(Effect.mapError(asFailed), Effect.provide(openForReading(options.store)))
    return 0
  }).pipe(Effect.scoped)

const shownElsewhere = new Set(["_tag", "seq", "cycle", "agent", "each"])

/** The most characters of a line that says why something failed. */
const widestCause = 2_000

const eventLine = (event: JobEvent, { style, width }: Page): string => {
  const { _tag, cycle, seq } = event
  const agent = "agent" in event ? oneLine(event.agent === "" ? "signal" : event.agent) : ""
  const each = "each" in event && event.each !== undefined ? ` on ${nameOf(event.each)}` : ""
  const rest = Object.entries(event).filter(([key]) => !shownElsewhere.has(key))
  const saidOf = (key: string, value: unknown) => (key === "cause" || key === "error" ? causeText(value) : undefined)
  const fields = rest.map(([key, value]) => `${key} ${saidOf(key, value) ?? textOf(value)}`).join("  ")
  // Readers look for the reason of a failure, so a line with one goes on beyond the edge.
  const most = rest.some(([key, value]) => saidOf(key, value) !== undefined) ? widestCause : Math.max(width - 35, 20)
  const head = `${String(seq).padStart(5)}  ${String(cycle).padStart(4)}  ${_tag.padEnd(20)}`
  const body = [`${agent}${each}`, fields].filter((part) => part !== "").join("  ")
  return `${style("dim", head.slice(0, 13))}${style("cyan", head.slice(13))}  ${truncate(oneLine(body), most)}`
}

/** Lists of facts by their names: values are for `--json`. */
const textOf = (value: unknown): string => {
  if (typeof value === "string") return value
  if (Array.isArray(value) && value.every(isRef)) return value.map(nameOf).join(" ")
  return inlineJson(toPlain(value) ?? null)
}

/** A cause with a message from the program: its tag and the message. Its fields are for `--json`. */
const causeText = (cause: unknown): string | undefined => {
  if (typeof cause !== "object" || cause === null || !("_tag" in cause)) return undefined
  if (!("error" in cause) && !("message" in cause)) return undefined
  return `${String(cause._tag)}: ${[...new Set(textsOf("error" in cause ? cause.error : cause))].join(": ")}`
}

/** The texts of a described error, and of its causes. */
const textsOf = (error: unknown): ReadonlyArray<string> => {
  if (typeof error !== "object" || error === null) return [textOf(error)]
  const { _tag, cause, errors, message } = error as Readonly<Record<string, unknown>>
  const own = message ?? _tag
  return [
    typeof own === "string" ? own : textOf(error),
    ...(cause === undefined ? [] : textsOf(cause)),
    ...(Array.isArray(errors) ? errors.flatMap(textsOf) : [])
  ]
}

const nameOf = ({ id, kind }: FactRef): string => `${oneLine(kind)}/${oneLine(id)}`

const isRef = (value: unknown): value is FactRef =>
  typeof value === "object" && value !== null && "kind" in value && "id" in value
