/**
 * `converge rehearse`: new code over the jobs of a store, before it is deployed. Boundary: composition; src/testing plays the
 * jobs.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Effect from "effect/Effect"
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/index.ts"
import {
  recording,
  type Recording,
  rehearse as rehearsed,
  type RehearsedFact,
  type RehearsedJob
} from "../testing/Testing.ts"
import { ExitCode, type Failed } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { choose, load, type LoadedModule } from "./programs.ts"
import { asFailed, type Page } from "./storedJobs.ts"
import { openForReading } from "./storeFile.ts"
import { indent, inlineJson, oneLine, plural, printable, thousands, toPlain, truncate } from "./text.ts"

export interface RehearseOptions {
  readonly module: string
  readonly program: string | undefined
  readonly store: string
  /** The ids of jobs; none: all jobs of the program. */
  readonly job: ReadonlyArray<string>
  readonly json: boolean
}

/** Runs stored jobs with the module's program, and prints what comes out otherwise. */
export const rehearse = (
  host: Host,
  options: RehearseOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const module = yield* load(options.module)
    const read = recordings(module, options).pipe(
      Effect.mapError(asFailed),
      Effect.provide(openForReading(options.store))
    )
    const { program, recorded } = yield* read
    const { jobs } = yield* Effect.mapError(rehearsed(program, recorded), asFailed)
    const text = options.json
      ? JSON.stringify({ program: program.name, jobs: jobs.map(jobJson) })
      : pageOf(program, jobs, look())
    yield* host.write(`${text}\n`)
    return jobs.every((job) => !isOtherwise(job)) ? 0 : ExitCode.failed
  }).pipe(Effect.scoped)

const recordings = (module: LoadedModule, options: RehearseOptions) =>
  Effect.gen(function* () {
    const [first] = options.job
    const store = yield* JobStore
    const isOne = module.programs.length < 2 || options.program !== undefined || first === undefined
    const program = yield* choose(module, isOne ? options.program : (yield* store.load(first)).program)
    const recorded: Array<Recording> = []
    for (const id of options.job.length > 0 ? options.job : yield* idsOf(program)) recorded.push(yield* recording(id))
    return { program, recorded }
  })

/** The ids of all jobs of a program, oldest first. */
const idsOf = (program: Program.Any) =>
  Effect.gen(function* () {
    const store = yield* JobStore
    const ids: Array<string> = []
    let cursor: string | undefined
    do {
      const page = yield* store.list({ cursor, program: compiledOf(program).name })
      ids.push(...page.jobs.map(({ jobId }) => jobId))
      cursor = page.cursor
    } while (cursor !== undefined)
    return ids.toReversed()
  })

const isOtherwise = ({ after, before, facts, unanswered }: RehearsedJob): boolean =>
  facts.length > 0 || unanswered.length > 0 || (before !== after && before !== "unfinished")

const jobJson = ({ facts, unanswered, ...job }: RehearsedJob) => ({
  ...job,
  facts: facts.map(({ after = null, before = null, ...fact }) => ({ ...fact, before, after })),
  unanswered: unanswered.map(({ each = null, ...rest }) => ({ ...rest, each }))
})

/** Facts of a job that are shown. */
const mostShown = 50

const pageOf = (program: Program.Any, jobs: ReadonlyArray<RehearsedJob>, page: Page): string => {
  const { style } = page
  const others = jobs.filter(isOtherwise)
  const name = oneLine(program.name)
  const head =
    others.length === 0
      ? style("green", `✔ ${plural(jobs.length, "job")} of ${name} would have come out the same`)
      : style(
          "red",
          `✖ ${thousands(others.length)} of ${plural(jobs.length, "job")} of ${name} would have come out otherwise`
        )
  return [head, ...others.map((job) => jobPage(job, page))].join("\n")
}

const jobPage = ({ after, before, facts, jobId, message, unanswered }: RehearsedJob, page: Page): string => {
  const { style, width } = page
  const ends = before === after ? `ends with ${after}, as before` : `ends with ${after}, not with ${before}`
  const why = message === "" ? [] : [truncate(oneLine(message), width)]
  const missed = unanswered.map(({ why }) => `no answer: ${oneLine(why)}`)
  const lines = facts.slice(0, mostShown).map((fact) => factLine(fact, page))
  const more = facts.length > mostShown ? [`and ${thousands(facts.length - mostShown)} more facts`] : []
  return [
    `\n${style("bold", oneLine(jobId))} ${ends}`,
    indent([...why, ...missed, ...lines, ...more].join("\n"), "  ")
  ].join("\n")
}

const factLine = ({ after, agent, before, cycle, fact, what }: RehearsedFact, { style, width }: Page): string => {
  const colour = { added: "green", missing: "red", changed: "yellow" } as const
  const by = agent === "" ? "" : ` by ${JSON.stringify(agent)}`
  const shown = (value: unknown): string => printable(truncate(inlineJson(toPlain(value) ?? null), width))
  const values =
    what === "changed" ? `${shown(before)} became ${shown(after)}` : shown(what === "added" ? after : before)
  return `${style(colour[what], what)} ${oneLine(`${fact.kind}/${fact.id}`)}, cycle ${thousands(cycle)}${by}: ${values}`
}
