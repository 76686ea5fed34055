/**
 * The circuit breaker of each agent (see `Quarantine` in options.ts).
 *
 *     closed -- n crashes in a row --> open -- cooldown --> half-open: one task is the probe -- no crash --> closed
 *                                       ^------------------------- the probe crashes --------'
 *
 * The tasks of a quarantined agent fail with the cause of its last crash and do not run. So an agent that always crashes has the
 * same outcomes with and without a quarantine, for any number of threads (G3).
 *
 * Invariants: bounded (G14); every probe ends or is given up.
 * Boundary: data; the caller passes the time.
 */
import { Limits } from "../Limits.ts"
import type { CauseFor } from "./batchRun.ts"
import type { Resolved } from "./options.ts"
import type { ErasedAgent } from "../program/erased.ts"

interface Account {
  /** The times of the last crashes in a row, in milliseconds. */
  readonly crashes: Array<number>
  /** The cause of the last crash. */
  cause: CauseFor
  /** The end of the cooldown, in milliseconds. Undefined while the breaker is closed. */
  openUntil: number | undefined
  isProbing: boolean
}

/** The decision on an agent's tasks. */
export type Admission =
  | { readonly _tag: "Run" }
  /** Run one of them, fail the others. */
  | { readonly _tag: "Probe"; readonly cause: CauseFor }
  | { readonly _tag: "Refuse"; readonly cause: CauseFor }

const run: Admission = { _tag: "Run" }

export class Quarantines {
  readonly #options: Resolved["quarantine"]
  readonly #records = new Map<ErasedAgent, Account>()

  constructor(options: Resolved["quarantine"]) {
    this.#options = options
  }

  /** Whether no agent has crashed lately, so that the pool need not ask for decisions. */
  get isEmpty(): boolean {
    return this.#records.size === 0
  }

  /** The number of quarantined agents, including those with a probe under way. */
  get count(): number {
    let count = 0
    for (const { openUntil } of this.#records.values()) if (openUntil !== undefined) count++
    return count
  }

  /** Decides on the tasks of an agent in a new batch. */
  admit(agent: ErasedAgent, nowMs: number): Admission {
    const record = this.#records.get(agent)
    if (record?.openUntil === undefined) return run
    if (record.isProbing || nowMs < record.openUntil) return { _tag: "Refuse", cause: record.cause }
    record.isProbing = true
    return { _tag: "Probe", cause: record.cause }
  }

  /** Notes that a task of the agent crashed its thread. Tells whether a quarantine begins. */
  crashed(agent: ErasedAgent, cause: CauseFor, nowMs: number): boolean {
    if (this.#options === undefined) return false
    const { cooldownMs, crashes, windowMs } = this.#options
    const record = this.#records.get(agent) ?? { crashes: [], cause, openUntil: undefined, isProbing: false }
    // The agent goes to the end of the map: the oldest crash is forgotten first.
    this.#records.delete(agent)
    this.#records.set(agent, record)
    if (this.#records.size > Limits.quarantineAgents) {
      for (const oldest of this.#records.keys()) {
        this.#records.delete(oldest)
        break
      }
    }
    record.cause = cause
    record.isProbing = false
    record.crashes.push(nowMs)
    while (record.crashes.length > crashes || record.crashes[0]! < nowMs - windowMs) record.crashes.shift()
    const wasOpen = record.openUntil !== undefined
    if (!wasOpen && record.crashes.length < crashes) return false
    record.openUntil = nowMs + cooldownMs
    return !wasOpen
  }

  /** Notes that a task of the agent left its thread intact. Tells whether a quarantine ends. */
  survived(agent: ErasedAgent): boolean {
    const record = this.#records.get(agent)
    if (record === undefined) return false
    // Only a probe ends the quarantine. A task from before the quarantine proves nothing.
    if (record.openUntil !== undefined && !record.isProbing) return false
    this.#records.delete(agent)
    return record.openUntil !== undefined
  }

  /** Notes that a probe was given up before it ended. */
  abandon(agent: ErasedAgent): void {
    const record = this.#records.get(agent)
    if (record !== undefined) record.isProbing = false
  }
}
