/**
 * The child jobs of a recorded job, by the ids under which a store has them.
 *
 * Boundary: a recording and its journal's header in, ids out.
 */
import * as Effect from "effect/Effect"
import { childIdsOf } from "../intents/childIds.ts"
import { readHeader } from "../journal/parts.ts"
import type { JournalCorrupt, StoreError } from "../outcome/JobError.ts"
import { childKind } from "../program/answerKinds.ts"
import { intentKey, partOf } from "../program/keys.ts"
import { JobStore } from "../store/index.ts"
import type { Recording } from "./recording.ts"

/** A child job for which an intent asks. */
export interface ChildRef {
  readonly jobId: string
  readonly program: string
  /** Whether its parent has the result. A child without one may not have begun. */
  readonly isAnswered: boolean
}

/** The child jobs for which a stored job has asked. */
export const childJobsOf = ({
  answers,
  jobId,
  tasks
}: Recording): Effect.Effect<ReadonlyArray<ChildRef>, StoreError | JournalCorrupt, JobStore> =>
  Effect.gen(function* () {
    const asked = tasks.flatMap(({ agent, cycle, each, effect, part }) =>
      (effect?.intents ?? []).flatMap(({ kind, payload }, index) =>
        kind === childKind
          ? [{ key: intentKey({ agent, cycle, each, index, ...partOf(part) }), program: programIn(payload) }]
          : []
      )
    )
    if (asked.length === 0) return []
    const { depth } = yield* readHeader(yield* (yield* JobStore).load(jobId))
    const idOf = childIdsOf(jobId, depth !== undefined)
    const answered = new Set(answers.map(({ intent }) => intentKey(intent)))
    return asked.map(({ key, program }) => ({ jobId: idOf(key), program, isAnswered: answered.has(key) }))
  })

/** The program that the payload of an intent names. */
const programIn = (payload: unknown): string => {
  const program: unknown = typeof payload === "object" && payload !== null ? Reflect.get(payload, "program") : ""
  return typeof program === "string" ? program : ""
}
