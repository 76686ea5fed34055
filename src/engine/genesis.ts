/**
 * The beginning of a job: cycle 0 with its seeds, the first hash of the chain, and its journal's beginning.
 *
 * Invariants: seeds are one effect, applied whole or not at all; if the store refuses the beginning of a job, the job halts with
 * that cause. If a durable store has the id already, the start fails instead, and no job begins. Boundary: from a session and a
 * checked input to the session's first state.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import { emptyEffect, type EncodedFact } from "../program/encoded.ts"
import { genesisText, lengthOfPieces, type TextPieces } from "../journal/rowText.ts"
import { CycleMerge } from "../cycle/merge.ts"
import { neededAfter } from "../cycle/needed.ts"
import { StoreError } from "../store/JobStore.ts"
import { type Beginning, createJournal, storeFailed } from "../job/journaling.ts"
import type { JobSession } from "../job/session.ts"
import { sha256Pieces } from "../values/sha256.ts"
import { inSlices } from "../platform/slices.ts"
import type { CommittedCycle } from "../outcome/CommittedCycle.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** The content of a job's cycle 0. */
export interface Genesis {
  /** Canonical text. */
  readonly input: string
  readonly seeds: ReadonlyArray<EncodedFact>
  readonly beginning: Beginning
}

/** The beginning of a job without an earlier context. */
export const freshBeginning: Beginning = { context: undefined, executed: [], isForced: false }

/** Agents of the same program keep their marks of the earlier job. For other agents, all facts are new. */
export const continueFrom = (session: JobSession, { context, executed }: Beginning): void => {
  if (context === undefined || context.program !== session.program.name) return
  session.program.agents.forEach(({ name }, index) => {
    const progress = session.progress[index]!
    progress.mark = context.marks.get(name) ?? 0
    progress.pruned = context.prunedMarks.get(name) ?? 0
    progress.executed = executed.includes(name)
  })
}

/** Commits cycle 0: the seeds as one effect, the first hash of the chain, and the journal's beginning. */
export const plantSeeds = (session: JobSession, genesis: Genesis): Effect.Effect<void, StoreError> =>
  Effect.suspend(() =>
    Effect.flatMap(inSlices(plantSteps(session, genesis)), (planted) =>
      beginJournal(session, genesis.beginning, planted)
    )
  )

interface Planted {
  readonly row: CommittedCycle
  readonly pieces: TextPieces
}

function* plantSteps(session: JobSession, { beginning, input, seeds }: Genesis): Generator<void, Planted> {
  const { context, isForced } = beginning
  const { combined, counters, ledger, limits, program } = session
  const merge = new CycleMerge(0, program, ledger, limits, counters, combined)
  const effect = { ...emptyEffect, facts: seeds }
  const planted = yield* isForced ? merge.override(effect) : merge.stage(effect, "seed")
  const row = yield* merge.finish(0, [])
  const pieces = yield* genesisText(program.name, input, seeds, context?.hash)
  ledger.setHash(yield* sha256Pieces("", pieces))
  session.haltCause = merge.halt ?? haltOfSeeds(program, planted.cause)
  const marks = new Map(program.agents.map(({ name }, index) => [name, session.progress[index]!.mark]))
  const markOf = (agent: string): number => marks.get(agent) ?? 0
  const pruned = yield* merge.commit(neededAfter({ triggers: program.triggers, markOf, waiting: [], ledger }))
  yield* session.tracker.commit(row, ledger, pruned, session.haltCause)
  session.log.append({
    _tag: "Started",
    program: program.name,
    version: ledger.version,
    hash: ledger.hash,
    seeds: planted.facts,
    violations: row.violations,
    length: lengthOfPieces(pieces)
  })
  return { row, pieces }
}

const beginJournal = (
  session: JobSession,
  beginning: Beginning,
  { pieces, row }: Planted
): Effect.Effect<void, StoreError> =>
  Effect.matchCauseEffect(createJournal(session, beginning, row, pieces), {
    onSuccess: () => Effect.void,
    onFailure: (cause) => {
      const error = Cause.squash(cause)
      // A durable store has a job with that id, so this job has not begun.
      if (session.options.store.isDurable && error instanceof StoreError && error.reason === "exists") {
        return Effect.fail(error)
      }
      session.haltCause ??= storeFailed(session, 0, cause)
      return Effect.void
    }
  })

const haltOfSeeds = (program: CompiledProgram, cause: JobSession["haltCause"]): JobSession["haltCause"] => {
  if (cause?._tag !== "InvariantViolated") return cause
  const invariant = program.structural.find(({ name }) => name === cause.name)
  return invariant?.onViolation === "discard" ? undefined : cause
}
