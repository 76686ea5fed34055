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
   * The job's id; must not be that of a live job. Default: a random one. If a durable store has a job of that id, of the same
   * program and with the same input, it is taken up as `resume` does, live or not, and other options are ignored: so what
   * starts a job can be done again after a crash.
   */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. Default: the program's. */
  readonly budget?: Budget | undefined
  /**
   * The context of an earlier result, to go on from. Its facts are there from the beginning, and are new only to agents
   * that had not read them: those of another program, or that were not eligible before the earlier job ended. Default: an
   * empty one.
   */
  readonly context?: JobContext | undefined
}

/** Options of a fork. `K` are the kinds of the program, `I` is its input. */
export interface ForkOptions<K extends Kind.Any, I = never> {
  /** The cycle after which the new job begins; 0: after the seeds. Default: the last. */
  readonly at?: number | undefined
  /**
   * Facts that the new job begins with. One that is there with another value is revised, whatever its kind's rule.
   * Default: none.
   */
  readonly facts?: ReadonlyArray<ProposalOf<K>> | undefined
  /** Another input: the new job's own, and what it seeds comes before `facts`. Default: that of the stored job, seeds nothing. */
  readonly input?: I | undefined
  /** The new job's id. Default: a random one. */
  readonly id?: string | undefined
  /** Overrides the program's budget, field by field. Default: the program's. */
  readonly budget?: Budget | undefined
}

/** Options of an engine. */
export interface EngineOptions<P extends Program.Any = never, H = never> {
  /**
   * Programs whose unfinished jobs the engine resumes: those in the store when it starts and, since it goes on looking,
   * those whose engine died later. Default: none. Jobs are resumed one after the other, in the background; agents run with
   * the services that the layer is built with.
   */
  readonly programs?: ReadonlyArray<P> | undefined
  /**
   * Further programs whose jobs may be started as children (`Intent.child`). Agents run with the layer's services.
   * Default: none.
   */
  readonly children?: ReadonlyArray<P> | undefined
  /**
   * Handlers of intents that are there before any job is: those of `programs`, too, that are resumed at the start.
   * Default: none.
   */
  readonly handlers?: ReadonlyArray<Handler<H>> | undefined
  /** Jobs that run at a time. Default 1,000. */
  readonly maxRunningJobs?: number | undefined
  /** Jobs that wait for a place; one more is refused with `AdmissionRejected`. Default 10,000. */
  readonly maxQueuedJobs?: number | undefined
  /**
   * Bytes of canonical text in the contexts of all live jobs together from which on a further job is refused with
   * `AdmissionRejected`, `memory-pressure`. Those that are live, and their children, go on and may grow: what bounds one is
   * its budget. In memory, facts take a few times as much. Default: unlimited.
   */
  readonly maxLiveContextBytes?: number | undefined
  /**
   * Child jobs that are under way at a time, of those equally far below the jobs that were started: a child never waits for
   * what its own children need. One more waits. Default 1,000.
   */
  readonly maxChildJobs?: number | undefined
  /** Fiber tasks of one job that are under way at a time. Default 256. */
  readonly fiberConcurrency?: number | undefined
  /** How long running jobs may go on when the engine shuts down, before they are cancelled. Default: not at all. */
  readonly drainTimeout?: Duration.Input | undefined
}
