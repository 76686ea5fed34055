/**
 * The live jobs of an engine: sessions by id, from the planting of their seeds to their end.
 *
 * Invariants: an id has at most one live job; a job that has ended is not in here (G13). Boundary: the index; whether a
 * job gets a place is admission.ts.
 */
import { InvalidInput } from "../outcome/JobError.ts"
import type { JobSession } from "../job/session.ts"
import type { CompiledProgram } from "../program/erased.ts"
import { isStarted } from "./sessionMarks.ts"

export class LiveJobs {
  readonly #sessions = new Map<string, JobSession>()

  get size(): number {
    return this.#sessions.size
  }

  get all(): Iterable<JobSession> {
    return this.#sessions.values()
  }

  /** The sessions that have an actor, as an array of their own. */
  get started(): Array<JobSession> {
    return [...this.#sessions.values()].filter(isStarted)
  }

  /** Bytes of canonical text in the contexts of all live jobs. */
  get contextBytes(): number {
    let bytes = 0
    for (const { ledger } of this.#sessions.values()) bytes += ledger.contextBytes
    return bytes
  }

  has(jobId: string): boolean {
    return this.#sessions.has(jobId)
  }

  add(session: JobSession): void {
    this.#sessions.set(session.jobId, session)
  }

  delete(jobId: string): void {
    this.#sessions.delete(jobId)
  }

  /** Returns the session of an id, unless its seeds are still being planted: until then, it has no actor to show. */
  findStarted(jobId: string): JobSession | undefined {
    const session = this.#sessions.get(jobId)
    return session !== undefined && isStarted(session) ? session : undefined
  }

  /** Returns the same session as `findStarted`, if it belongs to that program. */
  findOf(program: CompiledProgram, jobId: string): JobSession | undefined {
    const session = this.findStarted(jobId)
    return session?.program === program ? session : undefined
  }

  /** Returns the refusal of a well-formed id for a new job, or undefined if the id is free. */
  refuseId(program: CompiledProgram, jobId: string): InvalidInput | undefined {
    return this.#sessions.has(jobId) ? idIsLive(program, jobId) : undefined
  }
}

/** The refusal of an id that a live job has. */
export const idIsLive = (program: CompiledProgram, jobId: string): InvalidInput => {
  const message = `the job id ${JSON.stringify(jobId)} is that of a live job`
  return new InvalidInput({ program: program.name, message })
}
