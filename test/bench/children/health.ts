/**
 * A server that is asked for /health: ours, or a plain one of Node's. Either is in a process with an engine and a pool of two
 * threads, which has jobs while it is told to. Input: which server, the tasks of
 * a cycle, and the steps of a task.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as ManagedRuntime from "effect/ManagedRuntime"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import type { Job } from "../../../src/job/Job.ts"
import { Engine, JobStore, server } from "../converge.ts"
import { spins } from "../programs/chain.ts"
import { poolOf } from "../support/engine.ts"

export interface HealthInput {
  readonly whose: "ours" | "node"
  readonly lanes: number
  readonly steps: number
}

export type HealthQuestion = "where" | "work" | "rest" | "cpu"

export interface HealthAnswer {
  readonly url: string
  /** Microseconds of CPU time of the process, and of its main thread. */
  readonly processUs: number
  readonly mainUs: number
}

const { lanes, steps, whose } = JSON.parse(process.argv[2]!) as HealthInput

const below = Engine.layer().pipe(Layer.provideMerge(poolOf(2)), Layer.provideMerge(JobStore.layerMemory))

const startPlain = async (): Promise<string> => {
  const plain = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/plain" })
    response.end("ok")
  })
  await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(plain.address() as AddressInfo).port}`
}

const { Server } = await server()
const runtime = ManagedRuntime.make(below)
const shared = Layer.effectContext(runtime.contextEffect)
const startOurs = async (): Promise<string> => {
  const ours = ManagedRuntime.make(Server.layer({ programs: [spins], port: 0 }).pipe(Layer.provide(shared)))
  return ours.runPromise(Effect.map(Server.Server, (it) => it.url))
}
const url = whose === "ours" ? await startOurs() : await startPlain()

/** Two jobs, so that threads have something to do while one of them commits. */
let jobs: ReadonlyArray<Job<typeof spins>> = []
const start = Engine.start(spins, { lanes, steps }, { budget: { maxCycles: Infinity, maxDuration: "1 hour" } })

const measured = (): HealthAnswer => {
  const all = process.cpuUsage()
  const main = process.threadCpuUsage()
  return { url, processUs: all.user + all.system, mainUs: main.user + main.system }
}

process.on("message", (question: HealthQuestion) => {
  const answer = async (): Promise<HealthAnswer> => {
    if (question === "work") jobs = await runtime.runPromise(Effect.all([start, start]))
    if (question === "rest") {
      await runtime.runPromise(Effect.forEach(jobs, (job) => job.cancel))
      jobs = []
    }
    return measured()
  }
  void answer().then((measurement) => process.send!(measurement))
})
process.once("disconnect", () => process.exit())
