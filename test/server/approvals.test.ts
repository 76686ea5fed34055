/** Approvals over HTTP: the open ones, of one job and of all, and their decisions, which are committed once or not at all. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { Agent, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { count } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-approvals-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Ask = Fact.kind("Ask", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => `ask ${id}` })

/** Asks for a decision about each id, all in one cycle, and tells who decided what. */
const makeAsks = (name: string) =>
  Program.make(name, {
    input: Schema.Struct({ ids: Schema.Array(Schema.String) }),
    seed: ({ ids }) => ids.map((id) => Ask.of({ id })),
    agents: [
      Agent.make("ask", {
        each: Ask,
        execute: ({ value: { id } }) =>
          Effect.succeed({ intents: [Intent.approval({ id, question: `${id}?`, data: { id }, timeout: "1 hour" })] })
      })
    ],
    output: (view) => view.all(Intent.Decision).map(({ value }) => value)
  })
const asks = makeAsks("asks")
const others = makeAsks("others")

interface Approval {
  readonly jobId: string
  readonly id: string
  readonly since: number
}

const begin = async (running: Running, id: string, ids: ReadonlyArray<string>, program = "asks"): Promise<void> => {
  await running.post("/api/v1/jobs", { program, id, input: { ids } }, { prefer: "respond-async" })
  await until(async () => (await stateOf(running, id)) === "awaiting")
}

const pageOf = async (running: Running, path: string, headers: Record<string, string> = {}) => {
  const response = await running.fetch(`/api/v1${path}`, { headers })
  expect(response.status, path).toBe(200)
  return (await jsonOf(response)) as unknown as {
    approvals: ReadonlyArray<Approval>
    unread: ReadonlyArray<string>
    cursor: string | null
    previous: string | null
  }
}

/** The names of the pages of a list from a place, backwards, in the order in which they are asked for. */
const backFrom = async (running: Running, path: string, limit: number, place: string | null) => {
  const pages: Array<ReadonlyArray<string>> = []
  for (let before = place; before !== null;) {
    const query: string = new URLSearchParams({ limit: String(limit), before }).toString()
    const page = await pageOf(running, `${path}?${query}`)
    pages.push(page.approvals.map(({ id, jobId }) => `${jobId}: ${id}`))
    before = page.previous
    if (pages.length > 100) throw new Error("the pages have no end")
  }
  return pages
}

/** All pages of a list. */
const allOf = async (running: Running, path: string, limit: number, headers: Record<string, string> = {}) => {
  const pages: Array<ReadonlyArray<Approval>> = []
  let cursor: string | null = ""
  while (cursor !== null) {
    const query = new URLSearchParams({ limit: String(limit), ...(cursor === "" ? {} : { cursor }) })
    const page = await pageOf(running, `${path}?${query.toString()}`, headers)
    pages.push(page.approvals)
    ;({ cursor } = page)
    if (pages.length > 100) throw new Error("the pages have no end")
  }
  return { pages, names: pages.flat().map(({ id, jobId }) => `${jobId}: ${id}`) }
}

const using = async (running: Running, use: (running: Running) => Promise<void>): Promise<void> => {
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

const oddIds = [".", "..", "a/b", "a;b", "%2F", "?", "#", "é 漢 😀", "\u0000\n", "\ud800", '"', "__proto__"]

describe("the open approvals of a job", () => {
  it("are shown with question, data and time, and leave when they are decided, or the job ends", async () => {
    await using(await serve({ programs: [asks] }), async (running) => {
      const before = Date.now()
      await begin(running, "it", ["b", "a"])
      const { approvals, cursor, unread } = await pageOf(running, "/jobs/it/approvals")
      const shown = { jobId: "it", program: "asks", timeoutMs: 3_600_000 }
      expect(approvals).toMatchObject([
        { ...shown, id: "a", question: "a?", data: { id: "a" } },
        { ...shown, id: "b", question: "b?", data: { id: "b" } }
      ])
      expect([cursor, unread]).toEqual([null, []])
      expect(approvals[0]!.since).toBeGreaterThanOrEqual(before)
      const answer = await running.post("/api/v1/jobs/it/approvals/b", { decision: "approve", by: "Ada", note: "fine" })
      expect([answer.status, (await jsonOf(answer))["jobId"]]).toEqual([200, "it"])
      expect((await pageOf(running, "/jobs/it/approvals")).approvals).toMatchObject([{ id: "a" }])
      await running.post("/api/v1/jobs/it/approvals/a", { decision: "reject" })
      await until(async () => (await stateOf(running, "it")) === "converged")
      expect((await pageOf(running, "/jobs/it/approvals")).approvals).toEqual([])
      const { result } = await jsonOf(await running.fetch("/api/v1/jobs/it"))
      expect((result as { output: unknown }).output).toEqual([
        { approval: "b", approved: true, by: "Ada", reason: "fine" },
        { approval: "a", approved: false, by: "anybody", reason: "" }
      ])
    })
  })

  it("come page by page, none twice and none left out, also if others are decided between two pages", async () => {
    await using(await serve({ programs: [asks] }), async (running) => {
      const ids = Array.from({ length: 10 }, (_, n) => String(n))
      await begin(running, "it", [...ids].reverse())
      const { pages } = await allOf(running, "/jobs/it/approvals", 4)
      expect(pages.map((page) => page.map(({ id }) => id))).toEqual([ids.slice(0, 4), ids.slice(4, 8), ids.slice(8)])
      const first = await pageOf(running, "/jobs/it/approvals?limit=4")
      for (const id of ["0", "3"]) await running.post(`/api/v1/jobs/it/approvals/${id}`, { decision: "approve" })
      const second = await pageOf(running, `/jobs/it/approvals?limit=4&cursor=${encodeURIComponent(first.cursor!)}`)
      expect(second.approvals.map(({ id }) => id)).toEqual(["4", "5", "6", "7"])
      const odd = await running.fetch("/api/v1/jobs/it/approvals?cursor=odd")
      expect([odd.status, (await jsonOf(odd))["type"]]).toEqual([400, "urn:effect-converge:InvalidRequest"])
    })
  })

  it("lead back page by page, and from a page behind the last one too", async () => {
    await using(await serve({ programs: [asks] }), async (running) => {
      await begin(running, "it", ["e", "d", "c", "b", "a"])
      const path = "/jobs/it/approvals"
      const first = await pageOf(running, `${path}?limit=2`)
      expect(first.previous).toBeNull()
      const second = await pageOf(running, `${path}?limit=2&cursor=${encodeURIComponent(first.cursor!)}`)
      expect(second.approvals.map(({ id }) => id)).toEqual(["c", "d"])
      expect(await backFrom(running, path, 2, second.previous)).toEqual([["it: a", "it: b"]])
      const behind = await pageOf(running, `${path}?cursor=${encodeURIComponent("999999999999999:")}`)
      expect([behind.approvals, behind.cursor]).toEqual([[], null])
      expect(await backFrom(running, path, 2, behind.previous)).toEqual([
        ["it: d", "it: e"],
        ["it: b", "it: c"],
        ["it: a"]
      ])
      const back = await pageOf(running, `${path}?limit=1&before=${encodeURIComponent(second.previous!)}`)
      const again = await pageOf(running, `${path}?limit=1&cursor=${encodeURIComponent(back.cursor!)}`)
      expect([back, again].map(({ approvals }) => approvals.map(({ id }) => id))).toEqual([["b"], ["c"]])
      const odd = await running.fetch("/api/v1/jobs/it/approvals?before=odd")
      expect([odd.status, (await jsonOf(odd))["detail"]]).toEqual([400, expect.stringContaining("query.before")])
    })
  })

  it("can have any id: each is decided by the body, and those that are segments by the path", async () => {
    await using(await serve({ programs: [asks] }), async (running) => {
      await begin(running, "body", oddIds)
      const { names } = await allOf(running, "/jobs/body/approvals", 1)
      expect(names).toHaveLength(oddIds.length)
      for (const approval of oddIds) {
        const answer = await running.post("/api/v1/jobs/body/approvals", { approval, decision: "approve" })
        expect(answer.status, JSON.stringify(approval)).toBe(200)
      }
      await until(async () => (await stateOf(running, "body")) === "converged")
      await begin(running, "path", ["é 漢 😀", "a b", "~"])
      for (const id of ["é 漢 😀", "a b", "~"]) {
        const path = `/api/v1/jobs/path/approvals/${encodeURIComponent(id)}`
        expect((await running.post(path, { decision: "reject" })).status, id).toBe(200)
      }
      for (const path of ["..", ".", "", "a;b"]) {
        const answer = await running.post(`/api/v1/jobs/path/approvals/${path}`, { decision: "reject" })
        expect([404, 405, 415], path).toContain(answer.status)
      }
    })
  })
})

describe("a decision", () => {
  const versionOf = async (running: Running, id: string) =>
    (await jsonOf(await running.fetch(`/api/v1/jobs/${id}`)))["version"]

  it("about an approval that is not open is refused, and commits nothing", async () => {
    await using(await serve({ programs: [asks, count] }), async (running) => {
      await begin(running, "it", ["a", "b"])
      await running.post("/api/v1/jobs/it/approvals/a", { decision: "approve" })
      const before = await versionOf(running, "it")
      const told = await running.post("/api/v1/jobs/it/approvals/a", { decision: "reject", by: "Eve" })
      expect(await jsonOf(told)).toMatchObject({
        decided: { approved: true, by: "anybody", note: "", cycle: 2 },
        detail: 'the approval "a" was approved by "anybody" in cycle 2'
      })
      for (const id of ["a", "none", "ask a"]) {
        const refused = await running.post("/api/v1/jobs/it/approvals", { approval: id, decision: "reject" })
        expect([refused.status, await jsonOf(refused)], id).toEqual([
          422,
          expect.objectContaining({ type: "urn:effect-converge:SignalRefused", reason: "approval", kind: "Decision" })
        ])
      }
      expect(await versionOf(running, "it")).toBe(before)
      await running.post("/api/v1/jobs", { program: "count", input: { to: 1 }, id: "over" })
      const over = await running.post("/api/v1/jobs/over/approvals/a", { decision: "approve" })
      expect([over.status, (await jsonOf(over))["jobStatus"]]).toEqual([409, "converged"])
      expect((await running.post("/api/v1/jobs/none/approvals/a", { decision: "approve" })).status).toBe(404)
      expect((await running.fetch("/api/v1/jobs/none/approvals")).status).toBe(404)
    })
  })

  it("that comes after the end of the job is told the one that came before, or that there was none", async () => {
    await using(await serve({ programs: [asks] }), async (running) => {
      await begin(running, "done", ["a"])
      await running.post("/api/v1/jobs/done/approvals/a", { decision: "reject", by: "Ada", note: "too dear" })
      await until(async () => (await stateOf(running, "done")) === "converged")
      const late = await running.post("/api/v1/jobs/done/approvals/a", { decision: "approve" })
      expect([late.status, await jsonOf(late)]).toEqual([
        409,
        expect.objectContaining({
          jobStatus: "converged",
          decided: { approved: false, by: "Ada", note: "too dear", cycle: 2 },
          detail: expect.stringContaining('the approval "a" was rejected by "Ada" in cycle 2: "too dear"')
        })
      ])
      await begin(running, "stopped", ["a"])
      await running.post("/api/v1/jobs/stopped/cancel", {})
      const none = await jsonOf(await running.post("/api/v1/jobs/stopped/approvals/a", { decision: "approve" }))
      expect(none).toMatchObject({ jobStatus: "cancelled" })
      expect(none).not.toHaveProperty("decided")
    })
  })

  it("of many at once is the one that came first; the others are refused", async () => {
    await using(await serve({ programs: [asks] }), async (running) => {
      await begin(running, "it", ["a", "b"])
      const decisions = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? "approve" : "reject"))
      const answers = await Promise.all(
        decisions.map((decision, n) => running.post("/api/v1/jobs/it/approvals/a", { decision, by: `person ${n}` }))
      )
      const statuses = answers.map(({ status }) => status)
      expect(statuses.filter((status) => status === 200)).toHaveLength(1)
      expect(statuses.filter((status) => status === 422)).toHaveLength(19)
      const { facts } = await jsonOf(await running.fetch("/api/v1/jobs/it/facts?kind=Decision"))
      expect(facts).toMatchObject([{ value: { by: `person ${statuses.indexOf(200)}` } }])
      expect(await stateOf(running, "it")).toBe("awaiting")
    })
  })

  it("with another body is refused for its shape", async () => {
    await using(await serve({ programs: [asks], maxBodyBytes: 10_000 }), async (running) => {
      await begin(running, "it", ["a"])
      const path = "/api/v1/jobs/it/approvals/a"
      const bodies = [
        {},
        { decision: "yes" },
        { decision: "approve", by: 1 },
        { decision: "approve", why: "" },
        [],
        "x"
      ]
      for (const body of bodies) {
        expect((await running.post(path, body)).status, JSON.stringify(body)).toBe(400)
      }
      expect((await running.post(path, { decision: "approve", note: "x".repeat(20_000) })).status).toBe(413)
      expect((await running.post(path, { decision: "approve" }, { "content-type": "text/plain" })).status).toBe(415)
      expect((await running.post("/api/v1/jobs/it/approvals", { decision: "approve" })).status).toBe(400)
      expect((await pageOf(running, "/jobs/it/approvals")).approvals).toHaveLength(1)
    })
  })

  it("is made in the name of the token, which needs the right to steer", async () => {
    const tokens = [
      "everything",
      { name: "viewer", token: "looks", scopes: ["read"] as const },
      { name: "release robot", token: "acts", scopes: ["steer"] as const },
      { name: "other", token: "elsewhere", programs: ["others"] }
    ]
    await using(await serve({ programs: [asks, others], tokens }), async (running) => {
      const as = (token: string) => ({ authorization: `Bearer ${token}` })
      await begin(running, "it", ["a", "b", "c"])
      await begin(running, "too", ["a"], "others")
      const answer = (id: string, token: string, more: object = {}) =>
        running.post(`/api/v1/jobs/it/approvals/${id}`, { decision: "approve", ...more }, as(token))
      expect((await answer("a", "looks")).status).toBe(403)
      expect((await answer("a", "elsewhere")).status).toBe(403)
      expect((await answer("a", "nothing")).status).toBe(401)
      expect((await answer("a", "acts")).status).toBe(200)
      expect((await answer("b", "acts", { by: "Ada" })).status).toBe(200)
      const names = async (token: string) =>
        (await pageOf(running, "/approvals", as(token))).approvals.map(({ id, jobId }) => `${jobId}: ${id}`)
      expect(await names("looks")).toEqual(["too: a", "it: c"])
      expect(await names("elsewhere")).toEqual(["too: a"])
      expect((await running.fetch("/api/v1/approvals", { headers: as("acts") })).status).toBe(403)
      const foreign = await running.fetch("/api/v1/approvals?program=asks", { headers: as("elsewhere") })
      expect(foreign.status).toBe(403)
      const { facts } = await jsonOf(await running.fetch("/api/v1/jobs/it/facts?kind=Decision"))
      expect(facts).toMatchObject([{ value: { by: "release robot" } }, { value: { by: "Ada" } }])
    })
  })
})

describe("the open approvals of all jobs", () => {
  it.each(["nothing durable", "a durable store"])("come newest job first, page by page, on %s", async (on) => {
    const kept = on === "a durable store" ? await Effect.runPromise(journalStore) : undefined
    const store = kept === undefined ? undefined : Layer.succeed(JobStore.JobStore, kept)
    await using(await serve({ programs: [asks, others] }, { store }), async (running) => {
      await begin(running, "first", ["a", "b", "c"])
      await begin(running, "second", ["a"], "others")
      await begin(running, "third", ["b", "a"])
      const all = ["third: a", "third: b", "second: a", "first: a", "first: b", "first: c"]
      for (const limit of [1, 2, 3, 5, 6, 100]) {
        const { names, pages } = await allOf(running, "/approvals", limit)
        expect(names, String(limit)).toEqual(all)
        expect(Math.max(...pages.map(({ length }) => length)), String(limit)).toBeLessThanOrEqual(limit)
      }
      const { cursor } = await pageOf(running, "/approvals?limit=4")
      const rest = `/approvals?cursor=${encodeURIComponent(cursor!)}`
      // The job in whose middle the page ended may end meanwhile.
      await running.post("/api/v1/jobs/third/cancel")
      expect((await pageOf(running, rest)).approvals.map(({ id, jobId }) => `${jobId}: ${id}`)).toEqual([
        "first: b",
        "first: c"
      ])
      await running.post("/api/v1/jobs/first/cancel")
      expect((await pageOf(running, rest)).approvals).toEqual([])
      expect((await pageOf(running, "/approvals?program=others")).approvals).toMatchObject([{ jobId: "second" }])
      for (const odd of ["odd", "1:2", "1:2:3", "1:2:3:"]) {
        const refused = await running.fetch(`/api/v1/approvals?cursor=${encodeURIComponent(odd)}`)
        expect(refused.status, odd).toBe(400)
      }
    })
  })

  it("include those of stored jobs that nobody runs here, from as many journals at a time as the limit says", async () => {
    const filename = join(folder, "stored.db")
    const store = () => JobStore.layerSqlite({ filename })
    await using(await serve({ programs: [asks, others] }, { store: store() }), async (running) => {
      for (let n = 0; n < 20; n++) await begin(running, `job ${n}`, ["a", "b"], n % 2 === 0 ? "asks" : "others")
      await running.post("/api/v1/jobs/job 18/approvals/a".replace(" ", "%20"), { decision: "approve" })
    })
    // Only the jobs of one program are taken up. The others stay in the store.
    await using(await serve({ programs: [others] }, { store: store() }), async (running) => {
      await until(async () => (await jsonOf(await running.fetch("/ready")))["status"] === "ready")
      expect((await pageOf(running, "/jobs/job%2018/approvals")).approvals).toMatchObject([
        { id: "b", question: "b?", data: { id: "b" }, timeoutMs: 3_600_000 }
      ])
      const { names } = await allOf(running, "/approvals", 1_000)
      const newest = Array.from({ length: 20 }, (_, n) => 19 - n)
      expect(names).toEqual(newest.flatMap((n) => (n === 18 ? ["job 18: b"] : [`job ${n}: a`, `job ${n}: b`])))
      const held = await running.post("/api/v1/jobs/job%2018/approvals/b", { decision: "approve" })
      expect([held.status, (await jsonOf(held))["type"]]).toEqual([404, "urn:effect-converge:UnknownProgram"])
    })
  })
})

describe("a fork of a job that waits", () => {
  it("tells of the questions that it does not ask, but for those that it decides", async () => {
    const running = await serve(
      { programs: [asks] },
      { store: JobStore.layerSqlite({ filename: join(folder, "forked.db") }) }
    )
    try {
      await begin(running, "waits", ["a", "b"])
      const fork = async (body: object) => jsonOf(await running.post("/api/v1/jobs/waits/fork", body))
      const first = { kind: "Approval", id: "a", agent: "ask", cycle: 1 }
      expect(await fork({ id: "left", at: 1 })).toEqual({ jobId: "left", unasked: { count: 2, first } })
      expect(await fork({ id: "left", at: 1 })).toEqual({ jobId: "left", unasked: { count: 2, first } })
      const decision = { approval: "a", approved: true, by: "me", reason: "" }
      const facts = [{ kind: "Decision", value: decision }]
      expect(await fork({ id: "decided", at: 1, facts })).toEqual({
        jobId: "decided",
        unasked: { count: 1, first: { ...first, id: "b" } }
      })
      await running.post("/api/v1/jobs/waits/approvals/a", { decision: "approve", by: "Ada" })
      await until(async () => (await jsonOf(await running.fetch("/api/v1/jobs/waits")))["cycle"] === 2)
      await fork({ id: "heir", at: 2 })
      await until(async () => (await stateOf(running, "heir")) !== "running")
      const late = await running.post("/api/v1/jobs/heir/approvals/a", { decision: "reject" })
      expect((await jsonOf(late))["detail"]).toContain(
        'was approved by "Ada" in cycle 2 of the job from which this one was forked'
      )
      expect(await fork({ id: "anew", at: 0 })).toEqual({ jobId: "anew" })
      await until(async () => (await stateOf(running, "anew")) === "awaiting")
    } finally {
      await running.stop()
    }
  })
})
