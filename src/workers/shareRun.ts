/**
 * A worker's share of a round: claims tasks and runs them, one after the other, until nothing is left to claim.
 *
 * The whole share runs within one message, so an agent's endless loop blocks only this thread. The pool can read the thread's
 * present task from shared memory at any time (`Place`). Outcomes are posted by number and by time. If the thread is ended, it
 * loses its running task, and tasks that ended in the last few milliseconds run again elsewhere.
 *
 * Invariants: shared memory names a task before its agent is called, and until its outcome is in the batch of results. While
 * other jobs wait for a worker, this worker leaves after its turn (`Limits.turnMs`). Boundary: worker side; sends messages only
 * through the given ports; every throw of an agent is an outcome.
 */
import type { Fact, Kind } from "../program/Fact.ts"
import { type CpuFault, type CpuResult, runCpuTask, runJoinTask, viewFor } from "./runCpuTask.ts"
import { Limits } from "../Limits.ts"
import type { View } from "../program/View.ts"
import { claim } from "./claims.ts"
import { elapsedMs } from "./cpuTime.ts"
import { Place, PoolPlace, progressJson, type ShareMessage, type TaskGroup } from "./protocol.ts"
import type { Replica } from "./replica.ts"
import { ResultBatch, type Post } from "./results.ts"
import { type InSteps, isUnderWay, runSteps } from "../values/steps.ts"
import type { FactEntry } from "../context/factTable.ts"
import { newSides } from "../cycle/joining.ts"
import type { ErasedAgent, CompiledProgram } from "../program/erased.ts"

/** The thread of a share. */
export interface ShareHost {
  readonly shared: Int32Array<SharedArrayBuffer>
  readonly pool: Int32Array<SharedArrayBuffer>
  readonly batchSize: number
  readonly post: Post
  readonly onClaimed: ((index: number) => void) | undefined
  readonly onProgress: ((index: number, json: string) => void) | undefined
}

/** The tasks of one agent within a round. */
interface Group {
  readonly first: number
  readonly end: number
  readonly name: string
  readonly agent: ErasedAgent | undefined
  readonly eachKind: string | null
  /** The ids of the each-facts, or the parts of a join. */
  readonly ids: ReadonlyArray<string> | ReadonlyArray<number> | null
  readonly since: number
  /** The new facts of a join. They are gathered when they are first asked for. */
  news: ReadonlyArray<FactEntry> | undefined
  view: View<Kind.Any> | undefined
}

const groupsOf = (text: string, program: CompiledProgram): ReadonlyArray<Group> => {
  const groups: Array<Group> = []
  let first = 0
  for (const [agentIndex, name, since, eachKind, ids] of JSON.parse(text) as ReadonlyArray<TaskGroup>) {
    const agent = program.agents[agentIndex]
    const isKnown = agent?.name === name && agent.executeCpu !== undefined
    const end = first + (ids === null ? 1 : ids.length)
    const known = isKnown ? agent : undefined
    groups.push({ first, end, name, agent: known, eachKind, ids, since, news: undefined, view: undefined })
    first = end
  }
  return groups
}

const missing = (program: string, agent: string): CpuFault => ({
  _tag: "AgentPanicked",
  message:
    `the worker's program ${JSON.stringify(program)} has no CPU agent ${JSON.stringify(agent)} at this place: ` +
    `is its module the one that the job was started from?`,
  stack: ""
})

class ShareRun {
  readonly #message: ShareMessage
  readonly #replica: Replica
  readonly #host: ShareHost
  readonly #groups: ReadonlyArray<Group>
  readonly #gate = { open: true }
  #group = 0
  #running = -1

  constructor(message: ShareMessage, replica: Replica, host: ShareHost) {
    this.#message = message
    this.#replica = replica
    this.#host = host
    this.#groups = groupsOf(message.tasks, replica.program)
  }

  run(): void {
    const { batchSize, onClaimed, pool, post, shared } = this.#host
    const { claims, sequence } = this.#message
    const results = new ResultBatch(post)
    const began = elapsedMs()
    let flushed = began
    let at = began
    Atomics.store(shared, Place.begun, sequence)
    for (let index = claims === undefined ? 0 : claim(claims, sequence); index >= 0;) {
      this.#running = index
      Atomics.add(shared, Place.ordinal, 1)
      Atomics.store(shared, Place.task, index + 1)
      onClaimed?.(index)
      const group = this.#groupOf(index)
      const result = this.#execute(group, index)
      const ended = elapsedMs()
      results.add(index, ended - at, group.name, result)
      Atomics.store(shared, Place.task, 0)
      at = ended
      if (claims === undefined) break
      if (at - began >= Limits.turnMs && Atomics.load(pool, PoolPlace.waiting) > 0) break
      index = claim(claims, sequence)
      if (index >= 0 && (results.size >= batchSize || at - flushed >= Limits.flushMs)) {
        results.flush(false)
        flushed = at
      }
    }
    this.#gate.open = false
    results.flush(true)
  }

  #groupOf(index: number): Group {
    let group = this.#groups[this.#group]!
    // Claims are in ascending order, except for tasks that were passed over.
    if (index < group.first) group = this.#groups[(this.#group = 0)]!
    while (index >= group.end) group = this.#groups[++this.#group]!
    return group
  }

  #execute(group: Group, index: number): CpuResult {
    const { agent, eachKind, ids } = group
    if (agent === undefined) return missing(this.#replica.program.name, group.name)
    const { ledger } = this.#replica
    const view = (group.view ??= viewFor(agent, group.since, this.#message.cycle, ledger, this.#gate, this.#report))
    const id = ids?.[index - group.first]
    let result: InSteps<CpuResult>
    if (agent.join !== undefined) {
      const news = (group.news ??= runSteps(newSides(agent.join, group.since, ledger)))
      result = runJoinTask(agent, news, Number(id), view, ledger)
    } else {
      const fact: Fact | undefined = eachKind === null ? undefined : ledger.find(eachKind, String(id))
      result = runCpuTask(agent, fact, view, ledger)
    }
    return isUnderWay(result) ? runSteps(result) : result
  }

  get #report(): ((value: unknown) => void) | undefined {
    const { onProgress } = this.#host
    return onProgress === undefined ? undefined : (value) => onProgress(this.#running, progressJson(value))
  }
}

/** Runs a share to its end, which its last message of results reports. */
export const runShare = (message: ShareMessage, replica: Replica, host: ShareHost): void =>
  new ShareRun(message, replica, host).run()
