/**
 * Jobs in a server that is there already: its own routes for its tenants, with its own tokens, and the API of effect-converge
 * below /converge for its operator.
 *
 *     export TENANTS=acme=acme-secret,globex=globex-secret OPERATOR=operator-secret STORE=/tmp/tickets.db
 *     PORT=8080 node docs/examples/embedded-server/main.ts
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Engine, JobStore, WorkerPool } from "effect-converge"
import { Server } from "effect-converge/server"
import * as HttpRouter from "effect/http/HttpRouter"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import process from "node:process"
import { scriptedModel } from "./modelServer.ts"
import { support } from "./program.ts"
import { Closing, ownRoutes } from "./routes.ts"

/** A setting without a default: a server that made up its tokens would be open to everybody who has read this file. */
const setting = (name: string): string => {
  const value = process.env[name] ?? ""
  if (value === "") throw new Error(`${name} is not set`)
  return value
}

// Without tokens, the routes below /converge would show the jobs of every tenant to everybody.
const api = Server.routes({
  programs: [support],
  prefix: "/converge",
  tokens: [{ name: "operator", token: setting("OPERATOR") }]
})

const app = Layer.mergeAll(ownRoutes(setting("TENANTS")), api)

// Layers close from the top: streams end, the routes drain, the server closes, and the engine leaves its jobs in the file.
const server = Layer.mergeAll(Server.drained, Closing.told).pipe(
  Layer.provide(HttpRouter.serve(app, { disableLogger: true })),
  Layer.provide(Closing.layer),
  Layer.provide(
    NodeHttpServer.layer(() => createServer({ shouldUpgradeCallback: () => false }), {
      port: Number(process.env["PORT"] ?? 8080),
      host: "127.0.0.1"
    })
  ),
  // Jobs that the file has and that have not ended go on.
  Layer.provide(Engine.layer({ programs: [support] })),
  Layer.provide([WorkerPool.layer(), JobStore.layerSqlite({ filename: setting("STORE") }), scriptedModel])
)

NodeRuntime.runMain(Layer.launch(server))
