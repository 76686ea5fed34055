/**
 * Where the time of jobs went, and how many tasks their agents had.
 *
 * The rows of a journal are summed once, and new ones are added as the job goes on. For a job that is held here, the engine
 * measures the time since it took the job up, and the journal has the time before.
 *
 * Invariants: `Limits` bounds the sums that are kept (G14); one journal is summed at a time. Boundary: the store and the views of
 * jobs in, the shape of the API out.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { JobView } from "../job/view.ts"
import { endIn, notesIn } from "../journal/edges.ts"
import type { NoteTag } from "../journal/records.ts"
import { rowTimesIn } from "../journal/views.ts"
import { WorkSum, type WorkTimes } from "../journal/work.ts"
import { Limits } from "../Limits.ts"
import type { JobStore, StoredJournal } from "../store/JobStore.ts"
import { breathe } from "../platform/slices.ts"
import { isKnown, type KnownJob, type Stored } from "./directory.ts"
import { ofStart, ofStore, unknownCycle } from "./failures.ts"
import type * as Shapes from "./insightShapes.ts"

type Store = JobStore["Service"]
type Work = typeof Shapes.Work.Type

interface Asked {
  readonly at: number | undefined
  /** Whether the tasks of agents are counted. */
  readonly hasAgents: boolean
}

/** Rows that are read between two turns of the event loop. */
const rowsOfTurn = 64

/** Adds the rows of a journal after those that a sum has, up to a cycle. */
const addRows = (store: Store, journal: StoredJournal, sum: WorkSum, until: number) =>
  Effect.suspend(() => {
    if (sum.cycle >= until) return Effect.void
    return Stream.runForEach(rowTimesIn(store, journal, sum.cycle, until), (row) => {
      sum.addTime(row)
      sum.addTasks(row)
      return row.recorded.cycle % rowsOfTurn === 0 ? breathe : Effect.void
    })
  })

/** The time of a job from its beginning to a moment at which this server took it up. */
const untilTaken = Effect.fnUntraced(function* (store: Store, journal: StoredJournal, takenAt: number) {
  const sum = new WorkSum(journal.createdAt)
  let notes: ReadonlyArray<NoteTag> | undefined
  if (journal.createdAt >= takenAt) return sum.times
  const rows = Stream.takeUntil(rowTimesIn(store, journal, 0, journal.cycle), ({ extra }) => extra.at > takenAt)
  yield* Stream.runForEach(rows, (row) => {
    // The rest before the first row here began before it was taken up.
    if (row.extra.at > takenAt) notes = row.extra.before ?? []
    else sum.addTime(row)
    return row.recorded.cycle % rowsOfTurn === 0 ? breathe : Effect.void
  })
  sum.rest(takenAt, sum.ranMs, notes ?? (yield* notesIn(journal)))
  return sum.times
})

const rests: ReadonlySet<NoteTag | undefined> = new Set<NoteTag>(["Paused", "Awaiting"])

/**
 * The time of a journal up to the job's end, or up to now if it rests. If another process holds the job, nobody here knows what
 * it did since its last row, unless it rests. The sum, which has all rows, stays as it is.
 */
const toEnd = Effect.fnUntraced(function* (journal: StoredJournal, sum: WorkSum) {
  const end = yield* endIn(journal)
  const whole = sum.copy()
  const notes = yield* notesIn(journal)
  if (end !== undefined) whole.rest(journal.haltedAt ?? whole.countedTo, end.usage.durationMs, notes)
  else if (!journal.isHeld || rests.has(notes.at(-1))) whole.rest(yield* Clock.currentTimeMillis, whole.ranMs, notes)
  return whole.times
})

/** The work of a journal, its tasks included. */
export const workIn = Effect.fnUntraced(function* (store: Store, journal: StoredJournal) {
  const sum = new WorkSum(journal.createdAt)
  yield* addRows(store, journal, sum, journal.cycle)
  return workOf(yield* toEnd(journal, sum), { cycle: sum.cycle, measuredMs: null, agents: sum.agents })
})

const noTimes: WorkTimes = { spentMs: {}, untoldMs: 0, awayMs: 0 }

const added = (
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>
): Readonly<Record<string, number>> => {
  const sums = new Map(Object.entries(one))
  for (const [name, ms] of Object.entries(other)) sums.set(name, (sums.get(name) ?? 0) + ms)
  return Object.fromEntries(sums)
}

export class Works {
  readonly #store: Store
  /** The sums of journals, by their beginnings; the least recently used first. */
  readonly #sums = new Map<string, WorkSum>()
  /** The times of held jobs before they were taken up. */
  readonly #earlier = new WeakMap<JobView, WorkTimes>()
  readonly #turn = Semaphore.makeUnsafe(1)

  constructor(store: Store) {
    this.#store = store
  }

  /** The work of a job. Fails with a problem of its journal, or of a cycle that it does not have. */
  of(jobId: string, found: KnownJob | Stored, asked: Asked) {
    return this.#turn.withPermit(
      asked.at !== undefined || !isKnown(found)
        ? this.#stored(jobId, found, asked)
        : this.#held(jobId, found.view, asked.hasAgents)
    )
  }

  #sumOf({ createdAt, genesisHash, jobId }: StoredJournal): WorkSum {
    const key = JSON.stringify([jobId, genesisHash, createdAt])
    const sum = this.#sums.get(key) ?? new WorkSum(createdAt)
    this.#sums.delete(key)
    this.#sums.set(key, sum)
    for (const oldest of this.#sums.keys()) {
      if (this.#sums.size <= Limits.serverWorks) break
      this.#sums.delete(oldest)
    }
    return sum
  }

  #load(jobId: string) {
    return Effect.mapError(this.#store.load(jobId), (error) => ofStore(jobId, error))
  }

  #stored(jobId: string, found: KnownJob | Stored, { at, hasAgents }: Asked) {
    return Effect.gen({ self: this }, function* () {
      if (!this.#store.isDurable) return workOf(noTimes, { cycle: 0, measuredMs: null, agents: new Map() })
      const journal = isKnown(found) ? yield* this.#load(jobId) : found.journal
      if (at !== undefined && at > journal.cycle) return yield* unknownCycle(jobId, at, journal.cycle)
      const kept = at === undefined ? this.#sumOf(journal) : new WorkSum(journal.createdAt)
      const read = addRows(this.#store, journal, kept, at ?? journal.cycle)
      yield* Effect.mapError(read, (error) => ofStart(jobId, error))
      const times =
        at === undefined ? yield* Effect.mapError(toEnd(journal, kept), (error) => ofStart(jobId, error)) : kept.times
      return workOf(times, { cycle: kept.cycle, measuredMs: null, agents: hasAgents ? kept.agents : new Map() })
    })
  }

  #held(jobId: string, view: JobView, hasAgents: boolean) {
    return Effect.gen({ self: this }, function* () {
      const { spentMs } = yield* view.present
      const measuredMs = Object.values(spentMs).reduce((sum, ms) => sum + ms, 0)
      const measured = { cycle: 0, measuredMs, agents: new Map() }
      if (!this.#store.isDurable || view.isBeginningRefused) return workOf({ ...noTimes, spentMs }, measured)
      const known = this.#earlier.get(view)
      const journal = known === undefined || hasAgents ? yield* this.#load(jobId) : undefined
      // The job had ended before this server took it up: its journal has all of its time.
      if (known === undefined && journal?.haltedAt !== undefined && view.haltedAt === undefined) {
        return yield* this.#stored(jobId, { journal }, { at: undefined, hasAgents })
      }
      const sum = hasAgents && journal !== undefined ? this.#sumOf(journal) : undefined
      const read = Effect.gen({ self: this }, function* () {
        if (sum !== undefined && journal !== undefined) yield* addRows(this.#store, journal, sum, journal.cycle)
        if (known !== undefined || journal === undefined) return known ?? noTimes
        const takenAt = (view.haltedAt ?? (yield* Clock.currentTimeMillis)) - measuredMs
        return yield* untilTaken(this.#store, journal, takenAt)
      })
      const earlier = yield* Effect.mapError(read, (error) => ofStart(jobId, error))
      this.#earlier.set(view, earlier)
      const times = { ...earlier, spentMs: added(earlier.spentMs, spentMs) }
      return workOf(times, { cycle: sum?.cycle ?? 0, measuredMs, agents: sum?.agents ?? new Map() })
    })
  }
}

const workOf = (
  { awayMs, spentMs, untoldMs }: WorkTimes,
  { agents, cycle, measuredMs }: Pick<Work, "cycle" | "measuredMs"> & { readonly agents: WorkSum["agents"] }
): Work => ({
  cycle,
  spentMs: { ...spentMs },
  untoldMs,
  awayMs,
  measuredMs,
  agents: Object.fromEntries(
    [...agents].map(([name, work]) => [name, { ...work, ...(work.intents && { intents: { ...work.intents } }) }])
  )
})
