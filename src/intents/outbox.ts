/**
 * The outbox of a job: holds each committed intent from its commit until the row with its answer is committed.
 *
 * A handler starts right after the commit of its intent, while the job goes on. Its answer is kept here until the job is at its
 * fixed point and every other handler has answered, too. Then all answers are admitted in one cycle, in the commit order of
 * their intents. An approval waits for its `Decision`, and holds nothing up.
 *
 * Invariants: no intent is performed before it is in the journal, and none is forgotten before its answer is (G11); neither
 * hash nor events depend on how long a handler takes (G3); when the outbox is closed, its fibers have ended (G10).
 * Boundary: performs intents and keeps answers. The machine decides when they are admitted, and staging.ts merges them.
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
import type { Descendants } from "./descendants.ts"
import type { HandledIntent } from "./IntentHandler.ts"
import type { CommittedIntent } from "../outcome/JobResult.ts"
import { Limits } from "../Limits.ts"
import { EffectFault, encodeFact, encodeFacts, settled } from "../cycle/encodeEffect.ts"
import { ApprovalPayload, approvalKind, childKind, Decision, isDecision, openKind } from "../program/answerKinds.ts"
import type { PlainJson } from "../values/errorData.ts"
import { describePanic, typeOf } from "../values/panic.ts"
import { inSlices } from "../platform/slices.ts"
import type { Cause as HaltCause } from "../outcome/Cause.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import { runDetached } from "../platform/detached.ts"
import { intentKey, partOf } from "../program/keys.ts"
import { eraseKind, type CompiledProgram } from "../program/erased.ts"
import { emptyEffect, type EncodedEffect } from "../program/encoded.ts"
import type { Amounts } from "../program/resolveBudget.ts"

/** Performs the intents of one kind, with the services that it runs with. */
export interface Performer {
  /** Returns the proposals of the answer. It does its own retries. */
  readonly perform: (intent: HandledIntent, parent: ParentJob) => Effect.Effect<unknown, unknown>
  readonly services: Context.Context<never>
  readonly onFailure: "halt" | "discard"
  /** Ends a job that an intent may have started: live, held by another engine, or in the store alone. */
  readonly endJob?: (jobId: string) => Effect.Effect<void, unknown>
  /** The error of the intents of a job whose tree of child jobs has too many jobs. */
  readonly tooMany?: unknown
  /** Whether it is the engine's own: it may then answer with any kind, and needs no permit. */
  readonly isBuiltIn: boolean
}

/** An intent that waits for somebody outside of the engine, and its job. */
export interface Awaited {
  readonly jobId: string
  readonly intent: CommittedIntent
}

/** A job that may rest: it then waits for nothing but decisions and handlers that nobody has registered. */
export interface Restful {
  /** The intents that a resting job and its children wait for; undefined while something else may go on. */
  readonly restsFor: ReadonlyArray<Awaited> | undefined
  /** Calls a function whenever `restsFor` of the job, or of a child, may have changed. */
  readonly watch: (listener: () => void) => void
}

/** The job whose intent starts a child. */
export interface ParentJob {
  readonly jobId: string
  /** Its depth in the tree of child jobs; 0 for a job that a caller started. */
  readonly level: () => number
  /** The id of the child that the intent of a key asks for. */
  readonly childId: (key: string) => string
  /** The share of the job's budget that is set aside for the child of a key. Undefined if it shares none. */
  readonly shareOf: (key: string) => Amounts | undefined
  /** Takes note of what the child of a key has spent, before the child's answer. */
  readonly noteSpent: (key: string, spent: Amounts) => void
  /** Takes note of the child of a key while it runs. */
  readonly noteChild: (key: string, child: Restful | undefined) => void
  /** Counts the jobs of the tree. */
  readonly descendants: Descendants
  /** Whether the job ends here, but not in its journal. */
  readonly isLeft: () => boolean
}

/** The job whose intents an outbox holds. */
export interface OutboxHost extends ParentJob {
  readonly program: CompiledProgram
  /** The services of the caller that started the job. */
  readonly services: Context.Context<unknown>
  readonly performers: Performers
  /** Whether the context holds a fact. */
  readonly hasFact: (kind: string, id: string) => boolean
  /** Whether the job halts after this cycle: nothing more is performed then. */
  readonly isHalting: () => boolean
  /** Called when there is an answer. */
  readonly wake: () => void
}

/** The performers that an engine has, by the kind of their intents. */
export interface Performers {
  readonly get: (kind: string) => Performer | undefined
}

/** A fault of an intent or of its answer. A handler that fails with an error of its own gives that error instead. */
export interface IntentFault {
  readonly _tag: "HandlerPanicked" | "HandlerTimedOut" | "InvalidAnswer" | "InvalidIntent" | "ApprovalTimedOut"
  readonly message: string
  /** The value that a handler threw, as data: left out if it is no more than the message. */
  readonly error?: PlainJson
}

type Failed = Extract<HaltCause, { readonly _tag: "IntentFailed" }>

type Approval = typeof ApprovalPayload.Type

/** The effect that an intent is answered with, or the reason why it has none. */
export type EncodedAnswer = EncodedEffect | Failed

/** An intent that was committed, and whose answer was not. */
export interface UnansweredIntent {
  readonly intent: CommittedIntent
  /** When it was committed, in milliseconds since the epoch. */
  readonly at: number
}

/** An intent in the outbox: with its answer, once there is one that waits to be admitted. */
export interface OpenIntent extends UnansweredIntent {
  readonly key: string
  readonly ref: IntentRef
  readonly approval: Approval | undefined
  answer: EncodedAnswer | undefined
  /** Whether a failure ends the job. */
  halts: boolean
}

const decision = eraseKind(Decision)
const nothing: ReadonlyArray<OpenIntent> = Object.freeze([])

/** Encodes the proposals of an answer. A kind of intents that the program declares is answered with its `answers` alone. */
const encodeAnswer = (
  proposals: ReadonlyArray<unknown>,
  intent: string,
  { intents, kinds }: CompiledProgram,
  isBuiltIn: boolean
): ReturnType<typeof encodeFacts> => {
  if (isBuiltIn) return encodeFacts(proposals, (name) => kinds.get(name))
  const declared = intents.get(intent)
  const open = openKind(kinds)
  if (declared === undefined) return encodeFacts(proposals, open)
  const names = declared.answers.map(({ name }) => name)
  const answers = names.length === 0 ? "it has none" : `it has ${names.map((name) => JSON.stringify(name)).join(", ")}`
  const advice = () =>
    `which is no answer to ${JSON.stringify(intent)}: add it to the \`answers\` of the kind of intents (${answers})`
  return encodeFacts(proposals, (name) => (names.includes(name) ? open(name) : undefined), advice)
}

/** The kinds of intents in a row that have a performer. */
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

/** The kinds of intents in a row that somebody should perform, and nobody does. */
export const unperformedKinds = (
  row: CommittedCycle,
  { intents }: Pick<CompiledProgram, "intents">,
  performed: ReadonlyArray<string>
): ReadonlyArray<string> => {
  let kinds = noKinds
  for (const { cause, effect } of row.outcomes) {
    if (cause !== undefined || effect === undefined || effect.intents.length === 0) continue
    for (const { kind } of effect.intents) {
      const isMissed = !performed.includes(kind) && intents.get(kind)?.isRecord !== true
      if (isMissed && !kinds.includes(kind)) kinds = [...kinds, kind]
    }
  }
  return kinds
}

const noKinds: ReadonlyArray<string> = Object.freeze([])

export class Outbox {
  readonly #host: OutboxHost
  /** By key, in commit order. */
  readonly #intents = new Map<string, OpenIntent>()
  /** The intents that are approvals. */
  readonly #approvals = new Set<OpenIntent>()
  /** The intents that nobody performs yet. */
  readonly #idle = new Set<OpenIntent>()
  /** Whether a driver has worked on the job: before that, nothing is performed. */
  #isStarted = false
  /** The number of intents that a handler has answered. */
  #answered = 0
  /** The number of approvals whose time is over. */
  #overdue = 0
  readonly #scope = Scope.makeUnsafe("parallel")
  readonly #permits = Semaphore.makeUnsafe(Limits.handlersUnderWay)
  /** The intents whose answers the cycle under way admits. */
  #staged: ReadonlyArray<OpenIntent> = nothing
  /** Whether all are answered, and the job was woken to take the answers. */
  #isAdmitting = false

  constructor(host: OutboxHost, unanswered: Iterable<UnansweredIntent>) {
    this.#host = host
    for (const each of unanswered) this.#add(each)
    this.#dropDecided()
  }

  /** The number of intents that are not answered. */
  get size(): number {
    return this.#intents.size
  }

  /** The intents that are not answered, in commit order. */
  get unanswered(): ReadonlyArray<CommittedIntent> {
    return [...this.#intents.values()].map(({ intent }) => intent)
  }

  /** The intents that are not answered when the cycle under way is committed, without those of that cycle. */
  get unstaged(): ReadonlyArray<CommittedIntent> {
    return [...this.#intents.values()].filter((open) => !this.#staged.includes(open)).map(({ intent }) => intent)
  }

  /** The intents that wait for a decision, or that nobody performs. */
  get waiting(): ReadonlyArray<CommittedIntent> {
    const { performers } = this.#host
    return [...this.#intents.values()]
      .filter(({ answer, approval, intent }) => {
        return answer === undefined && (approval !== undefined || performers.get(intent.kind) === undefined)
      })
      .map(({ intent }) => intent)
  }

  /**
   * The intents for which a job waits that goes on by itself in no case: approvals, kinds without a handler, and those of
   * children that wait so. Undefined while a handler or a child is at work, or an answer is to be admitted.
   */
  restWith(childOf: (key: string) => Restful | undefined): ReadonlyArray<Awaited> | undefined {
    const { jobId, performers } = this.#host
    if (this.isDue) return undefined
    const found: Array<Awaited> = []
    for (const { answer, approval, intent, key } of this.#intents.values()) {
      if (answer !== undefined) continue
      const isAwaited = approval !== undefined || performers.get(intent.kind) === undefined
      const awaited = isAwaited ? [{ jobId, intent }] : childOf(key)?.restsFor
      if (awaited === undefined) return undefined
      found.push(...awaited)
    }
    return found
  }

  /** The approvals that wait for a decision, in commit order: one of each id, as it was asked for first. */
  get approvals(): ReadonlyArray<Approval & { readonly at: number }> {
    const byId = new Map<string, Approval & { readonly at: number }>()
    for (const open of this.#approvals) {
      const { approval, at } = open
      if (approval !== undefined && !byId.has(approval.id) && !this.isDecided(open))
        byId.set(approval.id, { ...approval, at })
    }
    return [...byId.values()]
  }

  /** Whether no handler is at work. Decisions and children are waited for: neither can end the process from here. */
  get isIdle(): boolean {
    const { performers } = this.#host
    for (const { answer, approval, intent } of this.#intents.values()) {
      if (answer === undefined && approval === undefined && performers.get(intent.kind)?.isBuiltIn === false)
        return false
    }
    return true
  }

  /** The number of answers that the cycle under way admits. */
  get stagedCount(): number {
    return this.#staged.length
  }

  /** The number of approvals whose time is over. They are taken like signals. */
  get overdueCount(): number {
    return this.#overdue
  }

  /** Whether there is something to wake the job for. */
  get isDue(): boolean {
    return this.#overdue > 0 || this.#isAnswered
  }

  /** Whether all handlers have answered; approvals aside. */
  get #isAnswered(): boolean {
    return this.#answered > 0 && this.#answered === this.#intents.size - this.#approvals.size
  }

  /** The job is woken: until the end of the next cycle answers are admitted, if all are there. */
  admit(): void {
    this.#isAdmitting = this.#isAnswered
  }

  /** The intents whose answers are to be staged in this cycle. */
  get due(): ReadonlyArray<OpenIntent & { readonly answer: EncodedAnswer }> {
    return [...this.#intents.values()].filter(
      (open): open is OpenIntent & { answer: EncodedAnswer } =>
        open.answer !== undefined && (this.#isAdmitting || open.approval !== undefined)
    )
  }

  get hasDue(): boolean {
    return this.#isAdmitting || this.#overdue > 0
  }

  /** Takes note of the intents whose answers were staged. */
  stage(staged: ReadonlyArray<OpenIntent>): void {
    this.#staged = staged
  }

  /** The cycle under way is discarded: the answers wait for the next fixed point. */
  unstage(): void {
    this.#staged = nothing
    this.#isAdmitting = false
  }

  /** The approval that a decision answers, if there is one. */
  approvalOf(id: string): OpenIntent | undefined {
    for (const open of this.#approvals) if (open.approval?.id === id) return open
    return undefined
  }

  /** The answer of an approval whose time was over at a moment: the decision by timeout. Undefined if there was time left. */
  expire(open: OpenIntent, atMs: number): EncodedAnswer | undefined {
    const { approval, at } = open
    if (approval?.timeoutMs === undefined || atMs <= at + approval.timeoutMs) return undefined
    return open.answer ?? this.#answer(open, timedOut(open, approval, approval.timeoutMs))
  }

  /** Whether an approval has its decision. */
  isDecided({ approval }: OpenIntent): boolean {
    return approval !== undefined && this.#host.hasFact(decision.name, approval.id)
  }

  /** A cycle was committed: the intents whose answers it admitted leave, and its own are added. A driver runs, so it starts. */
  commit(added: Iterable<UnansweredIntent>): void {
    if (this.#isAdmitting) this.#host.descendants.reset()
    for (const open of this.#staged) this.#remove(open)
    this.unstage()
    for (const each of added) this.#add(each)
    this.#dropDecided()
    this.start()
  }

  /** A driver works on the job: from here on intents are performed. */
  start(): void {
    this.#isStarted = true
    this.begin()
  }

  /**
   * The tree of child jobs has too many jobs: each intent that asks for a child fails, answered or not, so that it does not
   * matter how far each child came.
   */
  failChildren(): void {
    const error = this.#host.performers.get(childKind)?.tooMany
    for (const open of this.#intents.values()) {
      if (open.intent.kind !== childKind) continue
      this.#idle.delete(open)
      open.halts = true
      const answer = failed(open, error)
      if (open.answer === undefined) this.#answer(open, answer)
      else open.answer = answer
    }
  }

  #dropDecided(): void {
    for (const open of this.#approvals) if (this.isDecided(open)) this.#remove(open)
  }

  #remove(open: OpenIntent): void {
    this.#intents.delete(open.key)
    this.#approvals.delete(open)
    this.#idle.delete(open)
    if (open.answer === undefined) return
    if (open.approval === undefined) this.#answered--
    else this.#overdue--
  }

  #answer(open: OpenIntent, answer: EncodedAnswer): EncodedAnswer {
    open.answer = answer
    if (open.approval === undefined) this.#answered++
    else this.#overdue++
    this.#host.wake()
    return answer
  }

  #add({ at, intent }: UnansweredIntent): void {
    const { agent, cycle, each, index, kind, part } = intent
    const ref = { kind, cycle, agent, each, ...partOf(part), index }
    const asked = kind === approvalKind ? approvalOf(this.#host.program, intent) : undefined
    const isInvalid = typeof asked === "string"
    const approval = isInvalid ? undefined : asked
    const open: OpenIntent = { intent, at, key: intentKey(intent), ref, approval, answer: undefined, halts: true }
    this.#intents.set(open.key, open)
    if (approval !== undefined) this.#approvals.add(open)
    if (isInvalid) this.#answer(open, failed(open, fault("InvalidIntent", asked)))
    else this.#idle.add(open)
  }

  /** Performs the intents that are not under way and have a performer. Does nothing before `start`, or if the job halts. */
  begin(): void {
    const { isHalting, performers, services } = this.#host
    if (!this.#isStarted || isHalting()) return
    for (const open of this.#idle) {
      const { approval, intent } = open
      if (approval !== undefined) {
        this.#idle.delete(open)
        if (approval.timeoutMs !== undefined) this.#fork(services, this.#timeout(open, approval, approval.timeoutMs))
        continue
      }
      const performer = performers.get(intent.kind)
      if (performer === undefined) continue
      this.#idle.delete(open)
      open.halts = performer.onFailure === "halt"
      const performed = this.#perform(open, performer)
      this.#fork(performer.services, performer.isBuiltIn ? performed : this.#permits.withPermit(performed))
    }
  }

  #fork(services: Context.Context<never>, effect: Effect.Effect<void>): void {
    runDetached(services, Effect.asVoid(Effect.forkIn(effect, this.#scope)))
  }

  #perform(open: OpenIntent, performer: Performer): Effect.Effect<void> {
    const { jobId, program } = this.#host
    const intent: HandledIntent = Object.freeze({ ...open.intent, jobId, program: program.name })
    const answer = Effect.flatMap(performer.perform(intent, this.#host), (proposals) =>
      this.#encoded(proposals, open.intent.kind, performer.isBuiltIn)
    )
    return Effect.flatMap(Effect.exit(answer), (exit) =>
      Effect.sync(() => {
        // The tree of child jobs may have had too many jobs meanwhile.
        if (open.answer !== undefined) return
        this.#answer(open, Exit.isSuccess(exit) ? exit.value : failed(open, errorOf(exit.cause)))
      })
    )
  }

  #encoded(proposals: unknown, intent: string, isBuiltIn: boolean): Effect.Effect<EncodedEffect, IntentFault> {
    if (proposals === undefined) return Effect.succeed(emptyEffect)
    if (!Array.isArray(proposals) || proposals.length > Limits.signalProposals) {
      const message = `an answer is an array of at most ${Limits.signalProposals} proposals, not ${typeOf(proposals)}`
      return Effect.fail(fault("InvalidAnswer", message))
    }
    const steps = settled(encodeAnswer(proposals, intent, this.#host.program, isBuiltIn))
    return Effect.flatMap(inSlices(steps), (facts) =>
      facts instanceof EffectFault
        ? Effect.fail(fault("InvalidAnswer", facts.message))
        : Effect.succeed({ ...emptyEffect, facts })
    )
  }

  /** Waits for the end of an approval's time. It counts from the commit, also if the process has been down meanwhile. */
  #timeout(open: OpenIntent, approval: Approval, timeoutMs: number): Effect.Effect<void> {
    const clock = Context.get(this.#host.services, Clock.Clock)
    // A commit that seems to lie ahead was made before the clock was set back.
    const passedMs = Math.max(clock.currentTimeMillisUnsafe() - open.at, 0)
    const remainingMs = Math.max(timeoutMs - passedMs, 0)
    return Effect.flatMap(Effect.sleep(Duration.millis(remainingMs)), () =>
      Effect.sync(() => {
        if (this.#intents.get(open.key) !== open || open.answer !== undefined) return
        this.#answer(open, timedOut(open, approval, timeoutMs))
      })
    )
  }

  /** Interrupts the handlers under way, and ends when they have ended. */
  get close(): Effect.Effect<void> {
    return Scope.close(this.#scope, Exit.void)
  }
}

const decodeApproval = Schema.decodeUnknownOption(ApprovalPayload)

/** The approval that an intent asks for, or the reason why it cannot be one. */
const approvalOf = (program: CompiledProgram, { payload }: CommittedIntent): Approval | string => {
  const known = program.kinds.get(Decision.name)
  if (known === undefined || !isDecision(known)) return "the program has a kind of its own that is called Decision"
  return Option.getOrUndefined(decodeApproval(payload)) ?? "it was not made by Intent.approval"
}

const timedOut = (open: OpenIntent, approval: Approval, timeoutMs: number): EncodedAnswer => {
  const { id, onTimeout } = approval
  const reason = `nobody decided within ${timeoutMs} ms`
  if (onTimeout === "halt") return failed(open, fault("ApprovalTimedOut", reason))
  const value = { approval: id, approved: onTimeout === "approve", by: "timeout", reason }
  return { ...emptyEffect, facts: [encodeFact(decision, value, 0)] }
}

const fault = (_tag: IntentFault["_tag"], message: string): IntentFault => ({ _tag, message })

/** `cycle` is the intent's. The row says in which cycle the job was told. */
const failed = ({ intent, key }: Pick<OpenIntent, "intent" | "key">, error: unknown): Failed => ({
  _tag: "IntentFailed",
  agent: intent.agent,
  cycle: intent.cycle,
  kind: intent.kind,
  key,
  error
})

/** The error of a handler that did not answer. */
const errorOf = (cause: Cause.Cause<unknown>): unknown => {
  const die = cause.reasons.find(Cause.isDieReason)
  if (die !== undefined) {
    const { stack: _, ...panic } = describePanic(die.defect)
    return { _tag: "HandlerPanicked", ...panic } satisfies IntentFault
  }
  const fail = cause.reasons.find(Cause.isFailReason)
  return fail === undefined ? fault("HandlerPanicked", "the handler interrupted itself") : fail.error
}
