/**
 * Typed errors of the engine as problems of the API.
 *
 * Boundary: errors in, problems out. A message of a store or a journal may name files, so it goes only to the log. A client
 * gets the reason.
 */
import type { InvalidProgram } from "../program/InvalidProgram.ts"
import {
  type AdmissionRejected,
  type AgentFailed,
  type HaltError,
  type InvalidInput,
  type JobHalted,
  type JournalCorrupt,
  type JobError,
  type SignalRefused,
  type StartError
} from "../outcome/JobError.ts"
import { errorJson, resultJson } from "./json.ts"
import * as Problems from "./problems.ts"
import { JobDamaged, type StoreError } from "../outcome/StoreError.ts"
import { errorToJson } from "../outcome/resultJson.ts"

/** The problem for the error that ended a job. */
export const ofJobError = (error: JobError) => {
  const failure: HaltError | AgentFailed = error
  const { cycle, jobId, message: detail } = failure
  const job = { jobId, cycle, detail, partial: resultJson(error, "counts") }
  const fields = errorJson(errorToJson(failure))
  switch (failure._tag) {
    case "BudgetExhausted": {
      const { budget, children, isHandedDown, limit, spender, used } = failure
      return new Problems.BudgetExhausted({ ...job, budget, children, isHandedDown, limit, spender, used })
    }
    case "MergeConflict": {
      const { agents, id, kind } = failure
      return new Problems.MergeConflict({
        ...job,
        agents,
        id,
        kind,
        existing: fields["existing"],
        proposed: fields["proposed"]
      })
    }
    case "InvariantViolated": {
      const { facts, name, reason } = failure
      return new Problems.InvariantViolated({ ...job, facts, name, reason, class: failure.class })
    }
    case "AgentFailed":
      return new Problems.AgentFailed({ ...job, agent: failure.agent, error: fields["error"] })
    case "AgentPanicked":
      return new Problems.AgentPanicked({ ...job, agent: failure.agent, error: fields["error"] })
    case "AgentTimedOut":
      return new Problems.AgentTimedOut({ ...job, agent: failure.agent, timeoutMs: failure.timeoutMs })
    case "AgentOutOfMemory":
      return new Problems.AgentOutOfMemory({ ...job, agent: failure.agent, limitMb: failure.limitMb })
    case "WorkerCrashed":
      return new Problems.WorkerCrashed({ ...job, agent: failure.agent, exitCode: failure.exitCode })
    case "InvalidEffect":
      return new Problems.InvalidEffect({ ...job, agent: failure.agent })
    case "ProgramPanicked":
      return new Problems.ProgramPanicked({ ...job, phase: failure.phase, error: fields["error"] })
    case "JobCancelled":
      return new Problems.JobCancelled(job)
    case "StoreFailed": {
      const detail = `the store did not take a cycle: ${failure.reason}`
      return new Problems.StoreFailed({ ...job, detail, reason: failure.reason })
    }
    case "WorkersUnavailable":
      return new Problems.WorkersUnavailable({ ...job, reason: failure.reason })
    case "IntentFailed": {
      const { agent, key, kind } = failure
      return new Problems.IntentFailed({ ...job, agent, key, kind, error: fields["error"] })
    }
  }
}

const ofInput = ({ message, program }: InvalidInput | InvalidProgram): Problems.InvalidInput =>
  new Problems.InvalidInput({ program, detail: message })

/** The problem for a start or a signal that the engine or a job's mailbox rejected. */
export const ofAdmission = ({ reason }: AdmissionRejected): Problems.QueueFull | Problems.Unavailable =>
  reason === "queue-full" ? new Problems.QueueFull({ reason }) : new Problems.Unavailable({ reason })

/** The problem for a store's error about a job. */
export const ofStore = (
  jobId: string,
  error: StoreError
):
  | Problems.UnknownJob
  | Problems.JobHeld
  | Problems.JobQuarantined
  | Problems.JournalCorrupt
  | Problems.Unavailable => {
  const { message, reason } = error
  if (error instanceof JobDamaged) return corrupt({ jobId, ...error.damaged })
  if (reason === "missing") return new Problems.UnknownJob({ jobId })
  if (reason === "held") return new Problems.JobHeld({ jobId })
  if (reason === "quarantined") return new Problems.JobQuarantined({ jobId, detail: message })
  return new Problems.Unavailable({ reason: "store", detail: `the store failed: ${reason}` })
}

/** The problem for a cycle that a job has not committed. */
export const unknownCycle = (jobId: string, cycle: number, last: number): Problems.UnknownCycle =>
  new Problems.UnknownCycle({ jobId, cycle, last, detail: `the job has no cycle ${cycle}: its last is ${last}` })

/** The problem for a journal that is damaged. What was expected and found stays here: it may be of any length. */
const corrupt = ({ cycle, jobId, part }: Pick<JournalCorrupt, "cycle" | "jobId" | "part">): Problems.JournalCorrupt => {
  const where = cycle === 0 ? "the beginning" : `the row of cycle ${cycle}`
  const detail = `${where} of job ${jobId} is not what was written: ${part}`
  return new Problems.JournalCorrupt({ jobId, cycle, part, detail })
}

/** The problem for a job that was not started or not taken up. */
export const ofStart = (jobId: string, error: StartError | InvalidProgram) => {
  switch (error._tag) {
    case "InvalidInput":
    case "InvalidProgram":
      return ofInput(error)
    case "AdmissionRejected":
      return ofAdmission(error)
    case "StoreError":
      return ofStore(jobId, error)
    case "ProgramChanged": {
      const { from, kinds, message, program, reason, to } = error
      return new Problems.ProgramChanged({ jobId: error.jobId, program, kinds, from, to, reason, detail: message })
    }
    case "JournalCorrupt":
      return corrupt(error)
  }
}

/** The problem for a signal of what may not come from outside. */
export const ofRefusal = ({ kind, message, program, reason }: SignalRefused): Problems.SignalRefused =>
  new Problems.SignalRefused({ program, kind, reason, detail: message })

/** The errors with which the engine refuses to steer a job. */
export type SteeringError = InvalidInput | AdmissionRejected | JobHalted

export const ofSteering = (error: SteeringError) => {
  switch (error._tag) {
    case "InvalidInput":
      return ofInput(error)
    case "AdmissionRejected":
      return ofAdmission(error)
    case "JobHalted":
      return new Problems.JobHalted({ jobId: error.jobId, jobStatus: error.status, detail: error.message })
  }
}
