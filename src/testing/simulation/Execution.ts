/**
 * One execution of an agent or a handler in a simulated world: what it waits for, and what it began outside of the world.
 *
 * An execution that is suspended waits for a timer of the world, for another fiber of it, or for something outside: a timer of
 * the process, the network, a file, a thread. The world cannot go on when it waits for the last. Boundary: notes; World.ts asks.
 */
import type { Ambience } from "../../platform/ambient.ts"

/** The owner of an execution. */
export interface Owner {
  /** Its name in messages, such as `agent "sort" on Message/m1`. */
  readonly label: string
  /** The agent that executes, or that gave the intent; "" for what belongs to no agent. */
  readonly agent: string
}

/** An execution, and what it waits for outside of the world, in words. */
export interface Outside extends Owner {
  readonly waitsFor: string
}

/** The types of handles that Node gives to what a process waits for, and the words for them. */
const outside: ReadonlyArray<readonly [types: RegExp, words: string]> = [
  [/^Timeout$/, "a timer of the process (setTimeout or setInterval)"],
  [/^(TCP|TLS|UDP|PIPE|HTTP|HTTP2|QUIC|WRITEWRAP|SHUTDOWNWRAP|GETADDRINFO|GETNAMEINFO|QUERYWRAP|DNS)/, "the network"],
  [/^(FS|FILEHANDLE|STATWATCHER|DIRHANDLE)/, "a file"],
  [/^(WORKER|MESSAGEPORT)/, "another thread"],
  [/^(PROCESS|TTY|SIGNAL|STREAMPIPE)/, "another process"],
  [/REQUEST$|^(ZLIB|BLOBREADER|WASMWEBAPI)/, "work on another thread (of node:crypto or node:zlib)"]
]

const wordsOf = (type: string): string | undefined => outside.find(([types]) => types.test(type))?.[1]

/** Whether a timer of the process was called off. */
const isCalledOff = (handle: object): boolean => Reflect.get(handle, "_destroyed") === true

export class Execution implements Ambience {
  readonly owner: Owner
  readonly nowMs: () => number
  readonly random: () => number
  /** The timers of the world that it waits for. */
  timers = 0
  /** The number of turns of the event loop that it has asked for (setImmediate). */
  turns = 0
  readonly #handles: Array<readonly [words: string, handle: object]> = []

  constructor(owner: Owner, { nowMs, random }: Pick<Ambience, "nowMs" | "random">) {
    this.owner = owner
    this.nowMs = nowMs
    this.random = random
  }

  began(type: string, handle: object): void {
    if (type === "Immediate") this.turns++
    const words = wordsOf(type)
    if (words !== undefined) this.#handles.push([words, handle])
  }

  /** Something that it has begun outside of the world, and not called off. Undefined while it waits for a timer of the world. */
  get outside(): Outside | undefined {
    if (this.timers > 0) return undefined
    const left = this.#handles.find(([, handle]) => !isCalledOff(handle))
    return left && { ...this.owner, waitsFor: left[0] }
  }
}
