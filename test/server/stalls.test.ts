/** A server over a job with large cycles and large values: no question about it holds the event loop for long. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { Agent, Fact, JobStore, Program } from "../../src/index.ts"
import { pulse } from "../support/pulse.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"

const Item = Fact.kind("Item", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: ({ n }) => String(n)
})
const Ask = Fact.kind("Ask", {
  schema: Schema.Struct({ count: Schema.Int, length: Schema.Int }),
  id: ({ count }) => String(count)
})

/** Makes all its facts in one cycle. */
const many = Program.make("many", {
  input: Schema.Struct({ count: Schema.Int, length: Schema.Int }),
  kinds: [Item],
  seed: (input) => [Ask.of(input)],
  agents: [
    Agent.make("make", {
      each: Ask,
      writes: [Item],
      execute: ({ value: { count, length } }) =>
        Effect.succeed({ facts: Array.from({ length: count }, (_, n) => Item.of({ n, text: "x".repeat(length) })) })
    })
  ]
})

/** Before rows were parsed, and events examined, in steps, the longest turns of these questions were 135 to 245 ms. */
const count = 150_000
const folder = mkdtempSync(join(tmpdir(), "converge-stalls-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const open = (): Promise<Running> =>
  serve({ programs: [many] }, { store: JobStore.layerSqlite({ filename: join(folder, "jobs.db") }) })

const start = async (running: Running, id: string, input: unknown): Promise<void> => {
  const started = await running.post("/api/v1/jobs", { program: "many", id, input, budget: { maxFacts: 1_000_000 } })
  expect(started.status).toBe(200)
}

beforeAll(async () => {
  const running = await open()
  await start(running, "wide", { count, length: 1 })
  await start(running, "other", { count: count - 1, length: 2 })
  await start(running, "long", { count: 1, length: 10_000_000 })
  await running.stop()
}, 120_000)

/** The longest turn of the event loop, in ms of CPU time, while a server that has just begun answers a question. */
const turnOf = async (path: string): Promise<readonly [ms: number, answer: Readonly<Record<string, unknown>>]> => {
  const running = await open()
  try {
    const asked = Effect.promise(async () => {
      const response = await running.fetch(`/api/v1/jobs/${path}`, { headers: { accept: "application/json" } })
      expect([path, response.status]).toEqual([path, 200])
      return jsonOf(response)
    })
    const { turns, value } = await Effect.runPromise(pulse(asked))
    return [turns.at(-1) ?? 0, value]
  } finally {
    await running.stop()
  }
}

const mostMs = 100

describe("a stored job with a cycle of many facts", { timeout: 120_000 }, () => {
  it.each(["verify", "diagnosis", "timeline"])(
    "is asked for %s, and the event loop has its turns",
    async (question) => {
      const [ms] = await turnOf(`wide/${question}`)
      expect(ms).toBeLessThan(mostMs)
    }
  )

  it("is compared with another one, and the event loop has its turns", async () => {
    const [ms, { counts }] = await turnOf("wide/diff/other")
    expect(ms).toBeLessThan(mostMs)
    expect(counts).toEqual({ added: 1, removed: 2, revised: count - 1 })
  })
})

describe("questions at once", { timeout: 120_000 }, () => {
  it("count each event of the job once, although an event is read in steps", async () => {
    const running = await open()
    try {
      await running.fetch("/api/v1/jobs/wide")
      const ask = async () => jsonOf(await running.fetch("/api/v1/jobs/wide/diagnosis"))
      const answers = await Promise.all([ask(), ask(), ask()])
      for (const { growth } of answers)
        expect(growth).toContainEqual(expect.objectContaining({ kind: "Item", facts: count }))
    } finally {
      await running.stop()
    }
  })
})

describe("a stored job with a value of ten megabytes", { timeout: 120_000 }, () => {
  it.each(["verify", "history?kind=Item&fact=0&valueLength=9"])(
    "is asked for %s, and the event loop has its turns",
    async (question) => {
      const [ms] = await turnOf(`long/${question}`)
      expect(ms).toBeLessThan(mostMs)
    }
  )
})
