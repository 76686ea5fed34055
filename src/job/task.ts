/**
 * One task of a cycle: which agent, about which fact, and its place in merge order. It is also the wallet of its agent.
 *
 * There is one object for each task, so its fields are few, and a task that spends nothing has no account. Boundary: a value,
 * and the calls of its agent to the account of the job.
 */
import type * as Effect from "effect/Effect"
import type { SelectedAgent } from "../cycle/eligibility.ts"
import { batchesOf } from "../cycle/joining.ts"
import type { Fact, FactRef } from "../program/Fact.ts"
import { namePart, refKey } from "../program/keys.ts"
import type { NoRoom } from "../program/NoRoom.ts"
import type { OpenReservation, Payer, Sum } from "./account.ts"
import { accountOf } from "./accountOf.ts"
import type { JobSession } from "./session.ts"
import type { Paid, Reservation, Wallet } from "./wallet.ts"

export class Task implements Payer, Wallet {
  readonly session: JobSession
  readonly place: number
  readonly selected: SelectedAgent
  readonly fact: Fact | undefined
  /** Which of a join's tasks, from 1. Undefined for the first, and for other agents. */
  readonly part: number | undefined
  open: Set<OpenReservation> | undefined

  constructor(
    session: JobSession,
    place: number,
    selected: SelectedAgent,
    fact: Fact | undefined,
    part: number | undefined
  ) {
    this.session = session
    this.place = place
    this.selected = selected
    this.fact = fact
    this.part = part
    this.open = undefined
  }

  get agent(): string {
    return this.selected.agent.name
  }

  get each(): FactRef | undefined {
    const { fact } = this
    return fact === undefined ? undefined : { kind: fact.kind, id: fact.id }
  }

  /** The name of the task, unique within its cycle. */
  get key(): string {
    const { agent, fact, part } = this
    return namePart(agent) + (fact === undefined ? (part === undefined ? "" : `/${part}`) : `/${refKey(fact)}`)
  }

  reserve(asked: Sum): Effect.Effect<Reservation, NoRoom> {
    return accountOf(this.session).reserve(this, asked)
  }

  spend(paid: Paid, reservation: Reservation | undefined): Effect.Effect<void> {
    return accountOf(this.session).spend(this, paid, reservation)
  }
}

/** The tasks of the selected agents, in merge order. */
export const tasksOf = (session: JobSession, agents: ReadonlyArray<SelectedAgent>): ReadonlyArray<Task> => {
  const tasks: Array<Task> = []
  for (const selected of agents) {
    const { each, news } = selected
    if (each !== undefined) {
      for (const fact of each) tasks.push(new Task(session, tasks.length, selected, fact, undefined))
      continue
    }
    const count = news === undefined ? 1 : batchesOf(news.length)
    for (let part = 0; part < count; part++) {
      tasks.push(new Task(session, tasks.length, selected, undefined, part === 0 ? undefined : part))
    }
  }
  return tasks
}
