/** The parameters of queries: a route takes those of its definition, and refuses others by their names. */
import * as HttpApi from "effect/http-api/HttpApi"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Api } from "../../src/server/Server.ts"
import { parametersOf } from "../../src/server/parameters.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { count } from "../support/server/programs.ts"

let running: Running
beforeAll(async () => {
  running = await serve({ programs: [count] })
  await running.post("/api/v1/jobs", { program: "count", input: { to: 2 }, id: "it" })
})
afterAll(() => running.stop())

interface Route {
  readonly method: string
  readonly path: string
  readonly names: ReadonlyArray<string>
}

const routes: Array<Route> = []
HttpApi.reflect(Api, {
  onGroup: () => undefined,
  onEndpoint: ({ endpoint }) => {
    const path = endpoint.path.replaceAll(/:\w+/g, "1")
    routes.push({ method: endpoint.method, path, names: parametersOf(endpoint) })
  }
})

const ask = async ({ method, path }: Route, query: string): Promise<Readonly<Record<string, unknown>>> => {
  const response = await running.fetch(`${path}?${query}`, { method })
  const body = response.status === 400 ? await jsonOf(response) : { detail: "" }
  await response.body?.cancel().catch(() => undefined)
  return { status: response.status, ...body }
}

describe("a parameter of a query", () => {
  it("is refused if it is given twice and takes one value", async () => {
    for (const query of ["limit=2&limit=3", "status=failed&status=running", "before=0:&before=0:"]) {
      const name = query.split("=")[0]!
      const { detail, status } = await ask({ method: "GET", path: "/api/v1/jobs", names: [] }, query)
      expect([status, detail]).toEqual([400, `query.${name}: it is given more than once, and takes one value`])
    }
    const twice = "attribute=a:1&attribute=b:2"
    expect(await ask({ method: "GET", path: "/api/v1/jobs", names: [] }, twice)).toMatchObject({ status: 200 })
  })

  it("such as the id of a job is refused with the rule in words", async () => {
    for (const id of ["a/b", "", "..", "\ud800"]) {
      const response = await running.post("/api/v1/jobs", { program: "count", input: { to: 2 }, id })
      expect(response.status).toBe(400)
      expect((await jsonOf(response))["detail"]).toContain(
        "Expected the id of a job: at most 200 characters, no control"
      )
    }
  })

  it("that the route does not have is refused by its name, on every route but those for monitors", async () => {
    const ofMonitors = routes.filter(({ path }) => !path.startsWith("/api/v1/"))
    expect(ofMonitors.map(({ path }) => path).toSorted()).toEqual(["/health", "/metrics", "/ready"])
    for (const route of ofMonitors) expect((await ask(route, "sice=3")).status, route.path).toBe(200)
    expect(routes.length).toBeGreaterThan(30)
    for (const route of routes.filter((each) => !ofMonitors.includes(each))) {
      const { method, names, path } = route
      const there = names.length === 0 ? "this route has none" : `there are ${names.join(", ")}`
      const message = `there is no such parameter: ${there}`
      expect(await ask(route, "sice=3"), `${method} ${path}`).toMatchObject({
        status: 400,
        type: "urn:effect-converge:InvalidRequest",
        detail: `query.sice: ${message}`,
        errors: [{ path: ["query", "sice"], message }]
      })
    }
  })

  it("that the route has is not refused so", async () => {
    expect(routes.filter(({ names }) => names.length > 0).length).toBeGreaterThan(12)
    for (const route of routes) {
      for (const name of route.names) {
        const answer: object = await ask(route, `${name}=1`)
        expect(JSON.stringify(answer), `${route.path} ${name}`).not.toContain("no such parameter")
      }
    }
  })

  it("is refused beside others that are right, with all that are wrong", async () => {
    const refused = await running.fetch("/api/v1/jobs?limit=1&status=failed&staus=failed&Limit=2&%F0%9F%8C%8D=1")
    expect([refused.status, await jsonOf(refused)]).toMatchObject([
      400,
      { errors: [{ path: ["query", "staus"] }, { path: ["query", "Limit"] }, { path: ["query", "🌍"] }] }
    ])
  })
})

describe("the id of a fact", () => {
  it.each(["explain", "lineage", "history"])("is `fact` or `id` for %s, and not both", async (route) => {
    const path = `/api/v1/jobs/it/${route}?kind=Step`
    const [named, other] = [await running.fetch(`${path}&fact=1`), await running.fetch(`${path}&id=1`)]
    expect(named.status).toBe(200)
    expect(await jsonOf(other)).toEqual(await jsonOf(named))
    for (const wrong of ["", "&id=1&fact=1", "&id=1&factJson=%221%22"]) {
      const refused = await running.fetch(path + wrong)
      expect([refused.status, (await jsonOf(refused))["detail"]]).toEqual([
        400,
        expect.stringContaining("only one of them")
      ])
    }
  })
})
