/** The life of a worker as its machine allows it, on every path. */
import { describe, expect, it } from "@effect/vitest"
import { createActor, type EventFromLogic, initialTransition, transition } from "xstate"
import { getShortestPaths } from "xstate/graph"
import { type WorkerEvent, workerMachine } from "../../machines/worker.machine.ts"
import { withQuickSteps } from "../../machines/quickSteps.ts"

const events: ReadonlyArray<WorkerEvent> = [
  { type: "ONLINE" },
  { type: "LOAD" },
  { type: "LOADED" },
  { type: "RUN", task: 1 },
  { type: "RUN", task: 2 },
  { type: "ENDED", task: 1 },
  { type: "ENDED", task: 2 },
  { type: "RETIRE", reason: "timeout" },
  { type: "LOST" }
]

const paths = getShortestPaths(workerMachine, {
  input: { worker: 1 },
  events: [...events] as Array<EventFromLogic<typeof workerMachine>>,
  serializeState: (state) => JSON.stringify([state.value, state.context.isStarted, state.context.task]),
  stopWhen: (state) => state.context.ended > 2
})

const after = (...names: ReadonlyArray<WorkerEvent>) => {
  let [state] = initialTransition(workerMachine, { worker: 1 })
  for (const event of names) [state] = transition(workerMachine, state, event)
  return state
}

const start: ReadonlyArray<WorkerEvent> = [{ type: "ONLINE" }, { type: "LOADED" }]
const run = (task: number): WorkerEvent => ({ type: "RUN", task })
const ended = (task: number): WorkerEvent => ({ type: "ENDED", task })

describe("a worker's machine", () => {
  it("reaches every state", () => {
    const reached = new Set(paths.map(({ state }) => state.value))
    expect([...reached].toSorted()).toEqual(["busy", "dead", "failed", "loading", "ready", "retiring", "spawning"])
  })

  it("takes a task when it is ready, and in no other state", () => {
    for (const { state } of paths) expect(state.can(run(9)), state.value).toBe(state.value === "ready")
  })

  it("ends when its thread does: dead if it ever was ready, else failed", () => {
    for (const { state } of paths.filter(({ state }) => state.status === "active")) {
      const [lost] = transition(workerMachine, state, { type: "LOST" })
      expect(lost.value).toBe(state.context.isStarted ? "dead" : "failed")
      expect(lost.status).toBe("done")
    }
  })

  it("can be retired from every state, and nothing brings it back", () => {
    for (const { state } of paths.filter(({ state }) => state.status === "active")) {
      const [retiring] = transition(workerMachine, state, { type: "RETIRE", reason: "stopped" })
      expect(retiring.value).toBe("retiring")
      for (const event of events.filter(({ type }) => type !== "LOST")) {
        expect(transition(workerMachine, retiring, event)[0].value).toBe("retiring")
      }
    }
  })

  it("ignores the end of another task than its own", () => {
    expect(after(...start, run(1), ended(2)).value).toBe("busy")
    expect(after(...start, run(1), ended(1), run(2), ended(1)).value).toBe("busy")
    const state = after(...start, run(1), ended(1), run(2), ended(2))
    expect(state.value).toBe("ready")
    expect(state.context).toEqual({ worker: 1, isStarted: true, task: 2, ended: 2, reason: undefined })
  })

  it("loads again while it is ready", () => {
    expect(after(...start, { type: "LOAD" }).value).toBe("loading")
    expect(after(...start, { type: "LOAD" }, { type: "LOST" }).value).toBe("dead")
    expect(after(...start, { type: "LOAD" }, { type: "LOADED" }).value).toBe("ready")
  })

  it("takes the same steps in the pool, which takes them by a shorter way", () => {
    const quick = withQuickSteps(workerMachine)
    for (const { state } of paths) {
      for (const event of events) {
        const [there] = transition(quick, state, event)
        const [here] = transition(workerMachine, state, event)
        expect([there.value, there.context, there.status]).toEqual([here.value, here.context, here.status])
      }
    }
  })

  it("keeps a small context of plain data", () => {
    const actor = createActor(workerMachine, { input: { worker: 7 } }).start()
    actor.send({ type: "RETIRE", reason: "timeout" })
    const { context } = actor.getSnapshot()
    expect(JSON.parse(JSON.stringify(context))).toEqual({
      worker: 7,
      isStarted: false,
      task: 0,
      ended: 0,
      reason: "timeout"
    })
  })
})
