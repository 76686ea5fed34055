/** The commands that ask a running server: approvals and their decisions, signals, pauses; and what they say if they cannot. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { converge } from "../support/cli/inProcess.ts"
import { nobody, withOlder } from "../support/cli/strangers.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { asks, asksMany, signalled, waiting } from "../support/server/programs.ts"

let running: Running
beforeAll(async () => {
  running = await serve({ programs: [asks, signalled] })
})
afterAll(() => running.stop())

const begin = async (program: string, id: string, state: string): Promise<void> => {
  await running.post("/api/v1/jobs", { program, id }, { prefer: "respond-async" })
  await until(async () => (await stateOf(running, id)) === state)
}

const ask = (...args: ReadonlyArray<string>) => converge([...args, "--server", running.url])

describe("a command to a server", () => {
  it("lists approvals, and decides one once", async () => {
    await begin("asks", "first", "awaiting")
    await begin("asks", "second", "awaiting")
    const listed = await ask("approvals", "--json")
    expect([listed.code, JSON.parse(listed.stdout)]).toMatchObject([
      0,
      { approvals: [{ jobId: "second", id: "go" }, { jobId: "first" }], cursor: null }
    ])
    expect((await ask("approvals", "first")).stdout).toMatch(/^first {2}go {2}since \d{4}-/)
    const decided = await ask("approve", "first", "go", "--by", "Ada", "--note", "fine")
    expect([decided.code, decided.stderr]).toEqual([0, ""])
    expect(decided.stdout).toMatch(/^first {2}(running|converged) {2}after cycle \d\n$/)
    const { facts } = await jsonOf(await running.fetch("/api/v1/jobs/first/facts?kind=Decision"))
    expect(facts).toMatchObject([{ value: { approved: true, by: "Ada", reason: "fine" } }])
    const again = await ask("approve", "second", "other", "--reject")
    expect([again.code, again.stdout]).toEqual([3, ""])
    expect(again.stderr).toContain('there is no open approval "other"')
    expect((await ask("approve", "second", "go", "--reject", "--json")).code).toBe(0)
    expect((await ask("approvals")).stdout).toBe("no approvals\n")
    const shown = await ask("show", "first")
    expect(shown.stdout).toMatch(/\ndecisions\n {2}go {2}approved {2}by Ada {2}cycle \d {2}fine\n/)
  })

  it("takes the answers of a server of an earlier version, which lack the fields of this one", async () => {
    await begin("asks", "old", "awaiting")
    const later = {
      ...{ state: ["cycles", "durationMs", "error", "budget"], jobs: ["previous"], tokens: ["cost", "byAgent"] },
      ...{ headline: ["olderDecisions"], spentMs: ["now"] }
    }
    await withOlder(running.url, later, async (url) => {
      const shown = await converge(["show", "old", "--json", "--server", url])
      expect([shown.stderr, shown.code]).toEqual(["", 0])
      expect(JSON.parse(shown.stdout)).toMatchObject({ state: "awaiting", olderDecisions: 0, usage: { cost: 0 } })
      const listed = await converge(["jobs", "--query", "old", "--json", "--server", url])
      expect([listed.stderr, listed.code]).toEqual(["", 0])
      expect(JSON.parse(listed.stdout)).toMatchObject({ jobs: [{ jobId: "old", error: null }], previous: null })
      const paused = await converge(["pause", "old", "--server", url])
      expect([paused.stderr, paused.stdout]).toEqual(["", "old  paused  after cycle 1\n"])
    })
  })

  it("decides a stored job, and the store tells later who decided, and why", async () => {
    const folder = mkdtempSync(join(tmpdir(), "decided-"))
    const filename = join(folder, "jobs.db")
    const durable = await serve({ programs: [asks] }, { store: JobStore.layerSqlite({ filename }) })
    try {
      await durable.post("/api/v1/jobs", { program: "asks", id: "kept" }, { prefer: "respond-async" })
      await until(async () => (await stateOf(durable, "kept")) === "awaiting")
      await converge([
        "approve",
        "kept",
        "go",
        "--reject",
        "--by",
        "Ada\u202e",
        "--note",
        "too\ndear",
        "--server",
        durable.url
      ])
      await until(async () => (await stateOf(durable, "kept")) === "converged")
    } finally {
      await durable.stop()
    }
    const { stdout } = await converge(["show", "kept", "--store", filename])
    expect(stdout).toMatch(/\ndecisions\n {2}go {2}rejected {2}by Ada\S* {2}cycle \d {2}too dear\n/)
    expect(stdout).not.toContain("\u202e")
    const { decisions } = JSON.parse((await converge(["show", "kept", "--store", filename, "--json"])).stdout) as {
      readonly decisions: unknown
    }
    expect(decisions).toMatchObject([{ approval: "go", approved: false, question: null, reason: "too\ndear" }])
    rmSync(folder, { recursive: true, force: true })
  })

  it("shows the newest decisions with the number of all, and the beginnings of long texts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "many-"))
    const filename = join(folder, "jobs.db")
    const durable = await serve({ programs: [asksMany] }, { store: JobStore.layerSqlite({ filename }) })
    const memory = await serve({ programs: [asksMany] })
    const server = { stored: ["--server", durable.url], held: ["--server", memory.url] }
    type Shown = { readonly decisions: ReadonlyArray<{ readonly reason: string }>; readonly olderDecisions: number }
    try {
      for (const [to, title] of [
        [10, "decisions"],
        [13, "decisions (the newest 10 of 13)"]
      ] as const) {
        const id = `many-${to}`
        for (const one of [durable, memory]) {
          await one.post("/api/v1/jobs", { program: "asks-many", id, input: { to } }, { prefer: "respond-async" })
          await until(async () => (await stateOf(one, id)) === "awaiting")
          for (let n = 0; n < to; n++) {
            const decided = {
              approval: `q${n}`,
              decision: "approve",
              by: " \t",
              note: n === to - 1 ? "why ".repeat(400) : ""
            }
            expect((await one.post(`/api/v1/jobs/${id}/approvals`, decided)).status).toBe(200)
          }
          await until(async () => (await stateOf(one, id)) === "converged")
        }
        for (const place of [server.stored, server.held, ["--store", filename]]) {
          const { stdout } = await converge(["show", id, ...place])
          expect(stdout).toContain(`\n${title}\n`)
          expect(stdout).toMatch(/\n {2}q\d+ {2}approved {2}by somebody without a name {2}cycle \d+\n/)
          expect(stdout).toMatch(/ {2}cycle \d+ {2}(why ){75}… 1,299 more characters\n/)
          expect(stdout).toMatch(/ {2}AgentFailed: (long ){57}lo… 4,712 more characters\n/)
          const whole = (await converge(["show", id, "--facts", ...place])).stdout
          expect(whole).toMatch(/ {2}cycle \d+ {2}(why ){399}why\n/)
          expect(whole).toMatch(/ {2}AgentFailed: (long ){999}long\n/)
          const json = JSON.parse((await converge(["show", id, "--json", ...place])).stdout) as Shown
          expect([json.decisions.length, json.olderDecisions]).toEqual([10, to - 10])
          expect(json.decisions.at(-1)?.reason).toBe("why ".repeat(400))
        }
        const found = await jsonOf(await durable.fetch(`/api/v1/jobs/${id}/diagnosis`))
        expect(found["olderDecisions"]).toBe(to - 10)
      }
    } finally {
      await durable.stop()
      await memory.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("shows what an unfinished job used and awaits, the same without a store as with one", async () => {
    const folder = mkdtempSync(join(tmpdir(), "awaits-"))
    const filename = join(folder, "jobs.db")
    const durable = await serve({ programs: [asksMany] }, { store: JobStore.layerSqlite({ filename }) })
    const memory = await serve({ programs: [asksMany] })
    try {
      const [held, stored] = await Promise.all(
        [memory, durable].map(async (one) => {
          const body = { program: "asks-many", id: "it", input: { to: 3 }, attributes: { of: "Ada" } }
          await one.post("/api/v1/jobs", body, { prefer: "respond-async" })
          await until(async () => (await stateOf(one, "it")) === "awaiting")
          await one.post("/api/v1/jobs/it/approvals", { approval: "q1", decision: "approve", by: "Ada" })
          await until(async () => (await jsonOf(await one.fetch("/api/v1/jobs/it/intents")))["waiting"] === 2)
          await until(async () => (await stateOf(one, "it")) === "awaiting")
          const place = ["--server", one.url]
          const json = (await converge(["show", "it", "--json", ...place])).stdout
          return {
            page: (await converge(["show", "it", ...place])).stdout,
            json: JSON.parse(json) as Record<string, unknown>
          }
        })
      )
      for (const name of ["intents", "unanswered", "decisions", "olderDecisions"]) {
        expect(held?.json[name]).toEqual(stored?.json[name])
      }
      expect(held?.json).toMatchObject({
        usage: { facts: 4, agents: 6 },
        unanswered: [{ payload: { id: "q0" } }, { payload: { id: "q2" } }]
      })
      expect(held?.page).toMatch(/\n {2}attributes {3}of=Ada\n[^]*\n {2}used {9}4 facts {2}6 tasks {2}/)
      const from = (page = "") => page.slice(page.indexOf("\nintents\n")).split("\ndiagnostics")[0]
      expect(from(held?.page)).toContain('\nunanswered intents (2)\n  Approval  1/ask/"Step"/0/0  q0:')
      expect(from(held?.page)?.split("\n\n").slice(0, 3)).toEqual(from(stored?.page)?.split("\n\n").slice(0, 3))
    } finally {
      await durable.stop()
      await memory.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("shows that a job is about to pause, as the server tells everybody, until that is withdrawn", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pausing-"))
    const store = JobStore.layerSqlite({ filename: join(folder, "jobs.db") })
    const durable = await serve({ programs: [waiting] }, { store })
    const memory = await serve({ programs: [waiting] })
    try {
      for (const server of [durable, memory]) {
        const job = async () => jsonOf(await server.fetch("/api/v1/jobs/long"))
        const listed = async () => (await jsonOf(await server.fetch("/api/v1/jobs")))["jobs"]
        const show = async (...args: ReadonlyArray<string>) =>
          (await converge(["show", "long", "--server", server.url, ...args])).stdout
        await server.post("/api/v1/jobs", { program: "waiting", id: "long" }, { prefer: "respond-async" })
        await until(async () => (await job())["cycle"] === 2)
        expect([await job(), await show("--json")].map((text) => JSON.stringify(text))).toEqual([
          expect.not.stringContaining("pausing"),
          expect.not.stringContaining("pausing")
        ])
        const paused = server.post("/api/v1/jobs/long/pause", {})
        await until(async () => (await job())["pausing"] === true)
        expect(await job()).toMatchObject({ state: "running", pausing: true })
        expect(await listed()).toMatchObject([{ state: "running", pausing: true }])
        expect(await show()).toMatch(/\n {2}pause +was asked for: it comes after the cycle under way\n/)
        expect(JSON.parse(await show("--json"))).toMatchObject({ state: "running", pausing: true })
        await server.post("/api/v1/jobs/long/resume", {})
        await paused
        expect(await job()).not.toHaveProperty("pausing")
        await server.post("/api/v1/jobs/long/cancel", {})
      }
    } finally {
      await durable.stop()
      await memory.stop()
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("pauses a job, and signals it", async () => {
    await begin("signalled", "it", "running")
    const paused = await ask("pause", "it", "--json")
    expect([paused.code, JSON.parse(paused.stdout)]).toMatchObject([0, { jobId: "it", state: "paused" }])
    await running.post("/api/v1/jobs/it/resume")
    const told = await ask("signal", "it", "--fact", 'Note={"at": "2026-01-01T00:00:00.000Z", "text": "hello"}')
    expect([told.code, told.stderr]).toEqual([0, ""])
    const { facts } = await jsonOf(await running.fetch("/api/v1/jobs/it/facts?kind=Note"))
    expect(facts).toMatchObject([{ id: "hello" }])
    const refused = await ask("signal", "it", "--fact", 'Step={"n": 1}')
    expect([refused.code, refused.stdout]).toEqual([3, ""])
    await running.post("/api/v1/jobs/it/cancel")
    expect((await ask("pause", "it")).code).toBe(3)
  })

  it("takes the address from the environment, and says what is wrong with a call", async () => {
    const environment = { CONVERGE_SERVER: running.url }
    expect((await converge(["approvals", "--json"], { environment })).code).toBe(0)
    const calls: ReadonlyArray<readonly [args: ReadonlyArray<string>, code: number, said: string]> = [
      [["pause", "it"], 64, "which server?"],
      [["pause", "it", "--server", "jobs.db"], 64, "--server needs an address"],
      [["pause", "nobody", "--server", running.url], 64, "there is no job nobody"],
      [["signal", "it", "--fact", "Note", "--server", running.url], 64, "--fact: it needs kind=json"],
      [["signal", "it", "--fact", "Note={", "--server", running.url], 64, "no JSON"],
      [["approvals", "it", "--program", "asks", "--server", running.url], 64, "--program is for"],
      [["pause", "it", "--server", await nobody()], 70, "cannot be reached: nothing listens there"]
    ]
    for (const [args, code, said] of calls) {
      const ended = await converge(args)
      expect([args, ended.code, ended.stdout]).toEqual([args, code, ""])
      expect(ended.stderr.toLowerCase()).toContain(said.toLowerCase())
    }
  })
})
