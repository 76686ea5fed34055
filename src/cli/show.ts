/**
 * `converge show`: one job of a store or of a server, as it is now. Boundary: a journal in, a page or JSON out.
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Journal from "../journal/Journal.ts"
import { readHeader } from "../journal/parts.ts"
import type { JournalHeader } from "../journal/records.ts"
import type { DecidedQuestion } from "../outcome/decisions.ts"
import { Examination } from "../outcome/diagnosis.ts"
import { errorToJson } from "../outcome/resultJson.ts"
import type { JobEvent } from "../outcome/JobEvent.ts"
import { JobStore, type StoredJournal } from "../store/index.ts"
import { ExitCode, type Failed } from "./exitCode.ts"
import type { HeldJob } from "./heldJob.ts"
import type { Host } from "./hostProcess.ts"
import { jobJson } from "./jobs.ts"
import { attributesLine } from "./attributes.ts"
import { commandLine, shellWord } from "./pasted.ts"
import type { Place } from "./place.ts"
import * as Report from "./report.ts"
import { isWithoutJournals } from "./serverError.ts"
import { type Standing, standingOf, standingsOf } from "./standing.ts"
import { cyclesOf } from "../store/cycles.ts"
import { errorIn, orCorrupt, readJob, type ReadJob, resultIn } from "./storedEnd.ts"
import { factsJson, type JobOptions, moment, type Page, properties, showAt } from "./storedJobs.ts"
import { jobIdOf } from "./storeFile.ts"
import { heldJson, heldPage } from "./heldReport.ts"
import { type TasksNow, tasksText } from "./tasksNow.ts"
import { indent, oneLine, thousands, wrap } from "./text.ts"

/** A job with what else is shown of it. `tasks`: those of the moment, of an unfinished job of a server. */
type Shown = {
  readonly tasks: TasksNow | undefined
} & (
  | {
      readonly _tag: "Stored"
      readonly read: ReadJob
      readonly standing: Standing
      /** One sentence that says why the job stands where it does. */
      readonly headline: string
      /** Whether a pause was asked for that has not come yet. */
      readonly isPausing: boolean
      /** The job and the cycle that a fork began with. */
      readonly forkOf: JournalHeader["forkOf"]
      /** The newest decisions about approvals, oldest first. */
      readonly decisions: ReadonlyArray<DecidedQuestion>
      /** The number of decisions before these. */
      readonly olderDecisions: number
      readonly children: ReadonlyArray<Standing>
      /** Whether there are more children than these. */
      readonly hasMoreChildren: boolean
    }
  | { readonly _tag: "Held"; readonly held: HeldJob }
)

type StoredJobShown = Extract<Shown, { readonly _tag: "Stored" }>

export interface ShowOptions extends JobOptions {
  readonly facts: boolean
}

/** Shows a job of a store, or of a server. */
export const show = (host: Host, options: ShowOptions): Effect.Effect<number, Failed> =>
  Effect.flatMap(jobIdOf(options.args, options.id), (jobId) =>
    showAt(host, options, (place) => shownAt(place, jobId, options.facts), {
      json: (shown) => ({
        ...(shown._tag === "Held" ? heldJson(shown.held) : jsonOf(shown, options.facts)),
        ...(shown.tasks === undefined ? {} : { tasks: shown.tasks })
      }),
      page: (shown, page) =>
        (shown._tag === "Held" ? heldPage(shown.held, page) : pageOf(shown, options.facts, page)) +
        tasksText(shown.tasks, page),
      codeOf: (shown) => (shown._tag === "Held" || shown.read.corrupt === undefined ? 0 : ExitCode.failed)
    })
  )

const shownAt = (place: Place, jobId: string, isAll: boolean) =>
  Effect.gen(function* () {
    const stored = Effect.gen(function* () {
      const read = yield* readJob(jobId)
      const standing = yield* standingOf(read.journal)
      const { cycle, headline: said, ...decided } = yield* examined(jobId)
      const headline = read.corrupt === undefined ? said : corruptHeadline(read.journal, standing, cycle)
      const { value: header } = yield* orCorrupt(readHeader(read.journal))
      const began = { isPausing: false, forkOf: header?.forkOf }
      return { _tag: "Stored" as const, read, standing, headline, ...began, ...decided, ...(yield* childrenOf(jobId)) }
    })
    if (place._tag === "File") return { ...(yield* stored), tasks: undefined }
    const live = yield* Effect.promise(() => import("./liveJob.ts"))
    const found = yield* Effect.catchIf(stored, isWithoutJournals, () => live.held(place, jobId, isAll))
    const hasEnded = found._tag === "Held" ? found.held.job.result !== null : found.read.journal.status !== undefined
    if (hasEnded) return { ...found, tasks: undefined }
    const tasks = yield* live.tasksNow(place, jobId)
    if (found._tag === "Held" || found.standing !== "running") return { ...found, tasks }
    return { ...found, tasks, ...(yield* live.standingNow(place, jobId)) }
  })

/** The standings of the newest children of a job. A server of an earlier version lists other jobs, too. */
const childrenOf = Effect.fnUntraced(function* (jobId: string) {
  const store = yield* JobStore
  const { cursor, jobs } = yield* store.list({ parent: jobId, limit: countedChildren })
  const children = jobs.filter(({ parent }) => parent === jobId)
  return { children: yield* standingsOf(children), hasMoreChildren: cursor !== undefined && children.length > 0 }
})

/** Tuning: children whose standings are read. */
const countedChildren = 100

/** The number of children, and of those in each state. */
const childrenText = ({ children, hasMoreChildren }: StoredJobShown): string | undefined => {
  if (children.length === 0) return undefined
  const counts = [...Map.groupBy(children, (standing) => standing)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([standing, all]) => `${all.length} ${standing}`)
  if (hasMoreChildren) return `more than ${children.length}, of the newest ${counts.join(", ")}`
  return `${children.length}: ${counts.join(", ")}`
}

/** Examines the events of a job, up to the corrupt part if there is one. `cycle`: the last one that is committed in them. */
const examined = Effect.fnUntraced(function* (jobId: string) {
  const examination = new Examination()
  let cycle: number | undefined
  const add = (event: JobEvent): void => {
    examination.add(event)
    cycle = Math.max(cycle ?? 0, event._tag === "CycleStarted" ? event.cycle - 1 : event.cycle)
  }
  const events = yield* Effect.map(orCorrupt(Journal.events(jobId)), ({ value }) => value ?? Stream.empty)
  yield* orCorrupt(Stream.runForEach(events, (event) => Effect.sync(() => add(event))))
  const { decisions, headline, olderDecisions } = examination.result
  return { cycle, decisions, headline, olderDecisions }
})

/** The knowledge of a job with a corrupt journal: the word of the store, and the cycles before the corrupt part. */
const corruptHeadline = ({ jobId }: StoredJournal, standing: Standing, cycle: number | undefined): string => {
  const word = `The store has the job as ${standing}, but its journal is corrupt`
  if (cycle === undefined) return `${word} from its beginning, so nothing else is known of it.`
  const how = commandLine("replay", [shellWord(jobId)], [["--at", String(cycle)]])
  return `${word} after cycle ${thousands(cycle)}. The cycles up to that one are known: "${how}" shows the job as it was then.`
}

const jsonOf = (
  { decisions, forkOf, headline, isPausing, olderDecisions, read, standing }: StoredJobShown,
  isAll: boolean
) => {
  const { corrupt, journal, output, replayed } = read
  const result = resultIn(read)
  const error = errorIn(read)
  return {
    ...jobJson(journal, standing),
    ...(forkOf === undefined ? {} : { forkOf }),
    ...(isPausing ? { pausing: true } : {}),
    headline,
    programVersion: replayed?.programVersion ?? null,
    tier: replayed?.tier ?? null,
    version: replayed?.version ?? null,
    input: replayed?.input ?? null,
    usage: result?.usage ?? null,
    facts: replayed === undefined ? null : factsJson(replayed.context, isAll),
    output: output ?? null,
    intents: replayed?.intents ?? null,
    unanswered: journal.status === undefined ? (replayed?.unanswered ?? null) : [],
    decisions: decisions.map(({ question = null, ...decision }) => ({ ...decision, question })),
    olderDecisions,
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
  return reason === undefined
    ? undefined
    : `${reason}. "${commandLine("resume", [], [["--id", jobId]])}" tries it again`
}

const pageOf = (shown: StoredJobShown, isAll: boolean, { style, width }: Page): string => {
  const { forkOf, headline, isPausing, read, standing } = shown
  const { corrupt, journal, output, replayed, usage } = read
  const result = resultIn(read)
  const error = errorIn(read)
  const options = { style, width, facts: isAll, output, most: isAll ? undefined : Report.mostShown }
  const version = replayed?.programVersion ?? ""
  const status = Report.statusLine(standing, oneLine(journal.jobId), style)
  const head = `${status}\n${indent(wrap(oneLine(headline), width - 2), "  ")}`
  const rows = properties(
    [
      ["program", `${oneLine(journal.program)}${version === "" ? "" : `  version ${oneLine(version)}`}`],
      ["attributes", attributesLine(journal)],
      ["parent", journal.parent === undefined ? undefined : oneLine(journal.parent)],
      ["fork of", Report.forkedFrom(forkOf)],
      ["children", childrenText(shown)],
      ["pause", isPausing ? Report.pauseToCome : undefined],
      ["cycles used", thousands(cyclesOf(journal))],
      ["used", Report.used(usage)],
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
          Report.decisions(shown, options),
          Report.diagnostics(result, options)
        ])
  ]
  return sections.filter((section) => section !== "").join("\n\n")
}
