/**
 * The contenders of the benchmarks of trivial CPU tasks: the same lanes, the same steps, on each of the pools. Every one
 * has two threads, is warm, and has all tasks of a batch in flight at once.
 */
import type { Contender, Ready } from "../framework/definition.ts"
import { load } from "../framework/peers.ts"
import { trivial } from "../programs/chain.ts"
import { sharedEngine, timed } from "./engine.ts"
import { runCycles, startPort, startStanding } from "./lanes.ts"
import { startRaw } from "./raw.ts"

export const threads = 2

/** The size of it. */
export interface Shape {
  readonly lanes: number
  readonly batches: number
}

const measured = async ({ batches }: Shape, body: () => Promise<ReadonlyArray<number>>) => {
  const [ms, result] = await timed(body)
  return { values: { batch: (ms * 1_000) / batches }, result }
}

/** Batches of one call for each lane; the answers are the values of the next batch. */
const byCalls = async ({ batches, lanes }: Shape, call: (value: number) => Promise<number>) => {
  let values: ReadonlyArray<number> = Array.from({ length: lanes }, (_, lane) => lane)
  for (let batch = 0; batch < batches; batch++) values = await Promise.all(values.map(call))
  return values
}

/** Each lane alone: it sends its next task when its last one has ended. As many are in flight, without a barrier. */
const byLanes = ({ batches, lanes }: Shape, call: (value: number) => Promise<number>) =>
  Promise.all(
    Array.from({ length: lanes }, async (_, lane) => {
      let value = lane
      for (let batch = 0; batch < batches; batch++) value = await call(value)
      return value
    })
  )

type Pattern = typeof byCalls

const input = ({ lanes }: Shape) => ({ lanes, steps: 1 })

const liveEngine = sharedEngine(threads)

const ours = (shape: Shape): Ready => {
  const engine = liveEngine()
  return {
    round: () => measured(shape, () => runCycles(engine, trivial, input(shape), shape.batches)),
    stop: engine.stop
  }
}

const port = async (shape: Shape): Promise<Ready> => {
  const engine = liveEngine()
  const driven = await startPort(engine, trivial, input(shape))
  return { round: () => measured(shape, () => driven.run(shape.batches)), stop: engine.stop }
}

const standing = async (shape: Shape): Promise<Ready> => {
  const engine = liveEngine()
  const driven = await startStanding(engine, input(shape))
  return { round: () => measured(shape, () => driven.run(shape.batches)), stop: engine.stop }
}

const raw = (shape: Shape, pattern: Pattern): Ready => {
  const pool = startRaw(threads)
  return { round: () => measured(shape, () => pattern(shape, (value) => pool.send<number>(value))), stop: pool.stop }
}

const rawBatched = (shape: Shape): Ready => {
  const pool = startRaw(threads)
  const half = Math.ceil(shape.lanes / threads)
  const body = async () => {
    let values: ReadonlyArray<number> = Array.from({ length: shape.lanes }, (_, lane) => lane)
    for (let batch = 0; batch < shape.batches; batch++) {
      const parts = Array.from({ length: threads }, (_, part) => values.slice(part * half, (part + 1) * half))
      values = (await Promise.all(parts.map((part) => pool.send<ReadonlyArray<number>>(part)))).flat()
    }
    return values
  }
  return { round: () => measured(shape, body), stop: pool.stop }
}

/** The part of Piscina and Tinypool that is used. */
interface Pool {
  readonly run: (task: number) => Promise<number>
  readonly destroy: () => Promise<void>
}
type PoolClass = new (options: Readonly<Record<string, unknown>>) => Pool

const filename = new URL("../peers/trivial.ts", import.meta.url).href
const fixed = { filename, minThreads: threads, maxThreads: threads, idleTimeout: Infinity, execArgv: [] }

interface Setting {
  readonly pattern: Pattern
  readonly options: Readonly<Record<string, unknown>>
}

const classPool = (shape: Shape, Class: PoolClass, { options, pattern }: Setting): Ready => {
  const pool = new Class({ ...fixed, ...options })
  return {
    round: () => measured(shape, () => pattern(shape, (value) => pool.run(value))),
    stop: () => pool.destroy()
  }
}

const piscina = async (shape: Shape, setting: Setting) =>
  classPool(shape, (await load<{ readonly Piscina: PoolClass }>("piscina")).Piscina, setting)

const tinypool = async (shape: Shape, setting: Setting) =>
  classPool(shape, (await load<{ readonly Tinypool: PoolClass }>("tinypool")).Tinypool, setting)

/** The tasks that a thread of Piscina and Tinypool may have at a time, where that is raised. */
export const concurrent = { concurrentTasksPerWorker: 32 }

export const trivialContenders = (shapeOf: (isTiny: boolean) => Shape): ReadonlyArray<Contender> => [
  {
    name: "cycle",
    about: "effect-converge, whole cycles of one job: eligibility, tasks on the pool, validation, merge, hash, events",
    start: async (isTiny) => ours(shapeOf(isTiny))
  },
  {
    name: "port",
    about: "effect-converge, the pool's port alone: `execute` of a batch, with the new values put into the ledger",
    start: (isTiny) => port(shapeOf(isTiny))
  },
  {
    name: "standing",
    about:
      "effect-converge, the pool's port alone, on a context that does not change: the workers have the number of a task in a fact, and answer with a number",
    computes: "standing",
    start: (isTiny) => standing(shapeOf(isTiny))
  },
  {
    name: "piscina",
    about: "Piscina with fixed threads, all tasks in flight, its default of one task a thread at a time",
    peer: "piscina",
    start: (isTiny) => piscina(shapeOf(isTiny), { pattern: byCalls, options: {} })
  },
  {
    name: "piscina-concurrent",
    about: `Piscina with fixed threads and \`concurrentTasksPerWorker: ${concurrent.concurrentTasksPerWorker}\`, so that threads need not wait for the next task`,
    peer: "piscina",
    start: (isTiny) => piscina(shapeOf(isTiny), { pattern: byCalls, options: concurrent })
  },
  {
    name: "piscina-stream",
    about: "the same without a barrier: each lane sends its next task as soon as its last one has ended",
    peer: "piscina",
    start: (isTiny) => piscina(shapeOf(isTiny), { pattern: byLanes, options: concurrent })
  },
  {
    name: "tinypool",
    about: `Tinypool with fixed threads and \`concurrentTasksPerWorker: ${concurrent.concurrentTasksPerWorker}\``,
    peer: "tinypool",
    start: (isTiny) => tinypool(shapeOf(isTiny), { pattern: byCalls, options: concurrent })
  },
  {
    name: "raw",
    about: "bare worker threads, one message a task, round robin",
    start: async (isTiny) => raw(shapeOf(isTiny), byCalls)
  },
  {
    name: "raw-stream",
    about: "bare worker threads, one message a task, without a barrier: each lane for itself",
    start: async (isTiny) => raw(shapeOf(isTiny), byLanes)
  },
  {
    name: "raw-batched",
    about: "bare worker threads, one message a thread and batch: the floor",
    start: async (isTiny) => rawBatched(shapeOf(isTiny))
  }
]
