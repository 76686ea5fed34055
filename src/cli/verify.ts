/**
 * `converge verify`: checks that a program is deterministic, or that the journals of a store are intact.
 *
 * A program is run several times, with other numbers of workers and with tasks that end in another order. All runs must
 * agree on every byte of the journal's texts, the hash, the context and the event log (G3). If a run differs, the report names
 * the first cycle and outcome that differ. Boundary: composition; testing/differences.ts compares
 * runs, and testing/shuffle.ts changes the order.
 */
import type * as NodeServices from "@effect/platform-node/NodeServices"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Engine from "../engine/Engine.ts"
import { resultToJson } from "../outcome/resultJson.ts"
import * as Journal from "../journal/Journal.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import { layerMemoryJournal, StoreFile } from "../store/index.ts"
import { arrivalsJson, arrivalsPage, checkArrivals, isConfluent, readSignals, waitingLines } from "./arrivals.ts"
import { ExitCode, type Failed, UsageError } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import * as Input from "./input.ts"
import { begin, engineOver, look, poolOf, provideModule, warnOf } from "./jobRun.ts"
import { givenPlace, type Place, type Placed } from "./place.ts"
import { onStore, openPlace, type Page, properties } from "./storedJobs.ts"
import { choose, isModule, load, type LoadedModule } from "./programs.ts"
import { diagnostics } from "./report.ts"
import { isDefect } from "../outcome/JobResult.ts"
import { differenceOf, type RunDifference } from "../testing/differences.ts"
import { withoutRoot } from "../testing/rest.ts"
import { recordRun, type RunRecord } from "../testing/runs.ts"
import { shuffled, shuffledPool } from "../testing/shuffle.ts"
import { LogsEnd } from "../job/ending.ts"
import { cyclesOf } from "../store/cycles.ts"
import { openForReading, startFailure } from "./storeFile.ts"
import { duration, indent, oneLine, plural, pretty, printable, table, thousands, toPlain, truncate } from "./text.ts"
import { monotonicMs } from "../platform/monotonicMs.ts"

export interface VerifyOptions extends Placed {
  /** A module, or with a store or a server the ids of jobs. */
  readonly args: ReadonlyArray<string>
  readonly program: string | undefined
  readonly input: string | undefined
  readonly inputFile: string | undefined
  readonly workers: string
  readonly shuffles: number
  /** Whether to try orders of arrival, too. */
  readonly arrivals: boolean
  /** The file of the signals that arrive, too. */
  readonly signals: string | undefined
  readonly id: string | undefined
  readonly json: boolean
  readonly quiet: boolean
}

const unclear = (): UsageError =>
  new UsageError({ message: "verify needs one module, or --store or --server and ids of jobs" })

/**
 * The place of the jobs to check. Undefined if a module is to be run. A place of the environment counts for arguments that
 * cannot be a module.
 */
const placeToCheck = (options: VerifyOptions): Effect.Effect<Place | undefined, UsageError> =>
  Effect.gen(function* () {
    const { args, id, server, store } = options
    const [first, ...rest] = args
    const isOfJobs = store !== undefined || server !== undefined || id !== undefined || first === undefined
    if (!isOfJobs && rest.length === 0 && (yield* isModule(first))) return undefined
    const place = yield* givenPlace(options)
    if (place !== undefined) return place
    // Without a place, one argument is a module that cannot be found, which is said when it is loaded.
    return isOfJobs || rest.length > 0 ? yield* unclear() : undefined
  })

export const verify = (host: Host, options: VerifyOptions): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    const place = yield* placeToCheck(options)
    if (options.signals !== undefined && (!options.arrivals || place !== undefined)) {
      return yield* new UsageError({ message: "--signals needs --arrivals and a module" })
    }
    const [module] = options.args
    if (place !== undefined) return yield* verifyStore(host, place, options)
    return module === undefined ? yield* unclear() : yield* verifyProgram(host, module, options)
  })

/* ---------------------------------------------------------------- a program */

/** The parameters of a run. `shuffle`: the seed of the order; undefined means the natural order. */
interface Way {
  readonly workers: number
  readonly shuffle: number | undefined
}

/** A run, and how long it took. */
interface Outcome extends RunRecord {
  readonly way: Way
  readonly tookMs: number
}

/** The first place in which a run differs from the first one. */
interface Difference extends RunDifference {
  readonly way: Way
}

const mostShuffles = 1_000

const nameOf = ({ shuffle, workers }: Way): string =>
  `${plural(workers, "worker")}${shuffle === undefined ? "" : `, shuffle ${shuffle}`}`

const waysOf = (workers: string, shuffles: number): Effect.Effect<ReadonlyArray<Way>, UsageError> => {
  const counts = workers.split(",").map((count) => (/^\d{1,3}$/.test(count.trim()) ? Number(count) : Number.NaN))
  if (counts.some(Number.isNaN)) {
    const message = `--workers needs numbers separated by commas, as in 0,1,2,4, not ${JSON.stringify(workers)}`
    return Effect.fail(new UsageError({ message }))
  }
  if (shuffles > mostShuffles) return Effect.fail(new UsageError({ message: `--shuffles: at most ${mostShuffles}` }))
  const plain = counts.map((count): Way => ({ workers: count, shuffle: undefined }))
  const more = Array.from({ length: shuffles }, (_, index): Way => {
    return { workers: counts[index % counts.length] ?? 0, shuffle: index + 1 }
  })
  return Effect.succeed([...plain, ...more])
}

const verifyProgram = (
  host: Host,
  specifier: string,
  options: VerifyOptions
): Effect.Effect<number, Failed, NodeServices.NodeServices> =>
  Effect.gen(function* () {
    yield* host.reserveStdout
    const ways = yield* waysOf(options.workers, options.shuffles)
    const module = yield* load(specifier)
    const program = yield* choose(module, options.program)
    const input = yield* Input.read(program, { text: options.input, file: options.inputFile })
    const signals = yield* readSignals(program, options.signals)
    if (!options.quiet) yield* warnOf(host, program)
    const compared = Effect.gen(function* () {
      const outcomes: Array<Outcome> = []
      for (const way of ways) {
        const outcome = yield* runOnce(program, module, input, way)
        outcomes.push(outcome)
        if (!options.quiet) yield* host.warn(`${program.name}: ${nameOf(way)}: ${duration(outcome.tookMs)}`)
      }
      return outcomes
    })
    const outcomes = yield* provideModule(module)(compared)
    const differences = outcomes.map((outcome) => differenceFrom(outcomes[0] ?? outcome, outcome))
    const arrivals = options.arrivals
      ? yield* provideModule(module)(checkArrivals(program, module, input, signals, ways.at(-1)?.workers))
      : undefined
    const text = options.json
      ? JSON.stringify({
          ...programJson(program.name, outcomes, differences),
          ...(arrivals === undefined ? {} : { arrivals: arrivalsJson(arrivals) })
        })
      : [programPage(program.name, outcomes, differences, look())]
          .concat(arrivals === undefined ? [] : arrivalsPage(arrivals, signals.length > 0, look()))
          .join("\n")
    yield* host.write(`${text}\n`)
    const isSame = differences.every((difference) => difference === undefined)
    const isRight = isSame && defectsOf(outcomes) === 0 && outcomes[0]?.status !== "failed"
    return isRight && (arrivals === undefined || isConfluent(arrivals)) ? 0 : ExitCode.failed
  }).pipe(Effect.scoped)

/** The number of discarded effects that were bugs. All runs have the same, or differ anyway. */
const defectsOf = ([first]: ReadonlyArray<Outcome>): number =>
  first?.of.diagnostics.filter(({ cause }) => isDefect(cause)).length ?? 0

const jobId = "verified"

/** Runs the program once, from its beginning to its end, however it ends. */
const runOnce = (
  program: Program.Any,
  { handlers, programs }: Pick<LoadedModule, "handlers" | "programs">,
  input: unknown,
  way: Way
): Effect.Effect<Outcome, Failed> => {
  const { shuffle, workers } = way
  const pool = shuffle === undefined ? poolOf(workers) : shuffledPool(poolOf(workers), shuffle)
  const chosen = new Map(programs.map((each) => [each, shuffle === undefined ? each : shuffled(each, shuffle)]))
  const engine = engineOver(pool, Layer.fresh(layerMemoryJournal), { handlers, programs: [...chosen.values()] })
  return Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const began = monotonicMs(clock)
    const run = recordRun(begin(Engine.start(chosen.get(program) ?? program, input as never, { id: jobId })))
    const record = yield* Effect.mapError(run, (error) => startFailure("the job was not started", error))
    return { ...record, way, tookMs: Math.floor(monotonicMs(clock) - began) }
  }).pipe(Effect.provide(engine), Effect.provideService(LogsEnd, false))
}

const differenceFrom = (first: Outcome, other: Outcome): Difference | undefined => {
  const difference = differenceOf(first, other)
  return difference && { way: other.way, ...difference }
}

type Differences = ReadonlyArray<Difference | undefined>

const programJson = (program: string, outcomes: ReadonlyArray<Outcome>, differences: Differences) => ({
  program,
  isDeterministic: differences.every((difference) => difference === undefined),
  runs: outcomes.map(({ error, hash, of, status, waitsFor, way }, index) => ({
    workers: way.workers,
    shuffle: way.shuffle ?? null,
    status,
    ...(error === undefined ? {} : { error }),
    ...(waitsFor.length === 0 ? {} : { waitsFor }),
    cycles: of.cycles,
    facts: of.usage.facts,
    hash,
    isSame: differences[index] === undefined
  })),
  diagnostics: outcomes[0] === undefined ? [] : resultToJson(outcomes[0].of).diagnostics,
  difference: differences.map(differenceJson).find((difference) => difference !== null) ?? null
})

const differenceJson = (difference: Difference | undefined) => {
  if (difference === undefined) return null
  const { way, ...rest } = difference
  return { workers: way.workers, shuffle: way.shuffle ?? null, ...rest }
}

const programPage = (
  program: string,
  outcomes: ReadonlyArray<Outcome>,
  differences: Differences,
  { style, width }: Page
): string => {
  const difference = differences.find((found) => found !== undefined)
  const name = oneLine(program)
  const [first] = outcomes
  const head =
    difference === undefined
      ? first?.error !== undefined
        ? style("red", `✖ ${name} did not converge: ${plural(outcomes.length, "run")} ended alike, with ${first.error}`)
        : `${style("green", `✔ ${name} is deterministic`)}  ${plural(outcomes.length, "run")} gave the same cycles, hash, context and events`
      : style("red", `✖ ${name} is not deterministic`)
  const rows = outcomes.map(({ hash, of, status, tookMs, way }, index) => [
    differences[index] === undefined ? "✔" : "✖",
    nameOf(way),
    status,
    plural(of.cycles, "cycle"),
    plural(of.usage.facts, "fact"),
    hash.slice(0, 16),
    duration(tookMs)
  ])
  const lines = table(rows, [3, 4]).map((line, index) => {
    const format = differences[index] === undefined ? "green" : "red"
    return `  ${style(format, line.slice(0, 1))}${line.slice(1)}`
  })
  const told = difference === undefined ? [] : ["", tellDifference(difference, outcomes[0]?.way, { style, width })]
  const why =
    first === undefined || first.message === "" ? [] : [indent(printable(truncate(first.message, 4_000)), "  ")]
  const ended = [...why, ...waitingLines(first?.waitsFor ?? [])]
  const defects = defectsOf(outcomes)
  const bad = defects === 0 ? [] : [style("red", `✖ ${name} discarded ${plural(defects, "defect")}`)]
  const noted = outcomes[0] === undefined ? "" : diagnostics(outcomes[0].of, { style })
  return [head, ...ended, ...lines, ...bad, ...told, ...(noted === "" ? [] : ["", noted])].join("\n")
}

const tellDifference = (difference: Difference, first: Way | undefined, { style, width }: Page): string => {
  const { agent, child, cycle, each, expected, found, outcome, way, what } = difference
  const about = Array.isArray(each) ? ` on ${oneLine(each.join("/"))}` : ""
  const task = agent === null ? "" : `, agent ${JSON.stringify(agent)}${about}`
  const who = child === null ? task : `${task}, in the child job ${oneLine(withoutRoot(child.jobId, jobId))}`
  const where =
    cycle === null ? `the ${what}` : `cycle ${thousands(cycle)}${outcome === null ? "" : `, outcome ${outcome + 1}`}`
  const shown = (value: unknown): string =>
    indent(printable(truncate(pretty(toPlain(value) ?? null, width - 4), 4_000)), "    ")
  return [
    style("bold", `first difference: ${where}${who}`),
    `  ${first === undefined ? "" : nameOf(first)}`,
    shown(expected),
    `  ${nameOf(way)}`,
    shown(found)
  ].join("\n")
}

/* ---------------------------------------------------------------- a store */

interface StoreReport {
  /** The problems of the file's own structure, in SQLite's words; null if a server has the file, and checks it itself. */
  readonly structure: ReadonlyArray<string> | null
  readonly jobs: ReadonlyArray<Journal.Verified>
}

const isWhole = ({ jobs, structure }: StoreReport): boolean =>
  (structure ?? []).length === 0 && jobs.every(({ isIntact }) => isIntact)

/** Verifies a job's journal. A journal that a damaged file cannot give counts as not intact, so that others are still checked. */
const verifyJob = (jobId: string) =>
  Effect.catchTag(Journal.verify(jobId), "StoreError", (error) => {
    if (error.reason !== "corrupt") return Effect.fail(error)
    const corrupt = { cycle: 0, part: "the file", expected: "a journal", found: error.message }
    const report: Journal.Verified = {
      jobId,
      program: "",
      status: undefined,
      cycles: 0,
      hash: "",
      isIntact: false,
      corrupt
    }
    return Effect.succeed(report)
  })

const verifyStore = (host: Host, place: Place, options: VerifyOptions): Effect.Effect<number, Failed> => {
  const ids = options.id === undefined ? options.args : [...options.args, options.id]
  const journals = Effect.gen(function* () {
    const jobs: Array<Journal.Verified> = []
    for (const id of ids.length > 0 ? ids : yield* allIds) jobs.push(yield* verifyJob(id))
    return jobs
  })
  const as = {
    json: ({ jobs, structure }: StoreReport) => ({
      isIntact: isWhole({ jobs, structure }),
      structure,
      jobs: jobs.map((job) => ({ ...job, cycles: cyclesIn(job) }))
    }),
    page: (report: StoreReport, page: Page) => storePage(report, options.quiet || ids.length === 0, page),
    codeOf: (report: StoreReport) => (isWhole(report) ? 0 : ExitCode.failed)
  }
  if (place._tag === "Server") {
    return onStore(
      host,
      options,
      openPlace(place),
      Effect.map(journals, (jobs) => ({ structure: null, jobs })),
      as
    )
  }
  const structure = StoreFile.use((file) => file.check)
  const read = Effect.flatMap(structure, (problems) => Effect.map(journals, (jobs) => ({ structure: problems, jobs })))
  return onStore(host, options, openForReading(place.filename), read, as)
}

/** The cycles of a journal as all commands count them; if it is not intact, only its intact ones. */
const cyclesIn = ({ cycles, isIntact, status }: Journal.Verified): number =>
  isIntact ? cyclesOf({ cycle: cycles, status }) : cycles

const allIds = Effect.gen(function* () {
  const store = yield* JobStore
  const ids: Array<string> = []
  let cursor: string | undefined
  do {
    const page = yield* store.list({ cursor })
    ids.push(...page.jobs.map(({ jobId }) => jobId))
    cursor = page.cursor
  } while (cursor !== undefined)
  return ids
})

const structureLines = (structure: StoreReport["structure"], { style }: Page): ReadonlyArray<string> =>
  structure === null || structure.length === 0
    ? []
    : [
        style(
          "red",
          `✖ the file itself is damaged: ${plural(structure.length, "problem")}. Restore a backup: converge restore`
        ),
        ...structure.map((problem) => `  ${oneLine(problem)}`)
      ]

/** The faults of a store, and the number of its journals and cycles. `isBrief`: list only the journals that are not intact. */
const storePage = ({ jobs: reports, structure }: StoreReport, isBrief: boolean, page: Page): string => {
  const { style } = page
  const sum = reports.reduce((total, report) => total + cyclesIn(report), 0)
  const broken = reports.filter(({ isIntact }) => !isIntact)
  const head =
    broken.length === 0
      ? `${style("green", `✔ ${plural(reports.length, "journal")}: all intact`)}  ${plural(sum, "cycle")}`
      : style("red", `✖ ${thousands(broken.length)} of ${plural(reports.length, "journal")} corrupt`)
  const lines = (isBrief ? broken : reports).map((report) => {
    const { corrupt, cycles, hash, jobId } = report
    const name = oneLine(jobId)
    if (corrupt === undefined)
      return `  ${style("green", "✔")} ${name}  ${plural(cyclesIn(report), "cycle")}  ${style("dim", hash)}`
    const where = corrupt.cycle === 0 ? "the beginning" : `the row of cycle ${thousands(corrupt.cycle)}`
    const rows = properties(
      [
        ["expected", oneLine(corrupt.expected)],
        ["found", oneLine(corrupt.found)],
        ["intact", hash === "" ? "nothing" : `up to cycle ${thousands(cycles)}, ${hash}`]
      ],
      style
    )
    return `  ${style("red", "✖")} ${name}  ${where}: ${oneLine(corrupt.part)}\n${indent(rows, "  ")}`
  })
  return [...structureLines(structure, page), head, ...lines].join("\n")
}
