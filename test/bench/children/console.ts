/**
 * A process that runs jobs which somebody may look at: on an engine alone, or on one with the server whose console shows them.
 * Input: whether it has a server, and the file of its store, if it has one.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as References from "effect/References"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { Engine, JobStore, server } from "../converge.ts"
import { began, type Growing, grows, type Turning, turns } from "../programs/console.ts"
import { poolOf } from "../support/engine.ts"

export interface ConsoleInput {
  readonly isServed: boolean
  readonly file?: string
}

/**
 * An order as JSON. `Run` answers when the job has ended, `Start` at once. `Fill` runs so many jobs of one cycle. `Serve` starts
 * the server, or stops it, and collects garbage: nothing of the job before is left.
 */
export type ConsoleOrder =
  | { readonly _tag: "Look" }
  | { readonly _tag: "Serve"; readonly isServed: boolean }
  | { readonly _tag: "Run"; readonly id: string; readonly grows: Growing }
  | { readonly _tag: "Start"; readonly id: string; readonly turns: Turning }
  | { readonly _tag: "Cancel"; readonly id: string }
  | { readonly _tag: "Fill"; readonly jobs: number }

export interface ConsoleAnswer {
  readonly url: string
  /** Milliseconds of the job, from the end of its hold on, and CPU milliseconds of this process meanwhile. */
  readonly ms: number
  readonly cpuMs: number
  /** The hash of the job's context. */
  readonly hash: string
  readonly heapMb: number
  /** The longest time that the event loop had no turn since the last look, in milliseconds. */
  readonly stallMs: number
}

const { file, isServed } = JSON.parse(process.argv[2]!) as ConsoleInput
const quiet = Layer.succeed(References.MinimumLogLevel, "None")
const store = file === undefined ? JobStore.layerMemory : JobStore.layerSqlite({ filename: file })
const below = Engine.layer().pipe(Layer.provideMerge(poolOf(0)), Layer.provideMerge(store), Layer.provideMerge(quiet))
const runtime = ManagedRuntime.make(below)

let serving: { readonly url: string; readonly stop: () => Promise<void> } | undefined

const startServer = async () => {
  const { Server } = await server()
  const shared = Layer.effectContext(runtime.contextEffect)
  const ours = ManagedRuntime.make(
    Server.layer({ programs: [grows, turns], port: 0 }).pipe(Layer.provide(shared), Layer.provideMerge(quiet))
  )
  return { url: await ours.runPromise(Effect.map(Server.Server, (it) => it.url)), stop: () => ours.dispose() }
}

const serve = async (isWanted: boolean): Promise<void> => {
  if (isWanted) serving ??= await startServer()
  else {
    const before = serving
    serving = undefined
    await before?.stop()
  }
}
await serve(isServed)
const monitor = monitorEventLoopDelay({ resolution: 1 })
monitor.enable()

const answerWith = (found: Partial<ConsoleAnswer>): ConsoleAnswer => {
  const stallMs = monitor.max / 1e6
  monitor.reset()
  return {
    url: serving?.url ?? "",
    ms: 0,
    cpuMs: 0,
    hash: "",
    heapMb: process.memoryUsage().heapUsed / 1e6,
    stallMs,
    ...found
  }
}

const run = async (id: string, input: Growing): Promise<ConsoleAnswer> => {
  const before = process.cpuUsage()
  const { hash } = await runtime.runPromise(Engine.run(grows, input, { id }))
  const ms = performance.now() - began.at
  const { system, user } = process.cpuUsage(before)
  return answerWith({ ms, cpuMs: (user + system) / 1_000, hash })
}

const fill = (jobs: number): Promise<void> => {
  const numbers = Array.from({ length: jobs }, (_, n) => n)
  const one = (n: number) => Engine.run(turns, { cycles: 1, lanes: 1, ms: 0 }, { id: `job-${n}` })
  return runtime.runPromise(Effect.forEach(numbers, one, { concurrency: 256, discard: true }))
}

const answer = async (order: ConsoleOrder): Promise<ConsoleAnswer> => {
  switch (order._tag) {
    case "Run":
      return run(order.id, order.grows)
    case "Start":
      await runtime.runPromise(Engine.start(turns, order.turns, { id: order.id }))
      return answerWith({})
    case "Cancel": {
      const job = await runtime.runPromise(Engine.resume(turns, order.id))
      await runtime.runPromise(job.cancel)
      return answerWith({})
    }
    case "Fill":
      await fill(order.jobs)
      return answerWith({})
    case "Serve":
      await serve(order.isServed)
      globalThis.gc?.()
      return answerWith({})
    case "Look":
      return answerWith({})
  }
}

process.on("message", (order: string) => {
  void answer(JSON.parse(order) as ConsoleOrder).then((found) => process.send!(found))
})
process.once("disconnect", () => process.exit())
