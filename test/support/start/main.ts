/** Runs the program on a worker, and prints its output. Argument: a module that the worker preloads. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Engine, JobStore, WorkerPool } from "../../../src/index.ts"
import { start } from "./program.ts"

const preloaded = process.argv[2]
const pool = WorkerPool.layer({ size: 1, execArgv: preloaded === undefined ? [] : ["--import", preloaded] })
const engine = Engine.layer().pipe(Layer.provide([pool, JobStore.layerMemory]))
const { output } = await Effect.runPromise(Effect.provide(Engine.run(start, {}), engine))
console.log(JSON.stringify(output))
