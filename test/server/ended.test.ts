/** The jobs that have ended, as a server keeps them: as much as there is room for, by what they take, and no events twice. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { describe, expect, it, vi } from "vitest"
import { Agent, Engine, Fact, JobStore, Program } from "../../src/index.ts"
import { viewOf } from "../../src/job/jobHandle.ts"
import { engineOnStore, journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, type Running, serve } from "../support/server/harness.ts"
import { count } from "../support/server/programs.ts"
import { discardAll } from "../support/core/lenient.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  return { Limits: { ...Limits, serverEndedBytes: 1_000_000 } }
})

const Doc = Fact.kind("Doc", {
  schema: Schema.Struct({ n: Schema.Int, text: Schema.String }),
  id: () => "one",
  conflict: "keepLast"
})
const Text = Schema.Struct({ text: Schema.String })

/** Each takes about 200 KB, and not by the facts that it ends with. */
const takes = Program.make("takes", { input: Text, agents: [] })
const gives = Program.make("gives", { input: Schema.Struct({}), agents: [], output: () => "x".repeat(100_000) })
const revises = Program.make("revises", {
  input: Schema.Struct({}),
  seed: () => [Doc.of({ n: 0, text: "" })],
  agents: [
    Agent.make("revise", {
      each: Doc,
      writes: [Doc],
      execute: ({ value: { n } }) =>
        Effect.succeed({ facts: n < 10 ? [Doc.of({ n: n + 1, text: String(n).padEnd(10_000, ".") })] : [] })
    })
  ]
})
const refused = Program.make("refused", {
  input: Schema.Struct({}),
  seed: () => [Doc.of({ n: 0, text: "" })],
  agents: [
    Agent.make("fail", {
      each: Doc,
      onFailure: discardAll,
      execute: () => Effect.fail({ _tag: "Long", text: "x".repeat(100_000) })
    })
  ]
})

const held = async (running: Running, program: string, input: object) => {
  const ids: Array<string> = []
  for (let n = 0; n < 8; n++) {
    const answer = await running.post("/api/v1/jobs", { program, input })
    expect(answer.status).toBe(200)
    ids.push(String((await jsonOf(answer))["jobId"]))
  }
  const statuses: Array<number> = []
  for (const id of ids) statuses.push((await running.fetch(`/api/v1/jobs/${id}`)).status)
  return statuses
}

describe("jobs that have ended", () => {
  const large = { text: "x".repeat(100_000) }
  it.each([
    ["take large inputs", takes, large],
    ["give large outputs", gives, {}],
    ["revise one fact again and again", revises, {}],
    ["failed in many words", refused, {}]
  ])("and %s are kept as far as there is room, the newest", async (_, program, input) => {
    const running = await serve({ programs: [program] })
    try {
      const statuses = await held(running, program.name, input)
      expect(statuses).toEqual([404, 404, 404, 404, 200, 200, 200, 200])
    } finally {
      await running.stop()
    }
  })

  it("are many, if they are small", async () => {
    const running = await serve({ programs: [count] })
    try {
      expect(await held(running, "count", { to: 3 })).not.toContain(404)
    } finally {
      await running.stop()
    }
  })

  it("of a durable store leave their events to it", async () => {
    const kept = await Effect.runPromise(journalStore)
    let read = 0
    const store: JobStore.JobStore["Service"] = { ...kept, rows: (...asked) => (read++, kept.rows(...asked)) }
    const running = await serve({ programs: [count] }, { store: Layer.succeed(JobStore.JobStore, store) })
    try {
      await running.post("/api/v1/jobs", { program: "count", input: { to: 5 }, id: "one" })
      const follow = async (last: number) => {
        const headers = { accept: "application/x-ndjson", "last-event-id": String(last) }
        const text = await (await running.fetch("/api/v1/jobs/one/events", { headers })).text()
        return text.trimEnd().split("\n")
      }
      expect(read).toBe(0)
      const all = await follow(0)
      expect(read).toBeGreaterThan(0)
      expect(all.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual(all.map((_, index) => index + 1))
      expect(all.at(-1)).toContain("JobHalted")
      expect(await follow(4)).toEqual(all.slice(4))
      expect(await jsonOf(await running.fetch("/api/v1/jobs/one"))).toMatchObject({ result: { output: 6 } })
    } finally {
      await running.stop()
    }
  })
})

describe("a log that was let go of", () => {
  it("is read from the journal by whoever has the job's handle", async () => {
    const store = await Effect.runPromise(journalStore)
    const events = Effect.gen(function* () {
      const job = yield* Engine.start(count, { to: 5 }, { id: "one" })
      const { log } = viewOf(job)!
      log.release()
      expect(log.records).toBeGreaterThan(0)
      yield* job.result
      const before = yield* Stream.runCollect(job.events)
      log.release()
      expect([log.records, log.oldest]).toEqual([1, before.length - 1])
      return [before, yield* Stream.runCollect(job.events)]
    })
    const [before, after] = await Effect.runPromise(Effect.scoped(Effect.provide(events, engineOnStore(store))))
    expect(before?.length).toBeGreaterThan(10)
    expect(after).toEqual(before)
  })
})
