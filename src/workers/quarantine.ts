/**
 * The circuit breaker of each agent (see `Quarantine` in options.ts).
 *
 *     closed -- n crashes in a row --> open -- cooldown --> half-open: one task is the probe -- no crash --> closed
 *                                       ^------------------------- the probe crashes --------'
 *
 * A quarantined agent's tasks fail as the task did that brought it there, without being run: an agent that always crashes
 * has the same outcomes with and without it, for any number of threads (G3).
 *
 * Invariants: bounded (G14); what is let through as a probe is accounted for on every path: it ends, or it is given up.
 * Boundary: data; the time comes in.
 */
import { Limits } from "../Limits.ts"
import type { CauseFor } from "./batchRun.ts"
import type { Resolved } from "./options.ts"
import type { ErasedAgent } from "../program/erased.ts"

interface Account {
  /** When the last crashes were, without anything else in between. */
  readonly crashes: Array<number>
  /** What the last crash was. */
  cause: CauseFor
  /** Until when it is open; undefined while it is closed. */
  openUntil: number | undefined
  isProbing: boolean
}

/** What is to be done with an agent's tasks. */
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

  /** Whether there is nothing to ask about. */
  get isEmpty(): boolean {
    return this.#records.size === 0
  }

  /** How many agents are quarantined, those with a probe under way included. */
  get count(): number {
    let count = 0
    for (const { openUntil } of this.#records.values()) if (openUntil !== undefined) count++
    return count
  }

  /** A batch with tasks of an agent has arrived. */
  admit(agent: ErasedAgent, nowMs: number): Admission {
    const record = this.#records.get(agent)
    if (record?.openUntil === undefined) return run
    if (record.isProbing || nowMs < record.openUntil) return { _tag: "Refuse", cause: record.cause }
    record.isProbing = true
    return { _tag: "Probe", cause: record.cause }
  }

  /** A task of the agent crashed its thread. Whether the agent is quarantined by that. */
  crashed(agent: ErasedAgent, cause: CauseFor, nowMs: number): boolean {
    if (this.#options === undefined) return false
    const { cooldownMs, crashes, windowMs } = this.#options
    const record = this.#records.get(agent) ?? { crashes: [], cause, openUntil: undefined, isProbing: false }
    // The one that crashed last is the last to be forgotten.
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

  /** A task of the agent has ended and left its thread alone. Whether a quarantine ends with that. */
  survived(agent: ErasedAgent): boolean {
    const record = this.#records.get(agent)
    if (record === undefined) return false
    // What was running already when the quarantine began says nothing; a probe does.
    if (record.openUntil !== undefined && !record.isProbing) return false
    this.#records.delete(agent)
    return record.openUntil !== undefined
  }

  /** A probe was given up before it ended. */
  abandon(agent: ErasedAgent): void {
    const record = this.#records.get(agent)
    if (record !== undefined) record.isProbing = false
  }
}
