/**
 * Finds a journal in the store, and says whether it is that of a program with an input. Boundary: nothing is replayed.
 */
import type * as Effect from "effect/Effect"
import { canonicalText } from "../values/Canonical.ts"
import { InvalidInput } from "../outcome/JobError.ts"
import type { JobStore, StoredJournal, StoreError } from "../store/JobStore.ts"
import { undefinedIfMissing } from "../store/missing.ts"
import { parseJson } from "../values/parseJson.ts"
import type { CompiledProgram } from "../program/erased.ts"

/** The journal of a job, if there is one. */
export const findJournal = (
  store: JobStore["Service"],
  jobId: string
): Effect.Effect<StoredJournal | undefined, StoreError> => undefinedIfMissing(store.load(jobId))

/** Whether a stored job is one of a program with an input; why not, if it is not. */
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
  const { input: stored } = parseJson(journal.text) as { readonly input: unknown }
  return canonicalText(stored) === input
    ? undefined
    : refuse(`the job id ${id} is that of a stored job with another input`)
}
