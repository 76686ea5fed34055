/**
 * Where the time of a stored job went, and how many tasks each agent had, row by row.
 *
 * A row says when it was committed, how long the job had run by then, and, if a task took a millisecond or more, how long its
 * tasks took. So the time between two commits in which the job did not run is known, too, and the notes before a row say
 * whether the job was paused or awaited something. Times of single rows are rounded, so sums are taken before they are cut
 * at 0. Boundary: pure; rows in, sums out.
 */
import type { NoteTag } from "./records.ts"
import type { RowTimes } from "./timeline.ts"

/** The tasks of an agent that were committed, and those of them whose effects were discarded. */
interface AgentWork {
  tasks: number
  discarded: number
  /** The intents that were committed, by kind; left out if there are none. */
  intents?: Record<string, number>
}

/** The states of the job's machine of which a journal knows the time. */
type KnownState = "executing" | "merging" | "awaiting" | "paused"

/** The time of a job, in milliseconds. */
export interface WorkTimes {
  readonly spentMs: Readonly<Record<string, number>>
  /** The part of the time that it ran of which no phase is known. */
  readonly untoldMs: number
  /** The time in which it neither ran nor is recorded to have rested. */
  readonly awayMs: number
}

/** The rest that notes tell of; undefined if they tell of none, or of two. */
const restOf = (notes: ReadonlyArray<NoteTag>): "awaiting" | "paused" | undefined => {
  const hasAwaited = notes.includes("Awaiting")
  const wasPaused = notes.includes("Paused")
  return hasAwaited === wasPaused ? undefined : hasAwaited ? "awaiting" : "paused"
}

export class WorkSum {
  /** The last cycle that is counted. */
  cycle = 0
  readonly agents = new Map<string, AgentWork>()
  readonly #spent: Record<KnownState, number> = { executing: 0, merging: 0, awaiting: 0, paused: 0 }
  /** The time up to which all is counted, and how long the job had run by then. */
  #countedTo: number
  #ranMs = 0
  #toldMs = 0
  #awayMs = 0

  /** `createdAt`: in milliseconds since the epoch. */
  constructor(createdAt: number) {
    this.#countedTo = createdAt
  }

  /** Counts the tasks of the next row, and not its time. */
  addTasks({ outcomes, recorded: { cycle } }: RowTimes): void {
    this.cycle = cycle
    for (const { agent, discarded, intents = [] } of outcomes) {
      const known = this.agents.get(agent)
      const work = known ?? { tasks: 0, discarded: 0 }
      if (known === undefined) this.agents.set(agent, work)
      work.tasks++
      if (discarded !== undefined) work.discarded++
      for (const { kind } of intents) {
        // The name of a kind may be that of a property of every object.
        work.intents ??= Object.create(null) as Record<string, number>
        work.intents[kind] = (work.intents[kind] ?? 0) + 1
      }
    }
  }

  /** Counts the time up to the commit of the next row. */
  addTime({ extra: { at, before = [], ranMs, times }, recorded: { cycle, recorded } }: RowTimes): void {
    this.cycle = cycle
    this.rest(at, ranMs, before)
    if (times === undefined) return
    // Tasks run until the last one ends; then effects are merged, and the row is written.
    const executing = Math.min(
      times.ms,
      recorded.reduce((last, { startMs, tookMs }) => Math.max(last, startMs + tookMs), 0)
    )
    this.#spent.executing += executing
    this.#spent.merging += times.ms - executing
    this.#toldMs += times.ms
  }

  /** Counts the time up to a moment, by which the job had run so long. `notes`: those since the last row. */
  rest(at: number, ranMs: number, notes: ReadonlyArray<NoteTag>): void {
    const still = at - this.#countedTo - (ranMs - this.#ranMs)
    const state = restOf(notes)
    if (state === undefined) this.#awayMs += still
    else this.#spent[state] += Math.max(0, still)
    this.#countedTo = at
    this.#ranMs = ranMs
  }

  /** The time up to which all is counted, in milliseconds since the epoch. */
  get countedTo(): number {
    return this.#countedTo
  }

  /** A sum that goes on by itself. */
  copy(): WorkSum {
    const sum = new WorkSum(this.#countedTo)
    sum.cycle = this.cycle
    Object.assign(sum.#spent, this.#spent)
    sum.#ranMs = this.#ranMs
    sum.#toldMs = this.#toldMs
    sum.#awayMs = this.#awayMs
    return sum
  }

  /** Milliseconds that the job has run. */
  get ranMs(): number {
    return this.#ranMs
  }

  get times(): WorkTimes {
    const spentMs = Object.fromEntries(Object.entries(this.#spent).filter(([, ms]) => ms > 0))
    return {
      spentMs,
      untoldMs: Math.max(0, this.#ranMs - this.#toldMs),
      awayMs: Math.max(0, this.#awayMs)
    }
  }
}
