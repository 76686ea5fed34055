/**
 * The reasons for which a recorded job stopped that a recording cannot play. Such a job is played as far as its recording goes.
 *
 * Boundary: pure.
 */
import { approvalKind } from "../program/answerKinds.ts"
import { compiledOf } from "../program/erased.ts"
import type { Program } from "../program/Program.ts"
import { isPlayable } from "./recorded.ts"
import type { Recording } from "./recording.ts"

const paid = new Set(["duration", "cpuTime", "tokens", "cost"])

/** The reason in words, as a sentence; undefined if the recording plays the end of the job. */
export const stopOf = (program: Program.Any, recording: Omit<Recording, "facts">): string | undefined => {
  const { answers, blamed = "", cycles, error, quarantine, status, tasks } = recording
  if (quarantine !== undefined) return `the job is quarantined (${quarantine})`
  if (status === undefined) return "the job has not ended"
  if (error === "JobCancelled") return "the job was cancelled"
  if (error === "BudgetExhausted" && paid.has(blamed)) return `its budget of ${blamed} ended the job`
  if (error === "IntentFailed" && answers.some(({ intent }) => intent.kind === approvalKind)) {
    return "the job ended because nobody decided in time"
  }
  // An effect that ended the job is in no journal, unless an agent gives it again that runs.
  const played = new Set(
    compiledOf(program)
      .agents.filter(({ executeFiber }) => executeFiber !== undefined)
      .map(({ name }) => name)
  )
  const last = tasks.find(
    ({ agent, cycle, failure }) =>
      cycle === cycles && failure !== undefined && failure._tag === error && played.has(agent) && !isPlayable(failure)
  )
  return last && `the effect of agent ${JSON.stringify(last.agent)} that ended the job is in no journal`
}
