/**
 * Jobs beside the routes of a server that is there already: its own at /, those of effect-converge below /converge.
 *
 * `PORT=8080 node docs/examples/embedded-server/main.ts`, and then
 *
 *     curl -s localhost:8080/tickets -d '{"T1": "I was charged twice"}' -H 'content-type: application/json'
 *     curl -s localhost:8080/converge/api/v1/jobs
 *     curl -s localhost:8080/converge/metrics
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import { Server } from "effect-converge/server"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createServer } from "node:http"
import process from "node:process"
import { scriptedModel } from "./modelServer.ts"
import { support } from "./program.ts"

const Tickets = Schema.Record(Schema.String, Schema.String)

/** The server's own routes. One of them runs a job, on the engine that the routes below /converge have, too. */
const own = Layer.mergeAll(
  HttpRouter.add("GET", "/", HttpServerResponse.text("the shop's own server\n")),
  HttpRouter.add(
    "POST",
    "/tickets",
    Effect.gen(function* () {
      const tickets = yield* HttpServerRequest.schemaBodyJson(Tickets)
      const { output, usage } = yield* Engine.run(support, { tickets })
      return HttpServerResponse.jsonUnsafe({ sorted: output, tokens: usage.tokens })
    }).pipe(
      Effect.catchTag("SchemaError", ({ message }) =>
        Effect.succeed(HttpServerResponse.text(message, { status: 400 }))
      ),
      // The model cannot be had, or says what nobody can use: the typed error of the job says which.
      Effect.catchTag("AgentFailed", ({ message }) => Effect.succeed(HttpServerResponse.text(message, { status: 502 })))
    )
  )
)

const app = Layer.mergeAll(own, Server.routes({ programs: [support], prefix: "/converge" }))

const server = Server.drained.pipe(
  Layer.provide(HttpRouter.serve(app, { disableLogger: true })),
  Layer.provide(NodeHttpServer.layer(createServer, { port: Number(process.env["PORT"] ?? 8080), host: "127.0.0.1" })),
  // With a file instead, jobs go on after a restart: JobStore.layerSqlite({ filename: "jobs.db" }).
  Layer.provide(Engine.layer({ programs: [support] })),
  Layer.provide([WorkerPool.layer(), JobStore.layerMemory, scriptedModel])
)

NodeRuntime.runMain(Layer.launch(server))
