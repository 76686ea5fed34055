/**
 * The life of one worker thread.
 *
 *     spawning -> loading -> ready <-> busy -> retiring -> dead
 *     spawning, loading (its own code) -> failed            ready -> loading (a program, or a job's context) -> ready
 *
 * The pool's threads run this machine. A thread takes work in `ready` and in no other state. Whether a lost thread is `dead` or
 * `failed` depends on the state in which it was lost. The machine decides; the adapter (src/workers/thread.ts) works.
 *
 * Invariants: a thread has one share of a round of tasks at a time (`RUN` is for `ready` alone); it ignores an `ENDED` of
 * another share; every life ends in `dead` or `failed`. Boundary: pure; imports nothing but xstate; the context is small JSON.
 */
import { assign, setup } from "xstate"

export interface WorkerContext {
  /** The worker's number in its pool, from 1. */
  readonly worker: number
  /** Whether it has loaded its own code, so that it was ready at least once. */
  readonly isStarted: boolean
  /** The number of the share that it has, or had last. Numbers grow; 0 before the first share. */
  readonly task: number
  /** The number of shares that it has ended. */
  readonly ended: number
  /** The reason why it retires; undefined if it does not. */
  readonly reason: RetireReason | undefined
}

/** The reason why the pool ends a thread on purpose. */
export type RetireReason =
  | "timeout"
  | "stopped"
  | "unclaimed"
  | "unreadable"
  | "slow-start"
  | "shortage"
  | "worn-out"
  | "idle"
  | "closed"

export type WorkerEvent =
  /** The thread runs, and begins to load its own code. */
  | { readonly type: "ONLINE" }
  /** It begins to load a program, or a job's context. */
  | { readonly type: "LOAD" }
  /** It has loaded its own code, a program, or a job's context. */
  | { readonly type: "LOADED" }
  /** The pool hands a share of tasks to it. */
  | { readonly type: "RUN"; readonly task: number }
  /** The share's last result has arrived. */
  | { readonly type: "ENDED"; readonly task: number }
  /** The pool ends the thread on purpose. */
  | { readonly type: "RETIRE"; readonly reason: RetireReason }
  /** The thread has ended, for any reason. */
  | { readonly type: "LOST" }

export const workerMachine = setup({
  types: {
    context: {} as WorkerContext,
    events: {} as WorkerEvent,
    input: {} as { readonly worker: number }
  },
  guards: {
    isStarted: ({ context }) => context.isStarted,
    isCurrent: ({ context, event }) => event.type === "ENDED" && event.task === context.task
  },
  actions: {
    start: assign({ isStarted: true }),
    take: assign(({ event }) => (event.type === "RUN" ? { task: event.task } : {})),
    count: assign(({ context }) => ({ ended: context.ended + 1 })),
    note: assign(({ event }) => (event.type === "RETIRE" ? { reason: event.reason } : {}))
  }
}).createMachine({
  id: "worker",
  context: ({ input }) => ({ worker: input.worker, isStarted: false, task: 0, ended: 0, reason: undefined }),
  initial: "spawning",
  states: {
    spawning: {
      on: {
        ONLINE: { target: "loading" },
        RETIRE: { target: "retiring", actions: "note" },
        LOST: { target: "failed" }
      }
    },
    loading: {
      on: {
        LOADED: { target: "ready", actions: "start" },
        RETIRE: { target: "retiring", actions: "note" },
        LOST: [{ guard: "isStarted", target: "dead" }, { target: "failed" }]
      }
    },
    ready: {
      on: {
        LOAD: { target: "loading" },
        RUN: { target: "busy", actions: "take" },
        RETIRE: { target: "retiring", actions: "note" },
        LOST: { target: "dead" }
      }
    },
    busy: {
      on: {
        ENDED: { guard: "isCurrent", target: "ready", actions: "count" },
        RETIRE: { target: "retiring", actions: "note" },
        LOST: { target: "dead" }
      }
    },
    retiring: {
      on: {
        LOST: [{ guard: "isStarted", target: "dead" }, { target: "failed" }]
      }
    },
    dead: { type: "final" },
    failed: { type: "final" }
  }
})
