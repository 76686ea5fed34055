/**
 * What the main thread and its workers say to each other.
 *
 * Facts travel as canonical texts, each a string of its own (made once, whatever the number of workers), with a JSON head
 * that says what they are. A message carries a bounded number of them, so neither side ever holds its event loop for a
 * large context or a large effect (docs/semantics.md, Slices). Beside the messages there is a piece of shared memory for each
 * worker, in which it says what it is doing: that can be read when it is too busy to answer.
 *
 * Boundary: types, and the two functions by which an effect crosses. No threads, no clock.
 */
import type { EncodedEffect } from "../AgentEffect.ts"
import type { ErasedKind } from "../Fact.ts"
import { type EffectWire, fromWire, toWire } from "../internal/encodeEffect.ts"
import { Limits } from "../Limits.ts"

/** A part of a replica's update or of an effect: a JSON head, and the canonical texts of the facts that it lists. */
export interface Packet {
  readonly head: string
  readonly texts: ReadonlyArray<string>
}

/** Where a program is found: the URL of its module, and its name there. */
export interface ProgramRef {
  readonly module: string
  readonly name: string
}

export const programKey = (program: ProgramRef): string => `${program.module}#${program.name}`

/** From the main thread. `program` is a `programKey`. */
export type ToWorker =
  /** Import a program. Answered with `loaded`. */
  | readonly [op: "load", program: ProgramRef]
  /** Add to a job's replica. The last packet of an update is answered with `synced`. */
  | readonly [op: "sync", jobId: string, program: string, packet: Packet, isLast: boolean]
  /** Run a task, on the job's replica after this packet. Answered with `ended` or `failed`. */
  | readonly [op: "run", run: RunMessage, packet: Packet | undefined]
  /** Forget a job. */
  | readonly [op: "release", jobId: string]

export interface RunMessage {
  /** Names the task to this worker: a number that grows, never 0. */
  readonly sequence: number
  readonly jobId: string
  readonly program: string
  readonly cycle: number
  readonly agentIndex: number
  readonly agent: string
  readonly eachKind: string | undefined
  readonly eachId: string | undefined
  readonly since: number
  /** Whether anybody listens to `view.progress`. */
  readonly wantsProgress: boolean
}

/** From a worker. */
export type FromWorker =
  | readonly [op: "loaded", program: string, error: string | undefined, stack: string]
  | readonly [op: "synced", jobId: string]
  /** A part of the effect of a task; more will follow. */
  | readonly [op: "part", sequence: number, packet: Packet]
  /** The effect of a task, or its last part. */
  | readonly [op: "ended", sequence: number, cpuMs: number, packet: Packet]
  | readonly [
      op: "failed",
      sequence: number,
      cpuMs: number,
      type: "InvalidEffect" | "AgentPanicked",
      message: string,
      stack: string
    ]
  | readonly [op: "progress", sequence: number, json: string]

/** The places of a worker's shared memory, an `Int32Array`. */
export const Place = {
  /** The sequence of the task that it took last. Written before the agent is called. */
  claimed: 0,
  /** The sequence of the task that it ended last. Written when its result is about to be sent. */
  ended: 1,
  /** How many progress reports the main thread has received. */
  heard: 2
} as const

/** What `workerData` holds. */
export interface WorkerInit {
  readonly shared: Int32Array<SharedArrayBuffer>
}

export const placeCount = 3

type FactHead = readonly [kind: string, id: string]
type EffectHead = readonly [facts: ReadonlyArray<FactHead>, rest?: EffectRest]
type EffectRest = readonly [EffectWire[1], EffectWire[2], EffectWire[3], EffectWire[4]]

/** An effect as packets: all but the last hold facts only. */
export const packEffect = (effect: EncodedEffect): ReadonlyArray<Packet> => {
  const [facts, ...rest] = toWire(effect)
  const packets: Array<Packet> = []
  let heads: Array<FactHead> = []
  let texts: Array<string> = []
  let length = 0
  for (const [kind, id, text] of facts) {
    if (texts.length > 0 && (length + text.length > Limits.packetLength || texts.length >= Limits.packetFacts)) {
      packets.push({ head: JSON.stringify([heads] satisfies EffectHead), texts })
      heads = []
      texts = []
      length = 0
    }
    heads.push([kind, id])
    texts.push(text)
    length += text.length
  }
  packets.push({ head: JSON.stringify([heads, rest] satisfies EffectHead), texts })
  return packets
}

/** The effect that another thread packed. Yields now and then. */
export function* unpackEffect(
  packets: ReadonlyArray<Packet>,
  kinds: ReadonlyMap<string, ErasedKind>
): Generator<void, EncodedEffect> {
  const facts: Array<EffectWire[0][number]> = []
  let rest: EffectRest = [[], [], null, 0]
  for (const packet of packets) {
    const [heads, last] = JSON.parse(packet.head) as EffectHead
    heads.forEach(([kind, id], index) => facts.push([kind, id, packet.texts[index]!]))
    if (last !== undefined) rest = last
    yield
  }
  return yield* fromWire([facts, ...rest], kinds)
}

/** A value that an agent reports, as JSON; what cannot be copied is its type's name. The same on every thread. */
export const progressJson = (value: unknown): string => {
  try {
    const json = JSON.stringify(value) as string | undefined
    if (json !== undefined && json.length <= Limits.progressTextLength) return json
  } catch {
    // Circular, a bigint, or a getter that throws.
  }
  return JSON.stringify(typeof value)
}
