/**
 * Finds a journal in the store, and checks its program and its input. Boundary: it replays nothing.
 */
import type * as Effect from "effect/Effect"
import { canonicalText } from "../values/Canonical.ts"
import { InvalidInput } from "../outcome/JobError.ts"
import type { JobStore, StoredJournal, StoreError } from "../store/JobStore.ts"
import { undefinedIfMissing } from "../store/missing.ts"
import { isObject } from "./jsonRecord.ts"
import { parseJson } from "../values/parseJson.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** Loads the journal of a job, or gives undefined if the store has none. */
export const findJournal = (
  store: JobStore["Service"],
  jobId: string
): Effect.Effect<StoredJournal | undefined, StoreError> => undefinedIfMissing(store.load(jobId))

/** Returns the refusal of a journal of another program or input, or undefined if both match. No `input` matches any. */
export const refuseOther = (
  journal: StoredJournal,
  program: CompiledProgram,
  input: string | undefined
): InvalidInput | undefined => {
  const refuse = (message: string): InvalidInput => new InvalidInput({ program: program.name, message })
  const id = JSON.stringify(journal.jobId)
  if (journal.program !== program.name) {
    return refuse(`the job id ${id} is that of a stored job of the program ${JSON.stringify(journal.program)}`)
  }
  if (input === undefined) return undefined
  const stored = inputOf(journal)
  return stored === undefined || stored === input
    ? undefined
    : refuse(`the job id ${id} is that of a stored job with another input`)
}

/** Returns the canonical text of a job's input, or undefined for an unreadable beginning, which the replay then reports. */
const inputOf = ({ text }: StoredJournal): string | undefined => {
  try {
    const genesis = parseJson(text)
    return isObject(genesis) ? canonicalText(genesis["input"]) : undefined
  } catch {
    return undefined
  }
}
