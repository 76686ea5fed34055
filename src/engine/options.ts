/**
 * Options of an engine, of a start and of a fork; the services that a program needs. Boundary: types.
 */
import type * as Duration from "effect/Duration"
import type * as Scope from "effect/Scope"
import type { Budget } from "../program/Budget.ts"
import type { Kind, ProposalOf } from "../program/Fact.ts"
import type { Handler } from "../intents/IntentHandler.ts"
import type { JobContext } from "../context/JobContext.ts"
import type { Program } from "../program/Program.ts"

/** The services that the agents of a program need from its caller. The engine gives each job a scope of its own. */
export type Needs<P extends Program.Any> = Exclude<Program.Services<P>, Scope.Scope>

/** Options of one job. */
export interface StartOptions {
  /**
   * The job's id. A start on a durable store can be repeated after a crash: if the store has a job of this id, with the same
   * program and input, `start` gives its handle, as `resume` does, and ignores the other options. The id of any other job, live
   * or stored, is refused with `InvalidInput`. An id has at most 200 characters, no control characters and none of
   * `/ \ % ; ? #`, and is not `.` or `..`. Default: a random one.
   */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. Default: the program's. */
  readonly budget?: Budget | undefined
  /**
   * The context of an earlier result, from which the job continues. The job begins with its facts. They are new only to agents
   * that have not read them: agents of another program, and agents that were not eligible before the earlier job ended.
   * Default: an empty context.
   */
  readonly context?: JobContext | undefined
  /**
   * Short texts by name, by which lists of jobs find the job (`GET /jobs?attribute=name:value`, `JobStore.list`). They are no
   * part of the context, its hash or the events. Child jobs and forks have them, too. At most 16. A name has up to 64 characters
   * and neither `:` nor `=`, a value up to 256. Neither has control characters. Default: none.
   */
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** Options of a fork. `K` are the kinds of the program, `I` is its input. */
export interface ForkOptions<K extends Kind.Any, I = never> {
  /** The cycle after which the new job begins; 0: after the seeds. Default: the last. */
  readonly at?: number | undefined
  /**
   * Facts that the new job begins with. A fact that the context holds with another value is revised, whatever the rule of
   * its kind.
   * Default: none.
   */
  readonly facts?: ReadonlyArray<ProposalOf<K>> | undefined
  /** The new job's input. Its seeds come before `facts`. Default: the input of the stored job, without its seeds. */
  readonly input?: I | undefined
  /** The new job's id. Default: a random one. */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. Default: the program's. */
  readonly budget?: Budget | undefined
  /** The new job's attributes, as for a start. Default: those of the stored job. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** Options of an engine. */
export interface EngineOptions<P extends Program.Any = never, H = never, Name extends string = string> {
  /**
   * Programs whose unfinished jobs the engine resumes: jobs that are in the store when the engine starts, and jobs whose engine
   * dies later, because the engine scans the store at intervals. It resumes them one after the other, in the background. Agents
   * run with the services that the layer is built with. Default: none.
   */
  readonly programs?: ReadonlyArray<P> | undefined
  /**
   * Further programs whose jobs may be started as children (`Intent.child`). Agents run with the layer's services.
   * Default: none.
   */
  readonly children?: ReadonlyArray<P> | undefined
  /**
   * Handlers of intents that are registered before any job starts or is resumed, the jobs of `programs` included.
   * Default: none.
   */
  readonly handlers?: ReadonlyArray<Handler<H, Name>> | undefined
  /** The number of jobs that run at a time. Default: 1,000. */
  readonly maxRunningJobs?: number | undefined
  /** The number of jobs that wait for a place. A further job is refused with `AdmissionRejected`. Default: 10,000. */
  readonly maxQueuedJobs?: number | undefined
  /**
   * The limit of canonical text in the contexts of all live jobs together, in bytes. At the limit, a further job is refused with
   * `AdmissionRejected`, `memory-pressure`. Live jobs and their children go on and may grow, each up to its budget. In
   * memory, facts take a few times as much. Default: unlimited.
   */
  readonly maxLiveContextBytes?: number | undefined
  /**
   * The number of child jobs that are under way at a time, at each depth. A further child waits. Each depth has its own permits,
   * so a child never waits for a permit that its own children need. Default: 1,000.
   */
  readonly maxChildJobs?: number | undefined
  /**
   * The greatest depth of a child job. A job that a caller starts has depth 0, its children have depth 1, and so on. An intent
   * that asks for a deeper child ends its job with `IntentFailed`, and the job's ancestors with it. Default: 100.
   */
  readonly maxDepth?: number | undefined
  /**
   * The number of jobs in a tree of child jobs, below the job that a caller started. A job below counts until that job has the
   * answers of all its children. If there are more, that job ends with `IntentFailed`, and the others are cancelled.
   * Default: 10,000.
   */
  readonly maxDescendants?: number | undefined
  /**
   * The number of attempts to resume a job of a durable store without progress, because its process died or the store refused
   * its row. Then the job is quarantined: it stays unfinished, a warning names it, and no engine takes it up until somebody
   * resumes it by its id (`Engine.resume`, `converge resume --id`). Default: 5.
   */
  readonly maxAttempts?: number | undefined
  /** The number of fiber tasks of one job that are under way at a time. Default: 256. */
  readonly fiberConcurrency?: number | undefined
  /** The time for which running jobs may go on when the engine shuts down, before they are cancelled. Default: 0. */
  readonly drainTimeout?: Duration.Input | undefined
}
