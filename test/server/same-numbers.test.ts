/** A server says the same of one job on each route: its cycles, its end, and why it does not end. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, describe, expect, it } from "vitest"
import { Agent, Fact, Intent, JobStore, Program } from "../../src/index.ts"
import { converge } from "../support/cli/inProcess.ts"
import { counting } from "../support/cli/count.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-same-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const Ask = Fact.kind("Ask", { schema: Schema.Struct({ id: Schema.String }), id: ({ id }) => id })
const asks = Program.make("asks", {
  input: Schema.Struct({ ids: Schema.Array(Schema.String) }),
  seed: ({ ids }) => ids.map((id) => Ask.of({ id })),
  agents: [
    Agent.make("ask", {
      each: Ask,
      execute: ({ value: { id } }) => Effect.succeed({ intents: [Intent.approval({ id, question: `May ${id} go?` })] })
    })
  ]
})

const over = async (
  filename: string,
  use: (running: Running) => Promise<void>,
  programs: ReadonlyArray<Program.Program.Any> = [asks, counting]
): Promise<void> => {
  const running = await serve({ programs }, { store: JobStore.layerSqlite({ filename }) })
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

const get = async (running: Running, path: string) => jsonOf(await running.fetch(`/api/v1/${path}`))

describe("the cycles and the end of a job", () => {
  it("are the same on each route, as in its result and in its journal", async () => {
    const filename = join(folder, "ended.db")
    await over(filename, async (running) => {
      await running.post("/api/v1/jobs", { program: "counting", id: "x", input: { upTo: 3 } })
      const check = async () => {
        const job = await get(running, "jobs/x")
        const { cycles, usage } = job["result"] as { cycles: number; usage: { cycles: number } }
        expect(cycles).toBe(Number(job["cycle"]) + 1)
        expect([usage.cycles, (job["usage"] as { cycles: number }).cycles]).toEqual([cycles, cycles])
        expect((await get(running, "jobs/x/verify"))["cycles"]).toBe(cycles)
        const { jobs } = (await get(running, "jobs")) as unknown as { jobs: ReadonlyArray<Record<string, unknown>> }
        const journal = await get(running, "jobs/x/journal")
        expect([job["cycles"], jobs[0]!["cycles"]]).toEqual([cycles, cycles])
        expect(jobs[0]!["cycle"]).toBe(job["cycle"])
        expect([job["haltedAt"], jobs[0]!["haltedAt"]]).toEqual([journal["haltedAt"], journal["haltedAt"]])
        return job
      }
      const held = await check()
      const ended = await converge(["verify", "--id", "x", "--store", filename, "--json"])
      expect(JSON.parse(ended.stdout)).toMatchObject({
        jobs: [{ cycles: (held["result"] as { cycles: number }).cycles }]
      })
      await over(filename, async (later) => {
        expect(await get(later, "jobs/x")).toEqual(held)
      })
    })
  })

  it("have the time that the journal has, also where the clock of the end is another one", async () => {
    const filename = join(folder, "times.db")
    await over(filename, async (running) => {
      for (let n = 0; n < 20; n++) await running.post("/api/v1/jobs", { program: "counting", input: { upTo: 2 } })
      const database = new DatabaseSync(filename, { readOnly: true })
      const stored = database.prepare("SELECT job_id, halted_at FROM converge_jobs").all()
      database.close()
      expect(stored.length).toBe(20)
      for (const row of stored) {
        expect((await get(running, `jobs/${String(row["job_id"])}`))["haltedAt"]).toBe(row["halted_at"])
      }
    })
  })
})

describe("the diagnosis of a job that waits", () => {
  const headline = async (running: Running, id: string) => (await get(running, `jobs/${id}/diagnosis`))["headline"]

  it("says what it waits for, live, stored, on the command line, and after an answer", async () => {
    const filename = join(folder, "waits.db")
    const two = 'It has not ended. It waits for 2 approvals, first "a" (May a go?).'
    const one = 'It has not ended. It waits for the approval "b" (May b go?).'
    await over(filename, async (running) => {
      const body = { program: "asks", id: "w", input: { ids: ["a", "b"] } }
      await running.post("/api/v1/jobs", body, { prefer: "respond-async" })
      await until(async () => (await headline(running, "w")) === two)
      expect((await running.post("/api/v1/jobs/w/approvals/a", { decision: "approve", by: "" })).status).toBe(400)
      expect((await running.post("/api/v1/jobs/w/approvals/a", { decision: "approve" })).status).toBe(200)
      await until(async () => (await headline(running, "w")) === one)
      // The headline is right as soon as the answer is committed. A cycle may still follow.
      await until(async () => (await stateOf(running, "w")) === "awaiting")
      const closed = await running.post("/api/v1/jobs/w/approvals/a", { decision: "approve" })
      expect(await jsonOf(closed)).toMatchObject({ status: 422, title: "The job does not take that fact" })
      const { cycle } = await get(running, "jobs/w")
      expect((await get(running, "jobs/w/tasks"))["cycle"]).toBe(cycle)
      expect((await running.post("/api/v1/jobs/w/pause")).status).toBe(200)
      await until(async () => (await headline(running, "w")) === "It has not ended. It is paused.")
      await running.post("/api/v1/jobs/w/resume")
      await until(async () => (await headline(running, "w")) === one)
    })
    expect((await converge(["show", "w", "--store", filename])).stdout).toContain(one)
    const others = async (running: Running) => {
      expect(await headline(running, "w")).toBe(`${one} No engine runs it.`)
      const { cycle } = await get(running, "jobs/w")
      expect((await get(running, "jobs/w/tasks"))["cycle"]).toBe(cycle)
    }
    await over(filename, others, [counting])
  })
})

describe("a query that is no text", () => {
  it.each(["%zz", "%ED%A0%80"])("as %s, is refused", (text) =>
    over(join(folder, "query.db"), async (running) => {
      await running.post("/api/v1/jobs", { program: "counting", id: "x", input: { upTo: 1 } })
      const refused = await running.fetch(`/api/v1/jobs/x/explain?kind=Number&fact=${text}`)
      expect([refused.status, await jsonOf(refused)]).toEqual([
        400,
        expect.objectContaining({
          type: "urn:effect-converge:InvalidRequest",
          detail: expect.stringContaining("query")
        })
      ])
    })
  )
})

describe("a token that may only steer", () => {
  it("may ask who it is, and read nothing else", async () => {
    const tokens = [{ name: "hand", token: "only-steers-000000000000", scopes: ["steer"] as const }]
    const running = await serve({ programs: [counting], tokens })
    try {
      expect(await get(running, "me")).toEqual({ name: "hand", scopes: ["steer"], programs: null })
      expect((await running.fetch("/api/v1/jobs")).status).toBe(403)
    } finally {
      await running.stop()
    }
  })
})
