/** Readiness of a server over a file, as the file is now and not as the last request found it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { closeSync, openSync, writeSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { describe, expect, it, vi } from "vitest"
import { JobStore } from "../../src/index.ts"
import { journalStore } from "../support/behaviour/durable.ts"
import { jsonOf, type Running, serve, until } from "../support/server/harness.ts"
import { inline, takesJson } from "../support/server/programs.ts"
import { withFile } from "../support/store/harness.ts"

vi.mock("../../src/Limits.ts", async (actual) => {
  const { Limits } = await actual<typeof import("../../src/Limits.ts")>()
  return { Limits: { ...Limits, serverStoreRetryMs: 1, resumeScanMs: 60_000 } }
})

const inFile = (use: (filename: string) => Promise<void>): Promise<void> =>
  Effect.runPromise(withFile((filename) => Effect.promise(() => use(filename))))

const over = async (
  filename: string,
  use: (running: Running) => Promise<void>,
  options: Partial<JobStore.SqliteOptions> = {}
): Promise<void> => {
  const running = await serve(
    { programs: [...inline, takesJson] },
    { store: JobStore.layerSqlite({ filename, ...options }) }
  )
  try {
    await use(running)
  } finally {
    await running.stop()
  }
}

const readiness = async (running: Running) => {
  const response = await running.fetch("/ready")
  const { services } = (await jsonOf(response)) as { services: Record<string, string> }
  return [response.status, services["store"]]
}

const settled = (running: Running) =>
  until(async () => {
    const { services } = (await jsonOf(await running.fetch("/ready"))) as { services: Record<string, string> }
    return services["server"] === "ok"
  })

const change = (filename: string, sql: string): void => {
  const database = new DatabaseSync(filename, { timeout: 5_000 })
  database.exec(sql)
  database.close()
}

/** Text that fills a file of one MiB, but for less than a probe takes. */
const fill = "CREATE TABLE filling (text TEXT); INSERT INTO filling SELECT hex(randomblob(500000))"
const count = { program: "count", input: { to: 1 } }

describe("a server over a file that is full", () => {
  it("is not ready from its start on, refuses jobs with 503, and is ready by itself when there is space", () =>
    inFile(async (filename) => {
      await over(filename, async (running) => expect(await readiness(running)).toEqual([200, "ok"]))
      change(filename, fill)
      await over(
        filename,
        async (running) => {
          await settled(running)
          expect(await readiness(running)).toEqual([503, "failed: full"])
          const large = { program: takesJson.name, input: { text: "x".repeat(200_000) } }
          const refused = await running.post("/api/v1/jobs", large)
          expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"])
          expect(await jsonOf(refused)).toMatchObject({ type: "urn:effect-converge:StoreFailed", reason: "full" })
          const unheld = await running.post("/api/v1/jobs", { ...large, id: "lost" }, { prefer: "respond-async" })
          expect([unheld.status, unheld.headers.get("retry-after")]).toEqual([503, "1"])
          expect(await jsonOf(unheld)).toMatchObject({ type: "urn:effect-converge:Unavailable", jobId: "lost" })
          change(filename, "DELETE FROM filling")
          await until(async () => (await readiness(running))[0] === 200)
          expect((await running.post("/api/v1/jobs", large)).status).toBe(200)
        },
        { maxSizeMb: 1 }
      )
    }))

  it("leaves nothing of its tries in the file", () =>
    inFile(async (filename) => {
      await over(filename, async (running) => expect(await readiness(running)).toEqual([200, "ok"]))
      const database = new DatabaseSync(filename)
      expect(database.prepare("SELECT count(*) AS rows FROM converge_kept").get()).toEqual({ rows: 0 })
      database.close()
    }))
})

/** Overwrites the page at the top of a table. */
const damage = (filename: string, table: string): void => {
  change(filename, "PRAGMA wal_checkpoint(TRUNCATE)")
  const database = new DatabaseSync(filename)
  const page = Number(database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(table)?.["rootpage"])
  database.close()
  const file = openSync(filename, "r+")
  writeSync(file, Buffer.alloc(4_096, 0xff), 0, 4_096, (page - 1) * 4_096)
  closeSync(file)
}

describe("a server over a file that is damaged", () => {
  it("is not ready from its start on, before any request meets the damage", () =>
    inFile(async (filename) => {
      await over(filename, async (running) => {
        for (let id = 0; id < 3; id++) await running.post("/api/v1/jobs", { ...count, id: `job-${id}` })
      })
      damage(filename, "converge_texts")
      await over(filename, async (running) => expect(await readiness(running)).toEqual([503, "failed: corrupt"]))
    }))

  it("is not ready once a request has met the damage, although it can write elsewhere", () =>
    inFile(async (filename) => {
      await over(filename, async (running) => {
        for (let id = 0; id < 3; id++) await running.post("/api/v1/jobs", { ...count, id: `job-${id}` })
      })
      damage(filename, "converge_texts")
      await over(filename, async (running) => {
        await settled(running)
        const met = await running.fetch("/api/v1/jobs/job-1")
        expect([met.status, await jsonOf(met)]).toEqual([503, expect.objectContaining({ reason: "store" })])
        expect(await readiness(running)).toEqual([503, "failed: corrupt"])
        expect(await readiness(running)).toEqual([503, "failed: corrupt"])
        const refused = await running.post("/api/v1/jobs", count)
        expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"])
      })
    }))
})

describe("a signal whose cycle the store does not take", () => {
  it("is answered with 503: the job has not ended", async () => {
    const kept = await Effect.runPromise(journalStore)
    let isFull = false
    const full = Effect.fail(new JobStore.StoreError({ reason: "full", message: "no space" }))
    const store = Layer.succeed(JobStore.JobStore, {
      ...kept,
      append: (...row: Parameters<typeof kept.append>) => Effect.suspend(() => (isFull ? full : kept.append(...row)))
    })
    const running = await serve({ programs: inline }, { store })
    try {
      await running.post("/api/v1/jobs", { program: "signalled", id: "run", input: {} }, { prefer: "respond-async" })
      await until(async () => Number((await jsonOf(await running.fetch("/api/v1/jobs/run")))["cycle"]) >= 1)
      isFull = true
      const refused = await running.post("/api/v1/jobs/run/signals", {
        facts: [{ kind: "Note", value: { at: "2026-01-01T00:00:00.000Z", text: "a" } }]
      })
      expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"])
      expect(await jsonOf(refused)).toMatchObject({ reason: "store", jobId: "run" })
    } finally {
      await running.stop()
    }
  })
})
