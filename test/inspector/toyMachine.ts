/**
 * A machine with one of everything that the inspector shows: nesting, a parallel state, a history state, guards (named,
 * combined, with parameters), an invocation, delayed and forbidden events, descriptions, inline code, root transitions.
 */
import { and, assign, fromPromise, not, setup } from "xstate"

interface ToyContext {
  readonly turns: number
  readonly names: ReadonlyArray<string>
}

type ToyEvent = { type: "START" } | { type: "TURN" } | { type: "PAUSE" } | { type: "RESUME" } | { type: "CANCEL" }

export const toyMachine = setup({
  types: { context: {} as ToyContext, events: {} as ToyEvent, output: {} as { readonly turns: number } },
  actors: { work: fromPromise(() => Promise.resolve("worked")) },
  actions: { count: assign({ turns: ({ context }) => context.turns + 1 }) },
  guards: {
    isLast: ({ context }) => context.turns >= 2,
    hasAtLeast: ({ context }, params: { readonly turns: number }) => context.turns >= params.turns
  },
  delays: { patience: 60_000 }
}).createMachine({
  id: "toy",
  context: () => ({ turns: 0, names: ["a", "b"] }),
  output: ({ context }) => ({ turns: context.turns }),
  initial: "idle",
  on: { CANCEL: ".cancelled" },
  states: {
    idle: { description: "Nothing has happened.\nWaits: for START", on: { START: "running", TURN: undefined } },
    running: {
      initial: "eligible",
      invoke: { src: "work", id: "worker", onDone: { actions: "count" }, onError: "cancelled" },
      on: { PAUSE: "paused", START: ".eligible" },
      after: { patience: { target: "cancelled", guard: not("isLast") }, 5000: "paused" },
      onDone: "parts",
      states: {
        eligible: { on: { TURN: { target: "executing", actions: "count" } } },
        executing: {
          always: [
            { guard: "isLast", target: "checked" },
            { guard: and(["isLast", { type: "hasAtLeast", params: { turns: 1 } }]), target: "#toy.cancelled" }
          ],
          on: { TURN: { target: "eligible", guard: { type: "hasAtLeast", params: { turns: 1 } } } }
        },
        checked: { type: "final" },
        recall: { type: "history", history: "deep" }
      }
    },
    paused: { on: { RESUME: "running.recall", "*": { actions: () => undefined } } },
    parts: {
      type: "parallel",
      onDone: "converged",
      states: {
        left: { initial: "eligible", states: { eligible: { on: { TURN: "over" } }, over: { type: "final" } } },
        right: { initial: "waiting", states: { waiting: { on: { TURN: "gone" } }, gone: { type: "final" } } }
      }
    },
    converged: { type: "final", meta: { tone: "good", since: new Date(0) } },
    cancelled: { type: "final" }
  }
})
