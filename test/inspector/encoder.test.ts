/** One inspector message (src/inspector/encoder.ts), and the queue that holds events before (relayQueue.ts). */
import { describe, expect, it } from "@effect/vitest"
import { createActor, createMachine, type InspectionEvent } from "xstate"
import { encode, isPublished, type Projection, type Published } from "../../src/inspector/encoder.ts"
import { Limits } from "../../src/Limits.ts"
import { RelayQueue } from "../../src/inspector/relayQueue.ts"
import { plain } from "../../src/inspector/plain.ts"
import { toyMachine } from "./toyMachine.ts"

const whole: Projection = (context) => context

const decode = (event: Published, project: Projection = whole): unknown => JSON.parse(encode(event, 17, project))

/** Starts a machine with the given context, sends it one event, and returns what was inspected. */
const inspected = (context: Record<string, unknown>, event: { type: string } = { type: "GO" }): Array<Published> => {
  const events: Array<Published> = []
  const inspect = (inspection: InspectionEvent) => {
    if (isPublished(inspection)) events.push(inspection)
  }
  const machine = createMachine({ id: "m", context, initial: "a", states: { a: { on: { GO: "b" } }, b: {} } })
  createActor(machine, { inspect }).start().send(event)
  return events
}

const last = (events: ReadonlyArray<Published>): Published => {
  const event = events.at(-1)
  if (event === undefined) throw new Error("nothing was inspected")
  return event
}

describe("an inspector message", () => {
  it("has exactly the protocol's fields for a registration, an event and a snapshot", () => {
    const events = inspected({ n: 1 })
    const { sessionId } = last(events).actorRef
    const base = { sessionId, rootId: sessionId, createdAt: "17", id: null, _version: "0.7.2" }
    const init = { type: "xstate.init" }
    const definition = `{"id":"m","context":{"n":1},"initial":"a","states":{"a":{"on":{"GO":"b"}},"b":{}}}`
    expect(events.map((event) => decode(event))).toStrictEqual([
      {
        type: "@xstate.actor",
        name: "m",
        definition,
        snapshot: { status: "active", value: "b", context: { n: 1 } },
        ...base
      },
      { type: "@xstate.event", event: init, ...base },
      { type: "@xstate.snapshot", event: init, snapshot: { status: "active", value: "a", context: { n: 1 } }, ...base },
      { type: "@xstate.event", event: { type: "GO" }, ...base },
      {
        type: "@xstate.snapshot",
        event: { type: "GO" },
        snapshot: { status: "active", value: "b", context: { n: 1 } },
        ...base
      }
    ])
  })

  it("shows the projection of a context, never the context", () => {
    const event = last(inspected({ secret: "s", n: 1 }))
    expect(decode(event, () => ({ n: 1 }))).toMatchObject({ snapshot: { context: { n: 1 } } })
    expect(encode(event, 0, () => ({ n: 1 }))).not.toContain("secret")
  })

  it("says so when the projection throws", () => {
    const message = decode(last(inspected({ n: 1 })), () => {
      throw new TypeError("no such thing")
    })
    const context = { "(projection failed)": { name: "TypeError", message: "no such thing" } }
    expect(message).toMatchObject({ snapshot: { status: "active", value: "b", context } })
  })

  it("survives contexts and events that have no JSON form", () => {
    const circular: Record<string, unknown> = { big: 1n, map: new Map([["k", 1]]), run: () => 1, nan: Number.NaN }
    circular["self"] = circular
    Object.defineProperty(circular, "broken", {
      enumerable: true,
      get: () => {
        throw new Error("unreadable")
      }
    })
    const go = { type: "GO", payload: circular }
    const shown = {
      big: "1",
      map: [["k", 1]],
      run: { type: "run" },
      nan: "NaN",
      self: "(circular)",
      broken: "(unreadable)"
    }
    expect(decode(last(inspected({ circular }, go)))).toMatchObject({
      snapshot: { value: "b", context: { circular: shown } },
      event: { type: "GO", payload: shown }
    })
  })

  it("says so when an event or a snapshot cannot be read", () => {
    const unreadable = {
      get: () => {
        throw new Error("unreadable")
      },
      enumerable: true
    }
    const event = last(
      inspected({}, Object.defineProperty({ type: "GO", error: new Error("no") }, "cause", unreadable))
    )
    expect(decode(event)).toMatchObject({
      event: { type: "GO", "(left out)": "values that cannot be read" },
      snapshot: { status: "active", value: "b" }
    })
    if (event.type !== "@xstate.snapshot") throw new Error("not a snapshot")
    const snapshot = Object.defineProperty({ ...event.snapshot }, "output", unreadable)
    expect(decode({ ...event, event: { type: "GO" }, snapshot })).toMatchObject({
      snapshot: { status: "active", context: { "(left out)": "values that cannot be read" } }
    })
  })

  it("shows the name and message of an error", () => {
    const go = { type: "GO", error: new RangeError("too far") }
    expect(decode(last(inspected({}, go)))).toMatchObject({
      event: { error: { name: "RangeError", message: "too far" } }
    })
  })

  it("goes out without its contents when it would be too long", () => {
    const event = last(inspected({ text: "x".repeat(Limits.inspectorMessageLength) }))
    const text = encode(event, 0, whole)
    expect(text.length).toBeLessThan(1_000)
    expect(JSON.parse(text)).toMatchObject({
      event: { type: "GO" },
      snapshot: { value: "b", context: { "(left out)": expect.stringMatching(/^a message of 65\d{3} characters$/u) } }
    })
  })

  it("reads a definition once, for all machines that share a config", () => {
    let reads = 0
    const config = {
      id: "counted",
      initial: "a",
      get states() {
        reads++
        return { a: {} }
      }
    }
    const events: Array<Published> = []
    const inspect = (event: InspectionEvent) => {
      if (event.type === "@xstate.actor") events.push(event)
    }
    const machine = createMachine(config)
    createActor(machine, { inspect })
    createActor(machine.provide({ actions: {} }), { inspect })
    expect(events.map((event) => event.actorRef.sessionId).length).toBe(2)
    encode(last(events), 0, whole)
    const afterFirst = reads
    const texts = events.map((event) => encode(event, 0, whole))
    expect(reads).toBe(afterFirst)
    expect(texts[0]).toContain(String.raw`"definition":"{\"id\":\"counted\",\"initial\":\"a\",\"states\":{\"a\":{}}}"`)
  })

  it("names the parent of an invoked actor", () => {
    const events: Array<Published> = []
    const inspect = (event: InspectionEvent) => {
      if (event.type === "@xstate.actor") events.push(event)
    }
    const actor = createActor(toyMachine, { inspect }).start()
    actor.send({ type: "START" })
    expect(decode(last(events))).toMatchObject({
      name: "worker",
      parentId: actor.sessionId,
      rootId: actor.sessionId,
      definition: `{"id":"worker"}`,
      snapshot: { status: "active" }
    })
    actor.stop()
  })
})

describe("any value as JSON", () => {
  it("is bounded in depth and in number of values", () => {
    let deep: unknown = "bottom"
    for (let level = 0; level < 100; level++) deep = { deep }
    expect(JSON.stringify(plain(deep)).length).toBeLessThan(200)
    expect(JSON.stringify(plain(Array.from({ length: 1_000_000 }, () => 1))).length).toBeLessThan(30_000)
  })

  it("shows a value that occurs twice twice", () => {
    const shared = { n: 1 }
    expect(plain({ a: shared, b: shared })).toStrictEqual({ a: { n: 1 }, b: { n: 1 } })
  })
})

describe("the queue", () => {
  const names = (queue: RelayQueue): Array<string> => {
    const taken: Array<string> = []
    for (let message = queue.take(); message !== undefined; message = queue.take()) {
      const { event } = message
      taken.push(event.type === "@xstate.event" ? `event ${event.event.type}` : event.type.slice("@xstate.".length))
    }
    return taken
  }

  it("keeps events in order", () => {
    const queue = new RelayQueue(10, 10)
    queue.connect()
    for (const event of inspected({})) queue.offer(event, 0)
    expect(names(queue)).toStrictEqual(["actor", "event xstate.init", "snapshot", "event GO", "snapshot"])
    expect(queue.isEmpty).toBe(true)
  })

  it("drops the oldest events when it is full, and sends the registration first all the same", () => {
    const queue = new RelayQueue(2, 10)
    queue.connect()
    for (const event of inspected({})) queue.offer(event, 0)
    expect(queue.dropped).toBe(2)
    expect(names(queue)).toStrictEqual(["actor", "event GO", "snapshot"])
  })

  it("keeps nothing but live actors while no relay is connected", () => {
    const queue = new RelayQueue(10, 10)
    for (const event of inspected({})) queue.offer(event, 0)
    expect(queue.isEmpty).toBe(true)
    queue.connect()
    expect(names(queue)).toStrictEqual(["actor"])
    expect(queue.dropped).toBe(0)
  })

  it("forgets an actor that has ended, and the oldest actor beyond its limit", () => {
    const queue = new RelayQueue(10, 2)
    const offerAll = (event: InspectionEvent) => {
      if (isPublished(event)) queue.offer(event, 0)
    }
    const ending = createMachine({ initial: "a", states: { a: { type: "final" } } })
    const lasting = createMachine({ initial: "a", states: { a: {} } })
    const registered = () => {
      const ids: Array<string> = []
      queue.connect()
      for (let message = queue.take(); message !== undefined; message = queue.take())
        ids.push(message.event.actorRef.sessionId)
      queue.disconnect()
      return ids
    }
    const first = createActor(lasting, { inspect: offerAll }).start()
    for (let i = 0; i < 5; i++) createActor(ending, { inspect: offerAll }).start()
    expect(registered()).toStrictEqual([first.sessionId])
    const [second, third] = [1, 2].map(() => createActor(lasting, { inspect: offerAll }).start())
    expect(registered()).toStrictEqual([second?.sessionId, third?.sessionId])
  })

  it("counts what was waiting when the relay went away as dropped", () => {
    const queue = new RelayQueue(10, 10)
    queue.connect()
    for (const event of inspected({})) queue.offer(event, 0)
    queue.disconnect()
    expect(queue.dropped).toBe(5)
    expect(names(queue)).toStrictEqual([])
  })
})
