/**
 * Replays a stored job to the end of its journal, so that it can continue or be read.
 *
 * Boundary: the store and a program in, the parts of a session out. The only write is that of a migration, with the fence
 * that the caller holds.
 */
import * as Effect from "effect/Effect"
import { JobIdentity } from "../context/jobIdentity.ts"
import type { Ledger } from "../context/Ledger.ts"
import { judge } from "../cycle/convergence.ts"
import { EventLog } from "../job/eventLog.ts"
import { reviveCause } from "../journal/causes.ts"
import { notesIn, unseal } from "../journal/edges.ts"
import { budgetOfHeader, described } from "../journal/header.ts"
import { decodeKept, keptOf } from "../journal/kept.ts"
import { goOn } from "../journal/migrate.ts"
import { cyclesInJson } from "../journal/parts.ts"
import { notedEnd } from "../journal/notedEnd.ts"
import { addPayments, isPayment, lastingKeys } from "../journal/payments.ts"
import { JournalReader } from "../journal/reader.ts"
import type { EndExtra, ForkOrigin, NoteTag } from "../journal/records.ts"
import type { Replay } from "../journal/replay.ts"
import type { Cause } from "../outcome/Cause.ts"
import type { AgentSum } from "../outcome/Spent.ts"
import type { JournalCorrupt, ProgramChanged } from "../outcome/JobError.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { Amounts, ResolvedBudget } from "../program/resolveBudget.ts"
import { canonicalText } from "../values/Canonical.ts"
import type { JobStore, Kept, StoredJournal, StoreError } from "../store/JobStore.ts"

type Store = JobStore["Service"]

/** The parts of a replayed job's session. */
export interface TakenUp {
  readonly ledger: Ledger
  readonly budget: ResolvedBudget
  /** The time of creation, in milliseconds since the epoch. */
  readonly createdAt: number
  readonly attributes: StoredJournal["attributes"]
  /** The id of the job's parent. Undefined if the journal names none. */
  readonly parent: string | undefined
  /** The job and the cycle that a fork began with. Undefined of other jobs, and of forks of version 0.1. */
  readonly forkOf: ForkOrigin | undefined
  /** The span in which the job began, in the format of `traceparent`. Undefined if the start was not traced. */
  readonly begunIn: string | undefined
  readonly replay: Replay
  readonly log: EventLog
  /** The notes since the last row, oldest first. */
  readonly notes: ReadonlyArray<NoteTag>
  /** Depth in the tree of child jobs. Undefined in journals of versions that did not write it. */
  readonly depth: number | undefined
  /** The limits that the job's parent handed down. Undefined if there are none. */
  readonly handed: Amounts | undefined
  /** The effects that a crash left uncommitted, by task; undefined if there are none. */
  readonly kept: ReadonlyMap<string, EncodedEffect> | undefined
  /** The payments of a cycle that a crash broke off, in their order. */
  readonly paidSince: ReadonlyArray<AgentSum>
  /** The end that an earlier process was about to write when it died. Undefined if there was none. */
  readonly end: EndExtra | undefined
}

/**
 * Replays a journal for the program that continues the job. The journal is opened once. `fence` is the fence of a migration's
 * write, and undefined for an ended job.
 */
export const takeUp = (
  store: Store,
  journal: StoredJournal,
  program: CompiledProgram,
  fence: number | undefined
): Effect.Effect<TakenUp, StoreError | JournalCorrupt | ProgramChanged> =>
  Effect.gen(function* () {
    const { attributes, createdAt, cycle, jobId, parent } = journal
    const read = described(program)
    const reader = yield* JournalReader.open(store, journal, read)
    const log = new EventLog(cyclesInJson(reader.parts, cycle))
    yield* reader.begin((record) => log.append(record))
    yield* reader.readAll
    const { header, replay } = reader
    const saved = yield* store.kept(jobId)
    const end = yield* notedEnd(jobId, saved, replay)
    // No other version of the program goes on with a job that ends.
    const rebase = end === undefined ? yield* goOn(reader, read) : undefined
    // Kept effects of another version of the program may have other kinds. The store drops them with the old header.
    const kept = rebase?.isOfOther === true ? undefined : savedEffects(saved, replay)
    if (rebase !== undefined && fence !== undefined) {
      const { isOfOther, pieces } = rebase
      const [base, header] = [replay.cycle + 1, JSON.stringify(rebase.header)]
      const keptKeys = isOfOther ? lastingKeys : undefined
      yield* store.rebase(jobId, fence, { cycle: base, header, pieces, keptKeys })
    }
    replay.ledger.job = new JobIdentity(jobId, canonicalText(reader.input), program.inputCodec)
    const notes = yield* notesIn(journal)
    const paidSince = yield* addPayments({ jobId, saved }, replay)
    return {
      ledger: replay.ledger,
      budget: budgetOfHeader(header),
      createdAt,
      attributes,
      parent,
      forkOf: header.forkOf,
      begunIn: header.span,
      replay,
      log,
      notes,
      depth: header.depth,
      handed: header.handed,
      kept,
      paidSince,
      end
    }
  })

/** Reads the effects of the next cycle's tasks that were kept before a crash. A changed effect is left out. */
const savedEffects = (saved: ReadonlyArray<Kept>, { cycle, ledger, program }: Replay): TakenUp["kept"] => {
  const effects = new Map<string, EncodedEffect>()
  for (const kept of saved) {
    const { cycle: of, key, text: sealed } = kept
    if (of !== cycle + 1 || isPayment(kept)) continue
    const text = unseal(keptOf(ledger.hash, key), sealed)
    const effect = text === undefined ? undefined : decodeKept(text, (name) => program.kinds.get(name))
    if (effect !== undefined) effects.set(key, effect)
  }
  return effects.size === 0 ? undefined : effects
}

/** The end of a job, for its session. */
type RestoredEnd = Omit<EndExtra, "cause"> & {
  readonly cause: Cause | null
  readonly outputText?: string | undefined
}

/** Decodes the end of a journal. The output is computed again, if the context still converges. */
export const endOfJournal = (read: EndExtra, program: CompiledProgram, { ledger, replay }: TakenUp): RestoredEnd => {
  const end = { ...read, cause: read.cause === null ? null : reviveCause(read.cause) }
  if (end.status !== "converged") return end
  const verdict = judge(program, ledger, replay.cycle)
  return verdict._tag === "Converged" ? { ...end, output: verdict.output, outputText: verdict.outputText } : end
}
