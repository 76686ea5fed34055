/** A recorded job answers as a server does, for the facts of every cycle; and its page runs nothing that a fact says. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, Intent, JobStore, Journal, Program } from "../../src/index.ts"
import { RecordedJob } from "../../src/inspector/console/recordedJob.ts"
import { factJson } from "../../src/outcome/resultJson.ts"
import { consoleLayout } from "../../src/server/consoleLayout.ts"
import { consoleFile, consolePage } from "../../src/server/consolePage.ts"
import { type RecordBounds, recordJob } from "../../src/server/recorder.ts"
import { infoOf } from "../../src/server/systemRoutes.ts"
import { Limits } from "../../src/Limits.ts"
import type { Present } from "../../src/server/jobRecord.ts"
import { fixtures, journalsOf } from "../support/store/fixture/files.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-record-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Name = Fact.kind("Name", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })
const Size = Fact.kind("Size", {
  schema: Schema.Struct({ text: Schema.String, n: Schema.Int }),
  id: ({ text }) => text
})
const Count = Fact.kind("Count", { schema: Schema.Struct({ n: Schema.Int }), id: () => "all", conflict: "keepLast" })
const News = Fact.kind("News", {
  schema: Schema.Struct({ n: Schema.Int }),
  id: ({ n }) => String(n),
  retention: { latest: 2 }
})

/** Names grow; their number is revised; of the news, only the newest stay. */
const names = Program.make("names", {
  input: Schema.Struct({ names: Schema.Array(Schema.String) }),
  seed: ({ names }) => names.map((text) => Name.of({ text })),
  agents: [
    Agent.make("measure", {
      each: Name,
      writes: [Size, Name],
      execute: (name) => {
        const { text } = name.value
        const longer = text.length < 6 ? [Name.of({ text: `${text}!` })] : []
        return Effect.succeed({ facts: [Size.of({ text, n: text.length }), ...longer], trace: { measured: text } })
      }
    }),
    Agent.make("count", {
      reads: [Size],
      writes: [Count, News],
      execute: (view) => {
        const n = view.size(Size)
        const because = view.delta(Size).slice(0, 1)
        return Effect.succeed({ facts: [Count.of({ n }), News.of({ n }, { because })] })
      }
    })
  ],
  output: (view) => view.size(Name)
})

const Text = Fact.kind("Text", { schema: Schema.Struct({ text: Schema.String }), id: () => "one" })
const Copy = Fact.kind("Copy", { schema: Schema.Struct({ text: Schema.String }), id: () => "one" })

/** Copies a text from its input to a seed, to another fact, and to its output. */
const echo = Program.make("echo", {
  input: Schema.Struct({ text: Schema.String }),
  seed: ({ text }) => [Text.of({ text })],
  agents: [
    Agent.make("copies", {
      each: Text,
      writes: [Copy],
      execute: ({ value: { text } }) => Effect.succeed({ facts: [Copy.of({ text })] })
    })
  ],
  output: (view) => view.all(Copy)[0]?.value.text
})

const Step = Fact.kind("Step", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n)
})

const filename = join(folder, "jobs.db")
let running: Running
beforeAll(async () => {
  running = await serve({ programs: [names] }, { store: JobStore.layerSqlite({ filename }) })
})
afterAll(() => running.stop())

const record = (
  jobId: string,
  file = filename,
  programs: ReadonlyArray<Program.Program.Any> = [],
  bounds: Partial<RecordBounds> = {}
) =>
  Effect.runPromise(
    recordJob(jobId, { programs: programs.map(infoOf), bounds }).pipe(
      Effect.provide(Layer.fresh(JobStore.layerSqlite({ filename: file, readOnly: true })))
    )
  )

const start = async (id: string, texts: ReadonlyArray<string>): Promise<void> => {
  await running.post("/api/v1/jobs", { program: "names", input: { names: texts }, id })
}

/** The answer of a record. */
const told = (job: RecordedJob, path: string): unknown => {
  const answer = job.answer(path)
  return answer.ok ? answer.value : answer.problem.status
}

/** The answer of the server: a value, or the status of a problem. */
const asked = async (path: string): Promise<unknown> => {
  const response = await running.fetch(`/api/v1/${path}`)
  return response.ok ? jsonOf(response) : response.status
}

const queries = (id: string, last: number): ReadonlyArray<string> =>
  [
    ...[
      "diagnosis",
      "intents",
      "intents?limit=2&valueLength=9",
      "input",
      "timeline",
      "timeline?limit=2",
      "timeline?limit=2&after=2",
      "kinds",
      "kinds?at=99"
    ],
    ...[
      "facts",
      "facts?limit=3",
      "facts?kind=News",
      "facts?q=B!",
      "facts?kind=Name&q=zz",
      "diff",
      "diff?from=2&limit=2",
      "diff?limit=2&cursor=2",
      "diff?limit=2&before=4",
      "facts?limit=3&cursor=2",
      "facts?limit=3&before=8",
      "facts?limit=2&before=9999&kind=Name",
      "timeline?limit=2&before=4",
      "lineage?kind=Name&fact=a&limit=2&before=9999",
      "lineage?kind=Name&fact=a&limit=2&cursor=4",
      "explain?kind=Count&factJson=%22all%22"
    ],
    ...["explain?kind=Count&fact=all", "explain?kind=News&fact=4", "explain?kind=Name&fact=nobody"],
    ...["lineage?kind=Name&fact=a", "lineage?kind=Name&fact=a&without=true", "lineage?kind=Name&fact=nobody"],
    ...Array.from({ length: last + 1 }, (_, at) => at).flatMap((at) => [
      `diagnosis?at=${at}`,
      `kinds?at=${at}`,
      `facts?at=${at}`,
      `facts?at=${at}&limit=2&cursor=3`,
      `diff?from=${at}`,
      `lineage?kind=Name&fact=b&at=${at}`,
      `lineage?kind=Size&fact=a!&without=true&at=${at}`
    ])
  ].map((path) => `jobs/${id}/${path}`)

/** The job after each cycle, without the parts that the console does not read. */
const replays = async (job: RecordedJob, id: string): Promise<void> => {
  for (let at = 0; at <= job.record.job.cycle; at++) {
    const path = `jobs/${id}/replay?at=${at}`
    const { marks: _, programVersion: __, ...replay } = (await asked(path)) as Record<string, unknown>
    expect([at, told(job, path)]).toEqual([at, replay])
  }
}

describe("a record", () => {
  it("answers every question about the past as the server does", async () => {
    await start("asked", ["a", "b"])
    const job = new RecordedJob(await record("asked", filename, [names]))
    const last = job.record.job.cycle
    expect(last).toBeGreaterThan(5)
    for (const path of queries("asked", last)) expect([path, told(job, path)]).toEqual([path, await asked(path)])
    await replays(job, "asked")
    expect(told(job, "programs")).toEqual(await asked("programs"))
    expect(told(job, "jobs")).toEqual({ ...((await asked("jobs")) as object), cursor: null })
    expect(told(job, "jobs/other")).toBe(404)
  })

  it("lists its job for the filters for which a server lists it", async () => {
    await running.post("/api/v1/jobs", {
      program: "names",
      input: { names: ["a"] },
      id: "listed",
      attributes: { customer: "42" }
    })
    const job = new RecordedJob(await record("listed"))
    const { createdAt } = job.record.summary
    const listed = (list: unknown): ReadonlyArray<string> =>
      (list as { jobs: ReadonlyArray<{ jobId: string }> }).jobs
        .map(({ jobId }) => jobId)
        .filter((id) => id === "listed")
    const counts = [
      ...["attribute=customer%3A42", "attribute=customer%3A4", "attribute=order%3A42"],
      ...[`since=${createdAt}`, `since=${createdAt + 1}`, `until=${createdAt}`, `until=${createdAt - 1}`],
      ...["status=converged", "status=failed", "program=names", "program=other", "q=LIST", "q=nothing"]
    ].map(async (filter) => {
      const found = listed(told(job, `jobs?${filter}`))
      expect([filter, found]).toEqual([filter, listed(await asked(`jobs?${filter}`))])
      return found.length
    })
    expect(await Promise.all(counts)).toEqual([1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0])
  })

  it("has the state, the result and the events of the job", async () => {
    await start("ended", ["a"])
    const job = new RecordedJob(await record("ended"))
    const server = (await asked("jobs/ended")) as Record<string, unknown>
    // The store has its own time of the end.
    const { haltedAt, ...rest } = server
    expect(told(job, "jobs/ended")).toEqual({
      ...rest,
      haltedAt: expect.any(Number),
      phase: null,
      tier: 0
    })
    expect(Math.abs(Number(haltedAt) - Number(job.record.job.haltedAt))).toBeLessThan(5_000)
    const lines = await (
      await running.fetch("/api/v1/jobs/ended/events", { headers: { accept: "application/x-ndjson" } })
    ).text()
    const events = lines
      .split("\n")
      .filter((line) => line.includes('"seq"'))
      .map((line) => JSON.parse(line) as unknown)
    expect(job.eventsAfter(0)).toEqual(events)
    expect(job.eventsAfter(3)).toEqual(events.slice(3))
    expect(job.record.leftOut).toEqual({ facts: 0, values: 0, events: 0, cycles: 0 })
    expect(job.record.corrupt).toBeNull()
  })

  it("goes on from the context of another job", async () => {
    await start("first", ["a"])
    await running.post("/api/v1/jobs/first/fork", {
      at: 2,
      facts: [{ kind: "Name", value: { text: "forked" } }],
      id: "forked"
    })
    await until(async () => ((await asked("jobs/forked")) as Record<string, unknown>)["haltedAt"] !== null)
    const job = new RecordedJob(await record("forked"))
    for (const path of queries("forked", job.record.job.cycle)) {
      expect([path, told(job, path)]).toEqual([path, await asked(path)])
    }
  })

  it("tells the values that a fact has had, up to a cycle", async () => {
    await start("revised", ["a"])
    const job = new RecordedJob(await record("revised"))
    const valuesAt = (at: string) =>
      (
        told(job, `jobs/revised/history?kind=Count&fact=all${at}`) as { revisions: ReadonlyArray<Fact.Fact> }
      ).revisions.map(({ value }) => value)
    expect(valuesAt("&at=3")).toEqual([{ n: 1 }, { n: 2 }])
    expect(valuesAt("")).toEqual([1, 2, 3, 4, 5, 6].map((n) => ({ n })))
  })

  it("cuts a value that is too long, and says so", async () => {
    const long = "x".repeat(Limits.recordedValueLength)
    await start("long", ["abcdefg", long])
    const { leftOut, pasts } = await record("long")
    // The input, the name, its size, and its trace.
    expect(leftOut).toMatchObject({ facts: 0, values: 4 })
    expect(pasts[0]?.facts.find(({ id }) => id === long)?.value).toMatch(
      /^\(left out of the record: a value of 1\d+ characters\)$/
    )
    expect(pasts[0]?.facts.find(({ id }) => id === "abcdefg")?.value).toEqual({ text: "abcdefg" })
  })

  it("keeps the newest of what is too much, and says how much it leaves out", async () => {
    await start("much", ["a"])
    const whole = await record("much")
    const small = await record("much", filename, [], { facts: 5, events: 3, cycles: 2 })
    const all = whole.pasts[0]!.facts
    expect(small.leftOut).toEqual({
      facts: all.length - 5,
      values: 0,
      events: whole.events.length - 3,
      cycles: whole.timeline.length - 2
    })
    expect(small.pasts[0]?.facts.map(({ provenance }) => provenance.version)).toEqual(
      all.slice(-5).map(({ provenance }) => provenance.version)
    )
    expect(new RecordedJob(small).eventsAfter(0)).toEqual(new RecordedJob(whole).eventsAfter(0).slice(-3))
    expect(small.timeline).toEqual(whole.timeline.slice(-2))
    // The counts of the newest cycle, and the diagnosis, are those of the whole job.
    expect(small).toMatchObject({ kinds: whole.kinds, diagnosis: whole.diagnosis, job: whole.job })
    const job = new RecordedJob(small)
    expect(told(job, "jobs/much/kinds")).toEqual(told(new RecordedJob(whole), "jobs/much/kinds"))
    // Causes that are left out are no causes here, and nothing breaks.
    expect(told(job, "jobs/much/explain?kind=Count&fact=all")).toMatchObject({ nodes: [{ kind: "Count" }, {}] })
  })

  it("fills up to its length, and no further", async () => {
    await start("full", ["a", "b"])
    const { pasts } = await record("full", filename, [], { length: 200 })
    const length = pasts[0]!.facts.reduce((sum, { value }) => sum + JSON.stringify(value).length, 0)
    expect(length).toBeLessThanOrEqual(200)
    expect(length).toBeGreaterThan(50)
  })

  it("shows a corrupt journal up to the corrupt row", async () => {
    await start("hurt", ["a"])
    const copy = join(folder, "hurt.db")
    const source = new DatabaseSync(filename)
    source.exec(`VACUUM INTO '${copy}'`)
    source.close()
    const database = new DatabaseSync(copy)
    database.exec(`UPDATE converge_rows SET text = replace(text, 'a!!', 'a?!')
      WHERE cycle = 3 AND job = (SELECT id FROM converge_jobs WHERE job_id = 'hurt')`)
    database.close()
    const { corrupt, job, pasts } = await record("hurt", copy)
    expect(corrupt).toContain("cycle 3")
    expect(job.cycle).toBe(2)
    expect(pasts[0]?.points.map(({ cycle }) => cycle)).toEqual([0, 1, 2])
  })
})

describe.each(fixtures)("the jobs of version %s", (name) => {
  it("are recorded with the facts of every cycle", async () => {
    const file = join(folder, `${name}.db`)
    copyFileSync(journalsOf(name), file)
    const store = Layer.fresh(JobStore.layerSqlite({ filename: file }))
    const compared = Effect.gen(function* () {
      const { jobs } = yield* JobStore.JobStore.use(({ list }) => list({ limit: 1_000 }))
      let contexts = 0
      for (const { cycle: last, jobId } of jobs) {
        const recorded = new RecordedJob(yield* recordJob(jobId))
        const events = yield* Effect.flatMap(Journal.events(jobId), Stream.runCount)
        expect(recorded.record.events).toHaveLength(events)
        for (let at = 0; at <= last; at++) {
          const { context, hash, version } = yield* Journal.replay(jobId, { at })
          const page = told(recorded, `jobs/${encodeURIComponent(jobId)}/facts?at=${at}&limit=100000`)
          const facts = JSON.parse(JSON.stringify(context.encoded().map(factJson))) as unknown
          expect([jobId, at, JSON.parse(JSON.stringify(page))]).toEqual([
            jobId,
            at,
            { facts, version, cursor: null, previous: null }
          ])
          expect(recorded.record.pasts.flatMap(({ points }) => points).some((point) => point.hash === hash)).toBe(true)
          contexts++
        }
      }
      return contexts
    })
    expect(await Effect.runPromise(Effect.provide(compared, store))).toBeGreaterThan(50)
  })
})

describe("a long value", () => {
  it("is left out of a record wherever it stands: facts, seeds, events, input and output", async () => {
    const long = "y".repeat(5_000)
    const file = join(folder, "echo.db")
    const server = await serve({ programs: [echo] }, { store: JobStore.layerSqlite({ filename: file }) })
    await server.post("/api/v1/jobs", { program: "echo", input: { text: long }, id: "echo" })
    await server.stop()
    const recorded = await record("echo", file, [], { valueLength: 1_000 })
    const text = JSON.stringify(recorded)
    expect(text).not.toContain("yyyy")
    expect(text.length).toBeLessThan(20_000)
    expect(recorded.job.result?.output).toBe("(left out of the record: the output of 5002 characters)")
    expect(recorded.input.input).toBe("(left out of the record: the input of 5011 characters)")
    const events = new RecordedJob(recorded).eventsAfter(0)
    expect(events).toMatchObject([
      { _tag: "JobStarted", seeds: [{ kind: "Text", value: "(left out of the record: a value of 5011 characters)" }] },
      ...events.slice(1)
    ])
    // Without room for the facts, the events have the same texts.
    const few = await record("echo", file, [], { valueLength: 1_000, facts: 0 })
    expect(new RecordedJob(few).eventsAfter(0)).toEqual(events)
    // The seed and its copy, the input and the output.
    expect(recorded.leftOut.values).toBe(4)
    const whole = await record("echo", file)
    expect(whole.leftOut.values).toBe(0)
    expect(whole.job.result?.output).toBe(long)
  })
})

/** Asks at its first steps, with long payloads, and gets no answer; in the end it fails with a long error. */
const asks = Program.make("asks", {
  input: Schema.Struct({}),
  seed: () => [Step.of({ n: 0, text: "" })],
  agents: [
    Agent.make("asks", {
      each: Step,
      writes: [Step],
      execute: ({ value: { n } }) =>
        Effect.succeed({
          facts: n < 30 ? [Step.of({ n: n + 1, text: "" })] : [],
          intents: n < 3 ? [Intent.approval({ id: String(n), question: "q", data: "d".repeat(100_000) })] : []
        })
    }),
    Agent.make("clashes", {
      each: Step,
      writes: [Step],
      execute: ({ value: { n } }) =>
        Effect.succeed({ facts: n < 30 ? [] : [Step.of({ n: 0, text: "c".repeat(100_000) })] })
    })
  ]
})

const Slow = Fact.kind("Slow", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })

/** Its first cycle ends at once; its second waits for as long as the engine lives. */
const stays = Program.make("stays", {
  input: Schema.Struct({}),
  seed: () => [Slow.of({ id: "quick" })],
  agents: [
    Agent.make("works", {
      each: Slow,
      writes: [Slow],
      timeout: "10 minutes",
      execute: ({ value: { id } }) =>
        id === "stuck" ? Effect.never : Effect.succeed({ facts: [Slow.of({ id: "stuck" })] })
    })
  ]
})

describe("the record of a job that runs", () => {
  const file = join(folder, "stays.db")
  let server: Running
  beforeAll(async () => {
    server = await serve({ programs: [stays] }, { store: JobStore.layerSqlite({ filename: file }) })
    await server.post("/api/v1/jobs", { program: "stays", id: "it", input: {} }, { prefer: "respond-async" })
    await until(async () => {
      const { running } = await ask<Present["tasks"]>("/tasks")
      return running[0]?.each?.id === "stuck"
    })
  })
  afterAll(() => server.stop())

  const ask = async <A>(path: string): Promise<A> => (await jsonOf(await server.fetch(`/api/v1/jobs/it${path}`))) as A
  const presentOf = async (): Promise<Present> => ({
    job: await ask("?brief=true"),
    tasks: await ask("/tasks"),
    work: await ask("/work?agents=true")
  })
  const opened: Layer.Layer<JobStore.JobStore, unknown> = JobStore.layerSqlite({ filename: file, readOnly: true })
  const recordOf = (present: Present | undefined, store = opened) =>
    Effect.runPromise(Effect.provide(recordJob("it", { present }), Layer.fresh(store)))

  it("has the state, the usage, the tasks and the times of that moment, as its server tells them", async () => {
    const present = await presentOf()
    const before = Date.now()
    const job = new RecordedJob(await recordOf(present))
    expect(job.record.recordedAt).toBeGreaterThanOrEqual(before)
    expect(told(job, "jobs/it")).toMatchObject({
      state: "running",
      phase: present.job.phase,
      usage: { durationMs: present.job.usage?.durationMs }
    })
    expect(told(job, "jobs")).toMatchObject({ jobs: [{ state: "running" }] })
    expect(told(job, "jobs/it/tasks")).toEqual(present.tasks)
    expect(present.tasks.running).toMatchObject([{ agent: "works", each: { id: "stuck" } }])
    expect(told(job, "jobs/it/work?agents=true")).toEqual({ ...present.work, measuredMs: null })
  })

  it("names no task of a cycle that was committed meanwhile", async () => {
    const present = await presentOf()
    const job = new RecordedJob(await recordOf({ ...present, tasks: { ...present.tasks, cycle: 1 } }))
    expect(told(job, "jobs/it/tasks")).toMatchObject({ cycle: 1, tasks: 0, running: [], waiting: [] })
  })

  it("says that it runs where only the store is asked, and nothing of what a process does without telling", async () => {
    const job = new RecordedJob(await recordOf(undefined))
    expect(told(job, "jobs/it")).toMatchObject({ state: "running", phase: null })
    expect(told(job, "jobs/it/tasks")).toMatchObject({ cycle: 1, running: [], since: null })
    expect((told(job, "jobs/it/work") as Present["work"]).awayMs).toBeLessThan(1_000)
  })

  it("reads the head of its journal once, so that no part of it is newer than another", async () => {
    let loads = 0
    const counted = Layer.effect(
      JobStore.JobStore,
      Effect.map(JobStore.JobStore, (store) => ({
        ...store,
        load: (id: string) =>
          Effect.andThen(
            Effect.sync(() => void loads++),
            store.load(id)
          )
      }))
    )
    await recordOf(undefined, Layer.provide(counted, opened))
    expect(loads).toBe(1)
  })
})

describe("what a job is full of besides its facts", () => {
  it("is told once: facts of events by their versions, and intents at the first of the cycles that have them", async () => {
    const file = join(folder, "asks.db")
    const server = await serve({ programs: [asks] }, { store: JobStore.layerSqlite({ filename: file }) })
    const ended = await server.post("/api/v1/jobs", { program: "asks", id: "asks", input: {} })
    expect(ended.status).toBe(409)
    const ask = async (path: string) => jsonOf(await server.fetch(`/api/v1/jobs/asks/${path}`))
    const served = await ask("replay?at=20&valueLength=16000")
    const diagnosis = await ask("diagnosis")
    await server.stop()
    const recorded = await record("asks", file)
    // Three payloads and an error of a hundred thousand characters each.
    expect(JSON.stringify(recorded).length).toBeLessThan(60_000)
    expect(JSON.stringify(diagnosis).length).toBeLessThan(10_000)
    expect(recorded.leftOut.values).toBeGreaterThan(3)
    expect(recorded.pasts[0]?.points.filter(({ unanswered }) => Array.isArray(unanswered))).toHaveLength(3)
    const job = new RecordedJob(recorded)
    const ids = (answer: unknown): unknown =>
      (answer as { unanswered: ReadonlyArray<{ idempotencyKey: string }> }).unanswered.map((one) => one.idempotencyKey)
    expect(ids(told(job, "jobs/asks/replay?at=20"))).toEqual(ids(served))
    expect(ids(told(job, "jobs/asks/replay?at=1"))).toHaveLength(1)
    expect(recorded.events.some((event) => JSON.stringify(event).includes('"facts":[2]'))).toBe(true)
    const [first] = job.eventsAfter(0)
    expect(first).toMatchObject({ _tag: "JobStarted", seeds: [{ kind: "Step", id: "0", value: { n: 0, text: "" } }] })
  })
})

describe("the page of a record", () => {
  it("begins with its policy, asks nobody, and holds hostile texts as data", async () => {
    const hostile = ["</script><script>alert(1)</script>", "<!--", "\u2028\u2029", "]]>", "\uD800", "$&$'"]
    await start("hostile", hostile)
    const recorded = await record("hostile")
    const html = consoleFile(recorded)
    const [, policy] =
      /^<!doctype html>\n<html [^>]*>\n<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="([^"]*)">/.exec(
        html
      )!
    expect(policy).toContain("connect-src 'none'")
    expect(policy).not.toMatch(/unsafe|'self'|frame-ancestors/)
    const scripts = [...html.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)]
    expect(scripts.map(([, attributes]) => attributes)).toEqual([` type="application/json" id="record"`, ""])
    expect(JSON.parse(scripts[0]?.[2] ?? "")).toEqual(JSON.parse(JSON.stringify(recorded)))
    expect(html).not.toContain("<!--")
  })

  it("has the layout engine in itself where there is a graph, and a served page loads it", async () => {
    await start("drawn", ["a"])
    const html = consoleFile(await record("drawn", filename, [names]))
    const layout = consoleLayout()
    const { html: served, policy } = consolePage()
    expect(html).toContain(`<script type="text/plain" id="layout">${layout}</script>`)
    expect(html).toContain("worker-src blob:;")
    expect(served).not.toContain(layout)
    expect(policy).toContain("connect-src 'self'")
  })
})
