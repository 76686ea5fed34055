/** The commands that ask a running server: approvals and their decisions, signals, pauses; and what they say if they cannot. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { JobStore } from "../../src/index.ts"
import { converge } from "../support/cli/inProcess.ts"
import { nobody } from "../support/cli/strangers.ts"
import { jsonOf, type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { asks, signalled } from "../support/server/programs.ts"

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
