/**
 * A job of a server, followed from here to its end.
 *
 * A connection that breaks is made again after the last event that came, so a restart of the server goes unnoticed. The end is
 * read from the journal, with the functions that read a file; a server without journals gives its own result. Boundary: the
 * server's client in, an exit code out.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { eventsOf, reconnectingMs, telemetryOf } from "../client/follow.ts"
import { Limits } from "../Limits.ts"
import type { JobTelemetry } from "../outcome/JobEvent.ts"
import type * as Shapes from "../server/shapes.ts"
import { Status } from "../server/shapes.ts"
import { CommandFailed, type Failed, ofResult, ofStatus, UsageError } from "./exitCode.ts"
import { type FollowOptions, followToEnd, printStored, tellOpen } from "./followedJob.ts"
import { endPage } from "./heldReport.ts"
import type { Host } from "./hostProcess.ts"
import { look } from "./jobRun.ts"
import { commandLine, shellWord } from "./pasted.ts"
import type { AServer } from "./place.ts"
import type { Counted, TierNames } from "./progressCount.ts"
import { ask, connect, type ServerClient } from "./serverClient.ts"
import { failedOf, isAway, isWithoutJournals, type Told } from "./serverError.ts"
import { asFailed, openPlace } from "./storedJobs.ts"
import { duration, oneLine, printable } from "./text.ts"

const count = Schema.Int
const anything = Schema.Array(Schema.Unknown)

/** The events that are counted. Others, and those of later versions, are not. */
const decodeCounted: (event: unknown) => Option.Option<Counted> = Schema.decodeUnknownOption(
  Schema.Union([
    Schema.TaggedStruct("JobStarted", { seeds: anything }),
    Schema.TaggedStruct("CycleStarted", {
      cycle: count,
      tier: count,
      tasks: count,
      agents: Schema.Array(Schema.String)
    }),
    Schema.TaggedStruct("FactsCommitted", { facts: anything }),
    Schema.TaggedStruct("TaskDiscarded", {}),
    Schema.TaggedStruct("TierConverged", { tier: count }),
    Schema.TaggedStruct("JobHalted", { status: Status })
  ])
)

const failing =
  (server: AServer) =>
  <A, E extends Told>(stream: Stream.Stream<A, E>): Stream.Stream<A, Failed> =>
    Stream.mapError(stream, (error) => failedOf(server, error))

/** An item of telemetry as the engine has it. `Missed` and `Ended` count nothing. */
const itemOf = (item: typeof Shapes.Telemetry.Type): ReadonlyArray<JobTelemetry> => {
  switch (item._tag) {
    case "TaskProgress":
      return [{ ...item, value: item.value }]
    case "TaskQueued":
    case "TaskWaiting":
    case "TaskClaimed":
    case "TaskEnded":
      return [item]
    default:
      return []
  }
}

/** The log of a job, and what it says meanwhile: the decisions that it waits for. */
const logOf = (host: Host, server: AServer, { jobs }: ServerClient, jobId: string, notice: Notice) => {
  const tell = tellOpen(host, jobId, server.url)
  const open = Effect.mapError(whileAway(notice, jobs.approvals({ params: { id: jobId }, query: {} })), (error) =>
    failedOf(server, error)
  )
  return {
    events: failing(server)(eventsOf(jobs, jobId, 0, { away: notice.away(reconnectingMs), back: notice.back })).pipe(
      Stream.tap(({ _tag }) =>
        _tag === "JobAwaiting" ? Effect.flatMap(open, ({ approvals }) => tell(approvals)) : Effect.void
      ),
      Stream.flatMap((event) => Stream.fromArray(Option.toArray(decodeCounted(event))))
    ),
    // Progress is a courtesy: a server that has no more of it takes nothing from the log.
    telemetry: telemetryOf(jobs, jobId).pipe(
      Stream.flatMap((item) => Stream.fromArray(itemOf(item))),
      Stream.catch(() => Stream.empty)
    ),
    present: undefined
  }
}

/** The tiers of a program as the server describes it. A program that is not served is known by its events alone. */
const tiersOf = (server: AServer, program: string): Effect.Effect<TierNames, Failed> =>
  Effect.map(
    ask(server, ({ programs }) => programs.list()),
    ({ programs }) => {
      const agents = programs.find(({ name }) => name === program)?.graph.agents ?? []
      const tierCount = Math.max(0, ...agents.map(({ tier }) => tier + 1))
      return { name: program, tierCount, agents, tierOf: agents.map(({ tier }) => tier) }
    }
  )

/** Tells the user that the server is away, and for how many milliseconds it is asked again; and that it is back. */
interface Notice {
  readonly away: (ms: number) => Effect.Effect<void>
  readonly back: Effect.Effect<void>
}

/** Says each once. */
const noticeOf = (host: Host, { url }: AServer): Notice => {
  const name = `converge: the server ${printable(url)}`
  let isAway = false
  const turn = (next: boolean, said: string): Effect.Effect<void> =>
    Effect.suspend(() => {
      if (isAway === next) return Effect.void
      isAway = next
      return host.warn(`${name} ${said}`, "WARN")
    })
  return {
    away: (ms) => turn(true, `does not answer: trying again for ${duration(ms)}`),
    back: turn(false, "answers again")
  }
}

const askAgainMs = 16 * Limits.clientReconnectMs
const asks = 2 * Limits.clientReconnects

/** Asks again while the server is away, as while it is started again: for about half a minute. */
const whileAway = <A, E, R>(notice: Notice, request: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  request.pipe(
    Effect.tapError((error) => (isAway(error) ? notice.away(asks * askAgainMs) : Effect.void)),
    Effect.retry({ schedule: Schedule.spaced(askAgainMs), times: asks, while: isAway }),
    Effect.tap(notice.back)
  )

/* ---------------------------------------------------------------- the end */

/** The result that the server holds, of a job without a journal. */
const printHeld = (host: Host, server: AServer, jobId: string, options: FollowOptions) =>
  Effect.gen(function* () {
    if (options.explain !== undefined) {
      return yield* new UsageError({ message: "--explain needs a server with a durable store" })
    }
    const facts = options.facts ? ("all" as const) : ("counts" as const)
    const { result } = yield* ask(server, ({ jobs }) => jobs.get({ params: { id: jobId }, query: { facts } }))
    if (result === null) {
      return yield* new CommandFailed({ message: `the server has no result of the job ${oneLine(jobId)}` })
    }
    yield* host.write(options.json ? `${JSON.stringify(result)}\n` : endPage(result, look()))
    return ofResult(result, options.strict)
  })

/** Prints how a job of a server ended, and gives the exit code. */
const printEnd = (
  host: Host,
  server: AServer,
  jobId: string,
  options: FollowOptions,
  notice: Notice
): Effect.Effect<number, Failed> =>
  Effect.catchIf(whileAway(notice, printStored(host, jobId, options)), isWithoutJournals, () =>
    printHeld(host, server, jobId, options)
  ).pipe(Effect.mapError(asFailed), Effect.provide(openPlace(server)))

/* ---------------------------------------------------------------- a job */

/** Follows a job of a server to its end, prints its result, and gives the exit code. A job that has ended is printed at once. */
export const followOnServer = (
  host: Host,
  server: AServer,
  jobId: string,
  options: FollowOptions
): Effect.Effect<number, Failed> =>
  Effect.gen(function* () {
    const client = yield* connect(server)
    const notice = noticeOf(host, server)
    const end = printEnd(host, server, jobId, options, notice)
    // The journal itself tells where it is corrupt.
    const found = yield* ask(server, ({ jobs }) =>
      Effect.catchTag(jobs.get({ params: { id: jobId }, query: {} }), "JournalCorrupt", () => Effect.succeed(undefined))
    )
    if (found === undefined || found.state in ofStatus) return yield* end
    const { program, state } = found
    if (state === "suspended" || state === "quarantined") {
      const how = commandLine("resume", [shellWord(jobId)], [["--server", server.url]])
      yield* host.warn(`converge: the job ${oneLine(jobId)} is ${state}: ${how} goes on with it`)
    }
    const watched = {
      jobId,
      log: logOf(host, server, client, jobId, notice),
      tiers: yield* tiersOf(server, program),
      end,
      left: "goes on at the server: watch follows it, cancel ends it"
    }
    return yield* followToEnd(host, watched, options)
  })
