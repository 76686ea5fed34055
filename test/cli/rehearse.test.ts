/** `converge rehearse`, `converge export` and cases: stored jobs under new code, and as files. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { DatabaseSync } from "node:sqlite"
import { leaveAsking } from "../support/cli/family.ts"
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
    expect(ended).toMatchObject({
      code: 0,
      stdout: `✔ 1 job of squares would have come out the same
jobs of other programs were not rehearsed: failing 1
`
    })
  })

  it("is no success where the store has no job of the program: it says so, and exits with 3", async () => {
    const ended = await converge(["rehearse", module("count"), "-p", "counting", "-s", store])
    expect(ended).toMatchObject({
      code: 3,
      stdout: "✖ no job of counting in the store\njobs of other programs were not rehearsed: failing 1, squares 1\n"
    })
  })

  it("rehearses forks, goes on past a journal that is not intact, and counts jobs of other programs", async () => {
    const mixed = file("mixed.db")
    const run = (program: string, id: string) =>
      converge(["run", module("count"), "-p", program, "--id", id, "-s", mixed, "-q", "-w", "0"])
    expect((await run("squares", "first")).code).toBe(0)
    expect((await run("squares", "torn")).code).toBe(0)
    expect((await run("failing", "f1")).code).toBe(3)
    expect((await run("counting", "c1")).code).toBe(0)
    const fork = ["fork", module("count"), "first", "-p", "squares", "--at", "2", "--id", "what-if", "-s", mixed]
    expect((await converge([...fork, "-q", "-w", "0", "--json"])).code).toBe(0)
    const database = new DatabaseSync(mixed)
    database.exec(`UPDATE converge_rows SET text = replace(text, '"n":4', '"n":9')
      WHERE cycle = 3 AND job = (SELECT id FROM converge_jobs WHERE job_id = 'torn')`)
    database.close()
    const same = await converge(["rehearse", module("count"), "-p", "squares", "-s", mixed])
    expect(same.code).toBe(0)
    expect(same.stdout.split("\n")).toEqual([
      "✔ 2 jobs of squares would have come out the same",
      "what-if: the job began with the context of another one: its first facts are the recorded ones",
      expect.stringMatching(/^torn was not rehearsed: its journal is not intact: /),
      "jobs of other programs were not rehearsed: counting 1, failing 1",
      ""
    ])
    const later = await converge(["rehearse", module("later"), "-s", mixed, "--json"])
    expect(later.code).toBe(3)
    expect(jsonOf(later)).toMatchObject({
      jobs: [
        { jobId: "first", isOtherwise: true },
        { jobId: "what-if", isOtherwise: true, facts: [{ what: "changed", fact: { kind: "Square", id: "3" } }] }
      ],
      skipped: [{ jobId: "torn", program: "squares" }],
      others: { counting: 1, failing: 1 }
    })
    // A job that is named has to be rehearsed, or the command fails.
    const torn = await converge(["rehearse", module("later"), "-s", mixed, "--job", "torn"])
    expect(torn.code).not.toBe(0)
    expect(torn.stdout).toBe("")
    const other = await converge(["rehearse", module("later"), "-s", mixed, "--job", "c1"])
    expect(other).toMatchObject({ code: 64 })
    expect(other.stderr).toContain('job c1 is of the program "counting", not of "squares"')
  })

  it("rehearses the child jobs of a job, and says which it cannot", async () => {
    const family = file("family.db")
    const args = ["-p", "outer", "--id", "o", "-s", family, "-q", "-w", "0"]
    expect((await converge(["run", module("nested"), ...args])).code).toBe(0)
    const both = await converge(["rehearse", module("nested"), "-p", "outer", "-s", family])
    expect(both.stdout).toBe(`✔ 2 jobs of outer, child jobs included, would have come out the same
o: 1 child job answers as recorded
`)
    const child = await converge(["rehearse", module("nested"), "-p", "inner", "-s", family, "--json"])
    expect(jsonOf(child)).toMatchObject({
      jobs: [{ program: "inner", jobId: "o/1/asks//0", isOtherwise: false }],
      others: { outer: 1 }
    })
    const alone = await converge(["rehearse", module("outerAlone"), "-s", family, "--job", "o"])
    expect(alone.code).toBe(0)
    expect(alone.stdout).toContain('o/1/asks//0 was not rehearsed: the module exports no program "inner"\n')
    const database = new DatabaseSync(family)
    for (const table of ["converge_rows", "converge_bases"]) {
      database.exec(`DELETE FROM ${table} WHERE job = (SELECT id FROM converge_jobs WHERE job_id LIKE 'o/%')`)
    }
    database.exec("DELETE FROM converge_jobs WHERE job_id LIKE 'o/%'")
    database.close()
    const lost = await converge(["rehearse", module("nested"), "-p", "outer", "-s", family])
    expect(lost.stdout).toContain("o/1/asks//0 was not rehearsed: the store does not have this child job\n")
  })

  it("compares a job that has not ended up to its last cycle", async () => {
    const waiting = file("waiting.db")
    await leaveAsking(waiting)
    const ended = await converge(["rehearse", module("asking"), "-s", waiting])
    expect(ended.code).toBe(0)
    expect(ended.stdout).toMatch(
      /^✔ 1 job of \w+ would have come out the same\nask: the job has not ended: it is compared up/
    )
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
          intents: [],
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
