/**
 * The handle of a session, `Job`. An embedder reads and steers a job through it.
 *
 * Boundary: reads the session and sends to its machine; decides nothing.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Job, JobStatus, OpenApproval } from "./Job.ts"
import type { JobEvent, JobTelemetry } from "../outcome/JobEvent.ts"
import { type AdmissionRejected, InvalidInput, type JobHalted, SignalRefused } from "../outcome/JobError.ts"
import { Limits } from "../Limits.ts"
import type { Program } from "../program/Program.ts"
import { endOf } from "./driver.ts"
import { EffectFault, encodeFacts, settled } from "../cycle/encodeEffect.ts"
import { Decision, isDecision, openKind } from "../program/answerKinds.ts"
import { finish } from "./ending.ts"
import { typedResult } from "./erased.ts"
import { loadOnce } from "../platform/loadOnce.ts"
import { emptyEffect, type EncodedFact } from "../program/encoded.ts"
import type { CompiledProgram, ErasedKind } from "../program/erased.ts"
import { Violation } from "../program/Invariant.ts"
import { canonicalText } from "../values/Canonical.ts"
import { isInvalidValue } from "../values/InvalidValue.ts"
import type { JobActor, JobSession } from "./session.ts"
import type { JobView } from "./view.ts"
import { inSlices } from "../platform/slices.ts"

/** Makes a handle of a session. `P` is the program that the session was made from. */
export const fromSession = <P extends Program.Any>(session: JobSession): Job<P> => new Handle<P>(session)

/** The session of a handle; undefined for any other object. */
export const sessionOf = (job: object): JobSession | undefined => Handle.session(job)

/** The view of a job; undefined for an object that is not a handle. */
export const viewOf = (job: object): JobView | undefined => Handle.session(job)

/** Each member is made at its first use, because most callers only wait for a job's end. */
class Handle<P extends Program.Any> implements Job<P> {
  readonly #session: JobSession

  static session(job: object): JobSession | undefined {
    return #session in job ? job.#session : undefined
  }

  constructor(session: JobSession) {
    this.#session = session
  }

  get id(): string {
    return this.#session.jobId
  }

  get actor(): JobActor {
    return this.#session.actor
  }

  get events(): Stream.Stream<JobEvent> {
    return eventsOf(this.#session)
  }

  get telemetry(): Stream.Stream<JobTelemetry> {
    return this.#session.telemetry.stream
  }

  get result(): Job<P>["result"] {
    return typedResult<P>(Deferred.await(this.#session.done))
  }

  get status(): Effect.Effect<JobStatus> {
    return Effect.sync(() => statusOf(this.#session))
  }

  get until(): Job<P>["until"] {
    return (state) => until(this.#session, state)
  }

  get pause(): Effect.Effect<void, JobHalted> {
    return pause(this.#session)
  }

  get resume(): Effect.Effect<void, JobHalted> {
    return resume(this.#session)
  }

  get cancel(): Effect.Effect<void> {
    return cancel(this.#session)
  }

  get approvals(): Job<P>["approvals"] {
    return Effect.sync(() => approvalsOf(this.#session))
  }

  get signal(): Job<P>["signal"] {
    return (proposals) => signal(this.#session, proposals)
  }
}

const load = loadOnce(() => import("../journal/views.ts"))

/** The events of the log, or those of the journal if the log was released. */
const eventsOf = (session: JobSession): Stream.Stream<JobEvent> =>
  Stream.suspend(() => {
    const { jobId, log, options, program } = session
    if (!log.isReleased) return log.stream
    const read = Effect.map(load, ({ eventsIn }) => eventsIn(options.store, jobId, program, 0))
    return Stream.unwrap(read).pipe(
      Stream.catch((error) =>
        Stream.fromEffectDrain(Effect.logWarning(`the events of job ${jobId} end early: ${error.message}`))
      )
    )
  })

const resume = (session: JobSession): Effect.Effect<void, JobHalted> =>
  Effect.suspend((): Effect.Effect<void, JobHalted> => {
    if (session.isClosed) return Effect.fail(session.halted())
    session.actor.send({ type: "RESUME" })
    return Effect.void
  })

const stateOf = (session: JobSession): JobStatus["state"] => {
  const { context, value } = session.actor.getSnapshot()
  const live = typeof value === "object" ? "running" : value === "paused" || value === "awaiting" ? value : "queued"
  return session.finished ?? (session.isClosed ? (context.halt?.status ?? "cancelled") : live)
}

const statusOf = (session: JobSession): JobStatus => {
  const { value } = session.actor.getSnapshot()
  return {
    jobId: session.jobId,
    program: session.program.name,
    state: stateOf(session),
    phase: typeof value === "object" ? value.running : undefined,
    cycle: session.cycle,
    tier: session.tier,
    version: session.version,
    hash: session.ledger.hash,
    usage: session.usage
  }
}

/** Waits for a state. The end comes last, when `result` is there. */
const until = (session: JobSession, state: JobStatus["state"]): Effect.Effect<void, JobHalted> =>
  Effect.suspend(() => {
    if (session.finished === undefined && stateOf(session) === state) return Effect.void
    const reached = Effect.callback<void>((resume) => {
      const { unsubscribe } = session.actor.subscribe(() => {
        if (session.finished === undefined && stateOf(session) === state) resume(Effect.void)
      })
      return Effect.sync(unsubscribe)
    })
    const ended = Effect.flatMap(Effect.exit(Deferred.await(session.done)), () =>
      session.finished === state ? Effect.void : Effect.fail(session.halted())
    )
    return Effect.raceFirst(reached, ended)
  })

const pause = (session: JobSession): Effect.Effect<void, JobHalted> =>
  Effect.suspend((): Effect.Effect<void, JobHalted> => {
    if (session.isClosed) return Effect.fail(session.halted())
    if (session.actor.getSnapshot().value === "paused") return Effect.void
    const waiter = Deferred.makeUnsafe<void, JobHalted>()
    session.pauseWaiters.push(waiter)
    session.actor.send({ type: "PAUSE" })
    return Effect.onInterrupt(Deferred.await(waiter), () =>
      Effect.sync(() => {
        const index = session.pauseWaiters.indexOf(waiter)
        if (index >= 0) session.pauseWaiters.splice(index, 1)
      })
    )
  })

/** Cancels the job of a session and waits until it has released everything. */
export const cancel = (session: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (session.wanted === "nothing") session.wanted = "cancel"
    if (!session.isClosed) session.actor.send({ type: "CANCEL" })
    return Effect.asVoid(Effect.exit(Deferred.await(session.done)))
  })

/** Ends a session whose machine ended without a driver: in `idle`, or by a stop during a pause. */
export const finishUndriven = (session: JobSession): Effect.Effect<void> =>
  Effect.suspend(() => (session.driver !== undefined ? Effect.void : finish(session, ...endOf(session))))

const signal = (session: JobSession, proposals: ReadonlyArray<unknown>): Effect.Effect<void, SignalError> =>
  Effect.suspend((): Effect.Effect<void, SignalError> => {
    if (session.isClosed) return Effect.fail(session.halted())
    return Effect.flatMap(encodeSignal(session, proposals), (facts) => session.offer({ ...emptyEffect, facts }))
  })

type SignalError = InvalidInput | SignalRefused | AdmissionRejected | JobHalted

const approvalsOf = (session: JobSession): ReadonlyArray<OpenApproval> =>
  session.isClosed
    ? []
    : openApprovals(session).map(({ at, data, id, question, timeoutMs }) => ({
        id,
        question,
        data,
        since: at,
        timeout: timeoutMs
      }))

type Deciding = Pick<JobSession, "mailbox" | "outbox" | "underWay">

/** The decision of an approval that waits for its cycle, in a signal. */
const waitingDecision = ({ mailbox, underWay }: Deciding, id: string): EncodedFact | undefined => {
  const isSought = (fact: EncodedFact): boolean => fact.id === id && isDecision(fact.kind)
  return (underWay?.staged ?? []).flatMap(({ signal }) => signal.effect.facts).find(isSought) ?? mailbox.find(isSought)
}

/** The approvals without a decision in the context, in the signals that wait, and in those of the cycle under way. */
const openApprovals = (session: Deciding) =>
  (session.outbox?.approvals ?? []).filter(({ id }) => waitingDecision(session, id) === undefined)

/** A fact from a client. Its value is JSON, as the schema of its kind encodes it. */
export interface JsonProposal {
  readonly kind: string
  readonly value: unknown
}

/**
 * Does the same as `Job.signal`, with facts whose values are JSON.
 *
 * A value of a plain kind is its own JSON form, so it is encoded directly. If a value does not fit, all values are read again in
 * canonical form. So the message does not depend on the order of a client's keys, and names the first fact that its schema could
 * not read.
 */
export const signalJson = (job: object, facts: ReadonlyArray<JsonProposal>): Effect.Effect<void, SignalError> =>
  Effect.suspend((): Effect.Effect<void, SignalError> => {
    const session = Handle.session(job)
    if (session === undefined) return Effect.die(new Error("the job is of another copy of this package"))
    const { program } = session
    const read = (isCanonical: boolean): Effect.Effect<ReadonlyArray<EncodedFact>, SignalError> =>
      Effect.flatMap(
        decodeProposals(program, facts, isCanonical),
        (proposals): Effect.Effect<ReadonlyArray<EncodedFact>, SignalError> =>
          session.isClosed ? Effect.fail(session.halted()) : encodeSignal(session, proposals)
      )
    const encoded = Effect.catchTag(read(false), "InvalidInput", () => read(true))
    return Effect.flatMap(encoded, (facts) => session.offer({ ...emptyEffect, facts }))
  })

/** The refusal of a fact whose kind may not come from outside; undefined if it may, or if there is no such kind. */
const refusalOf = ({ kinds, name: program, signals }: CompiledProgram, kind: string): SignalRefused | undefined => {
  const known = openKind(kinds)(kind)
  if (known === undefined || isDecision(known) || signals.has(kind)) return undefined
  const taken = [...signals, Decision.name].map((name) => JSON.stringify(name)).join(", ")
  const message =
    `the program ${JSON.stringify(program)} takes no signal of the kind ${JSON.stringify(kind)}. It takes ${taken}. ` +
    "A kind that may come from outside belongs into the program's `signals`"
  return new SignalRefused({ program, kind, reason: "kind", message })
}

/** Decodes the values of facts. `isCanonical`: plain values are also read from their canonical texts. */
const decodeProposals = (
  compiled: CompiledProgram,
  facts: ReadonlyArray<JsonProposal>,
  isCanonical: boolean
): Effect.Effect<ReadonlyArray<JsonProposal>, InvalidInput | SignalRefused> =>
  Effect.forEach(facts, ({ kind, value }, index): Effect.Effect<JsonProposal, InvalidInput | SignalRefused> => {
    const { kinds, name: program } = compiled
    const refusal = refusalOf(compiled, kind)
    if (refusal !== undefined) return Effect.fail(refusal)
    return Effect.try({
      try: () => {
        const known = kind === Violation.name ? undefined : kinds.get(kind)
        if (known === undefined) throw new Error(`there is no kind ${JSON.stringify(kind)}`)
        const { codec } = known
        return { kind, value: codec.isPlain && !isCanonical ? value : codec.decode(canonicalText(value)) }
      },
      catch: (error) => {
        const why = isInvalidValue(error) || error instanceof Error ? error.message : "it does not fit"
        return new InvalidInput({ program, message: `facts.${index}: ${why}` })
      }
    })
  })

/** Stops the validation of a signal at a fact that may not come from outside. */
class Refused extends EffectFault {
  readonly refusal: SignalRefused
  constructor(refusal: SignalRefused) {
    super("InvalidEffect", { message: refusal.message, stack: "" })
    this.refusal = refusal
  }
}

/** Validates the facts of a signal. */
const encodeSignal = (
  session: JobSession,
  proposals: ReadonlyArray<unknown>
): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput | SignalRefused> => {
  const { program: compiled } = session
  const { kinds, name: program } = compiled
  const refuse = (message: string) => Effect.fail(new InvalidInput({ program, message }))
  if (!Array.isArray(proposals) || proposals.length > Limits.signalProposals) {
    return refuse(`a signal is an array of at most ${Limits.signalProposals} proposals`)
  }
  const kindOf = (name: string): ErasedKind | undefined => {
    const refusal = refusalOf(compiled, name)
    if (refusal !== undefined) throw new Refused(refusal)
    return openKind(kinds)(name)
  }
  return Effect.flatMap(
    inSlices(settled(encodeFacts(proposals, kindOf))),
    (facts): Effect.Effect<ReadonlyArray<EncodedFact>, InvalidInput | SignalRefused> => {
      if (facts instanceof Refused) return Effect.fail(facts.refusal)
      if (facts instanceof EffectFault) return refuse(`signal: ${facts.message}`)
      const decisions = facts.filter(({ kind }) => isDecision(kind))
      if (decisions.length > 1) return refuse("signal: it holds more than one Decision")
      const [decided] = decisions
      // The same decision again is no other one.
      const waits = decided === undefined ? undefined : waitingDecision(session, decided.id)
      const isOther = waits !== undefined && waits.text !== decided?.text
      const isOpen = decided === undefined || session.outbox?.approvals.some(({ id }) => id === decided.id) === true
      if (decided === undefined || (isOpen && !isOther)) {
        return Effect.succeed(facts)
      }
      const name = JSON.stringify(decided.id)
      const message =
        isOpen && isOther
          ? `the approval ${name} is decided already: another decision came first`
          : `there is no open approval ${name}: nobody has asked for it, or it is decided`
      return Effect.fail(new SignalRefused({ program, kind: Decision.name, reason: "approval", message }))
    }
  )
}
