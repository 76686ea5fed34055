/** Routes in a router of one's own: beside other routes, under a prefix, and beside those of another server. */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { createServer } from "node:http"
import { describe, expect, it } from "vitest"
import { Engine, JobStore, WorkerPool } from "../../src/index.ts"
import { Server } from "../../src/server/index.ts"
import { jsonOf, serve } from "../support/server/harness.ts"
import { count, inline, waiting } from "../support/server/programs.ts"

type Mounted = ReturnType<typeof Server.routes>

/** Serves mounts beside a route of one's own, and tells how long closing it took. */
const mounted = async (mounts: readonly [Mounted, ...Array<Mounted>], use: (url: string) => Promise<void>) => {
  const own = HttpRouter.add("GET", "/mine", HttpServerResponse.text("mine"))
  const served = HttpRouter.serve(Layer.mergeAll(own, ...mounts), { disableLogger: true, disableListenLog: true })
  const layer = Server.drained.pipe(
    Layer.provideMerge(served),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
    Layer.provide(Engine.layer()),
    Layer.provide(WorkerPool.layerInline),
    Layer.provide(JobStore.layerMemory)
  ) as Layer.Layer<HttpServer.HttpServer, unknown>
  const scope = Scope.makeUnsafe()
  try {
    const context = await Effect.runPromise(Layer.buildWithScope(layer, scope))
    const { address } = Context.get(context, HttpServer.HttpServer)
    if (address._tag === "UnixPathAddress") throw new Error("not a port")
    await use(`http://127.0.0.1:${address.port}`)
  } finally {
    const begin = Date.now()
    await Effect.runPromise(Scope.close(scope, Exit.void))
    expect(Date.now() - begin).toBeLessThan(3_000)
  }
}

const post = (url: string, body: object, headers: Record<string, string> = {}) =>
  fetch(`${url}/api/v1/jobs`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })

describe("routes in a router of one's own", () => {
  it("stand under a prefix, beside others, and drain with the server", async () => {
    const routes = Server.routes({ programs: [count], prefix: "/converge", drainMs: 50 })
    await mounted([routes], async (url) => {
      expect(await (await fetch(`${url}/mine`)).text()).toBe("mine")
      const response = await post(
        `${url}/converge`,
        { program: "count", input: { to: 2 } },
        { prefer: "respond-async" }
      )
      expect(response.status).toBe(202)
      const place = new URL(String(response.headers.get("location")), response.url)
      expect(place.pathname).toMatch(/^\/converge\/api\/v1\/jobs\/./)
      expect((await fetch(place)).status).toBe(200)
      const lost = await fetch(`${url}/converge/none`)
      expect([lost.status, (await jsonOf(lost))["instance"]]).toEqual([404, "/converge/none"])
      expect((await fetch(`${url}/converge/health`, { method: "DELETE" })).headers.get("allow")).toBe("GET, HEAD")
      expect((await fetch(`${url}/none`)).status).toBe(404)
      const document = await jsonOf(await fetch(`${url}/converge/openapi.json`))
      expect(document).toMatchObject({ servers: [{ url: "/converge" }] })
    })
  })

  it("have tokens, programs and limits of their own, beside other such routes", async () => {
    const open = Server.routes({ programs: [count], prefix: "/public", maxBodyBytes: 1_024, drainMs: 50 })
    const closed = Server.routes({ programs: [waiting], prefix: "/admin", tokens: ["secret"], drainMs: 50 })
    const other = Server.routes({ programs: [count, waiting], prefix: "/other", tokens: ["else"], drainMs: 50 })
    await mounted([open, closed, other], async (url) => {
      const programs = async (prefix: string, token?: string): Promise<unknown> => {
        const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
        const response = await fetch(`${url}${prefix}/api/v1/programs`, { headers })
        if (response.status !== 200) return response.status
        return ((await jsonOf(response))["programs"] as ReadonlyArray<{ name: string }>).map(({ name }) => name)
      }
      expect(await programs("/public")).toEqual(["count"])
      expect([await programs("/admin"), await programs("/admin", "else")]).toEqual([401, 401])
      expect(await programs("/admin", "secret")).toEqual(["waiting"])
      expect([await programs("/other"), await programs("/other", "secret")]).toEqual([401, 401])
      expect(await programs("/other", "else")).toEqual(["count", "waiting"])
      const authorization = "Bearer secret"
      const started = await post(
        `${url}/admin`,
        { program: "waiting", id: "theirs" },
        { authorization, prefer: "respond-async" }
      )
      expect(started.status).toBe(202)
      expect((await fetch(`${url}/public/api/v1/jobs/theirs/cancel`, { method: "POST" })).status).toBe(404)
      const large = { program: "none", input: "x".repeat(2_000) }
      expect((await post(`${url}/public`, large)).status).toBe(413)
      expect((await post(`${url}/admin`, large, { authorization })).status).toBe(404)
    })
  })

  it("refuse options that cannot work", async () => {
    const build = (options: Partial<Server.ServerOptions<never>>) =>
      serve({ programs: inline, ...options }).then((running) => running.stop())
    await expect(build({ maxBodyBytes: 0.5 })).rejects.toThrow("maxBodyBytes takes a whole number")
    await expect(build({ port: -1 })).rejects.toThrow("port takes")
    await expect(build({ host: "0.0.0.0" })).rejects.toThrow("needs a token")
    await expect(serve({ programs: [count, count] })).rejects.toThrow('two programs are called "count"')
  })
})
