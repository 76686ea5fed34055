/**
 * The job's machine, by models of it: every path through its states with every event in every state, whether the driver
 * would send it there or not. What the machine promises must hold along all of them.
 */
import { createActor, fromCallback, type InspectionEvent } from "xstate"
import { adjacencyMapToArray, getAdjacencyMap, getStateNodes } from "xstate/graph"
import { describe, expect, it } from "vitest"
import {
  type DriverEvent,
  type JobMachineContext,
  type JobMachineEvent,
  jobMachine
} from "../../machines/job.machine.ts"
import {
  allStates,
  converged,
  events,
  finals,
  input,
  nameOf,
  type Path,
  shortest,
  simple,
  type Snapshot,
  statusOf,
  traversal
} from "./jobModel.ts"

/** A machine whose drivers are counted. */
const counted = () => {
  const drivers = { started: 0, live: 0, told: 0 }
  const driver = fromCallback<DriverEvent, { readonly jobId: string }>(({ receive }) => {
    drivers.started++
    drivers.live++
    receive(() => drivers.told++)
    return () => void drivers.live--
  })
  return { drivers, machine: jobMachine.provide({ actors: { driver } }) }
}

/** Every transition that the machine defines: where, on what, and which of several. */
const defined = (): ReadonlyArray<string> =>
  getStateNodes(jobMachine).flatMap((node) =>
    [...node.transitions].flatMap(([type, transitions]) => transitions.map((_, index) => `${node.id} ${type} ${index}`))
  )

/** Sends a path's events to an actor; gives each state on the way with what led to it. */
const walk = (
  path: Path,
  machine = jobMachine,
  inspect?: (event: InspectionEvent) => void
): {
  readonly actor: ReturnType<typeof createActor<typeof jobMachine>>
  readonly steps: ReadonlyArray<{
    readonly from: Snapshot
    readonly event: JobMachineEvent
    readonly to: Snapshot
  }>
} => {
  const actor = createActor(machine, inspect === undefined ? { input } : { input, inspect })
  actor.start()
  const steps = path.steps
    .map(({ event }) => event)
    .filter((event) => (event.type as string) !== "xstate.init")
    .map((event) => {
      const from = actor.getSnapshot()
      if (from.status === "active") actor.send(event)
      return { from, event, to: actor.getSnapshot() }
    })
  return { actor, steps }
}

/** All paths, walked once by actors whose drivers are counted. */
const walked = simple.map((path) => {
  const { drivers, machine } = counted()
  const { actor, steps } = walk(path, machine)
  const liveAtEnd = drivers.live
  actor.stop()
  return { steps, drivers, liveAtEnd, end: steps.at(-1)?.to ?? path.state }
})

/** Every event in every state: a path only has the steps that lead on. */
const loose = adjacencyMapToArray(getAdjacencyMap(jobMachine, traversal))
  .filter(({ state }) => state.status === "active")
  .map(({ event, nextState, state }) => ({ from: state, event, to: nextState }))

const everyStep = function* () {
  for (const { steps } of walked) yield* steps
  yield* loose
}

describe("the model covers the machine", () => {
  it("some path ends in every state", () => {
    expect(new Set(shortest.map(({ state }) => nameOf(state)))).toEqual(new Set(allStates))
  })

  it("the paths together take every transition that the machine defines", () => {
    const taken = new Set<string>()
    for (const path of shortest) {
      for (const final of events) {
        const extended = { ...path, steps: [...path.steps, { state: path.state, event: final }] }
        walk(extended, jobMachine, (event) => {
          if (event.type !== "@xstate.microstep") return
          for (const transition of event._transitions) {
            const siblings = transition.source.transitions.get(transition.eventType) ?? []
            taken.add(`${transition.source.id} ${transition.eventType} ${siblings.indexOf(transition)}`)
          }
        })
        if (path.state.status === "done") break
      }
    }
    expect(defined().filter((transition) => !taken.has(transition))).toEqual([])
    expect(defined().length).toBeGreaterThan(25)
  })

  it("there are many paths, and not only short ones", () => {
    expect(simple.length).toBeGreaterThan(500)
    expect(Math.max(...simple.map(({ steps }) => steps.length))).toBeGreaterThan(8)
  })
})

describe("along every path", () => {
  it("the context is small JSON", () => {
    for (const { to } of everyStep()) {
      const text = JSON.stringify(to.context)
      expect(JSON.parse(text) as unknown).toEqual(to.context)
      expect(text.length).toBeLessThan(300)
    }
  })

  it("a final state holds the reason, and it is that state's", () => {
    let ends = 0
    for (const { to } of everyStep()) {
      const name = nameOf(to)
      expect(to.status).toBe(finals.includes(name) ? "done" : "active")
      if (to.status !== "done") continue
      ends++
      expect(to.context.halt?.status).toBe(statusOf[name])
      expect(to.context.halt?.error === null).toBe(name === "converged")
    }
    expect(ends).toBeGreaterThan(100)
  })

  it("stopping leads to an end and nowhere else", () => {
    for (const { from, to } of everyStep()) {
      if (nameOf(from) === "running.stopping") expect(["running.stopping", ...finals]).toContain(nameOf(to))
    }
  })

  it("stopping never ends converged, whatever is reported", () => {
    for (const { from, to } of everyStep()) {
      if (nameOf(from) === "running.stopping") expect(nameOf(to)).not.toBe("converged")
    }
  })

  it("CANCEL is heard in every state that is not an end, and nothing begins after it", () => {
    for (const { event, from, to } of everyStep()) {
      if (event.type === "CANCEL") {
        expect(nameOf(to)).toBe(nameOf(from) === "idle" ? "cancelled" : "running.stopping")
      }
    }
  })

  it("a pause is never lost: no further phase of work begins before it took effect or was withdrawn", () => {
    for (const { event, from, to } of everyStep()) {
      if (event.type === "PAUSE" && nameOf(from) === "awaiting") expect(nameOf(to)).toBe("paused")
      else if (event.type === "PAUSE" && !["paused", "running.stopping"].includes(nameOf(from))) {
        expect(to.context.pausing).toBe(true)
      }
      if (!from.context.pausing || to.context.pausing) continue
      // A pause that was asked for ends in three ways: it takes effect, it is withdrawn, or the job ends.
      expect(event.type === "RESUME" || nameOf(to) === "paused" || to.status === "done").toBe(true)
    }
    for (const { event, from, to } of everyStep()) {
      if (!from.context.pausing || nameOf(from) === nameOf(to)) continue
      if (event.type === "SELECTED") expect(nameOf(to)).not.toBe("running.executing")
      if (event.type === "CHECKED") expect(nameOf(to)).not.toBe("running.eligible")
    }
  })

  it("a pause is withdrawn by RESUME, and a paused job goes on", () => {
    for (const { event, from, to } of everyStep()) {
      if (event.type !== "RESUME" || nameOf(from) === "running.stopping") continue
      expect(to.context.pausing).toBe(false)
      expect(nameOf(to)).toBe(nameOf(from) === "paused" ? "running.eligible" : nameOf(from))
    }
  })

  it("a pause wins over convergence, and loses to an end that was decided before it", () => {
    let wins = 0
    let losses = 0
    for (const { event, from, to } of everyStep()) {
      if (nameOf(from) !== "running.checking" || event.type !== "CHECKED" || !from.context.pausing) continue
      if (from.context.halt === null) {
        wins++
        expect(nameOf(to)).toBe("paused")
      } else {
        losses++
        expect(to.status).toBe("done")
      }
    }
    expect(wins).toBeGreaterThan(0)
    expect(losses).toBeGreaterThan(0)
  })

  it("convergence needs an empty mailbox", () => {
    for (const { event, to } of everyStep()) {
      if (nameOf(to) === "converged") expect(event).toMatchObject({ type: "CHECKED", mailbox: 0 })
    }
    const { actor } = walk(shortest.find(({ state }) => nameOf(state) === "running.checking")!)
    actor.send({ type: "CHECKED", mailbox: 1, intents: 0, halt: converged })
    expect(nameOf(actor.getSnapshot())).toBe("running.eligible")
  })

  it("a job awaits answers where nothing else is left to do, and goes on when it is woken", () => {
    let awaited = 0
    for (const { event, from, to } of everyStep()) {
      if (nameOf(to) === "awaiting" && nameOf(from) !== "awaiting") {
        awaited++
        expect(nameOf(from)).toBe("running.checking")
        expect(event).toMatchObject({ type: "CHECKED", mailbox: 0, intents: 1, halt: null })
        expect(to.context.pausing).toBe(false)
        expect(to.context.halt).toBe(null)
      }
      if (nameOf(from) === "awaiting" && nameOf(to) !== "awaiting") {
        const ways = { WAKE: "running.eligible", PAUSE: "paused", CANCEL: "running.stopping" }
        expect(ways).toHaveProperty(event.type, nameOf(to))
      }
    }
    expect(awaited).toBeGreaterThan(0)
  })

  it("what a cycle is, changes only when it is selected and when it is committed", () => {
    for (const { event, from, to } of everyStep()) {
      const cycleOf = ({ agents, cycle, hash, tasks, tier, version }: JobMachineContext) => ({
        agents,
        cycle,
        hash,
        tasks,
        tier,
        version
      })
      if (event.type !== "SELECTED" && event.type !== "MERGED") {
        expect(cycleOf(to.context)).toEqual(cycleOf(from.context))
      }
    }
  })

  it("one driver lives while the job runs, and none otherwise", () => {
    for (const { drivers, end, liveAtEnd } of walked) {
      expect(liveAtEnd).toBe(nameOf(end).startsWith("running") ? 1 : 0)
      expect(drivers.live).toBe(0)
    }
  })

  it("the driver is told to stop once, on the way into stopping", () => {
    for (const { drivers, steps } of walked) {
      const into = steps.filter(
        ({ from, to }) => nameOf(from) !== "running.stopping" && nameOf(to) === "running.stopping"
      )
      expect(drivers.told).toBe(into.length)
      expect(into.length).toBeLessThan(2)
    }
  })
})

describe("an end is an end", () => {
  it.each(finals)("nothing leaves %s", (final) => {
    const path = shortest.find(({ state }) => nameOf(state) === final)!
    const { actor } = walk(path)
    const before = actor.getSnapshot()
    for (const event of events) {
      expect(before.can(event)).toBe(false)
      expect(jobMachine.getStateNodeById(`job.${final}`).transitions.size).toBe(0)
    }
    expect(actor.getSnapshot()).toBe(before)
  })

  it("the actor is done when the job is, and says so to whoever subscribed", () => {
    for (const final of finals) {
      let completed = 0
      const { actor } = walk({ ...shortest[0]!, steps: [] })
      actor.subscribe({ complete: () => completed++ })
      for (const { event } of shortest.find(({ state }) => nameOf(state) === final)!.steps) {
        if ((event.type as string) !== "xstate.init") actor.send(event)
      }
      expect(actor.getSnapshot().status).toBe("done")
      expect(completed).toBe(1)
    }
  })

  it("all final states are at the root", () => {
    const nodes = Object.values(jobMachine.root.states)
    expect(nodes.filter(({ type }) => type === "final").map(({ key }) => key)).toEqual(finals)
    expect(
      Object.values(jobMachine.getStateNodeById("job.running").states).filter(({ type }) => type === "final")
    ).toEqual([])
  })
})

describe("stop", () => {
  it.each(allStates.filter((state) => !finals.includes(state)))("an actor may be stopped in %s, and again", (state) => {
    const { drivers, machine } = counted()
    const { actor } = walk(
      shortest.find((path) => nameOf(path.state) === state)!,
      machine
    )
    expect(nameOf(actor.getSnapshot())).toBe(state)
    actor.stop()
    actor.stop()
    expect(actor.getSnapshot().status).toBe("stopped")
    expect(drivers.live).toBe(0)
  })

  it("an actor may be stopped before it starts", () => {
    const { drivers, machine } = counted()
    const actor = createActor(machine, { input })
    actor.stop()
    expect(drivers.started).toBe(0)
  })

  it("a defect of the driver ends the job as failed from every phase", () => {
    for (const state of allStates.filter((name) => name.startsWith("running"))) {
      const { actor } = walk(shortest.find((path) => nameOf(path.state) === state)!)
      actor.send({ type: "DRIVER_EXITED", defect: "boom" })
      expect(actor.getSnapshot().value).toBe("failed")
      expect(actor.getSnapshot().context.halt).toEqual({ status: "failed", error: "Defect" })
    }
  })
})
