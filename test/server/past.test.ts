/** The past of a job over HTTP: facts of any cycle, searches, changes, lineage, forks, replays and checks of journals. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import * as Shapes from "../../src/server/shapes.ts"
import { converge } from "../support/cli/inProcess.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-past-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Name = Fact.kind("Name", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })
const Long = Fact.kind("Long", {
  schema: Schema.Struct({ text: Schema.String, length: Schema.Int }),
  id: ({ text }) => text
})
const Count = Fact.kind("Count", { schema: Schema.Struct({ n: Schema.Int }), id: () => "all", conflict: "keepLast" })

/** Each name gets its length and, while it is short, a longer one; and all names are counted. */
const names = Program.make("names", {
  input: Schema.Struct({ names: Schema.Array(Schema.String) }),
  seed: ({ names }) => names.map((text) => Name.of({ text })),
  agents: [
    Agent.make("measure", {
      each: Name,
      writes: [Long, Name],
      execute: ({ value: { text } }) =>
        Effect.succeed({
          facts: [Long.of({ text, length: text.length }), ...(text.length < 4 ? [Name.of({ text: `${text}!` })] : [])]
        })
    }),
    Agent.make("count", {
      reads: [Long],
      writes: [Count],
      execute: (view) => Effect.succeed({ facts: [Count.of({ n: view.size(Long) })] })
    })
  ]
})

/** Each rule that is on gives access. */
const Rule = Fact.kind("Rule", {
  schema: Schema.Struct({ name: Schema.String, isOn: Schema.Boolean }),
  id: ({ name }) => name
})
const Access = Fact.kind("Access", { schema: Schema.Struct({ of: Schema.String }), id: ({ of }) => of })
const rules = Program.make("rules", {
  input: Schema.Struct({}),
  seed: () => [Rule.of({ name: "a", isOn: true })],
  agents: [
    Agent.make("allow", {
      each: Rule,
      writes: [Access],
      execute: ({ value: { isOn, name } }) => Effect.succeed({ facts: isOn ? [Access.of({ of: name })] : [] })
    })
  ]
})

interface FactJson {
  readonly kind: string
  readonly id: string
  readonly value: unknown
}
interface PageJson {
  readonly facts: ReadonlyArray<FactJson>
  readonly version: number
  readonly cursor: string | null
}

let running: Running
let memory: Running
beforeAll(async () => {
  running = await serve(
    { programs: [names, rules] },
    { store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) }
  )
  memory = await serve({ programs: [names] })
  for (const server of [running, memory]) {
    const body = { program: "names", id: "it", input: { names: ["Ada", "Byron"] } }
    expect((await server.post("/api/v1/jobs", body)).status).toBe(200)
  }
})
afterAll(async () => {
  await running.stop()
  await memory.stop()
})

const get = async <A = PageJson>(path: string, server = running): Promise<A> => {
  const response = await server.fetch(`/api/v1/jobs/${path}`)
  expect(response.status, `${path}: ${response.status}`).toBe(200)
  return (await response.json()) as A
}
const refusal = async (path: string, server = running) => {
  const response = await server.fetch(`/api/v1/jobs/${path}`)
  return [response.status, String((await jsonOf(response))["type"]).replace("urn:effect-converge:", "")]
}
const named = ({ facts }: PageJson) => facts.map(({ id, kind }) => `${kind}/${id}`)

/** All pages of a list of facts. */
const allOf = async (path: string, limit: number, server = running): Promise<ReadonlyArray<string>> => {
  const found: Array<string> = []
  let cursor: string | null = null
  do {
    const more: string = cursor === null ? "" : `&cursor=${cursor}`
    const page: PageJson = await get(`${path}&limit=${limit}${more}`, server)
    expect(page.facts.length).toBeLessThanOrEqual(limit)
    found.push(...named(page))
    ;({ cursor } = page)
  } while (cursor !== null)
  return found
}

describe("the list of jobs", () => {
  it.each(["a durable store", "nothing durable"])(
    "can be cut to a time, and tells how long jobs took: %s",
    async (on) => {
      const server = on === "a durable store" ? running : memory
      interface Listed {
        readonly jobs: ReadonlyArray<{ jobId: string; createdAt: number; haltedAt: number; durationMs: number | null }>
        readonly cursor: string | null
      }
      const list = async (query: string) => (await (await server.fetch(`/api/v1/jobs?${query}`)).json()) as Listed
      const [job] = (await list("")).jobs
      expect(job!.durationMs).toBe(job!.haltedAt - job!.createdAt)
      const { createdAt } = job!
      const count = async (query: string) => (await list(query)).jobs.length
      expect(await count(`since=${createdAt}&until=${createdAt}`)).toBe(1)
      expect(await count(`until=${createdAt - 1}`)).toBe(0)
      expect(await list(`since=${createdAt + 1}`)).toEqual({ jobs: [], cursor: null, previous: null })
      expect(await count("q=AME")).toBe(1)
      expect(await count("q=it")).toBe(1)
      expect(await list("q=nothing")).toEqual({ jobs: [], cursor: null, previous: null })
      const refused = await server.fetch("/api/v1/jobs?since=yesterday")
      expect(refused.status).toBe(400)
    }
  )
})

describe("facts", () => {
  it("are those after any cycle, in pages", async () => {
    expect(named(await get("it/facts?at=0"))).toEqual(["Name/Ada", "Name/Byron"])
    const first = ["Name/Ada", "Name/Byron", "Long/Ada", "Name/Ada!", "Long/Byron"]
    for (const limit of [1, 2, 5, 100]) expect(await allOf("it/facts?at=1", limit)).toEqual([...first])
    const now = await get("it/facts?limit=1000")
    const { cycle } = await get<{ cycle: number }>("it")
    expect(await get(`it/facts?at=${cycle}&limit=1000`)).toEqual(now)
    expect(named(await get("it/facts?at=1&kind=Long"))).toEqual(["Long/Ada", "Long/Byron"])
    expect(await refusal(`it/facts?at=${cycle + 1}`)).toEqual([404, "UnknownCycle"])
    expect(await refusal("it/facts?at=-1")).toEqual([400, "InvalidRequest"])
    expect(await refusal("none/facts?at=0")).toEqual([404, "UnknownJob"])
    expect(await refusal("it/facts?at=0", memory)).toEqual([409, "NoJournal"])
  })

  it("are found by a text in their id or value, in capitals or not, now and in the past", async () => {
    const wanted = ["Long/Byron", "Name/Byron"]
    for (const server of [running, memory]) {
      expect([...(await allOf("it/facts?q=BYR", 1, server))].sort()).toEqual(wanted)
      expect(await allOf("it/facts?kind=Long&q=%22length%22%3A5", 100, server)).toEqual(["Long/Byron"])
      expect(await allOf("it/facts?q=nowhere", 1, server)).toEqual([])
      const all = await allOf("it/facts?kind=Name", 3, server)
      expect(await allOf("it/facts?q=&kind=Name", 2, server)).toEqual(all)
    }
    expect(await allOf("it/facts?at=0&q=byron", 100)).toEqual(["Name/Byron"])
  })
})

describe("the past of a fact", () => {
  interface HistoryJson {
    readonly revisions: ReadonlyArray<FactJson & { readonly provenance: { readonly cycle: number } }>
    readonly cursor: string | null
  }
  const numbers = ({ revisions }: HistoryJson) => revisions.map(({ value }) => (value as { readonly n: number }).n)

  it("is all of its values, oldest first, in pages, and those up to a cycle", async () => {
    for (const server of [running, memory]) {
      const whole = await get<HistoryJson>("it/history?kind=Count&fact=all", server)
      expect(numbers(whole)).toEqual([2, 3])
      expect(whole.cursor).toBe(null)
      const [first] = whole.revisions
      const page = await get<HistoryJson>("it/history?kind=Count&fact=all&limit=1", server)
      expect(page.revisions).toEqual([first])
      const next = await get<HistoryJson>(`it/history?kind=Count&fact=all&limit=1&cursor=${page.cursor}`, server)
      expect([...page.revisions, ...next.revisions]).toEqual(whole.revisions)
      const past = await get<HistoryJson>(`it/history?kind=Count&fact=all&at=${first!.provenance.cycle}`, server)
      expect(numbers(past)).toEqual([2])
      expect((await get<HistoryJson>("it/history?kind=Name&fact=Ada", server)).revisions).toHaveLength(1)
      expect(await refusal("it/history?kind=Count&fact=all&cursor=x", server)).toEqual([400, "InvalidRequest"])
    }
  })

  it("begins with the value that a fork has inherited", async () => {
    const facts = [{ kind: "Name", value: { text: "Babbage" } }]
    expect((await running.post("/api/v1/jobs/it/fork", { at: 1, id: "heir", facts })).status).toBe(202)
    await until(async () => (await stateOf(running, "heir")) === "converged")
    const at0 = (await get("heir/facts?at=0")).facts
    for (const { id, kind } of at0) {
      const { revisions } = await get<HistoryJson>(`heir/history?kind=${kind}&fact=${id}`)
      expect(revisions[0], `${kind}/${id}`).toEqual(at0.find((fact) => fact.kind === kind && fact.id === id))
    }
    expect(at0.length).toBeGreaterThan(3)
    const name = "kind=Long&fact=Ada"
    const whole = await get<HistoryJson>(`heir/history?${name}`)
    const pages = await get<HistoryJson>(`heir/history?${name}&limit=1`)
    expect([pages.revisions, pages.cursor]).toEqual([whole.revisions.slice(0, 1), null])
    const back = await get<HistoryJson>(`heir/history?${name}&before=999999&limit=1`)
    expect(back.revisions).toEqual(whole.revisions)
    expect((await get<HistoryJson>("heir/history?kind=Name&fact=Babbage")).revisions).toHaveLength(1)
    expect((await get<HistoryJson>("heir/history?kind=Name&fact=nobody")).revisions).toEqual([])
  })

  it("is explained as it was after a cycle", async () => {
    interface Explained {
      readonly nodes: ReadonlyArray<FactJson>
    }
    const at = (cycle: number) => get<Explained>(`it/explain?kind=Count&fact=all&at=${cycle}`)
    expect((await at(2)).nodes[0]).toMatchObject({ value: { n: 2 } })
    expect((await at(3)).nodes[0]).toMatchObject({ value: { n: 3 } })
    expect(await refusal("it/explain?kind=Count&fact=all&at=0")).toEqual([404, "UnknownFact"])
    expect(await refusal("it/explain?kind=Count&fact=all&at=99")).toEqual([404, "UnknownCycle"])
    expect(await refusal("it/explain?kind=Count&fact=all&at=2", memory)).toEqual([409, "NoJournal"])
  })
})

describe("changes", () => {
  interface DiffJson {
    readonly counts: object
    readonly from: { readonly cycle: number; readonly jobId: string }
    readonly to: { readonly cycle: number; readonly jobId: string }
    readonly changes: ReadonlyArray<{ change: string; before: FactJson | null; after: FactJson | null }>
    readonly cursor: string | null
  }

  it("of cycles are the facts added, revised with both values, in pages", async () => {
    const whole = await get<DiffJson>("it/diff")
    const { cycle } = await get<{ cycle: number }>("it")
    expect(Schema.is(Shapes.Diff)(whole)).toBe(true)
    expect([whole.from.cycle, whole.to.cycle]).toEqual([0, cycle])
    expect(whole.counts).toEqual({ added: 5, revised: 0, removed: 0 })
    const some = await get<DiffJson>("it/diff?from=2&to=3")
    expect(some.changes.find(({ change }) => change === "revised")).toMatchObject({
      before: { kind: "Count", value: { n: 2 } },
      after: { kind: "Count", value: { n: 3 } }
    })
    expect((await get<DiffJson>("it/diff?from=2&to=2")).changes).toEqual([])
    const page = await get<DiffJson>("it/diff?limit=2")
    const next = await get<DiffJson>(`it/diff?limit=100&cursor=${page.cursor}`)
    expect([...page.changes, ...next.changes]).toEqual(whole.changes)
    expect(await refusal("it/diff?from=3&to=2")).toEqual([400, "InvalidRequest"])
    expect(await refusal("it/diff?to=99")).toEqual([404, "UnknownCycle"])
    expect(await refusal("it/diff", memory)).toEqual([409, "NoJournal"])
  })

  it("between a job and its fork are those that the other facts made", async () => {
    const forked = await running.post("/api/v1/jobs/it/fork", {
      at: 1,
      id: "fork",
      facts: [{ kind: "Name", value: { text: "Babbage" } }]
    })
    expect([forked.status, forked.headers.get("location"), await jsonOf(forked)]).toEqual([
      202,
      "../fork",
      { jobId: "fork" }
    ])
    await until(async () => (await stateOf(running, "fork")) === "converged")
    const { changes, counts } = await get<DiffJson>("it/diff/fork")
    expect(counts).toEqual({ added: 2, revised: 1, removed: 0 })
    expect(
      changes.filter(({ change }) => change === "added").map(({ after }) => `${after!.kind}/${after!.id}`)
    ).toEqual(["Name/Babbage", "Long/Babbage"])
    expect((await get<DiffJson>("fork/diff/it")).counts).toEqual({ added: 0, revised: 1, removed: 2 })
    expect((await get<DiffJson>("it/diff/fork?at=0&otherAt=0")).counts).toMatchObject({ removed: 0 })
    expect(await refusal("it/diff/none")).toEqual([404, "UnknownJob"])
  })
})

describe("a fork", () => {
  it("that cannot be is refused, and starts nothing", async () => {
    const post = async (path: string, body: unknown, server = running) => {
      const response = await server.post(`/api/v1/jobs/${path}/fork`, body)
      return [response.status, String((await jsonOf(response))["type"]).replace("urn:effect-converge:", "")]
    }
    expect(await post("none", {})).toEqual([404, "UnknownJob"])
    expect(await post("it", { id: "it" })).toEqual([409, "JobExists"])
    expect(await post("it", { id: "a/b" })).toEqual([400, "InvalidRequest"])
    expect(await post("it", { at: 99 })).toEqual([404, "UnknownCycle"])
    expect(await post("it", { facts: [{ kind: "None", value: 1 }] })).toEqual([400, "InvalidInput"])
    expect(await post("it", { facts: [{ kind: "Name", value: 1 }] })).toEqual([400, "InvalidInput"])
    expect(await post("it", { input: { names: 1 } })).toEqual([400, "InvalidInput"])
    expect(await post("it", { more: 1 })).toEqual([400, "InvalidRequest"])
    expect(await post("it", {}, memory)).toEqual([409, "NoJournal"])
  })
})

describe("the job that a fork is of", () => {
  it("is named by the job and in lists, live, ended, after a restart, and where the program is not served", async () => {
    expect((await running.post("/api/v1/jobs/it/fork", { at: 1, id: "named" })).status).toBe(202)
    const filename = join(folder, "jobs.db")
    const forkOf = { jobId: "it", cycle: 1 }
    const named = async (server: Running) => {
      const ofJob = async (id: string) => (await jsonOf(await server.fetch(`/api/v1/jobs/${id}?brief=true`)))["forkOf"]
      const page = await jsonOf(await server.fetch("/api/v1/jobs?limit=1000"))
      const { jobs } = Schema.decodeUnknownSync(Shapes.JobPage)(page)
      const listed = (id: string) => jobs.find(({ jobId }) => jobId === id)?.forkOf
      return [await ofJob("named"), listed("named"), await ofJob("it"), listed("it")]
    }
    const all = [forkOf, forkOf, undefined, undefined]
    expect(await named(running)).toEqual(all)
    await until(async () => (await stateOf(running, "named")) === "converged")
    expect(await named(running)).toEqual(all)
    for (const programs of [[names], [rules]]) {
      const later = await serve({ programs }, { store: JobStore.layerSqlite({ filename }) })
      try {
        expect(await named(later)).toEqual(all)
        // Asked for its result, it is held again.
        await later.fetch("/api/v1/jobs/named")
        expect(await named(later)).toEqual(all)
      } finally {
        await later.stop()
      }
    }
    for (const place of [
      ["--store", filename],
      ["--server", running.url]
    ]) {
      expect((await converge(["show", "named", ...place])).stdout).toMatch(/\n {2}fork of +it {2}after its cycle 1\n/)
      expect(JSON.parse((await converge(["show", "named", "--json", ...place])).stdout)).toMatchObject({ forkOf })
      expect((await converge(["show", "it", "--json", ...place])).stdout).not.toContain("forkOf")
    }
  })
})

describe("a fork with an id, asked for again", () => {
  const forked = async (server: Running, body: object, headers: Record<string, string> = {}, of = "it") => {
    const response = await server.post(`/api/v1/jobs/${of}/fork`, body, headers)
    return [response.status, await jsonOf(response)] as const
  }
  const other = [409, expect.objectContaining({ type: "urn:effect-converge:JobExists" })]

  it("is the same job, live, ended and after a restart, and another one is refused in true words", async () => {
    const body = { at: 0, id: "twice", facts: [{ kind: "Name", value: { text: "Eve" } }] }
    const same = [202, { jobId: "twice" }]
    expect(await forked(running, body)).toEqual(same)
    expect(await forked(running, body)).toEqual(same)
    await until(async () => (await stateOf(running, "twice")) === "converged")
    const ended = await get("twice")
    expect(await forked(running, body)).toEqual(same)
    expect(await get("twice")).toEqual(ended)
    const later = await serve(
      { programs: [names] },
      { store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) }
    )
    try {
      expect(await forked(later, body)).toEqual(same)
      expect((await forked(later, { ...body, at: 1 }))[0]).toBe(409)
    } finally {
      await later.stop()
    }
    for (const change of [{ at: 1 }, { facts: [] }, { budget: { maxCycles: 7 } }, { attributes: { a: "b" } }]) {
      const [status, problem] = await forked(running, { ...body, ...change })
      expect([change, status, problem["type"]]).toEqual([change, 409, "urn:effect-converge:JobExists"])
      expect(problem["detail"]).toMatch(
        /^there is a job twice, and it (is another one than this fork of it|began with)/
      )
    }
    expect(await forked(running, { ...body, id: "it" })).toEqual(other)
  })

  it("is named by an idempotency key as well", async () => {
    const key = { "idempotency-key": "a key of a fork" }
    const [status, { jobId }] = await forked(running, { at: 0 }, key)
    expect([status, jobId]).toEqual([202, expect.stringMatching(/^key-/)])
    expect(await forked(running, { at: 0 }, key)).toEqual([202, { jobId }])
    expect(await forked(running, { at: 1 }, key)).toEqual(other)
    expect((await forked(running, { at: 0 }, { "idempotency-key": " " }))[0]).toBe(400)
  })

  it("of a cycle that the job has not is 404, as is the count of its kinds there", async () => {
    const { cycle } = await get<{ cycle: number }>("it")
    const unknown = { type: "urn:effect-converge:UnknownCycle", status: 404, cycle: 99, last: cycle }
    const [status, problem] = await forked(running, { at: 99 })
    expect([status, problem]).toEqual([404, expect.objectContaining(unknown)])
    const kinds = await running.fetch("/api/v1/jobs/it/kinds?at=99")
    expect([kinds.status, await jsonOf(kinds)]).toEqual([404, expect.objectContaining(unknown)])
  })
})

describe("the answer to a fork", () => {
  it("names the facts that stay although the fork replaces what they come from", async () => {
    expect((await running.post("/api/v1/jobs", { program: "rules", id: "on", input: {} })).status).toBe(200)
    const forked = async (body: object) => {
      const facts = [{ kind: "Rule", value: { name: "a", isOn: false } }]
      const response = await running.post("/api/v1/jobs/on/fork", { facts, ...body })
      expect(response.status).toBe(202)
      return jsonOf(response)
    }
    expect(await forked({ id: "off" })).toEqual({
      jobId: "off",
      staying: { count: 1, first: { kind: "Access", id: "a" }, replaced: { kind: "Rule", id: "a" } }
    })
    expect(await forked({ id: "early", at: 0 })).toEqual({ jobId: "early" })
  })
})

describe("lineage", () => {
  it("is what follows from a fact, or would go without it", async () => {
    for (const server of [running, memory]) {
      const follows = await get<PageJson & { count: number }>("it/lineage?kind=Name&fact=Ada", server)
      expect(named(follows)).toEqual(["Long/Ada", "Name/Ada!", "Long/Ada!", "Count/all"])
      expect(follows.count).toBe(4)
      // Some of what was counted first does not come from Ada, so there would be a count without her.
      expect(named(await get("it/lineage?kind=Name&fact=Ada&without=true", server))).toEqual([
        ...["Long/Ada", "Name/Ada!", "Long/Ada!"]
      ])
      expect(await allOf("it/lineage?kind=Name&fact=Ada", 1, server)).toEqual(named(follows))
      expect(await refusal("it/lineage?kind=Name&fact=nobody", server)).toEqual([404, "UnknownFact"])
      expect(await refusal("it/lineage?kind=Name", server)).toEqual([400, "InvalidRequest"])
    }
    expect(named(await get("it/lineage?kind=Name&fact=Ada&at=1"))).toEqual(["Long/Ada", "Name/Ada!"])
  })

  it("names the direct causes of each fact, on every page", async () => {
    for (const server of [running, memory]) {
      const whole = await get<typeof Shapes.Lineage.Type>("it/lineage?kind=Name&fact=Ada", server)
      expect(Schema.is(Shapes.Lineage)(whole)).toBe(true)
      const versions = new Map(whole.facts.map(({ id, kind, provenance }) => [provenance.version, `${kind}/${id}`]))
      const causes = whole.facts.map(({ causes, id, indirect, kind, omitted }) => [
        `${kind}/${id}`,
        causes.map((version) => versions.get(version) ?? version),
        indirect,
        omitted
      ])
      expect(causes).toEqual([
        ["Long/Ada", [0], [], 0],
        ["Name/Ada!", [0], [], 0],
        ["Long/Ada!", ["Name/Ada!"], [], 0],
        ["Count/all", ["Long/Ada!"], [], 0]
      ])
      const after = String(whole.facts[1]?.provenance.version)
      const rest = await get<typeof whole>(`it/lineage?kind=Name&fact=Ada&cursor=${after}`, server)
      expect(rest.facts).toEqual(whole.facts.slice(2))
    }
  })
})

describe("a journal", () => {
  it("is replayed to a cycle, and checked", async () => {
    const replayed = await get<{ cycle: number; hash: string }>("it/replay?at=1")
    expect(Schema.is(Shapes.Replayed)(replayed)).toBe(true)
    expect(replayed).toMatchObject({ cycle: 1, facts: { Long: 2, Name: 3 }, input: { names: ["Ada", "Byron"] } })
    const { hash } = await get<{ hash: string }>("it")
    expect((await get<{ hash: string }>("it/replay")).hash).toBe(hash)
    const verified = await get<object>("it/verify")
    expect(Schema.is(Shapes.Verified)(verified)).toBe(true)
    expect(verified).toMatchObject({ jobId: "it", status: "converged", hash, isIntact: true, corrupt: null })
    expect(await refusal("none/verify")).toEqual([404, "UnknownJob"])
    expect(await refusal("it/verify", memory)).toEqual([409, "NoJournal"])
    expect(await refusal("none/verify", memory)).toEqual([404, "UnknownJob"])
  })

  it("that was changed is reported with the place", async () => {
    const store = await Effect.runPromise(Effect.provide(JobStore.JobStore, JobStore.layerMemoryJournal))
    const rows: typeof store.rows = (jobId, after, until) => store.rows(jobId, after, until)
    const altered = { ...store, rows }
    const server = await serve({ programs: [names] }, { store: Layer.succeed(JobStore.JobStore, altered) })
    try {
      await server.post("/api/v1/jobs", { program: "names", id: "it", input: { names: ["Ada"] } })
      altered.load = (jobId) =>
        Effect.map(store.load(jobId), (journal) => ({ ...journal, genesisHash: "0".repeat(64) }))
      const found = await get<object>("it/verify", server)
      expect(found).toMatchObject({ isIntact: false, corrupt: { cycle: 0, part: "hash" } })
      expect(await refusal("it/replay", server)).toEqual([500, "JournalCorrupt"])
    } finally {
      await server.stop()
    }
  })

  it("is deleted by a pruning once its job ended long enough ago", async () => {
    const server = await serve(
      { programs: [names], tokens: ["all", { name: "some", token: "some", programs: ["names"] }] },
      { store: JobStore.layerSqlite({ filename: join(folder, "pruned.db") }) }
    )
    try {
      await server.post("/api/v1/jobs", { program: "names", id: "it", input: { names: ["Ada"] } })
      const prune = async (body: unknown, headers: Record<string, string> = {}) => {
        const response = await server.post("/api/v1/prune", body, headers)
        return [response.status, (await jsonOf(response))["deleted"]]
      }
      expect(await prune({ olderThan: "1h" })).toEqual([200, 0])
      expect(await prune({ olderThan: "1h" }, { authorization: "Bearer some" })).toEqual([403, undefined])
      expect(await prune({ olderThan: "soon" })).toEqual([400, undefined])
      await until(async () => (await prune({ olderThan: 0 }))[1] === 1)
      expect(await refusal("it/verify", server)).toEqual([404, "UnknownJob"])
      // Nothing that the server holds keeps the job, or its id.
      expect(await refusal("it", server)).toEqual([404, "UnknownJob"])
      const again = { program: "names", id: "it", input: { names: ["Byron"] } }
      expect((await server.post("/api/v1/jobs", again)).status).toBe(200)
    } finally {
      await server.stop()
    }
  })
})
