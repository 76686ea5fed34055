/**
 * Makes a file of orders and reports on it, with its time and memory.
 *
 *     node docs/examples/data-quality/main.ts --rows 200000 --workers 2
 *     node docs/examples/data-quality/main.ts --rows 200000 --plain
 */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import { performance } from "node:perf_hooks"
import process from "node:process"
import { parseArgs } from "node:util"
import { csv } from "./generate.ts"
import { plainReport } from "./plain.ts"
import { quality } from "./program.ts"

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "2" },
    batch: { type: "string", default: "5000" },
    plain: { type: "boolean", default: false }
  }
})

const program = Effect.gen(function* () {
  const fileSystem = yield* FileSystem.FileSystem
  const path = yield* fileSystem.makeTempFileScoped({ suffix: ".csv" })
  yield* fileSystem.writeFileString(path, csv(Number(values.rows), Number(values.seed)))
  const begin = performance.now()
  const before = process.cpuUsage()
  const report = values.plain
    ? plainReport(yield* fileSystem.readFileString(path))
    : yield* Engine.run(quality, { path, batch: Number(values.batch) }).pipe(Effect.map(({ output }) => output))
  const seconds = ((performance.now() - begin) / 1000).toFixed(2)
  const { system, user } = process.cpuUsage(before)
  const cpu = ((system + user) / 1e6).toFixed(2)
  const memory = Math.round(process.resourceUsage().maxRSS / 1024)
  yield* Console.log(JSON.stringify(report, null, 2))
  yield* Console.log(`${seconds} s, ${cpu} s of CPU time on all threads, ${memory} MiB at most`)
}).pipe(Effect.scoped)

const engine = Engine.layer().pipe(
  Layer.provide([WorkerPool.layer({ size: Number(values.workers) }), JobStore.layerMemory])
)

await Effect.runPromise(Effect.provide(program, [engine, NodeServices.layer]))
