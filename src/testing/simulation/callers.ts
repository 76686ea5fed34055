/**
 * The callers of a simulated job: who signals, decides, pauses, cancels, reads its events and waits for its end.
 *
 * They outlive the lives of the process, and remember what they were told. Acts come at steps, and signals of a user's program at
 * steps or when the job has nothing to do. Everything else is done where nobody does it: a job that was killed in a pause is
 * resumed, and an open approval is decided. Boundary: one job; its lives are in simulate.ts.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scheduler from "effect/Scheduler"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Awaited } from "../../intents/outbox.ts"
import type { Held } from "../../job/heldOpen.ts"
import type { Job } from "../../job/Job.ts"
import { sessionOf } from "../../job/jobHandle.ts"
import type { JobEvent } from "../../outcome/JobEvent.ts"
import type { JobResult } from "../../outcome/JobResult.ts"
import { runDetached } from "../../platform/detached.ts"
import type { Proposal } from "../../program/Fact.ts"
import { Decision } from "../../program/answerKinds.ts"
import type { EncodedFact } from "../../program/encoded.ts"
import type { Program } from "../../program/Program.ts"
import { parseJson } from "../../values/parseJson.ts"
import { partsAsSent } from "../arrivalOrders.ts"
import { nameOfAwaited } from "../rest.ts"
import type { Act, Arrival, Schedule } from "./schedule.ts"
import type { UserJob } from "./users.ts"
import type { World } from "./World.ts"

type Proposals = ReadonlyArray<Proposal<string, unknown>>

/** The answer that a caller got to a signal. */
export interface Told {
  readonly proposals: Proposals
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
  readonly error: { readonly _tag: string; readonly message?: string; readonly [field: string]: unknown } | undefined
  readonly result: JobResult
}

/** How a life ended for its callers. `"again"`: the job was left in its journal. `broken`: why there is no end. */
export type Attended = End | "again" | { readonly broken: string }

/** Facts that are sent together, and when. */
interface Part extends Pick<Arrival, "at" | "idleMs"> {
  readonly facts: ReadonlyArray<EncodedFact>
}

/** The parts in which the signals of a user's program are sent. */
const partsOf = (signals: ReadonlyArray<EncodedFact>, arrivals: ReadonlyArray<Arrival>): ReadonlyArray<Part> => {
  const named = new Set(arrivals.flatMap(({ facts }) => facts))
  const first: Arrival = { facts: [...signals.keys()].filter((number) => !named.has(number)), at: 0, idleMs: 0 }
  const inOrder = [first, ...arrivals.toSorted((a, b) => a.at - b.at)]
  const parts = inOrder.map(({ facts }) => facts.flatMap((number) => signals[number] ?? []))
  return partsAsSent(signals, parts).map(({ facts, from }) => ({ ...(inOrder[from] ?? first), facts }))
}

/** The plan of a job's callers. `acts` is in the order of their steps; callers take from it what they have done. */
export interface CallersPlan extends Pick<Schedule, "user"> {
  readonly acts: Array<Act>
}

export class Callers {
  readonly told: Array<Told> = []
  /** The events that a reader in this life got. */
  events: Array<JobEvent> = []
  isCancelled = false
  /** The number of pauses that were asked for. */
  pauses = 0
  /** Virtual milliseconds in which the job was paused for sure, if nobody else has resumed it. */
  pausedMs = 0
  /** The decisions and handlers that the job waited for when nobody went on with it, in words. */
  waitsFor: ReadonlyArray<string> = []
  readonly #world: World
  readonly #signals: ReadonlyArray<Proposals>
  readonly #user: UserJob | undefined
  readonly #held: Held
  readonly #decideMs: number
  readonly #acts: Array<Act>
  readonly #parts: ReadonlyArray<Part>
  /** The number of parts that are in the journal. */
  #sent = 0
  /** A part that waits for its step, and the sender that waits with it. */
  #waiting: { readonly at: number; readonly isDue: Deferred.Deferred<void> } | undefined
  /** The job of this life, once it is there. */
  #present: Job<Program.Any> | undefined
  #answers = 0
  #before = 0
  #pausing = 0
  #isDeciding = false
  /** Looks whether the job rests. */
  #look: () => void = () => undefined

  constructor(
    world: World,
    job: { readonly signals: ReadonlyArray<Proposals>; readonly user?: UserJob | undefined },
    plan: CallersPlan,
    held: Held
  ) {
    this.#world = world
    this.#signals = job.signals
    this.#user = job.user
    this.#held = held
    this.#decideMs = plan.user?.decideMs ?? 0
    this.#acts = plan.acts
    const { signals = [] } = job.user ?? {}
    this.#parts = signals.length === 0 ? [] : partsOf(signals, plan.user?.arrivals ?? [])
  }

  /** A life begins. `sent`: the number of signals of the user in the journal. */
  begin(sent: number): void {
    this.#pausing = 0
    this.#isDeciding = false
    this.#present = undefined
    this.#look = () => undefined
    this.#waiting = undefined
    this.#sent = sent
    this.#before = this.told.length
    this.#held.isOn = sent < this.#parts.length
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

  /** Does what is due before a step. */
  act(step: number): void {
    const job = this.#present
    if (job === undefined) return
    for (let next = this.#acts[0]; next !== undefined && step >= next.at; next = this.#acts[0]) {
      this.#acts.shift()
      runDetached(this.#world.services, this.#doing(job, next))
    }
    if (this.#waiting !== undefined && step >= this.#waiting.at) {
      Deferred.doneUnsafe(this.#waiting.isDue, Effect.void)
      this.#waiting = undefined
    }
  }

  /** Attends a job to its end. */
  attend(job: Job<Program.Any>): Effect.Effect<Attended> {
    const events: Array<JobEvent> = (this.events = [])
    const reader = Effect.ignore(Stream.runForEach(job.events, (event) => Effect.sync(() => void events.push(event))))
    return Effect.scoped(
      Effect.gen({ self: this }, function* () {
        const reading = yield* Effect.forkScoped(reader)
        yield* this.#accompany(job)
        const end = endOf(yield* Effect.exit(job.result))
        // An act in the last step could not be answered any more.
        this.#present = undefined
        if ("broken" in end) return end
        if (end.error?._tag === "StoreFailed") return "again"
        // Time passes only when all callers have been told.
        yield* Effect.sleep(1)
        while (reading.pollUnsafe() === undefined) yield* Effect.sleep(1)
        return end
      })
    )
  }

  /** Does what callers do while a job goes on. */
  #accompany(job: Job<Program.Any>): Effect.Effect<void, never, Scope.Scope> {
    return Effect.gen({ self: this }, function* () {
      this.#present = job
      const user = this.#user
      if (user === undefined) {
        yield* Effect.forkScoped(this.#attendLate(job))
        return
      }
      yield* Effect.forkScoped(this.#resumeIfPaused(job))
      if (this.#parts.length > 0) yield* Effect.forkScoped(this.#send(job))
      const session = sessionOf(job)
      this.#look = () => {
        if (session?.restsFor === undefined) return
        runDetached(
          this.#world.services,
          this.#rested(job, user, () => session.restsFor)
        )
      }
      session?.watch(this.#look)
    })
  }

  #doing(job: Job<Program.Any>, act: Act): Effect.Effect<void> {
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
          return Effect.ignore(
            Effect.andThen(
              job.pause,
              Effect.andThen(
                Effect.sleep(act.forMs),
                Effect.suspend(() => {
                  this.pausedMs += act.forMs
                  return job.resume
                })
              )
            )
          ).pipe(
            Effect.ensuring(
              Effect.sync(() => {
                this.#pausing--
                this.#look()
              })
            )
          )
        })
    }
  }

  /** Decides the approval that has waited longest. */
  #decide(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.flatMap(job.approvals, ([first]) => {
      if (first === undefined) return Effect.void
      return this.#signal(job, [decisionOf(first.id, true)])
    })
  }

  #signal(job: Job<Program.Any>, proposals: Proposals): Effect.Effect<void> {
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

  /** Resumes a job that was killed in a pause, and so is paused when the next life begins. */
  #resumeIfPaused(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (;;) {
        yield* Effect.sleep(1)
        const { state } = yield* job.status
        if (state === "paused" && this.#pausing === 0) yield* Effect.ignore(job.resume)
        if (state !== "queued") return
      }
    })
  }

  /** Sends the parts of the signals that are not in the journal, one after the other, and then lets the job converge. */
  #send(job: Job<Program.Any>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (const { at, facts, idleMs } of this.#parts.slice(this.#sent)) {
        const isDue = Deferred.makeUnsafe<void>()
        this.#waiting = { at, isDue }
        yield* Effect.raceFirst(Deferred.await(isDue), Effect.sleep(idleMs))
        this.#waiting = undefined
        const proposals = facts.map(({ kind, text }) => ({ kind: kind.name, value: kind.codec.decode(text) }))
        yield* this.#signal(job, proposals)
        this.#sent++
      }
      this.#held.isOn = false
      sessionOf(job)?.wake()
    })
  }

  /** While the job waits for nothing but decisions, and handlers that nobody has: somebody decides, or the run ends here. */
  #rested(
    job: Job<Program.Any>,
    user: UserJob,
    awaited: () => ReadonlyArray<Awaited> | undefined
  ): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (this.#isDeciding || this.#pausing > 0) return
      this.#isDeciding = true
      for (let rest = awaited(); rest !== undefined; rest = awaited()) {
        const [next] = (yield* job.approvals).flatMap((approval) => {
          const isApproved = user.decide(approval)
          return isApproved === undefined ? [] : [{ ...approval, isApproved }]
        })
        if (next !== undefined) {
          yield* Effect.sleep(Math.min(this.#decideMs, (next.timeout ?? Infinity) / 4))
          yield* this.#signal(job, [decisionOf(next.id, next.isApproved)])
          continue
        }
        // Signals may still come.
        if (this.#held.isOn) break
        this.waitsFor = rest.map((one) => nameOfAwaited(one, job.id))
        yield* job.cancel
      }
      this.#isDeciding = false
    })
  }
}

const decisionOf = (approval: string, approved: boolean): Proposal<string, unknown> =>
  Decision.of({ approval, approved, by: "caller", reason: "" })

interface SignalJson {
  readonly answers?: unknown
  readonly facts?: ReadonlyArray<{ readonly kind: string }>
}

/** The number of signals in a row of a journal, without answers of handlers and decisions. */
export const signalsIn = (row: string): number => {
  const { signals } = parseJson(row) as { readonly signals: ReadonlyArray<SignalJson> }
  return signals.filter(
    ({ answers, facts = [] }) => answers === undefined && !facts.some(({ kind }) => kind === Decision.name)
  ).length
}

const endOf = (exit: Exit.Exit<JobResult, unknown>): End | { readonly broken: string } => {
  if (Exit.isSuccess(exit)) return { error: undefined, result: exit.value }
  const error = exit.cause.reasons.find(Cause.isFailReason)?.error
  const isTyped = typeof error === "object" && error !== null && "_tag" in error && "partial" in error
  if (!isTyped) return { broken: `the job ended without a typed error: ${Cause.pretty(exit.cause)}` }
  return { error: error as unknown as NonNullable<End["error"]>, result: error.partial as JobResult }
}
