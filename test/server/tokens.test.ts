/** Tokens with names and rights: what each may do, with which jobs, and what is told of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { parseTokens } from "../../src/server/tokens.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { count, signalled, waiting } from "../support/server/programs.ts"

let running: Running

beforeAll(async () => {
  running = await serve({
    programs: [count, waiting, signalled],
    tokens: [
      "everything",
      { name: "viewer", token: "looks", scopes: ["read"] },
      { name: "robot", token: "acts", scopes: ["steer"] },
      { name: "counter", token: "counts", programs: ["count"] },
      { name: "two", token: "both", programs: ["count", "signalled"] }
    ]
  })
  await running.post("/api/v1/jobs", { program: "waiting", id: "kept" }, { prefer: "respond-async" })
  await running.post("/api/v1/jobs", { program: "count", input: { to: 1 }, id: "counted" })
})
afterAll(() => running.stop())

const as = (token: string) => ({ authorization: `Bearer ${token}` })
const get = (path: string, token: string) => running.fetch(path, { headers: as(token) })
const post = (path: string, token: string, body?: object) => running.post(path, body, as(token))

describe("a token", () => {
  it("without rights of its own has all of them", async () => {
    expect((await get("/api/v1/jobs/kept", "everything")).status).toBe(200)
    expect((await post("/api/v1/jobs/kept/resume", "everything")).status).toBe(200)
    expect((await get("/metrics", "everything")).status).toBe(200)
  })

  it("that is not known, or is a part of one that is, is refused with 401", async () => {
    for (const token of ["", "else", "look", "looksx", "LOOKS", "viewer"]) {
      expect((await get("/api/v1/jobs", token)).status, token).toBe(401)
    }
  })

  it("for reading looks at everything, and steers nothing: 403", async () => {
    for (const path of [
      "/api/v1/jobs",
      "/api/v1/jobs/kept",
      "/api/v1/jobs/kept/facts",
      "/api/v1/programs",
      "/metrics"
    ]) {
      expect((await get(path, "looks")).status, path).toBe(200)
    }
    const refused = await post("/api/v1/jobs", "looks", { program: "count", input: { to: 1 }, id: "mine" })
    expect([refused.status, refused.headers.get("content-type")]).toEqual([403, "application/problem+json"])
    expect(await jsonOf(refused)).toMatchObject({
      type: "urn:effect-converge:Forbidden",
      detail: "the token does not have the scope steer"
    })
    for (const action of ["cancel", "pause", "resume"]) {
      expect((await post(`/api/v1/jobs/kept/${action}`, "looks")).status, action).toBe(403)
    }
    expect((await post("/api/v1/jobs/kept/signals", "looks", { facts: [] })).status).toBe(403)
    expect(await jsonOf(await get("/api/v1/jobs/kept", "looks"))).toMatchObject({ state: "running" })
    expect((await get("/api/v1/jobs/mine", "looks")).status).toBe(404)
  })

  it("for steering does not look", async () => {
    expect((await get("/api/v1/jobs", "acts")).status).toBe(403)
    expect((await post("/api/v1/jobs", "acts", { program: "count", input: { to: 1 } })).status).toBe(200)
  })

  it("of some programs has their jobs alone", async () => {
    const other = { program: "waiting", id: "other" }
    expect((await post("/api/v1/jobs", "counts", other)).status).toBe(403)
    expect((await post("/api/v1/jobs", "counts", { program: "count", input: { to: 1 } })).status).toBe(200)
    for (const path of ["", "/events", "/facts", "/facts/Step/1/explain"]) {
      expect((await get(`/api/v1/jobs/kept${path}`, "counts")).status, path).toBe(403)
      expect((await get(`/api/v1/jobs/none${path}`, "counts")).status, path).toBe(404)
    }
    for (const action of ["cancel", "pause", "resume"]) {
      expect((await post(`/api/v1/jobs/kept/${action}`, "counts")).status, action).toBe(403)
    }
    expect((await get("/api/v1/jobs/counted", "counts")).status).toBe(200)
    expect((await get("/metrics", "counts")).status).toBe(403)
    expect(await jsonOf(await get("/api/v1/jobs/kept", "everything"))).toMatchObject({ state: "running" })
  })

  it("of some programs is told of no others", async () => {
    const names = async (path: string, token: string): Promise<ReadonlyArray<string>> => {
      const body = await jsonOf(await get(path, token))
      const items = (body["jobs"] ?? body["programs"]) as ReadonlyArray<{ program?: string; name?: string }>
      return [...new Set(items.map(({ name, program }) => program ?? name ?? ""))].toSorted()
    }
    expect(await names("/api/v1/jobs", "everything")).toEqual(["count", "waiting"])
    expect(await names("/api/v1/jobs", "counts")).toEqual(["count"])
    expect(await names("/api/v1/jobs", "both")).toEqual(["count"])
    expect(await names("/api/v1/programs", "both")).toEqual(["count", "signalled"])
    expect((await get("/api/v1/jobs?program=waiting", "counts")).status).toBe(403)
  })
})

describe("a file of tokens", () => {
  it("has one a line, or JSON", () => {
    expect(parseTokens("# ours\none\n\n  two  \r\n")).toEqual({ tokens: ["one", "two"] })
    const tokens = ["one", { name: "a", token: "two", scopes: ["read"], programs: ["count"] }]
    expect(parseTokens(`\n ${JSON.stringify(tokens)}`)).toEqual({ tokens })
  })

  it.each([
    ["", "it holds no token"],
    ["# none\n", "it holds no token"],
    ["[]", "it holds no token"],
    ["one\ntop secret\n", "line 2: a token has visible characters of ASCII, and no comma"],
    ["[{", "it is no JSON"],
    [[5], "entry 1: it is no object"],
    [["one", {}], "entry 2: its name is missing"],
    [[{ name: "a" }], "entry 1: its token has visible characters of ASCII, and no comma"],
    [[{ name: "a", token: "top secret" }], "entry 1: its token has visible characters of ASCII, and no comma"],
    [[{ name: "a", token: "x", scopes: ["write"] }], "entry 1: its scopes are read, steer or both"],
    [[{ name: "a", token: "x", scopes: [] }], "entry 1: its scopes are read, steer or both"],
    [[{ name: "a", token: "x", programs: "count" }], "entry 1: its programs are a list of names"],
    [
      [{ name: "a", token: "x", scope: "read" }],
      "entry 1: there are name, token, scopes and programs, and nothing else"
    ],
    [
      [
        { name: "a", token: "x" },
        { name: "a", token: "y" }
      ],
      'two tokens are called "a"'
    ]
  ])("%j is refused, and not shown", (content, why) => {
    expect(parseTokens(typeof content === "string" ? content : JSON.stringify(content))).toEqual({ why })
  })

  it("is refused in code, too", async () => {
    const tokens = [{ name: "", token: "secret" }]
    const refused = serve({ programs: [count], tokens }).then((server) => server.stop())
    await expect(refused).rejects.toThrow("tokens takes tokens that can be used: its name is missing")
  })
})
