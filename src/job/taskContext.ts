/**
 * The services with which the fiber of a task runs: its wallet, and the names by which its lines of the log are found.
 *
 * An agent without `each` has one task at a time, so its services are made once for a job and are told of each task. Tasks about
 * facts run side by side, so each has services of its own.
 *
 * Boundary: makes services; fiberTasks.ts runs the fibers.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import type { NoRoom } from "../program/Budget.ts"
import type { Sum } from "./account.ts"
import { type Fork, forkWith } from "./fiberGroup.ts"
import type { Task } from "./task.ts"
import { type AgentServices, CurrentWallet, type Paid, type Reservation, type Wallet } from "./wallet.ts"

type Services = Context.Context<Scope.Scope>

/** The names of a task in the log. */
interface Names {
  readonly job: string
  readonly program: string
  cycle: number
  readonly agent: string
}

const namesOf = ({ agent, cycle, session }: Task): Names => ({
  job: session.jobId,
  program: session.program.name,
  cycle,
  agent
})

const withTask = (services: Services, wallet: Wallet, names: object): Services => {
  const annotations = Object.assign(names, { ...Context.get(services, References.CurrentLogAnnotations), ...names })
  return Context.add(Context.add(services, CurrentWallet, wallet), References.CurrentLogAnnotations, annotations)
}

/** Starts the fiber of a task about a fact, or of a task that is traced. */
export const forkOwn = (task: Task, services: Services): Fork<Scope.Scope> => {
  const { fact } = task
  const names = fact === undefined ? namesOf(task) : { ...namesOf(task), each: `${fact.kind}/${fact.id}` }
  return forkWith(withTask(services, task, names))
}

/** The services of an agent without `each`, for one task after the other. */
export class AgentContext implements AgentServices, Wallet {
  readonly fork: Fork<Scope.Scope>
  private readonly names: Names
  private task: Wallet

  constructor(task: Task, services: Services) {
    this.task = task
    this.names = namesOf(task)
    this.fork = forkWith(withTask(services, this, this.names))
  }

  take(task: Wallet & { readonly cycle: number }): void {
    this.task = task
    this.names.cycle = task.cycle
  }

  reserve(asked: Sum): Effect.Effect<Reservation, NoRoom> {
    return this.task.reserve(asked)
  }

  spend(paid: Paid, reservation: Reservation | undefined): Effect.Effect<void> {
    return this.task.spend(paid, reservation)
  }
}
