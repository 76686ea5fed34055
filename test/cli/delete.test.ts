/** One job is deleted, of a store and of a server: with a question on a terminal, and with --yes elsewhere. */
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { confirm, isInteractive } from "../../src/cli/confirm.ts"
import { deleteJob, type DeleteOptions } from "../../src/cli/delete.ts"
import { Host } from "../../src/cli/hostProcess.ts"
import { JobStore } from "../../src/index.ts"
import { converge, jsonOf, module, runCount } from "../support/cli/inProcess.ts"
import { type Running, serve, stateOf, until } from "../support/server/harness.ts"
import { count, waiting } from "../support/server/programs.ts"

const folder = mkdtempSync(join(tmpdir(), "converge-delete-"))
let running: Running
beforeAll(async () => {
  running = await serve({ programs: [count, waiting] })
})
afterAll(async () => {
  await running.stop()
  rmSync(folder, { recursive: true, force: true })
})

const store = join(folder, "jobs.db")
const runInto = async (id: string): Promise<void> => {
  expect(await runCount("counting", ["--quiet", "--store", store, "--id", id])).toMatchObject({ code: 0 })
}
const idsIn = async (): Promise<ReadonlyArray<string>> => {
  const { jobs } = jsonOf(await converge(["jobs", "--store", store, "--json"])) as {
    readonly jobs: ReadonlyArray<{ readonly jobId: string }>
  }
  return jobs.map(({ jobId }) => jobId)
}

/** A terminal on which somebody types a line. */
const typing = (line: string) => {
  const input = Object.assign(new PassThrough(), { isTTY: true })
  const output = Object.assign(new PassThrough(), { isTTY: true })
  input.end(line)
  return { input, output, shown: () => String(output.read() ?? "") }
}

describe("converge delete", () => {
  it("deletes a job of a store with --yes, and nothing without, where nobody can be asked", async () => {
    for (const id of ["one", "two"]) await runInto(id)
    const refused = await converge(["delete", "one", "--store", store])
    expect(refused).toMatchObject({ code: 64, stdout: "" })
    expect(refused.stderr).toContain("a deleted job cannot be brought back: give --yes")
    expect(await idsIn()).toHaveLength(2)
    expect(await converge(["delete", "one", "--store", store, "--yes"])).toMatchObject({
      code: 0,
      stdout: "deleted 1 job\n",
      stderr: ""
    })
    expect(await idsIn()).toEqual(["two"])
    expect(jsonOf(await converge(["delete", "--id", "two", "-y", "--json", "--store", store]))).toEqual({ deleted: 1 })
    const again = await converge(["delete", "two", "--yes", "--store", store])
    expect([again.code, again.stdout]).toEqual([64, ""])
    expect(again.stderr).toContain("there is no job two")
  })

  it("asks on a terminal, and deletes after a yes alone", async () => {
    const options: DeleteOptions = { args: ["it"], id: undefined, store, server: undefined, yes: false, json: false }
    await runInto("it")
    for (const [line, code] of [
      ["\n", 3],
      ["no\n", 3],
      ["", 3],
      ["Yes\n", 0]
    ] as const) {
      expect(await idsIn()).toEqual(["it"])
      const terminal = typing(line)
      const host = new Host(() => undefined)
      const ended = await Effect.runPromise(Effect.scoped(deleteJob(host, options, terminal)))
      expect([line, ended]).toEqual([line, code])
      expect(terminal.shown()).toBe(`Delete the job it of ${store}, its journal, and all jobs below it? [y/N] `)
    }
    expect(await idsIn()).toEqual([])
  })

  it("deletes a job of a server, and says why not if the server refuses", async () => {
    await running.post("/api/v1/jobs", { program: "count", id: "ended", input: { to: 1 } })
    await running.post("/api/v1/jobs", { program: "waiting", id: "runs" }, { prefer: "respond-async" })
    await until(async () => (await stateOf(running, "runs")) === "running")
    const ask = (...args: ReadonlyArray<string>) => converge(["delete", ...args, "--server", running.url])
    const refused = await ask("runs", "--yes")
    expect([refused.code, refused.stdout]).toEqual([3, ""])
    expect(refused.stderr).toContain("the job runs has not ended, it is running: cancel it first")
    expect((await ask("ended")).code).toBe(64)
    const kept = join(folder, "held.db")
    const durable = await serve({ programs: [waiting] }, { store: JobStore.layerSqlite({ filename: kept }) })
    await durable.post("/api/v1/jobs", { program: "waiting", id: "held" }, { prefer: "respond-async" })
    await until(async () => (await stateOf(durable, "held")) === "running")
    const inFile = await converge(["delete", "held", "--yes", "--store", kept])
    expect([inFile.code, inFile.stdout]).toEqual([3, ""])
    expect(inFile.stderr).toMatch(/the job held is held by .+: cancel it first\n$/)
    await durable.stop()
    expect(await ask("ended", "--yes")).toMatchObject({ code: 0, stdout: "deleted 1 job\n" })
    expect((await ask("ended", "--yes")).code).toBe(64)
    expect((await ask("ended", "--yes", "--store", store)).stderr).toContain("give --store or --server, and not both")
    expect((await converge(["delete", "--yes", "--store", store])).stderr).toContain("which job?")
  })
})

describe("a question", () => {
  it("is for a person: both the input and the output are terminals", () => {
    const { input, output } = typing("")
    const [noInput, noOutput] = [new PassThrough(), new PassThrough()]
    expect(isInteractive({ input, output })).toBe(true)
    expect(isInteractive({ input: noInput, output })).toBe(false)
    expect(isInteractive({ input, output: noOutput })).toBe(false)
  })

  it.each([
    ["y\n", true],
    ["YES \n", true],
    ["yess\n", false],
    ["n\n", false],
    ["", false]
  ])("is answered by %j with %j", async (line, answer) => {
    expect(await Effect.runPromise(confirm("Sure?", typing(line)))).toBe(answer)
  })
})

describe("converge jobs and run", () => {
  const list = async (...args: ReadonlyArray<string>) => {
    const { jobs, ...cursors } = jsonOf(await converge(["jobs", "--store", store, "--json", ...args])) as {
      readonly jobs: ReadonlyArray<{ readonly jobId: string; readonly attributes?: object }>
      readonly cursor: string | null
      readonly previous: string | null
    }
    return { ids: jobs.map(({ jobId }) => jobId), jobs, ...cursors }
  }

  it("give a job attributes, find it by them, and show them", async () => {
    const flags = ["--quiet", "--store", store]
    const attributes = ["--attribute", "customer=Ada: 1=2", "--attribute", "region=eu"]
    expect((await runCount("counting", [...flags, "--id", "a", ...attributes])).code).toBe(0)
    expect((await runCount("counting", [...flags, "--id", "b", "--attribute", "region=eu"])).code).toBe(0)
    await runInto("c")
    const found = await list("--attribute", "customer=Ada: 1=2")
    expect(found.jobs).toMatchObject([{ jobId: "a", attributes: { customer: "Ada: 1=2", region: "eu" } }])
    expect((await list("--attribute", "region=eu")).ids.toSorted()).toEqual(["a", "b"])
    expect((await list(...attributes)).ids).toEqual(["a"])
    expect((await list("--attribute", "region=us")).ids).toEqual([])
    const shown = await converge(["show", "a", "--store", store])
    expect(shown.stdout).toMatch(/attributes +customer=Ada: 1=2 {2}region=eu\n/)
    expect(jsonOf(await converge(["show", "a", "--store", store, "--json"]))).toMatchObject({
      attributes: { region: "eu" }
    })
  })

  it("give a fork the attributes of its job, or others, and warn that a stored job keeps its own", async () => {
    const fork = (...args: ReadonlyArray<string>) =>
      converge([
        "fork",
        module("count"),
        "a",
        "--program",
        "counting",
        "--at",
        "0",
        "--quiet",
        "--store",
        store,
        ...args
      ])
    expect((await fork("--id", "same")).code).toBe(0)
    expect((await fork("--id", "other", "--attribute", "region=us")).code).toBe(0)
    const { jobs } = await list()
    const of = (id: string) => jobs.find(({ jobId }) => jobId === id)?.attributes
    expect(of("same")).toEqual({ customer: "Ada: 1=2", region: "eu" })
    expect(of("other")).toEqual({ region: "us" })
    const again = (region: string) =>
      runCount("counting", ["--quiet", "--store", store, "--id", "a", "--attribute", `region=${region}`])
    expect((await again("eu")).stderr).toBe("")
    const warned = await again("us")
    expect([warned.code, warned.stderr]).toEqual([
      0,
      "converge: warning: the job a was begun with other attributes, and keeps them\n"
    ])
    for (const id of ["same", "other"]) await converge(["delete", id, "--yes", "--store", store])
  })

  it("refuse an attribute that no job can have", async () => {
    for (const [args, said] of [
      [["customer"], "an attribute is written as name=value"],
      [["=c"], "name"],
      [["a=1", "a=2"], "is given two values, and a job has one"]
    ] as const) {
      const flags = args.flatMap((text) => ["--attribute", text])
      for (const ended of [
        await converge(["jobs", "--store", store, ...flags]),
        await runCount("counting", ["--store", store, "--id", "odd", ...flags])
      ]) {
        expect([ended.code, ended.stdout]).toEqual([64, ""])
        expect(ended.stderr).toContain(`--attribute: `)
        expect(ended.stderr).toContain(said)
      }
    }
    expect((await list()).ids).not.toContain("odd")
  })

  it("page through jobs in both directions", async () => {
    const all = await list()
    expect([all.ids.length, all.cursor, all.previous]).toEqual([3, null, null])
    const first = await list("--limit", "2")
    const second = await list("--limit", "2", "--cursor", first.cursor ?? "")
    expect([...first.ids, ...second.ids]).toEqual(all.ids)
    expect(await list("--limit", "2", "--before", second.previous ?? "")).toEqual(first)
    const page = await converge(["jobs", "--store", store, "--limit", "1", "--cursor", first.cursor ?? ""])
    expect(page.stdout).toContain(`newer: --before ${second.previous}`)
    const both = await converge(["jobs", "--store", store, "--cursor", "1:a", "--before", "1:a"])
    expect([both.code, both.stderr.includes("not both")]).toEqual([64, true])
    expect((await converge(["jobs", "--store", store, "--before", "x"])).stderr).toContain("--before: ")
  })
})
