/**
 * The messages between the main thread and its workers.
 *
 * A cycle's tasks go out as one message for each worker. Claims in shared memory decide which of them a worker runs
 * (claims.ts). Facts travel as canonical texts, joined into one (made once, whatever the number of workers), with a JSON head
 * that says what they are. A message carries a bounded number of them, so neither side ever holds its event loop
 * for a large context or a large effect (docs/semantics.md, Slices). Each worker writes its present task to
 * shared memory, which the pool can read while the worker is too busy to answer.
 *
 * Boundary: types, and the layout of the shared memory. No threads, no clock.
 */
import type { MessagePort } from "node:worker_threads"
import type { SharedPart } from "../values/sharedBytes.ts"
import { Limits } from "../Limits.ts"
import type { Claims } from "./claims.ts"
import type { FactRun } from "./factTexts.ts"
import type { EffectRest } from "./effectWire.ts"
import type { Panic } from "../values/panic.ts"

/** A part of a replica's update: a JSON head, and the facts' canonical texts (factTexts.ts). */
export interface Packet {
  readonly head: string
  readonly texts: string
  /** The shared arrays that were taken out of a fact's value, by the fact's place in the packet. */
  readonly parts?: ReadonlyArray<readonly [fact: number, parts: ReadonlyArray<SharedPart>]>
}

/** The place of a program: the URL of its module, and its name there. */
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
  /** Run tasks, on the job's replica after this packet. Answered with `results`, the last of which says so. */
  | readonly [op: "run", share: ShareMessage, packet: Packet | undefined]
  /** Forget a job. */
  | readonly [op: "release", jobId: string]

/** A worker's share in a round of tasks: as many of them as it manages to claim. */
export interface ShareMessage {
  /** Names the share: a number that grows, never 0. */
  readonly sequence: number
  readonly jobId: string
  readonly program: string
  readonly cycle: number
  /** JSON of `ReadonlyArray<TaskGroup>`, made once for all workers of the round. */
  readonly tasks: string
  /** The claims of the round. Undefined for a round of one task, which belongs to this worker. */
  readonly claims: Claims | undefined
  /** Whether anybody listens to claims and to `view.progress`. */
  readonly wantsProgress: boolean
  /** The canonical text of the job's input, in the first share of the job that the worker gets. */
  readonly input: string | undefined
}

/** Tasks of one agent that follow one another: one for each id, or for each part of a join; otherwise one. */
export type TaskGroup = readonly [
  agentIndex: number,
  agent: string,
  since: number,
  eachKind: string | null,
  ids: ReadonlyArray<string> | ReadonlyArray<number> | null
]

/** From a worker. `index` is a task's place in its round. */
export type FromWorker =
  /** `shortage`: the code of the system's error if the module did not load for want of something that may come back. */
  | readonly [op: "loaded", program: string, error: string | undefined, stack: string, shortage: string | undefined]
  | readonly [op: "synced", jobId: string]
  | readonly [op: "claimed", share: number, index: number]
  | readonly [op: "progress", share: number, index: number, json: string]
  /** Outcomes of tasks, in the order of their ends. `cpuMs` is the thread's CPU time since its last message. */
  | readonly [
      op: "results",
      share: number,
      cpuMs: number,
      /** JSON of `ResultsHead`. */
      head: string,
      texts: string,
      isLast: boolean
    ]
  /** Reports that the worker holds more memory than its replicas account for, even after a garbage collection. */
  | readonly [op: "grown", usedMb: number]

/** The facts of all effects, one after the other, and the outcomes of the tasks. */
export type ResultsHead = readonly [
  runs: ReadonlyArray<FactRun>,
  items: ReadonlyArray<ResultItem>,
  /** The facts' reasons: 0 for none. Left out if no fact has any. */
  reasons?: ReadonlyArray<ReadonlyArray<number> | 0>
]

/** The outcome of one task. `ms` is the time that it took. */
export type ResultItem =
  /** An effect or a part of one, with its number of facts. `rest`: null if parts follow, a number if it has only tokens. */
  | readonly [index: number, ms: number, facts: number, rest: EffectRest | null | number]
  /** A fault. */
  | readonly [index: number, ms: number, type: "InvalidEffect" | "AgentPanicked", panic: Panic]
  /** Two proposals of one effect that are in conflict: their kind and id, and the canonical texts of the values. */
  | readonly [index: number, ms: number, type: "MergeConflict", of: readonly [string, string, string, string]]

/** The places of a worker's shared memory, an `Int32Array`. */
export const Place = {
  /** The number of the last share that the worker took up. */
  begun: 0,
  /** The place of the running task in its round, plus 1; 0 between two tasks. */
  task: 1,
  /** The number of tasks that the worker has begun. It is written before `task`, so the same number is the same execution. */
  ordinal: 2,
  /** The number of progress reports that the main thread has received. */
  heard: 3
} as const

export const placeCount = 4

/** The places of the memory that all workers of a pool share. */
export const PoolPlace = {
  /** The number of waiting jobs without a worker. If there are any, a worker stays with another job for one turn only. */
  waiting: 0
} as const

/** The `workerData` of a thread. */
export interface WorkerInit {
  readonly shared: Int32Array<SharedArrayBuffer>
  readonly pool: Int32Array<SharedArrayBuffer>
  /** The pool's end is the other one. Agents cannot reach it, as they can the thread's own port. */
  readonly port: MessagePort
  readonly batchSize: number
  readonly recycleGrowthMb: number
}

/** Encodes an agent's progress value as JSON, alike on every thread. A value without JSON becomes the name of its type. */
export const progressJson = (value: unknown): string => {
  try {
    const json = JSON.stringify(value) as string | undefined
    if (json !== undefined && json.length <= Limits.progressTextLength) return json
  } catch {
    // Circular, a bigint, or a getter that throws.
  }
  return JSON.stringify(typeof value)
}
