/**
 * A job as its journal left it, ready to go on or to be looked at.
 *
 * Boundary: the store and a program in; everything a session is made of out. It writes to the store only to record a
 * migration, under the fence that it is given.
 */
import * as Effect from "effect/Effect"
import { judge } from "../cycle/convergence.ts"
import { type JournalCorrupt, type ProgramChanged } from "../outcome/JobError.ts"
import type { Replay } from "../journal/replay.ts"
import type { JobStore, StoredJournal, StoreError } from "../store/JobStore.ts"
import { EventLog } from "../job/eventLog.ts"
import { noteOf, unseal } from "../journal/edges.ts"
import { goOn } from "../journal/migrate.ts"
import { replayJournal } from "../journal/reader.ts"
import { keptOf, decodeKept } from "../journal/kept.ts"
import { cyclesInJson, partsOf, readHeader } from "../journal/parts.ts"
import type { Ledger } from "../context/Ledger.ts"
import type { EncodedEffect } from "../program/encoded.ts"
import type { CompiledProgram } from "../program/erased.ts"
import type { ResolvedBudget } from "../program/resolveBudget.ts"
import type { Between, EndExtra } from "../journal/records.ts"
import { reviveCause } from "../journal/causes.ts"
import { budgetOfHeader } from "../journal/header.ts"

/** What a session is made of, of a job that was replayed. */
export interface TakenUp {
  readonly ledger: Ledger
  readonly budget: ResolvedBudget
  /** In milliseconds since the epoch. */
  readonly createdAt: number
  readonly replay: Replay
  readonly log: EventLog
  /** What happened since the last row. */
  readonly between: ReadonlyArray<Between>
  readonly kept: ReadonlyMap<string, EncodedEffect> | undefined
}

/** Replays a journal for a program. `fence`: under which a migration is recorded; undefined for a job that has ended. */
export const takeUp = (
  store: JobStore["Service"],
  journal: StoredJournal,
  program: CompiledProgram,
  fence: number | undefined
): Effect.Effect<TakenUp, StoreError | JournalCorrupt | ProgramChanged> =>
  Effect.gen(function* () {
    const { jobId } = journal
    const header = yield* readHeader(journal)
    const log = new EventLog(cyclesInJson(partsOf(header), program, journal.cycle))
    const reader = yield* replayJournal(store, journal, { program, log: (record) => log.append(record) })
    const { replay } = reader
    const rebase = yield* goOn(reader, program)
    if (rebase !== undefined && fence !== undefined) {
      const { pieces } = rebase
      yield* store.rebase(jobId, fence, { cycle: replay.cycle + 1, header: JSON.stringify(rebase.header), pieces })
    }
    const between = yield* noteOf(journal)
    // What another version of the program gave is not of today's kinds.
    const kept = rebase === undefined ? yield* store.kept(jobId) : []
    const effects = new Map<string, EncodedEffect>()
    for (const { cycle, key, text: sealed } of kept) {
      const text = cycle === replay.cycle + 1 ? unseal(keptOf(replay.ledger.hash, key), sealed) : undefined
      // One that is not what was written is as good as none: the agent is asked again.
      const effect = text === undefined ? undefined : decodeKept(text, (name) => program.kinds.get(name))
      if (effect !== undefined) effects.set(key, effect)
    }
    return {
      ledger: replay.ledger,
      budget: budgetOfHeader(reader.header),
      createdAt: journal.createdAt,
      replay,
      log,
      between,
      kept: effects.size === 0 ? undefined : effects
    }
  })

/** What a journal's end says; the output is made anew, if the context still converges. */
export const endOfJournal = (read: EndExtra, program: CompiledProgram, { ledger, replay }: TakenUp): EndExtra => {
  const end = read.cause === null ? read : { ...read, cause: reviveCause(read.cause) }
  if (end.status !== "converged") return end
  const verdict = judge(program, ledger, replay.cycle)
  return verdict._tag === "Converged" ? { ...end, output: verdict.output } : end
}
