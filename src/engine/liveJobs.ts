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

  /** The session of an id if it can be shown: it has no actor while its seeds are planted. */
  findStarted(jobId: string): JobSession | undefined {
    const session = this.#sessions.get(jobId)
    return session !== undefined && isStarted(session) ? session : undefined
  }

  /** As `findStarted`, if it is a job of that program. */
  findOf(program: CompiledProgram, jobId: string): JobSession | undefined {
    const session = this.findStarted(jobId)
    return session?.program === program ? session : undefined
  }

  /** The reason why a new job cannot have an id that is fit for a job; undefined if it can. */
  refuseId(program: CompiledProgram, jobId: string): InvalidInput | undefined {
    return this.#sessions.has(jobId) ? idIsLive(program, jobId) : undefined
  }
}

/** The refusal of an id that a live job has. */
export const idIsLive = (program: CompiledProgram, jobId: string): InvalidInput => {
  const message = `the job id ${JSON.stringify(jobId)} is that of a live job`
  return new InvalidInput({ program: program.name, message })
}
