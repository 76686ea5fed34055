/** The command line over jobs that are kept in a file: running, resuming, cancelling and forking them, and looking back. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { leaveAsking, leaveFamily } from "../support/cli/family.ts"
import { converge, type Ended, jsonOf, module, runCount, start } from "../support/cli/inProcess.ts"
import { projectRoot } from "../support/node.ts"

vi.setConfig({ maxConcurrency: 3, testTimeout: 60_000 })

const folder = mkdtempSync(join(tmpdir(), "converge-cli-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** The jobs that tests share that only look: a job that converged, one that failed, and one that was left. */
const shared = join(folder, "shared.db")
const on = (file: string, ...args: ReadonlyArray<string>): Promise<Ended> => converge([...args, "--store", file])
const look = (...args: ReadonlyArray<string>) => on(shared, ...args)
const linesOf = ({ stdout }: Ended) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** Runs the job `waiting` of endless.ts until it waits, and lets a signal end it. */
const leave = async (file: string, id: string, signal: "SIGINT" | "SIGTERM" | "SIGKILL") => {
  const running = start(["run", module("endless"), "-p", "waiting", "--id", id, "--store", file])
  await running.says(/3 in all/)
  running.process.kill(signal)
  return running.ended
}

let hash = ""
beforeAll(async () => {
  const squares = await runCount("squares", ["--json", "--quiet", "--id", "sq", "--store", shared, "--workers", "0"])
  hash = String(jsonOf(squares)["hash"])
  await runCount("failing", ["--json", "--quiet", "--id", "fa", "--store", shared, "--durability", "normal"])
  await leave(shared, "left", "SIGKILL")
}, 60_000)

describe.concurrent("converge run --store", () => {
  it("creates a job, and prints its result when it is run again; the input may then be left out", async () => {
    const file = join(folder, "idempotent.db")
    const args = ["--json", "--quiet", "--id", "c", "--store", file]
    const first = await runCount("counting", [...args, "--input", '{"upTo": 3}'])
    const again = await runCount("counting", [...args, "--input", '{"upTo": 3}'])
    const bare = await runCount("counting", args)
    expect(first).toMatchObject({ code: 0, stderr: "" })
    expect(again).toEqual(first)
    expect(bare).toEqual(first)
    const other = await runCount("counting", [...args, "--input", '{"upTo": 4}'])
    expect(other).toMatchObject({ code: 64, stdout: "" })
    expect(other.stderr).toContain('the job id "c" is that of a stored job with another input')
  })

  it("starts the jobs that an agent asks for, of the same module, with what its layer makes, stored or not", async () => {
    for (const stored of [[], ["--id", "o", "--store", join(folder, "nested.db")]]) {
      const ended = await converge(["run", module("nested"), "-p", "outer", "--json", "--quiet", ...stored])
      expect(ended).toMatchObject({ code: 0, stderr: "" })
      expect(jsonOf(ended)["output"]).toEqual([["inner", "converged", "greeted"]])
    }
  })

  it("has the exit code of the stored job, and its error", async () => {
    const again = await runCount("failing", ["--json", "--quiet", "--id", "fa", "--store", shared])
    expect(again.code).toBe(3)
    expect(jsonOf(again)).toMatchObject({ status: "failed", error: { _tag: "AgentFailed", error: { part: "axle" } } })
  })

  it.each(["SIGINT", "SIGTERM"] as const)(
    "%s leaves the job in the store, where resume takes it up",
    async (signal) => {
      const file = join(folder, `${signal}.db`)
      const ended = await leave(file, "w", signal)
      expect(ended).toMatchObject({ code: signal === "SIGINT" ? 130 : 143, stdout: "" })
      expect(ended.stderr).toContain("the job w is left after cycle 2")
      const list = jsonOf(await on(file, "jobs", "--json", "--status", "unfinished"))
      expect(list).toMatchObject({
        jobs: [{ jobId: "w", status: "unfinished", isHeld: false, cycle: 2 }],
        cursor: null
      })
      const running = start(["resume", module("endless"), "--store", file])
      await running.says(/3 in all/)
      running.process.kill(signal)
      expect((await running.ended).code).toBe(ended.code)
    }
  )

  it("says what cannot be used before anything runs", async () => {
    const noStore = await runCount("squares", ["--durability", "full"])
    expect(noStore).toMatchObject({ code: 64, stdout: "" })
    expect(noStore.stderr).toContain("--durability needs --store")
    const noFolder = await runCount("squares", ["--store", join(folder, "none", "x.db")])
    expect(noFolder).toMatchObject({ code: 64, stdout: "" })
    expect(noFolder.stderr).toContain("there is no folder")
    for (const command of ["run", "serve"]) {
      const aFolder = await converge([
        command,
        module("count"),
        "--store",
        folder,
        ...(command === "run" ? ["-p", "counting"] : [])
      ])
      const message = `converge: cannot open the store ${folder}: it is a folder\n`
      expect(aFolder).toEqual({ code: 64, stdout: "", stderr: message })
    }
  })
})

describe.concurrent("a job in quarantine", () => {
  it("is shown with the reason, is left alone, and goes on when somebody names it", async ({ expect }) => {
    const file = join(folder, "quarantine.db")
    await runCount("counting", ["--quiet", "--store", file, "--input", '{"upTo": 6}', "--id", "poison"])
    const database = new DatabaseSync(file)
    database.exec(`DELETE FROM converge_rows WHERE cycle > 1; DELETE FROM converge_texts WHERE kind = 'end';
      UPDATE converge_jobs SET status = NULL, halted_at = NULL, attempts = 5, quarantine = 'it got no further'`)
    database.close()
    const list = await on(file, "jobs")
    expect(list.stdout).toMatch(/quarantined +poison .* it got no further\n$/)
    expect(jsonOf(await on(file, "jobs", "--json"))).toMatchObject({ jobs: [{ quarantine: "it got no further" }] })
    const shown = await on(file, "show", "poison")
    expect(shown.stdout).toMatch(
      /poison is quarantined\n(.|\n)*quarantined +it got no further. "converge resume --id poison" tries it again/
    )
    expect(jsonOf(await on(file, "show", "poison", "--json"))).toMatchObject({ quarantine: "it got no further" })
    const all = await on(file, "resume", module("count"))
    expect(all).toMatchObject({ code: 0, stdout: "" })
    expect(all.stderr).toContain("the job poison is quarantined: it got no further. --id tries it again")
    const run = await runCount("counting", ["--store", file, "--input", '{"upTo": 6}', "--id", "poison"])
    expect(run.code).not.toBe(0)
    expect(run.stderr).toContain("the job poison is quarantined")
    const one = await on(file, "resume", module("count"), "--id", "poison", "--json", "--quiet")
    expect(jsonOf(one)).toMatchObject({ jobId: "poison", status: "converged", output: 6 })
  })
})

describe.concurrent("converge resume", () => {
  it("goes on with all unfinished jobs of its modules, prints a line for each, and ends with the worst code", async () => {
    const file = join(folder, "resume.db")
    const args = ["--quiet", "--store", file, "--input", '{"upTo": 6}']
    for (const program of ["counting", "exhausted"]) await runCount(program, [...args, "--id", program])
    // As if the engine had died in cycle 2: what came later is taken out of the file.
    const database = new DatabaseSync(file)
    database.exec(`DELETE FROM converge_rows WHERE cycle > 1; DELETE FROM converge_texts WHERE kind = 'end';
      UPDATE converge_jobs SET status = NULL, halted_at = NULL`)
    database.close()
    const ended = await on(file, "resume", module("count"), module("endless"), "--json", "--quiet")
    expect(ended).toMatchObject({ code: 2, stderr: "" })
    expect(linesOf(ended).toSorted((a, b) => (String(a["jobId"]) < String(b["jobId"]) ? -1 : 1))).toMatchObject([
      { jobId: "counting", status: "converged", output: 6 },
      { jobId: "exhausted", status: "budget-exhausted" }
    ])
    const nothing = await on(file, "resume", module("count"))
    expect(nothing).toEqual({ code: 0, stdout: "", stderr: "converge: there is nothing to resume\n" })
    const one = await on(file, "resume", module("count"), "--id", "exhausted", "--json")
    expect(one.code).toBe(2)
    expect(jsonOf(one)).toMatchObject({ jobId: "exhausted" })
  })

  it("refuses a job of another module, and one that there is not", async () => {
    const other = await look("resume", module("count"), "--id", "left")
    expect(other).toMatchObject({ code: 64, stdout: "" })
    expect(other.stderr).toContain('"waiting", which no module exports')
    expect(await look("resume", module("count"), "--id", "none")).toMatchObject({ code: 64, stdout: "" })
  })
})

describe.concurrent("a job that awaits what the command does not have", () => {
  it("says what it is, once, and how to decide", async () => {
    const file = join(folder, "awaiting.db")
    await leaveAsking(file)
    const running = start(["resume", module("asking"), "--store", file, "--quiet"])
    await running.says(/handler of "Mail"/)
    running.process.kill("SIGINT")
    const { stderr } = await running.ended
    expect(stderr.split("\n")).toEqual([
      'converge: the job ask awaits a decision about "go" (1/asks//0, by the agent asks): May it go?',
      `  to decide, serve the store and signal the job with {"facts":[{"kind":"Decision","value":{"approval":"go","approved":true,"by":"you","reason":""}}]}`,
      'converge: the job ask awaits a handler of "Mail" (1/asks//1, by the agent asks): an engine that has one can resume the job',
      "converge: unfinished jobs are left in the store",
      ""
    ])
  })
})

describe.concurrent("converge cancel", () => {
  it("ends a job that nobody runs, once", async () => {
    const file = join(folder, "cancel.db")
    await leave(file, "w", "SIGKILL")
    const ended = await on(file, "cancel", "w", "--json")
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(jsonOf(ended)).toMatchObject({ jobId: "w", status: "cancelled", cycle: 2, isNew: true })
    expect(jsonOf(await on(file, "cancel", "w", "--json"))).toMatchObject({ status: "cancelled", isNew: false })
    const read = await converge(["run", module("endless"), "-p", "waiting", "--id", "w", "--store", file, "--json"])
    expect(read.code).toBe(4)
    expect(jsonOf(read)).toMatchObject({ status: "cancelled", facts: { Step: 3 }, error: { _tag: "JobCancelled" } })
  })

  it("ends the children of the job before it", async () => {
    const file = join(folder, "family.db")
    await leaveFamily(file)
    const standing = async () =>
      (jsonOf(await on(file, "jobs", "--json"))["jobs"] as ReadonlyArray<Record<string, unknown>>).map(
        ({ jobId, status }) => [jobId, status]
      )
    expect(await standing()).toEqual([
      ["par/1/asks//0", "unfinished"],
      ["par", "unfinished"]
    ])
    const shown = await on(file, "show", "par")
    expect(shown.stdout).toMatch(/^ *children +1: 1 [a-z]+$/m)
    const child = await on(file, "show", "par/1/asks//0")
    expect(child.stdout).toMatch(/^ *parent +par$/m)
    expect(shown.stdout).toContain(
      [
        "unanswered intents (3)",
        "  ChildJob  1/asks//0",
        "  Approval  1/asks//1  go: May it go?",
        "  Mail      1/asks//2"
      ].join("\n")
    )
    const { unanswered } = jsonOf(await on(file, "show", "par", "--json"))
    expect(unanswered).toMatchObject([{ kind: "ChildJob" }, { kind: "Approval" }, { kind: "Mail", agent: "asks" }])
    expect(await on(file, "cancel", "par")).toMatchObject({ code: 0, stdout: "■ par was cancelled\n", stderr: "" })
    expect(await standing()).toEqual([
      ["par/1/asks//0", "cancelled"],
      ["par", "cancelled"]
    ])
  })

  it("asks the process that runs a job, and waits for it", async () => {
    const file = join(folder, "ask.db")
    const running = start(["run", module("endless"), "-p", "waiting", "--id", "w", "--store", file, "--json"])
    await running.says(/3 in all/)
    const held = await on(file, "resume", module("endless"))
    expect(held).toMatchObject({ code: 0, stderr: "converge: the job w is run by another process\n" })
    const again = await converge(["run", module("endless"), "-p", "waiting", "--id", "w", "--store", file])
    const where = `in process ${running.process.pid} of this machine`
    const message = `converge: the job was not started: the job w is held by an engine ${where}\n`
    expect(again).toEqual({ code: 3, stdout: "", stderr: message })
    expect(jsonOf(await on(file, "show", "w", "--json"))).toMatchObject({ status: "unfinished", isHeld: true })
    const cancelled = await on(file, "cancel", "w")
    expect(cancelled).toEqual({ code: 0, stdout: "■ w was cancelled\n", stderr: "" })
    const ended = await running.ended
    expect(ended.code).toBe(4)
    expect(jsonOf(ended)).toMatchObject({ status: "cancelled" })
  })
})

describe.concurrent("looking back", () => {
  it("jobs lists the newest first, page by page", async () => {
    const all = jsonOf(await look("jobs", "--json"))
    expect(all).toMatchObject({
      jobs: [{ jobId: "left" }, { jobId: "fa" }, { jobId: "sq", hash, cycle: 6 }],
      cursor: null
    })
    const first = jsonOf(await look("jobs", "--json", "--limit", "2"))
    const second = jsonOf(await look("jobs", "--json", "--limit", "2", "--cursor", String(first["cursor"])))
    expect([first["jobs"], second["jobs"]].flat()).toEqual(all["jobs"])
    const page = await look("jobs", "--program", "squares")
    expect(page).toMatchObject({ code: 0, stderr: "" })
    expect(page.stdout).toMatch(
      /^status +job +program +cycles +created +took\nconverged +sq +squares +7 +20\d\d-.*Z +\d/
    )
  })

  it("show tells how a job stands, with its hash in full", async () => {
    const [page, json, failed, left] = await Promise.all([
      look("show", "sq"),
      look("show", module("count"), "sq", "--json", "--facts"),
      look("show", "--id", "fa"),
      look("show", "left", "--json")
    ])
    expect(page.stdout).toMatch(
      /^✔ sq converged\n {2}It converged after cycle 6\.\n {2}program {6}squares\n {2}cycles used {2}7\n/
    )
    expect(page.stdout).toContain(hash)
    expect(page.stdout).toContain("facts\n  Number  5\n  Square  5\n")
    expect(page.stdout).toContain('"sum": 55')
    expect(jsonOf(json)).toMatchObject({ jobId: "sq", cycles: 7, cycle: 6, hash, output: { sum: 55 }, error: null })
    expect(jsonOf(json)["facts"]).toHaveLength(10)
    expect(failed.stdout).toMatch(/^✖ fa failed\n {2}Agent "break" failed[^\n]* in cycle 2: /)
    expect(jsonOf(json)).toMatchObject({ headline: "It converged after cycle 6." })
    expect(failed.stdout).toContain('AgentFailed: agent "break" failed in cycle 2')
    expect(jsonOf(left)).toMatchObject({ status: "unfinished", cycles: 2, facts: { Step: 3 }, output: null })
  })

  it("replay shows the context after any cycle", async () => {
    const [page, json, beginning] = await Promise.all([
      look("replay", "sq", "--at", "3"),
      look("replay", "--id", "sq", "--facts", "--json"),
      look("replay", module("count"), "sq", "--at", "0", "--json")
    ])
    expect(page.stdout).toMatch(/^sq after cycle 3 {2}tier 1\n[^]*facts\n {2}Number {2}4\n$/)
    expect(jsonOf(json)).toMatchObject({ cycle: 6, hash, version: 10, marks: { count: 5, square: 5 } })
    expect(jsonOf(json)["facts"]).toHaveLength(10)
    expect(jsonOf(beginning)).toMatchObject({ cycle: 0, tier: -1, facts: { Number: 1 }, input: { upTo: 5 } })
  })

  it("diff shows what cycles did", async () => {
    const page = await look("diff", "sq", "4", "6")
    expect(page.stdout).toMatch(
      /^sq: cycle 4 → 6 {2}5 added, 0 revised, 0 removed, 0 evaluations\n\+ Square\/1 {2}square, cycle 6\n/
    )
    const json = jsonOf(await look("diff", "--id", "sq", "--from", "3", "--to", "4", "--json"))
    expect(json).toMatchObject({
      from: { cycle: 3, version: 4 },
      to: { cycle: 4, version: 5 },
      added: [{ kind: "Number", id: "n/5", value: { n: 5 }, provenance: { agent: "count", cycle: 4 } }],
      revised: [],
      removed: []
    })
  })

  it("explain shows where a fact comes from", async () => {
    const page = await look("explain", "sq", "Number/n/2")
    expect(page.stdout).toMatch(
      /^where Number\/n\/2 comes from {2}sq after cycle 6\n {2}Number\/n\/2 {2}\(count, cycle 1\)\n/
    )
    const json = jsonOf(await look("explain", module("count"), "sq", "Square/2", "--json"))
    expect(json).toMatchObject({ jobId: "sq", nodes: [{ id: "2" }, { id: "n/2" }, { id: "n/1" }] })
    const none = await look("explain", "sq", "Number/n/3", "--at", "1")
    expect(none).toMatchObject({ code: 64, stdout: "" })
    expect(none.stderr).toContain("there is no fact Number/n/3; the context holds 2 of that kind")
  })

  it("events show both sides of a conflict, and who gave them", async () => {
    const file = join(folder, "clash.db")
    const run = ["run", join(projectRoot, "test/support/browser/programs.ts"), "-p", "disagrees", "--id", "price"]
    expect((await converge([...run, "--store", file, "--quiet"])).code).toBe(3)
    const page = await on(file, "events", "price")
    expect(page.stdout).toMatch(
      /MergeConflict: Price\/pen is \{.*120.*\} from "shop", and "list" proposed \{.*150.*\}\n/
    )
  })

  it("lineage shows what follows from a fact, or would go without it", async () => {
    const page = await look("lineage", "sq", "Number/n/2")
    expect([page.code, page.stderr]).toEqual([0, ""])
    expect(page.stdout).toMatch(
      /^\d+ facts follow from Number\/n\/2 {2}sq after cycle 6\n(?: {2}\w+\/\S+ {2}\(?[^\n]+\n)+$/
    )
    const json = jsonOf(await look("lineage", "sq", "Number/n/2", "--json"))
    expect(json).toMatchObject({ jobId: "sq", cycle: 6, fact: { kind: "Number", id: "n/2" }, relation: "follows" })
    const names = (found: unknown) =>
      (found as ReadonlyArray<{ kind: string; id: string }>).map(({ id, kind }) => `${kind}/${id}`)
    expect(names(json["facts"])).toContain("Number/n/3")
    expect(names(json["facts"])).not.toContain("Number/n/1")
    // Each names what it comes from directly.
    expect(page.stdout).toMatch(/\n {2}Number\/n\/3 {2}count, cycle 2, from Number\/n\/2\n/)
    expect(page.stdout).toMatch(/\n {2}Number\/n\/4 {2}count, cycle 3, from Number\/n\/3\n/)
    expect((json["facts"] as ReadonlyArray<object>)[0]).toMatchObject({ causes: [0], indirect: [], omitted: 0 })
    const needs = jsonOf(await look("lineage", "sq", "Number/n/2", "--without", "--json"))
    expect(needs["relation"]).toBe("needs")
    expect(names(json["facts"])).toEqual(expect.arrayContaining([...names(needs["facts"])]))
    expect(names(needs["facts"])).toContain("Number/n/3")
    const early = jsonOf(await look("lineage", "sq", "Number/n/2", "--at", "1", "--json"))
    expect(names(early["facts"])).not.toContain("Number/n/3")
    const none = await look("lineage", "sq", "Number/none")
    expect(none).toMatchObject({ code: 64, stdout: "" })
    expect(none.stderr).toContain("there is no fact Number/none")
  })

  it("show cuts a long output, and has all of it with --json and --facts", async () => {
    const file = join(folder, "long.db")
    const text = "z".repeat(50_000)
    await converge([
      "run",
      module("echo"),
      "--quiet",
      "--id",
      "e",
      "--input",
      JSON.stringify({ text }),
      "--store",
      file
    ])
    const page = await on(file, "show", "e")
    expect([page.code, page.stderr]).toEqual([0, ""])
    expect(page.stdout.length).toBeLessThan(10_000)
    expect(page.stdout).toContain("\n  … 42,000 more characters: --json has all\n")
    expect((await on(file, "show", "e", "--facts")).stdout).toContain(text)
    expect(jsonOf(await on(file, "show", "e", "--json"))["output"]).toBe(text)
  })

  it("events prints the log, a line for each", async () => {
    const events = linesOf(await look("events", "sq", "--json"))
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1))
    expect(events.at(-1)).toMatchObject({ _tag: "JobHalted", hash })
    expect(linesOf(await look("events", "sq", "--json", "--after", "20"))).toEqual(events.slice(20))
    const page = await look("events", "sq", "--after", "3")
    expect(page.stdout).toMatch(/^ +4 +1 {2}FactsCommitted {8}count on Number\/n\/1 {2}facts Number\/n\/2\n/)
  })

  it.each([
    [["show", "none"], "there is no job none"],
    [["show"], "which job? Give its id"],
    [["show", "a", "b", "c"], "too many arguments"],
    [["show", "sq", "fa"], 'one job at a time, and not "sq", "fa": the first is no module'],
    [["watch", "sq", "fa"], "one job at a time"],
    [["cancel", "sq", "fa"], "one job at a time"],
    [["delete", "sq", "fa", "--yes"], "one job at a time"],
    [["delete", "sq", "--id", "fa", "--yes"], "one job at a time"],
    [["events", "sq/child", "fa"], "one job at a time"],
    [["explain", "sq", "fa", "Number/n/1"], "one job at a time"],
    [["replay", "sq", "2"], "replay takes the cycle as a flag: --at 2"],
    [["replay", "sq", "--at", "7"], 'the job "sq" has the cycles 0 to 6, not 7'],
    [["diff", "sq", "5"], "diff needs a job and two cycles"],
    [["diff", "sq", "5", "4"], "cycle 5 is after cycle 4"],
    [["explain", "sq"], "explain needs a job and a fact"],
    [["explain", "sq", "Number"], "needs kind/id"],
    [["lineage", "sq"], "lineage needs a job and a fact"],
    [["jobs", "--limit", "0"], "--limit needs a number from 1 to 1000"],
    [["fork", module("count"), "sq", "--fact", "Nmber={}"], 'has no kind "Nmber"; choose one of these:'],
    [["fork", module("count"), "sq", "--fact", "Number"], "needs kind=json"],
    [["fork", module("count"), "sq", "--at", "9"], "has the cycles 0 to 6"]
  ])("%j is refused: %s", async (args, message) => {
    const ended = await look(...args)
    expect(ended).toMatchObject({ code: 64, stdout: "" })
    expect(ended.stderr).toContain(message)
  })

  it("a file that is not there, or is something else, is told apart, and not made", async () => {
    const missing = await on(join(folder, "none.db"), "jobs")
    expect(missing).toMatchObject({ code: 64, stdout: "" })
    expect(missing.stderr).toContain("there is no such file")
    const text = join(folder, "text.db")
    writeFileSync(text, "this is no database, but a text that is long enough to be looked at")
    const foreign = await on(text, "show", "x")
    expect(foreign).toMatchObject({ code: 64, stdout: "" })
    expect(foreign.stderr).toContain("not a SQLite database")
  })

  it("--help has examples, on lines that fit a terminal", async () => {
    for (const command of "resume jobs show cancel replay diff explain lineage events fork verify".split(" ")) {
      const { code, stdout } = await converge([command, "--help"])
      expect(code).toBe(0)
      expect(stdout).toContain("EXAMPLES")
      // The choices of a flag stand on one line.
      const isLong = (line: string): boolean => line.length > 110 && !line.includes("(choices: ")
      expect(stdout.split("\n").filter(isLong)).toEqual([])
    }
  })
})

describe.concurrent("converge fork", () => {
  it("runs a new job from a past cycle, with other facts, and keeps it", async () => {
    const file = join(folder, "fork.db")
    await runCount("squares", ["--quiet", "--id", "sq", "--store", file, "--workers", "0"])
    const args = ["--at", "2", "--fact", 'Number={"n":20}', "--id", "f", "--json", "--quiet", "--workers", "0"]
    const ended = await on(file, "fork", module("count"), "sq", ...args)
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    expect(jsonOf(ended)).toMatchObject({ jobId: "f", status: "converged", output: { sum: 455 }, facts: { Number: 6 } })
    expect(jsonOf(await on(file, "show", "f", "--json"))).toMatchObject({ hash: jsonOf(ended)["hash"] })
    expect(jsonOf(await on(file, "show", "sq", "--json"))).toMatchObject({ hash })
    const counting = ["--quiet", "--json", "--store", file]
    await runCount("counting", [...counting, "--id", "c", "--input", '{"upTo": 2}'])
    const other = await on(file, "fork", module("count"), "c", "--input", '{"upTo": 4}', "--json", "--quiet")
    // The seed of the other input is -3, from which it counts to what was there.
    expect(jsonOf(other)).toMatchObject({ status: "converged", output: 4 })
  })
})

describe.concurrent("converge verify", () => {
  it("runs a program in several ways, which agree", async () => {
    const args = ["--workers", "0,2", "--shuffles", "2", "--json", "--quiet"]
    const ended = await converge(["verify", module("count"), "-p", "squares", ...args])
    expect(ended).toMatchObject({ code: 0, stderr: "" })
    const same = { status: "converged", cycles: 7, hash, isSame: true }
    expect(jsonOf(ended)).toEqual({
      program: "squares",
      isDeterministic: true,
      runs: [
        expect.objectContaining({ workers: 0, shuffle: null, ...same }),
        expect.objectContaining({ workers: 2, shuffle: null, ...same }),
        expect.objectContaining({ workers: 0, shuffle: 1, ...same }),
        expect.objectContaining({ workers: 2, shuffle: 2, ...same })
      ],
      diagnostics: [],
      difference: null
    })
  })

  it("prints diagnostics, and fails on a discarded defect, which no run can differ by", async () => {
    const brief = ["--workers", "0", "--shuffles", "1", "--quiet"]
    const hidden = await converge(["verify", module("count"), "-p", "hiding", ...brief])
    expect(hidden.code).toBe(3)
    expect(hidden.stdout).toMatch(/^✔ hiding is deterministic/)
    expect(hidden.stdout).toContain("✖ hiding discarded 1 defect\n")
    expect(hidden.stdout).toContain("diagnostics (1)\n  cycle 1  breaks on Number/n/1  AgentPanicked: broken")
    const json = jsonOf(await converge(["verify", module("count"), "-p", "hiding", ...brief, "--json"]))
    expect(json).toMatchObject({ isDeterministic: true, diagnostics: [{ cause: { _tag: "AgentPanicked" } }] })
    // A cause that an agent can foresee is printed, and is no defect.
    const foreseen = await converge(["verify", module("count"), "-p", "discarding", ...brief])
    expect(foreseen.code).toBe(0)
    expect(foreseen.stdout).toContain("diagnostics (12)\n")
  })

  it("names the first cycle and task that differ", async () => {
    const args = ["verify", module("fickle"), "--workers", "0", "--shuffles", "1", "--quiet"]
    const ended = await converge([...args, "--json"])
    expect(ended.code).toBe(3)
    expect(jsonOf(ended)).toMatchObject({
      isDeterministic: false,
      runs: [{ isSame: true }, { isSame: false, shuffle: 1 }],
      difference: {
        shuffle: 1,
        what: "cycle",
        cycle: 3,
        outcome: 1,
        agent: "count",
        each: ["Number", "2"],
        expected: { facts: [{ kind: "Number", value: { n: 3, call: 1 } }] },
        found: { facts: [{ kind: "Number", value: { n: 3, call: 2 } }] }
      }
    })
    const page = await converge(args)
    expect(page.stdout).toMatch(/^✖ fickle is not deterministic\n/)
    expect(page.stdout).toContain('first difference: cycle 3, outcome 2, agent "count" on Number/2')
  })

  it("checks the journals of a store, and names the row that is not what was written", async () => {
    const file = join(folder, "verify.db")
    for (const id of ["one", "two"]) await runCount("counting", ["--quiet", "--id", id, "--store", file])
    const intact = await on(file, "verify")
    expect(intact).toMatchObject({ code: 0, stderr: "" })
    // The run counted 6: the turn that found nothing to do is one.
    expect(intact.stdout).toBe("✔ 2 journals: all intact  12 cycles\n")
    const database = new DatabaseSync(file)
    database.exec(`UPDATE converge_rows SET text = replace(text, '"n":-1', '"n":-2')
      WHERE cycle = 3 AND job = (SELECT id FROM converge_jobs WHERE job_id = 'two')`)
    database.close()
    const all = await on(file, "verify", "--json")
    expect(all.code).toBe(3)
    expect(jsonOf(all)).toMatchObject({
      isIntact: false,
      jobs: [
        { jobId: "two", isIntact: false, cycles: 2, corrupt: { cycle: 3, part: "hash" } },
        { jobId: "one", isIntact: true, cycles: 6 }
      ]
    })
    const summed = await on(file, "verify")
    expect(summed.stdout).toMatch(/^✖ 1 of 2 journals corrupt\n {2}✖ two {2}the row of cycle 3: hash\n/)
    expect(summed.stdout).not.toContain("one")
    const intactOne = await on(file, "verify", "one")
    expect(intactOne).toMatchObject({ code: 0 })
    expect(intactOne.stdout).toMatch(/^✔ 1 journal: all intact {2}6 cycles\n {2}✔ one {2}6 cycles {2}[0-9a-f]{64}\n$/)
    const one = await on(file, "verify", "two")
    expect(one.code).toBe(3)
    expect(one.stdout).toContain("✖ two  the row of cycle 3: hash\n")
    expect(one.stdout).toMatch(/intact +up to cycle 2, [0-9a-f]{64}\n$/)
    // Everything before it can be read, and nobody goes on with it.
    expect((await on(file, "replay", "two", "--at", "2")).code).toBe(0)
    const read = await on(file, "replay", "two")
    expect(read).toMatchObject({ code: 3, stdout: "" })
    expect(read.stderr).toContain("the row of cycle 3 of job two is not what was written: hash: expected ")
    expect((await on(file, "show", "two")).code).toBe(3)
  })

  it("refuses what it cannot check", async () => {
    for (const args of [[], ["a", "b"], [module("count"), "-p", "squares", "--workers", "x"]]) {
      expect((await converge(["verify", ...args])).code).toBe(64)
    }
    expect((await look("verify", "none")).code).toBe(64)
  })
})
