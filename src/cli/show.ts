/**
 * `converge show`: one stored job, as it is now. Boundary: a journal in, a page or JSON out.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Usage } from "../program/Budget.ts"
import * as Journal from "../journal/Journal.ts"
import type { JobResult } from "../outcome/JobResult.ts"
import { JobStore, type StoredJournal } from "../store/index.ts"
import { ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { jobJson } from "./jobs.ts"
import { showLive } from "./liveJob.ts"
import { attributesLine } from "./attributes.ts"
import { factsJson, type JobOptions, moment, type Page, properties, show as print } from "./storedJobs.ts"
import * as Report from "./report.ts"
import { cyclesOf, type Standing, standingOf } from "./standing.ts"
import { jobIdOf } from "./storeFile.ts"
import { bytes, duration, indent, oneLine, plural, thousands, toPlain, wrap } from "./text.ts"
import type { Cause } from "../outcome/Cause.ts"
import { Examination } from "../outcome/diagnosis.ts"
import { fromCause } from "../outcome/fromCause.ts"
import { errorToJson } from "../outcome/resultJson.ts"
import { endIn } from "../journal/edges.ts"
import { reviveCause } from "../journal/causes.ts"

type ReadError = Effect.Error<ReturnType<typeof Journal.replay>>

interface Shown {
  readonly journal: StoredJournal
  readonly standing: Standing
  /** The replayed job; undefined if the journal is corrupt, and then `corrupt` says where. */
  readonly replayed: Journal.Replayed | undefined
  readonly corrupt: string | undefined
  readonly usage: Usage | undefined
  readonly output: unknown
  readonly cause: Cause | undefined
  /** One sentence that says why the job stands where it does. */
  readonly headline: string
}

export interface ShowOptions extends Omit<JobOptions, "store"> {
  readonly store: string | undefined
  readonly server: string | undefined
  readonly facts: boolean
}

/** Shows a job of a store, or of the server that is named. */
export const show = (host: Host, options: ShowOptions): Effect.Effect<number, Failed> => {
  const { server, store } = options
  if (store === undefined)
    return Effect.flatMap(jobIdOf(options.args, options.id), (id) => showLive(host, { ...options, id }))
  if (server === undefined) return showStored(host, { ...options, store })
  return Effect.fail(new UsageError({ message: "give --store or --server, and not both" }))
}

const showStored = (host: Host, options: JobOptions & { readonly facts: boolean }): Effect.Effect<number, Failed> =>
  Effect.flatMap(jobIdOf(options.args, options.id), (jobId) =>
    print(
      host,
      options,
      Effect.gen(function* () {
        const { load } = yield* JobStore
        const journal = yield* load(jobId)
        const { corrupt: changedRow, value: replayed } = yield* orCorrupt(Journal.replay(jobId))
        const { corrupt: changedEnd, value: end } = yield* orCorrupt(endIn(journal))
        const corrupt = changedRow ?? changedEnd
        const cause = end === undefined || end.cause === null ? undefined : reviveCause(end.cause)
        const usage = end?.usage ?? replayed?.usage
        return {
          journal,
          standing: yield* standingOf(journal),
          replayed,
          corrupt,
          usage,
          output: toPlain(end?.output),
          cause,
          headline: yield* headlineOf(jobId)
        }
      }),
      (shown) => jsonOf(shown, options.facts),
      (shown, page) => pageOf(shown, options.facts, page),
      ({ corrupt }) => (corrupt === undefined ? 0 : ExitCode.failed)
    )
  )

/** Examines the events of a job: those before the corrupt part, if there is one. */
const headlineOf = Effect.fnUntraced(function* (jobId: string) {
  const examination = new Examination()
  const events = yield* Journal.events(jobId)
  yield* orCorrupt(Stream.runForEach(events, (event) => Effect.sync(() => examination.add(event))))
  return examination.result.headline
})

/** A part of a journal, or the message about it if it is corrupt. */
const orCorrupt = <A, R>(read: Effect.Effect<A, ReadError, R>) =>
  Effect.matchEffect(read, {
    onSuccess: (value) => Effect.succeed({ value, corrupt: undefined }),
    onFailure: (error) =>
      error._tag === "JournalCorrupt"
        ? Effect.succeed({ value: undefined, corrupt: error.message })
        : Effect.fail(error)
  })

/** The result of the job, as if it had just ended. */
const resultOf = ({ journal, output, replayed, usage }: Shown): JobResult | undefined => {
  if (replayed === undefined || usage === undefined) return undefined
  const { context, diagnostics, hash, intents, jobId, program, version } = replayed
  const cycles = cyclesOf(journal)
  const status = journal.status ?? "cancelled"
  return {
    jobId,
    program,
    status,
    cycles,
    version,
    hash,
    usage: { ...usage, cycles },
    context,
    output,
    intents,
    diagnostics
  }
}

const errorOf = (shown: Shown) => {
  const result = resultOf(shown)
  if (shown.cause === undefined || result === undefined) return undefined
  return fromCause(shown.cause, result.jobId, { ...result, output: undefined })
}

const jsonOf = (shown: Shown, isAll: boolean) => {
  const { corrupt, journal, output, replayed, standing } = shown
  const result = resultOf(shown)
  const error = errorOf(shown)
  return {
    ...jobJson(journal, standing),
    headline: shown.headline,
    programVersion: replayed?.programVersion ?? null,
    tier: replayed?.tier ?? null,
    version: replayed?.version ?? null,
    input: replayed?.input ?? null,
    usage: result?.usage ?? null,
    facts: replayed === undefined ? null : factsJson(replayed.context, isAll),
    output: output ?? null,
    intents: replayed?.intents ?? null,
    unanswered: journal.status === undefined ? (replayed?.unanswered ?? null) : [],
    diagnostics: (replayed?.diagnostics ?? []).map(({ agent, cause, cycle, each }) => ({
      cycle,
      agent,
      each: each ?? null,
      cause: errorToJson(cause)
    })),
    error: error === undefined ? null : errorToJson(error),
    corrupt: corrupt ?? null
  }
}

/** Why a job is quarantined, and the command that tries it again. */
const quarantineOf = ({ attempts, jobId }: StoredJournal): string | undefined => {
  const reason = attempts?.quarantine
  return reason === undefined ? undefined : `${reason}. "converge resume --id ${jobId}" tries it again`
}

const pageOf = (shown: Shown, isAll: boolean, { style, width }: Page): string => {
  const { corrupt, journal, output, replayed, standing, usage } = shown
  const result = resultOf(shown)
  const error = errorOf(shown)
  const options = { style, width, facts: isAll, output }
  const version = replayed?.programVersion ?? ""
  const spent =
    usage === undefined
      ? undefined
      : [
          plural(usage.facts, "fact"),
          plural(usage.agents, "task"),
          bytes(usage.contextBytes),
          duration(usage.durationMs)
        ]
          .concat(usage.cpuMs >= 1 ? [`cpu ${duration(usage.cpuMs)}`] : [])
          .concat(usage.tokens > 0 ? [plural(usage.tokens, "token")] : [])
          .concat(usage.cost > 0 ? [`cost ${usage.cost}`] : [])
          .join("  ")
  const status = Report.statusLine(standing, oneLine(journal.jobId), style)
  const head = `${status}\n${indent(wrap(oneLine(shown.headline), width - 2), "  ")}`
  const rows = properties(
    [
      ["program", `${oneLine(journal.program)}${version === "" ? "" : `  version ${oneLine(version)}`}`],
      ["attributes", attributesLine(journal)],
      ["cycles", thousands(cyclesOf(journal))],
      ["used", spent],
      ["created", moment(journal.createdAt)],
      ["ended", journal.haltedAt === undefined ? undefined : moment(journal.haltedAt)],
      ["quarantined", quarantineOf(journal)],
      ["hash", journal.hash]
    ],
    style
  )
  const sections = [
    `${head}\n${rows}`,
    corrupt === undefined ? "" : style("red", oneLine(corrupt)),
    error === undefined ? "" : Report.failure(error, options),
    ...(result === undefined
      ? []
      : [
          Report.facts(result, options),
          Report.output(options),
          Report.intents(result, style),
          journal.status === undefined ? Report.unanswered(replayed?.unanswered ?? [], style) : "",
          Report.diagnostics(result, options)
        ])
  ]
  return sections.filter((section) => section !== "").join("\n\n")
}
