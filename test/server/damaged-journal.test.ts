/** A server over a file in which the records of one job were changed: that job is named, and the others are there. */
import { copyFileSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { JobStore } from "../../src/index.ts"
import { counting, squares } from "../support/cli/count.ts"
import { converge } from "../support/cli/inProcess.ts"
import { jsonOf, metricsOf, type Running, serve } from "../support/server/harness.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-damaged-"))
const sound = join(folder, "sound.db")
const programs = [counting, squares]

const over = async <A>(filename: string, use: (running: Running) => Promise<A>): Promise<A> => {
  const running = await serve({ programs }, { store: JobStore.layerSqlite({ filename }) })
  try {
    return await use(running)
  } finally {
    await running.stop()
  }
}

beforeAll(() =>
  over(sound, async (running) => {
    for (const id of ["a", "x", "z"]) {
      expect((await running.post("/api/v1/jobs", { program: "counting", id, input: { upTo: 3 } })).status).toBe(200)
    }
  })
)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const ofX = "job = (SELECT id FROM converge_jobs WHERE job_id = 'x')"
const changes = {
  header: `UPDATE converge_texts SET text = replace(text, '"format":1', '"format":2') WHERE kind = 'header' AND ${ofX}`,
  end: `UPDATE converge_texts SET text = text || ' ' WHERE kind = 'end' AND ${ofX}`,
  genesis: `DELETE FROM converge_texts WHERE ${ofX}`,
  status: "UPDATE converge_jobs SET status = 'weird' WHERE job_id = 'x'"
}

let copies = 0
/** A copy of the file with a change. */
const changed = (sql: string): string => {
  const copy = join(folder, `copy-${copies++}.db`)
  copyFileSync(sound, copy)
  const database = new DatabaseSync(copy)
  const before = Number(database.prepare("SELECT total_changes() AS n").get()?.["n"])
  database.exec(sql)
  expect(Number(database.prepare("SELECT total_changes() AS n").get()?.["n"])).toBeGreaterThan(before)
  database.close()
  return copy
}

const readiness = async (running: Running) => {
  const response = await running.fetch("/ready")
  return [response.status, await jsonOf(response)]
}

const services = { server: "ok", store: "ok", workers: "ok" }
const oneNoted = [200, { status: "ready", services, notes: ["damaged jobs: 1"] }]

describe.each(Object.entries(changes))("a job whose %s was changed", (part, sql) => {
  it("is answered with 500 and the part, by each route that reads it, and the server stays ready for the others", () =>
    over(changed(sql), async (running) => {
      for (const route of ["", "/facts", "/events", "/diagnosis", "/timeline", "/journal"]) {
        const answer = await running.fetch(`/api/v1/jobs/x${route}`)
        expect([route, answer.status, answer.headers.get("retry-after")]).toEqual([route, 500, null])
        expect(await jsonOf(answer)).toMatchObject({
          type: "urn:effect-converge:JournalCorrupt",
          jobId: "x",
          cycle: 0,
          part,
          detail: `the beginning of job x is not what was written: ${part}`
        })
      }
      expect(await readiness(running)).toEqual(oneNoted)
      expect(await metricsOf(running)).toMatch(/^converge_damaged_jobs 1$/m)
      expect((await running.fetch("/api/v1/jobs/a")).status).toBe(200)
      expect((await running.fetch("/api/v1/jobs/x", { method: "DELETE" })).status).toBe(200)
      expect(await readiness(running)).toEqual([200, { status: "ready", services }])
      expect(await metricsOf(running)).toMatch(/^converge_damaged_jobs 0$/m)
    }))

  it("is reported by a check that names no file of the server", () =>
    over(changed(sql), async (running) => {
      const answer = await running.fetch("/api/v1/jobs/x/verify")
      const text = await answer.text()
      expect(JSON.parse(text)).toMatchObject({ jobId: "x", isIntact: false, corrupt: { cycle: 0 } })
      expect(text).toContain(part)
      expect(text).not.toContain(folder)
    }))

  it("ends the commands that read it from a server with 3, and the check of all goes on", () =>
    over(changed(sql), async (running) => {
      for (const args of [["verify", "--id", "x"], ["show", "x"], ["replay", "x"], ["events", "x"], ["verify"]]) {
        const ended = await converge([...args, "--server", running.url])
        expect([args, ended.code], ended.stderr).toEqual([args, 3])
        expect(ended.stdout + ended.stderr).toContain(part)
        if (args.length === 1) expect(ended.stdout + ended.stderr).toContain("1 of 3 journals corrupt")
      }
    }))

  it("does not hide the others of a list", async () => {
    const copy = changed(sql)
    await over(copy, async (running) => {
      for (const route of ["/api/v1/jobs", "/api/v1/journals"]) {
        const answer = await running.fetch(route)
        expect(answer.status).toBe(200)
        const { jobs } = (await jsonOf(answer)) as { jobs: ReadonlyArray<Readonly<Record<string, unknown>>> }
        expect(jobs.map(({ jobId }) => String(jobId)).toSorted((a, b) => (a < b ? -1 : 1))).toEqual(["a", "x", "z"])
        const errors = jobs.map(({ error, jobId }) => [jobId, error]).filter(([, error]) => error !== null)
        expect(errors).toEqual(part === "status" ? [["x", "JournalCorrupt"]] : [])
      }
    })
    const listed = await converge(["jobs", "--store", copy])
    expect(listed.code, listed.stderr).toBe(0)
    for (const id of ["a", "x", "z"]) expect(listed.stdout).toMatch(new RegExp(`${id} `))
    if (part === "status") expect(listed.stdout).toContain("JournalCorrupt")
    const verified = await converge(["verify", "--store", copy])
    expect([verified.code, verified.stdout + verified.stderr]).toEqual([
      3,
      expect.stringContaining("1 of 3 journals corrupt")
    ])
  })
})

describe("a job with a changed row", () => {
  const sql = `UPDATE converge_rows SET text = text || ' ' WHERE cycle = 2 AND ${ofX}`

  it.each([
    ["a question", "timeline", 500],
    ["a check", "verify", 200]
  ])("is noted by /ready and in the log once %s meets it", (_, route, status) =>
    over(changed(sql), async (running) => {
      expect(await readiness(running)).toEqual([200, { status: "ready", services }])
      const log = vi.spyOn(console, "log")
      expect((await running.fetch(`/api/v1/jobs/x/${route}`)).status).toBe(status)
      expect((await running.fetch(`/api/v1/jobs/x/${route}`)).status).toBe(status)
      expect(await readiness(running)).toEqual(oneNoted)
      const lines = log.mock.calls.map((line) => line.join(" "))
      log.mockRestore()
      expect(lines.filter((line) => line.includes("the job x is damaged: "))).toHaveLength(1)
    })
  )
})

describe("the timeline of a job", () => {
  const timeline = (sql: string, query = "") =>
    over(changed(sql), async (running) => {
      const answer = await running.fetch(`/api/v1/jobs/x/timeline${query}`)
      return [answer.status, await jsonOf(answer)] as const
    })
  const corrupt = (cycle: number, part: string) => [
    500,
    expect.objectContaining({ type: "urn:effect-converge:JournalCorrupt", jobId: "x", cycle, part })
  ]

  it.each([
    ["a row whose text was changed", `UPDATE converge_rows SET text = text || ' ' WHERE cycle = 2 AND ${ofX}`, "hash"],
    ["a row whose times were changed", `UPDATE converge_rows SET extra = '{}' WHERE cycle = 2 AND ${ofX}`, "extra"],
    ["a row that is gone", `DELETE FROM converge_rows WHERE cycle = 2 AND ${ofX}`, "cycle"]
  ])("is refused at %s", async (_, sql, part) => {
    expect(await timeline(sql)).toEqual(corrupt(2, part))
    expect(await timeline(sql, "?after=1")).toEqual(corrupt(2, part))
  })

  it("is refused where the last row is gone", async () => {
    const { cycles } = await over(
      sound,
      async (running) => (await jsonOf(await running.fetch("/api/v1/jobs/x/timeline"))) as { cycles: Array<unknown> }
    )
    const last = cycles.length
    expect(last).toBeGreaterThan(2)
    const gone = `DELETE FROM converge_rows WHERE cycle = ${last} AND ${ofX}`
    expect(await timeline(gone)).toEqual(corrupt(last, "cycle"))
    expect((await timeline(gone, "?limit=1"))[0]).toBe(200)
  })
})
