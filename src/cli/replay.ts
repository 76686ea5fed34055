/**
 * `converge replay`, `explain` and `events`: a stored job cycle by cycle, read without its program. Values are JSON.
 *
 * Boundary: values of `Journal` in, a page or JSON out.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FactRef } from "../program/Fact.ts"
import * as Journal from "../journal/Journal.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { EventCause, JobEvent } from "../outcome/JobEvent.ts"
import { explain as explanationOf, format } from "../context/Provenance.ts"
import { type Failed, UsageError } from "./exitCode.ts"
import { explanationToJson } from "../outcome/explanationJson.ts"
import * as Explanation from "./explanation.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import type { Explained } from "./heldFact.ts"
import { type AServer, type Place, placeOf } from "./place.ts"
import { asFailed, factsJson, type JobOptions, openPlace, type Page, properties, show, showAt } from "./storedJobs.ts"
import type { Event as ServerEvent } from "../client/programClient.ts"
import * as Report from "./report.ts"
import { isWithoutJournals, type ServerError } from "./serverError.ts"
import { isModule, jobIdOf } from "./storeFile.ts"
import { indent, inlineJson, nameOf, oneLine, printable, thousands, toPlain, truncate } from "./text.ts"
import { errorToJson } from "../outcome/resultJson.ts"

const usage = (message: string) => Effect.fail(new UsageError({ message }))

/* ---------------------------------------------------------------- replay */

export interface ReplayOptions extends JobOptions {
  readonly at: number | undefined
  readonly facts: boolean
}

/** The job of a replay. A number after it is a cycle, which has a flag. */
const replayedId = ({ args, id }: ReplayOptions): Effect.Effect<string, UsageError> => {
  const [first, second] = args
  return args.length === 2 && second !== undefined && /^\d+$/.test(second) && !isModule(first ?? "")
    ? usage(`replay takes the cycle as a flag: --at ${second}`)
    : jobIdOf(args, id)
}

export const replay = (host: Host, options: ReplayOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(replayedId(options), (jobId) =>
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
    return yield* showAt(host, options, (place) => explained(place, jobId, text, options.at), {
      json: ({ cycle, nodes }) => ({ jobId, cycle, nodes: nodes() }),
      page: ({ cycle, explanation, ref }, { style }) =>
        style("bold", `where ${nameOf(ref)} comes from`) +
        `${style("dim", `  ${oneLine(jobId)} after cycle ${thousands(cycle)}`)}\n` +
        indent(printable(format(explanation)), "  ")
    })
  })

/** The derivation of a fact, from a journal. A server that keeps none is asked for what it holds. */
const explained = (place: Place, jobId: string, text: string, at: number | undefined) => {
  const stored = Effect.gen(function* () {
    const { context, cycle } = yield* Journal.replay(jobId, { at })
    const ref = yield* refIn(context, text)
    const explanation = explanationOf(context, ref)
    if (explanation === undefined) return yield* usage(Explanation.notFound(context, ref))
    const nodes = () => explanationToJson(context, ref)?.nodes ?? []
    return { cycle, ref, explanation, nodes } satisfies Explained
  })
  if (place._tag === "File") return stored
  return Effect.catchIf(stored, isWithoutJournals, (error) =>
    Effect.flatMap(
      Effect.promise(() => import("./heldFact.ts")),
      ({ heldExplanation }) => heldExplanation(place, { jobId, text, at }, error)
    )
  )
}

/** The fact that `kind/id` names. */
export const refIn = (context: JobContext, text: string): Effect.Effect<FactRef, UsageError> =>
  Effect.map(
    Explanation.namedIn(Object.keys(context.counts()), text),
    ({ last, refs }) => refs.find(({ id, kind }) => context.find(kind, id) !== undefined) ?? last
  )

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
    const lineOf = options.json ? JSON.stringify : (event: AnyEvent) => eventLine(event, { style, width })
    const write = (page: ReadonlyArray<AnyEvent>) => host.write(page.map((event) => `${lineOf(event)}\n`).join(""))
    const place = yield* placeOf(options)
    const stored = Stream.runForEachArray(Stream.unwrap(Journal.events(jobId, { after: options.after })), write)
    yield* Effect.catchIf(stored, isWithoutJournals, (error) =>
      place._tag === "File" ? Effect.fail(error) : heldEvents(place, jobId, options.after, write, error)
    ).pipe(Effect.mapError(asFailed), Effect.provide(openPlace(place)))
    return 0
  }).pipe(Effect.scoped)

/** An event of a journal, or of a server's log. */
type AnyEvent = JobEvent | ServerEvent

/** The log of a job that has ended, from a server without journals. The log of another job has no end yet. */
const heldEvents = (
  server: AServer,
  jobId: string,
  after: number | undefined,
  write: (page: ReadonlyArray<AnyEvent>) => Effect.Effect<void>,
  otherwise: ServerError
) =>
  Effect.gen(function* () {
    const { ended } = yield* Effect.promise(() => import("./liveJob.ts"))
    const log = yield* ended(server, jobId, after ?? 0)
    return yield* log === undefined ? Effect.fail(otherwise) : Stream.runForEachArray(log, write)
  })

const shownElsewhere = new Set(["_tag", "seq", "cycle", "agent", "each"])

/** The most characters of a line that says why something failed. */
const widestCause = 2_000

const eventLine = (event: AnyEvent, { style, width }: Page): string => {
  const { _tag, cycle, seq } = event
  const named = "agent" in event ? event["agent"] : undefined
  const agent = typeof named === "string" ? oneLine(named === "" ? "signal" : named) : ""
  const about = "each" in event ? event["each"] : undefined
  const each = isRef(about) ? ` on ${nameOf(about)}` : ""
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
  if (isConflict(cause)) return `${cause._tag}: ${conflictText(cause)}`
  if (!("error" in cause) && !("message" in cause)) return undefined
  return `${String(cause._tag)}: ${[...new Set(textsOf("error" in cause ? cause.error : cause))].join(": ")}`
}

type Conflict = Extract<EventCause, { readonly _tag: "MergeConflict" }>

const isConflict = (cause: { readonly _tag: unknown }): cause is Conflict =>
  cause._tag === "MergeConflict" && "agents" in cause && Array.isArray(cause.agents)

/** Tuning: characters of a value that clashed. */
const widestSide = 200

/** Both sides of a conflict. */
const conflictText = (cause: Conflict): string => {
  const [first, second] = cause.agents.map((agent) => JSON.stringify(agent))
  const sideOf = (value: unknown): string => truncate(inlineJson(toPlain(value) ?? null), widestSide)
  return `${nameOf(cause)} is ${sideOf(cause.existing)} from ${first}, and ${second} proposed ${sideOf(cause.proposed)}`
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

const isRef = (value: unknown): value is FactRef =>
  typeof value === "object" && value !== null && "kind" in value && "id" in value
