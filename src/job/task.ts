/**
 * One task of a cycle: which agent, about which fact, and its place in merge order. It is also the wallet of its agent.
 *
 * There is one object for each task, so its fields are few, and a task that spends nothing has no account. Boundary: a value,
 * with the calls of its agent to the account of the job, and its way to those that listen.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { SelectedAgent } from "../cycle/eligibility.ts"
import { batchesOf } from "../cycle/joining.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import { namePart, partOf, refKey } from "../program/keys.ts"
import type { NoRoom } from "../program/Budget.ts"
import { InvalidOptions } from "../values/InvalidOptions.ts"
import { typeOf } from "../values/panic.ts"
import type { OpenReservation, Payer, Sum } from "./account.ts"
import { accountOf } from "./accountOf.ts"
import type { Permit } from "./gates.ts"
import * as Telemetry from "./observability.ts"
import type { JobSession } from "./session.ts"
import type { WaitsFor } from "./present.ts"
import type { Unnumbered } from "./telemetry.ts"
import type { Paid, Reservation, Wallet } from "./wallet.ts"

/** The telemetry of a task, without its name. */
type Told = Unnumbered extends infer Item
  ? Item extends Unnumbered
    ? Omit<Item, "cycle" | "agent" | "each" | "part" | "at" | "attempt">
    : never
  : never

export class Task implements Payer, Wallet {
  readonly session: JobSession
  readonly cycle: number
  readonly place: number
  readonly selected: SelectedAgent
  readonly fact: Fact | undefined
  /** The number of the task among those of a join, from 1. Undefined for the first, and for other agents. */
  readonly part: number | undefined
  /** The attempt under way; 0 before the first. */
  attempt: number
  /* Most tasks neither pay nor wait: these fields are made when they are first set. */
  declare open: Set<OpenReservation> | undefined
  /** Its permit, if its agent has a `concurrency`. */
  declare permit: Permit | undefined
  /** The reason for which it waits. Undefined while it runs. */
  declare waitsFor: WaitsFor | undefined
  /** When it began to wait for that. */
  declare waitsSince: number | undefined

  constructor(
    session: JobSession,
    cycle: number,
    place: number,
    selected: SelectedAgent,
    fact: Fact | undefined,
    part: number | undefined
  ) {
    this.session = session
    this.cycle = cycle
    this.place = place
    this.selected = selected
    this.fact = fact
    this.part = part
    this.attempt = 0
  }

  get agent(): string {
    return this.selected.agent.name
  }

  get each(): FactRef | undefined {
    const { fact } = this
    return fact === undefined ? undefined : { kind: fact.kind, id: fact.id }
  }

  /**
   * The name of the task, unique within its cycle. One with lone surrogates is written as JSON, since a file holds text as UTF-8,
   * in which all of them are the same. No agent's part of a key begins with a quote, so no other key is that JSON.
   */
  get key(): string {
    const { agent, fact, part } = this
    const key = namePart(agent) + (fact === undefined ? (part === undefined ? "" : `/${part}`) : `/${refKey(fact)}`)
    return key.isWellFormed() ? key : JSON.stringify(key)
  }

  reserve(asked: Sum): Effect.Effect<Reservation, NoRoom> {
    if (this.session.finished !== undefined) return Effect.die(tooLate("Budget.reserve", this))
    return accountOf(this.session).reserve(this, asked)
  }

  spend(paid: Paid, reservation: Reservation | undefined): Effect.Effect<void> {
    if (this.session.finished !== undefined) return Effect.die(tooLate("Budget.spend", this))
    return accountOf(this.session).spend(this, paid, reservation)
  }

  /** Gives the task the permit that it has to ask for. Returns the exit of a task whose key cannot be made. */
  needPermit(): Exit.Exit<never> | undefined {
    const { fact, place, selected, session } = this
    const { agent } = selected
    const { concurrency } = agent
    if (concurrency === undefined) return undefined
    let key: unknown = ""
    try {
      if (concurrency.per !== undefined && fact !== undefined) key = concurrency.per(fact)
    } catch (error) {
      return Exit.die(error)
    }
    if (typeof key !== "string") {
      return Exit.die(new Error(`concurrency.per of ${agent.label} must return a string, and returned ${typeOf(key)}`))
    }
    this.permit = session.options.gates.permit(session, place, { agent, concurrency, key })
    return undefined
  }

  /** Asks for the permit. Returns whether it is given at once; if it is not, `onGiven` is called later. */
  askPermit(onGiven: () => void): boolean {
    const isGiven = this.permit?.ask(() => {
      this.waits(undefined)
      onGiven()
    })
    if (isGiven !== false) return true
    // The permit may have been given within the call.
    if (this.permit?.isGiven === false) this.waits("concurrency")
    return false
  }

  leavePermit(): void {
    this.permit?.leave()
    this.waits(undefined)
  }

  /** Leaves a permit that it has not used: it counts for no gap. */
  giveBackPermit(): void {
    this.permit?.giveBack()
    this.waits(undefined)
  }

  /** Waits for the permit of a further attempt. */
  get permitAgain(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.askPermit(() => resume(Effect.void))) resume(Effect.void)
      return Effect.sync(() => this.leavePermit())
    })
  }

  /** The task begins to wait, or ends to. */
  waits(reason: WaitsFor | undefined): void {
    const before = this.waitsFor
    if (before === reason) return
    this.waitsFor = reason
    const { gates, services } = this.session.options
    if (before !== undefined) Telemetry.noteWaiting(services, before, gates.count(before, -1))
    if (reason === undefined) return
    this.waitsSince = this.session.shownMs
    Telemetry.noteWaiting(services, reason, gates.count(reason, 1))
    const { report } = this.session.telemetry
    if (report !== undefined) this.tell(report, { _tag: "TaskWaiting", for: reason })
  }

  /** The agent reports its progress, which nobody looks at unless somebody listens now. */
  progressed(value: unknown): void {
    const { report } = this.session.telemetry
    if (report !== undefined) this.tell(report, { _tag: "TaskProgress", worker: 0, value })
  }

  /** Tells something of the task. */
  tell(report: (item: Unnumbered) => void, told: Told): void {
    const { agent, attempt, cycle, each, part, session } = this
    const about = each === undefined ? undefined : { each }
    report({ ...told, cycle, agent, ...about, ...partOf(part), attempt: Math.max(attempt, 1), at: session.clockMs })
  }
}

/** The defect of a call after the end of the job, whose bill is made. A fiber that its task has detached may make one. */
const tooLate = (of: string, { selected, session }: Task): InvalidOptions => {
  const message =
    `${of}: the job ${session.jobId} of ${selected.agent.label} has ended, so the call is outside of an agent's task. ` +
    "Let the task wait for the fibers that it starts"
  return new InvalidOptions({ of, option: "", message })
}

/** The tasks of the selected agents, in merge order. */
export const tasksOf = (
  session: JobSession,
  cycle: number,
  agents: ReadonlyArray<SelectedAgent>
): ReadonlyArray<Task> => {
  const tasks: Array<Task> = []
  for (const selected of agents) {
    const { each, news } = selected
    if (each !== undefined) {
      for (const fact of each) tasks.push(new Task(session, cycle, tasks.length, selected, fact, undefined))
      continue
    }
    const count = news === undefined ? 1 : batchesOf(news.length)
    for (let part = 0; part < count; part++) {
      tasks.push(new Task(session, cycle, tasks.length, selected, undefined, part === 0 ? undefined : part))
    }
  }
  return tasks
}
