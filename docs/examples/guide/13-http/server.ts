/**
 * A server of jobs: `PORT=8080 node docs/examples/guide/13-http/server.ts`
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import { Server } from "effect-converge/server"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import process from "node:process"
import { concordance } from "./program.ts"

const programs = [concordance]

const server = Server.layer({ programs, port: Number(process.env["PORT"] ?? 8080) }).pipe(
  // `programs`: the jobs that the last process left unfinished go on.
  Layer.provide(Engine.layer({ programs })),
  Layer.provide([WorkerPool.layer(), JobStore.layerSqlite({ filename: process.env["STORE"] ?? "jobs.db" })])
)

const greeting = Layer.effectDiscard(
  Effect.flatMap(Server.Server, ({ url }) =>
    Console.log(`jobs of ${programs.map(({ name }) => name).join(", ")} on ${url}`)
  )
)

NodeRuntime.runMain(Layer.launch(Layer.provide(greeting, server)))
