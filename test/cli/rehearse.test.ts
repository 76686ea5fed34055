/** `converge rehearse`, `converge export` and cases: stored jobs under new code, and as files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { converge, jsonOf, module } from "../support/cli/inProcess.ts"

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "rehearse-"))
const store = join(folder, "jobs.db")
const file = (name: string): string => join(folder, name)

beforeAll(async () => {
  const run = (program: string, id: string) =>
    converge(["run", module("count"), "-p", program, "--id", id, "-s", store, "-q", "-w", "0"])
  expect(await run("squares", "s1")).toMatchObject({ code: 0 })
  expect(await run("failing", "f1")).toMatchObject({ code: 3 })
})

afterAll(() => rmSync(folder, { recursive: true }))

describe("converge rehearse", () => {
  it("says that the same code gives the same, without a question to the world", async () => {
    const ended = await converge(["rehearse", module("count"), "-p", "squares", "-s", store])
    expect(ended).toMatchObject({ code: 0, stdout: "✔ 1 job of squares would have come out the same\n" })
  })

  it("shows the facts that new code changes, and exits with 3", async () => {
    const ended = await converge(["rehearse", module("later"), "-s", store])
    expect(ended.code).toBe(3)
    expect(ended.stdout).toContain("✖ 1 of 1 job of squares would have come out otherwise\n")
    expect(ended.stdout).toMatch(/changed Square\/3, cycle \d by "square": .*9.* became .*27/)
    const json = jsonOf(await converge(["rehearse", module("later"), "-s", store, "--job", "s1", "--json"]))
    expect(json).toMatchObject({
      program: "squares",
      jobs: [
        {
          jobId: "s1",
          before: "converged",
          after: "converged",
          isSame: false,
          facts: [{ what: "changed", fact: { kind: "Square", id: "3" }, before: { n: 9 }, after: { n: 27 } }],
          unanswered: []
        }
      ]
    })
  })

  it("refuses a job that the store does not have", async () => {
    expect(await converge(["rehearse", module("later"), "-s", store, "--job", "none"])).toMatchObject({ code: 64 })
  })
})

describe("converge export", () => {
  it("writes a case that names its module, and that ends the same way", async () => {
    const out = file("case.json")
    const exported = await converge(["export", module("count"), "f1", "-s", store, "--minimize", "--out", out])
    expect(exported).toMatchObject({ code: 0 })
    expect(exported.stdout).toBe(`${out}: f1 ends with AgentFailed of "break", from 1 seed and 0 signals\n`)
    const ran = await converge(["run", out])
    expect(ran).toMatchObject({ code: 0, stdout: '✔ it ends with AgentFailed of "break", as it was recorded\n' })
    const json = jsonOf(await converge(["run", module("count"), "--case", out, "--json"]))
    expect(json).toMatchObject({ isSame: true, found: { error: "AgentFailed" }, result: { status: "failed" } })
  })

  it("does without a module, and then the case needs one", async () => {
    const out = file("bare.json")
    expect(await converge(["export", "s1", "-s", store, "-o", out])).toMatchObject({ code: 0 })
    const ended = await converge(["run", out])
    expect(ended).toMatchObject({ code: 64 })
    expect(ended.stderr).toContain("names no module")
    expect(await converge(["run", module("count"), "--case", out])).toMatchObject({ code: 0 })
    const other = await converge(["run", module("later"), "--case", out])
    expect(other.code).toBe(3)
    expect(other.stdout).toContain("✖ it does not end as it was recorded\n")
  })

  it("refuses to minimize what did not fail, and a file that is no case", async () => {
    const ended = await converge(["export", module("count"), "s1", "-s", store, "--minimize", "-o", file("none.json")])
    expect(ended).toMatchObject({ code: 64 })
    expect(ended.stderr).toContain("--minimize keeps a failure")
    const stored = await converge(["run", file("case.json"), "--store", store])
    expect(stored).toMatchObject({ code: 64 })
    expect(stored.stderr).toContain("--store is not for a case")
    const bare = await converge(["export", "f1", "-s", store, "--minimize", "-o", file("none.json")])
    expect(bare.stderr).toContain("give its module before its id")
    writeFileSync(file("odd.json"), JSON.stringify({ ...JSON.parse(readFileSync(file("case.json"), "utf8")), hash: 3 }))
    const odd = await converge(["run", file("odd.json")])
    expect(odd).toMatchObject({ code: 64 })
    expect(odd.stderr).toContain("this is no case")
  })
})
