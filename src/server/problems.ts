/**
 * Every error that the HTTP API answers with, as RFC 9457 problems (`application/problem+json`).
 *
 * A problem's `type` names it, a typed client fails with its class, and its other members are the fields of the typed error. A
 * job that ended without converging is a problem with its partial result in `partial`. Boundary: data.
 */
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"
import { Decided, FactRef, Result, Status } from "./shapes.ts"

const { Problem } = HttpApiError

const ofJob = { jobId: Schema.String, cycle: Schema.Number, partial: Schema.NullOr(Result) }
const ofAgent = { ...ofJob, agent: Schema.String }

/** The job ended with `BudgetExhausted`. */
export class BudgetExhausted extends Problem<BudgetExhausted>()(
  "BudgetExhausted",
  { type: "urn:effect-converge:BudgetExhausted", status: 413, title: "A budget of the job is exhausted" },
  {
    ...ofJob,
    budget: Schema.String,
    used: Schema.Number,
    limit: Schema.Number,
    spender: Schema.optional(Schema.String),
    children: Schema.optional(Schema.Number),
    isHandedDown: Schema.optional(Schema.Boolean)
  }
) {}

/** The job ended with `MergeConflict`. */
export class MergeConflict extends Problem<MergeConflict>()(
  "MergeConflict",
  { type: "urn:effect-converge:MergeConflict", status: 409, title: "Two effects disagree on a fact" },
  {
    ...ofJob,
    kind: Schema.String,
    id: Schema.String,
    existing: Schema.optional(Schema.Json),
    proposed: Schema.optional(Schema.Json),
    agents: Schema.Array(Schema.String)
  }
) {}

/** The job ended with `InvariantViolated`. */
export class InvariantViolated extends Problem<InvariantViolated>()(
  "InvariantViolated",
  { type: "urn:effect-converge:InvariantViolated", status: 422, title: "An invariant of the program does not hold" },
  { ...ofJob, name: Schema.String, class: Schema.String, reason: Schema.String, facts: Schema.Array(FactRef) }
) {}

/** The job ended with `AgentFailed`. */
export class AgentFailed extends Problem<AgentFailed>()(
  "AgentFailed",
  { type: "urn:effect-converge:AgentFailed", status: 500, title: "An agent failed" },
  { ...ofAgent, error: Schema.optional(Schema.Json) }
) {}

/** The job ended with `AgentPanicked`. */
export class AgentPanicked extends Problem<AgentPanicked>()(
  "AgentPanicked",
  { type: "urn:effect-converge:AgentPanicked", status: 500, title: "An agent panicked" },
  { ...ofAgent, error: Schema.optional(Schema.Json) }
) {}

/** The job ended with `AgentTimedOut`. */
export class AgentTimedOut extends Problem<AgentTimedOut>()(
  "AgentTimedOut",
  { type: "urn:effect-converge:AgentTimedOut", status: 504, title: "An agent took too long" },
  { ...ofAgent, timeoutMs: Schema.Number }
) {}

/** The job ended with `AgentOutOfMemory`. */
export class AgentOutOfMemory extends Problem<AgentOutOfMemory>()(
  "AgentOutOfMemory",
  { type: "urn:effect-converge:AgentOutOfMemory", status: 500, title: "An agent went over its heap limit" },
  { ...ofAgent, limitMb: Schema.Number }
) {}

/** The job ended with `WorkerCrashed`. */
export class WorkerCrashed extends Problem<WorkerCrashed>()(
  "WorkerCrashed",
  { type: "urn:effect-converge:WorkerCrashed", status: 500, title: "The thread of an agent ended under it" },
  { ...ofAgent, exitCode: Schema.Number }
) {}

/** The job ended with `InvalidEffect`. */
export class InvalidEffect extends Problem<InvalidEffect>()(
  "InvalidEffect",
  { type: "urn:effect-converge:InvalidEffect", status: 500, title: "An agent's output does not fit" },
  ofAgent
) {}

/** The job ended with `ProgramPanicked`. */
export class ProgramPanicked extends Problem<ProgramPanicked>()(
  "ProgramPanicked",
  { type: "urn:effect-converge:ProgramPanicked", status: 500, title: "A function of the program threw" },
  { ...ofJob, phase: Schema.String, error: Schema.optional(Schema.Json) }
) {}

/** The job ended with `StoreFailed`. */
export class StoreFailed extends Problem<StoreFailed>()(
  "StoreFailed",
  { type: "urn:effect-converge:StoreFailed", status: 503, title: "The store did not take a cycle" },
  { ...ofJob, reason: Schema.String }
) {}

/** The job ended with `WorkersUnavailable`. */
export class WorkersUnavailable extends Problem<WorkersUnavailable>()(
  "WorkersUnavailable",
  { type: "urn:effect-converge:WorkersUnavailable", status: 500, title: "There was no thread for an agent" },
  { ...ofJob, reason: Schema.String }
) {}

/** The job ended with `IntentFailed`. */
export class IntentFailed extends Problem<IntentFailed>()(
  "IntentFailed",
  { type: "urn:effect-converge:IntentFailed", status: 500, title: "An intent was not performed" },
  { ...ofAgent, kind: Schema.String, key: Schema.String, error: Schema.optional(Schema.Json) }
) {}

/** The job ended with `JobCancelled`. */
export class JobCancelled extends Problem<JobCancelled>()(
  "JobCancelled",
  { type: "urn:effect-converge:JobCancelled", status: 499, title: "The job was cancelled" },
  ofJob
) {}

/** The request itself is malformed: its JSON, a header, a parameter, or the shape of its body. */
export class InvalidRequest extends Problem<InvalidRequest>()(
  "InvalidRequest",
  { type: "urn:effect-converge:InvalidRequest", status: 400, title: "The request is malformed" },
  { errors: Schema.optional(Schema.Array(HttpApiError.ProblemIssue)) }
) {}

/** An input, a seed or a signal does not fit the program, or was discarded. */
export class InvalidInput extends Problem<InvalidInput>()(
  "InvalidInput",
  { type: "urn:effect-converge:InvalidInput", status: 400, title: "An input does not fit the program" },
  { program: Schema.String }
) {}

/** A signal holds a fact that may not come from outside, or decides an approval that is not open. */
export class SignalRefused extends Problem<SignalRefused>()(
  "SignalRefused",
  { type: "urn:effect-converge:SignalRefused", status: 422, title: "The job does not take that fact" },
  { program: Schema.String, kind: Schema.String, reason: Schema.String, decided: Schema.optional(Decided) }
) {}

/** A bearer token is required. */
export class Unauthorized extends Problem<Unauthorized>()("Unauthorized", {
  type: "urn:effect-converge:Unauthorized",
  status: 401,
  title: "A bearer token is required"
}) {}

/** The token lacks the right that the request needs. */
export class Forbidden extends Problem<Forbidden>()("Forbidden", {
  type: "urn:effect-converge:Forbidden",
  status: 403,
  title: "The token does not allow that"
}) {}

/** A page of another origin asks for a change, and the server does not allow that origin. */
export class ForeignOrigin extends Problem<ForeignOrigin>()("ForeignOrigin", {
  type: "urn:effect-converge:ForeignOrigin",
  status: 403,
  title: "A page of another origin may not do that"
}) {}

/** There is no such job. */
export class UnknownJob extends Problem<UnknownJob>()(
  "UnknownJob",
  { type: "urn:effect-converge:UnknownJob", status: 404, title: "There is no such job" },
  { jobId: Schema.String }
) {}

/** There is no such program. */
export class UnknownProgram extends Problem<UnknownProgram>()(
  "UnknownProgram",
  { type: "urn:effect-converge:UnknownProgram", status: 404, title: "There is no such program" },
  { program: Schema.String }
) {}

/** The job's context holds no such fact. */
export class UnknownFact extends Problem<UnknownFact>()(
  "UnknownFact",
  { type: "urn:effect-converge:UnknownFact", status: 404, title: "The job's context holds no such fact" },
  { jobId: Schema.String, kind: Schema.String, id: Schema.String }
) {}

/** The job has no such cycle. */
export class UnknownCycle extends Problem<UnknownCycle>()(
  "UnknownCycle",
  { type: "urn:effect-converge:UnknownCycle", status: 404, title: "The job has no such cycle" },
  { jobId: Schema.String, cycle: Schema.Number, last: Schema.Number }
) {}

/** The question is about a journal, and the server keeps none. */
export class NoJournal extends Problem<NoJournal>()(
  "NoJournal",
  { type: "urn:effect-converge:NoJournal", status: 409, title: "The server keeps no journals" },
  { jobId: Schema.String }
) {}

/** There is no such route. */
export class UnknownRoute extends Problem<UnknownRoute>()("UnknownRoute", {
  type: "urn:effect-converge:UnknownRoute",
  status: 404,
  title: "There is no such route"
}) {}

/** The route has no such method. */
export class MethodNotAllowed extends Problem<MethodNotAllowed>()(
  "MethodNotAllowed",
  { type: "urn:effect-converge:MethodNotAllowed", status: 405, title: "The route has no such method" },
  { allow: Schema.Array(Schema.String) }
) {}

/** A job with this id or idempotency key was started with another body. */
export class JobExists extends Problem<JobExists>()(
  "JobExists",
  { type: "urn:effect-converge:JobExists", status: 409, title: "The id or key is that of another job" },
  { jobId: Schema.String }
) {}

/** The job has ended. */
export class JobHalted extends Problem<JobHalted>()(
  "JobHalted",
  { type: "urn:effect-converge:JobHalted", status: 409, title: "The job has ended" },
  { jobId: Schema.String, jobStatus: Status, decided: Schema.optional(Decided) }
) {}

/** The job has not ended, so it cannot be deleted. */
export class JobUnfinished extends Problem<JobUnfinished>()(
  "JobUnfinished",
  { type: "urn:effect-converge:JobUnfinished", status: 409, title: "The job has not ended" },
  { jobId: Schema.String, state: Schema.String }
) {}

/** The job is a child of an unfinished job, which has to read how it ended. */
export class JobNeeded extends Problem<JobNeeded>()(
  "JobNeeded",
  { type: "urn:effect-converge:JobNeeded", status: 409, title: "The job's parent has not ended" },
  { jobId: Schema.String }
) {}

/** Another engine holds the job. */
export class JobHeld extends Problem<JobHeld>()(
  "JobHeld",
  { type: "urn:effect-converge:JobHeld", status: 409, title: "Another engine runs the job" },
  { jobId: Schema.String }
) {}

/** The job was taken up several times without progress. Only a request to resume or cancel it takes it up again. */
export class JobQuarantined extends Problem<JobQuarantined>()(
  "JobQuarantined",
  { type: "urn:effect-converge:JobQuarantined", status: 409, title: "The job is quarantined" },
  { jobId: Schema.String }
) {}

/** The program is not the one that the job began with. */
export class ProgramChanged extends Problem<ProgramChanged>()(
  "ProgramChanged",
  { type: "urn:effect-converge:ProgramChanged", status: 409, title: "The program is not what the job began with" },
  {
    jobId: Schema.String,
    program: Schema.String,
    kinds: Schema.Array(Schema.String),
    from: Schema.String,
    to: Schema.String,
    reason: Schema.String
  }
) {}

/** The job's journal is corrupt: it is not what was written. */
export class JournalCorrupt extends Problem<JournalCorrupt>()(
  "JournalCorrupt",
  { type: "urn:effect-converge:JournalCorrupt", status: 500, title: "The job's journal is not what was written" },
  { jobId: Schema.String, cycle: Schema.Number, part: Schema.String }
) {}

/** The body, or the signal in it, is too large. */
export class BodyTooLarge extends Problem<BodyTooLarge>()(
  "BodyTooLarge",
  { type: "urn:effect-converge:BodyTooLarge", status: 413, title: "The body, or the signal in it, is too large" },
  { limit: Schema.Number }
) {}

/** The body must be application/json. */
export class UnsupportedMediaType extends Problem<UnsupportedMediaType>()("UnsupportedMediaType", {
  type: "urn:effect-converge:UnsupportedMediaType",
  status: 415,
  title: "The body must be application/json"
}) {}

/** The request names another host than this server: a foreign page may have made its own name point here. */
export class Misdirected extends Problem<Misdirected>()("Misdirected", {
  type: "urn:effect-converge:Misdirected",
  status: 421,
  title: "The request is for another host"
}) {}

/** The queue of the engine, or the mailbox of a job, is full. */
export class QueueFull extends Problem<QueueFull>()(
  "QueueFull",
  { type: "urn:effect-converge:QueueFull", status: 429, title: "There is no place for more at the moment" },
  { reason: Schema.String }
) {}

/** The server takes nothing at the moment. `reason` is `shutting-down`, `memory-pressure`, `store` or `streams`. */
export class Unavailable extends Problem<Unavailable>()(
  "Unavailable",
  { type: "urn:effect-converge:Unavailable", status: 503, title: "The server takes nothing at the moment" },
  { reason: Schema.String, jobId: Schema.optional(Schema.String) }
) {}

/** A bug of the server. Its log has the details. */
export class Internal extends Problem<Internal>()("Internal", {
  type: "urn:effect-converge:Internal",
  status: 500,
  title: "The server failed"
}) {}
