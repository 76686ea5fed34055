/**
 * The life of a job: the statechart that the engine runs.
 *
 *     idle -> running { eligible -> executing -> merging -> checking -> eligible | stopping } -> a final state
 *             running <-> awaiting, running <-> paused, awaiting -> paused
 *
 * The machine decides; Effect works. `running` invokes one driver for as long as it lasts. The driver performs the phase
 * that the state names and reports it (SELECTED, EXECUTED, MERGED, CHECKED, STOPPED). The guards choose the next state.
 *
 * Invariants: context is small JSON; actions and guards are pure and never throw; every final state is at the root, so
 * that the actor is done when the job is; a job halts only with its reason in `halt`. Boundary: imports nothing but
 * xstate. The driver declared here is inert; the engine provides the real one.
 */
import { assign, fromCallback, sendTo, setup } from "xstate"

/** The reason why a job halts, small enough for the machine's context: its status, and the tag of its error. */
export interface HaltReason {
  readonly status: "converged" | "budget-exhausted" | "failed" | "cancelled"
  readonly error: string | null
}

export interface JobMachineContext {
  readonly jobId: string
  readonly program: string
  /** The tier of the current or last cycle; -1 before the first. */
  readonly tier: number
  /** The current or last cycle; 0 before the first. */
  readonly cycle: number
  /** Agents that the current cycle executes. */
  readonly agents: ReadonlyArray<string>
  readonly tasks: number
  /** Version and hash of the context after the last committed cycle. */
  readonly version: number
  readonly hash: string
  /** Whether a pause was asked for and has not yet taken effect. */
  readonly pausing: boolean
  readonly halt: HaltReason | null
}

export interface JobMachineInput {
  readonly jobId: string
  readonly program: string
  /** Set for a job that goes on from its journal: its last committed cycle and the tier of that cycle. */
  readonly cycle?: number
  readonly tier?: number
  readonly version: number
  readonly hash: string
}

export type JobMachineEvent =
  /** The job was admitted. */
  | { readonly type: "START" }
  /** `eligible` is done. `agents`: those of the next cycle, none at the fixed point. `halt`: why it cannot begin, or null. */
  | {
      readonly type: "SELECTED"
      readonly cycle: number
      readonly tier: number
      readonly agents: ReadonlyArray<string>
      readonly tasks: number
      readonly signals: number
      readonly halt: HaltReason | null
    }
  /** `executing` is done. All tasks have ended. */
  | { readonly type: "EXECUTED" }
  /** `merging` is done. The cycle is committed. */
  | { readonly type: "MERGED"; readonly version: number; readonly hash: string; readonly halt: HaltReason | null }
  /**
   * `checking` is done. `mailbox`: the number of signals that wait. `intents`: at the fixed point, the number of intents
   * without an answer. `halt`: the verdict at the fixed point, or null to go on.
   */
  | { readonly type: "CHECKED"; readonly mailbox: number; readonly intents: number; readonly halt: HaltReason | null }
  /** A job that awaits has work again: a signal came, or all the answers did. */
  | { readonly type: "WAKE" }
  /** The driver has released everything, outside the order of phases: cancelled, out of time, or the store failed. */
  | { readonly type: "STOPPED"; readonly halt: HaltReason }
  /** The driver's fiber ended by itself. `defect` is null unless it died. */
  | { readonly type: "DRIVER_EXITED"; readonly defect: string | null }
  | { readonly type: "PAUSE" }
  | { readonly type: "RESUME" }
  | { readonly type: "CANCEL" }

/** The event that the machine sends to the driver. */
export interface DriverEvent {
  readonly type: "STOP"
}

const cancelled: HaltReason = { status: "cancelled", error: "JobCancelled" }
const defect: HaltReason = { status: "failed", error: "Defect" }

export const jobMachine = setup({
  types: {
    context: {} as JobMachineContext,
    events: {} as JobMachineEvent,
    input: {} as JobMachineInput
  },
  actors: {
    driver: fromCallback<DriverEvent, { readonly jobId: string }>(() => undefined)
  },
  guards: {
    isPausing: ({ context }) => context.pausing,
    mustFail: ({ context }) => context.halt?.status === "failed",
    mustExhaust: ({ context }) => context.halt?.status === "budget-exhausted",
    hasWork: ({ event }) => event.type === "SELECTED" && event.halt === null && event.tasks + event.signals > 0,
    mayPause: ({ context, event }) => context.pausing && event.type === "SELECTED" && event.halt === null,
    hasConverged: ({ event }) => event.type === "CHECKED" && event.mailbox === 0 && event.halt?.status === "converged",
    mustAwait: ({ event }) =>
      event.type === "CHECKED" && event.mailbox === 0 && event.intents > 0 && event.halt === null,
    isExhausted: ({ event }) => "halt" in event && event.halt?.status === "budget-exhausted",
    hasFailed: ({ event }) => "halt" in event && event.halt?.status === "failed",
    isCancelled: ({ event }) => "halt" in event && event.halt?.status === "cancelled",
    hasDefect: ({ event }) => event.type === "DRIVER_EXITED" && event.defect !== null
  },
  actions: {
    begin: assign(({ event }) =>
      event.type === "SELECTED"
        ? { cycle: event.cycle, tier: event.tier, agents: event.agents, tasks: event.tasks }
        : {}
    ),
    commit: assign(({ event }) =>
      event.type === "MERGED" ? { version: event.version, hash: event.hash, agents: [], tasks: 0 } : {}
    ),
    halt: assign(({ event }) => ("halt" in event ? { halt: event.halt } : {})),
    haltCancelled: assign({ halt: cancelled }),
    haltDefect: assign({ halt: defect }),
    pause: assign({ pausing: true }),
    unpause: assign({ pausing: false }),
    tellDriver: sendTo("driver", { type: "STOP" })
  }
}).createMachine({
  id: "job",
  context: ({ input }) => ({
    jobId: input.jobId,
    program: input.program,
    tier: input.tier ?? -1,
    cycle: input.cycle ?? 0,
    agents: [],
    tasks: 0,
    version: input.version,
    hash: input.hash,
    pausing: false,
    halt: null
  }),
  initial: "idle",
  states: {
    idle: {
      description: "Waits to be admitted.",
      on: {
        START: [{ guard: "isPausing", target: "paused" }, { target: "running" }],
        PAUSE: { actions: "pause" },
        RESUME: { actions: "unpause" },
        CANCEL: { target: "cancelled", actions: "haltCancelled" }
      }
    },
    running: {
      description: "One driver performs the phase that the state names.",
      invoke: { id: "driver", src: "driver", input: ({ context }) => ({ jobId: context.jobId }) },
      initial: "eligible",
      on: {
        PAUSE: { actions: "pause" },
        RESUME: { actions: "unpause" },
        CANCEL: { target: ".stopping" },
        STOPPED: [
          { guard: "isExhausted", target: "budgetExhausted", actions: "halt" },
          { guard: "hasFailed", target: "failed", actions: "halt" },
          { guard: "isCancelled", target: "cancelled", actions: "halt" }
        ],
        DRIVER_EXITED: { guard: "hasDefect", target: "failed", actions: "haltDefect" }
      },
      states: {
        eligible: {
          description: "Signals are staged, then the lowest tier with an eligible agent is selected.",
          on: {
            SELECTED: [
              { guard: "mayPause", target: "#job.paused" },
              { guard: "hasWork", target: "executing", actions: "begin" },
              { target: "checking", actions: "halt" }
            ]
          }
        },
        executing: {
          description: "All tasks of the cycle run in parallel, each on the same frozen view.",
          on: { EXECUTED: { target: "merging" } }
        },
        merging: {
          description: "Effects are merged one at a time in a fixed order, and the cycle is committed as one row.",
          on: { MERGED: { target: "checking", actions: ["commit", "halt"] } }
        },
        checking: {
          description: "Halt, pause, converge, await answers, or go on.",
          on: {
            CHECKED: [
              { guard: "mustFail", target: "#job.failed" },
              { guard: "mustExhaust", target: "#job.budgetExhausted" },
              { guard: "isPausing", target: "#job.paused" },
              { guard: "hasFailed", target: "#job.failed", actions: "halt" },
              { guard: "hasConverged", target: "#job.converged", actions: "halt" },
              { guard: "mustAwait", target: "#job.awaiting" },
              { target: "eligible" }
            ]
          }
        },
        stopping: {
          description: "Running tasks are stopped; the cycle is discarded; the job's scope closes.",
          entry: "tellDriver",
          on: {
            CANCEL: {},
            PAUSE: {},
            RESUME: {}
          }
        }
      }
    },
    awaiting: {
      description: "At the fixed point, with intents that are not answered: only their handlers run.",
      on: {
        WAKE: { target: "running" },
        PAUSE: { target: "paused" },
        CANCEL: { target: "running.stopping" }
      }
    },
    paused: {
      description: "Between two cycles: nothing runs.",
      entry: "unpause",
      on: {
        RESUME: { target: "running" },
        CANCEL: { target: "running.stopping" }
      }
    },
    converged: { type: "final" },
    budgetExhausted: { type: "final" },
    failed: { type: "final" },
    cancelled: { type: "final" }
  }
})
