/** The actors of an engine that a relay is shown: jobs with their children, and the workers of the pool, each with its parent. */
import { describe, expect, it } from "@effect/vitest"
import { createWebSocketInspector } from "@statelyai/inspect"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createActor, createMachine, fromCallback, type InspectionEvent, type AnyStateMachine } from "xstate"
import { Agent, Engine, Fact, Intent, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { Inspector } from "../../src/inspector/index.ts"
import { toJson } from "../../src/inspector/Statechart.ts"
import { jobMachine } from "../../machines/job.machine.ts"
import { squares } from "../support/cli/count.ts"
import { freePort, type Message, ownRelay, statelyReceiver, statelyRelay, takeUntil, viewer } from "./relay.ts"

const Sum = Fact.kind("Sum", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })

const counts = Program.make("counts", {
  input: Schema.Struct({ n: Schema.Int }),
  seed: ({ n }) => [Sum.of({ n })],
  agents: [Agent.make("look", { reads: [Sum], execute: () => Effect.succeed({}) })]
})

/** Starts two children. */
const parent = Program.make("parent", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("ask", {
      execute: () => Effect.succeed({ intents: [1, 2].map((n) => Intent.child(counts, { n }, { id: `child ${n}` })) })
    })
  ]
})

/** Starts a child that starts two. */
const grandparent = Program.make("grandparent", {
  input: Schema.Struct({}),
  agents: [
    Agent.make("ask", {
      execute: () => Effect.succeed({ intents: [Intent.child(parent, {}, { id: "middle" })] })
    })
  ]
})

const isOf = (jobId: RegExp) => (message: Message) =>
  message.type === "@xstate.actor" && jobId.test(String(message["name"]))

/** Whether a message tells the end of an actor. */
const isEndOf =
  (sessionId: string) =>
  ({ sessionId: own, snapshot, type }: Message): boolean =>
    type === "@xstate.snapshot" && own === sessionId && (snapshot as { readonly status?: string }).status === "done"

const watched = (url: string, pool = WorkerPool.layerInline) =>
  Engine.layer({ children: [counts, parent] }).pipe(
    Layer.provide(pool),
    Layer.provide(JobStore.layerMemory),
    Layer.provide(Inspector.layerStately({ url }))
  )

describe("Inspector.layerStately", () => {
  it.live("shows a job's machine, and its child jobs below it, at Stately's own relay", () =>
    Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* viewer(url)
      yield* Effect.provide(Engine.run(parent, {}, { id: "the parent" }), watched(url))
      const seen = yield* takeUntil(messages, (message) => isOf(/^the parent$/)(message))
      const top = seen.at(-1)!
      seen.push(...(yield* takeUntil(messages, isEndOf(top.sessionId))))
      const children = seen.filter((message) => isOf(/^the parent\//)(message))
      expect(children).toHaveLength(2)
      expect(top).toMatchObject({ rootId: top.sessionId })
      expect(top["parentId"]).toBeUndefined()
      for (const child of children) {
        expect(child).toMatchObject({ parentId: top.sessionId, rootId: top.sessionId })
        const driver = seen.find((message) => message["parentId"] === child.sessionId)
        expect(driver).toMatchObject({ name: "driver", rootId: top.sessionId })
        expect(seen.some(isEndOf(child.sessionId))).toBe(true)
      }
      // The definition is the one that Stately's editor draws.
      expect(JSON.parse(String(children[0]?.["definition"]))).toEqual(toJson(jobMachine))
    }).pipe(Effect.scoped)
  )

  it.live("shows the workers of the pool below an actor of their own, from their start to their end", () =>
    Effect.gen(function* () {
      const relay = yield* ownRelay(yield* freePort)
      const pool = WorkerPool.layer({ size: 1 })
      const run = Engine.run(squares, { upTo: 5 }, { id: "squared" })
      yield* Effect.provide(run, watched(relay.url, pool))
      const seen = yield* takeUntil(relay.messages, isOf(/^worker pool$/))
      const top = seen.at(-1)!
      seen.push(...(yield* takeUntil(relay.messages, isEndOf(top.sessionId))))
      const workers = seen.filter((message) => isOf(/^worker \d+$/)(message))
      expect(workers.length).toBeGreaterThan(0)
      for (const worker of workers) {
        expect(worker).toMatchObject({ parentId: top.sessionId, rootId: top.sessionId })
        const states = seen
          .filter(({ sessionId, type }) => sessionId === worker.sessionId && type === "@xstate.snapshot")
          .map(({ snapshot }) => (snapshot as { readonly value: string }).value)
        expect(states).toEqual(expect.arrayContaining(["spawning", "loading", "ready", "busy", "retiring"]))
      }
    }).pipe(Effect.scoped)
  )

  it.live("keeps no job waiting, and changes none, when nobody listens", () =>
    Effect.gen(function* () {
      const url = `ws://127.0.0.1:${yield* freePort}`
      const plain = yield* Effect.provide(
        Engine.run(parent, {}, { id: "same" }),
        Engine.layer({ children: [counts] }).pipe(Layer.provide([WorkerPool.layerInline, JobStore.layerMemory]))
      )
      const shown = yield* Effect.provide(Engine.run(parent, {}, { id: "same" }), watched(url))
      expect(shown.hash).toBe(plain.hash)
      expect(shown.usage.cycles).toBe(plain.usage.cycles)
    })
  )

  it.live("refuses an address that is not a WebSocket's", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.scoped(Layer.build(Inspector.layerStately({ url: "http://localhost" }))))
      expect(error).toMatchObject({ _tag: "InvalidInspectorUrl" })
    })
  )
})

describe("Stately's own receiver", () => {
  it.live("hears of jobs, children of children, and workers, each below its parent, to their ends", () =>
    Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* statelyReceiver(url)
      const pool = WorkerPool.layer({ size: 1 })
      const both = Effect.all([Engine.run(grandparent, {}, { id: "oldest" }), Engine.run(squares, { upTo: 3 })])
      yield* Effect.provide(both, watched(url, pool))
      const seen = yield* takeUntil(messages, isOf(/^worker pool$/))
      seen.push(...(yield* takeUntil(messages, isEndOf(seen.at(-1)!.sessionId))))
      const actors = seen.filter(({ type }) => type === "@xstate.actor")
      const parentOf = ({ parentId }: Message): Message | undefined =>
        actors.find(({ sessionId }) => sessionId === parentId)
      const named = (name: RegExp) => actors.filter((actor) => name.test(String(actor["name"])))
      const [oldest] = named(/^oldest$/)
      const below = named(/^oldest\//)
      const middle = below.filter((actor) => parentOf(actor) === oldest)
      const youngest = below.filter((actor) => !middle.includes(actor))
      expect([middle.length, youngest.length]).toEqual([1, 2])
      for (const actor of youngest) expect(parentOf(actor)).toBe(middle[0])
      for (const actor of below) expect(actor).toMatchObject({ rootId: oldest?.sessionId })
      const workers = named(/^worker \d+$/)
      expect(workers.length).toBeGreaterThan(0)
      for (const worker of workers) expect(parentOf(worker)).toMatchObject({ name: "worker pool" })
      for (const { sessionId } of [...below, ...workers]) expect(seen.some(isEndOf(sessionId))).toBe(true)
    }).pipe(Effect.scoped)
  )
})

describe("an observer of a job", () => {
  it.live("is told of its child jobs, as of actors with a parent, also by Stately's own client", () =>
    Effect.gen(function* () {
      const url = yield* statelyRelay
      const messages = yield* viewer(url)
      const client = yield* Effect.acquireRelease(
        Effect.sync(() => createWebSocketInspector({ url })),
        (inspector) => Effect.sync(() => inspector.stop())
      )
      const layer = Engine.layer({ children: [counts] }).pipe(
        Layer.provide([WorkerPool.layerInline, JobStore.layerMemory])
      )
      // The client takes an observer or its `next`.
      const run = Effect.provideService(Engine.run(parent, {}, { id: "theirs" }), Engine.inspect, client.inspect)
      yield* Effect.provide(run, layer)
      const top = (yield* takeUntil(messages, isOf(/^theirs$/))).at(-1)!
      const child = (yield* takeUntil(messages, isOf(/^theirs\//))).at(-1)!
      expect(child).toMatchObject({ parentId: top.sessionId, rootId: top.sessionId })
    }).pipe(Effect.scoped)
  )

  it.live("hears the events of its child jobs, which steer nothing of their parent", () =>
    Effect.gen(function* () {
      const events: Array<InspectionEvent> = []
      const layer = Engine.layer({ children: [counts] }).pipe(
        Layer.provide([WorkerPool.layerInline, JobStore.layerMemory])
      )
      const run = Effect.provideService(Engine.run(parent, {}, { id: "heard" }), Engine.inspect, (event) => {
        events.push(event)
      })
      yield* Effect.provide(run, layer)
      const ofParent = events.filter(
        ({ actorRef, type }) => type === "@xstate.event" && "id" in actorRef && actorRef.id === "heard"
      )
      expect(ofParent.map((event) => "event" in event && event.event.type)).not.toContainEqual(
        expect.stringMatching(/^xstate\.done\.actor\.heard/)
      )
      expect(events.some(({ actorRef }) => "id" in actorRef && String(actorRef.id).startsWith("heard/"))).toBe(true)
    })
  )
})

describe("the JSON of the job's machine", () => {
  const config = toJson(jobMachine) as Parameters<typeof createMachine>[0]
  const noActions = Object.fromEntries(
    Object.keys(jobMachine.implementations.actions).map((name) => [name, () => undefined])
  )

  it("is a machine to XState, with the same states, events and transitions", () => {
    const made = createMachine(config)
    const shapeOf = ({
      states
    }: {
      readonly states: Record<
        string,
        { readonly id: string; readonly events: ReadonlyArray<string>; readonly type: string; readonly states: never }
      >
    }): unknown => Object.values(states).map((node) => [node.id, node.type, [...node.events], shapeOf(node)])
    expect(shapeOf(made.root as never)).toEqual(shapeOf(jobMachine.root as never))
    expect(made.events.toSorted()).toEqual(jobMachine.events.toSorted())
  })

  it("simulates a whole life: cycles, a pause, answers, and the end", () => {
    // A simulator asks the viewer which guard holds. These are the answers of this life.
    let holds = new Set<string>()
    const guards = Object.fromEntries(
      Object.keys(jobMachine.implementations.guards).map((name) => [name, () => holds.has(name)])
    )
    const actors = { driver: fromCallback(() => undefined) }
    const machine: AnyStateMachine = createMachine(config)
    const actor = createActor(machine.provide({ guards, actions: noActions, actors })).start()
    const life: ReadonlyArray<readonly [type: string, holds: ReadonlyArray<string>, state: unknown]> = [
      ["START", [], { running: "eligible" }],
      ["SELECTED", ["hasWork"], { running: "executing" }],
      ["EXECUTED", [], { running: "merging" }],
      ["MERGED", [], { running: "checking" }],
      ["CHECKED", ["isPausing"], "paused"],
      ["RESUME", [], { running: "eligible" }],
      ["SELECTED", [], { running: "checking" }],
      ["CHECKED", ["mustAwait"], "awaiting"],
      ["WAKE", [], { running: "eligible" }],
      ["SELECTED", [], { running: "checking" }],
      ["CHECKED", ["hasConverged"], "converged"]
    ]
    for (const [type, now, state] of life) {
      holds = new Set(now)
      actor.send({ type })
      expect([type, actor.getSnapshot().value]).toEqual([type, state])
    }
    expect(actor.getSnapshot().status).toBe("done")
  })
})
