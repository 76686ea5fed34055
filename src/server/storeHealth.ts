/**
 * Checks whether the store of a server takes writes and answers reads.
 *
 * At the start, the whole store is read once in the background (`JobStore.check`).
 *
 * A probe is a write of the store's own (`JobStore.probe`). It runs at the start, after a job that the store failed, and then
 * until it succeeds; a store that works is probed again when nothing was written for a while. Except at the start, a probe
 * runs only when somebody asks for readiness. A store without a probe counts as the last job that ended found it.
 *
 * Invariants: one probe at a time; an answer comes within `Limits.serverProbeMs`, whatever the store does. Boundary: reads and
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

/** Why the store refused a job's last rows; undefined if it did not, or if the lease or the size of a row was the reason. */
const refusalOf = ({ end }: KnownJob): string | undefined => {
  if (end === undefined || Exit.isSuccess(end)) return undefined
  const error = Cause.findError(end.cause)
  if (Result.isFailure(error)) return undefined
  const { success } = error
  if (success._tag !== "StoreFailed" || success.reason === "fenced" || success.reason === "too-large") return undefined
  return success.reason
}

const ok = "ok"

/** The first of some states that is not "ok"; "ok" if all are. */
const worst = (states: ReadonlyArray<string>): string => states.find((state) => state !== ok) ?? ok

export class StoreHealth {
  readonly #store: JobStore["Service"]
  readonly #scope: Scope.Scope
  /** Why the last write failed; undefined if it succeeded. */
  #failure: string | undefined
  /** The time of the last successful write or the last probe, in milliseconds since the epoch. */
  #triedAt = -Infinity
  #trying: Deferred.Deferred<void> | undefined
  /** Done when the store has been read as a whole; undefined if nobody asked for it. */
  #checking: Deferred.Deferred<void> | undefined

  /** `scope`: the scope in which probes run. */
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

  /** The state of the store: "ok", or its fault in words. */
  get state(): Effect.Effect<string> {
    return Effect.suspend(() => {
      if (!this.#store.isDurable) return Effect.succeed(this.#writes)
      const asked = Effect.all([this.#written, this.#read, this.#checked], { concurrency: "unbounded" })
      return Effect.flatMap(asked, (states) => Effect.map(this.#whole, (whole) => worst([whole, ...states])))
    })
  }

  /** Waits for the check of the store, but not for long: until a long check ends, the store counts as sound. */
  get #checked(): Effect.Effect<string> {
    return Effect.suspend(() =>
      this.#checking === undefined
        ? Effect.succeed(ok)
        : Effect.as(Effect.timeoutOption(Deferred.await(this.#checking), Limits.serverProbeMs), ok)
    )
  }

  /** Reads the store as a whole, in the background. Damage makes the store fail until the process ends. */
  get check(): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { check } = this.#store
      if (check === undefined || this.#checking !== undefined) return Effect.void
      const checking = (this.#checking = Deferred.makeUnsafe<void>())
      const told = check.pipe(
        Effect.catch((error) =>
          error.reason === "corrupt" || error.reason === "not-a-database"
            ? Effect.logError(`the store is damaged: ${error.message}`)
            : Effect.logInfo(`the store is not checked as a whole: ${error.message}`)
        )
      )
      const done = Effect.ensuring(told, Deferred.succeed(checking, undefined))
      return Effect.asVoid(Effect.forkIn(done, this.#scope, { startImmediately: true }))
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

  /** Starts a probe in the background unless one is running: a write cannot be interrupted once it has begun. */
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

  /** The damage that the store knows of. It is asked for last, since the read may have found it. */
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
