/**
 * A round: tasks of one batch that are offered to the workers together, and their claims.
 *
 * A small batch is one round. Tasks that a lost thread had claimed go into another round. A round of one task goes to one
 * worker and needs no shared memory.
 *
 * Invariant: at most one round can still run a task. Boundary: data, and the claims in shared memory.
 */
import { claimedBy, type Claims, close, isFree, makeClaims, passedOver, unclaimed, withdraw } from "./claims.ts"
import type { TaskGroup } from "./protocol.ts"
import type { CpuBatch, CpuTask } from "./WorkerPool.ts"

/** Whether two tasks that follow one another are of one group. */
const isSameGroup = (a: CpuTask, b: CpuTask): boolean => {
  if (a.agentIndex !== b.agentIndex || a.since !== b.since) return false
  return b.each === undefined ? b.agent.join !== undefined : a.each?.kind === b.each.kind
}

const groupsOf = (tasks: ReadonlyArray<CpuTask>): ReadonlyArray<TaskGroup> => {
  const groups: Array<TaskGroup> = []
  let previous: CpuTask | undefined
  let ids: Array<string> = []
  let parts: Array<number> = []
  for (const task of tasks) {
    const { agent, agentIndex, each, part, since } = task
    if (previous === undefined || !isSameGroup(previous, task)) {
      ids = []
      parts = []
      const members = each !== undefined ? ids : agent.join !== undefined ? parts : null
      groups.push([agentIndex, agent.name, since, each?.kind ?? null, members])
    }
    if (each !== undefined) ids.push(each.id)
    else parts.push(part ?? 0)
    previous = task
  }
  return groups
}

export class Round {
  /** The tasks' places in their batch, in the order in which they are offered. */
  readonly tasks: ReadonlyArray<number>
  /** JSON of the tasks for the workers (`TaskGroup`). */
  readonly text: string
  readonly claims: Claims | undefined
  /** Shares of it that are under way. */
  shares = 0
  /** The holder in a round of one task: 0 for none, the number of a share, or -1 for the pool. */
  #holder = 0

  constructor(batch: CpuBatch, tasks: ReadonlyArray<number>) {
    this.tasks = tasks
    this.text = JSON.stringify(groupsOf(tasks.map((index) => batch.tasks[index]!)))
    this.claims = tasks.length === 1 ? undefined : makeClaims(tasks.length)
  }

  /** An upper bound of the unclaimed tasks. */
  get unclaimed(): number {
    return this.claims === undefined ? (this.#holder === 0 ? 1 : 0) : unclaimed(this.claims)
  }

  /** The tasks that nobody has claimed, as places in the batch. */
  get free(): ReadonlyArray<number> {
    const { claims, tasks } = this
    if (claims === undefined) return this.#holder === 0 ? tasks : []
    return tasks.filter((_, place) => isFree(claims, place))
  }

  get isOver(): boolean {
    return this.shares === 0 && this.unclaimed === 0
  }

  /** Notes that a share begins. */
  join(share: number): void {
    this.shares++
    if (this.claims === undefined) this.#holder = share
  }

  /** Notes that a share has ended, or that its thread was lost. */
  leave(): void {
    this.shares--
  }

  /** The places of the tasks that a share has claimed. */
  claimedBy(share: number): ReadonlyArray<number> {
    if (this.claims === undefined) return this.#holder === share ? [0] : []
    return claimedBy(this.claims, share)
  }

  /** Takes back tasks that a lost thread may have passed over. Returns places. */
  recover(): ReadonlyArray<number> {
    const { claims } = this
    return claims === undefined ? [] : passedOver(claims).filter((place) => withdraw(claims, place))
  }

  /** Takes unclaimed tasks away from the workers. Returns their places in the batch. */
  withdraw(isWanted: (task: number) => boolean): ReadonlyArray<number> {
    const { claims } = this
    if (claims === undefined) {
      if (this.#holder !== 0 || !isWanted(this.tasks[0]!)) return []
      this.#holder = -1
      return this.tasks
    }
    return this.tasks.filter((task, place) => isWanted(task) && withdraw(claims, place))
  }

  /** Closes the round, so that no worker claims a further task of it. */
  close(): void {
    if (this.claims === undefined) this.#holder ||= -1
    else close(this.claims)
  }
}
