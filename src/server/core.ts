/**
 * What the routes of one server share: its jobs, its limits, and whether it takes jobs at the moment.
 *
 * A server starts (jobs of the store are taken up), is ready, and drains: from then on it takes no job, its viewers are told
 * goodbye, jobs may end for as long as the deadline says, and whoever still waits is answered. Jobs of a durable store are
 * left to be resumed; others are cancelled. Boundary: no HTTP; the engine, the pool and the store are those of the layer.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Engine } from "../engine/Engine.ts"
import { Limits } from "../Limits.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import { WorkerPool } from "../workers/WorkerPool.ts"
import { Directory, type End } from "./directory.ts"
import type * as Shapes from "./shapes.ts"

/** What the routes go by, with its defaults filled in. Times in milliseconds. */
export interface CoreSettings {
  readonly maxBodyBytes: number
  readonly maxBodyValues: number
  readonly maxSignalFacts: number
  readonly maxStreams: number
  readonly heartbeatMs: number
  readonly drainMs: number
  /** Bearer tokens; none: no token is asked for. */
  readonly tokens: ReadonlyArray<string>
  /** Origins whose pages may have something done. */
  readonly origins: ReadonlyArray<string>
  /** Where the routes are: what stands before their paths. */
  readonly prefix: string
}

export class Core extends Context.Service<
  Core,
  {
    readonly settings: CoreSettings
    readonly directory: Directory
    /** Event streams that are open. */
    readonly streams: { count: number }
    readonly readiness: Effect.Effect<typeof Shapes.Readiness.Type>
    /** Whether jobs are still taken. */
    readonly isDraining: () => boolean
    /** Succeeds when viewers are to be told goodbye. */
    readonly goodbye: Effect.Effect<void>
    /** Succeeds when whoever waits for a job has to be told that it will not be here that it ends. */
    readonly expired: Effect.Effect<void>
    /** Takes no more jobs and waits for those that are there, up to the deadline. Later calls wait for the first. */
    readonly drain: Effect.Effect<void>
    /** Ends the waiting of `drain`. */
    readonly hurry: Effect.Effect<void>
  }
>()("effect-converge/server/Core") {}

/** What the store does not take any more, as jobs that it ended say; undefined while it does. */
const storeFailure = (end: End): string | undefined => {
  if (Exit.isSuccess(end)) return undefined
  const error = Cause.findError(end.cause)
  if (Result.isFailure(error)) return undefined
  const { success } = error
  return success._tag === "StoreFailed" && success.reason !== "fenced" ? success.reason : undefined
}

/** The core of a server for some programs. `scope`: that of the layer it belongs to. */
export const makeCore = Effect.fnUntraced(function* (
  programs: ReadonlyArray<Program.Any>,
  settings: CoreSettings,
  scope: Scope.Scope
) {
  const engine = yield* Engine
  const store = yield* JobStore
  const pool = yield* WorkerPool
  const services = yield* Effect.context<never>()
  const goodbye = Deferred.makeUnsafe<void>()
  const expired = Deferred.makeUnsafe<void>()
  const hurried = Deferred.makeUnsafe<void>()
  let isReplaying = store.isDurable
  let isDraining = false
  let broken: string | undefined

  const directory = new Directory({
    programs,
    engine,
    store,
    scope,
    services,
    onEnd: (_, end) => (broken = storeFailure(end))
  })

  if (store.isDurable) {
    // The layer's own type says that agents have what they need.
    const replay = Effect.provideContext(engine.resumeAll(programs), services as Context.Context<unknown>).pipe(
      Effect.andThen(directory.lookAround),
      Effect.catchCause((cause) => Effect.logWarning("unfinished jobs could not be taken up", cause)),
      Effect.ensuring(Effect.sync(() => (isReplaying = false)))
    )
    yield* Effect.forkIn(replay, scope, { startImmediately: true })
  }

  const storeState = Effect.gen(function* () {
    if (broken !== undefined) return `failed: ${broken}`
    if (!store.isDurable) return "ok"
    const since = yield* store.waitingSince ?? Effect.undefined
    const isLate = since !== undefined && (yield* Clock.currentTimeMillis) - since > Limits.serverWriteMs
    if (isLate) return "failed: it does not write"
    return yield* Effect.timeoutOrElse(store.list({ limit: 1 }), {
      duration: Limits.serverProbeMs,
      orElse: () => Effect.succeed("slow" as const)
    }).pipe(
      Effect.map((page) => (page === "slow" ? "failed: it does not answer" : "ok")),
      Effect.catch((error) => Effect.succeed(`failed: ${error.reason}`))
    )
  })

  const readiness = Effect.gen(function* () {
    const { quarantined } = yield* pool.stats
    const services = {
      server: isDraining ? "draining" : isReplaying ? "replaying" : "ok",
      store: yield* storeState,
      workers: quarantined === 0 ? "ok" : `quarantined agents: ${quarantined}`
    }
    const isReady = Object.values(services).every((state) => state === "ok")
    return { status: isReady ? ("ready" as const) : ("not-ready" as const), services }
  })

  const live = () => [...directory.entries].filter(({ end }) => end === undefined)

  const waitForJobs = Effect.suspend(() =>
    Effect.forEach(live(), ({ job }) => Effect.exit(job.result), { concurrency: "unbounded", discard: true })
  )

  const cancelJobs = Effect.suspend(() =>
    Effect.forEach(live(), ({ job }) => job.cancel, { concurrency: "unbounded", discard: true })
  )

  const drainOnce = Effect.gen(function* () {
    isDraining = true
    yield* Effect.logDebug("draining: no more jobs are taken")
    yield* Deferred.succeed(goodbye, undefined)
    yield* Effect.timeoutOption(Effect.raceFirst(waitForJobs, Deferred.await(hurried)), settings.drainMs)
    const left = live().length
    if (left > 0)
      yield* Effect.logInfo(`jobs that are ${store.isDurable ? "left to be resumed" : "cancelled"}: ${left}`)
    if (!store.isDurable) yield* Effect.timeoutOption(cancelJobs, Limits.serverCloseMs)
    yield* Deferred.succeed(expired, undefined)
  })

  return Core.of({
    settings,
    directory,
    streams: { count: 0 },
    readiness,
    isDraining: () => isDraining,
    goodbye: Deferred.await(goodbye),
    expired: Deferred.await(expired),
    drain: yield* Effect.cached(Effect.uninterruptible(drainOnce)),
    hurry: Deferred.succeed(hurried, undefined)
  })
})
