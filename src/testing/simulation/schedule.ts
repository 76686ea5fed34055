/**
 * All that happens to a job from outside, as plain data: so it can be printed, made smaller, and run again.
 *
 * Places are numbers of steps of the world, of writes of the store or of claims of the pool. Boundary: types.
 */

/** The fault that a write of the store meets. */
export type StoreFault =
  /** The write is refused, and nothing is written. */
  | "full"
  /** The write takes effect, and its acknowledgement is lost: the caller is told that it failed. */
  | "lost"
  /** Another engine has taken the lease. */
  | "fenced"
  /** The write takes a long time. */
  | "slow"

/** The fault of a worker that claims a task. The task runs again on another one. */
export type PoolFault =
  /** It dies before it runs the task. */
  | "claimed"
  /** It dies while the task runs. */
  | "running"
  /** It dies when the task has ended, before it sends the result. */
  | "unsent"
  /** It is taken for dead, and sends its result late, when the task has run elsewhere. */
  | "late"

/** The act of a caller, at the first step at which the job is there and that is not before `at`. */
export type Act =
  | { readonly at: number; readonly do: "signal"; readonly signal: number }
  /** Approves the approval that has waited longest. */
  | { readonly at: number; readonly do: "decide" }
  | { readonly at: number; readonly do: "pause"; readonly forMs: number }
  | { readonly at: number; readonly do: "cancel" }

/** The fault that a call of a handler meets. */
export type HandlerFault =
  /** Its answer comes late. */
  | "delayed"
  /** It is called again with the same key, and the second answer counts. */
  | "twice"
  /** The process dies when the handler has acted, before the answer is kept. */
  | "unanswered"

/** A signal of some of the given facts. A fact that no arrival names is in the first signal. */
export interface Arrival {
  /** The facts, by their numbers. */
  readonly facts: ReadonlyArray<number>
  /** It is sent at this step of the world, or earlier if the job has had nothing to do for so many virtual milliseconds. */
  readonly at: number
  readonly idleMs: number
}

/** The part of a schedule that only programs of users meet. */
export interface UserSchedule {
  readonly handlers: ReadonlyArray<{ readonly call: number; readonly fault: HandlerFault }>
  readonly arrivals: ReadonlyArray<Arrival>
  /** How many times longer agents and handlers wait than they ask for. */
  readonly load: number
  /** Milliseconds by which the clock is ahead of that of the plain run. */
  readonly aheadMs: number
  /** The seed of the random numbers that agents and handlers ask for; 0: that of the plain run. */
  readonly random: number
  /** Virtual milliseconds of a slow write. */
  readonly slowMs: number
  /** The most virtual milliseconds by which the answer of a handler is late. */
  readonly lateMs: number
  /** Virtual milliseconds after which an open approval is decided, as far as its time limit allows. */
  readonly decideMs: number
}

export interface Schedule {
  /** The seed of the world. */
  readonly seed: number
  readonly order: "seeded" | "fifo"
  /** The number of workers; 0: the main thread. */
  readonly workers: number
  /** Whether the engine also takes up by itself what it finds in the store, beside the caller that starts the job by its id. */
  readonly scans: boolean
  /** Steps before which the process is killed. */
  readonly kills: ReadonlyArray<number>
  readonly acts: ReadonlyArray<Act>
  readonly store: ReadonlyArray<{ readonly write: number; readonly fault: StoreFault }>
  /** Reads of rows, by their number, in which a row is damaged. */
  readonly damages: ReadonlyArray<number>
  readonly pool: ReadonlyArray<{ readonly claim: number; readonly fault: PoolFault }>
  /** The longest delay of a write or a message, in virtual milliseconds. */
  readonly delayMs: number
  /** Set for a program of a user. */
  readonly user?: UserSchedule | undefined
}
