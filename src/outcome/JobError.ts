/**
 * Every way a job can end other than by converging, as typed values (G9).
 *
 * A `Cause` is plain data: events and diagnostics carry it. An error of the `JobError` union is a cause with the job's id
 * and `.partial`, the result as far as the job came. `Engine.run` and `job.result` fail with such errors. Before a job
 * exists, or after it ended, calls fail with `InvalidProgram`, `InvalidInput`, `AdmissionRejected` or `JobHalted`.
 *
 * Boundary: data.
 */
import * as Schema from "effect/Schema"
import type { BusyAgent } from "./Cause.ts"
import type { JobResult } from "./JobResult.ts"
import { errorTextOf } from "./errorDescription.ts"
import { childKind } from "../program/answerKinds.ts"
import { describeError } from "../values/panic.ts"
import type { StoreError } from "./StoreError.ts"

export { InvalidOptions } from "../values/InvalidOptions.ts"
export { InvalidProgram } from "../program/InvalidProgram.ts"
export { errorToJson as toJson } from "./resultJson.ts"
export { StoreError } from "./StoreError.ts"
export type { BusyAgent, Cause } from "./Cause.ts"

const Ref = Schema.Struct({ kind: Schema.String, id: Schema.String })
const at = { jobId: Schema.String, cycle: Schema.Number }
const ofAgent = { ...at, agent: Schema.String }
const panic = { message: Schema.String, stack: Schema.String, error: Schema.optionalKey(Schema.Json) }

/** An agent failed with its own typed error, in `error`, which is also the `cause` of this error. */
export class AgentFailed extends Schema.TaggedError<AgentFailed>()("AgentFailed", {
  ...ofAgent,
  error: Schema.Unknown
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    return `agent ${JSON.stringify(this.agent)} failed in cycle ${this.cycle}: ${errorTextOf(this)}`
  }
}

/**
 * An agent threw, died of a defect, or threw in `accepts`, `id` or a combining function. `error` is the thrown value as data,
 * with its causes, unless it is no more than the message. `stack` is where it was thrown, and where its causes were.
 */
export class AgentPanicked extends Schema.TaggedError<AgentPanicked>()("AgentPanicked", {
  ...ofAgent,
  ...panic
}) {
  declare readonly partial: JobResult.Partial
}

/** An attempt of an agent took longer than its `timeout`, in milliseconds. */
export class AgentTimedOut extends Schema.TaggedError<AgentTimedOut>()("AgentTimedOut", {
  ...ofAgent,
  timeoutMs: Schema.Number
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    return `agent ${JSON.stringify(this.agent)} exceeded ${this.timeoutMs} ms in cycle ${this.cycle}`
  }
}

/** A CPU agent's thread went over its heap limit, in MiB. */
export class AgentOutOfMemory extends Schema.TaggedError<AgentOutOfMemory>()("AgentOutOfMemory", {
  ...ofAgent,
  limitMb: Schema.Number
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    return `agent ${JSON.stringify(this.agent)} went over ${this.limitMb} MB of heap in cycle ${this.cycle}`
  }
}

/** The thread that ran a CPU agent ended before the agent did. */
export class WorkerCrashed extends Schema.TaggedError<WorkerCrashed>()("WorkerCrashed", {
  ...ofAgent,
  exitCode: Schema.Number
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    return `the worker of agent ${JSON.stringify(this.agent)} exited with code ${this.exitCode} in cycle ${this.cycle}`
  }
}

/** An agent's output does not fit its schema, names an undeclared kind, or cannot be encoded. */
export class InvalidEffect extends Schema.TaggedError<InvalidEffect>()("InvalidEffect", {
  ...ofAgent,
  message: Schema.String
}) {
  declare readonly partial: JobResult.Partial
}

/** Two effects disagree on a fact whose kind rejects that. `agents`: the first one, and the one whose effect was discarded. */
export class MergeConflict extends Schema.TaggedError<MergeConflict>()("MergeConflict", {
  ...at,
  kind: Schema.String,
  id: Schema.String,
  existing: Schema.Unknown,
  proposed: Schema.Unknown,
  agents: Schema.Tuple([Schema.String, Schema.String])
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    const [first, second] = this.agents.map((agent) => JSON.stringify(agent))
    return `${this.kind}/${this.id}: ${second} proposed another value than ${first} in cycle ${this.cycle}`
  }
}

/**
 * A budget was reached. `used` is the committed sum, and for tokens and cost the sum that was paid. `spender` is the agent whose
 * effect, or whose reservation, would have crossed it, if any. `children` is the part of `used` that child jobs have spent, or
 * that is set aside for them. `isHandedDown`: the limit is the share that the job's parent handed down.
 * `busy` are the agents that executed in the last cycles of a job that used up its cycles, and what they added.
 */
export class BudgetExhausted extends Schema.TaggedError<BudgetExhausted>()("BudgetExhausted", {
  ...at,
  budget: Schema.Literals(["cycles", "facts", "agents", "duration", "cpuTime", "contextBytes", "tokens", "cost"]),
  used: Schema.Number,
  limit: Schema.Number,
  spender: Schema.optional(Schema.String),
  children: Schema.optional(Schema.Number),
  isHandedDown: Schema.optional(Schema.Boolean),
  busy: Schema.optional(
    Schema.Array(
      Schema.Struct({
        agent: Schema.String,
        tasks: Schema.Number,
        facts: Schema.Record(Schema.String, Schema.Number)
      })
    )
  )
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    const by = this.spender === undefined ? "" : ` (${JSON.stringify(this.spender)} would have crossed it)`
    const below = this.children === undefined ? "" : `, ${this.children} of them by child jobs or set aside for these`
    const from = this.isHandedDown === true ? ` that the parent job handed down` : ""
    return `the budget of ${this.budget} is exhausted: ${this.used} of ${this.limit}${from}${below}${by}${describeBusy(this.busy ?? [])}`
  }
}

/** Says what the job was busy with when it used up its cycles. */
const describeBusy = (busy: ReadonlyArray<BusyAgent>): string => {
  if (busy.length === 0) return ""
  const agents = busy.map(({ agent, facts, tasks }) => {
    const added = Object.entries(facts).map(([kind, count]) => `${count} ${kind}`)
    const what = added.length === 0 ? "added nothing" : `added ${added.join(", ")}`
    return `${JSON.stringify(agent)} ${what} in ${tasks} task${tasks === 1 ? "" : "s"}`
  })
  return `. Its last cycles: ${agents.join("; ")}`
}

/** An invariant does not hold. `facts` are the facts that break it, as far as the check or the effect names them. */
export class InvariantViolated extends Schema.TaggedError<InvariantViolated>()("InvariantViolated", {
  ...at,
  name: Schema.String,
  class: Schema.Literals(["structural", "semantic", "acceptance"]),
  reason: Schema.String,
  facts: Schema.Array(Ref)
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    return `the ${this.class} invariant ${JSON.stringify(this.name)} is violated: ${this.reason}`
  }
}

/** A program's own function threw outside any agent. `error` and `stack`: as those of `AgentPanicked`. */
export class ProgramPanicked extends Schema.TaggedError<ProgramPanicked>()("ProgramPanicked", {
  ...at,
  phase: Schema.Literals(["output", "invariant"]),
  ...panic
}) {
  declare readonly partial: JobResult.Partial
}

/** The job was cancelled: by `job.cancel`, an interrupt of `Engine.run`, the engine's shutdown, or its actor's stop. */
export class JobCancelled extends Schema.TaggedError<JobCancelled>()("JobCancelled", at) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    return `the job was cancelled in cycle ${this.cycle}`
  }
}

/**
 * The journal did not take a cycle. `reason` is the reason of the store's error (JobStore.ts): `"fenced"` if another engine
 * has taken the job over. The journal ends with the last cycle that it took. Unless another engine holds it, the job can be
 * resumed. But a cycle that is too large to be stored (`"too-large"`) is so every time, so the journal says that the job failed.
 */
export class StoreFailed extends Schema.TaggedError<StoreFailed>()("StoreFailed", {
  ...at,
  message: Schema.String,
  reason: Schema.String
}) {
  declare readonly partial: JobResult.Partial
}

/**
 * The pool had no thread for the CPU agents of a cycle, through no fault of theirs. `reason` is `"not-started"` if no thread
 * could be started, such as for want of file descriptors, or `"abandoned"` if native calls that do not end hold all of them.
 * The cycle is not committed, and a stored job can be resumed.
 */
export class WorkersUnavailable extends Schema.TaggedError<WorkersUnavailable>()("WorkersUnavailable", {
  ...at,
  message: Schema.String,
  reason: Schema.Literals(["not-started", "abandoned"])
}) {
  declare readonly partial: JobResult.Partial
}

/**
 * An intent was not performed: its handler failed, or the engine cannot do what it asks for. `error` is the handler's error,
 * or has a `_tag` that names what else went wrong. `kind` is the intent kind, `key` the intent's idempotency key.
 */
export class IntentFailed extends Schema.TaggedError<IntentFailed>()("IntentFailed", {
  ...ofAgent,
  kind: Schema.String,
  key: Schema.String,
  error: Schema.Unknown
}) {
  declare readonly partial: JobResult.Partial
  override get message(): string {
    const what = `the intent ${JSON.stringify(this.kind)} of agent ${JSON.stringify(this.agent)}`
    const why = this.kind === childKind ? describeChild(this.error) : reasonOf(this)
    return `${what} was not performed: ${why}`
  }
}

/** The faults of handlers and intents whose name does not say the reason. */
const wordy: ReadonlySet<string> = new Set(["HandlerPanicked", "HandlerTimedOut", "InvalidAnswer", "InvalidIntent"])

/** The error of a handler in words: a fault of the engine has a name and a message, and any other error speaks for itself. */
const reasonOf = (failed: IntentFailed): string => {
  const { error } = failed
  const text = errorTextOf(failed)
  const isFault = typeof error === "object" && error !== null && "_tag" in error && wordy.has(String(error._tag))
  return isFault && "message" in error && typeof error.message === "string" ? `${text}: ${error.message}` : text
}

/** The error of a child job in words: the lowest one, if the error of a child of its own ended it. */
const describeChild = (error: unknown): string => {
  let lowest = error
  while (typeof lowest === "object" && lowest !== null && "_tag" in lowest && "error" in lowest) {
    if (lowest._tag !== "IntentFailed" || !("kind" in lowest) || lowest.kind !== childKind) break
    lowest = lowest.error
  }
  const what = describeError(lowest)
  const message = typeof lowest === "object" && lowest !== null && "message" in lowest ? lowest.message : ""
  return typeof message === "string" && message !== "" && message !== what ? `${what}: ${message}` : what
}

/** A handler was refused: its intent kind, `kind`, has a handler already, or the handler cannot work. */
export class HandlerRejected extends Schema.TaggedError<HandlerRejected>()("HandlerRejected", {
  kind: Schema.String,
  message: Schema.String
}) {}

/** An input, a seed or a signal does not fit: `message` says what is wrong and where. */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  program: Schema.String,
  message: Schema.String
}) {
  /** There is no result: the job never began. */
  declare readonly partial?: undefined
}

/**
 * A signal holds a fact that may not come from outside: its kind is not among the `signals` of the program, or it decides an
 * approval that is not open. Nothing is committed.
 */
export class SignalRefused extends Schema.TaggedError<SignalRefused>()("SignalRefused", {
  program: Schema.String,
  kind: Schema.String,
  reason: Schema.Literals(["kind", "approval"]),
  message: Schema.String
}) {
  /** The job is as it was. */
  declare readonly partial?: undefined
}

/** The engine, or a job's mailbox, takes no more at the moment. `memory-pressure`: the engine's `maxLiveContextBytes`. */
export class AdmissionRejected extends Schema.TaggedError<AdmissionRejected>()("AdmissionRejected", {
  reason: Schema.Literals(["queue-full", "shutting-down", "memory-pressure"])
}) {
  declare readonly partial?: undefined
  override get message(): string {
    return `not admitted: ${this.reason}`
  }
}

/**
 * A stored job was begun by a program whose kinds had other schemas. `kinds` are the names of the kinds that differ or are
 * gone. `from` and `to` are the versions that the two programs declare. Declare `migrate` to bring the facts along.
 */
export class ProgramChanged extends Schema.TaggedError<ProgramChanged>()("ProgramChanged", {
  jobId: Schema.String,
  program: Schema.String,
  kinds: Schema.Array(Schema.String),
  from: Schema.String,
  to: Schema.String,
  reason: Schema.String
}) {
  declare readonly partial?: undefined
  override get message(): string {
    return `the job ${this.jobId} cannot go on with this ${JSON.stringify(this.program)}: ${this.reason}`
  }
}

/**
 * A journal differs from what was written: in the row of `cycle` (0: the beginning), `part` is `found` and not `expected`.
 * Everything before that row is intact.
 */
export class JournalCorrupt extends Schema.TaggedError<JournalCorrupt>()("JournalCorrupt", {
  jobId: Schema.String,
  cycle: Schema.Number,
  part: Schema.String,
  expected: Schema.String,
  found: Schema.String
}) {
  declare readonly partial?: undefined
  override get message(): string {
    const where = this.cycle === 0 ? "the beginning" : `the row of cycle ${this.cycle}`
    return `${where} of job ${this.jobId} is not what was written: ${this.part}: expected ${this.expected}, found ${this.found}`
  }
}

/** The job has ended, so it can no longer be signalled, paused or resumed. */
export class JobHalted extends Schema.TaggedError<JobHalted>()("JobHalted", {
  jobId: Schema.String,
  status: Schema.Literals(["converged", "budget-exhausted", "failed", "cancelled"])
}) {
  override get message(): string {
    return `the job ${this.jobId} has ended: ${this.status}`
  }
}

/** The errors that end a job, except for an agent's own typed error. */
export type HaltError =
  | AgentPanicked
  | AgentTimedOut
  | AgentOutOfMemory
  | WorkerCrashed
  | InvalidEffect
  | MergeConflict
  | BudgetExhausted
  | InvariantViolated
  | ProgramPanicked
  | JobCancelled
  | StoreFailed
  | WorkersUnavailable
  | IntentFailed

/** The errors with which a job ends whose agents fail with `E`. The partial result is typed. */
export type JobError<E = unknown, Result = JobResult.Partial> = (
  | HaltError
  | ([E] extends [never] ? never : AgentFailed & { readonly error: E })
) & { readonly partial: Result }

/** The errors of a job that could not start. */
export type StartError = InvalidInput | AdmissionRejected | StoreError | ProgramChanged | JournalCorrupt
