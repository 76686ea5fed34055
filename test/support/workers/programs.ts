/** Programs whose CPU agents do to their threads what agents should not do. Loaded by workers. */
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { execFileSync } from "node:child_process"
import { appendFileSync } from "node:fs"
import { isMainThread, parentPort, threadId } from "node:worker_threads"
import { Agent, Fact, Program } from "../../../src/index.ts"

export const Item = Fact.kind("Item", {
  schema: Schema.Struct({ id: Schema.String, size: Schema.Number }),
  id: (item) => item.id,
  conflict: "keepLast"
})

export const Recent = Fact.kind("Recent", {
  schema: Schema.Struct({ id: Schema.String, size: Schema.Number }),
  id: (item) => item.id,
  conflict: "keepLast",
  retention: { latest: 3 }
})

/** A kind that no CPU agent reads. */
export const Hidden = Fact.kind("Hidden", { schema: Schema.Struct({ id: Schema.String }), id: (it) => it.id })

export const Seen = Fact.kind("Seen", {
  schema: Schema.Struct({ id: Schema.String, text: Schema.String }),
  id: (seen) => seen.id
})

/** Bytes among other things that are not plain, of at least ten. */
export const Binary = Fact.kind("Binary", {
  schema: Schema.Struct({
    name: Schema.String,
    bytes: Schema.Uint8Array.check(Schema.makeFilter((bytes) => bytes.length >= 10)),
    at: Schema.Option(Schema.Uint8Array)
  }),
  id: (it) => it.name
})

const seen = (id: string, value: unknown) => ({ facts: [Seen.of({ id, text: JSON.stringify(value) })] })

/** Busy for some milliseconds. */
const spin = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

const square = Agent.cpu("square", {
  each: Item,
  writes: [Seen],
  execute: (item) => ({
    facts: [Seen.of({ id: item.id, text: String(item.value.size ** 2) })],
    evaluations: [{ fact: { kind: "Item", id: item.id }, score: 0.5, reason: "squared" }],
    intents: [{ kind: "tell", payload: { size: item.value.size } }],
    trace: { from: item.id },
    usage: { tokens: 2 }
  })
})

/** Takes as many milliseconds as the item's size, at least. */
const slow = Agent.cpu("slow", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    Atomics.wait(sleeper, 0, 0, item.value.size)
    return seen(item.id, item.value.size)
  }
})

/** Says everything that its view shows. */
const look = Agent.cpu("look", {
  reads: [Item, Recent],
  writes: [Seen],
  execute: (view) =>
    seen("look", {
      version: view.version,
      cycle: view.cycle,
      items: view.all(Item),
      recent: view.all(Recent),
      sizes: [view.size(Item), view.size(Recent)],
      delta: view.delta(Item),
      recentDelta: view.delta(Recent),
      evaluations: view.all(Item).flatMap((item) => view.evaluations(item)),
      frozen: view.all(Item).every((item) => Object.isFrozen(item) && Object.isFrozen(item.provenance))
    })
})

const timed = { timeout: "250 millis" } as const

const loop = Agent.cpu("loop", {
  ...timed,
  each: Item,
  writes: [Seen],
  execute: () => {
    for (;;);
  }
})

const quick = Agent.cpu("quick", {
  timeout: "100 millis",
  each: Item,
  writes: [Seen],
  execute: (item) => {
    spin(item.value.size)
    return seen(item.id, "quick")
  }
})

const exit = Agent.cpu("exit", { each: Item, writes: [Seen], execute: (item) => process.exit(item.value.size) })

const laterThrow = Agent.cpu("laterThrow", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    setTimeout(() => {
      throw new Error("left behind")
    }, item.value.size)
    return seen(item.id, "returned")
  }
})

const laterReject = Agent.cpu("laterReject", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    void Promise.reject(new Error("stray"))
    return seen(item.id, "returned")
  }
})

const laterExit = Agent.cpu("laterExit", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    setTimeout(() => process.exit(5), item.value.size)
    return seen(item.id, "returned")
  }
})

const laterLoop = Agent.cpu("laterLoop", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    setImmediate(() => {
      for (;;);
    })
    return seen(item.id, "returned")
  }
})

const hoard = Agent.cpu("hoard", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    const kept: Array<unknown> = []
    for (let i = 0; i < 200 * 8; i++) kept.push(new Array<number>(16_384).fill(i + 0.5))
    return seen(item.id, kept.length)
  }
})

const deep = Agent.cpu("deep", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    const down = (n: number): number => down(n + 1) + 1
    return seen(item.id, down(0))
  }
})

/** Says how deep it can go. */
const depth = Agent.cpu("depth", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    let deepest = 0
    const down = (n: number): number => {
      deepest = n
      return down(n + 1) + 1
    }
    try {
      down(0)
    } catch {
      // That was the bottom.
    }
    return seen(item.id, deepest)
  }
})

const throws = Agent.cpu("throws", {
  each: Item,
  writes: [Seen],
  execute: () => {
    throw new TypeError("no good")
  }
})

/** An untyped caller, such as JavaScript. */
const untyped = (value: unknown): { readonly facts: [] } => value as { readonly facts: [] }

const functions = Agent.cpu("functions", {
  each: Item,
  writes: [Seen],
  execute: () => untyped({ facts: [{ kind: "Seen", value: { id: "f", text: () => 1 } }] })
})

const cyclic = Agent.cpu("cyclic", {
  each: Item,
  writes: [Seen],
  execute: () => {
    const trace: Record<string, unknown> = {}
    trace["self"] = trace
    return { trace }
  }
})

const promise = Agent.cpu("promise", { each: Item, writes: [Seen], execute: () => untyped(Promise.resolve({})) })

const big = Agent.cpu("big", {
  each: Item,
  writes: [Seen],
  execute: (item) => ({
    facts: Array.from({ length: item.value.size }, (_, i) => Seen.of({ id: `${item.id}/${i}`, text: "x".repeat(500) }))
  })
})

const talk = Agent.cpu("talk", {
  each: Item,
  writes: [Seen],
  execute: (item, view) => {
    console.log("a CPU agent speaks")
    for (let i = 0; i < item.value.size; i++) view.progress({ step: i })
    view.progress(1n)
    return seen(item.id, "talked")
  }
})

/** Posts to the thread's parent, as a library may that believes it was started by its own. */
const intrude = Agent.cpu("intrude", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    parentPort?.postMessage(null)
    parentPort?.postMessage([1, ["ended", 1, 0, null]])
    return seen(item.id, "posted")
  }
})

/** Writes to the file that the item names, again and again, for as many milliseconds as its size. */
const scribble = Agent.cpu("scribble", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    const end = performance.now() + item.value.size
    while (performance.now() < end) appendFileSync(item.id, ".")
    return seen(item.id, "scribbled")
  }
})

/** In a shell: makes a file if its first argument is a path, and sleeps. */
const nap = 'case "$0" in /*) touch "$0";; esac; sleep "$1"'

/** Inside a native call that nothing interrupts. An item whose id is a path tells that it is there. */
const native = Agent.cpu("native", {
  ...timed,
  each: Item,
  writes: [Seen],
  execute: (item) => seen(item.id, execFileSync("sh", ["-c", nap, item.id, String(item.value.size)]).length)
})

const left: Array<unknown> = []

/** Leaves as many MiB behind as the item's size. */
const leak = Agent.cpu("leak", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    for (let i = 0; i < item.value.size * 8; i++) left.push(new Array<number>(16_384).fill(i + 0.5))
    return seen(item.id, "leaked")
  }
})

/** Exits if the item's size is more than 0, and takes so many milliseconds if it is less. */
const crash = Agent.cpu("crash", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    if (item.value.size > 0) process.exit(item.value.size)
    if (item.value.size < 0) Atomics.wait(sleeper, 0, 0, -item.value.size)
    return seen(item.id, "alive")
  }
})

/** Runs wherever it is cheaper, holds its thread for as many milliseconds as the item's size, and says where that was. */
const anywhere = Agent.cpu("anywhere", {
  placement: "auto",
  each: Item,
  writes: [Seen],
  execute: (item) => {
    if (item.value.size > 0) Atomics.wait(sleeper, 0, 0, item.value.size)
    return seen(item.id, isMainThread ? "here" : "away")
  }
})

/** Adds 1 to every byte of a large array, which nobody should do: it shows whose memory it is. */
const increment = Agent.cpu("increment", {
  reads: [Binary],
  writes: [Seen],
  execute: (view) => {
    for (const { value } of view.all(Binary)) for (let i = 0; i < value.bytes.length; i++) value.bytes[i]! += 1
    return seen(
      "increment",
      view.all(Binary).map(({ value }) => [value.bytes.length, value.bytes[0], value.name])
    )
  }
})

/** Makes a large array. */
const makeBytes = Agent.cpu("makeBytes", {
  each: Item,
  writes: [Binary],
  execute: (item) => ({
    facts: [Binary.of({ name: item.id, bytes: new Uint8Array(item.value.size).fill(7), at: Option.none() })]
  })
})

/**
 * Leaves its thread with another way to write JSON. Size 0: nobody can read its messages; 1: they have no outcomes.
 */
const garble = Agent.cpu("garble", {
  each: Item,
  writes: [Seen],
  execute: (item) => {
    const text = item.value.size === 0 ? "no JSON" : "[[],[]]"
    Object.assign(JSON, { stringify: () => text })
    return { facts: [Seen.of({ id: item.id, text: "garbled" })] }
  }
})

/** Says which thread it runs on. */
const thread = Agent.cpu("thread", { each: Item, writes: [Seen], execute: (item) => seen(item.id, threadId) })

export const hazards = Program.make("hazards", {
  module: import.meta.url,
  input: Schema.Struct({}),
  kinds: [Hidden],
  agents: [
    square,
    slow,
    look,
    loop,
    quick,
    exit,
    laterThrow,
    laterReject,
    laterExit,
    laterLoop,
    hoard,
    deep,
    depth,
    throws,
    functions,
    cyclic,
    promise,
    big,
    talk,
    intrude,
    scribble,
    native,
    thread,
    leak,
    crash,
    anywhere,
    increment,
    makeBytes,
    garble
  ]
})
