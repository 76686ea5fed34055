/**
 * The callers of a simulated job: they send signals, decide approvals, pause and cancel, read its events, and wait for its end.
 *
 * They outlive the lives of the process, and remember what they were told. Boundary: between a job's handle and the record of
 * what its callers saw.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import type { Job } from "../../job/Job.ts"
import type { JobEvent } from "../../outcome/JobEvent.ts"
import type { JobResult } from "../../outcome/JobResult.ts"
import { Decision } from "../../program/answerKinds.ts"
import type { Proposal } from "../../program/Fact.ts"
import type { Program } from "../../program/Program.ts"
import type { Act } from "./schedule.ts"
import type { World } from "./World.ts"

/** What a caller was told of a signal. */
export interface Told {
  readonly proposals: ReadonlyArray<Proposal<string, unknown>>
  /** `"committed"` and `"discarded"`: its cycle was committed. `"refused"`: it never will be. `"unknown"`: the process died. */
  readonly answer: "committed" | "discarded" | "refused" | "unknown"
  /** The order in which callers were told. */
  readonly place: number
  readonly message: string
  /** When it was sent, in virtual milliseconds. */
  readonly at: number
}

/** The end of a job, as `job.result` tells it. */
export interface End {
  readonly error: { readonly _tag: string; readonly [field: string]: unknown } | undefined
  readonly result: JobResult
}

export class Callers {
  readonly #world: World
  readonly #signals: ReadonlyArray<ReadonlyArray<Proposal<string, unknown>>>
  readonly told: Array<Told> = []
  /** The events that a reader in this life got. */
  events: Array<JobEvent> = []
  isCancelled = false
  /** The number of pauses that were asked for. */
  pauses = 0
  /** The job of this life, once it is there. */
  present: Job<Program.Any> | undefined
  #answers = 0
  #pausing = 0
  #before = 0

  constructor(world: World, signals: Callers["told"][number]["proposals"][]) {
    this.#world = world
    this.#signals = signals
  }

  /** A life of the process begins. */
  begin(): void {
    this.present = undefined
    this.#pausing = 0
    this.#before = this.told.length
  }

  /** The number of signals of this life whose senders were told nothing. */
  get unanswered(): number {
    return this.told.slice(this.#before).filter(({ answer }) => answer === "unknown").length
  }

  /** The life is over, and the job goes on. A signal that was refused may be in a row whose acknowledgement was lost. */
  again(): void {
    this.told.forEach((told, place) => {
      const isOpen = place >= this.#before && told.answer === "refused" && told.message.startsWith("JobHalted")
      if (isOpen) this.told[place] = { ...told, answer: "unknown", place: -1 }
    })
  }

  /** Attends a job to its end. `"again"`: the job was left in its journal. A text: why there is no end. */
  attend(job: Job<Program.Any>): Effect.Effect<End | "again" | { readonly broken: string }> {
    const events: Array<JobEvent> = (this.events = [])
    const reader = Effect.ignore(Stream.runForEach(job.events, (event) => Effect.sync(() => void events.push(event))))
    return Effect.scoped(
      Effect.gen({ self: this }, function* () {
        const reading = yield* Effect.forkScoped(reader)
        this.present = job
        yield* Effect.forkScoped(this.#attendLate(job))
        const end = endOf(yield* Effect.exit(job.result))
        // An act in the last step could not be answered any more.
        this.present = undefined
        if ("broken" in end) return end
        if (end.error?._tag === "StoreFailed") return "again"
        // Time passes only when all callers have been told.
        yield* Effect.sleep(1)
        while (reading.pollUnsafe() === undefined) yield* Effect.sleep(1)
        return end
      })
    )
  }

  /** Does an act. */
  act(job: Job<Program.Any>, act: Act): Effect.Effect<void> {
    switch (act.do) {
      case "signal":
        return this.#signal(job, this.#signals[act.signal] ?? [])
      case "decide":
        return this.#decide(job)
      case "cancel":
        return Effect.suspend(() => {
          this.isCancelled = true
          return job.cancel
        })
      case "pause":
        return Effect.suspend(() => {
          this.#pausing++
          this.pauses++
          const resumed = Effect.andThen(
            Effect.sleep(act.forMs),
            Effect.suspend(() => job.resume)
          )
          return Effect.ignore(Effect.andThen(job.pause, resumed)).pipe(
            Effect.ensuring(Effect.sync(() => void this.#pausing--))
          )
        })
    }
  }

  /** Decides the approval that has waited longest. */
  #decide(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.flatMap(job.approvals, ([first]) => {
      if (first === undefined) return Effect.void
      const value = { approval: first.id, approved: true, by: "caller", reason: "" }
      return this.#signal(job, [Decision.of(value)])
    })
  }

  #signal(job: Job<Program.Any>, proposals: Told["proposals"]): Effect.Effect<void> {
    return Effect.suspend(() => {
      const at = this.#world.nowMs
      const place = this.told.push({ proposals, answer: "unknown", place: -1, message: "", at }) - 1
      const tell = (answer: Told["answer"], message: string): void => {
        this.told[place] = { proposals, answer, place: this.#answers++, message, at }
      }
      // Callers are told in the order of their signals, so this fiber must not be suspended in between.
      return Effect.matchEffect(job.signal(proposals as never), {
        onFailure: (error) =>
          Effect.sync(() => {
            const message = "message" in error ? error.message : ""
            tell(message.startsWith("the signal was discarded") ? "discarded" : "refused", `${error._tag}: ${message}`)
          }),
        onSuccess: () => Effect.sync(() => tell("committed", ""))
      }).pipe(Effect.provideService(Scheduler.PreventSchedulerYield, true))
    })
  }

  /**
   * Does what nobody else does: resumes a job that was killed in a pause, and so is paused in the next life, and decides the
   * approvals that a job waits for.
   */
  #attendLate(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* Effect.sleep(500)
        const { state } = yield* job.status
        if (state === "paused" && this.#pausing === 0) yield* Effect.ignore(job.resume)
        if (state === "awaiting") yield* Effect.forkChild(this.#decide(job))
      }
    })
  }
}

const endOf = (exit: Exit.Exit<JobResult, unknown>): End | { readonly broken: string } => {
  if (Exit.isSuccess(exit)) return { error: undefined, result: exit.value }
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  const isTyped = typeof error === "object" && error !== null && "_tag" in error && "partial" in error
  if (!isTyped) return { broken: `the job ended without a typed error: ${Cause.pretty(exit.cause)}` }
  return { error: error as unknown as NonNullable<End["error"]>, result: error.partial as JobResult }
}
