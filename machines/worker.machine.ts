/**
 * The life of one worker thread.
 *
 *     spawning -> loading -> ready <-> busy -> retiring -> dead
 *     spawning, loading (its own code) -> failed            ready -> loading (a program, or a job's context) -> ready
 *
 * The pool's threads run this machine: a thread takes work in `ready` and nowhere else, and what becomes of it when it
 * is lost depends on the state that it was lost in. The machine decides, the adapter (src/workers/thread.ts) works.
 *
 * Invariants: one share of a round of tasks at a time (`RUN` is for `ready` alone); an `ENDED` of another share than the
 * one that it has is ignored; every life ends in `dead` or `failed`. Boundary: pure; imports nothing but xstate; the context is small JSON.
 */
import { assign, setup } from "xstate"

export interface WorkerContext {
  /** The worker's number in its pool, from 1. */
  readonly worker: number
  /** Whether it has loaded its own code, that is, whether it ever was ready. */
  readonly isStarted: boolean
  /** The share of tasks that it has, or had last: a number that grows. 0 before the first. */
  readonly task: number
  /** Shares that it has ended. */
  readonly ended: number
  /** Why it retires, or undefined. */
  readonly reason: RetireReason | undefined
}

/** Why a thread is ended on purpose. */
export type RetireReason = "timeout" | "stopped" | "unclaimed" | "slow-start" | "worn-out" | "idle" | "closed"

export type WorkerEvent =
  /** The thread runs, and loads its own code. */
  | { readonly type: "ONLINE" }
  /** It begins to load a program, or a job's context. */
  | { readonly type: "LOAD" }
  /** It has loaded what it was loading. */
  | { readonly type: "LOADED" }
  /** A share of tasks is handed to it. */
  | { readonly type: "RUN"; readonly task: number }
  /** The share's last result is here. */
  | { readonly type: "ENDED"; readonly task: number }
  /** The thread is being ended on purpose. */
  | { readonly type: "RETIRE"; readonly reason: RetireReason }
  /** The thread has ended, for whatever reason. */
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
