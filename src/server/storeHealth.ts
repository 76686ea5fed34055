/**
 * Whether the store of a server takes writes and answers reads, found out by asking it.
 *
 * A store is tried with a write of its own (`JobStore.probe`) at the start, after a job that it failed, and then until the write
 * succeeds; a store that works is tried again when nothing was written for a while. Nothing is tried unless somebody asks for
 * readiness, but for the write at the start. A store that cannot be tried is as the last job that ended found it.
 *
 * Invariants: one try at a time; an answer comes within `Limits.serverProbeMs`, whatever the store does. Boundary: reads and
 * probes; decides nothing about jobs.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { Limits } from "../Limits.ts"
import type { StoreError } from "../outcome/StoreError.ts"
import type { JobStore } from "../store/JobStore.ts"
import type { KnownJob } from "./directory.ts"

/** Why the store refused a job's last rows; undefined for a job that ended otherwise, or whose lease another engine took. */
const refusalOf = ({ end }: KnownJob): string | undefined => {
  if (end === undefined || Exit.isSuccess(end)) return undefined
  const error = Cause.findError(end.cause)
  if (Result.isFailure(error)) return undefined
  const { success } = error
  if (success._tag !== "StoreFailed" || success.reason === "fenced" || success.reason === "too-large") return undefined
  return success.reason
}

const ok = "ok"

/** The first of some states that is not good. */
const worst = (states: ReadonlyArray<string>): string => states.find((state) => state !== ok) ?? ok

export class StoreHealth {
  readonly #store: JobStore["Service"]
  readonly #scope: Scope.Scope
  /** Why the last write failed; undefined if it succeeded. */
  #failure: string | undefined
  /** When a write succeeded, or was tried, in milliseconds since the epoch. */
  #triedAt = -Infinity
  #trying: Deferred.Deferred<void> | undefined

  /** `scope`: where tries live. */
  constructor(store: JobStore["Service"], scope: Scope.Scope) {
    this.#store = store
    this.#scope = scope
  }

  /** Takes note of a job that has ended. */
  noteEnd(known: KnownJob, nowMs: number): void {
    const refusal = refusalOf(known)
    if (this.#store.probe === undefined) this.#failure = refusal
    else if (refusal !== undefined) {
      this.#failure ??= refusal
      this.#triedAt = -Infinity
    } else if (this.#failure === undefined && known.view.isEndStored) this.#triedAt = nowMs
  }

  /** "ok", or what is wrong with the store. */
  get state(): Effect.Effect<string> {
    return Effect.suspend(() => {
      if (!this.#store.isDurable) return Effect.succeed(this.#writes)
      const asked = Effect.all([this.#written, this.#read], { concurrency: "unbounded" })
      return Effect.flatMap(asked, (states) => Effect.map(this.#whole, (whole) => worst([whole, ...states])))
    })
  }

  get #writes(): string {
    return this.#failure === undefined ? ok : `failed: ${this.#failure}`
  }

  get #written(): Effect.Effect<string> {
    return Effect.gen({ self: this }, function* () {
      const now = yield* Clock.currentTimeMillis
      const since = yield* this.#store.waitingSince ?? Effect.undefined
      if (since !== undefined && now - since > Limits.serverWriteMs) return "failed: it does not write"
      if (!this.#isDue(now)) return this.#writes
      const tried = yield* Effect.timeoutOption(Effect.andThen(this.try, this.#tried), Limits.serverProbeMs)
      return tried._tag === "None" ? "failed: it does not write" : this.#writes
    })
  }

  #isDue(now: number): boolean {
    if (this.#store.probe === undefined) return false
    const everyMs = this.#failure === undefined ? Limits.serverStoreCheckMs : Limits.serverStoreRetryMs
    return this.#trying !== undefined || now - this.#triedAt >= everyMs
  }

  get #tried(): Effect.Effect<void> {
    return Effect.suspend(() => (this.#trying === undefined ? Effect.void : Deferred.await(this.#trying)))
  }

  /** Begins to try a write in the background, unless one is under way: a write cannot be given up once it has begun. */
  get try(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { probe } = this.#store
      if (probe === undefined || this.#trying !== undefined) return Effect.void
      const trying = (this.#trying = Deferred.makeUnsafe<void>())
      const tried = Effect.flatMap(Effect.exit(probe), (exit) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          this.#triedAt = now
          this.#trying = undefined
          return Effect.andThen(this.#conclude(exit), Deferred.succeed(trying, undefined))
        })
      )
      return Effect.asVoid(Effect.forkIn(tried, this.#scope, { startImmediately: true }))
    })
  }

  #conclude(exit: Exit.Exit<void, StoreError>): Effect.Effect<void> {
    const before = this.#failure
    if (Exit.isSuccess(exit)) {
      this.#failure = undefined
      return before === undefined ? Effect.void : Effect.logInfo("the store takes writes again")
    }
    const error = Cause.findError(exit.cause)
    this.#failure = Result.isSuccess(error) ? error.success.reason : "failed"
    const message = Result.isSuccess(error) ? error.success.message : Cause.pretty(exit.cause)
    return before === this.#failure ? Effect.void : Effect.logWarning(`the store takes no writes: ${message}`)
  }

  /** Damage is asked for last: the read may have met it. */
  get #whole(): Effect.Effect<string> {
    const { damage = Effect.undefined } = this.#store
    return Effect.map(damage, (met) => (met === undefined ? ok : `failed: ${met.reason}`))
  }

  get #read(): Effect.Effect<string> {
    return Effect.timeoutOrElse(Effect.as(this.#store.list({ limit: 1 }), ok), {
      duration: Limits.serverProbeMs,
      orElse: () => Effect.succeed("failed: it does not answer")
    }).pipe(Effect.catch((error) => Effect.succeed(`failed: ${error.reason}`)))
  }
}
