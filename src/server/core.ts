/**
 * The state that the routes of one server share: its jobs, its limits, and whether it takes jobs at the moment.
 *
 * A server first takes up the jobs of its store, then is ready, and at last drains. A draining server refuses jobs and sends
 * its viewers a `Goodbye`, or the end of a job that has ended. Jobs may end until the deadline. Then the server leaves the jobs
 * of a durable store to be resumed, cancels others, and answers the clients that still wait.
 *
 * Boundary: no HTTP. The layer provides the engine, the pool and the store.
 */
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { Engine } from "../engine/Engine.ts"
import { Limits } from "../Limits.ts"
import type { Program } from "../program/Program.ts"
import { JobStore } from "../store/JobStore.ts"
import { WorkerPool } from "../workers/WorkerPool.ts"
import { Directory } from "./directory.ts"
import { Examinations } from "./examinations.ts"
import { DamagedJobs } from "./damagedJobs.ts"
import { Farewells } from "./farewells.ts"
import { readinessOf, type ServerState } from "./readiness.ts"
import type * as Shapes from "./shapes.ts"
import { Replays } from "./replays.ts"
import { TelemetryRoom } from "./telemetryRoom.ts"
import type { Token } from "./tokens.ts"
import { StoreHealth } from "./storeHealth.ts"
import { ViewerRoom } from "./viewerRoom.ts"
import { Works } from "./works.ts"
import { WrittenEvents } from "./writtenEvents.ts"

/** The settings of the routes, with defaults filled in. Times are in milliseconds. */
export interface CoreSettings {
  readonly maxBodyBytes: number
  readonly maxBodyValues: number
  readonly maxSignalFacts: number
  readonly maxStreams: number
  readonly heartbeatMs: number
  readonly drainMs: number
  /** Bearer tokens. If there are none, requests need no token. */
  readonly tokens: ReadonlyArray<string | Token>
  /** Origins whose pages may send requests that change something. */
  readonly origins: ReadonlyArray<string>
  /** The path that stands before the paths of the routes. */
  readonly prefix: string
}

/** The state that the routes of one server share. */
export interface SharedCore {
  readonly settings: CoreSettings
  readonly directory: Directory
  /** Event streams that are open. */
  readonly streams: { count: number }
  /** The memory that clients hold while they receive something long. */
  readonly room: ViewerRoom
  /** Texts of events that viewers of a job share. */
  readonly written: WrittenEvents
  /** The newest telemetry of the jobs that have viewers of it. */
  readonly telemetry: TelemetryRoom
  /** The state of jobs according to their events. */
  readonly examinations: Examinations
  /** Contexts of past cycles. */
  readonly replays: Replays
  /** The jobs whose journals are not what was written. */
  readonly damaged: DamagedJobs
  /** Where the time of jobs went. */
  readonly works: Works
  readonly readiness: Effect.Effect<typeof Shapes.Readiness.Type>
  /** Whether the server has stopped taking jobs. */
  readonly isDraining: () => boolean
  /** The last words to viewers, such as their `Goodbye`. */
  readonly farewells: Farewells
  /** Succeeds when clients that still wait for a job must be told that it will not end here. */
  readonly expired: Effect.Effect<void>
  /** Refuses new jobs and waits for live ones, up to the deadline. Later calls wait for the first. */
  readonly drain: Effect.Effect<void>
  /** Makes `drain` stop waiting for jobs. */
  readonly hurry: Effect.Effect<void>
}

/** The core of the mounted routes, which `Server.routes` provides and `Server.drained` drains. */
export class Core extends Context.Service<Core, SharedCore>()("effect-converge/server/Core") {}

/** Takes up the unfinished jobs of the store, and then notes that replaying is over. */
const takeUpJobs = (
  programs: ReadonlyArray<Program.Any>,
  engine: Engine["Service"],
  directory: Directory,
  services: Context.Context<never>,
  state: ServerState
): Effect.Effect<void> =>
  // The cast is safe: the type of the layer requires the services that agents need.
  Effect.provideContext(engine.resumeAll(programs), services as Context.Context<unknown>).pipe(
    Effect.andThen(directory.lookAround),
    Effect.catchCause((cause) => Effect.logWarning("unfinished jobs could not be taken up", cause)),
    Effect.ensuring(Effect.sync(() => (state.isReplaying = false)))
  )

/** Drains a server, and signals the moments that others wait for. */
class Drain {
  readonly goodbye = Deferred.makeUnsafe<void>()
  readonly expired = Deferred.makeUnsafe<void>()
  readonly hurried = Deferred.makeUnsafe<void>()
  readonly farewells = new Farewells(Deferred.await(this.goodbye))
  readonly #directory: Directory
  readonly #state: ServerState

  constructor(directory: Directory, state: ServerState) {
    this.#directory = directory
    this.#state = state
  }

  /** Refuses new jobs, and waits at most `drainMs` milliseconds for live ones. */
  run(drainMs: number): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { isDurable } = this.#directory
      this.#state.isDraining = true
      yield* Effect.logDebug("draining: no more jobs are taken")
      yield* Deferred.succeed(this.goodbye, undefined)
      yield* Effect.timeoutOption(Effect.raceFirst(this.#ended, Deferred.await(this.hurried)), drainMs)
      const left = this.#live.length
      if (left > 0) yield* Effect.logInfo(`jobs that are ${isDurable ? "left to be resumed" : "cancelled"}: ${left}`)
      if (!isDurable) yield* Effect.timeoutOption(this.#cancelled, Limits.serverCloseMs)
      yield* Effect.raceFirst(this.farewells.said, Deferred.await(this.hurried))
      yield* Deferred.succeed(this.expired, undefined)
    })
  }

  get #live() {
    return [...this.#directory.known].filter(({ end }) => end === undefined)
  }

  get #ended(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(this.#live, ({ job }) => Effect.exit(job.result), { concurrency: "unbounded", discard: true })
    )
  }

  get #cancelled(): Effect.Effect<void> {
    return Effect.suspend(() =>
      Effect.forEach(this.#live, ({ job }) => job.cancel, { concurrency: "unbounded", discard: true })
    )
  }
}

/** Makes the core of a server for some programs. `scope`: the scope of its layer. */
export const makeCore = Effect.fnUntraced(function* (
  programs: ReadonlyArray<Program.Any>,
  settings: CoreSettings,
  scope: Scope.Scope
) {
  const engine = yield* Engine
  const store = yield* JobStore
  const pool = yield* WorkerPool
  const services = yield* Effect.context<never>()
  const state: ServerState = { isReplaying: store.isDurable, isDraining: false }
  const health = new StoreHealth(store, scope)
  const damaged = new DamagedJobs(store)
  const examinations = new Examinations(store)
  const directory = new Directory({
    programs,
    engine,
    store,
    scope,
    services,
    onEnd: (known, now) => health.noteEnd(known, now),
    onTakenUp: (view) => examinations.begin(view)
  })
  const drain = new Drain(directory, state)
  if (store.isDurable) {
    yield* health.try
    yield* health.check
    const replay = takeUpJobs(programs, engine, directory, services, state)
    yield* Effect.forkIn(replay, scope, { startImmediately: true })
  }
  return Core.of({
    settings,
    directory,
    streams: { count: 0 },
    room: new ViewerRoom(),
    written: new WrittenEvents(),
    telemetry: new TelemetryRoom(scope, services),
    examinations,
    replays: new Replays(store, scope, services),
    damaged,
    readiness: readinessOf(state, health, damaged, pool),
    works: new Works(store),
    isDraining: () => state.isDraining,
    farewells: drain.farewells,
    expired: Deferred.await(drain.expired),
    // Draining runs with the layer's services, loggers among them: the loggers of a caller, such as a command, export nothing.
    drain: yield* Effect.cached(Effect.provideContext(Effect.uninterruptible(drain.run(settings.drainMs)), services)),
    hurry: Deferred.succeed(drain.hurried, undefined)
  })
})
