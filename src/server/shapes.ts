/**
 * Schemas of all that the HTTP API takes and gives: the JSON of jobs, results, facts, events and explanations.
 *
 * They repeat the shapes of `Job.toJson` and docs/events.md for clients and OpenAPI. The tests of every route decode the
 * server's answers with them. Boundary: data.
 */
import * as Schema from "effect/Schema"
import { Limits } from "../Limits.ts"
import { namePattern, valuePattern } from "../program/attributes.ts"
import { jobIdPattern, jobIdRule } from "../program/jobId.ts"
import { later } from "./later.ts"
import { liveStates } from "./liveStates.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** The status of an ended job. */
export const Status = Schema.Literals(["converged", "budget-exhausted", "failed", "cancelled"])

/**
 * The state of a job. `suspended`: unfinished, and run by no engine of this server at the moment. `quarantined`: unfinished,
 * and no engine takes it up by itself any more.
 */
export const State = Schema.Literals([...liveStates, "suspended", "quarantined", ...Status.literals])

/** The name of a fact: its kind and its id. */
export const FactRef = Schema.Struct({ kind: Schema.String, id: Schema.String })

/** The task that added a fact, and the reason why it ran. */
export const Provenance = Schema.Struct({
  version: count,
  cycle: count,
  origin: Schema.Literals(["seed", "signal", "agent", "invariant"]),
  agent: Schema.String,
  each: Schema.optional(FactRef),
  since: count,
  until: count,
  part: Schema.optional(count),
  because: Schema.optional(Schema.Array(count))
})

/** A fact with its value as its kind's schema encodes it. */
export const Fact = Schema.Struct({
  kind: Schema.String,
  id: Schema.String,
  value: Schema.Json,
  /** The characters of the value's JSON, where `value` is only the beginning of that text; left out where it is the value. */
  length: Schema.optionalKey(count),
  provenance: Provenance
}).annotate({ identifier: "Fact" })

/** The resources that a job has spent. */
export const Usage = Schema.Struct({
  cycles: count,
  facts: count,
  agents: count,
  durationMs: Schema.Number,
  cpuMs: Schema.Number,
  contextBytes: count,
  tokens: Schema.Number,
  cost: later(Schema.Number, 0),
  byAgent: later(Schema.Record(Schema.String, Schema.Struct({ tokens: Schema.Number, cost: Schema.Number })), {})
}).annotate({ identifier: "Usage" })

/** An error as plain data: `_tag` and its fields. */
export const ErrorJson = Schema.StructWithRest(Schema.Struct({ _tag: Schema.String }), [
  Schema.Record(Schema.String, Schema.Json)
])

/** A job's result, or its partial result. */
export const Result = Schema.Struct({
  jobId: Schema.String,
  program: Schema.String,
  status: Status,
  cycles: count,
  version: count,
  hash: Schema.String,
  usage: Usage,
  facts: Schema.Union([Schema.Record(Schema.String, count), Schema.Array(Fact)]),
  output: Schema.Json,
  /** The characters of the output's JSON, where `output` is only the beginning of that text. */
  outputLength: Schema.optionalKey(count),
  intents: Schema.Array(
    Schema.Struct({
      kind: Schema.String,
      payload: Schema.optional(Schema.Json),
      agent: Schema.String,
      cycle: count,
      each: Schema.optional(FactRef),
      part: Schema.optional(count),
      index: count,
      idempotencyKey: Schema.String,
      /** The characters of the payload's JSON, where `payload` is only the beginning of that text. */
      length: Schema.optionalKey(count)
    })
  ),
  diagnostics: Schema.Array(
    Schema.Struct({
      cycle: count,
      agent: Schema.String,
      each: Schema.NullOr(FactRef),
      part: Schema.optional(count),
      cause: ErrorJson
    })
  ),
  /** The older intents and diagnostics that are left out, counted; there only if a `limit` left some out. */
  omitted: Schema.optionalKey(Schema.Struct({ intents: count, diagnostics: count })),
  error: Schema.NullOr(ErrorJson)
}).annotate({ identifier: "JobResult" })

/** The job of which a job is a fork, and the cycle after which it begins. */
export const ForkOf = Schema.Struct({ jobId: Schema.String, cycle: count })

const inList = {
  jobId: Schema.String,
  program: Schema.String,
  state: State,
  createdAt: Schema.Number,
  haltedAt: Schema.NullOr(Schema.Number),
  /** The last committed cycle: a place, as in "after cycle 31". */
  cycle: count,
  /**
   * The cycles that the job has used, as its result counts them: a last turn that found nothing to do is one, too. Left out by
   * servers of earlier versions.
   */
  cycles: Schema.optionalKey(count),
  hash: Schema.String,
  /** Why the job is quarantined; left out unless it is. */
  quarantine: Schema.optionalKey(Schema.String),
  /** The texts that the job was given to be found by; left out if there are none. */
  attributes: Schema.optionalKey(Schema.Record(Schema.String, Schema.String)),
  /** The id of the job whose child this one is; left out if it is none. */
  parent: Schema.optionalKey(Schema.String),
  /**
   * The job that a fork is of, and the cycle after which the fork begins. Left out of other jobs, of forks of version 0.1, and in
   * a list where the record of the job is long.
   */
  forkOf: Schema.optionalKey(ForkOf),
  /** A pause was asked for, and comes after the cycle under way. Left out if none was. */
  pausing: Schema.optionalKey(Schema.Literal(true)),
  /** The agent of the parent that asked for the job, and in which cycle; left out where the job's id does not tell. */
  startedBy: Schema.optionalKey(Schema.Struct({ agent: Schema.String, cycle: count }))
}

/** A job in a list. Times are in milliseconds since the epoch. `error` is the `_tag` of the error that ended it. */
export const JobSummary = Schema.Struct({
  ...inList,
  /** From the beginning to the end; null of an unfinished job. */
  durationMs: later(Schema.NullOr(Schema.Number), null),
  error: later(Schema.NullOr(Schema.String), null),
  /**
   * The budget of which most is used. Times are in milliseconds. `isPartial`: only the cycles, the times and the payments are
   * known, as no engine of this server has the job and its record is not read.
   */
  budget: later(
    Schema.NullOr(
      Schema.Struct({
        name: Schema.String,
        used: Schema.Number,
        limit: Schema.Number,
        isPartial: Schema.optionalKey(Schema.Literal(true))
      })
    ),
    null
  ),
  /** Why `budget` is null: the job has no limits, or its record is too long for a list or damaged. Left out otherwise. */
  noBudget: Schema.optionalKey(Schema.Literals(["unlimited", "unread"]))
}).annotate({
  identifier: "JobSummary"
})

/** One page of the list of jobs. */
export const JobPage = Schema.Struct({
  jobs: Schema.Array(JobSummary),
  /** The cursor of the next page, with older jobs; null if there is none. */
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page with newer jobs; null if there is none. */
  previous: later(Schema.NullOr(Schema.String), null)
}).annotate({ identifier: "JobPage" })

/** One job: its state and, if it has ended, its result. */
export const Job = Schema.Struct({
  ...inList,
  phase: Schema.NullOr(Schema.String),
  tier: Schema.NullOr(Schema.Int),
  version: Schema.NullOr(count),
  /** The `_tag` of the error that ended it; null if none did. */
  error: later(Schema.NullOr(Schema.String), null),
  usage: Schema.NullOr(Usage),
  result: Schema.NullOr(Result)
}).annotate({ identifier: "Job" })

const limit = Schema.Union([count, Schema.Literal("unlimited")])
const time = Schema.Union([count, Schema.String])

/** Overrides of a program's budget. Times are milliseconds, or text such as "10s" or "5 seconds". */
export const Budget = Schema.Struct({
  maxCycles: Schema.optional(limit),
  maxFacts: Schema.optional(limit),
  maxAgents: Schema.optional(limit),
  maxDuration: Schema.optional(time),
  maxCpuTime: Schema.optional(time),
  maxContextBytes: Schema.optional(limit),
  maxTokens: Schema.optional(limit),
  maxCost: Schema.optional(
    Schema.Union([Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0)), Schema.Literal("unlimited")])
  )
}).annotate({ identifier: "Budget" })

/** A valid id of a job. */
export const JobId = Schema.String.check(Schema.isPattern(jobIdPattern, { expected: `the id of a job: ${jobIdRule}` }))

/** Short texts by which lists find a job. A name has neither `:` nor `=`. */
export const Attributes = Schema.Record(
  Schema.String.check(Schema.isPattern(namePattern)),
  Schema.String.check(Schema.isPattern(valuePattern))
)
  .check(Schema.isMaxProperties(Limits.jobAttributes))
  .annotate({ identifier: "Attributes" })

/** The body that starts a job. */
export const NewJob = Schema.Struct({
  program: Schema.String,
  /** Default: an empty object. */
  input: Schema.optional(Schema.Json),
  budget: Schema.optional(Budget),
  /** The job's id. Starting it again with the same body gives the same job. */
  id: Schema.optional(JobId),
  /** Default: none. */
  attributes: Schema.optional(Attributes)
}).annotate({ identifier: "NewJob" })

/** The body that forks a job. */
export const NewFork = Schema.Struct({
  /** The cycle after which the new job begins; 0: after the seeds. Default: the last. */
  at: Schema.optional(count),
  /** Facts that the new job begins with. They replace those of the same id. Default: none. */
  facts: Schema.optional(Schema.Array(Schema.Struct({ kind: Schema.String, value: Schema.Json }))),
  /** Another input, whose seeds are added. Default: that of the job, without its seeds. */
  input: Schema.optional(Schema.Json),
  budget: Schema.optional(Budget),
  /** The new job's id. Default: a random one. */
  id: Schema.optional(JobId),
  /** Default: those of the job. */
  attributes: Schema.optional(Attributes)
}).annotate({ identifier: "NewFork" })

/** The answer to a start that does not wait for the job. */
export const Accepted = Schema.Struct({ jobId: Schema.String }).annotate({ identifier: "Accepted" })

/**
 * The answer to a fork. `staying`: facts that come from values which it replaces, and stay all the same. `unasked`: intents
 * without an answer that the job waited for, and the fork does not.
 */
export const Forked = Schema.Struct({
  jobId: Schema.String,
  staying: Schema.optional(Schema.Struct({ count, first: FactRef, replaced: FactRef })),
  unasked: Schema.optional(
    Schema.Struct({
      count,
      first: Schema.Struct({
        kind: Schema.String,
        id: Schema.optional(Schema.String),
        agent: Schema.String,
        cycle: count
      })
    })
  )
}).annotate({ identifier: "Forked" })

/** The body of a signal. */
export const Signal = Schema.Struct({
  facts: Schema.Array(Schema.Struct({ kind: Schema.String, value: Schema.Json }))
}).annotate({ identifier: "Signal" })

/** An event of the log, as docs/events.md describes it. */
export const Event = Schema.StructWithRest(Schema.Struct({ _tag: Schema.String, seq: count, cycle: count }), [
  Schema.Record(Schema.String, Schema.Json)
]).annotate({ identifier: "JobEvent" })

/** One item of an event stream: an event, or a note of the server, which has no `seq`. */
export const Streamed = Schema.StructWithRest(Schema.Struct({ _tag: Schema.String }), [
  Schema.Record(Schema.String, Schema.Json)
])

/** The task of an item of telemetry. `sequence` counts the items of the job from 1, and `attempt` the attempts of the task. */
const ofTask = {
  sequence: count,
  cycle: count,
  agent: Schema.String,
  each: Schema.optionalKey(FactRef),
  part: Schema.optionalKey(count),
  attempt: count,
  at: Schema.Number
}

/**
 * One item of the stream of telemetry: something of a running task, numbers that this viewer misses, or the end. `from` and `to`
 * are null where it is not known how many items are missing; the numbers begin anew after that.
 */
export const Telemetry = Schema.Union([
  Schema.TaggedStruct("TaskQueued", ofTask),
  Schema.TaggedStruct("TaskWaiting", { ...ofTask, for: Schema.Literals(["concurrency", "budget"]) }),
  Schema.TaggedStruct("TaskClaimed", { ...ofTask, worker: count }),
  Schema.TaggedStruct("TaskEnded", { ...ofTask, worker: count, failed: Schema.optionalKey(Schema.String) }),
  Schema.TaggedStruct("TaskProgress", { ...ofTask, worker: count, value: Schema.optionalKey(Schema.Json) }),
  Schema.TaggedStruct("Missed", { from: Schema.NullOr(count), to: Schema.NullOr(count) }),
  Schema.TaggedStruct("Ended", { status: Status }),
  Schema.TaggedStruct("Goodbye", { reason: Schema.Literals(["shutting-down", "store"]) })
]).annotate({ identifier: "Telemetry" })

/** An approval that waits for its decision. `since` is in milliseconds since the epoch; `timeoutMs` counts from then. */
export const Approval = Schema.Struct({
  jobId: Schema.String,
  program: Schema.String,
  /** Names the approval within its job. */
  id: Schema.String,
  question: Schema.NullOr(Schema.String),
  data: Schema.Json,
  /** The characters of the JSON of `data`, where that is only the beginning of its text. */
  length: Schema.optionalKey(count),
  since: Schema.Number,
  timeoutMs: Schema.NullOr(Schema.Number)
}).annotate({ identifier: "Approval" })

/** One page of open approvals. It may be empty although others follow, or come before it. */
export const ApprovalPage = Schema.Struct({
  approvals: Schema.Array(Approval),
  /** Jobs whose journals could not be read. Their approvals are not shown. */
  unread: Schema.Array(Schema.String),
  /** The `cursor` of the next page; null if there is none. */
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page before; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "ApprovalPage" })

/** The decision of an approval: who gave it, why (or ""), and in which cycle it was committed. */
export const Decided = Schema.Struct({
  approved: Schema.Boolean,
  by: Schema.String,
  note: Schema.String,
  cycle: count
})

const answer = {
  decision: Schema.Literals(["approve", "reject"]),
  /** The person or system that decides. Default: the name of the request's token, or "anybody". */
  by: Schema.optionalKey(Schema.String.check(Schema.isNonEmpty())),
  /** The reason. Default: none. */
  note: Schema.optionalKey(Schema.String)
}

/** The body of a decision. */
export const Answer = Schema.Struct(answer).annotate({ identifier: "Answer" })

/** The body of a decision that names its approval itself. */
export const NamedAnswer = Schema.Struct({ approval: Schema.String, ...answer }).annotate({ identifier: "NamedAnswer" })

/** One page of a job's facts. */
export const FactPage = Schema.Struct({
  facts: Schema.Array(Fact),
  /** The version of the context that the page was read from. */
  version: count,
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page of earlier facts; null if there is none. */
  previous: later(Schema.NullOr(Schema.String), null)
}).annotate({ identifier: "FactPage" })

/** A job after a cycle. */
const Point = Schema.Struct({ jobId: Schema.String, cycle: count, version: count, hash: Schema.String })

/** One page of the changes from one context to another. `before` and `after` are null where there is no such fact. */
export const Diff = Schema.Struct({
  from: Point,
  to: Point,
  counts: Schema.Struct({ added: count, revised: count, removed: count }),
  changes: Schema.Array(
    Schema.Struct({
      change: Schema.Literals(["added", "revised", "removed"]),
      before: Schema.NullOr(Fact),
      after: Schema.NullOr(Fact)
    })
  ),
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page before; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "Diff" })

/**
 * One page of the facts that follow from a fact, or that would go without it (`needs`). `count` counts all of them.
 *
 * `causes` are the direct causes of a fact among all facts of the list, by their versions; 0 is the fact that was asked about.
 * Causes that were revised or pruned since are none of the list: `indirect` are the facts of the list that those come from.
 * `omitted` counts direct causes that are left out.
 */
export const Lineage = Schema.Struct({
  fact: FactRef,
  relation: Schema.Literals(["follows", "needs"]),
  count,
  facts: Schema.Array(
    Schema.Struct({
      ...Fact.fields,
      causes: Schema.Array(count),
      indirect: Schema.Array(count),
      omitted: count
    })
  ),
  version: count,
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page before; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "Lineage" })

/** A job as it was after a cycle, from its journal. */
export const Replayed = Schema.Struct({
  jobId: Schema.String,
  program: Schema.String,
  programVersion: Schema.String,
  cycle: count,
  tier: Schema.Int,
  version: count,
  hash: Schema.String,
  input: Schema.Json,
  /** The characters of the input's JSON, where `input` is only the beginning of that text. */
  inputLength: Schema.optionalKey(count),
  usage: Usage,
  facts: Schema.Record(Schema.String, count),
  marks: Schema.Record(Schema.String, count),
  intents: Result.fields.intents,
  unanswered: Result.fields.intents,
  diagnostics: Result.fields.diagnostics,
  /** The older parts of these lists that are left out, counted; there only if a `limit` left some out. */
  omitted: Schema.optionalKey(Schema.Struct({ intents: count, unanswered: count, diagnostics: count }))
}).annotate({ identifier: "Replayed" })

/** The check of a journal. `corrupt` is the first part that is not what was written. */
export const Verified = Schema.Struct({
  jobId: Schema.String,
  program: Schema.String,
  status: Schema.NullOr(Status),
  cycles: count,
  hash: Schema.String,
  isIntact: Schema.Boolean,
  corrupt: Schema.NullOr(
    Schema.Struct({ cycle: count, part: Schema.String, expected: Schema.String, found: Schema.String })
  )
}).annotate({ identifier: "Verified" })

/** The body of a pruning. A number counts milliseconds; a text is such as "7d" or "12 hours". */
export const Prune = Schema.Struct({ olderThan: time }).annotate({ identifier: "Prune" })

/** The number of journals that were deleted. */
export const Pruned = Schema.Struct({ deleted: count }).annotate({ identifier: "Pruned" })

/** The number of jobs that were deleted: the job, and those below it. */
export const Deleted = Schema.Struct({ deleted: count }).annotate({ identifier: "Deleted" })

/** The explanation of a fact. `nodes[0]` is the fact; `causes` are indices in `nodes`. */
export const Explanation = Schema.Struct({
  nodes: Schema.Array(
    Schema.Struct({
      kind: Schema.String,
      id: Schema.String,
      value: Schema.Json,
      /** As in `Fact`. */
      length: Schema.optionalKey(count),
      provenance: Provenance,
      trace: Schema.Json,
      causes: Schema.Array(count),
      omitted: count
    })
  )
}).annotate({ identifier: "Explanation" })

/** The graph of a program: what each agent reads, writes and asks for, and the kinds of facts that answer. */
export const Graph = Schema.Struct({
  agents: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      form: Schema.Literals(["fiber", "cpu", "join", "fold"]),
      tier: count,
      each: Schema.NullOr(Schema.String),
      reads: Schema.Array(Schema.String),
      writes: Schema.Array(Schema.String),
      intents: Schema.Array(Schema.String),
      timeoutMs: Schema.NullOr(Schema.Number),
      /**
       * How many tasks of the agent run at a time in all jobs of the engine, and the least time between the starts of two. Left
       * out if the agent declares neither. `limit` is null where only the gap is declared. `isPerKey`: each key of tasks has both
       * for itself.
       */
      concurrency: Schema.optionalKey(
        Schema.Struct({ limit: Schema.NullOr(count), gapMs: Schema.Number, isPerKey: Schema.Boolean })
      )
    })
  ),
  kinds: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      conflict: Schema.Literals(["reject", "keepFirst", "keepLast", "combine"]),
      /** The number of facts that retention keeps; null: all. */
      latest: Schema.NullOr(count)
    })
  ),
  /**
   * The kinds of intents that agents declare. Approvals and child jobs are among them where the program reads or takes their
   * answers; no agent declares that it asks for these.
   */
  intents: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      /** The kinds of facts that answer. */
      answers: Schema.Array(Schema.String),
      /** `nobody`: the intents are only recorded, unless there is a handler of them. */
      by: Schema.Literals(["handler", "engine", "nobody"])
    })
  ),
  signals: Schema.Array(Schema.String),
  invariants: Schema.Array(
    Schema.Struct({ name: Schema.String, class: Schema.Literals(["structural", "semantic", "acceptance"]) })
  )
})

/** A program that is served: its agents, its kinds, and the schemas of its input and output. */
export const ProgramInfo = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  agents: Schema.Array(Schema.String),
  kinds: Schema.Array(Schema.Struct({ name: Schema.String, schema: Schema.Json })),
  /** JSON Schemas. `output` accepts anything where the program declares no schema for it. */
  input: Schema.Json,
  output: Schema.Json,
  graph: Graph
}).annotate({ identifier: "ProgramInfo" })

/** The programs that are served. */
export const Programs = Schema.Struct({ programs: Schema.Array(ProgramInfo) }).annotate({ identifier: "Programs" })

/** Whether the server takes jobs, and the state of each service that it needs. */
export const Readiness = Schema.Struct({
  status: Schema.Literals(["ready", "not-ready"]),
  services: Schema.Record(Schema.String, Schema.String),
  /** Notes that somebody should look at, although the server takes jobs. Left out if there is nothing. */
  notes: Schema.optionalKey(Schema.Array(Schema.String))
}).annotate({ identifier: "Readiness" })
