/**
 * Schemas of what the API says about a job beside its state: why it ended or does not, what runs, and when tasks ran.
 *
 * Boundary: data.
 */
import * as Schema from "effect/Schema"
import { later } from "./later.ts"
import { ErrorJson, Fact, FactRef, ForkOf, Status } from "./shapes.ts"

const count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** Failures of one agent with the same error, among the events that were read. */
export const RepeatedFailure = Schema.Struct({
  agent: Schema.String,
  each: Schema.NullOr(FactRef),
  _tag: Schema.String,
  message: Schema.String,
  count,
  first: count,
  last: count
})

/** The answer to the question why a job failed, does not end, or gave less than it should. */
export const Diagnosis = Schema.Struct({
  /** One sentence. */
  headline: Schema.String,
  /** Null while the job has not ended. */
  status: Schema.NullOr(Status),
  error: Schema.NullOr(ErrorJson),
  /**
   * The stack of the error that ended the job. Null unless the sender may steer the job, and this server ran it to its end: a
   * stack names files of a machine, and no journal has it.
   */
  stack: Schema.NullOr(Schema.String),
  /** The id of the child job whose failure ended the job. Left out if none did. */
  child: Schema.optionalKey(Schema.String),
  /**
   * The failure that ended the job, with the fact of its own task; null if no task or intent failed with that error. Of a job
   * without an error: the most frequent failure.
   */
  failure: Schema.NullOr(RepeatedFailure),
  failures: Schema.Array(RepeatedFailure),
  otherFailures: count,
  /** The facts that change most, with their last values, oldest first. A long value is cut to a text. */
  changing: Schema.Array(
    Schema.Struct({
      kind: Schema.String,
      id: Schema.String,
      times: count,
      agents: Schema.Array(Schema.String),
      values: Schema.Array(Schema.Struct({ cycle: count, agent: Schema.String, value: Schema.Json }))
    })
  ),
  /** The facts that the last cycles committed, by kind. */
  growth: Schema.Array(Schema.Struct({ kind: Schema.String, facts: count, perCycle: Schema.Array(count) })),
  /** The cycles that `changing` and `growth` look back on. */
  cycles: Schema.Struct({ from: count, to: count }),
  /** The semantic invariants that do not hold. */
  violated: Schema.Array(Schema.Struct({ name: Schema.String, reason: Schema.String })),
  /** The newest decisions about approvals, oldest first: who decided, and why. */
  decisions: Schema.Array(
    Schema.Struct({
      approval: Schema.String,
      question: Schema.NullOr(Schema.String),
      approved: Schema.Boolean,
      by: Schema.String,
      reason: Schema.String,
      cycle: count
    })
  ),
  /** The number of decisions before these. */
  olderDecisions: later(count, 0),
  /**
   * Where the job stood after the cycle that was asked for, and the tasks of that cycle. `running`: it went on without a rest.
   * `hasResumed`: the rest has ended.
   */
  standing: Schema.optionalKey(
    Schema.Struct({
      state: Schema.Union([Schema.Literals(["running", "paused", "awaiting"]), Status]),
      hasResumed: Schema.optionalKey(Schema.Boolean),
      cycle: count,
      tasks: count,
      agents: Schema.Array(Schema.String)
    })
  )
}).annotate({ identifier: "Diagnosis" })

const task = { agent: Schema.String, each: Schema.NullOr(FactRef), part: Schema.optionalKey(count) }

/** A task that has ended, in milliseconds. `discarded`: the `_tag` of the cause for which it has no effect. */
const timed = Schema.Struct({
  ...task,
  worker: count,
  startMs: Schema.Number,
  tookMs: Schema.Number,
  attempts: count,
  discarded: Schema.NullOr(Schema.String)
})

/** The tasks of a job at this moment, and the time that it has spent in each state of its machine. */
export const TasksNow = Schema.Struct({
  /** The time of this answer by the server's clock, in milliseconds since the epoch. Left out by servers of earlier versions. */
  now: Schema.optionalKey(Schema.Number),
  /** The cycle under way; 0 if none is. */
  cycle: count,
  /** The tasks of that cycle, whether they have ended, run or wait. */
  tasks: count,
  /** The longest come first. `worker`: 0 is the main thread. `ms`: how long the task has run. */
  running: Schema.Array(Schema.Struct({ ...task, worker: count, ms: Schema.Number, attempt: count })),
  /** `since`: when it began to wait, in milliseconds since the epoch. */
  waiting: Schema.Array(
    Schema.Struct({
      ...task,
      for: Schema.Literals(["concurrency", "budget", "turn", "worker"]),
      since: Schema.Number
    })
  ),
  /** The number of tasks that wait, also of those that are not named. */
  waits: count,
  /** When the tasks of the cycle began, in milliseconds since the epoch. Null if none is under way. */
  began: Schema.NullOr(Schema.Number),
  /** The tasks of the cycle that have ended and took a millisecond or more: the longest. `startMs` is after `began`. */
  ended: Schema.Array(timed),
  /** The number of tasks of the cycle that have ended, also of those that are not named. */
  ends: count,
  /** CPU tasks of all jobs that wait for a worker, and the workers that are busy, of so many. */
  pool: Schema.Struct({ waiting: count, busy: count, size: count }),
  /**
   * When the job was queued, began to run or came to rest, in milliseconds since the epoch: the last of these. A rest that a
   * restart of the server interrupted began before it. Null of a job that this server does not hold.
   */
  since: Schema.NullOr(Schema.Number),
  /** Whether its telemetry can be read: it lives here, or it had viewers and the server keeps what they were sent. */
  telemetry: Schema.optionalKey(Schema.Boolean),
  /** Milliseconds in each state of the job's machine, since this server has the job. */
  spentMs: Schema.Record(Schema.String, Schema.Number)
}).annotate({ identifier: "TasksNow" })

/** When the tasks of a cycle ran. Times are in milliseconds. */
export const RecordedCycle = Schema.Struct({
  cycle: count,
  tier: Schema.Int,
  /** The time of the commit, since the epoch. */
  at: Schema.Number,
  /** From the beginning of the tasks to the commit. Null if no task took long enough to be recorded. */
  tookMs: Schema.NullOr(Schema.Number),
  /**
   * How long the job had run by the commit. The rest of the time since the commit before is a rest, or a time of which nothing is
   * recorded. Earlier versions left it out.
   */
  ranMs: Schema.optionalKey(Schema.Number),
  /** The rests of the job since the commit before, and their ends, in order; left out if there are none. */
  notes: Schema.optionalKey(Schema.Array(Schema.Literals(["Paused", "Awaiting", "Resumed"]))),
  tasks: count,
  facts: count,
  discarded: count,
  signals: count,
  /** The number of tasks of each agent. */
  agents: Schema.Record(Schema.String, count),
  /** The tasks whose times were recorded. `startMs` is after the tasks of the cycle began. */
  recorded: Schema.Array(timed),
  /** The first discarded tasks without recorded times: each took less than a millisecond. `discarded` counts all of them. */
  untimed: Schema.Array(Schema.Struct({ ...task, discarded: Schema.String }))
}).annotate({ identifier: "RecordedCycle" })

/** One page of a job's timeline. */
export const TimelinePage = Schema.Struct({
  cycles: Schema.Array(RecordedCycle),
  /** The `after` of the next page; null if there is none. */
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page before; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "TimelinePage" })

/** Where a job's time went, in milliseconds, and how many tasks each agent had. */
export const Work = Schema.Struct({
  /** The last cycle that is counted. */
  cycle: count,
  /** The time in each state of the job's machine, as far as it is known. */
  spentMs: Schema.Record(Schema.String, Schema.Number),
  /** The part of the time that it ran of which no phase is known: that of cycles without a task of a millisecond or more. */
  untoldMs: Schema.Number,
  /**
   * The time of which nothing is recorded: it was queued, no process held it, or a process that
   * held it was ended before it recorded what it had done.
   */
  awayMs: Schema.Number,
  /** The part of all this that this server measured itself. Null of a job that it does not hold. */
  measuredMs: Schema.NullOr(Schema.Number),
  /**
   * The committed tasks of each agent that had any, and the intents that they asked for, by kind. Empty unless they were asked
   * for, or where there is no journal.
   */
  agents: Schema.Record(
    Schema.String,
    Schema.Struct({
      tasks: count,
      discarded: count,
      intents: Schema.optionalKey(Schema.Record(Schema.String, count))
    })
  )
}).annotate({ identifier: "Work" })

/** The number of facts of each kind that has any, by name. */
export const Kinds = Schema.Struct({ cycle: count, kinds: Schema.Record(Schema.String, count) }).annotate({
  identifier: "Kinds"
})

/** The input of a job and its budget: each limit, or null where there is none. Times are in milliseconds. */
export const JobInput = Schema.Struct({
  input: Schema.Json,
  budget: Schema.Record(Schema.String, Schema.NullOr(Schema.Number)),
  /** The job that a fork is of, and the cycle after which it begins. Left out of other jobs, and of forks of version 0.1. */
  forkOf: Schema.optionalKey(ForkOf)
}).annotate({ identifier: "JobInput" })

/** One page of the values that a fact has had, oldest first. */
export const History = Schema.Struct({
  revisions: Schema.Array(Fact),
  /** The `cursor` of the next page; null if there is none. */
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page before; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "History" })

/** A fact of an answer. `length`: the characters of its value's JSON, where the value is only the beginning of that text. */
const AnswerFact = Schema.Struct({
  kind: Schema.String,
  id: Schema.String,
  value: Schema.Json,
  length: Schema.optionalKey(count)
})

/** An intent of a job, and what became of it. */
export const IntentStory = Schema.Struct({
  kind: Schema.String,
  payload: Schema.Json,
  /** The characters of the payload's JSON, where `payload` is only the beginning of that text. */
  length: Schema.optionalKey(count),
  agent: Schema.String,
  cycle: count,
  each: Schema.optionalKey(FactRef),
  part: Schema.optionalKey(count),
  index: count,
  idempotencyKey: Schema.String,
  /** `failed`: the handler failed, or the answer was discarded. `unperformed`: nobody performs it. `left`: the job ended. */
  state: Schema.Literals(["waits", "answered", "failed", "unperformed", "left"]),
  /** `missing-handler`: it was to be performed, and the engine that has the job has no handler for it. */
  waitsFor: Schema.NullOr(Schema.Literals(["decision", "child", "handler", "missing-handler"])),
  /** The id of the child job. */
  child: Schema.NullOr(Schema.String),
  answer: Schema.NullOr(
    Schema.Struct({
      /** The cycle that took the answer in. */
      cycle: count,
      /** `intent`: it came from the handler, the child, or the end of an approval's time. Else the origin of its fact. */
      origin: Schema.Literals(["intent", "seed", "signal", "agent", "invariant"]),
      /** The number of facts that it gave, and the first of them: of an approval the `Decision`, of a child its `ChildResult`. */
      count,
      facts: Schema.Array(AnswerFact),
      error: Schema.NullOr(ErrorJson)
    })
  )
}).annotate({ identifier: "IntentStory" })

/** One page of the intents of a job, in commit order, as of a cycle. */
export const IntentPage = Schema.Struct({
  cycle: count,
  /** The number of all intents, and of those that wait. */
  count,
  waiting: count,
  intents: Schema.Array(IntentStory),
  /** The `cursor` of the next page; null if there is none. */
  cursor: Schema.NullOr(Schema.String),
  /** The `before` of the page before; null if there is none. */
  previous: Schema.NullOr(Schema.String)
}).annotate({ identifier: "IntentPage" })

/** The rights of the sender: the name of its token, or null on a server without tokens. `programs`: null means all. */
export const Me = Schema.Struct({
  name: Schema.NullOr(Schema.String),
  scopes: Schema.Array(Schema.Literals(["read", "steer"])),
  programs: Schema.NullOr(Schema.Array(Schema.String))
}).annotate({ identifier: "Me" })
