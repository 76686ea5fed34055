/**
 * A session's outbox: the intents that were committed and are to be performed, until the rows with their answers are.
 *
 * A handler starts right after the commit of its intent, beside what the job does then. Its answer is kept here until the job
 * is at its fixed point and every other handler has answered, too: then all are admitted in one cycle, in the commit order of
 * their intents. An approval waits for its `Decision`, and holds nothing up.
 *
 * Invariants: nothing is performed before it is in the journal, and nothing is forgotten before its answer is (G11); neither
 * hash nor events depend on how long a handler takes (G3); when the outbox is closed, its fibers have ended (G10).
 * Boundary: performs and keeps answers; when they are admitted, the machine decides, and staging.ts merges them.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { type IntentRef } from "../program/AgentEffect.ts"
import type { HandledIntent } from "./IntentHandler.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import { EffectFault, encodeFact, encodeFacts, settled } from "../cycle/encodeEffect.ts"
import { ApprovalPayload, approvalKind, Decision, openKind } from "../program/answerKinds.ts"
import { describePanic, typeOf } from "../values/panic.ts"
import { inSlices } from "../platform/slices.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import { runDetached } from "../platform/detached.ts"
import { intentKey } from "../program/keys.ts"
import { eraseKind, type CompiledProgram } from "../program/erased.ts"
import { emptyEffect, type EncodedEffect } from "../program/encoded.ts"

/** What performs intents of one kind, with the services that it runs with. */
export interface Performer {
  /** Returns the proposals of the answer. It does its own retries. */
  readonly perform: (intent: HandledIntent, parent: ParentJob) => Effect.Effect<unknown, unknown>
  readonly services: Context.Context<never>
  readonly onFailure: "halt" | "discard"
  /** Ends a job that an intent may have started, wherever it is. */
  readonly endJob?: (jobId: string) => Effect.Effect<void, unknown>
  /** Whether it is the engine's own: those may answer with all kinds, and are not counted. */
  readonly isBuiltIn: boolean
}

/** The job whose intent starts a child. */
export interface ParentJob {
  readonly jobId: string
  /** Its depth in the tree of child jobs; 0 for a job that a caller started. */
  readonly level: () => number
  /** Whether it ends here, but not in its journal. */
  readonly isLeft: () => boolean
}

/** What an outbox asks of the job whose intents it holds. */
export interface OutboxHost extends ParentJob {
  readonly program: CompiledProgram
  /** The services of the caller that started the job. */
  readonly services: Context.Context<unknown>
  readonly performers: Performers
  /** Whether the context holds a fact. */
  readonly hasFact: (kind: string, id: string) => boolean
  /** Whether a driver has worked on the job, and the job does not halt. */
  readonly canBegin: () => boolean
  /** Called when there is an answer. */
  readonly wake: () => void
}

/** What an engine knows of who performs which intents. */
export interface Performers {
  readonly get: (kind: string) => Performer | undefined
}

/** What is wrong with an intent or its answer, where its handler did not fail with an error of its own. */
export interface IntentFault {
  readonly _tag: "HandlerPanicked" | "HandlerTimedOut" | "InvalidAnswer" | "InvalidIntent" | "ApprovalTimedOut"
  readonly message: string
}

type Failed = Extract<HaltCause, { readonly _tag: "IntentFailed" }>

/** An intent that is not answered yet. */
export interface Pending {
  readonly intent: CommittedIntent
  /** When it was committed, in milliseconds since the epoch. */
  readonly at: number
}

/** An answer that waits to be admitted, or an approval whose time is over. */
export interface Entry extends Pending {
  readonly key: string
  readonly ref: IntentRef
  readonly approval: typeof ApprovalPayload.Type | undefined
  answer: EncodedEffect | Failed | undefined
  /** Whether a failure ends the job. */
  halts: boolean
}

const decision = eraseKind(Decision)
const nothing: ReadonlyArray<Entry> = Object.freeze([])

/** The kinds of a row's intents that somebody performs. */
export const performedKinds = (row: CommittedCycle, performers: Performers): ReadonlyArray<string> => {
  let kinds = noKinds
  for (const { cause, effect } of row.outcomes) {
    if (cause !== undefined || effect === undefined || effect.intents.length === 0) continue
    for (const { kind } of effect.intents) {
      if (!kinds.includes(kind) && performers.get(kind) !== undefined) kinds = [...kinds, kind]
    }
  }
  return kinds
}

const noKinds: ReadonlyArray<string> = Object.freeze([])

export class Outbox {
  readonly #host: OutboxHost
  /** By key, in commit order. */
  readonly #entries = new Map<string, Entry>()
  /** Those of them that are approvals. */
  readonly #approvals = new Set<Entry>()
  /** Those that nobody performs yet. */
  readonly #idle = new Set<Entry>()
  /** Handlers that have answered, and approvals whose time is over. */
  #answered = 0
  #overdue = 0
  readonly #scope = Scope.makeUnsafe("parallel")
  readonly #permits = Semaphore.makeUnsafe(Limits.handlersUnderWay)
  /** What the cycle under way admits. */
  #staged: ReadonlyArray<Entry> = nothing
  /** All are answered, and the job was woken to take the answers. */
  #isAdmitting = false

  constructor(host: OutboxHost, pending: Iterable<Pending>) {
    this.#host = host
    for (const each of pending) this.#add(each)
    this.#dropDecided()
  }

  /** Intents that are not answered. */
  get size(): number {
    return this.#entries.size
  }

  /** Those intents, in commit order. */
  get unanswered(): ReadonlyArray<CommittedIntent> {
    return [...this.#entries.values()].map(({ intent }) => intent)
  }

  /** Those of them that wait for a decision, or that nobody performs. */
  get waiting(): ReadonlyArray<CommittedIntent> {
    const { performers } = this.#host
    return [...this.#entries.values()]
      .filter(({ answer, approval, intent }) => {
        return answer === undefined && (approval !== undefined || performers.get(intent.kind) === undefined)
      })
      .map(({ intent }) => intent)
  }

  /** How many answers the cycle under way admits. */
  get stagedCount(): number {
    return this.#staged.length
  }

  /** Approvals whose time is over: they are taken like signals. */
  get overdueCount(): number {
    return this.#overdue
  }

  /** Whether there is something to wake the job for. */
  get isDue(): boolean {
    return this.#overdue > 0 || this.#isAnswered
  }

  /** Whether all handlers have answered; approvals aside. */
  get #isAnswered(): boolean {
    return this.#answered > 0 && this.#answered === this.#entries.size - this.#approvals.size
  }

  /** Called when the job is woken: from here to the end of the next cycle answers are admitted, if all are there. */
  admit(): void {
    this.#isAdmitting = this.#isAnswered
  }

  /** What is to be staged in this cycle. */
  get due(): ReadonlyArray<Entry> {
    return [...this.#entries.values()].filter(
      ({ answer, approval }) => answer !== undefined && (this.#isAdmitting || approval !== undefined)
    )
  }

  get hasDue(): boolean {
    return this.#isAdmitting || this.#overdue > 0
  }

  /** Notes what was staged. */
  stage(entries: ReadonlyArray<Entry>): void {
    this.#staged = entries
  }

  /** The cycle under way is put off, or discarded: the answers wait for the next fixed point. */
  unstage(): void {
    this.#staged = nothing
    this.#isAdmitting = false
  }

  /** The approval that a decision answers, if there is one. */
  approvalOf(id: string): Entry | undefined {
    for (const entry of this.#approvals) if (entry.approval?.id === id) return entry
    return undefined
  }

  /** Whether an approval's time was over at a moment: the decision by timeout is then there, if no other is. */
  expire(entry: Entry, atMs: number): boolean {
    const timeoutMs = entry.approval?.timeoutMs
    if (timeoutMs === undefined || atMs <= entry.at + timeoutMs) return false
    if (entry.answer === undefined) this.#answer(entry, timedOut(entry, timeoutMs))
    return true
  }

  /** Whether an approval has its decision. */
  isDecided({ approval }: Entry): boolean {
    return approval !== undefined && this.#host.hasFact(decision.name, approval.id)
  }

  /** A cycle was committed: with what it answered, and the intents that it adds. */
  commit(added: Iterable<Pending>): void {
    for (const entry of this.#staged) this.#remove(entry)
    this.unstage()
    for (const each of added) this.#add(each)
    this.#dropDecided()
    this.begin()
  }

  #dropDecided(): void {
    for (const entry of this.#approvals) if (this.isDecided(entry)) this.#remove(entry)
  }

  #remove(entry: Entry): void {
    this.#entries.delete(entry.key)
    this.#approvals.delete(entry)
    this.#idle.delete(entry)
    if (entry.answer === undefined) return
    if (entry.approval === undefined) this.#answered--
    else this.#overdue--
  }

  #answer(entry: Entry, answer: EncodedEffect | Failed): void {
    entry.answer = answer
    if (entry.approval === undefined) this.#answered++
    else this.#overdue++
    this.#host.wake()
  }

  #add({ at, intent }: Pending): void {
    const { agent, cycle, each, index, kind } = intent
    const ref = { kind, cycle, agent, each, index }
    const asked = kind === approvalKind ? approvalOf(this.#host.program, intent) : undefined
    const isInvalid = typeof asked === "string"
    const approval = isInvalid ? undefined : asked
    const entry: Entry = { intent, at, key: intentKey(intent), ref, approval, answer: undefined, halts: true }
    this.#entries.set(entry.key, entry)
    if (approval !== undefined) this.#approvals.add(entry)
    if (isInvalid) this.#answer(entry, failed(entry, fault("InvalidIntent", asked)))
    else this.#idle.add(entry)
  }

  /** Performs what is not under way and has somebody to perform it. Does nothing while the job does not run, or ends. */
  begin(): void {
    const { canBegin, performers, services } = this.#host
    if (!canBegin()) return
    for (const entry of this.#idle) {
      const { approval, intent } = entry
      if (approval !== undefined) {
        this.#idle.delete(entry)
        if (approval.timeoutMs !== undefined) this.#fork(services, this.#expire(entry, approval.timeoutMs))
        continue
      }
      const performer = performers.get(intent.kind)
      if (performer === undefined) continue
      this.#idle.delete(entry)
      entry.halts = performer.onFailure === "halt"
      const performed = this.#perform(entry, performer)
      this.#fork(performer.services, performer.isBuiltIn ? performed : this.#permits.withPermit(performed))
    }
  }

  #fork(services: Context.Context<never>, effect: Effect.Effect<void>): void {
    runDetached(services, Effect.asVoid(Effect.forkIn(effect, this.#scope)))
  }

  #perform(entry: Entry, performer: Performer): Effect.Effect<void> {
    const { jobId, program } = this.#host
    const intent: HandledIntent = Object.freeze({ ...entry.intent, jobId, program: program.name })
    const answer = Effect.flatMap(performer.perform(intent, this.#host), (proposals) =>
      this.#encoded(proposals, performer.isBuiltIn)
    )
    return Effect.flatMap(Effect.exit(answer), (exit) =>
      Effect.sync(() => {
        this.#answer(entry, Exit.isSuccess(exit) ? exit.value : failed(entry, errorOf(exit.cause)))
      })
    )
  }

  #encoded(proposals: unknown, isBuiltIn: boolean): Effect.Effect<EncodedEffect, IntentFault> {
    if (proposals === undefined) return Effect.succeed(emptyEffect)
    if (!Array.isArray(proposals) || proposals.length > Limits.signalProposals) {
      const message = `an answer is an array of at most ${Limits.signalProposals} proposals, not ${typeOf(proposals)}`
      return Effect.fail(fault("InvalidAnswer", message))
    }
    const { kinds } = this.#host.program
    const steps = settled(encodeFacts(proposals, isBuiltIn ? (name) => kinds.get(name) : openKind(kinds)))
    return Effect.flatMap(inSlices(steps), (facts) =>
      facts instanceof EffectFault
        ? Effect.fail(fault("InvalidAnswer", facts.message))
        : Effect.succeed({ ...emptyEffect, facts })
    )
  }

  /** Waits for the end of an approval's time, which counts from its commit, whatever became of the process since. */
  #expire(entry: Entry, timeoutMs: number): Effect.Effect<void> {
    const clock = Context.get(this.#host.services, Clock.Clock)
    const remainingMs = Math.max(entry.at + timeoutMs - clock.currentTimeMillisUnsafe(), 0)
    return Effect.flatMap(Effect.sleep(Duration.millis(remainingMs)), () =>
      Effect.sync(() => {
        if (this.#entries.get(entry.key) !== entry || entry.answer !== undefined) return
        this.#answer(entry, timedOut(entry, timeoutMs))
      })
    )
  }

  /** Interrupts what is under way, and ends when it has ended. */
  get close(): Effect.Effect<void> {
    return Scope.close(this.#scope, Exit.void)
  }
}

const decodeApproval = Schema.decodeUnknownOption(ApprovalPayload)

/** What an intent asks to be approved, or why that cannot be. */
const approvalOf = (program: CompiledProgram, { payload }: CommittedIntent): typeof ApprovalPayload.Type | string => {
  if (program.kinds.get(decision.name) !== decision) return "the program has a kind of its own that is called Decision"
  return Option.getOrUndefined(decodeApproval(payload)) ?? "it was not made by Intent.approval"
}

const timedOut = (entry: Entry, timeoutMs: number): EncodedEffect | Failed => {
  const { id, onTimeout } = entry.approval!
  const reason = `nobody decided within ${timeoutMs} ms`
  if (onTimeout === "halt") return failed(entry, fault("ApprovalTimedOut", reason))
  const value = { approval: id, approved: onTimeout === "approve", by: "timeout", reason }
  return { ...emptyEffect, facts: [encodeFact(decision, value, 0)] }
}

const fault = (_tag: IntentFault["_tag"], message: string): IntentFault => ({ _tag, message })

/** `cycle`: that of the intent. The row says in which cycle the job was told. */
const failed = ({ intent, key }: Pick<Entry, "intent" | "key">, error: unknown): Failed => ({
  _tag: "IntentFailed",
  agent: intent.agent,
  cycle: intent.cycle,
  kind: intent.kind,
  key,
  error
})

/** What to say of a handler that did not answer. */
const errorOf = (cause: Cause.Cause<unknown>): unknown => {
  const die = cause.reasons.find(Cause.isDieReason)
  if (die !== undefined) return fault("HandlerPanicked", describePanic(die.defect, Limits.errorTextLength).message)
  const fail = cause.reasons.find(Cause.isFailReason)
  return fail === undefined ? fault("HandlerPanicked", "the handler interrupted itself") : fail.error
}
