/**
 * The gate through which the tasks of a cycle start. When it closes, tasks that run go on, and all others are withdrawn.
 *
 * Boundary: data; the job closes it, and the pools ask it and listen.
 */
import type { Cause } from "../outcome/Cause.ts"

/** Makes the cause of a task that is not started, for its agent and cycle. */
type CauseFor = (agent: string, cycle: number) => Cause

export class StartGate {
  #cause: CauseFor | undefined
  #listeners: Set<() => void> | undefined

  /** The cause of the tasks that are not started. Undefined while tasks may start. */
  get cause(): CauseFor | undefined {
    return this.#cause
  }

  /** Lets nothing more start. */
  close(cause: CauseFor): void {
    if (this.#cause !== undefined) return
    this.#cause = cause
    const listeners = this.#listeners ?? []
    this.#listeners = undefined
    for (const listener of listeners) listener()
  }

  /** Calls a function when the gate closes. Returns the way to take it back. */
  onClose(listener: () => void): () => void {
    const listeners = (this.#listeners ??= new Set())
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }
}
