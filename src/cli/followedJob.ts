/**
 * A job of a server or of a file that this process does not run: follows it to its end, and prints its result as `run` does.
 *
 * A signal leaves the job alone. Boundary: a log and a way to read the end in, an exit code out.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { FactRef } from "../program/Fact.ts"
import type * as Shapes from "../server/shapes.ts"
import { JobStore } from "../store/index.ts"
import { type Failed, ofResult } from "./exitCode.ts"
import type { Host } from "./hostProcess.ts"
import { print } from "./jobRun.ts"
import { commandLine, idWord, shellWord } from "./pasted.ts"
import { followLog, type Followed } from "./progress.ts"
import type { TierNames } from "./progressCount.ts"
import { refIn } from "./replay.ts"
import { resultOf } from "./report.ts"
import { endOf, readJob } from "./storedEnd.ts"
import { asFailed } from "./storedJobs.ts"
import { oneLine } from "./text.ts"

/** The parts of a job that are shown, and the ends that count as a failure. */
export interface FollowOptions {
  readonly json: boolean
  readonly facts: boolean
  readonly strict: boolean
  readonly quiet: boolean
  /** A fact to explain, as kind/id. */
  readonly explain?: string | undefined
}

/** Reads how a job ended from its journal, prints it, and gives the exit code. */
export const printStored = (host: Host, jobId: string, options: FollowOptions) =>
  Effect.gen(function* () {
    const read = yield* readJob(jobId)
    const end = yield* endOf(read)
    const { context } = resultOf(end)
    const ref: FactRef | undefined = options.explain === undefined ? undefined : yield* refIn(context, options.explain)
    const { facts, json, quiet, strict } = options
    yield* print(host, end, { facts, json, quiet, ref })
    return ofResult(resultOf(end), strict)
  })

/** A job that is followed, and what is said when a signal ends the command. */
export interface Watched {
  readonly jobId: string
  readonly log: Followed<Failed>
  readonly tiers: TierNames
  /** Prints the end, and gives the exit code. */
  readonly end: Effect.Effect<number, Failed>
  /** The sentence about the job that is left. */
  readonly left: string
}

/** Shows a job until its log ends, and then its end. */
export const followToEnd = (
  host: Host,
  { end, jobId, left, log, tiers }: Watched,
  { quiet }: Pick<FollowOptions, "quiet">
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const stops = yield* host.takeStops
    const stopped = yield* Deferred.make<number>()
    yield* Effect.forkScoped(Effect.flatMap(stops, ({ exitCode }) => Deferred.succeed(stopped, exitCode)))
    const followed = quiet ? Stream.runDrain(log.events) : followLog(host, log, tiers)
    const code = yield* Effect.raceFirst(Effect.as(followed, undefined), Deferred.await(stopped))
    if (code === undefined) return yield* end
    yield* host.warn(`converge: the job ${oneLine(jobId)} ${left}`)
    return code
  }).pipe(Effect.scoped)

type Asked = Pick<typeof Shapes.Approval.Type, "id" | "question">

/** Says which decisions a job waits for, each once. `server`: the address of the server that takes them. */
export const tellOpen = (
  host: Host,
  jobId: string,
  server: string
): ((open: ReadonlyArray<Asked>) => Effect.Effect<void>) => {
  const told = new Set<string>()
  const name = `converge: the job ${oneLine(jobId)}`
  return (open) => {
    const fresh = open.filter(({ id }) => !told.has(id))
    for (const { id } of fresh) told.add(id)
    const lines = fresh.map(({ id, question }) => {
      const asked = question === null ? "" : `: ${oneLine(question)}`
      const how = commandLine("approve", [shellWord(jobId), idWord(id)], [["--server", server]])
      return `${name} awaits a decision about ${oneLine(JSON.stringify(id))}${asked}\n  to decide: ${how}`
    })
    if (open.length === 0) lines.push(`${name} awaits the answers to its intents`)
    return host.warn(lines.join("\n"))
  }
}

/** The end of a job, from a store that is open. */
export const storedEnd = (host: Host, jobId: string, options: FollowOptions): Effect.Effect<number, Failed, JobStore> =>
  Effect.mapError(printStored(host, jobId, options), asFailed)
