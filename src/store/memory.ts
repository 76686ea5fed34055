/**
 * The two stores in memory: one keeps no rows, the other keeps whole journals while its scope is open, for tests and for
 * revisiting cycles without a file.
 *
 * Boundary: adapters of the port in JobStore.ts; no I/O.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import {
  type Attempts,
  type JobPage,
  JobStore,
  type JournalEnd,
  type JournalRow,
  type Kept,
  type ListOptions,
  type NewJob,
  type PruneOptions,
  StoreError,
  type StoredJob,
  type StoredJournal,
  type StoredRow
} from "./JobStore.ts"
import type { Status } from "../outcome/Cause.ts"
import { cursorOf, pageOf, type Place, sideOf } from "./listPage.ts"
import { exists, fenced, missing, needed, outOfOrder, type Refusal, unknown } from "./refusals.ts"

const refuse = (refusal: Refusal): Effect.Effect<never, StoreError> => Effect.fail(new StoreError(refusal))

/**
 * A store that keeps no rows. It keeps only the last cycle of each live job, to refuse rows out of order, and forgets a job
 * when it halts (G13).
 */
export const layerMemory: Layer.Layer<JobStore> = Layer.sync(JobStore, () => {
  const lastCycle = new Map<string, number>()
  const dropped = (jobId: string) => Effect.suspend(() => (lastCycle.has(jobId) ? Effect.void : refuse(missing(jobId))))
  const noJournal = (jobId: string) =>
    refuse({ reason: "missing", message: `this store keeps no journals, so none of job ${jobId}` })
  return {
    isDurable: false,
    create: ({ jobId }) =>
      Effect.suspend(() => {
        if (lastCycle.has(jobId)) return refuse(exists(jobId))
        lastCycle.set(jobId, 0)
        return Effect.succeed(1)
      }),
    append: (jobId, _fence, { cycle }) =>
      Effect.suspend(() => {
        const last = lastCycle.get(jobId)
        if (last === undefined) return refuse(missing(jobId))
        if (cycle !== last + 1) return refuse(outOfOrder(jobId, cycle, last))
        lastCycle.set(jobId, cycle)
        return Effect.void
      }),
    note: dropped,
    keep: dropped,
    rebase: dropped,
    halt: (jobId) => Effect.sync(() => lastCycle.delete(jobId)),
    load: noJournal,
    rows: (jobId) => Stream.fromEffect(noJournal(jobId)),
    base: (jobId) => Stream.fromEffect(noJournal(jobId)),
    kept: () => Effect.succeed([]),
    list: () => Effect.succeed({ jobs: [], cursor: undefined, previous: undefined }),
    lease: noJournal,
    release: (jobId) => Effect.sync(() => lastCycle.delete(jobId)),
    quarantine: (jobId) => Effect.sync(() => lastCycle.delete(jobId)),
    requestCancel: noJournal,
    cancelRequests: Effect.succeed([]),
    prune: () => Effect.succeed(0),
    remove: noJournal
  }
})

interface Journal {
  readonly jobId: string
  readonly program: string
  readonly parent: string | undefined
  readonly attributes: StoredJob["attributes"]
  readonly createdAt: number
  readonly text: string
  readonly genesisHash: string
  readonly bases: Map<number, ReadonlyArray<string>>
  readonly rows: Array<StoredRow>
  header: string
  note: string
  kept: Array<Kept>
  fence: number
  isHeld: boolean
  attempts: Attempts
  isCancelRequested: boolean
  status: Status | undefined
  haltedAt: number | undefined
  end: string | undefined
}

const heldByEngine = (jobId: string): Refusal => ({ reason: "held", message: `the job ${jobId} is held by an engine` })

const noAttempts: Attempts = Object.freeze({ count: 0, at: 0, failure: undefined, quarantine: undefined })

const asJob = (journal: Journal): StoredJob => {
  const { attempts, attributes, createdAt, end, genesisHash, haltedAt, isHeld } = journal
  const { jobId, parent, program, rows, status } = journal
  const last = rows[rows.length - 1]
  const error = errorOf(end)
  return {
    ...{ jobId, program, status, createdAt, haltedAt, cycle: rows.length, hash: last?.hash ?? genesisHash, isHeld },
    attempts: status === undefined && attempts.count > 0 ? attempts : undefined,
    ...(error === undefined ? {} : { error }),
    ...(attributes === undefined ? {} : { attributes }),
    ...(parent === undefined ? {} : { parent })
  }
}

/** Resets the attempts after progress. The present lease is then the first attempt at the next step. */
const progressed = (journal: Journal): void => {
  journal.attempts = { ...noAttempts, count: 1, at: journal.attempts.at }
}

const EndText = Schema.fromJsonString(Schema.Struct({ cause: Schema.Struct({ _tag: Schema.String }) }))

/** Returns the `_tag` of the error in the text of an end. */
const errorOf = (end: string | undefined): string | undefined =>
  Option.getOrUndefined(Schema.decodeUnknownOption(EndText)(end))?.cause._tag

/** The order of every list: newest first, and jobs of one millisecond by id in descending order. */
const byAge = (a: Place, b: Place): number =>
  b.createdAt - a.createdAt || (a.jobId < b.jobId ? 1 : a.jobId > b.jobId ? -1 : 0)

/** Ends a lease without a failure. Such a lease is not an attempt. */
const giveBack = (journal: Journal): void => {
  journal.isHeld = false
  journal.attempts = { ...journal.attempts, count: Math.max(journal.attempts.count - 1, 0) }
}

/** The journals by job id, with the rules for writing to them. */
class Journals {
  readonly byId = new Map<string, Journal>()

  find(jobId: string): Effect.Effect<Journal, StoreError> {
    return Effect.suspend(() => {
      const journal = this.byId.get(jobId)
      return journal === undefined ? refuse(unknown(jobId)) : Effect.succeed(journal)
    })
  }

  /** Changes the journal of an unfinished job for the holder of its fence. */
  write(
    jobId: string,
    fence: number,
    change: (journal: Journal) => Effect.Effect<void, StoreError> | void
  ): Effect.Effect<void, StoreError> {
    return Effect.flatMap(this.find(jobId), (journal): Effect.Effect<void, StoreError> => {
      if (journal.status !== undefined) return refuse(missing(jobId))
      if (journal.fence !== fence) return refuse(fenced(jobId))
      return change(journal) ?? Effect.void
    })
  }

  create(job: NewJob): Effect.Effect<number, StoreError> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const { jobId } = job
      if (this.byId.has(jobId)) return refuse(exists(jobId))
      this.byId.set(jobId, journalOf(job, now))
      return Effect.succeed(1)
    })
  }

  append(jobId: string, fence: number, { cycle, extra, hash, text }: JournalRow): Effect.Effect<void, StoreError> {
    return this.write(jobId, fence, (journal) => {
      const last = journal.rows.length
      if (cycle !== last + 1) return refuse(outOfOrder(jobId, cycle, last))
      journal.rows.push({ cycle, text: text(), hash, extra: extra(), isIntact: true })
      journal.note = ""
      journal.kept = journal.kept.filter((kept) => kept.cycle > cycle)
      progressed(journal)
      return undefined
    })
  }

  halt(jobId: string, fence: number, { haltedAt, status, text }: JournalEnd): Effect.Effect<void, StoreError> {
    return this.write(jobId, fence, (journal) => {
      journal.end = text()
      journal.status = status
      journal.haltedAt = haltedAt
      journal.isHeld = false
      journal.kept = []
      journal.isCancelRequested = false
    })
  }

  note(jobId: string, fence: number, text: string, isIdle: boolean): Effect.Effect<void, StoreError> {
    return this.write(jobId, fence, (journal) => {
      journal.note = text
      if (isIdle) journal.attempts = noAttempts
    })
  }

  lease(jobId: string, options: { readonly force?: boolean; readonly anew?: boolean }) {
    return Effect.gen({ self: this }, function* () {
      const journal = yield* this.find(jobId)
      const at = yield* Clock.currentTimeMillis
      if (journal.status !== undefined) return yield* refuse(missing(jobId))
      if (journal.isHeld && options.force !== true) {
        return yield* refuse(heldByEngine(jobId))
      }
      const before = options.anew === true ? noAttempts : journal.attempts
      journal.attempts = { ...before, count: before.count + 1, at }
      journal.isHeld = true
      return ++journal.fence
    })
  }

  release(jobId: string, fence: number, failure: string | undefined): Effect.Effect<void, StoreError> {
    return this.write(jobId, fence, (journal) => {
      if (failure === undefined) return giveBack(journal)
      journal.isHeld = false
      journal.attempts = { ...journal.attempts, failure }
    })
  }

  quarantine(jobId: string, fence: number, reason: string): Effect.Effect<void, StoreError> {
    return this.write(jobId, fence, (journal) => {
      giveBack(journal)
      journal.attempts = { ...journal.attempts, quarantine: reason }
    })
  }

  requestCancel(jobId: string): Effect.Effect<void, StoreError> {
    return Effect.flatMap(this.find(jobId), (journal) => {
      if (journal.status !== undefined) return refuse(missing(jobId))
      journal.isCancelRequested = true
      return Effect.void
    })
  }

  /** The journal of a job and those of all jobs below it. */
  #tree(top: Journal): Set<Journal> {
    const tree = new Set([top])
    for (const { jobId } of tree) {
      for (const journal of this.byId.values()) if (journal.parent === jobId) tree.add(journal)
    }
    return tree
  }

  remove(jobId: string): Effect.Effect<number, StoreError> {
    return Effect.flatMap(this.find(jobId), (journal) => {
      const parent = journal.parent === undefined ? undefined : this.byId.get(journal.parent)
      if (parent !== undefined && parent.status === undefined) return refuse(needed(jobId, parent.jobId))
      const tree = this.#tree(journal)
      for (const { isHeld, jobId } of tree) if (isHeld) return refuse(heldByEngine(jobId))
      for (const { jobId } of tree) this.byId.delete(jobId)
      return Effect.succeed(tree.size)
    })
  }
}

const journalOf = (
  { attributes, base, createdAt, hash, header, jobId, parent, program, text }: NewJob,
  now: number
): Journal => ({
  jobId,
  program,
  parent,
  attributes,
  createdAt,
  text: text(),
  genesisHash: hash,
  header: header(),
  bases: new Map(base === undefined ? [] : [[0, [...base()]]]),
  rows: [],
  note: "",
  kept: [],
  fence: 1,
  isHeld: true,
  attempts: { ...noAttempts, count: 1, at: now },
  isCancelRequested: false,
  status: undefined,
  haltedAt: undefined,
  end: undefined
})

const storedJournalOf = (journal: Journal): StoredJournal => {
  const { bases, end, genesisHash, header, note, text } = journal
  return { ...asJob(journal), text, genesisHash, header, note, bases: [...bases.keys()], end }
}

/** A store that keeps whole journals in memory. */
export const layerMemoryJournal: Layer.Layer<JobStore> = Layer.sync(JobStore, () => {
  const journals = new Journals()
  const all = () => [...journals.byId.values()]
  return {
    isDurable: true,
    create: (job) => journals.create(job),
    append: (jobId, fence, row) => journals.append(jobId, fence, row),
    note: (jobId, fence, text, options) => journals.note(jobId, fence, text, options?.isIdle === true),
    keep: (jobId, fence, kept) =>
      journals.write(jobId, fence, (journal) => {
        journal.kept.push(kept)
        if (kept.isProgress !== false) progressed(journal)
      }),
    rebase: (jobId, fence, { cycle, header, keptKeys, pieces }) =>
      journals.write(jobId, fence, (journal) => {
        journal.bases.set(cycle, [...pieces])
        journal.header = header
        if (keptKeys !== undefined) journal.kept = journal.kept.filter(({ key }) => keptKeys.includes(key))
      }),
    halt: (jobId, fence, end) => journals.halt(jobId, fence, end),
    load: (jobId) => Effect.map(journals.find(jobId), storedJournalOf),
    rows: (jobId, after, until) =>
      Stream.unwrap(Effect.map(journals.find(jobId), ({ rows }) => Stream.fromIterable(rows.slice(after, until)))),
    base: (jobId, cycle) =>
      Stream.unwrap(Effect.map(journals.find(jobId), ({ bases }) => Stream.fromIterable(bases.get(cycle) ?? []))),
    kept: (jobId) => Effect.map(journals.find(jobId), ({ kept }) => [...kept]),
    list: (options) => Effect.suspend(() => listed(all(), options ?? {})),
    lease: (jobId, options) => journals.lease(jobId, options ?? {}),
    release: (jobId, fence, options) => journals.release(jobId, fence, options?.failure),
    quarantine: (jobId, fence, reason) => journals.quarantine(jobId, fence, reason),
    requestCancel: (jobId) => journals.requestCancel(jobId),
    cancelRequests: Effect.sync(() =>
      all()
        .filter((journal) => journal.isHeld && journal.isCancelRequested)
        .map(({ jobId }) => jobId)
    ),
    prune: (options) => Effect.sync(() => pruneFinished(journals.byId, options)),
    remove: (jobId) => journals.remove(jobId)
  }
})

/** The jobs that a list is of. */
const isListed =
  ({ attributes, parent, program, since, status, until }: ListOptions) =>
  (journal: Journal): boolean =>
    (program === undefined || journal.program === program) &&
    (parent === undefined || journal.parent === parent) &&
    (status === undefined || (journal.status ?? "unfinished") === status) &&
    (since === undefined || journal.createdAt >= since) &&
    (until === undefined || journal.createdAt <= until) &&
    Object.entries(attributes ?? {}).every(([name, value]) => journal.attributes?.[name] === value)

const listed = (journals: ReadonlyArray<Journal>, options: ListOptions): Effect.Effect<JobPage, StoreError> => {
  const side = sideOf(options)
  if (side instanceof StoreError) return Effect.fail(side)
  const { limit: size = 100 } = options
  const step = side.side === "older" ? 1 : -1
  const { place } = side
  const found = journals
    .filter(isListed(options))
    .filter((journal) => place === undefined || step * byAge(journal, place) > 0)
    .sort((a, b) => step * byAge(a, b))
  const page = found.slice(0, size).map(asJob)
  const last = page.at(-1)
  return Effect.succeed(pageOf(page, side, found.length > size && last !== undefined ? cursorOf(last) : undefined))
}

const pruneFinished = (journals: Map<string, Journal>, { haltedSince, keepLatest }: PruneOptions): number => {
  const finished = [...journals.values()]
    .filter(({ haltedAt }) => haltedAt !== undefined)
    .filter(({ parent }) => {
      const above = parent === undefined ? undefined : journals.get(parent)
      return above === undefined || above.status !== undefined
    })
    .sort((a, b) => (b.haltedAt ?? 0) - (a.haltedAt ?? 0))
  const gone = finished.filter(
    ({ haltedAt }, index) =>
      (keepLatest !== undefined && index >= keepLatest) || (haltedSince !== undefined && (haltedAt ?? 0) < haltedSince)
  )
  for (const { jobId } of gone) journals.delete(jobId)
  return gone.length
}
