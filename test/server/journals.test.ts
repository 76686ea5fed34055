/** Journals over HTTP: what the store has, in pages of a bounded size, for tokens that may see the job. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import * as Schema from "effect/Schema"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { asks, count } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-journals-"))
const filename = join(folder, "jobs.db")
const Page = Fact.kind("Page", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n)
})

/** Commits five pages, each of 900,000 characters. */
const long = Program.make("long", {
  input: Schema.Struct({}),
  seed: () => [Page.of({ n: 0, text: "" })],
  agents: [
    Agent.make("write", {
      each: Page,
      writes: [Page],
      execute: ({ value: { n } }) =>
        Effect.succeed({ facts: n < 5 ? [Page.of({ n: n + 1, text: `${n}`.padEnd(900_000, ".") })] : [] })
    })
  ]
})

const tokens = [
  { name: "all", token: "all" },
  { name: "counts", token: "counts", programs: ["count"] },
  { name: "reads", token: "reads", scopes: ["read" as const] },
  { name: "steers", token: "steers", scopes: ["steer" as const] }
]

let running: Running
beforeAll(async () => {
  running = await serve({ programs: [asks, long, count], tokens }, { store: JobStore.layerSqlite({ filename }) })
  await running.post("/api/v1/jobs", { program: "count", id: "co", input: { to: 3 } })
  await running.post("/api/v1/jobs", { program: "long", id: "ch", input: {} })
  expect((await running.post("/api/v1/jobs/ch/fork", { id: "ch-fork" })).status).toBe(202)
  await until(async () => (await stateOf(running, "ch-fork")) === "converged")
  await running.post("/api/v1/jobs", { program: "asks", id: "open" }, { prefer: "respond-async" })
  await until(async () => (await stateOf(running, "open")) === "awaiting")
})
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
})

const get = async (path: string, token = "all") => {
  const response = await running.fetch(`/api/v1/${path}`, { headers: { authorization: `Bearer ${token}` } })
  return { status: response.status, body: await jsonOf(response) }
}

/** Reads the file beside the server. */
const inFile = <A>(use: (store: JobStore.JobStore["Service"]) => Effect.Effect<A, JobStore.StoreError>): Promise<A> =>
  JobStore.JobStore.use(use).pipe(
    Effect.provide(JobStore.layerSqlite({ filename, readOnly: true })),
    Effect.scoped,
    Effect.runPromise
  )

/** An object as JSON has it, with null in place of undefined. */
const nulls = (value: object) =>
  Object.fromEntries(Object.entries(value).map(([key, field]: [string, unknown]) => [key, field ?? null]))

describe("a journal over HTTP", () => {
  it.each(["co", "ch", "ch-fork", "open"])("has its beginning and its end as the store has them: %s", async (id) => {
    const stored = await inFile(({ load }) => load(id))
    const attempts = stored.attempts === undefined ? null : nulls(stored.attempts)
    expect(await get(`jobs/${id}/journal`)).toEqual({
      status: 200,
      body: { error: null, ...nulls(stored), attempts }
    })
  })

  it("has its rows in pages of a bounded size, and each once", async () => {
    for (const [id, pages] of [
      ["co", 1],
      ["ch", 2]
    ] as const) {
      const stored = await inFile(({ rows }) => Stream.runCollect(rows(id, 0)))
      const found: Array<{ readonly cycle: number }> = []
      let asked = 0
      for (let hasMore = true; hasMore; asked++) {
        const { body } = await get(`jobs/${id}/journal/rows?after=${found.at(-1)?.cycle ?? 0}`)
        found.push(...(body["rows"] as typeof found))
        hasMore = body["hasMore"] === true
      }
      expect(found).toEqual(stored)
      expect(asked).toBeGreaterThanOrEqual(pages)
    }
    const { body } = await get("jobs/co/journal/rows?after=1&until=2")
    expect(body).toMatchObject({ rows: [{ cycle: 2 }], hasMore: false })
  })

  it("has the context under a cycle in pages, and none where there is none", async () => {
    const stored = await inFile(({ base }) => Stream.runCollect(base("ch-fork", 0)))
    const found: Array<string> = []
    let asked = 0
    for (let hasMore = true; hasMore; asked++) {
      const { body } = await get(`jobs/ch-fork/journal/base?cycle=0&after=${found.length}`)
      found.push(...(body["pieces"] as ReadonlyArray<string>))
      hasMore = body["hasMore"] === true
    }
    expect(found).toEqual(stored)
    expect(asked).toBeGreaterThan(1)
    expect((await get("jobs/co/journal/base?cycle=1")).body).toEqual({ pieces: [], hasMore: false })
    expect((await get("jobs/co/journal/kept")).body).toEqual({ kept: [] })
  })

  it("is listed as the store lists it, page by page", async () => {
    const stored = await inFile(({ list }) => list())
    const { body } = await get("journals")
    expect((body["jobs"] as ReadonlyArray<{ jobId: string }>).map(({ jobId }) => jobId)).toEqual(
      stored.jobs.map(({ jobId }) => jobId)
    )
    const first = await get("journals?limit=1&status=unfinished")
    expect(first.body).toMatchObject({ jobs: [{ jobId: "open", status: null, isHeld: true }], cursor: null })
    const page = await get("journals?limit=1")
    const next = await get(`journals?limit=1&cursor=${encodeURIComponent(String(page.body["cursor"]))}`)
    expect([...(page.body["jobs"] as []), ...(next.body["jobs"] as [])]).toEqual((body["jobs"] as []).slice(0, 2))
    expect(await get("journals?cursor=x")).toMatchObject({
      status: 400,
      body: { detail: expect.stringContaining("cursor") }
    })
  })

  it("is for tokens that may read the job", async () => {
    for (const path of ["journal", "journal/rows", "journal/base", "journal/kept"]) {
      expect((await get(`jobs/co/${path}`, "counts")).status).toBe(200)
      expect(await get(`jobs/ch/${path}`, "counts")).toMatchObject({ status: 403, body: { title: expect.any(String) } })
      expect((await get(`jobs/co/${path}`, "steers")).status).toBe(403)
      expect((await get(`jobs/co/${path}`, "nobody")).status).toBe(401)
      expect((await get(`jobs/none/${path}`)).status).toBe(404)
    }
    expect((await get("journals", "counts")).body).toMatchObject({ jobs: [{ jobId: "co" }], cursor: null })
    expect((await get("journals?program=long", "counts")).status).toBe(403)
    expect((await get("journals", "steers")).status).toBe(403)
  })

  it("is in a copy of the whole store, for a token with all programs that may steer", async () => {
    const copy = (token: string) =>
      running.fetch("/api/v1/backup", { method: "POST", headers: { authorization: `Bearer ${token}` } })
    for (const [token, status] of [
      ["counts", 403],
      ["reads", 403],
      ["nobody", 401]
    ] as const) {
      expect((await copy(token)).status, token).toBe(status)
    }
    const made = join(folder, "copy.db")
    // One after the other: the place of a copy is free when its answer has been sent.
    for (const token of ["all", "steers"]) {
      let answer = await copy(token)
      // The request before may still be let go of.
      await until(async () => answer.status === 200 || (answer = await copy(token)).status === 200)
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/vnd.sqlite3"])
      writeFileSync(made, Buffer.from(await answer.arrayBuffer()))
    }
    const ids = (store: string) =>
      JobStore.JobStore.use(({ list }) => list()).pipe(
        Effect.map(({ jobs }) => jobs.map(({ jobId }) => jobId)),
        Effect.provide(JobStore.layerSqlite({ filename: store, readOnly: true })),
        Effect.scoped,
        Effect.runPromise
      )
    expect(await ids(made)).toEqual(await ids(filename))
    expect(readdirSync(folder).filter((name) => !/^(jobs|copy)\.db(-wal|-shm)?$/.test(name))).toEqual([])
  })

  it("is a 409 of a server that keeps none", async () => {
    const memory = await serve({ programs: [count] })
    await memory.post("/api/v1/jobs", { program: "count", id: "co", input: { to: 3 } })
    for (const path of ["journals", "jobs/co/journal", "jobs/co/journal/rows", "jobs/co/journal/base"]) {
      const response = await memory.fetch(`/api/v1/${path}`)
      expect(response.status).toBe(409)
      expect(await jsonOf(response)).toMatchObject({ type: "urn:effect-converge:NoJournal" })
    }
    const copied = await memory.post("/api/v1/backup")
    expect([copied.status, await jsonOf(copied)]).toMatchObject([409, { type: "urn:effect-converge:NoJournal" }])
    await memory.stop()
  })
})
