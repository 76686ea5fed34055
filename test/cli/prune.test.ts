/** Old journals are deleted: by a command, and by a server that is told how long to keep them. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module, runCount, start } from "../support/cli/inProcess.ts"
import { until } from "../support/until.ts"

vi.setConfig({ testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-prune-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const idsIn = async (store: string): Promise<ReadonlyArray<string>> => {
  const { jobs } = jsonOf(await converge(["jobs", "--store", store, "--json"], { folder })) as {
    readonly jobs: ReadonlyArray<{ readonly jobId: string }>
  }
  return jobs.map(({ jobId }) => jobId)
}

const runInto = async (store: string, id: string): Promise<void> => {
  expect(await runCount("counting", ["--quiet", "--store", store, "--id", id], { folder })).toMatchObject({ code: 0 })
}

describe("converge prune", () => {
  it("deletes jobs that ended before a time ago", async () => {
    await runInto("a.db", "one")
    const prune = (age: string) => converge(["prune", "--store", "a.db", "--older-than", age], { folder })
    expect(await prune("1h")).toMatchObject({ code: 0, stdout: "deleted 0 jobs\n" })
    expect(await idsIn("a.db")).toEqual(["one"])
    expect(await prune("0s")).toMatchObject({ code: 0, stdout: "deleted 1 job\n" })
    expect(await idsIn("a.db")).toEqual([])
    expect(await prune("soon")).toMatchObject({ code: 64, stdout: "" })
    const json = await converge(["prune", "--store", "a.db", "--older-than", "7d", "--json"], { folder })
    expect(jsonOf(json)).toEqual({ deleted: 0 })
  })
})

describe("a server with a time of retention", () => {
  it("deletes jobs that ended before", async () => {
    await runInto("b.db", "old")
    const environment = { CONVERGE_RETENTION: "1ms", CONVERGE_STORE: "b.db", CONVERGE_PORT: "0" }
    const server = start(["serve", module("count")], { folder, environment })
    await server.says(/listening on/)
    await until(async () => (await idsIn("b.db")).length === 0)
    server.process.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
  })

  it("keeps newer ones", async () => {
    await runInto("c.db", "new")
    const server = start(["serve", module("count"), "--store", "c.db", "--port", "0", "--retention", "7d"], { folder })
    await server.says(/listening on/)
    server.process.kill("SIGTERM")
    expect(await server.ended).toMatchObject({ code: 0 })
    expect(await idsIn("c.db")).toEqual(["new"])
  })
})
