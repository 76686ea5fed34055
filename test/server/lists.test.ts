/** Lists over HTTP: jobs by their attributes, and pages in both directions of jobs, facts, changes, revisions and cycles. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import * as Insight from "../../src/server/insightShapes.ts"
import * as Shapes from "../../src/server/shapes.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"

const Step = Fact.kind("Step", { schema: Schema.Struct({ n: Schema.Int }), id: ({ n }) => String(n) })
const Last = Fact.kind("Last", { schema: Schema.Struct({ n: Schema.Int }), id: () => "it", conflict: "keepLast" })

/** One step a cycle, and a fact that each of them revises. */
const steps = Program.make("steps", {
  input: Schema.Struct({ to: Schema.Int }),
  seed: () => [Step.of({ n: 0 })],
  agents: [
    Agent.make("next", {
      each: Step,
      writes: [Step, Last],
      execute: ({ value: { n } }, view) => {
        const { to } = view.input as { readonly to: number }
        return Effect.succeed({ facts: [Last.of({ n }), ...(n < to ? [Step.of({ n: n + 1 })] : [])] })
      }
    })
  ]
})

const folder = mkdtempSync(join(tmpdir(), "converge-lists-"))
let durable: Running
let memory: Running
beforeAll(async () => {
  durable = await serve({ programs: [steps] }, { store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) })
  memory = await serve({ programs: [steps] })
})
afterAll(async () => {
  await durable.stop()
  await memory.stop()
  rmSync(folder, { recursive: true, force: true })
})

const servers = [
  ["with a durable store", () => durable],
  ["without one", () => memory]
] as const

const start = (running: Running, id: string, attributes?: unknown, to = 0) =>
  running.post("/api/v1/jobs", {
    program: "steps",
    id,
    input: { to },
    ...(attributes === undefined ? {} : { attributes })
  })

const page = async (running: Running, query: string) => {
  const response = await running.fetch(`/api/v1/jobs?${query}`)
  expect(response.status, query).toBe(200)
  return Schema.decodeUnknownSync(Shapes.JobPage)(await response.json())
}

const ids = ({ jobs }: typeof Shapes.JobPage.Type) => jobs.map(({ jobId }) => jobId)

describe.each(servers)("a server %s", (_, server) => {
  it("starts jobs with attributes, shows them, and lists the jobs that have all of some", async () => {
    const running = server()
    const given = { customer: "Ada: & Söhne", region: "eu" }
    expect((await start(running, "one", given)).status).toBe(200)
    await start(running, "two", { customer: "Ada: & Söhne", region: "us" })
    await start(running, "three")
    expect(
      Schema.decodeUnknownSync(Shapes.Job)(await jsonOf(await running.fetch("/api/v1/jobs/one"))).attributes
    ).toEqual(given)
    expect(await jsonOf(await running.fetch("/api/v1/jobs/three"))).not.toHaveProperty("attributes")
    const asked = (...attributes: ReadonlyArray<string>) =>
      page(running, new URLSearchParams(attributes.map((text): [string, string] => ["attribute", text])).toString())
    const found = await asked("customer:Ada: & Söhne")
    expect(ids(found).toSorted()).toEqual(["one", "two"])
    expect(found.jobs.find(({ jobId }) => jobId === "one")?.attributes).toEqual(given)
    expect(ids(await asked("customer:Ada: & Söhne", "region:us"))).toEqual(["two"])
    expect(ids(await asked("region:eu", "region:eu"))).toEqual(["one"])
    expect(ids(await asked("customer:Ada"))).toEqual([])
    expect(await asked("region:eu", "region:us")).toEqual({ jobs: [], cursor: null, previous: null })
    expect(ids(await page(running, "attribute=region:eu&status=converged&q=ONE"))).toEqual(["one"])
    expect(ids(await page(running, "attribute=region:eu&status=running"))).toEqual([])
    // As the command line writes it.
    expect(ids(await page(running, "attribute=region=eu&q=ONE"))).toEqual(["one"])
  })

  it.each([
    ["attribute=region", "an attribute is written as name:value"],
    ["attribute=:eu", "an attribute is written as name:value"],
    ["attribute==eu", "an attribute is written as name:value"]
  ])("refuses %s, and says why", async (query, why) => {
    const refused = await server().fetch(`/api/v1/jobs?${query}`)
    expect(refused.status).toBe(400)
    expect((await jsonOf(refused))["detail"]).toContain(`query.attribute: `)
    expect((await jsonOf(await server().fetch(`/api/v1/jobs?${query}`)))["detail"]).toContain(why)
  })

  it("refuses attributes that a job cannot have, before the job begins", async () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`name ${n}`, ""]))
    for (const attributes of [{ a: 1 }, { "a:b": "x" }, { a: "x".repeat(257) }, { a: "\n" }, [], "a", null, many]) {
      const refused = await start(server(), "odd", attributes)
      expect([refused.status, (await jsonOf(refused))["type"]], JSON.stringify(attributes)).toEqual([
        400,
        "urn:effect-converge:InvalidRequest"
      ])
    }
    expect((await server().fetch("/api/v1/jobs/odd")).status).toBe(404)
  })

  it("gives the same job for a start with the same attributes, or with fewer, and refuses others", async () => {
    const running = server()
    const again = async (attributes?: unknown) => (await start(running, "again", attributes)).status
    expect(await again({ a: "1", b: "2" })).toBe(200)
    expect(await again({ b: "2", a: "1" })).toBe(200)
    expect(await again({ a: "1" })).toBe(200)
    expect(await again()).toBe(200)
    expect(await again({ a: "2" })).toBe(409)
    expect(await again({ a: "1", c: "3" })).toBe(409)
  })

  it("pages through jobs in both directions, also of a search, while new ones begin", async () => {
    const running = server()
    const attributes = { paged: "yes" }
    for (let n = 0; n < 5; n++) await start(running, `page ${n}`, attributes)
    for (const more of ["", "&q=PAGE", "&since=1"]) {
      const query = `attribute=paged:yes&limit=2${more}`
      const first = await page(running, query)
      expect([ids(first).length, first.previous]).toEqual([2, null])
      const second = await page(running, `${query}&cursor=${encodeURIComponent(first.cursor ?? "")}`)
      const third = await page(running, `${query}&cursor=${encodeURIComponent(second.cursor ?? "")}`)
      expect([...ids(first), ...ids(second), ...ids(third)].toSorted()).toEqual([0, 1, 2, 3, 4].map((n) => `page ${n}`))
      expect(third.cursor).toBe(null)
      await start(running, `other ${more}`, { paged: "no" })
      const back = await page(running, `${query}&before=${encodeURIComponent(third.previous ?? "")}`)
      expect(back).toEqual(second)
      const top = await page(running, `${query}&before=${encodeURIComponent(back.previous ?? "")}&cursor=0:`)
      // A search stops where the page is full, and does not know whether there is more.
      expect(more === "&q=PAGE" ? { ...top, previous: null } : top).toEqual(first)
    }
    await start(running, "page 5", attributes)
    const first = await page(running, "attribute=paged:yes&limit=3")
    const newer = await page(running, `attribute=paged:yes&before=${encodeURIComponent(first.cursor ?? "")}`)
    expect(ids(newer)).toEqual(ids(first).slice(0, 2))
    expect((await running.fetch("/api/v1/jobs?before=none")).status).toBe(400)
  })

  it("bounds pages by time in both directions", async () => {
    const running = server()
    await start(running, "in time", { time: "yes" })
    const [job] = (await page(running, "attribute=time:yes")).jobs
    const at = job?.createdAt ?? 0
    const asked = (query: string) => page(running, `attribute=time:yes&${query}`)
    expect(ids(await asked(`since=${at}&until=${at}`))).toEqual(["in time"])
    expect(ids(await asked(`since=${at + 1}`))).toEqual([])
    expect(ids(await asked(`until=${at - 1}`))).toEqual([])
    expect(ids(await asked(`until=${at - 1}&before=0:`))).toEqual([])
    expect(ids(await asked(`until=${at}&before=0:`))).toEqual(["in time"])
  })
})

interface Numbered {
  readonly cursor: string | null
  readonly previous: string | null
}

/** Reads a list page by page to its end, and back to its beginning; both ways give the same items. */
const bothWays = async <Page extends Numbered>(
  read: (query: string) => Promise<Page>,
  itemsOf: (page: Page) => ReadonlyArray<unknown>,
  next: (cursor: string) => string = (cursor) => `cursor=${cursor}`
): Promise<ReadonlyArray<unknown>> => {
  const there: Array<Page> = [await read("")]
  expect(there[0]?.previous).toBe(null)
  for (let cursor = there[0]?.cursor ?? null; cursor !== null; cursor = there.at(-1)?.cursor ?? null) {
    there.push(await read(next(cursor)))
    if (there.length > 50) throw new Error("the pages do not end")
  }
  const back: Array<unknown> = []
  for (let previous = there.at(-1)?.previous ?? null; previous !== null;) {
    const page = await read(`before=${previous}`)
    back.unshift(...itemsOf(page))
    previous = page.previous
  }
  const all = there.flatMap(itemsOf)
  expect(back).toEqual(all.slice(0, back.length))
  expect(back.length).toBe(all.length - itemsOf(there.at(-1)!).length)
  return all
}

describe.each(servers)("the pages of one job, of a server %s,", (_, server) => {
  const get = async (path: string) => jsonOf(await server().fetch(`/api/v1/jobs/long/${path}`))
  const reader =
    <A extends Numbered>(path: string, shape: Schema.ConstraintDecoder<A>) =>
    async (query: string): Promise<A> =>
      Schema.decodeUnknownSync(shape)(await get(`${path}&${query}`))

  beforeAll(async () => {
    await start(server(), "long", { long: "yes" }, 11)
  })

  it("go both ways for facts, of all kinds, of one, and found by a text", async () => {
    const facts = (query: string) => bothWays(reader(`facts?${query}`, Shapes.FactPage), (page) => page.facts)
    expect(await facts("limit=3")).toHaveLength(13)
    expect(await facts("limit=5&kind=Step")).toHaveLength(12)
    expect(await facts("limit=12&kind=Step")).toHaveLength(12)
    expect(await facts("limit=1&q=1")).toHaveLength(4)
    const last = await reader("facts?limit=2", Shapes.FactPage)("before=9999")
    expect(last.facts.map(({ kind }) => kind)).toEqual(["Step", "Last"])
    expect((await reader("facts?limit=2", Shapes.FactPage)("before=1")).facts).toEqual([])
    expect((await server().fetch("/api/v1/jobs/long/facts?before=x")).status).toBe(400)
  })

  it("go both ways for what follows from a fact, and for the values that it had", async () => {
    const lineage = reader("lineage?kind=Step&fact=4&limit=3", Shapes.Lineage)
    expect(await bothWays(lineage, (page) => page.facts)).toHaveLength(8)
    const history = reader("history?kind=Last&fact=it&limit=5", Insight.History)
    const revisions = await bothWays(history, (page) => page.revisions)
    expect(revisions).toHaveLength(12)
    const past = reader("history?kind=Last&fact=it&limit=5&at=3", Insight.History)
    expect((await past("before=9999")).revisions).toEqual(revisions.slice(0, 3))
  })

  it("go both ways for cycles, changes and facts of the past, as far as there is a journal", async () => {
    const timeline = reader("timeline?limit=5", Insight.TimelinePage)
    const cycles = await bothWays(
      timeline,
      (page) => page.cycles,
      (cursor) => `after=${cursor}`
    )
    expect(cycles).toHaveLength(server() === durable ? 12 : 0)
    if (server() !== durable) return
    const diff = reader("diff?limit=4", Shapes.Diff)
    expect(await bothWays(diff, (page) => page.changes)).toHaveLength(12)
    const facts = reader("facts?at=5&limit=2", Shapes.FactPage)
    expect(await bothWays(facts, (page) => page.facts)).toHaveLength(7)
  })
})
