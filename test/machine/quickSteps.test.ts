/**
 * Short steps give the snapshots that XState gives: every event in every state of the job's machine, and machines in
 * which a step must not be short.
 */
import { assign, createActor, createMachine, fromCallback, setup } from "xstate"
import { describe, expect, it } from "vitest"
import { type DriverEvent, jobMachine } from "../../machines/job.machine.ts"
import { withQuickSteps } from "../../machines/quickSteps.ts"
import { events, finals, input, nameOf, shortest, type Snapshot } from "./jobModel.ts"

const log: Array<string> = []

const driver = fromCallback<DriverEvent, { readonly jobId: string }>(({ receive }) => {
  log.push("started")
  receive(({ type }) => log.push(type))
  return () => void log.push("stopped")
})

const general = jobMachine.provide({ actors: { driver } })
const quick = withQuickSteps(general)

/** All that can be seen of a snapshot. */
const seen = (snapshot: Snapshot) => ({
  ...(JSON.parse(JSON.stringify(snapshot)) as object),
  children: Object.keys(snapshot.children),
  nodes: snapshot._nodes.map(({ id }) => id),
  can: events.map((event) => snapshot.can(event)),
  matches: [snapshot.matches("running"), snapshot.matches({ running: "merging" }), snapshot.matches("paused")],
  tags: [...snapshot.tags],
  keys: Object.keys(snapshot),
  contextKeys: Object.keys(snapshot.context)
})

const run = (machine: typeof jobMachine, types: ReadonlyArray<(typeof events)[number]>) => {
  log.length = 0
  const actor = createActor(machine, { input })
  const snapshots = [seen(actor.getSnapshot())]
  actor.subscribe((snapshot) => snapshots.push(seen(snapshot)))
  actor.start()
  for (const event of types) if (actor.getSnapshot().status === "active") actor.send(event)
  const isDone = actor.getSnapshot().status === "done"
  actor.stop()
  return { snapshots, isDone, log: [...log] }
}

describe("the job's machine with short steps", () => {
  it("gives the same snapshots as without, for every event in every state", () => {
    const states = new Set<string>()
    for (const path of shortest) {
      const steps = path.steps.map(({ event }) => event).filter(({ type }) => (type as string) !== "xstate.init")
      for (const event of events) expect(run(quick, [...steps, event])).toEqual(run(general, [...steps, event]))
      states.add(nameOf(path.state))
    }
    for (const state of [...finals, "idle", "awaiting", "paused", "running.eligible", "running.merging"])
      expect([...states].some((name) => name.includes(state))).toBe(true)
  })

  it("takes the steps of a cycle itself", () => {
    const asked: Array<string> = []
    const watched = jobMachine.provide({ actors: { driver } })
    const original = watched.transition.bind(watched)
    const provide = () =>
      Object.assign(watched, {
        transition: (...args: Parameters<typeof original>) => {
          asked.push(args[1].type)
          return original(...args)
        }
      })
    const machine = withQuickSteps(Object.assign(watched, { provide }))
    const actor = createActor(machine, { input }).start()
    actor.send({ type: "START" })
    asked.length = 0
    for (let cycle = 1; cycle <= 3; cycle++) {
      actor.send({ type: "SELECTED", cycle, tier: 0, agents: ["a"], tasks: 1, signals: 0, halt: null })
      actor.send({ type: "EXECUTED" })
      actor.send({ type: "MERGED", version: cycle, hash: "h", halt: null })
      actor.send({ type: "CHECKED", mailbox: 0, intents: 0, halt: null })
    }
    expect(actor.getSnapshot().context.cycle).toBe(3)
    expect(asked).toEqual([])
    actor.send({ type: "CHECKED", mailbox: 0, intents: 0, halt: null })
    actor.send({ type: "CANCEL" })
    expect(asked).toContain("CANCEL")
    actor.stop()
  })
})

describe("a step is left to XState", () => {
  const base = setup({
    types: { context: {} as { readonly n: number }, events: {} as { readonly type: "GO" } | { readonly type: "ON" } },
    actions: { add: assign(({ context }) => ({ n: context.n + 1 })), tell: () => undefined },
    guards: {
      isEven: ({ context }) => context.n % 2 === 0,
      isOver: (_, { over }: { readonly over: number }) => over > 1
    }
  })

  const ends = {
    "on entry": base.createMachine({
      context: { n: 0 },
      initial: "a",
      states: { a: { on: { GO: "b" } }, b: { entry: "add", on: { GO: "a" } } }
    }),
    "on exit": base.createMachine({
      context: { n: 0 },
      initial: "a",
      states: { a: { exit: "add", on: { GO: "b" } }, b: { on: { GO: "a" } } }
    }),
    "to itself": base.createMachine({
      context: { n: 0 },
      initial: "a",
      states: { a: { entry: "add", on: { GO: { target: "a", reenter: true } } } }
    }),
    "without an event": base.createMachine({
      context: { n: 0 },
      initial: "a",
      states: { a: { on: { GO: { target: "b", actions: "add" } } }, b: { always: { target: "a", actions: "add" } } }
    }),
    "by a pattern": base.createMachine({
      context: { n: 0 },
      initial: "a",
      states: { a: { on: { "*": { target: "b", actions: "add" } } }, b: { on: { GO: "a" } } }
    }),
    "with parameters": base.createMachine({
      context: { n: 0 },
      initial: "a",
      states: {
        a: {
          on: {
            GO: [
              { guard: { type: "isOver", params: { over: 1 } }, target: "b", actions: "add" },
              { guard: "isEven", actions: "add" },
              { target: "b" }
            ]
          }
        },
        b: { tags: "there", on: { GO: { target: "a", actions: ["add", "tell"] } } }
      }
    }),
    "in two regions": createMachine({
      context: { n: 0 },
      type: "parallel",
      states: {
        a: { initial: "x", states: { x: { on: { GO: "y" } }, y: { on: { GO: "x" } } } },
        b: { initial: "x", states: { x: { on: { GO: "y" } }, y: {} } }
      }
    })
  }

  for (const [name, machine] of Object.entries(ends)) {
    it(`${name}, and comes out the same`, () => {
      const pass = (logic: typeof machine) => {
        const actor = createActor(logic as (typeof ends)["on entry"]).start()
        const snapshots: Array<unknown> = []
        for (let i = 0; i < 5; i++) {
          actor.send({ type: i === 3 ? "ON" : "GO" })
          snapshots.push(JSON.parse(JSON.stringify(actor.getSnapshot())))
        }
        return snapshots
      }
      expect(pass(withQuickSteps(machine))).toEqual(pass(machine))
    })
  }
})

describe("a start", () => {
  const child = fromCallback(() => undefined)
  const starts = {
    "with plain context": createMachine({
      context: ({ input }) => ({ n: (input as { readonly n: number }).n }),
      initial: "a",
      states: { a: { on: { GO: "b" } }, b: {} }
    }),
    "with an entry": createMachine({
      context: () => ({ n: 0 }),
      initial: "a",
      states: { a: { entry: assign({ n: 7 }) } }
    }),
    "with an entry of the machine": createMachine({
      context: () => ({ n: 0 }),
      entry: assign({ n: 7 }),
      initial: "a",
      states: { a: {} }
    }),
    "with an action on the way": createMachine({
      context: () => ({ n: 0 }),
      initial: { target: "a", actions: assign({ n: 7 }) },
      states: { a: {} }
    }),
    "that invokes": createMachine({
      context: () => ({ n: 0 }),
      initial: "a",
      states: { a: { invoke: { id: "child", src: child } } }
    }),
    "with an actor in its context": createMachine({
      context: ({ spawn }) => ({ n: spawn(child, { id: "child" }) === undefined ? 0 : 1 }),
      initial: "a",
      states: { a: {} }
    }),
    "that fails": createMachine({
      context: ({ input }) => {
        if ((input as { readonly n: number }).n > 0) throw new Error("no")
        return { n: 0 }
      },
      initial: "a",
      states: { a: {} }
    }),
    "at the end": createMachine({ context: () => ({ n: 0 }), initial: "a", states: { a: { type: "final" } } })
  }

  for (const [name, machine] of Object.entries(starts)) {
    it(`${name} comes out the same for every actor`, () => {
      const pass = (logic: typeof machine) =>
        [0, 1, 2].map((n) => {
          const actor = createActor(logic as (typeof starts)["with plain context"], { input: { n } })
          const { children, context, status, tags } = actor.getSnapshot()
          const first = [Object.keys(actor.getSnapshot()), Object.keys(children), context, status, [...tags]]
          actor.subscribe({ error: () => undefined })
          actor.start()
          const json = JSON.stringify(actor.getSnapshot())
          actor.stop()
          return [...first, json]
        })
      expect(pass(withQuickSteps(machine))).toEqual(pass(machine))
    })
  }

  it("of an actor leaves nothing in that of another", () => {
    const machine = withQuickSteps(starts["with plain context"])
    const [a, b] = [1, 2].map((n) => createActor(machine, { input: { n } }))
    expect(a!.getSnapshot().context).toEqual({ n: 1 })
    expect(b!.getSnapshot().context).toEqual({ n: 2 })
    expect(a!.getSnapshot().children).not.toBe(b!.getSnapshot().children)
  })
})
