/**
 * `converge rehearse`: new code over the jobs of a store, before it is deployed.
 *
 * Each job is rehearsed with the child jobs below it. A job that cannot be rehearsed is named, with the reason, and others go on.
 * Boundary: composition; src/testing plays the jobs.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import type { InvalidProgram, StartError } from "../outcome/JobError.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/index.ts"
import {
  recording,
  rehearse as rehearsed,
  type RehearsedFact,
  type RehearsedIntent,
  type RehearsedJob,
  type SkippedJob
} from "../testing/Testing.ts"
import { type ChildRef, childJobsOf } from "../testing/storedChildren.ts"
import { ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { choose, load, type LoadedModule } from "./programs.ts"
import { type Placed, placeOf } from "./place.ts"
import { asFailed, openPlace, type Page } from "./storedJobs.ts"
import { indent, inlineJson, oneLine, plural, printable, thousands, toPlain, truncate } from "./text.ts"

export interface RehearseOptions extends Placed {
  readonly module: string
  readonly program: string | undefined
  /** The ids of jobs; none: all jobs of the program. */
  readonly job: ReadonlyArray<string>
  readonly json: boolean
}

/** The jobs that were rehearsed, and those that were not. */
interface Report {
  readonly program: string
  readonly jobs: ReadonlyArray<RehearsedJob>
  readonly skipped: ReadonlyArray<SkippedJob>
  /** The number of jobs of each other program in the store. Empty if jobs were chosen by their ids. */
  readonly others: ReadonlyMap<string, number>
}

/** Runs stored jobs with the module's program, and prints what comes out otherwise. */
export const rehearse = (
  host: Host,
  options: RehearseOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const module = yield* load(options.module)
    const place = yield* placeOf(options)
    const report = yield* reported(module, options).pipe(Effect.mapError(asFailed), Effect.provide(openPlace(place)))
    yield* host.write(`${options.json ? JSON.stringify(reportJson(report)) : pageOf(report, look())}\n`)
    // Where nothing was rehearsed, nothing is known.
    return report.jobs.length === 0 || report.jobs.some(({ isOtherwise }) => isOtherwise) ? ExitCode.failed : 0
  }).pipe(Effect.scoped)

const reported = (module: LoadedModule, options: RehearseOptions) =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const [first] = options.job
    const isOne = module.programs.length < 2 || options.program !== undefined || first === undefined
    const program = yield* choose(module, isOne ? options.program : (yield* store.load(first)).program)
    const others = new Map<string, number>()
    const jobs = first === undefined ? yield* listed(program.name, others) : options.job
    const walk = new Walk(program, module.programs)
    for (const jobId of jobs) yield* walk.visit(jobId, first !== undefined)
    // The children of these jobs are no jobs of others.
    for (const name of walk.seen.values()) {
      const left = (others.get(name) ?? 0) - 1
      if (left > 0) others.set(name, left)
      else others.delete(name)
    }
    const { jobs: rehearsedJobs, skipped } = walk
    const byName = [...others].sort(([a], [b]) => (a < b ? -1 : 1))
    return { program: program.name, jobs: rehearsedJobs, skipped, others: new Map(byName) }
  })

/** The ids of all jobs of a program, oldest first. Jobs of other programs are counted. */
const listed = (program: string, others: Map<string, number>) =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const ids: Array<string> = []
    let cursor: string | undefined
    do {
      const page = yield* store.list({ cursor, limit: 1_000 })
      for (const { jobId, program: name } of page.jobs) {
        if (name === program) ids.push(jobId)
        else others.set(name, (others.get(name) ?? 0) + 1)
      }
      cursor = page.cursor
    } while (cursor !== undefined)
    return ids.toReversed()
  })

/** Rehearses jobs one after the other, each with the child jobs below it. Only reports are held, and no recordings. */
class Walk {
  readonly jobs: Array<RehearsedJob> = []
  readonly skipped: Array<SkippedJob> = []
  /** The programs of the jobs that were met, by their ids. */
  readonly seen = new Map<string, string>()
  private readonly program: Program.Any
  private readonly programs: ReadonlyArray<Program.Any>

  constructor(program: Program.Any, programs: ReadonlyArray<Program.Any>) {
    this.program = program
    this.programs = programs
  }

  /** `isChosen`: somebody named the job, so a job that cannot be read, or of another program, is a failure. */
  visit(jobId: string, isChosen: boolean): Effect.Effect<undefined, VisitError, JobStore> {
    return Effect.gen({ self: this }, function* () {
      if (this.seen.has(jobId)) return undefined
      const store = yield* JobStore
      const { program } = yield* store.load(jobId)
      this.seen.set(jobId, program)
      const read = recording(jobId)
      const recorded = yield* isChosen ? read : Effect.catchTag(read, "JournalCorrupt", Effect.succeed)
      if ("_tag" in recorded) {
        this.skipped.push({ jobId, program, why: `its journal is not intact: ${recorded.message}` })
        return undefined
      }
      if (isChosen && program !== this.program.name) {
        return yield* new UsageError({
          message: `job ${oneLine(jobId)} is of the program ${JSON.stringify(program)}, not of ${JSON.stringify(this.program.name)}`
        })
      }
      const { jobs, skipped } = yield* rehearsed(this.program, [recorded], { children: this.programs })
      this.jobs.push(...jobs)
      this.skipped.push(...skipped.map((job) => (job.program === program ? this.named(job) : job)))
      for (const child of yield* childJobsOf(recorded)) yield* this.child(child)
      return undefined
    })
  }

  private child({ isAnswered, jobId, program }: ChildRef): Effect.Effect<void, VisitError, JobStore> {
    return Effect.catchIf(
      this.visit(jobId, false),
      (error) => error._tag === "StoreError" && error.reason === "missing",
      () =>
        Effect.sync(() => {
          if (isAnswered) this.skipped.push({ jobId, program, why: "the store does not have this child job" })
        })
    )
  }

  private named(job: SkippedJob): SkippedJob {
    const isKnown = this.programs.some(({ name }) => name === job.program)
    return isKnown ? job : { ...job, why: `the module exports no program ${JSON.stringify(job.program)}` }
  }
}

type VisitError = StartError | InvalidProgram | Failed

const reportJson = ({ jobs, others, ...report }: Report) => ({
  ...report,
  jobs: jobs.map(jobJson),
  others: Object.fromEntries(others)
})

const jobJson = ({ facts, intents, unanswered, ...job }: RehearsedJob) => ({
  ...job,
  facts: facts.map(({ after = null, before = null, ...fact }) => ({ ...fact, before, after })),
  intents: intents.map(({ after = null, before = null, each = null, ...rest }) => ({ ...rest, each, before, after })),
  unanswered: unanswered.map(({ each = null, ...rest }) => ({ ...rest, each }))
})

/** Facts and intents of a job that are shown. */
const mostShown = 50

/** Jobs that are named with the same note, and jobs that were skipped, of which each is shown. */
const mostNamed = 10

const pageOf = (report: Report, page: Page): string => {
  const { jobs, program } = report
  const { style } = page
  const others = jobs.filter(({ isOtherwise }) => isOtherwise)
  const name = oneLine(program)
  const children = jobs.filter((job) => job.program !== program).length
  if (jobs.length === 0) {
    const why = report.skipped.length === 0 ? `no job of ${name} in the store` : `no job of ${name} could be rehearsed`
    return [style("red", `✖ ${why}`), ...reachOf(report, page)].join("\n")
  }
  const which = `${plural(jobs.length, "job")} of ${name}${children === 0 ? "" : `, child jobs included,`}`
  const head =
    others.length === 0
      ? style("green", `✔ ${which} would have come out the same`)
      : style("red", `✖ ${thousands(others.length)} of ${which} would have come out otherwise`)
  return [head, ...others.map((job) => jobPage(job, page)), ...reachOf(report, page)].join("\n")
}

/** The lines about what was not rehearsed, or not whole. */
const reachOf = ({ jobs, others, skipped }: Report, { style }: Page): ReadonlyArray<string> => {
  const noted = Map.groupBy(
    jobs
      .filter(({ isOtherwise }) => !isOtherwise)
      .flatMap(({ jobId, notes }) => notes.map((note) => ({ jobId, note }))),
    ({ note }) => note
  )
  const names = (ids: ReadonlyArray<string>): string =>
    `${ids.slice(0, mostNamed).map(oneLine).join(", ")}${ids.length > mostNamed ? ` and ${thousands(ids.length - mostNamed)} more` : ""}`
  const notes = [...noted].map(([note, of]) => `${names(of.map(({ jobId }) => jobId))}: ${oneLine(note)}`)
  const missed = skipped
    .slice(0, mostNamed)
    .map(({ jobId, why }) => `${oneLine(jobId)} was not rehearsed: ${oneLine(why)}`)
  const more = skipped.length > mostNamed ? [`and ${plural(skipped.length - mostNamed, "more job")} not either`] : []
  const counts = [...others].map(([program, count]) => `${oneLine(program)} ${thousands(count)}`).join(", ")
  const rest = counts === "" ? [] : [`jobs of other programs were not rehearsed: ${counts}`]
  return [...notes, ...missed, ...more, ...rest].map((line) => style("dim", line))
}

const jobPage = (job: RehearsedJob, page: Page): string => {
  const { after, before, facts, intents, jobId, message, notes, unanswered } = job
  const { style, width } = page
  const ends = before === after ? `ends with ${after}, as before` : `ends with ${after}, not with ${before}`
  const why = message === "" ? [] : [truncate(oneLine(message), width)]
  const missed = unanswered.map(({ why }) => `no answer: ${oneLine(why)}`)
  const lines = [...facts.map((fact) => factLine(fact, page)), ...intents.map((intent) => intentLine(intent, page))]
  const more = lines.length > mostShown ? [`and ${thousands(lines.length - mostShown)} more facts and intents`] : []
  const reach = notes.map((note) => style("dim", oneLine(note)))
  return [
    `\n${style("bold", oneLine(jobId))} ${ends}`,
    indent([...why, ...missed, ...lines.slice(0, mostShown), ...more, ...reach].join("\n"), "  ")
  ].join("\n")
}

const factLine = (difference: RehearsedFact, page: Page): string => {
  const { agent, cycle, fact } = difference
  const by = agent === "" ? "" : ` by ${JSON.stringify(agent)}`
  return differenceLine(difference, `${fact.kind}/${fact.id}, cycle ${thousands(cycle)}${by}`, page)
}

const intentLine = (difference: RehearsedIntent, page: Page): string => {
  const { agent, cycle, each, intent } = difference
  const on = each === undefined ? "" : ` on ${each.kind}/${each.id}`
  return differenceLine(
    difference,
    `intent ${intent}, cycle ${thousands(cycle)} of ${JSON.stringify(agent)}${on}`,
    page
  )
}

const differenceLine = (
  { after, before, what }: Pick<RehearsedFact, "after" | "before" | "what">,
  name: string,
  { style, width }: Page
): string => {
  const colour = { added: "green", missing: "red", changed: "yellow" } as const
  const shown = (value: unknown): string => printable(truncate(inlineJson(toPlain(value) ?? null), width))
  const values =
    what === "changed" ? `${shown(before)} became ${shown(after)}` : shown(what === "added" ? after : before)
  return `${style(colour[what], what)} ${oneLine(name)}: ${values}`
}
