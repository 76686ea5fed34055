/**
 * The answer to the question why a job failed, does not end, or gave less than it should: from its events alone.
 *
 * An `Examination` reads the log once, from any event on. It remembers the last cycles only, so its size is bounded (G14). Facts
 * are counted when somebody asks: most of them have left the last cycles by then, and a job should not pay for its viewer. It
 * counts equal failures, facts that change again and again with the agents that change them, and the growth of each kind.
 *
 * Boundary: the pure core; events in, a value out. A server and a command line show it.
 */
import { type DecidedQuestion, Decisions } from "./decisions.ts"
import { Limits } from "../Limits.ts"
import type { FactRef } from "../program/Fact.ts"
import { refKey } from "../program/keys.ts"
import type { EventCause, JobEvent } from "./JobEvent.ts"
import type { Status } from "./Cause.ts"
import { runSteps, stepSize } from "../values/steps.ts"
import { OpenIntents } from "./openIntents.ts"

/** Failures of one agent with the same error, among the events that were read. */
export interface RepeatedFailure {
  readonly agent: string
  /** The fact that the last of these tasks was about. */
  readonly each: FactRef | undefined
  readonly _tag: string
  readonly message: string
  readonly count: number
  /** The cycles of the first and of the last. */
  readonly first: number
  readonly last: number
}

/** A value that a fact had, and the task that committed it. */
export interface Change {
  readonly cycle: number
  /** "" for a signal. */
  readonly agent: string
  readonly value: unknown
}

/** A fact that changed more than once in the last cycles. */
export interface ChangingFact extends FactRef {
  /** How often it was committed in the last cycles. */
  readonly times: number
  /** The agents that committed it, in alphabetical order. */
  readonly agents: ReadonlyArray<string>
  /** Its last values, oldest first. */
  readonly values: ReadonlyArray<Change>
}

/** The facts of a kind that the last cycles committed, oldest cycle first. */
export interface Growth {
  readonly kind: string
  readonly facts: number
  readonly perCycle: ReadonlyArray<number>
}

/** The state of a job according to its events. */
export interface Diagnosis {
  /** One sentence that answers the question. */
  readonly headline: string
  /** The status and the error with which the job ended. Undefined if it has not. */
  readonly status: Status | undefined
  readonly error: EventCause | undefined
  /**
   * The failure that ended the job, with the fact of its own task; undefined if no task or intent failed with that error. If the
   * job has no error: the most frequent failure.
   */
  readonly failure: RepeatedFailure | undefined
  /** The most frequent failures of discarded tasks, and how many failures are not among them. */
  readonly failures: ReadonlyArray<RepeatedFailure>
  readonly otherFailures: number
  /** The facts that change most, in the last cycles. */
  readonly changing: ReadonlyArray<ChangingFact>
  readonly growth: ReadonlyArray<Growth>
  /** The cycles that `changing` and `growth` look back on. */
  readonly cycles: { readonly from: number; readonly to: number }
  /** The semantic invariants that do not hold, with their reasons. */
  readonly violated: ReadonlyArray<{ readonly name: string; readonly reason: string }>
  /** The newest decisions about approvals, oldest first. */
  readonly decisions: ReadonlyArray<DecidedQuestion>
  /** The number of decisions before these. */
  readonly olderDecisions: number
}

/** The place of a job after the events that were read. */
export interface Standing {
  /** The state that followed the last cycle: a rest, or the end. `running`: it went on to the next cycle. */
  readonly state: "running" | "paused" | "awaiting" | Status
  /** Whether that rest has ended. */
  readonly hasResumed: boolean
  /** The last cycle, with its tasks and their agents. */
  readonly cycle: number
  readonly tasks: number
  readonly agents: ReadonlyArray<string>
}

/** The message of a cause, or of the error in it. */
export const messageOf = (cause: EventCause): string => {
  switch (cause._tag) {
    case "AgentFailed":
    case "IntentFailed":
      return textOf(cause.error)
    case "AgentTimedOut":
      return `it took longer than ${cause.timeoutMs} ms`
    case "AgentOutOfMemory":
      return `it needed more than ${cause.limitMb} MB`
    case "WorkerCrashed":
      return `its thread ended with exit code ${cause.exitCode}`
    case "MergeConflict":
      return `${cause.kind}/${cause.id} has another value from ${JSON.stringify(cause.agents[0])}`
    case "BudgetExhausted":
      return `${cause.used} of ${cause.limit} ${cause.budget}`
    case "InvariantViolated":
      return `${cause.name}: ${cause.reason}`
    case "JobCancelled":
      return "somebody cancelled it"
    default:
      return cause.message
  }
}

/** An error of a program has a message, or only a tag. */
const textOf = (error: unknown): string => {
  if (typeof error === "string") return error
  if (typeof error !== "object" || error === null) return String(error)
  const { _tag, message } = error as { readonly _tag?: unknown; readonly message?: unknown }
  if (typeof message === "string" && message !== "") return message
  return typeof _tag === "string" ? _tag : JSON.stringify(error)
}

interface Counted {
  agent: string
  each: FactRef | undefined
  _tag: string
  message: string
  count: number
  first: number
  last: number
  /** The first of these tasks in the last of these cycles: its error is the one that may have ended the job. */
  own: { readonly seq: number; readonly each: FactRef | undefined }
}

type IntentCause = Extract<EventCause, { readonly _tag: "IntentFailed" }>

/** An intent that failed, with the fact of the task that asked for it, and the name of the child job that it asked for. */
interface Refused {
  readonly cause: IntentCause
  readonly each: FactRef | undefined
  readonly child: string | undefined
}

/** Facts that a task committed, as its event has them. */
interface Commit {
  readonly cycle: number
  readonly agent: string
  readonly facts: ReadonlyArray<{ readonly kind: string; readonly id: string; readonly value: unknown }>
}

interface Watched {
  readonly kind: string
  readonly id: string
  /** The cycle of each commit in the window, oldest first. */
  readonly cycles: Array<number>
  readonly values: Array<Change>
}

export class Examination {
  readonly #failures = new Map<string, Counted>()
  readonly #facts = new Map<string, Watched>()
  readonly #growth = new Map<string, Map<number, number>>()
  /** Commits of the window that are not counted yet, oldest first, and their facts. */
  #unread: Array<Commit> = []
  #unreadFacts = 0
  readonly #violated = new Map<string, string>()
  readonly #intents = new OpenIntents()
  readonly #decisions = new Decisions()
  /** The failed intents whose answers came in the last cycle, by their keys, and the failure that the next answer tells of. */
  readonly #refused = new Map<string, Refused>()
  #refusal: EventCause | undefined
  #standing: Standing = { state: "running", hasResumed: false, cycle: 0, tasks: 0, agents: [] }
  #otherFailures = 0
  #cycle = 0
  #first: number | undefined
  /** The last cycle whose beginning was read. */
  #started = 0
  #halted: Extract<JobEvent, { readonly _tag: "JobHalted" }> | undefined

  /** Reads an event. Events come in the order of the log. */
  add(event: JobEvent): void {
    runSteps(this.adding(event))
  }

  /** Does the same in steps: an event may have a million facts. Nothing else may be read until it is done. */
  *adding(event: JobEvent): Generator<void, void> {
    if (event.cycle > this.#cycle) this.#turn(event.cycle)
    this.#intents.add(event)
    this.#decisions.add(event)
    switch (event._tag) {
      case "CycleStarted":
        this.#first ??= event.cycle
        this.#started = event.cycle
        this.#standing = {
          state: "running",
          hasResumed: false,
          cycle: event.cycle,
          tasks: event.tasks,
          agents: event.agents
        }
        return
      case "JobPaused":
        return this.#stand("paused")
      case "JobAwaiting":
        return this.#stand("awaiting")
      case "JobResumed":
        this.#standing = { ...this.#standing, hasResumed: this.#standing.state !== "running" }
        return
      case "SignalAdmitted":
        this.#refusal = event.cause
        return
      case "IntentAnswered":
        return this.#refuse(event.each)
      case "FactsCommitted":
        return yield* this.#commit(event)
      case "TaskDiscarded":
        return this.#fail(event)
      case "InvariantViolated":
        this.#violated.set(event.name, event.reason)
        return
      case "InvariantRepaired":
        this.#violated.delete(event.name)
        return
      case "JobHalted":
        this.#halted = event
        return this.#stand(event.status)
      default:
    }
  }

  #stand(state: Standing["state"]): void {
    this.#standing = { ...this.#standing, state, hasResumed: false }
  }

  #refuse(each: FactRef | undefined): void {
    const cause = this.#refusal
    this.#refusal = undefined
    if (cause?._tag !== "IntentFailed" || this.#refused.size >= Limits.diagnosedFacts) return
    this.#refused.set(cause.key, { cause, each, child: this.#intents.answered?.child })
  }

  /** Where the job stands after the events that were read. */
  get standing(): Standing {
    return this.#standing
  }

  /** The diagnosis of the events so far. */
  get result(): Diagnosis {
    runSteps(this.#reading())
    const all = [...this.#failures.values()].sort((a, b) => b.count - a.count || b.last - a.last)
    const failures = all.slice(0, Limits.diagnosedFailures).map(shown)
    const left = all.slice(Limits.diagnosedFailures).reduce((sum, { count }) => sum + count, 0)
    const error = this.#halted?.error
    const diagnosis = {
      status: this.#halted?.status,
      error,
      failure: error === undefined ? failures[0] : this.#endingOf(error),
      failures,
      otherFailures: this.#otherFailures + left,
      changing: this.#changing,
      growth: this.#grown,
      cycles: { from: this.#from, to: this.#cycle },
      violated: [...this.#violated].map(([name, reason]) => ({ name, reason })),
      decisions: this.#decisions.newest,
      olderDecisions: this.#decisions.older
    }
    const child = error?._tag === "IntentFailed" ? this.#refused.get(error.key)?.child : undefined
    return { headline: headlineOf(diagnosis, { cycle: this.#cycle, rest: this.#rest, child }), ...diagnosis }
  }

  /** The sentence about a past cycle, where the events up to it were read: what it did, and what followed it. */
  get pastLine(): string {
    return pastLineOf(this.#standing, this.#intents.awaited, this.result.headline)
  }

  /** The failure with the error that ended the job. */
  #endingOf(error: EventCause): RepeatedFailure | undefined {
    const message = messageOf(error)
    if (error._tag === "IntentFailed") return this.#endingIntent(error, message)
    const by = loserOf(error)
    let ending: Counted | undefined
    for (const failure of this.#failures.values()) {
      const { _tag, agent, last, own } = failure
      const isSame = _tag === error._tag && failure.message === message && last === this.#cycle
      // The first in merge order ended the job.
      if (isSame && (by ?? agent) === agent && own.seq < (ending?.own.seq ?? Infinity)) ending = failure
    }
    return ending && { ...shown(ending), each: ending.own.each }
  }

  /** The failure of an intent that ended the job, with the number of those that failed alike in that cycle. */
  #endingIntent({ _tag, agent, key, kind }: IntentCause, message: string): RepeatedFailure | undefined {
    const own = this.#refused.get(key)
    if (own === undefined) return undefined
    const isAlike = ({ cause }: Refused): boolean =>
      cause.agent === agent && cause.kind === kind && messageOf(cause) === message
    const count = [...this.#refused.values()].filter(isAlike).length
    return { agent, each: own.each, _tag, message, count, first: this.#cycle, last: this.#cycle }
  }

  /** Why a job that has not ended does nothing; "" if it does something. */
  get #rest(): string {
    const { hasResumed, state } = this.#standing
    if (hasResumed) return ""
    if (state === "paused") return " It is paused."
    return state === "awaiting" ? ` ${this.#intents.sentence}` : ""
  }

  /** The first cycle of the window. */
  get #from(): number {
    return Math.max(this.#first ?? this.#cycle, this.#cycle - Limits.diagnosedCycles + 1)
  }

  #turn(cycle: number): void {
    this.#cycle = cycle
    this.#refused.clear()
    const before = cycle - Limits.diagnosedCycles
    // A fact that is committed again goes to the end, so the oldest are at the front.
    for (const [key, { cycles }] of this.#facts) {
      if ((cycles.at(-1) ?? 0) > before) break
      this.#facts.delete(key)
    }
    let gone = 0
    for (const commit of this.#unread) {
      if (commit.cycle > before) break
      this.#unreadFacts -= commit.facts.length
      gone++
    }
    if (gone > 0) this.#unread = this.#unread.slice(gone)
  }

  /** Keeps a commit for the next question. Most of them leave the window before somebody asks. */
  *#commit({ agent, cycle, facts }: Commit): Generator<void, void> {
    this.#unread.push({ cycle, agent, facts })
    this.#unreadFacts += facts.length
    const most = Math.max(this.#unreadFacts, this.#unread.length)
    if (most > Limits.diagnosedFacts) yield* this.#reading()
  }

  /** Counts the facts of the commits that were kept. */
  *#reading(): Generator<void, void> {
    const unread = this.#unread
    this.#unread = []
    this.#unreadFacts = 0
    for (const commit of unread) yield* this.#counting(commit)
  }

  *#counting({ agent, cycle, facts }: Commit): Generator<void, void> {
    const before = this.#cycle - Limits.diagnosedCycles
    let steps = 0
    for (const { id, kind, value } of facts) {
      if (++steps % stepSize === 0) yield
      const perCycle = this.#growth.get(kind) ?? new Map<number, number>()
      this.#growth.set(kind, perCycle)
      perCycle.set(cycle, (perCycle.get(cycle) ?? 0) + 1)
      for (const past of perCycle.keys()) {
        if (past > before) break
        perCycle.delete(past)
      }
      const key = refKey({ kind, id })
      const watched: Watched = this.#facts.get(key) ?? { kind, id, cycles: [], values: [] }
      this.#facts.delete(key)
      this.#facts.set(key, watched)
      watched.cycles.push(cycle)
      while ((watched.cycles[0] ?? cycle) <= before) watched.cycles.shift()
      watched.values.push({ cycle, agent, value })
      if (watched.values.length > Limits.diagnosedValues) watched.values.shift()
      for (const oldest of this.#facts.keys()) {
        if (this.#facts.size <= Limits.diagnosedFacts) break
        this.#facts.delete(oldest)
      }
    }
  }

  #fail({ agent, cause, cycle, each, seq }: Extract<JobEvent, { readonly _tag: "TaskDiscarded" }>): void {
    const key = failureKey(agent, cause)
    const known = this.#failures.get(key)
    // Where the beginning of a cycle was not read, nobody knows which of its failures came first.
    const own = { seq, each: this.#started === cycle ? each : undefined }
    if (known !== undefined) {
      known.count++
      if (known.last < cycle) known.own = own
      known.last = cycle
      known.each = each ?? known.each
      return
    }
    if (this.#failures.size >= Limits.diagnosedFacts) {
      this.#otherFailures++
      return
    }
    this.#failures.set(key, {
      agent,
      each,
      _tag: cause._tag,
      message: messageOf(cause),
      count: 1,
      first: cycle,
      last: cycle,
      own
    })
  }

  get #changing(): ReadonlyArray<ChangingFact> {
    const changing: Array<ChangingFact> = []
    const before = this.#cycle - Limits.diagnosedCycles
    for (const { cycles, id, kind, values } of this.#facts.values()) {
      const times = cycles.filter((cycle) => cycle > before).length
      if (times < 2) continue
      const last = values.filter(({ cycle }) => cycle > before)
      const agents = [...new Set(last.map(({ agent }) => agent))].sort()
      changing.push({ kind, id, times, agents, values: last })
    }
    return changing.sort((a, b) => b.times - a.times).slice(0, Limits.diagnosedFailures)
  }

  get #grown(): ReadonlyArray<Growth> {
    const from = this.#from
    const length = this.#cycle - from + 1
    const growth: Array<Growth> = []
    for (const [kind, counts] of this.#growth) {
      const perCycle = Array.from({ length }, (_, index) => counts.get(from + index) ?? 0)
      const facts = perCycle.reduce((sum, count) => sum + count, 0)
      if (facts > 0) growth.push({ kind, facts, perCycle })
    }
    return growth.sort((a, b) => b.facts - a.facts).slice(0, Limits.diagnosedFailures)
  }
}

/** The agent whose task ended the job. Of a conflict it is the second one. */
const loserOf = (error: EventCause): string | undefined => {
  if (error._tag === "MergeConflict") return error.agents[1]
  return "agent" in error ? error.agent : undefined
}

const shown = ({ _tag, agent, count, each, first, last, message }: Counted): RepeatedFailure => ({
  agent,
  each,
  _tag,
  message,
  count,
  first,
  last
})

const failureKey = (agent: string, cause: EventCause): string => JSON.stringify([agent, cause._tag, messageOf(cause)])

const plural = (count: number, word: string): string =>
  `${count.toLocaleString("en-US")} ${word}${count === 1 ? "" : "s"}`

const about = (each: FactRef | undefined): string => (each === undefined ? "" : ` on ${each.kind}/${each.id}`)

/** The facts for a headline that the parts of a diagnosis do not tell. */
interface Place {
  readonly cycle: number
  /** Why the job rests; "" if it does not. */
  readonly rest: string
  /** The name of the child job that the intent asked for whose failure ended the job. */
  readonly child: string | undefined
}

const headlineOf = (found: Omit<Diagnosis, "headline">, { child, cycle, rest }: Place): string => {
  const { error, failure, status } = found
  if (status === "converged") return convergedLine(found, cycle)
  if (status === undefined) return rest === "" ? unfinishedLine(found) : `It has not ended.${rest}`
  if (status === "cancelled") return `It was cancelled in cycle ${cycle}.`
  if (error === undefined) return `It ended in cycle ${cycle}: ${status}.`
  if (error._tag === "BudgetExhausted") {
    return `It used up its budget of ${error.budget}: ${error.used} of ${error.limit}.${busyLine(found)}`
  }
  const again = failure !== undefined && failure.count > 1 ? ` The same happened ${plural(failure.count, "time")}.` : ""
  if (error._tag === "IntentFailed") return `${intentLine(error, failure?.each, child)}${again}`
  if ("agent" in error) {
    const name = JSON.stringify(error.agent)
    return `Agent ${name} failed${about(failure?.each)} in cycle ${error.cycle}: ${messageOf(error)}.${again}`
  }
  return `It failed in cycle ${cycle} with ${error._tag}: ${messageOf(error)}.`
}

/** The agent that asked for an intent has done its part: the intent failed. */
const intentLine = (error: IntentCause, each: FactRef | undefined, child: string | undefined): string => {
  const { agent, cycle, kind } = error
  const asked = `which agent ${JSON.stringify(agent)} asked for${about(each)} in cycle ${cycle}`
  const what =
    kind === "ChildJob"
      ? `The child job${child === undefined ? "" : ` ${child}`}`
      : `The intent ${JSON.stringify(kind)}`
  return `${what}, ${asked}, failed: ${messageOf(error)}.`
}

/** One sentence about a past cycle. `awaited`: what the job waited for, if it did. `headline`: that of its end, if it ended. */
const pastLineOf = (
  { agents, cycle, hasResumed, state, tasks }: Standing,
  awaited: string,
  headline: string
): string => {
  const later = hasResumed ? ", and went on later" : ""
  const rests: Readonly<Partial<Record<Standing["state"], string>>> = {
    running: "Then it went on.",
    paused: `Then it was paused${later}.`,
    awaiting: `Then it waited for ${awaited}${later}.`
  }
  const rest = rests[state] ?? `Then it ended: ${headline}`
  if (cycle === 0) return `It had begun, and no cycle had run. ${rest}`
  const did = tasks === 0 ? "took in facts from outside" : `executed ${plural(tasks, "task")} of ${named(agents)}`
  return `In cycle ${cycle.toLocaleString("en-US")} it ${did}. ${rest}`
}

/** Tuning: agents that a sentence names. */
const mostNamed = 4

const named = (agents: ReadonlyArray<string>): string => {
  const first = agents.slice(0, mostNamed).map((agent) => JSON.stringify(agent))
  const more = agents.length - first.length
  return `${first.join(", ")}${more > 0 ? ` and ${more.toLocaleString("en-US")} more` : ""}`
}

const convergedLine = ({ failures, otherFailures }: Omit<Diagnosis, "headline">, cycle: number): string => {
  const discarded = failures.reduce((sum, { count }) => sum + count, otherFailures)
  const without = discarded === 0 ? "" : `, without the effects of ${plural(discarded, "task")} that failed`
  return `It converged after cycle ${cycle}${without}.`
}

const unfinishedLine = (found: Omit<Diagnosis, "headline">): string => {
  const { failure } = found
  if (found.changing.length > 0) return `It has not ended.${busyLine(found)}`
  if (failure === undefined) return "It has not ended."
  return `It has not ended. ${plural(failure.count, "task")} of ${JSON.stringify(failure.agent)} failed: ${failure.message}.`
}

/** The reason why the job does not reach its fixed point: facts that change in turns, or a kind that grows. */
const busyLine = ({ changing, cycles, growth }: Omit<Diagnosis, "headline">): string => {
  const [first] = changing
  const count = cycles.to - cycles.from + 1
  if (first !== undefined && first.times >= count / 4) {
    const agents = first.agents.map((agent) => (agent === "" ? "a signal" : JSON.stringify(agent))).join(" and ")
    return ` ${first.kind}/${first.id} changed ${plural(first.times, "time")} in the last ${plural(count, "cycle")}, by ${agents}.`
  }
  const [most] = growth
  if (most === undefined) return ""
  return ` It still grows: ${plural(most.facts, "fact")} of ${most.kind} in the last ${plural(count, "cycle")}.`
}
