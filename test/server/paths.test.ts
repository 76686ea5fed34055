/** Each route has one spelling of its path; every other one is unknown, so that no request passes the rules of a proxy. */
import * as HttpApi from "effect/http-api/HttpApi"
import { request } from "node:http"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Api } from "../../src/server/Server.ts"
import { type Running, serve } from "../support/server/harness.ts"
import { count, waiting } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve({ programs: [count, waiting] })
  await running.post("/api/v1/jobs", { program: "waiting", id: "kept" }, { prefer: "respond-async" })
  await running.post("/api/v1/jobs", { program: "count", id: "done", input: { to: 1 } })
})
afterAll(() => running.stop())

interface Answer {
  readonly status: number
  readonly text: string
}

/** Sends a path as it stands: `fetch` would make another one of it. */
const ask = (path: string, method = "GET"): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request(running.url, { method, path }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
        // A stream of events goes on.
        response.destroy()
      })
      response.on("close", () => resolve({ status: response.statusCode ?? 0, text }))
    })
    sent.on("error", reject).end()
  })

/** The parameter at the end of a path, of which some spellings are values of their own. */
const openEnd = "OPEN"

/** Every route, with a job and a fact in place of its parameters. */
const routes: Array<readonly [method: string, path: string]> = [
  ["GET", "/docs"],
  ["GET", "/inspector"],
  ["GET", "/openapi.json"]
]
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint }) => {
    const path = endpoint.path
      .replace(":id", "kept")
      .replace(":kind", "Step")
      .replace(":factId", "1")
      .replace(":approvalId", openEnd)
      .replace(":otherId", openEnd)
    routes.push([endpoint.method, path])
  }
})

const encoded = (path: string, at: number): string =>
  `${path.slice(0, at)}%${path.charCodeAt(at).toString(16)}${path.slice(at + 1)}`

/** Other spellings, which routers and proxies like to take for the same path. */
const misspelled = (path: string): ReadonlyArray<string> =>
  [
    path.toUpperCase(),
    path.replace(/\w(?=\w*$)/, (letter) => letter.toUpperCase()),
    `${path}/`,
    `${path}//`,
    `/${path}`,
    path.replace(/(?<=.)\//, "//"),
    `${path};`,
    `${path};x=1`,
    `${path}#`,
    `/.${path}`,
    `/x/..${path}`,
    `/x/%2e%2E${path}`,
    `${path}/.`,
    `${path}/%2e`,
    `/%2f${path.slice(1)}`,
    `${path}%20`,
    `${path}%00`,
    encoded(path, 1),
    encoded(path, path.length - 1),
    `${running.url}/x/..${path}`,
    `${running.url}/${path}`
  ].filter((other) => other !== path && !(path.endsWith(openEnd) && ownValue.test(other)))

/** A path that ends in another value of its parameter. */
const ownValue = new RegExp(`/${openEnd}(?:%20|%00)$`)

describe("a path that is spelled otherwise than its route", () => {
  it.each(routes)("is unknown: %s %s", async (method, path) => {
    const answers = await Promise.all(
      misspelled(path).map(async (other) => [other, (await ask(other, method)).status] as const)
    )
    expect(answers.filter(([, status]) => status !== 404)).toEqual([])
    const job = await (await running.fetch("/api/v1/jobs/kept")).json()
    expect(job).toMatchObject({ state: "running" })
  })

  it("is unknown with a method that its route does not have, too", async () => {
    expect((await ask("/metrics", "POST")).status).toBe(405)
    expect((await ask("/Metrics", "POST")).status).toBe(404)
    expect((await ask("/metrics/", "POST")).status).toBe(404)
    expect((await ask("/api/v1/jobs/kept/events/", "DELETE")).status).toBe(404)
  })

  it("is unknown where a parameter has letters that need not be encoded, or is a dot segment", async () => {
    for (const id of ["%6bept", "k%65pt", "kept;x", "kept;", "kept%2", "kept%zz", ".", "..", "%2e%2e", ""]) {
      expect((await ask(`/api/v1/jobs/${id}/cancel`, "POST")).status, id).toBe(404)
    }
    expect((await ask("/api/v1/jobs/done/facts/St%65p/1/explain")).status).toBe(404)
  })
})

describe("a path that is spelled as its route", () => {
  it("is taken, in absolute form and with any query as well", async () => {
    const absolute = [`${running.url}/health`, `${running.url}/health?x`, `HTTP${running.url.slice(4)}/health`]
    for (const path of ["/health", "/health?", "/health?a/b;c", ...absolute]) {
      expect((await ask(path)).text, path).toBe("ok")
    }
    for (const path of ["/docs", "/inspector", "/openapi.json", "/metrics", "/ready", "/api/v1/jobs/kept/events"]) {
      expect((await ask(path)).status, path).toBe(200)
    }
  })

  it("may encode characters that need it in a parameter, in either case", async () => {
    for (const id of ["a%2fb", "a%2Fb", "a%20b", "a%3Bb", "%E2%82%AC", "a%7Eb", "a+b", "a:b@c"]) {
      const { status, text } = await ask(`/api/v1/jobs/done/facts/Step/${id}/explain`)
      expect(status).toBe(404)
      expect(JSON.parse(text), id).toMatchObject({
        type: "urn:effect-converge:UnknownFact",
        id: decodeURIComponent(id)
      })
    }
  })
})
