/**
 * The machine is the running code: what live jobs go through, seen by an inspection observer, are steps of the model, and
 * the driver reports each phase where the machine waits for it and nowhere else.
 */
import { expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { InspectionEvent } from "xstate"
import { adjacencyMapToArray, getAdjacencyMap } from "xstate/graph"
import { jobMachine } from "../../machines/job.machine.ts"
import { edgeOf, type Snapshot, traversal } from "./jobModel.ts"
import { manyJobs, world } from "./liveJobs.ts"

/** All that the model can do in one step: from where, on what, to where. */
const edges = new Set(
  adjacencyMapToArray(getAdjacencyMap(jobMachine, traversal)).map(({ event, nextState, state }) =>
    edgeOf(state, event.type, nextState)
  )
)

/** Where the driver may report what. In `stopping` it may still end the phase that it was in. */
const reports: Readonly<Record<string, string>> = {
  SELECTED: "running.eligible",
  EXECUTED: "running.executing",
  MERGED: "running.merging",
  CHECKED: "running.checking"
}

/** Steps of the model that no job takes: nothing of a job's own can die there, only a bug of the engine. */
const untaken = ["eligible", "merging", "checking", "stopping"].map((phase) => `running.${phase} DRIVER_EXITED failed`)

/** Records the steps of every job's own actor. */
const recorder = () => {
  const seen: Array<string> = []
  const before = new Map<string, Snapshot>()
  const inspect = (inspected: InspectionEvent): void => {
    if (inspected.type !== "@xstate.snapshot" || inspected.actorRef.sessionId !== inspected.rootId) return
    const after = inspected.snapshot as Snapshot
    const from = before.get(inspected.rootId)
    // A stop from outside is no step: the actor ends where it was.
    if (from !== undefined && inspected.event.type !== "xstate.stop")
      seen.push(edgeOf(from, inspected.event.type, after))
    before.set(inspected.rootId, after)
  }
  return { seen, inspect }
}

it.effect("every step that a live job takes is one of the model's", () =>
  Effect.gen(function* () {
    const { inspect, seen } = recorder()
    yield* manyJobs(inspect)
    const taken = new Set(seen)
    expect([...taken].filter((edge) => !edges.has(edge))).toEqual([])
    // And they are most of what the model can do: the rest is what a driver never sends there.
    const expected = [...edges].filter((edge) => {
      const [from, type, to] = edge.split(" ") as [string, string, string]
      if (from === to || type === "STOPPED") return false
      return !(type in reports) || reports[type] === from
    })
    expect(new Set(expected.filter((edge) => !taken.has(edge)))).toEqual(new Set(untaken))
    expect(taken.size).toBeGreaterThan(30)
  }).pipe(Effect.provide(world))
)

it.effect("the driver reports each phase where the machine waits for it", () =>
  Effect.gen(function* () {
    const { inspect, seen } = recorder()
    yield* manyJobs(inspect)
    const told = seen.map((edge) => edge.split(" ") as [string, string, string]).filter(([, type]) => type in reports)
    expect(told.length).toBeGreaterThan(100)
    for (const [from, type] of told) expect([reports[type], "running.stopping"]).toContain(from)
  }).pipe(Effect.provide(world))
)
