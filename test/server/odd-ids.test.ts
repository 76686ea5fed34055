/** Ids that are no plain segments of a path: of facts, which can be any text, and of jobs, which cannot. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Engine, Fact, JobStore, Program, WorkerPool } from "../../src/index.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"

const Note = Fact.kind("A/Note", { schema: Schema.Struct({ text: Schema.String }), id: ({ text }) => text })

const oddIds = [
  "",
  ".",
  "..",
  "a/b",
  "/",
  "a//b",
  "../x",
  "a;b=c",
  "%",
  "%2F",
  "100%25",
  "?",
  "#",
  "a\\b",
  "é 漢 😀",
  "\u0000\n"
]
const lone = ["\ud800", "a\udc00b"]

const odd = Program.make("odd", {
  input: Schema.Struct({}),
  kinds: [Note],
  seed: () => [...oddIds, ...lone].map((text) => Note.of({ text })),
  agents: [Agent.make("none", { execute: () => Effect.succeed({}) })]
})

/** A proxy that decodes paths, merges their slashes and takes their dots away, as some do; it leaves queries as they are. */
const decodingProxy = async (target: string) => {
  const proxy = createServer((asked, answer) => {
    const [path = "/", query] = (asked.url ?? "/").split("?")
    const { pathname } = new URL(decodeURIComponent(path).replace(/\/{2,}/g, "/"), target)
    const passed = request(new URL(pathname + (query === undefined ? "" : `?${query}`), target), (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(answer)
    })
    passed.end()
  })
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve))
  const close = () => new Promise((resolve) => proxy.close(resolve))
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, close }
}

let running: Running
let proxy: Awaited<ReturnType<typeof decodingProxy>>
beforeAll(async () => {
  running = await serve({ programs: [odd] })
  proxy = await decodingProxy(running.url)
  await running.post("/api/v1/jobs", { program: "odd", id: "odd" })
})
afterAll(async () => {
  await proxy.close()
  await running.stop()
})

const explained = async (url: string) => {
  const response = await fetch(url, { headers: { connection: "close" } })
  const { nodes } = (await response.json()) as { nodes?: ReadonlyArray<{ id: string }> }
  return [response.status, nodes?.[0]?.id]
}

describe("every fact is explained, directly and behind a proxy that decodes paths", () => {
  const through = () => [running.url, proxy.url]

  it.each(oddIds)("by its kind and its id: %j", async (id) => {
    const query = `kind=${encodeURIComponent("A/Note")}&fact=${encodeURIComponent(id)}`
    for (const url of through()) expect(await explained(`${url}/api/v1/jobs/odd/explain?${query}`)).toEqual([200, id])
  })

  it.each([...oddIds, ...lone])("by its kind and its id as a string of JSON: %j", async (id) => {
    const query = `kind=${encodeURIComponent("A/Note")}&factJson=${encodeURIComponent(JSON.stringify(id))}`
    for (const url of through()) expect(await explained(`${url}/api/v1/jobs/odd/explain?${query}`)).toEqual([200, id])
  })

  it.each([...oddIds, ...lone])("and so are its lineage and its history, and a search for it: %j", async (id) => {
    const query = `kind=${encodeURIComponent("A/Note")}&factJson=${encodeURIComponent(JSON.stringify(id))}`
    for (const url of through()) {
      const asked = async (path: string) => jsonOf(await fetch(`${url}/api/v1/jobs/odd/${path}`))
      expect(await asked(`lineage?${query}`)).toMatchObject({ fact: { kind: "A/Note", id }, count: 0 })
      expect(await asked(`history?${query}`)).toMatchObject({ revisions: [{ id, value: { text: id } }] })
      // The JSON of an id without its quotes, as a person would type it.
      const text = JSON.stringify(id).slice(1, -1)
      const { facts } = (await asked(`facts?q=${encodeURIComponent(text)}`)) as {
        facts: ReadonlyArray<{ id: string }>
      }
      expect(facts.map((fact) => fact.id)).toContain(id)
    }
  })

  it("and a name in both forms, in none, or in no JSON, is refused with the reason", async () => {
    const both = "give the id of the fact as fact or id, or as a string of JSON in factJson, and only one of them"
    for (const [query, why] of [
      ["", both],
      ["&fact=a&factJson=%22a%22", both],
      ["&factJson=a", "factJson"],
      ["&factJson=%22a", "factJson"],
      ["&factJson=1", "factJson"],
      ["&factJson=%22%5Cx%22", "factJson"]
    ] as const) {
      for (const route of ["explain", "lineage", "history"]) {
        const response = await running.fetch(`/api/v1/jobs/odd/${route}?kind=A%2FNote${query}`)
        expect([response.status, (await jsonOf(response))["detail"]], route + query).toEqual([
          400,
          expect.stringContaining(why)
        ])
      }
    }
  })

  it("by its version, also where its id is no Unicode", async () => {
    const { facts } = (await jsonOf(await running.fetch("/api/v1/jobs/odd/facts"))) as {
      facts: ReadonlyArray<{ id: string; provenance: { version: number } }>
    }
    expect(facts.map(({ id }) => id)).toEqual([...oddIds, ...lone])
    for (const { id, provenance } of facts) {
      for (const url of through()) {
        expect(await explained(`${url}/api/v1/jobs/odd/versions/${provenance.version}/explain`)).toEqual([200, id])
      }
    }
  })

  it("and one that is not there is unknown", async () => {
    for (const path of ["explain?kind=A%2FNote&fact=none", "explain?kind=&fact=", "versions/99/explain"]) {
      const response = await running.fetch(`/api/v1/jobs/odd/${path}`)
      expect([response.status, (await jsonOf(response))["type"]]).toEqual([404, "urn:effect-converge:UnknownFact"])
    }
    expect((await running.fetch("/api/v1/jobs/odd/explain?kind=A%2FNote")).status).toBe(400)
    expect((await running.fetch("/api/v1/jobs/odd/versions/0/explain")).status).toBe(400)
  })
})

const fit = ["a", "...", ".a", "..a", "order 17", "é漢😀", "a~b@c:d.e-f_g", "x".repeat(200), "'\"<>&+=$,!()*[]{}|^`"]
const unfit = [
  "",
  ".",
  "..",
  "a/b",
  "a\\b",
  "50%",
  "a;b",
  "a?b",
  "a#b",
  "a\nb",
  "\u0000",
  "\u0085",
  "\ud800",
  "x".repeat(201)
]

describe("a job", () => {
  it.each(fit)("can be given an id that is a segment of a path, and is found by it everywhere: %j", async (id) => {
    expect((await running.post("/api/v1/jobs", { program: "odd", id })).status).toBe(200)
    for (const url of [running.url, proxy.url]) {
      const found = await fetch(`${url}/api/v1/jobs/${encodeURIComponent(id)}`, { headers: { connection: "close" } })
      expect(await jsonOf(found)).toMatchObject({ jobId: id })
    }
    const ended = await Effect.runPromise(Effect.provide(Engine.run(odd, {}, { id }), Engine.layerMemory))
    expect(ended.jobId).toBe(id)
  })

  it.each(unfit)("cannot be given another, by a program or over HTTP: %j", async (id) => {
    const refused = await running.post("/api/v1/jobs", { program: "odd", id })
    expect([refused.status, (await jsonOf(refused))["type"]]).toEqual([400, "urn:effect-converge:InvalidRequest"])
    const error = await Effect.runPromise(
      Effect.flip(Effect.provide(Engine.start(odd, {}, { id }), Engine.layerMemory))
    )
    expect(error).toMatchObject({ _tag: "InvalidInput", message: expect.stringMatching(/^a job's id must /) })
  })

  it("that an earlier version journaled under such an id can still be started by it", async () => {
    const store = await Effect.runPromise(journalStore)
    const engine = Engine.layer().pipe(
      Layer.provide(Layer.succeed(JobStore.JobStore, store)),
      Layer.provide(WorkerPool.layerInline)
    )
    const ended = await Effect.runPromise(
      Effect.gen(function* () {
        const { hash } = yield* Engine.run(odd, {}, { id: "old" })
        const old = yield* store.load("old")
        const fence = yield* store.create({
          ...old,
          jobId: "old/1",
          text: () => old.text,
          hash: old.genesisHash,
          header: () => old.header,
          base: undefined
        })
        yield* store.release("old/1", fence)
        expect(yield* Effect.flip(Engine.start(odd, {}, { id: "old/2" }))).toMatchObject({ _tag: "InvalidInput" })
        const again = yield* Engine.run(odd, {}, { id: "old/1" })
        return { hash, again }
      }).pipe(Effect.provide(engine))
    )
    expect(ended.again).toMatchObject({ jobId: "old/1", hash: ended.hash })
  })
})
